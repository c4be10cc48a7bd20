//! AuthorizationPolicies that ask for tokens.

use super::entry::{Entry, Field, Text};
use super::formula::{Formula, Spaced, claim, text};
use super::place::Place;
use super::regions::Grant;
use crate::report::Refused;
use std::collections::BTreeSet;

/// Why a part stays with Istio.
const OF_ISTIO: &str = "is not a part of a token or of the request line, so that the policy stays with Istio";

/// What a policy does with requests that one of its rules is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Allow,
    Deny,
}

/// A policy that was understood.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) action: Action,
    pub(crate) grants: Vec<Grant>,
}

impl Policy {
    /// Whether a rule asks for a token.
    pub(crate) fn asks_for_tokens(&self) -> bool {
        self.grants.iter().any(|it| !matches!(it.asks, Formula::Always | Formula::Never))
    }
}

/// What the action of a policy is; `None` if it decides nothing.
pub(crate) fn action(spec: &Place<'_>) -> Result<Option<Action>, Refused> {
    Ok(Some(match spec.text_of("action")? {
        None | Some("ALLOW") => Action::Allow,
        Some("DENY") => Action::Deny,
        Some("AUDIT") => return Ok(None),
        Some(_) => {
            let place = spec.get("action").unwrap_or_else(|| spec.clone());
            return Err(place.refuse("only ALLOW and DENY have an equivalent"));
        }
    }))
}

/// Reads a policy with this action. Of the headers in `changed` it does not see what the client sent.
pub(crate) fn read(
    spec: &Place<'_>,
    action: Action,
    changed: &BTreeSet<String>,
    spaced: &mut Spaced,
) -> Result<Policy, Refused> {
    spec.known(&["selector", "targetRef", "targetRefs", "rules", "action"])?;
    let mut grants = Vec::new();
    for rule in spec.items("rules")? {
        rule.known(&["from", "to", "when"])?;
        let mut asks = vec![sources(&rule)?];
        let mut headers = Sets::default();
        for when in rule.items("when")? {
            condition(&when, &mut asks, &mut headers, changed, spaced)?;
        }
        let asks = Formula::all(asks);
        let mut operations = Vec::new();
        for to in rule.items("to")? {
            to.known(&["operation"])?;
            let mut sets = headers.clone();
            sets.operation(&to.get("operation").ok_or_else(|| to.refuse("has no `operation`"))?)?;
            operations.push(sets);
        }
        if operations.is_empty() {
            operations.push(headers);
        }
        for sets in operations {
            let outside =
                sets.exceptions().ok_or_else(|| rule.refuse("its exceptions overlap with what it is for"))?;
            grants.push(Grant { within: sets.within, outside, asks: asks.clone() });
        }
    }
    Ok(Policy { action, grants })
}

fn sources(rule: &Place<'_>) -> Result<Formula, Refused> {
    let mut any = Vec::new();
    for from in rule.items("from")? {
        from.known(&["source"])?;
        let source = from.get("source").ok_or_else(|| from.refuse("has no `source`"))?;
        for (name, _) in rule_members(&source) {
            if !matches!(name, "requestPrincipals" | "notRequestPrincipals") {
                let place = source.get(name).unwrap_or_else(|| source.clone());
                return Err(place.refuse(OF_ISTIO));
            }
        }
        let values = source.texts_of("requestPrincipals")?;
        let others = source.texts_of("notRequestPrincipals")?;
        any.push(both(&values, &others, principals));
    }
    Ok(if any.is_empty() { Formula::Always } else { Formula::any(any) })
}

fn rule_members<'v>(place: &Place<'v>) -> impl Iterator<Item = (&'v str, &'v serde_json::Value)> {
    let members = place.value.as_object().into_iter().flatten();
    members.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.as_str(), value))
}

/// One of `values`, and none of `others`; an empty list asks for nothing.
fn both(values: &[String], others: &[String], mut test: impl FnMut(&[String]) -> Formula) -> Formula {
    let mut parts = Vec::new();
    if !values.is_empty() {
        parts.push(test(values));
    }
    if !others.is_empty() {
        parts.push(test(others).not());
    }
    Formula::all(parts)
}

/// The issuer and the subject of a token, with a slash between them.
fn principals(values: &[String]) -> Formula {
    let one = |value: &String| {
        let (issuer, subject) = match value.rsplit_once('/') {
            Some((issuer, subject)) => (issuer.to_owned(), subject.to_owned()),
            None if value == "*" => ("*".to_owned(), "*".to_owned()),
            // Without a slash a star stands for the part that is missing.
            None if value.starts_with('*') => ("*".to_owned(), value.clone()),
            None if value.ends_with('*') => (value.clone(), "*".to_owned()),
            None => (value.clone(), String::new()),
        };
        // A star in the middle is none.
        let is_first = value.starts_with('*');
        let whole = |name: &str, text: String| Formula::Is(serde_json::json!({name: {"$eq": text}}));
        let issuer =
            if is_first || !value.contains('/') { text("iss", &issuer) } else { whole("iss", issuer) };
        let subject =
            if is_first && value.contains('/') { whole("sub", subject) } else { text("sub", &subject) };
        // Each provider has its issuer.
        let issuer = if issuer == text("iss", "*") { Formula::Always } else { issuer };
        Formula::all(vec![issuer, subject])
    };
    Formula::any(values.iter().map(one).collect())
}

