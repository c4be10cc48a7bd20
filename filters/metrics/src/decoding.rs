//! The labels of an encoded name: for hosts that have labels themselves, and for tests.

use crate::encoding::{ISTIO_CLASS, ISTIO_CODE, ends_in_code};

/// A metric as Prometheus shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded<'n> {
    /// Its name.
    pub metric: &'n str,
    /// Its labels with their values, in the order in which they are written.
    pub labels: Vec<(&'n str, &'n str)>,
}

/// Reads a name that [`crate::encoding::name`] wrote, in whatever style, with the labels that a proxy's expressions
/// find in it.
pub fn decode(name: &str) -> Decoded<'_> {
    let mut decoded = Decoded { metric: name, labels: Vec::new() };
    while decoded.take_tag() || decoded.take_istio() {}
    if !decoded.labels.is_empty() || ends_in_code(name) {
        decoded.take_code();
    }
    decoded
}

impl<'n> Decoded<'n> {
    /// `label=.=value;.;`
    fn take_tag(&mut self) -> bool {
        let pair = || {
            let (label, rest) = self.metric.split_once("=.=")?;
            let (value, rest) = rest.split_once(";.;")?;
            Some(((label, value), rest))
        };
        self.take(pair())
    }

    /// `component.value.`, or `tag.value;.`
    fn take_istio(&mut self) -> bool {
        let pair = || {
            let (label, rest) = self.metric.split_once('.')?;
            let end = match label {
                "tag" => ";.",
                "wasm_filter" | "component" | "cache" => ".",
                _ => return None,
            };
            let (value, rest) = rest.split_once(end)?;
            Some(((label, value), rest))
        };
        self.take(pair())
    }

    /// `_503` or `_5xx` after `_rq`. Istio leaves that with the metric.
    fn take_code(&mut self) {
        if !ends_in_code(self.metric) {
            return;
        }
        let Some((metric, code)) = self.metric.rsplit_once('_') else { return };
        let label = if code.ends_with("xx") { ISTIO_CLASS } else { ISTIO_CODE };
        self.labels.push((label, code));
        self.metric = metric;
    }

    fn take(&mut self, found: Option<((&'n str, &'n str), &'n str)>) -> bool {
        let Some((pair, rest)) = found else { return false };
        self.labels.push(pair);
        self.metric = rest;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{self, Style};

    #[test]
    fn what_was_written_is_read() {
        let labels = [("experiment", "checkout"), ("path", "/a.b/c"), ("variant", "")];
        let name = encoding::name(Style::Tags, &labels, "x_total");
        assert_eq!(decode(&name), Decoded { metric: "x_total", labels: labels.to_vec() });
        assert_eq!(decode("x_total"), Decoded { metric: "x_total", labels: Vec::new() });
    }

    #[test]
    fn labels_of_istio_are_those_that_a_sidecar_extracts() {
        let labels = [("code", "503"), ("experiment", "checkout"), ("route", "a"), ("variant", "b.c")];
        let name = encoding::name(Style::Istio, &labels, "x");
        let expected =
            [("component", "checkout"), ("cache", "a"), ("tag", "b.c"), ("response_code", "503")].to_vec();
        assert_eq!(decode(&name), Decoded { metric: "x_rq", labels: expected });
        let name = encoding::name(Style::Istio, &[("code_class", "none")], "x");
        assert_eq!(decode(&name), Decoded { metric: "x_rq", labels: vec![("response_code_class", "0xx")] });
    }
}
