//! W06: tests that modules accept, and that no request passes.
//!
//! What is certain from the form of a literal alone (`/größe`, `method: get`) is a problem, which modules refuse.
//! This is what only the way of a request through clients and proxies tells, or a look at a whole list.

use super::warning::{Warning, warn};
use serde_json::{Map, Value};
use std::fmt::Write;
use weir_core::At;

/// The headers that a proxy takes for itself before filters see a request.
const OF_CONNECTION: [&str; 3] = ["keep-alive", "proxy-connection", "transfer-encoding"];
/// Methods in the only case that they have.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

const NO_QUERY: &str =
    "the path is matched without its query, so this part of the pattern meets nothing: use `queryParams`";

/// Adds a warning for each test of a configuration that is never met.
pub(super) fn tests(configuration: &Value, all: &mut Vec<Warning>) {
    let named = configuration.get("attributes").and_then(Value::as_object);
    let has_path = !named.is_some_and(|named| named.contains_key("path"));
    Walk { all, has_path }.value(configuration, &At::root());
}

struct Walk<'w> {
    all: &'w mut Vec<Warning>,
    /// Whether `path` is the request's, and not an attribute of that name.
    has_path: bool,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, at: &At) {
        match value {
            Value::Object(members) => self.members(members, at),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| self.value(item, &at.index(i)));
            }
            _ => {}
        }
    }

    fn members(&mut self, members: &Map<String, Value>, at: &At) {
        for (name, value) in members {
            let at = at.field(name);
            match (name.as_str(), value) {
                ("match", Value::Object(entry)) => self.entry(entry, &at),
                ("match", Value::Array(entries)) => {
                    for (i, entry) in
                        entries.iter().enumerate().filter_map(|(i, it)| Some((i, it.as_object()?)))
                    {
                        self.entry(entry, &at.index(i));
                    }
                }
                ("condition", condition) => self.condition(condition, &at),
                ("templates", Value::Array(templates)) => self.templates(templates, &at),
                (_, value) => self.value(value, &at),
            }
        }
    }

    fn warn(&mut self, at: At, message: impl Into<String>) {
        warn(self.all, "W06", at, message.into());
    }

    /// An entry of a `match`.
    fn entry(&mut self, entry: &Map<String, Value>, at: &At) {
        if let Some(Value::Object(test)) = entry.get("uri") {
            let at = at.field("uri");
            for (name, literal) in literals(test) {
                if has_dots(literal) {
                    self.warn(
                        at.field(name),
                        "clients and proxies resolve `.` and `..` in a path, so this is never met",
                    );
                }
            }
            if let Some(pattern) = test.get("regex").and_then(Value::as_str) {
                self.path_pattern(pattern, true, &at.field("regex"));
            }
        }
        if let Some(pattern) = entry.get("method").and_then(|test| test.get("regex")).and_then(Value::as_str)
            && let Some(method) = lower_method(pattern)
        {
            let message = format!(
                "methods are in upper case, so {method:?} is never met: write {:?}",
                method.to_uppercase()
            );
            self.warn(at.field("method").field("regex"), message);
        }
        for list in ["headers", "withoutHeaders"] {
            let names = entry.get(list).and_then(Value::as_object).into_iter().flat_map(Map::keys);
            for name in names.filter(|name| OF_CONNECTION.contains(&name.to_ascii_lowercase().as_str())) {
                let message =
                    "the proxy takes this header off before filters see a request, so it is never there";
                self.warn(at.field(list).field(name), message);
            }
        }
    }

    fn condition(&mut self, condition: &Value, at: &At) {
        match condition {
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| self.condition(item, &at.index(i)));
            }
            Value::Object(members) => {
                for (name, value) in members {
                    let at = at.field(name);
                    match value.get("$regex").and_then(Value::as_str) {
                        Some(pattern) if name == "path" && self.has_path => {
                            self.path_pattern(pattern, false, &at.field("$regex"));
                        }
                        _ => self.condition(value, &at),
                    }
                }
            }
            _ => {}
        }
    }

    /// A pattern for a path, which matches `whole` or a part of it.
    fn path_pattern(&mut self, pattern: &str, whole: bool, at: &At) {
        if asks_for_query(pattern) {
            self.warn(at.clone(), NO_QUERY);
            return;
        }
        let rest = pattern.strip_prefix("(?i)").unwrap_or(pattern);
        let start = match rest.strip_prefix('^') {
            None if !whole => return,
            start => start.unwrap_or(rest),
        };
        let mut chars = start.chars();
        let first = chars.next().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '%' | '~'));
        let optional = chars.next().is_some_and(|c| matches!(c, '?' | '*' | '{'));
        if first.is_some() && !optional && !start.contains('|') {
            self.warn(at.clone(), "a path starts with a slash, so this pattern meets nothing");
        }
    }

    /// Path templates, of which the first that fits counts.
    fn templates(&mut self, templates: &[Value], at: &At) {
        let texts: Vec<&str> = templates.iter().filter_map(Value::as_str).collect();
        for (i, text) in texts.iter().enumerate() {
            let at = at.index(i);
            if !text.bytes().all(|b| b.is_ascii_graphic()) {
                let message = format!(
                    "requests have this percent-encoded, so it is never met: write {:?}",
                    encoded(text)
                );
                self.warn(at, message);
            } else if has_dots(text) {
                self.warn(at, "clients and proxies resolve `.` and `..` in a path, so this is never met");
            } else if let Some(earlier) = texts.iter().take(i).find(|earlier| covers(earlier, text)) {
                self.warn(
                    at,
                    format!("{earlier:?} before it fits all of its paths, so it is never met: put it first"),
                );
            }
        }
    }
}

