//! Values that are not available at a request's headers, so that a condition on them could never hold.

use super::Compiler;
use crate::problem::At;

/// Envoy's attributes that exist only once there is an upstream or a response: a root, or a root and its member.
const LATER: [(&str, &str); 6] = [
    ("response", ""),
    ("upstream", ""),
    ("request", "duration"),
    ("request", "total_size"),
    ("connection", "termination_details"),
    ("xds", "upstream_host_metadata"),
];

/// The name under which the proxy keeps the filter state of Wasm modules.
const STATE: &str = "filter_state";

fn is_later(root: &str, member: Option<&str>) -> bool {
    LATER.iter().any(|(known, part)| *known == root && (part.is_empty() || Some(*part) == member))
}

impl Compiler<'_> {
    /// Refuses a property that no request has yet when it is judged.
    pub(super) fn refuse_later(&mut self, path: &[&str], at: &At) -> Option<()> {
        let (root, rest) = path.split_first()?;
        if is_later(root, rest.first().copied()) {
            let message = format!(
                "`{}` is not known yet when a request comes, so this would always be absent; at the end metrics and \
                 the access log know it (`endProperty`)",
                path.join(".")
            );
            self.problems.add(at, message);
            return None;
        }
        if let [STATE, name, ..] = path
            && let Some(name) = name.strip_prefix("wasm.")
        {
            self.states_read.push((name.to_owned(), at.clone()));
        }
        Some(())
    }

    /// Refuses an expression about what no request has yet when it is judged.
    pub(super) fn refuse_later_in_cel(&mut self, expression: &str, at: &At) -> Option<()> {
        let found = chains(expression).find(|(root, member)| is_later(root, *member));
        let Some((root, member)) = found else { return Some(()) };
        let name = member.map_or_else(|| root.to_owned(), |member| [root, ".", member].concat());
        let message = format!("`{name}` is not available when a request arrives, so this would always fail");
        self.problems.add(at, message);
        None
    }

    /// Refuses what is read of filter state that this very configuration sets: it is set once everything is
    /// decided.
    pub(super) fn refuse_own_state(&mut self) {
        let own = |name: &str| self.tables.states.find(name).is_some();
        let mut found: Vec<At> =
            self.states_read.iter().filter(|(name, _)| own(name)).map(|(_, at)| at.clone()).collect();
        let expressions = self.tables.cel.items().iter().zip(&self.access_plan.cel_at);
        let named = expressions.filter(|(text, _)| quoted_states(text).any(own));
        found.extend(named.map(|(_, at)| at.clone()));
        for at in found {
            let message = "this configuration sets that filter state itself, once everything is decided, so it is \
                           always absent here; use `variant`, or the attribute `claim:NAME`";
            self.problems.add(&at, message);
        }
    }
}

/// The names of filter state that an expression has between quotes, such as `a` of `'wasm.a'`.
fn quoted_states(expression: &str) -> impl Iterator<Item = &str> {
    let bytes = expression.as_bytes().iter().enumerate();
    let quotes = bytes.filter(|(_, byte)| matches!(byte, b'"' | b'\''));
    quotes.filter_map(|(at, quote)| {
        let name = expression.get(at + 1..)?.strip_prefix("wasm.")?;
        let end = name.bytes().position(|byte| byte == *quote)?;
        name.get(..end)
    })
}

/// The names in a CEL expression that nothing precedes, each with the member that is asked of it.
fn chains(expression: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = expression;
    let mut after_dot = false;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            if first == '"' || first == '\'' {
                rest = behind_text(rest, first);
                after_dot = false;
            } else if is_name(first) {
                let (name, behind) = rest.split_at(name_len(rest));
                rest = behind;
                if std::mem::take(&mut after_dot) {
                    continue;
                }
                let member = behind.trim_start().strip_prefix('.').map(str::trim_start);
                let member = member.map(|member| member.split_at(name_len(member)).0);
                return Some((name, member));
            } else {
                after_dot = first == '.' || (after_dot && first.is_whitespace());
                rest = rest.get(first.len_utf8()..)?;
            }
        }
    })
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn name_len(text: &str) -> usize {
    text.bytes().take_while(|b| is_name(char::from(*b))).count()
}

/// What is after a literal text that starts here.
fn behind_text(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return text.get(at + 1..).unwrap_or_default();
        }
        escaped = c == '\\' && !escaped;
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn names_are_found_in_expressions() {
        let found = |text| chains(text).collect::<Vec<_>>();
        assert_eq!(
            found(r#"request.headers["response.x"] == 'upstream' && xds . route_name != "a\"response""#),
            [("request", Some("headers")), ("xds", Some("route_name"))]
        );
        assert_eq!(found("a.response.b"), [("a", Some("response"))]);
        assert_eq!(found("size(response)"), [("size", None), ("response", None)]);
        assert_eq!(found("'open"), []);
    }
}
