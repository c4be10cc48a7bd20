//! Istio's resources as a Weir configuration.
//!
//! Pure: documents in; a configuration, the VirtualServices that go with it, and a report out. A resource of which any
//! part has no equivalent is left out as a whole, and stays with Istio as it is.
//!
//! Rules have the matches of routes, in the order of routes, and set a header that names the route. Istio's own
//! routes follow that header, with all that Weir does not do: rewrites, timeouts, retries, mirrors. What Envoy does with
//! the same resources is held against it by `tests/tests/istio/imported.rs`.

mod destination;
mod entry;
mod fault;
mod formula;
mod hosts;
mod matches;
mod place;
mod policy;
mod regions;
mod report;
mod resource;
mod routes;
mod service;
mod tokens;
mod tree;

pub use report::{Finding, Report};
pub use resource::Options;
pub use tree::Tree;

use crate::names::safe;
use crate::report::Refused;
use crate::unsupported::Unsupported;
use destination::Subsets;
use place::Place;
use resource::{Kind, Resource};
use serde_json::Value;
use service::Service;
use std::collections::BTreeMap;
use tokens::Tokens;

/// What came of resources.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The configuration; none if it would be empty.
    pub configuration: Option<Tree>,
    /// The VirtualServices with a route for each value of the header, in place of those that are imported.
    pub routes: Vec<Tree>,
    /// What is in it, what is left out, and why.
    pub report: Report,
}

/// Turns resources into a configuration.
///
/// ```
/// use serde_json::json;
/// use weir_definitions::istio::{Imported, Options, import};
///
/// // 10 % of the requests for /cart go to another version.
/// let service = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
///     "metadata": {"name": "shop"}, "spec": {"hosts": ["shop"], "http": [
///         {"match": [{"uri": {"prefix": "/cart"}}], "route": [
///             {"destination": {"host": "shop", "subset": "v1"}, "weight": 90},
///             {"destination": {"host": "shop", "subset": "v2"}, "weight": 10}]},
///         {"route": [{"destination": {"host": "shop", "subset": "v1"}}]}]}});
/// let Imported { configuration, routes, report } = import(&[service], &Options::default())?;
/// assert_eq!(report.imported, ["VirtualService shop"]);
/// let configuration = configuration.map(|tree| tree.to_json()).unwrap_or_default();
/// assert_eq!(configuration.pointer("/routing/rules/0/match/0/uri"), Some(&json!({"prefix": "/cart"})));
/// assert_eq!(routes.len(), 1, "the VirtualService whose routes follow Weir's header");
/// # Ok::<(), weir_definitions::Unsupported>(())
/// ```
///
/// # Errors
/// When a document is not a resource, or none is of a kind that can be imported.
pub fn import(documents: &[Value], options: &Options) -> Result<Imported, Unsupported> {
    let mut resources = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        collect(Place::document(document, index), &mut resources)?;
    }
    if resources.iter().all(|it| matches!(it.kind, Kind::Other | Kind::DestinationRule)) {
        return Err("no VirtualService, RequestAuthentication or AuthorizationPolicy of Istio in it".into());
    }
    let mut refused: BTreeMap<String, Refused> = BTreeMap::new();
    let mut with_tokens = true;
    // What a module would refuse is left out; the whole is validated once, and once more after something was left out.
    loop {
        let attempt = attempt(&resources, options, &refused, with_tokens);
        let Some(configuration) = &attempt.imported.configuration else { return Ok(attempt.imported) };
        let problems = problems(configuration, &attempt);
        if problems.is_empty() {
            return Ok(attempt.imported);
        }
        let before = (refused.len(), with_tokens);
        let first = problems.first().map(|(_, why)| why.clone()).unwrap_or_default();
        for (pointer, why) in problems {
            with_tokens &= pointer.is_some();
            let at = pointer.clone().unwrap_or_default();
            refused.entry(at.clone()).or_insert(Refused { message: why, at });
        }
        // A problem of no single resource, such as too many rules, would be there in each further attempt.
        if before == (refused.len(), with_tokens) {
            return Err(first.into());
        }
    }
}

/// A configuration, and which resource each part of it is from.
struct Attempt {
    imported: Imported,
    /// The pointers of the VirtualServices of rules and of faults.
    rules: Vec<String>,
    faults: Vec<String>,
}