/// The literals that a path may be, or start with.
fn literals(test: &Map<String, Value>) -> impl Iterator<Item = (&'static str, &str)> {
    ["exact", "prefix", "contains"]
        .into_iter()
        .filter_map(move |name| Some((name, test.get(name)?.as_str()?)))
}

/// Whether a path has segments that are resolved on its way.
fn has_dots(path: &str) -> bool {
    path.split('/').skip(1).any(|segment| matches!(segment, "." | ".."))
}

/// Whether a pattern asks for the start of a query or a fragment where nothing makes it optional.
fn asks_for_query(pattern: &str) -> bool {
    let (mut class, mut escaped, mut groups) = (false, false, 0);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = (escaped && c == '?') || c == '#';
        match c {
            _ if escaped => escaped = false,
            '\\' => {
                escaped = true;
                continue;
            }
            '[' => class = true,
            ']' => class = false,
            // A group may be optional as a whole.
            '(' if !class => groups += 1,
            ')' if !class => groups -= 1,
            _ => {}
        }
        if literal && !class && groups == 0 && !matches!(chars.peek(), Some('?' | '*' | '{')) {
            return true;
        }
    }
    false
}

/// The first method that a pattern asks for in lower case.
fn lower_method(pattern: &str) -> Option<&str> {
    let mut words = pattern.split(|c: char| !c.is_ascii_alphanumeric());
    if pattern.starts_with("(?i)") || pattern.contains(['[', '\\']) {
        return None;
    }
    words.find(|word| {
        let upper = word.to_ascii_uppercase();
        *word != upper && METHODS.contains(&upper.as_str())
    })
}

/// Whether a template fits all paths that another one fits.
fn covers(template: &str, other: &str) -> bool {
    let mut others = other.split('/');
    for segment in template.split('/') {
        let fits = match (segment, others.next()) {
            ("**", _) => return true,
            (_, None) => false,
            (_, Some(other)) if other.starts_with("**") => false,
            (_, Some("")) => segment.is_empty(),
            (one, Some(_)) if one.starts_with('{') && one.find('}') == Some(one.len() - 1) => true,
            (one, Some(other)) => same_form(one, other),
        };
        if !fits {
            return false;
        }
    }
    others.next().is_none()
}

