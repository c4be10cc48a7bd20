//! RequestAuthentications and AuthorizationPolicies as the section `jwt`.

use super::entry::Entry;
use super::formula::{Formula, Spaced};
use super::place::Place;
use super::policy::{self, Action, Policy};
use super::regions::Policies;
use super::report::{Finding, Report};
use super::resource::{Kind, Resource};
use super::tree::Tree;
use crate::names::safe;
use crate::report::Refused;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Claims that Istio always reads as lists with spaces.
const SPACED: [&str; 2] = ["permission", "scope"];

/// The sections that tokens need.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) attributes: Vec<(String, Tree)>,
    pub(crate) jwt: Option<Tree>,
    /// The resources that are in it.
    pub(crate) imported: Vec<String>,
}

/// Which workloads a resource is for.
#[derive(PartialEq)]
struct Scope<'v> {
    namespace: &'v str,
    selector: Value,
    targets: Value,
}

impl<'v> Scope<'v> {
    fn of(resource: &'v Resource<'v>) -> Self {
        let spec = resource.place.value.get("spec");
        let part = |name: &str| spec.and_then(|spec| spec.get(name)).cloned().unwrap_or_default();
        let selector = part("selector").get("matchLabels").cloned().unwrap_or_default();
        let selector = if selector.as_object().is_some_and(Map::is_empty) { Value::Null } else { selector };
        let targets = [part("targetRefs"), part("targetRef")].into_iter().find(|it| !it.is_null());
        Self { namespace: &resource.namespace, selector, targets: targets.unwrap_or_default() }
    }

    /// Where the plugin must run.
    fn note(&self, resource: &Resource<'_>) -> Finding {
        let workloads = match (&self.selector, &self.targets) {
            (Value::Null, Value::Null) => format!("of the namespace {}", self.namespace),
            (Value::Null, targets) => format!("that {targets} names, in the namespace {}", self.namespace),
            (selector, _) => format!("with the labels {selector} in the namespace {}", self.namespace),
        };
        let message =
            format!("the plugin must run at the workloads {workloads}, for the requests that they get");
        resource.finding(message, &resource.place)
    }
}

