//! Requests to try, made of what a configuration looks at.

use super::http::Sent;
use std::net::SocketAddr;
use weir_ab_routing::Rule;
use weir_core::SourceSpec;
use weir_core::http_match::{HttpMatch, StringMatch};
use weir_pipeline::Document;

/// As many as one reads.
const MAX_REQUESTS: usize = 8;

/// Lines with `curl`: one without anything, one for each rule whose match says what to send, one as a user.
pub(super) fn examples(document: &Document, url: &str) -> Vec<String> {
    let mut all = vec![Example::default()];
    let rules = document.routing.iter().flat_map(|routing| &routing.rules);
    all.extend(rules.filter_map(of_rule));
    let units = document.experiments.iter().flat_map(|section| {
        section.unit.iter().chain(section.list.iter().flat_map(|experiment| &experiment.unit))
    });
    let header = units.into_iter().find_map(header);
    all.extend(header.map(|name| Example { headers: vec![(name, "ada".to_owned())], ..Example::default() }));
    if document.jwt.is_some() {
        all.push(Example { token: true, ..Example::default() });
    }
    let mut lines: Vec<String> = Vec::new();
    for line in all.iter().map(|example| example.line(url)) {
        if !lines.contains(&line) && lines.len() < MAX_REQUESTS {
            lines.push(line);
        }
    }
    lines
}

/// Requests that only read, each for a rule whose match says what to send.
pub(super) fn of_rules(document: &Document) -> impl Iterator<Item = Example> {
    let rules = document.routing.iter().flat_map(|routing| &routing.rules);
    rules.filter(|rule| rule.split.is_none()).filter_map(of_rule).filter(Example::is_read)
}

/// What is sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Example {
    method: Option<String>,
    path: Option<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) cookies: Vec<(String, String)>,
    token: bool,
}

/// What a rule matches; `None` where a text alone does not say it.
fn of_rule(rule: &Rule) -> Option<Example> {
    if rule.targeting.condition.is_some() || rule.targeting.cel.is_some() || !rule.variant.is_empty() {
        return None;
    }
    let mut example = match rule.targeting.http_match.first() {
        Some(first) => of_match(first)?,
        None => Example::default(),
    };
    let unit = rule.split.iter().flat_map(|split| &split.sticky_by).find_map(header);
    example.headers.extend(unit.map(|name| (name, "ada".to_owned())));
    Some(example)
}

pub(super) fn of_match(it: &HttpMatch) -> Option<Example> {
    let unknown = it.scheme.is_some()
        || it.authority.is_some()
        || it.port.is_some()
        || !it.claims.is_empty()
        || !it.source_principals.is_empty()
        || !it.remote_ip.is_empty()
        || it.headers.iter().any(|(name, _)| name.starts_with('@'));
    if unknown {
        return None;
    }
    let pairs = |named: &weir_core::OrderedMap<StringMatch>| {
        named.iter().map(|(name, test)| Some((name.to_owned(), passing(test)?))).collect::<Option<Vec<_>>>()
    };
    let text = |test: &Option<Box<StringMatch>>| match test {
        Some(test) => passing(test).map(Some),
        None => Some(None),
    };
    let path = text(&it.uri)?;
    // An end or a middle of a path is not a path.
    if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
        return None;
    }
    Some(Example {
        method: text(&it.method)?,
        path,
        query: pairs(&it.query_params)?,
        headers: pairs(&it.headers)?,
        cookies: pairs(&it.cookies)?,
        token: false,
    })
}

/// A text that passes.
fn passing(test: &StringMatch) -> Option<String> {
    let StringMatch { exact, prefix, suffix, contains, one_of, regex, semver, present, .. } = test;
    if regex.is_some() || semver.is_some() || *present == Some(false) {
        return None;
    }
    let given = [exact, prefix, suffix, contains].into_iter().flatten().next();
    let given = given.or_else(|| one_of.as_ref()?.first());
    Some(given.map_or_else(|| "1".to_owned(), String::clone))
}

/// The name of the request header that a source reads.
fn header(source: &SourceSpec) -> Option<String> {
    match source {
        SourceSpec::Short(text) => text.strip_prefix("header:").map(str::to_owned),
        SourceSpec::Long(spec) => spec.header.clone(),
    }
}

