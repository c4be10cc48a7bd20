//! A VirtualService whose routes follow the header that Weir sets.

use super::destination::Destination;
use super::place::Place;
use super::resource::Resource;
use super::tree::Tree;
use serde_json::{Map, Value, json};

/// The header that rules set and Istio's routes read.
pub(super) const ROUTE_HEADER: &str = "x-weir-route";

/// The value of the header: the rule, with the target in a split.
pub(crate) fn value(rule: &str, target: Option<&str>) -> String {
    target.map_or_else(|| rule.to_owned(), |target| format!("{rule}/{target}"))
}

/// A route, or one match of it.
pub(crate) struct Route<'p, 'v> {
    pub(crate) place: &'p Place<'v>,
    /// The match whose path the route's rewrite needs.
    pub(crate) matched: Option<&'p Place<'v>>,
    pub(crate) name: &'p str,
    /// Whether the fault stays.
    pub(crate) with_fault: bool,
}

impl Route<'_, '_> {
    /// A route for each destination.
    pub(crate) fn by_header(&self, to: &[Destination<'_>]) -> Vec<Tree> {
        match to {
            [] | [_] => vec![self.one(None, to.first())],
            several => several.iter().map(|it| self.one(Some(&it.name), Some(it))).collect(),
        }
    }

    fn one(&self, target: Option<&str>, to: Option<&Destination<'_>>) -> Tree {
        let value = value(self.name, target);
        let mut entry = Map::new();
        for name in ["uri", "ignoreUriCase", "statPrefix"] {
            if let Some(found) = self.matched.and_then(|matched| matched.get(name)) {
                entry.insert(name.to_owned(), found.value.clone());
            }
        }
        entry.insert("headers".to_owned(), json!({ROUTE_HEADER: {"exact": value}}));
        let mut members = vec![
            ("name".to_owned(), Tree::from(value)),
            ("match".to_owned(), Tree::List(vec![Value::Object(entry).into()])),
        ];
        if let Some(to) = to {
            let mut destination = to.place.value.clone();
            if let Value::Object(destination) = &mut destination {
                destination.remove("weight");
            }
            members.push(("route".to_owned(), Tree::List(vec![destination.into()])));
        }
        let rest = self.place.value.as_object().into_iter().flatten().filter(|(name, value)| {
            let is_known = matches!(name.as_str(), "name" | "match" | "route");
            !is_known && !value.is_null() && (name.as_str() != "fault" || self.with_fault)
        });
        members.extend(rest.map(|(name, value)| (name.clone(), value.clone().into())));
        Tree::Map(members)
    }
}

/// The resource with these routes before its own.
pub(crate) fn render(resource: &Resource<'_>, by_header: Vec<Tree>, own: &[Place<'_>]) -> Tree {
    let mut http: Vec<Tree> = by_header;
    let comment = "Requests that Weir has not decided go where they went before.".to_owned();
    for (index, place) in own.iter().enumerate() {
        let comments = if index == 0 { vec![comment.clone()] } else { Vec::new() };
        http.push(Tree::from(place.value.clone()).commented(comments));
    }
    let value = resource.place.value;
    let mut metadata = Map::new();
    for name in ["name", "namespace", "labels", "annotations"] {
        if let Some(found) = value.get("metadata").and_then(|it| it.get(name)) {
            metadata.insert(name.to_owned(), found.clone());
        }
    }
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    let others = value.get("spec").and_then(Value::as_object).into_iter().flatten();
    let others = others.filter(|(name, value)| name.as_str() != "http" && !value.is_null());
    let mut spec: Vec<(String, Tree)> =
        others.map(|(name, value)| (name.clone(), value.clone().into())).collect();
    spec.push(("http".to_owned(), Tree::List(http)));
    let member = |name: &str| value.get(name).cloned().unwrap_or_default();
    Tree::map([
        ("apiVersion", member("apiVersion").into()),
        ("kind", member("kind").into()),
        ("metadata", Value::Object(metadata).into()),
        ("spec", Tree::Map(spec)),
    ])
}
