//! A VirtualService as rules, faults, and the routes that Istio needs for them.

use super::destination::{self, Destination, Subsets};
use super::entry::{Entry, Field};
use super::fault::{self, Fault};
use super::hosts::Hosts;
use super::matches;
use super::place::Place;
use super::report::Finding;
use super::resource::{Options, Resource};
use super::routes::{self, ROUTE_HEADER};
use super::tree::Tree;
use crate::names::safe;
use crate::report::Refused;
use serde_json::{Map, Value, json};

/// The cookie with an anonymous ID.
const COOKIE: &str = "weir-id";

const FIELDS: [&str; 15] = [
    "name",
    "match",
    "route",
    "redirect",
    "directResponse",
    "delegate",
    "rewrite",
    "timeout",
    "retries",
    "fault",
    "mirror",
    "mirrors",
    "mirrorPercent",
    "mirrorPercentage",
    "corsPolicy",
];

/// What of a route stays with Istio.
const OF_ISTIO: [&str; 11] = [
    "redirect",
    "directResponse",
    "rewrite",
    "timeout",
    "retries",
    "mirror",
    "mirrors",
    "mirrorPercent",
    "mirrorPercentage",
    "corsPolicy",
    "headers",
];

/// A VirtualService that was understood.
#[derive(Debug)]
pub(crate) struct Service<'v> {
    pub(crate) resource: &'v Resource<'v>,
    pub(crate) hosts: Hosts,
    /// Its name in names of rules.
    pub(crate) called: String,
    pub(crate) rules: Vec<Rule>,
    pub(crate) faults: Vec<Tree>,
    /// Whether every request has a rule.
    pub(crate) is_whole: bool,
    /// The VirtualService with a route for each value of the header.
    pub(crate) routes: Tree,
    pub(crate) stays: Vec<Finding>,
    pub(crate) notes: Vec<Finding>,
    /// The test of the host.
    host: Option<super::entry::Text>,
}

/// A rule of `routing`.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) tree: Tree,
}

/// Reads a VirtualService that is called `called` in names of rules. `is_wide` is whether another one has some of its
/// hosts first, which faults could not leave out.
pub(crate) fn read<'v>(
    resource: &'v Resource<'v>,
    called: String,
    subsets: &Subsets,
    options: &Options,
    is_wide: bool,
) -> Result<Service<'v>, Refused> {
    let spec = resource.spec()?;
    spec.known(&["hosts", "gateways", "http", "tls", "tcp", "exportTo"])?;
    let gateways = spec.texts_of("gateways")?;
    let hosts = hosts(resource)?;
    if hosts.is_empty() {
        return Err(
            spec.refuse("it has no hosts: other VirtualServices delegate to it, and Weir has no delegates")
        );
    }
    let http = spec.items("http")?;
    if http.is_empty() {
        return Err(spec.refuse("it has no HTTP routes; TCP and TLS routes stay with Istio"));
    }
    let host = hosts.test(&spec)?;
    let mut reader = Reader {
        service: Service {
            resource,
            hosts,
            called,
            rules: Vec::new(),
            faults: Vec::new(),
            is_whole: false,
            routes: Tree::List(Vec::new()),
            stays: Vec::new(),
            notes: Vec::new(),
            host,
        },
        routes: Vec::new(),
        earlier: Vec::new(),
        subsets,
        options,
        gateways,
        is_wide,
    };
    for place in &http {
        reader.route(place)?;
    }
    let Reader { mut service, routes, .. } = reader;
    for name in ["tls", "tcp"] {
        if let Some(found) = spec.get(name) {
            service.stays.push(resource.finding(name, &found));
        }
    }
    service.routes = routes::render(resource, routes, &http);
    Ok(service)
}

/// The hosts of a VirtualService.
pub(crate) fn hosts(resource: &Resource<'_>) -> Result<Hosts, Refused> {
    let spec = resource.spec()?;
    let gateways = spec.texts_of("gateways")?;
    let in_mesh = gateways.is_empty() || gateways.iter().any(|name| name == "mesh");
    Hosts::read(&spec, &resource.namespace, in_mesh)
}