/// Makes the sections of what the file has: of all its tokens, or of none. What is left behind with Istio must not ask
/// for tokens that Istio no longer verifies, and an issuer must not be unknown to the one that does.
pub(crate) fn read(resources: &[Resource<'_>], report: &mut Report) -> Tokens {
    let of_kind = |kind: Kind| resources.iter().filter(move |it| it.kind == kind);
    let mut scope: Option<Scope<'_>> = None;
    let mut builder = Builder::default();
    let mut taken: Vec<&Resource<'_>> = Vec::new();
    for resource in of_kind(Kind::RequestAuthentication) {
        let own = Scope::of(resource);
        if scope.as_ref().is_some_and(|known| *known != own) {
            let message = "it is for other workloads than the one before: import the resources of each by themselves, \
                           for a plugin of their own";
            report.left_out.push(resource.finding(message, &resource.place));
            continue;
        }
        match builder.authentication(resource) {
            Ok(()) => {
                builder.notes.push(own.note(resource));
                scope = Some(own);
                taken.push(resource);
            }
            Err(refused) => report.left_out.push(Finding::refused(&resource.label, refused)),
        }
    }
    let (policies, left): (Vec<_>, Vec<_>) = of_kind(Kind::AuthorizationPolicy)
        .partition(|resource| scope.as_ref().is_some_and(|known| *known == Scope::of(resource)));
    let mut unlucky = None;
    for resource in left {
        if !decides(resource) {
            report.stays.push(resource.finding("it decides nothing", &resource.place));
            continue;
        }
        let message = "it needs a RequestAuthentication for the same workloads in the file";
        report.left_out.push(resource.finding(message, &resource.place));
        if allows(resource) {
            unlucky = Some(resource.label.clone());
        }
    }
    taken.extend(builder.policies(&policies, unlucky, report));
    let is_taken = |it: &&Resource<'_>| taken.iter().any(|taken| taken.pointer() == it.pointer());
    let behind = of_kind(Kind::RequestAuthentication).find(|it| !is_taken(it)).or_else(|| {
        of_kind(Kind::AuthorizationPolicy).find(|it| !is_taken(it) && decides(it) && mentions_tokens(it))
    });
    if let Some(behind) = behind {
        let message =
            format!("{} stays with Istio and needs tokens there, so this stays as well", behind.label);
        report.left_out.extend(taken.iter().map(|it| it.finding(&message, &it.place)));
        return Tokens::default();
    }
    builder.tokens.imported = taken.iter().map(|it| it.label.clone()).collect();
    builder.finish(report)
}

/// Whether Istio enforces a policy. One whose action cannot be read does, as far as anybody knows.
fn decides(policy: &Resource<'_>) -> bool {
    // As Go reads a boolean, which is how Istio does it.
    let is_dry = policy
        .annotation("istio.io/dry-run")
        .is_some_and(|text| ["1", "t", "T", "true", "TRUE", "True"].contains(&text));
    let action = policy.spec().and_then(|spec| policy::action(&spec));
    !is_dry && !matches!(action, Ok(None))
}

/// Whether a policy allows: a request needs one of all those that do.
fn allows(policy: &Resource<'_>) -> bool {
    // Without a `spec` it is one that allows nothing.
    policy.spec().map_or(true, |spec| matches!(policy::action(&spec), Ok(Some(Action::Allow))))
}

/// Whether a policy has anything to do with tokens, also where it cannot be read.
fn mentions_tokens(policy: &Resource<'_>) -> bool {
    let text = policy.place.value.to_string();
    text.contains("request.auth.") || text.contains("equestPrincipals")
}

#[derive(Default)]
struct Builder {
    tokens: Tokens,
    providers: Vec<(String, Tree)>,
    spaced: Option<BTreeSet<String>>,
    /// What the policies say; none if no policy is imported.
    rules: Option<Vec<(Vec<Entry>, Formula)>>,
    used: BTreeSet<String>,
    notes: Vec<Finding>,
    /// Headers that Istio writes or removes between a client and the policies, in lower case.
    changed: BTreeSet<String>,
}

impl Builder {
    fn authentication(&mut self, resource: &Resource<'_>) -> Result<(), Refused> {
        let spec = resource.spec()?;
        spec.known(&["selector", "targetRef", "targetRefs", "jwtRules"])?;
        let rules = spec.items("jwtRules")?;
        if rules.is_empty() {
            return Err(spec.refuse("it has no jwtRules"));
        }
        let mut providers = Vec::new();
        let mut spaced = self.spaced.clone();
        let mut notes = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let own: BTreeSet<String> =
                rule.texts_of("spaceDelimitedClaims")?.into_iter().chain(SPACED.map(str::to_owned)).collect();
            if spaced.as_ref().is_some_and(|known| *known != own) {
                return Err(rule.refuse("`spaceDelimitedClaims` differs from that of another rule"));
            }
            spaced = Some(own);
            let base = safe(&resource.name);
            let name = if rules.len() == 1 { base } else { format!("{base}-{}", index + 1) };
            if name == "none" || self.providers.iter().any(|(known, _)| *known == name) {
                return Err(
                    rule.refuse(format!("{name:?} cannot be the name of a provider: rename the resource"))
                );
            }
            let (provider, remote) = provider(rule)?;
            if let Some(host) = remote {
                let message = format!(
                    "{}: Weir fetches keys through the proxy, which needs a ServiceEntry for {host}; istiod fetched them by itself",
                    rule.path
                );
                notes.push(resource.finding(message, rule));
            }
            let comment = format!("{}, {}.", resource.label, rule.path);
            providers.push((name, provider.commented(vec![comment])));
        }
        for rule in &rules {
            self.changed.extend(changed_headers(rule)?);
        }
        self.spaced = spaced;
        self.providers.extend(providers);
        self.notes.extend(notes);
        Ok(())
    }

    /// Takes the policies that can be expressed. Those that allow are joined by "or", so that they come together or not
    /// at all; each that denies is for itself. `unlucky` is one that allows and is left out already. Returns those that
    /// are taken.
    fn policies<'r, 'v>(
        &mut self,
        resources: &[&'r Resource<'v>],
        mut unlucky: Option<String>,
        report: &mut Report,
    ) -> Vec<&'r Resource<'v>> {
        let mut spaced = Spaced { names: self.spaced.clone().unwrap_or_default(), ..Spaced::default() };
        let mut read: Vec<(&'r Resource<'v>, Policy)> = Vec::new();
        for &resource in resources {
            if !decides(resource) {
                report.stays.push(resource.finding("it decides nothing", &resource.place));
                continue;
            }
            let policy = resource.spec().and_then(|spec| {
                let action = policy::action(&spec)?.unwrap_or(Action::Deny);
                policy::read(&spec, action, &self.changed, &mut spaced)
            });
            match policy {
                Ok(policy) => read.push((resource, policy)),
                Err(refused) => {
                    if allows(resource) {
                        unlucky = Some(resource.label.clone());
                    }
                    report.left_out.push(Finding::refused(&resource.label, refused));
                }
            }
        }
        let asks = |action: Action, read: &[(&Resource<'_>, Policy)]| {
            read.iter().any(|(_, it)| it.action == action && it.asks_for_tokens())
        };
        let keep_allow = unlucky.is_none() && asks(Action::Allow, &read);
        let mut policies = Policies::default();
        let mut taken = Vec::new();
        for (resource, policy) in read {
            let keep = match policy.action {
                Action::Allow => keep_allow,
                Action::Deny => policy.asks_for_tokens(),
            };
            if keep {
                match policy.action {
                    Action::Allow => policies.allow.get_or_insert_default().extend(policy.grants),
                    Action::Deny => policies.deny.extend(policy.grants),
                }
                taken.push(resource);
            } else if let (Action::Allow, Some(other)) = (policy.action, &unlucky) {
                let message = format!(
                    "a request needs one policy that allows it, and {other} is left out: both stay with Istio"
                );
                report.left_out.push(resource.finding(message, &resource.place));
            } else {
                report.stays.push(resource.finding("it asks for no token", &resource.place));
            }
        }
        if taken.is_empty() {
            return taken;
        }
        match policies.rules() {
            Ok(rules) => {
                self.used = spaced.used;
                self.rules = Some(rules);
                taken
            }
            Err(why) => {
                report.left_out.extend(taken.iter().map(|it| it.finding(why.to_string(), &it.place)));
                Vec::new()
            }
        }
    }

    fn finish(self, report: &mut Report) -> Tokens {
        let Self { mut tokens, providers, rules, used, notes, .. } = self;
        if providers.is_empty() {
            return tokens;
        }
        report.notes.extend(notes);
        let names: Vec<String> = providers.iter().map(|(name, _)| name.clone()).collect();
        let any = match names.as_slice() {
            [one] => json!(one),
            several => json!({"any": several}),
        };
        let optional = || json!({"optional": any});
        let mut members = vec![("providers".to_owned(), Tree::Map(providers))];
        let list = match rules {
            None => {
                // As in Istio. With policies, a preflight needs what they ask for.
                members.push(("bypassCorsPreflight".to_owned(), true.into()));
                let comment = "Without a token a request passes; with an invalid one it does not.".to_owned();
                vec![Tree::map([("requires", optional().into())]).commented(vec![comment])]
            }
            Some(rules) => rules.iter().map(|(regions, asks)| rule(regions, asks, optional())).collect(),
        };
        members.push(("rules".to_owned(), Tree::List(list)));
        let spaced = |name: String| {
            let source = json!({"claim": name, "type": "list", "separator": " "});
            (name, Tree::Value(source))
        };
        tokens.attributes = used.into_iter().map(spaced).collect();
        tokens.jwt = Some(Tree::Map(members));
        tokens
    }
}

/// The headers that Istio writes of a token, and those that it removes with it, in lower case.
fn changed_headers(rule: &Place<'_>) -> Result<Vec<String>, Refused> {
    let mut names: Vec<String> =
        rule.text_of("outputPayloadToHeader")?.map(str::to_owned).into_iter().collect();
    for item in rule.items("outputClaimToHeaders")? {
        names.extend(item.text_of("header")?.map(str::to_owned));
    }
    if !rule.flag("forwardOriginalToken")? {
        names.push("authorization".to_owned());
        for item in rule.items("fromHeaders")? {
            names.extend(item.text_of("name")?.map(str::to_owned));
        }
    }
    Ok(names.iter().map(|name| name.to_ascii_lowercase()).collect())
}

fn rule(regions: &[Entry], asks: &Formula, optional: Value) -> Tree {
    let mut members = Vec::new();
    if !regions.iter().any(Entry::is_all) {
        let list = regions.iter().map(|region| region.to_json().into()).collect();
        members.push(("match".to_owned(), Tree::List(list)));
    }
    if asks.without_token() {
        members.push(("requires".to_owned(), optional.into()));
    }
    if *asks != Formula::Always {
        members.push(("require".to_owned(), asks.condition().into()));
    }
    let comment = (*asks == Formula::Never).then(|| "Nothing allows these.".to_owned());
    Tree::Map(members).commented(comment.into_iter().collect())
}

/// A rule of `jwtRules`, and the host that has its keys.
fn provider<'v>(rule: &Place<'v>) -> Result<(Tree, Option<String>), Refused> {
    rule.known(&[
        "issuer",
        "audiences",
        "jwksUri",
        "jwks",
        "fromHeaders",
        "fromParams",
        "fromCookies",
        "forwardOriginalToken",
        "outputPayloadToHeader",
        "outputClaimToHeaders",
        "timeout",
        "spaceDelimitedClaims",
    ])?;
    let Some(issuer) = rule.text_of("issuer")? else {
        return Err(rule.refuse("has no `issuer`"));
    };
    let mut members: Vec<(String, Tree)> = vec![("issuer".to_owned(), issuer.into())];
    let audiences = rule.texts_of("audiences")?;
    if !audiences.is_empty() {
        members.push(("audiences".to_owned(), json!(audiences).into()));
    }
    let (keys, host) = keys(rule, issuer)?;
    members.push(("jwks".to_owned(), keys.into()));
    let from = sources(rule)?;
    if !from.is_empty() {
        members.push(("from".to_owned(), Value::Object(from).into()));
    }
    if rule.flag("forwardOriginalToken")? {
        members.push(("forward".to_owned(), true.into()));
    }
    if let Some(header) = rule.text_of("outputPayloadToHeader")? {
        members.push(("payloadHeader".to_owned(), header.into()));
    }
    let mut headers = Vec::new();
    for item in rule.items("outputClaimToHeaders")? {
        item.known(&["header", "claim"])?;
        let (header, claim) = (item.text_of("header")?, item.text_of("claim")?);
        let (Some(header), Some(claim)) = (header, claim) else {
            return Err(item.refuse("needs `header` and `claim`"));
        };
        let claim =
            if claim.contains('.') { json!(claim.split('.').collect::<Vec<_>>()) } else { json!(claim) };
        headers.push(json!({"claim": claim, "header": header, "format": "text"}).into());
    }
    // Without it Weir has headers of its own.
    let headers = if headers.is_empty() { Tree::Value(json!([])) } else { Tree::List(headers) };
    members.push(("claimsToHeaders".to_owned(), headers));
    Ok((Tree::Map(members), host))
}