impl Example {
    /// Whether it only reads, as a visitor's first request does.
    pub(super) fn is_read(&self) -> bool {
        self.method.as_deref().is_none_or(|method| method == "GET")
    }

    /// Path and query.
    fn target(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.path.as_deref().unwrap_or("/"), query.join("&"))
    }

    /// The request to a proxy, with these headers besides.
    pub(super) fn sent(&self, to: SocketAddr, more: Vec<(String, String)>) -> Sent {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = (!cookies.is_empty()).then(|| ("cookie".to_owned(), cookies.join("; ")));
        Sent {
            method: self.method.clone().unwrap_or_else(|| "GET".to_owned()),
            host: to.to_string(),
            path: self.target(),
            headers: more.into_iter().chain(self.headers.iter().cloned()).chain(cookie).collect(),
        }
    }

    /// The same for people, without what each request has.
    pub(super) fn in_words(&self) -> String {
        let mut words = format!("{} {}", self.method.as_deref().unwrap_or("GET"), self.target());
        self.headers.iter().for_each(|(name, value)| words.push_str(&format!(" {name}: {value}")));
        self.cookies.iter().for_each(|(name, value)| words.push_str(&format!(" cookie {name}={value}")));
        words
    }

    pub(super) fn line(&self, url: &str) -> String {
        let mut words = vec!["curl".to_owned()];
        if let Some(method) = &self.method {
            words.extend(["-X".to_owned(), quoted(method)]);
        }
        for (name, value) in &self.headers {
            words.extend(["-H".to_owned(), quoted(&format!("{name}: {value}"))]);
        }
        for (name, value) in &self.cookies {
            words.extend(["-b".to_owned(), quoted(&format!("{name}={value}"))]);
        }
        if self.token {
            words.push("-H \"authorization: Bearer $TOKEN\"".to_owned());
        }
        words.push(quoted(&format!("{url}{}", self.target())));
        words.join(" ")
    }
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lines(document: serde_json::Value) -> Vec<String> {
        examples(&weir_core::load::load_value(&document, &mut weir_core::Problems::default()), "http://h")
    }

    #[test]
    fn a_rule_says_what_to_send() {
        let rules = json!([
            {"name": "a", "match": {"headers": {"x-beta": {"exact": "it's"}}}},
            {"name": "b", "match": {"uri": {"prefix": "/api"}, "method": {"exact": "PUT"},
                "cookies": {"c": {}}, "queryParams": {"q": {"in": ["1", "2"]}}}},
            {"name": "c", "match": {"headers": {"x": {"regex": "a+"}}}},
            {"name": "c2", "match": {"uri": {"suffix": ".png"}}},
            {"name": "d", "condition": {"a": 1}},
            {"name": "e", "split": {"stickyBy": "header:x-user-id", "targets": []}},
        ]);
        assert_eq!(
            lines(json!({"routing": {"rules": rules}})),
            [
                "curl http://h/",
                r"curl -H 'x-beta: it'\''s' http://h/",
                "curl -X PUT -b c=1 'http://h/api?q=1'",
                "curl -H 'x-user-id: ada' http://h/",
            ]
        );
    }

    #[test]
    fn users_and_tokens_are_shown_once() {
        let unit = json!(["claim:sub", {"header": "x-user-id"}]);
        let document = json!({
            "jwt": {"providers": {}},
            "experiments": {"unit": unit, "list": [{"key": "a", "unit": "header:x-user-id"}]},
        });
        assert_eq!(
            lines(document),
            [
                "curl http://h/",
                "curl -H 'x-user-id: ada' http://h/",
                "curl -H \"authorization: Bearer $TOKEN\" http://h/"
            ]
        );
    }

    #[test]
    fn nobody_reads_a_hundred() {
        let rule = |i| json!({"name": format!("r{i}"), "match": {"uri": {"exact": format!("/{i}")}}});
        let rules: Vec<_> = (0..100).map(rule).collect();
        assert_eq!(lines(json!({"routing": {"rules": rules}})).len(), MAX_REQUESTS);
    }
}