fn collect<'v>(place: Place<'v>, resources: &mut Vec<Resource<'v>>) -> Result<(), Unsupported> {
    if place.value.is_null() {
        return Ok(());
    }
    let text = |name: &str| place.value.get(name).and_then(Value::as_str);
    let (Some(kind), Some(version)) = (text("kind"), text("apiVersion")) else {
        return Err("not a resource of Kubernetes: expected `apiVersion` and `kind`".into());
    };
    if kind.ends_with("List") && place.get("items").is_some() {
        let items = place.items("items").map_err(|refused| refused.message)?;
        return items.into_iter().try_for_each(|item| collect(item, resources));
    }
    let group = version.split('/').next().unwrap_or_default();
    let known = match (group, kind) {
        ("networking.istio.io", "VirtualService") => Kind::VirtualService,
        ("networking.istio.io", "DestinationRule") => Kind::DestinationRule,
        ("security.istio.io", "RequestAuthentication") => Kind::RequestAuthentication,
        ("security.istio.io", "AuthorizationPolicy") => Kind::AuthorizationPolicy,
        _ => Kind::Other,
    };
    let metadata = |name: &str| place.value.get("metadata")?.get(name)?.as_str();
    let name = metadata("name").unwrap_or_default().to_owned();
    let namespace = metadata("namespace").filter(|it| !it.is_empty()).unwrap_or("default").to_owned();
    let label = if name.is_empty() { kind.to_owned() } else { format!("{kind} {name}") };
    resources.push(Resource { kind: known, name, namespace, label, place });
    Ok(())
}

fn attempt(
    resources: &[Resource<'_>],
    options: &Options,
    refused: &BTreeMap<String, Refused>,
    with_tokens: bool,
) -> Attempt {
    let mut report = Report::default();
    let services = services(resources, options, refused, &mut report);
    let tokens = if with_tokens {
        tokens::read(resources, &mut report)
    } else {
        let why = refused.get("").map(|it| it.message.as_str()).unwrap_or_default();
        let kinds = [Kind::RequestAuthentication, Kind::AuthorizationPolicy];
        let left = resources.iter().filter(|it| kinds.contains(&it.kind));
        report.left_out.extend(left.map(|it| it.finding(why, &it.place)));
        Tokens::default()
    };
    let others = resources.iter().filter(|it| it.kind == Kind::Other);
    report.others.extend(others.map(|it| it.finding("", &it.place)));
    let rules_of_destinations = resources.iter().filter(|it| it.kind == Kind::DestinationRule);
    report.stays.extend(rules_of_destinations.map(|it| it.finding("", &it.place)));
    assembled(&services, tokens, report)
}

/// The VirtualServices, those with more specific hosts first.
fn services<'v>(
    resources: &'v [Resource<'v>],
    options: &Options,
    refused: &BTreeMap<String, Refused>,
    report: &mut Report,
) -> Vec<Service<'v>> {
    let subsets = subsets(resources);
    let all: Vec<&Resource<'_>> = resources.iter().filter(|it| it.kind == Kind::VirtualService).collect();
    let called = |resource: &Resource<'_>| {
        let is_alone = all.iter().filter(|it| it.name == resource.name).count() == 1;
        let name = if is_alone {
            resource.name.clone()
        } else {
            format!("{}.{}", resource.namespace, resource.name)
        };
        safe(&name)
    };
    let mut services: Vec<Service<'v>> = Vec::new();
    for &resource in &all {
        let found = match refused.get(resource.pointer()) {
            Some(refused) => Err(refused.clone()),
            None => service::read(resource, called(resource), &subsets, options, false),
        };
        let found = found.and_then(|it| match services.iter().find(|other| conflict(other, &it)) {
            None => Ok(it),
            Some(other) => Err(resource.place.refuse(format!(
                "its hosts are also those of {}, and the file does not say which routes Istio tries first: import each by \
                 itself",
                other.resource.label
            ))),
        });
        match found {
            Ok(service) => services.push(service),
            Err(refused) => report.left_out.push(Finding::refused(&resource.label, refused)),
        }
    }
    services.sort_by_key(|it| it.hosts.rank());
    // Of those that are left out, too: Istio still asks them.
    let all_hosts: Vec<(&str, hosts::Hosts)> =
        all.iter().filter_map(|it| Some((it.pointer(), service::hosts(it).ok()?))).collect();
    for service in services.iter_mut().filter(|it| !it.faults.is_empty()) {
        let is_wide = all_hosts.iter().any(|(pointer, hosts)| {
            *pointer != service.resource.pointer() && !service.hosts.is_before(hosts)
        });
        if is_wide
            && let Ok(partial) =
                service::read(service.resource, service.called.clone(), &subsets, options, true)
        {
            *service = partial;
        }
    }
    services
}

