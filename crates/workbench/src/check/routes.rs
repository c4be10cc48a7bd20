//! W16: routes that follow a header, after a route that takes their requests.

use super::report::{Finding, Warned};
use crate::yaml::{Content, Node};
use std::collections::HashSet;
use weir_core::At;

/// More routes, and more entries of their `match`, than a table has that a person wrote.
const MAX_ROUTES: usize = 500;
/// What decides whether the case of a path matters.
const CASES: [&str; 3] = ["ignoreUriCase", "case_sensitive", "caseSensitive"];

/// Looks through an Istio VirtualService or an Envoy file.
pub(super) fn hidden(document: &Node) -> Vec<Warned> {
    let mut found = Vec::new();
    let kind = document.get("kind").and_then(Node::text).unwrap_or_default();
    if kind == "VirtualService" {
        if let Some(routes) = document.path(&["spec", "http"]) {
            table(routes, &At::root().field("spec").field("http"), &mut found);
        }
    } else if kind.ends_with("List") {
        let items = document.get("items").map(Node::items).unwrap_or_default();
        return items.iter().flat_map(hidden).collect();
    } else {
        walk(document, &At::root(), &mut found);
    }
    found
}

/// Envoy's virtual hosts, wherever they are.
fn walk(node: &Node, at: &At, found: &mut Vec<Warned>) {
    for (index, item) in node.items().iter().enumerate() {
        walk(item, &at.index(index), found);
    }
    for member in node.members() {
        let place = at.field(&member.key);
        if member.key == "routes" && node.get("domains").is_some() {
            table(&member.value, &place, found);
        } else {
            walk(&member.value, &place, found);
        }
    }
}

fn table(routes: &Node, at: &At, found: &mut Vec<Warned>) {
    let routes: Vec<&Node> = routes.items().iter().take(MAX_ROUTES).collect();
    let conditions: Vec<Vec<Tests>> = routes.iter().map(|route| alternatives(route)).collect();
    if conditions.iter().map(Vec::len).sum::<usize>() > 2 * MAX_ROUTES {
        return;
    }
    for (index, (route, own)) in routes.iter().zip(&conditions).enumerate() {
        if !own.iter().any(|tests| tests.on_headers) {
            continue;
        }
        let takes_all =
            |earlier: &&Vec<Tests>| own.iter().all(|one| earlier.iter().any(|other| other.takes(one)));
        let Some(earlier) = conditions.iter().take(index).position(|it| takes_all(&it)) else { continue };
        let line = routes.get(earlier).map_or(0, |route| route.at.line);
        let message = format!(
            "the route of line {line} takes all of its requests, so that this one is never used: put this one first"
        );
        let finding = Finding { at: route.at, path: Some(at.index(index).to_string()), message };
        found.push(Warned { code: "W16", finding });
    }
}

/// What one alternative of a route's `match` asks for.
struct Tests {
    all: HashSet<String>,
    on_headers: bool,
}

impl Tests {
    fn of(entry: &Node) -> Self {
        let (mut all, mut on_headers) = (HashSet::new(), false);
        // It changes what the test of the path takes, so that tests of another case are others.
        let case = |name: &&str| entry.get(name).map(Node::to_json);
        let case = CASES.iter().find_map(case).map(|case| format!(" ({case})")).unwrap_or_default();
        for member in entry.members() {
            let value = member.value.to_json().to_string();
            match (member.key.as_str(), &member.value.content) {
                ("name", _) => {}
                (key, _) if CASES.contains(&key) => {}
                // Every path begins so.
                ("prefix", Content::Text(text, _)) if text == "/" => {}
                ("uri", _) if value == "{\"prefix\":\"/\"}" => {}
                ("headers", Content::Object(headers)) => {
                    on_headers |= !headers.is_empty();
                    all.extend(headers.iter().map(|it| format!("{} {}", it.key, it.value.to_json())));
                }
                ("headers", Content::List(headers)) => {
                    on_headers |= !headers.is_empty();
                    all.extend(headers.iter().map(|it| it.to_json().to_string()));
                }
                (key, _) => drop(all.insert(format!("{key}: {value}{case}"))),
            }
        }
        Self { all, on_headers }
    }

    /// Whether every request that passes the other passes this.
    fn takes(&self, other: &Self) -> bool {
        self.all.is_subset(&other.all)
    }
}

/// Istio has a list of which one must fit, Envoy one.
fn alternatives(route: &Node) -> Vec<Tests> {
    match route.get("match").map(|tests| &tests.content) {
        Some(Content::List(entries)) if !entries.is_empty() => entries.iter().map(Tests::of).collect(),
        Some(Content::Object(_)) => route.get("match").map(Tests::of).into_iter().collect(),
        _ => vec![Tests { all: HashSet::new(), on_headers: false }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::read;

    fn found(text: &str) -> Vec<String> {
        let (documents, broken) = read(text);
        assert_eq!(broken, []);
        documents.iter().flat_map(hidden).filter_map(|it| it.finding.path).collect()
    }

    #[test]
    fn routes_that_are_never_used_are_found() {
        let service = |routes: &str| format!("kind: VirtualService\nspec: {{http: [{routes}]}}\n");
        let header = "{match: [{headers: {x-weir-route: {exact: v2}}}]}";
        let prefix = "{match: [{uri: {prefix: /}}]}";
        let shop = "{match: [{uri: {prefix: /shop}}]}";
        for (routes, expected) in [
            (format!("{{route: []}}, {header}"), vec!["spec.http[1]"]),
            (format!("{prefix}, {header}"), vec!["spec.http[1]"]),
            (format!("{shop}, {header}, {prefix}"), vec![]),
            (format!("{header}, {header}"), vec!["spec.http[1]"]),
            (format!("{header}, {prefix}, {{}}"), vec![]),
            // `/A` comes to the second one.
            (
                "{match: [{uri: {exact: /a}}]}, {match: [{uri: {exact: /a}, ignoreUriCase: true, headers: {x-b: {}}}]}"
                    .to_owned(),
                vec![],
            ),
        ] {
            assert_eq!(found(&service(&routes)), expected, "{routes}");
        }
        let envoy = "virtual_hosts: [{domains: ['*'], routes: [{match: {prefix: /}}, \
                     {match: {prefix: /, headers: [{name: x-weir-route, string_match: {exact: v2}}]}}]}]";
        assert_eq!(found(envoy), ["virtual_hosts[0].routes[1]"]);
        assert_eq!(found(&envoy.replace("{match: {prefix: /}}", "{match: {prefix: /a}}")), [""; 0]);
    }
}