struct Reader<'v, 'o> {
    service: Service<'v>,
    /// Routes by header.
    routes: Vec<Tree>,
    /// The matches of the routes before.
    earlier: Vec<Entry>,
    subsets: &'o Subsets,
    options: &'o Options,
    gateways: Vec<String>,
    is_wide: bool,
}

impl<'v> Reader<'v, '_> {
    fn route(&mut self, place: &Place<'v>) -> Result<(), Refused> {
        let fields: Vec<&str> = FIELDS.iter().copied().chain(["headers"]).collect();
        place.known(&fields)?;
        if let Some(delegate) = place.get("delegate") {
            return Err(delegate
                .refuse("the routes of another VirtualService have no equivalent; put them into this one"));
        }
        if self.service.is_whole {
            let message =
                format!("{}: no request reaches it, because a route before it takes all", place.path);
            self.service.notes.push(self.service.resource.finding(message, place));
            return Ok(());
        }
        let entries = matches::read(place, &self.gateways)?;
        let destinations = destination::read(place, &self.service.resource.namespace, self.subsets)?;
        let is_answer = place.get("redirect").is_some() || place.get("directResponse").is_some();
        if destinations.is_empty() != is_answer {
            return Err(place.refuse("expected one of `route`, `redirect` and `directResponse`"));
        }
        let base = self.name(place)?;
        let with_fault = self.fault(place, &base, &entries)?;
        self.say_what_stays(place, &destinations);
        let own_path = place.get("rewrite").is_some_and(|it| it.get("uri").is_some())
            || place.get("redirect").is_some_and(|it| it.get("prefixRewrite").is_some());
        let own_statistics = place.items("match")?.iter().any(|it| it.get("statPrefix").is_some());
        let apart = own_path || own_statistics;
        let groups: Vec<&[Entry]> = if apart { entries.chunks(1).collect() } else { vec![&entries] };
        for (index, group) in groups.iter().enumerate() {
            let name = if groups.len() == 1 { base.clone() } else { format!("{base}-{}", index + 1) };
            let seed = (groups.len() > 1).then_some(base.as_str());
            self.rule(place, name.clone(), group, &destinations, seed);
            let matched = place.items("match")?.get(index).filter(|_| apart).cloned();
            let route = routes::Route { place, matched: matched.as_ref(), name: &name, with_fault };
            self.routes.extend(route.by_header(&destinations));
        }
        self.service.is_whole = entries.iter().any(Entry::is_all);
        self.earlier.extend(entries);
        Ok(())
    }

    /// A name that no rule has yet.
    fn name(&self, place: &Place<'_>) -> Result<String, Refused> {
        let position =
            place.pointer.rsplit('/').next().and_then(|it| it.parse::<usize>().ok()).unwrap_or(0) + 1;
        let own = place.text_of("name")?.map_or_else(|| position.to_string(), safe);
        let taken = |name: &str| {
            self.service
                .rules
                .iter()
                .any(|rule| rule.name == name || rule.name.starts_with(&format!("{name}-")))
        };
        let base = format!("{}.{own}", self.service.called);
        Ok(if taken(&base) { format!("{base}.{position}") } else { base })
    }

    fn rule(
        &mut self,
        place: &Place<'v>,
        name: String,
        entries: &[Entry],
        to: &[Destination<'v>],
        seed: Option<&str>,
    ) {
        let mut members = vec![("name".to_owned(), Tree::from(name.as_str()))];
        members.extend(self.service.matching(entries));
        let value = |target: Option<&str>| json!({ROUTE_HEADER: routes::value(&name, target)});
        match to {
            [] | [_] => members.push(("setHeaders".to_owned(), value(None).into())),
            several => {
                let target = |it: &Destination<'_>| {
                    Tree::Map(vec![
                        ("name".to_owned(), it.name.as_str().into()),
                        ("weight".to_owned(), it.weight.into()),
                        ("setHeaders".to_owned(), value(Some(&it.name)).into()),
                    ])
                };
                let mut split = self.options.sticky();
                split.extend(seed.map(|seed| ("seed".to_owned(), seed.into())));
                split.push(("targets".to_owned(), Tree::List(several.iter().map(target).collect())));
                members.push(("split".to_owned(), Tree::Map(split)));
            }
        }
        let to = match to {
            [] => if place.get("redirect").is_some() { "a redirect" } else { "a direct response" }.to_owned(),
            several => several.iter().map(|it| it.label.as_str()).collect::<Vec<_>>().join(", "),
        };
        let comment = format!("{}, {}: to {to}.", self.service.resource.label, place.path);
        let tree = Tree::Map(members).commented(vec![comment]);
        self.service.rules.push(Rule { name, tree });
    }

    /// Whether Istio keeps the fault.
    fn fault(&mut self, place: &Place<'v>, name: &str, entries: &[Entry]) -> Result<bool, Refused> {
        let Some(found) = place.get("fault") else { return Ok(false) };
        let Fault { parts, notes } = fault::read(&found)?;
        let resource = self.service.resource;
        self.service.notes.extend(notes.into_iter().map(|note| resource.finding(note, &found)));
        if parts.is_empty() {
            return Ok(false);
        }
        let left = if self.is_wide { None } else { fault::without(entries, &self.earlier) };
        let Some(left) = left else {
            let whose = if self.is_wide { "another VirtualService" } else { "an earlier route" };
            let message = format!(
                "{}: {whose} takes some of its requests, and no entry of `faults` can leave those out",
                found.path
            );
            self.service.stays.push(resource.finding(message, &found));
            return Ok(true);
        };
        if left.is_empty() {
            return Ok(false);
        }
        let mut members = vec![("name".to_owned(), Tree::from(name))];
        members.extend(self.service.matching(&left));
        members.extend(parts.into_iter().map(|(kind, part)| (kind, part.into())));
        let comment = format!("{}, {}.", resource.label, found.path);
        self.service.faults.push(Tree::Map(members).commented(vec![comment]));
        Ok(false)
    }

    fn say_what_stays(&mut self, place: &Place<'v>, to: &[Destination<'v>]) {
        let mut names: Vec<&str> =
            OF_ISTIO.iter().copied().filter(|name| place.get(name).is_some()).collect();
        if to.iter().any(|it| it.has_headers) {
            names.push("headers of destinations");
        }
        let resource = self.service.resource;
        if !names.is_empty() {
            let message = format!("{}: {}", place.path, names.join(", "));
            self.service.stays.push(resource.finding(message, place));
        }
        for (it, subset) in to.iter().filter_map(|it| Some((it, it.unknown_subset.as_deref()?))) {
            let message =
                format!("{}: the DestinationRule of the file has no subset {subset:?}", it.place.path);
            self.service.notes.push(resource.finding(message, &it.place));
        }
    }
}