/// Whether it depends on more than the hosts which of two is asked.
fn conflict(one: &Service<'_>, another: &Service<'_>) -> bool {
    let (first, second) =
        if one.hosts.rank() <= another.hosts.rank() { (one, another) } else { (another, one) };
    first.called == second.called
        || first.hosts.overlaps(&second.hosts) && !first.hosts.is_before(&second.hosts)
}

fn subsets(resources: &[Resource<'_>]) -> Subsets {
    let mut subsets = Subsets::new();
    for resource in resources.iter().filter(|it| it.kind == Kind::DestinationRule) {
        let Some(spec) = resource.place.value.get("spec") else { continue };
        let host = spec.get("host").and_then(Value::as_str).unwrap_or_default();
        let names = spec.get("subsets").and_then(Value::as_array).into_iter().flatten();
        let names = names.filter_map(|it| it.get("name")?.as_str()).map(str::to_owned);
        subsets.entry(hosts::whole(host, &resource.namespace)).or_default().extend(names);
    }
    subsets
}

fn assembled(services: &[Service<'_>], tokens: Tokens, mut report: Report) -> Attempt {
    let (mut rules, mut faults) = (Vec::new(), Vec::new());
    let (mut rules_from, mut faults_from) = (Vec::new(), Vec::new());
    for (index, service) in services.iter().enumerate() {
        let mut own = service.rules.clone();
        let has_wider = services.iter().skip(index + 1).any(|it| it.hosts.overlaps(&service.hosts));
        if has_wider && !service.is_whole {
            own.push(service.last_rule());
        }
        let from = || service.resource.pointer().to_owned();
        rules_from.extend(own.iter().map(|_| from()));
        rules.extend(own.into_iter().map(|rule| rule.tree));
        faults_from.extend(service.faults.iter().map(|_| from()));
        faults.extend(service.faults.iter().cloned());
        report.imported.push(service.resource.label.clone());
        report.stays.extend(service.stays.iter().cloned());
        report.notes.extend(service.notes.iter().cloned());
    }
    report.imported.extend(tokens.imported);
    let mut members = Vec::new();
    if !tokens.attributes.is_empty() {
        members.push(("attributes".to_owned(), Tree::Map(tokens.attributes)));
    }
    members.extend(tokens.jwt.map(|jwt| ("jwt".to_owned(), jwt)));
    if !rules.is_empty() {
        members.push(("routing".to_owned(), Tree::map([("rules", Tree::List(rules))])));
    }
    if !faults.is_empty() {
        members.push(("faults".to_owned(), Tree::List(faults)));
    }
    let configuration = (!members.is_empty()).then_some(Tree::Map(members));
    let routes = services.iter().map(|it| it.routes.clone()).collect();
    let imported = Imported { configuration, routes, report };
    Attempt { imported, rules: rules_from, faults: faults_from }
}

/// What a module would refuse, with the pointer of the VirtualService that it is of; none for tokens.
fn problems(configuration: &Tree, attempt: &Attempt) -> Vec<(Option<String>, String)> {
    let bytes = configuration.to_json().to_string().into_bytes();
    let Err(problems) = weir_pipeline::validate_all(&bytes) else { return Vec::new() };
    let owner = |at: &str| {
        let index = |prefix: &str| at.strip_prefix(prefix)?.split(']').next()?.parse::<usize>().ok();
        let rule = index("routing.rules[").and_then(|index| attempt.rules.get(index));
        let fault = index("faults[").and_then(|index| attempt.faults.get(index));
        rule.or(fault).cloned()
    };
    problems
        .iter()
        .map(|problem| (owner(&problem.at.to_string()), format!("a module would refuse it: {problem}")))
        .collect()
}
