//! Envoy's Prometheus page.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::process::{Envoy, EnvoyError};

/// One line of the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Envoy {
    /// What the Prometheus page says about a metric: one sample for each set of labels.
    ///
    /// # Errors
    /// Envoy is gone.
    pub fn samples(&self, name: &str) -> Result<Vec<Sample>, EnvoyError> {
        let page = self.prometheus()?;
        Ok(page.lines().filter_map(parse).filter(|sample| sample.name == name).collect())
    }
}

/// Envoy's `stats_config` that makes labels of the experiment and variant in a counter's name, as Istio does for
/// `sidecar.istio.io/extraStatTags: experiment,variant`.
pub fn metric_tags() -> Value {
    let tag = |name: &str| json!({"tag_name": name, "regex": format!(r"({name}=\.=(.*?);\.;)")});
    json!({"stats_tags": [tag("experiment"), tag("variant")]})
}

/// A line of the page; `None` for comments.
fn parse(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    // Label values may contain blanks, values cannot.
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, labels(rest.strip_suffix('}')?)?),
        None => (series, BTreeMap::new()),
    };
    Some(Sample { name: name.to_owned(), labels, value: value.parse().ok()? })
}

/// `a="b",c="d"`, where values escape `\`, `"` and line feeds.
fn labels(mut text: &str) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let end = loop {
            match characters.next()? {
                (end, '"') => break end,
                (_, '\\') => match characters.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        labels.insert(name.to_owned(), value);
        text = rest.get(end + 1..)?;
        text = text.strip_prefix(',').unwrap_or(text);
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_names_labels_and_values() {
        let sample = parse(r#"a_total{x="1",y="two, \"2\"\n\\ }"} 12"#).unwrap();
        assert_eq!((sample.name.as_str(), sample.value), ("a_total", 12.0));
        assert_eq!(sample.labels["x"], "1");
        assert_eq!(sample.labels["y"], "two, \"2\"\n\\ }");
        let plain = parse("b 1.5e3").unwrap();
        assert_eq!((plain.name.as_str(), plain.value, plain.labels.len()), ("b", 1500.0, 0));
        assert_eq!(parse("c{} 0").unwrap().labels.len(), 0);
    }

    #[test]
    fn other_lines_are_none() {
        for line in ["", "# TYPE a_total counter", "a", "a{x=\"1} 2", "a b"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