/// Whether two segments differ in nothing but names.
fn same_form(one: &str, other: &str) -> bool {
    let parts = |segment: &'_ str| -> Option<(String, String)> {
        let (before, rest) = segment.split_once('{')?;
        Some((before.to_owned(), rest.split_once('}')?.1.to_owned()))
    };
    one == other || (parts(one).is_some() && parts(one) == parts(other))
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(configuration: &Value) -> Vec<String> {
        let mut all = Vec::new();
        tests(configuration, &mut all);
        all.iter().map(|warning| format!("{} {}", warning.code, warning.at)).collect()
    }

    fn of_match(entry: Value) -> Vec<String> {
        found(&json!({"routing": {"rules": [{"name": "r", "match": entry}]}}))
    }

    #[test]
    fn what_no_request_passes_is_found() {
        for (entry, at) in [
            (json!({"uri": {"regex": r"/search\?q=.*"}}), "match.uri.regex"),
            (json!({"uri": {"regex": "/a#b"}}), "match.uri.regex"),
            (json!({"uri": {"regex": "api/.*"}}), "match.uri.regex"),
            (json!({"uri": {"regex": "^api"}}), "match.uri.regex"),
            (json!([{}, {"uri": {"prefix": "/a/../b"}}]), "match[1].uri.prefix"),
            (json!({"uri": {"exact": "/a/."}}), "match.uri.exact"),
            (json!({"method": {"regex": "GET|post"}}), "match.method.regex"),
            (json!({"headers": {"Transfer-Encoding": {}}}), "match.headers.Transfer-Encoding"),
            (json!({"withoutHeaders": {"keep-alive": {}}}), "match.withoutHeaders.keep-alive"),
        ] {
            assert_eq!(of_match(entry.clone()), [format!("W06 routing.rules[0].{at}")], "{entry}");
        }
        for entry in [
            json!({"uri": {"regex": r"/a(\?.*)?"}}),
            json!({"uri": {"regex": "/a#?"}}),
            json!({"uri": {"regex": "/[?#]"}}),
            json!({"uri": {"regex": "(/a|b)"}}),
            json!({"uri": {"regex": "a|/b"}}),
            json!({"uri": {"regex": ".*a"}}),
            json!({"uri": {"regex": "/a/.+"}}),
            json!({"uri": {"prefix": "/.well-known/"}}),
            json!({"uri": {"exact": "/a..b"}}),
            json!({"method": {"regex": "(?i)get"}}),
            json!({"method": {"regex": "GET|[a-z]+"}}),
            json!({"headers": {"te": {}}}),
        ] {
            assert_eq!(of_match(entry.clone()), [""; 0], "{entry}");
        }
    }

    #[test]
    fn conditions_are_looked_at_where_the_path_is_the_requests() {
        let rule =
            json!([{"condition": {"$or": [{"path": {"$regex": r"^/a\?b"}}, {"path": {"$regex": "b"}}]}}]);
        let at = "W06 faults[0].condition.$or[0].path.$regex";
        assert_eq!(found(&json!({"faults": rule})), [at]);
        assert_eq!(found(&json!({"faults": rule, "attributes": {"path": "header:x"}})), [""; 0]);
    }

    #[test]
    fn templates_that_others_hide_are_found() {
        let of = |templates: Value| found(&json!({"metrics": {"accessLog": {"templates": templates}}}));
        for (templates, index) in [
            (json!(["/größe"]), 0),
            (json!(["/a b"]), 0),
            (json!(["/a/../b"]), 0),
            (json!(["/a/**", "/b", "/a/b"]), 2),
            (json!(["/items/{item}", "/items/{item}:archive"]), 1),
            (json!(["/items/{a}:x", "/items/{b}:x"]), 1),
            (json!(["/a", "/a"]), 1),
        ] {
            assert_eq!(
                of(templates.clone()),
                [format!("W06 metrics.accessLog.templates[{index}]")],
                "{templates}"
            );
        }
        let fine = json!([
            "/items/{item}:archive",
            "/items/{item}",
            "/items",
            "/a/b",
            "/a/{x}",
            "/a/**",
            "/b/",
            "/b"
        ]);
        assert_eq!(of(fine), [""; 0]);
    }
}