fn keys(rule: &Place<'_>, issuer: &str) -> Result<(Value, Option<String>), Refused> {
    match (rule.text_of("jwks")?, rule.text_of("jwksUri")?) {
        (Some(_), Some(_)) => Err(rule.refuse("has both `jwks` and `jwksUri`")),
        (None, None) => Err(rule.refuse(format!(
            "has neither `jwks` nor `jwksUri`: istiod looks for keys in {}/.well-known/openid-configuration; add the \
             `jwks_uri` that is there as `jwksUri`",
            issuer.trim_end_matches('/')
        ))),
        (Some(text), None) => {
            let keys = serde_json::from_str::<Value>(text).unwrap_or_else(|_| text.into());
            Ok((json!({"inline": keys}), None))
        }
        (None, Some(uri)) => {
            let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
            let authority = rest.split(['/', '?']).next().unwrap_or_default();
            let default = match scheme {
                "https" => "443",
                "http" => "80",
                _ => return Err(rule.refuse(format!("{uri:?} is not a URL of http or https"))),
            };
            let (host, port) = authority.rsplit_once(':').unwrap_or((authority, default));
            let mut remote = json!({"cluster": format!("outbound|{port}||{host}"), "uri": uri});
            if let (Some(timeout), Value::Object(remote)) = (rule.text_of("timeout")?, &mut remote) {
                remote.insert("timeout".to_owned(), timeout.into());
            }
            Ok((json!({"remote": remote}), Some(host.to_owned())))
        }
    }
}

fn sources(rule: &Place<'_>) -> Result<Map<String, Value>, Refused> {
    let mut from = Map::new();
    let mut headers = Vec::new();
    for item in rule.items("fromHeaders")? {
        item.known(&["name", "prefix"])?;
        let Some(name) = item.text_of("name")? else { return Err(item.refuse("has no `name`")) };
        headers.push(match item.text_of("prefix")? {
            Some(prefix) => json!({"name": name, "valuePrefix": prefix}),
            None => json!({"name": name}),
        });
    }
    if !headers.is_empty() {
        from.insert("headers".to_owned(), headers.into());
    }
    for (istio, own) in [("fromParams", "params"), ("fromCookies", "cookies")] {
        let names = rule.texts_of(istio)?;
        if !names.is_empty() {
            from.insert(own.to_owned(), names.into());
        }
    }
    Ok(from)
}