fn condition(
    when: &Place<'_>,
    asks: &mut Vec<Formula>,
    headers: &mut Sets,
    changed: &BTreeSet<String>,
    spaced: &mut Spaced,
) -> Result<(), Refused> {
    when.known(&["key", "values", "notValues"])?;
    let key = when.text_of("key")?.unwrap_or_default();
    let (values, others) = (when.texts_of("values")?, when.texts_of("notValues")?);
    if values.is_empty() && others.is_empty() {
        return Err(when.refuse("has neither `values` nor `notValues`"));
    }
    let path = match key {
        "request.auth.principal" => {
            asks.push(both(&values, &others, principals));
            return Ok(());
        }
        "request.auth.audiences" => vec!["aud".to_owned()],
        "request.auth.presenter" => vec!["azp".to_owned()],
        _ => match (key.strip_prefix("request.auth.claims"), key.strip_prefix("request.headers")) {
            (Some(names), _) => {
                brackets(names).ok_or_else(|| when.refuse(format!("{key:?} names no claim")))?
            }
            (_, Some(name)) => {
                let name = brackets(name).filter(|names| names.len() == 1);
                let name = name.ok_or_else(|| when.refuse(format!("{key:?} names no header")))?.concat();
                let name = name.to_ascii_lowercase();
                if changed.contains(&name) {
                    return Err(when.refuse(
                        "Istio writes or removes this header when it verifies a token, and rules are chosen by what the \
                         client sent: test the claim",
                    ));
                }
                return headers.add(&Field::Header(name), &values, &others, when);
            }
            (None, None) => return Err(when.refuse(format!("`{key}` {OF_ISTIO}"))),
        },
    };
    asks.push(both(&values, &others, |values| claim(&path, values, spaced)));
    Ok(())
}

/// `[a][b]` as its names.
fn brackets(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let names: Vec<String> = inner.split("][").map(str::to_owned).collect();
    names.iter().all(|name| !name.is_empty() && !name.contains(['[', ']'])).then_some(names)
}

/// The requests that an operation is for.
#[derive(Clone, Debug)]
struct Sets {
    within: Vec<Entry>,
    outside: Vec<Entry>,
}

impl Default for Sets {
    fn default() -> Self {
        Self { within: vec![Entry::default()], outside: Vec::new() }
    }
}

impl Sets {
    /// What is left out of the requests that it is for, and no others: each set more is a region of its own.
    fn exceptions(&self) -> Option<Vec<Entry>> {
        let pairs = self.outside.iter().flat_map(|out| self.within.iter().map(move |within| (within, out)));
        pairs.filter(|(within, out)| !within.is_apart(out)).map(|(within, out)| within.meet(out)).collect()
    }

    fn operation(&mut self, operation: &Place<'_>) -> Result<(), Refused> {
        let names = ["hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"];
        for (name, _) in rule_members(operation) {
            if !names.contains(&name) {
                let place = operation.get(name).unwrap_or_else(|| operation.clone());
                return Err(place.refuse(OF_ISTIO));
            }
        }
        let fields = [
            ("hosts", "notHosts", Field::Authority),
            ("methods", "notMethods", Field::Method),
            ("paths", "notPaths", Field::Uri),
        ];
        for (yes, no, field) in fields {
            self.add(&field, &operation.texts_of(yes)?, &operation.texts_of(no)?, operation)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        field: &Field,
        values: &[String],
        others: &[String],
        at: &Place<'_>,
    ) -> Result<(), Refused> {
        if let Some(template) =
            values.iter().chain(others).find(|it| *field == Field::Uri && it.contains(['{', '}']))
        {
            return Err(at.refuse(format!(
                "the path template {template:?} has no equivalent, so that the policy stays with Istio"
            )));
        }
        if !values.is_empty() {
            let mut within = Vec::new();
            for test in tests(values) {
                for set in &self.within {
                    let part = part(field, &test);
                    if !set.is_apart(&part) {
                        within.push(set.meet(&part).ok_or_else(|| at.refuse("tests one header twice"))?);
                    }
                }
            }
            self.within = within;
        }
        self.outside.extend(tests(others).iter().map(|test| part(field, test)));
        Ok(())
    }
}

/// The requests that pass a test. Each has a host, a method and a path.
fn part(field: &Field, test: &Text) -> Entry {
    let is_given = !matches!(field, Field::Header(_)) && *test == Text::Present;
    if is_given { Entry::default() } else { Entry::of(field.clone(), test.clone()) }
}

/// Values as tests: those without a star are one.
fn tests(values: &[String]) -> Vec<Text> {
    let mut whole = Vec::new();
    let mut tests = Vec::new();
    for value in values {
        match (value.as_str(), value.strip_prefix('*'), value.strip_suffix('*')) {
            ("*", ..) => tests.push(Text::Present),
            (_, Some(end), _) => tests.push(Text::Suffix(end.to_owned())),
            (_, None, Some(start)) => tests.push(Text::Prefix(start.to_owned())),
            (one, None, None) => whole.push(one.to_owned()),
        }
    }
    match whole.len() {
        0 => {}
        1 => tests.push(Text::Exact(whole.concat())),
        _ => tests.push(Text::In(whole)),
    }
    tests
}