impl Service<'_> {
    /// `match`, with the test of the host in each entry; none where every request passes.
    fn matching(&self, entries: &[Entry]) -> Option<(String, Tree)> {
        let with_host = |entry: &Entry| {
            let mut entry = entry.clone();
            if let Some(host) = &self.host {
                entry.tests.insert(Field::Host, host.clone());
            }
            entry
        };
        let all: Vec<Value> = entries.iter().map(with_host).map(|it| it.to_json()).collect();
        let is_all = all.iter().any(|it| it.as_object().is_some_and(Map::is_empty));
        (!is_all).then(|| ("match".to_owned(), Tree::List(all.into_iter().map(Tree::Value).collect())))
    }

    /// The rule for requests of its hosts that no route is for, so that those of other hosts do not take them.
    pub(crate) fn last_rule(&self) -> Rule {
        let name = format!("{}.none", self.called);
        let mut members = vec![("name".to_owned(), Tree::from(name.as_str()))];
        members.extend(self.matching(&[Entry::default()]));
        members.push(("setHeaders".to_owned(), json!({ROUTE_HEADER: name}).into()));
        let comment =
            format!("{}: requests without a route, which Istio answers with 404.", self.resource.label);
        Rule { name, tree: Tree::Map(members).commented(vec![comment]) }
    }
}

impl Options {
    /// What identifies a user in a split.
    fn sticky(&self) -> Vec<(String, Tree)> {
        let mut members = Vec::new();
        if !self.units.is_empty() {
            members.push(("stickyBy".to_owned(), json!(self.units).into()));
        }
        if self.cookie {
            members.push(("mintCookie".to_owned(), json!({"name": COOKIE}).into()));
        } else {
            members.push(("withoutKey".to_owned(), "random".into()));
        }
        members
    }
}
