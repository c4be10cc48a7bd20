//! Visitors to try a configuration with: what they send, so that it applies to them and knows them again.

use super::requests::{Example, of_match};
use weir_core::SourceSpec;
use weir_pipeline::Document;

/// A browser as far as rules can see, which is none of the programs that `isBot` knows.
const USER_AGENT: &str = concat!("Mozilla/5.0 (weir run ", env!("CARGO_PKG_VERSION"), ")");

/// Where a visitor's ID is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Header(String),
    Cookie(String),
    Query(String),
}

/// The visitors of a configuration.
#[derive(Debug)]
pub(super) struct Visitors {
    request: Example,
    /// None for visitors without an ID; they may get one as a cookie.
    place: Option<Place>,
}

impl Visitors {
    /// Those of the first split that a request can be made for, else of the first experiment, else any.
    pub(super) fn of(document: &Document) -> Self {
        let rules = document.routing.iter().flat_map(|routing| &routing.rules);
        let split = rules.filter(|rule| rule.targeting.condition.is_none() && rule.targeting.cel.is_none());
        let split = split.filter(|rule| rule.variant.is_empty()).find_map(|rule| {
            let request = match rule.targeting.http_match.first() {
                Some(first) => of_match(first)?,
                None => Example::default(),
            };
            let sources = &rule.split.as_ref()?.sticky_by;
            request.is_read().then(|| Self { request, place: sources.iter().find_map(place) })
        });
        split.unwrap_or_else(|| {
            let units = document.experiments.iter().flat_map(|section| {
                let first = section.list.first().map(|experiment| &experiment.unit);
                first.filter(|unit| !unit.is_empty()).unwrap_or(&section.unit)
            });
            Self { request: Example::default(), place: units.into_iter().find_map(place) }
        })
    }

    /// Whether they have IDs of their own.
    pub(super) fn have_ids(&self) -> bool {
        self.place.is_some()
    }

    /// What the visitor with this number sends, besides the cookies that it has been given.
    pub(super) fn request(&self, number: u32) -> Example {
        let mut request = self.request.clone();
        let id = format!("user-{number}");
        match &self.place {
            Some(Place::Header(name)) => request.headers.push((name.clone(), id)),
            Some(Place::Cookie(name)) => request.cookies.push((name.clone(), id)),
            Some(Place::Query(name)) => request.query.push((name.clone(), id)),
            None => {}
        }
        request
    }
}

/// What a browser sends besides.
pub(super) fn of_browser() -> Vec<(String, String)> {
    [("user-agent", USER_AGENT), ("accept", "text/html,*/*;q=0.8")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

fn place(source: &SourceSpec) -> Option<Place> {
    match source {
        SourceSpec::Short(text) => {
            let (kind, name) = text.split_once(':')?;
            let name = name.to_owned();
            match kind {
                "header" => Some(Place::Header(name)),
                "cookie" => Some(Place::Cookie(name)),
                "query" => Some(Place::Query(name)),
                _ => None,
            }
        }
        SourceSpec::Long(spec) => {
            let header = spec.header.clone().map(Place::Header);
            let cookie = || spec.cookie.clone().map(Place::Cookie);
            header.or_else(cookie).or_else(|| spec.query.clone().map(Place::Query))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sent(document: serde_json::Value) -> (bool, String) {
        let document = weir_core::load::load_value(&document, &mut weir_core::Problems::default());
        let visitors = Visitors::of(&document);
        (visitors.have_ids(), visitors.request(2).line("http://h"))
    }

    #[test]
    fn visitors_are_known_by_what_the_configuration_reads() {
        let split = |split: serde_json::Value, more: serde_json::Value| {
            let mut rule = json!({"name": "a", "split": split});
            rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"routing": {"rules": [{"name": "post", "match": {"method": {"exact": "POST"}},
                "split": {"stickyBy": "header:no"}}, rule]}})
        };
        for (document, ids, line) in [
            (json!({}), false, "curl http://h/"),
            (split(json!({"mintCookie": {"name": "id"}}), json!({})), false, "curl http://h/"),
            (
                split(
                    json!({"stickyBy": ["claim:sub", "header:x-id"]}),
                    json!({"match": {"uri": {"prefix": "/a"}}}),
                ),
                true,
                "curl -H 'x-id: user-2' http://h/a",
            ),
            (split(json!({"stickyBy": {"query": "u"}}), json!({})), true, "curl 'http://h/?u=user-2'"),
            (
                json!({"experiments": {"unit": "header:x", "list": [{"key": "a", "unit": "cookie:uid"}]}}),
                true,
                "curl -b uid=user-2 http://h/",
            ),
            (
                json!({"experiments": {"unit": "header:x", "list": [{"key": "a"}]}}),
                true,
                "curl -H 'x: user-2' http://h/",
            ),
            (split(json!({"stickyBy": "header:x"}), json!({"condition": {"a": 1}})), false, "curl http://h/"),
        ] {
            assert_eq!(sent(document.clone()), (ids, line.to_owned()), "{document}");
        }
    }
}
