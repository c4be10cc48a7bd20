//! Prometheus' text format (version 0.0.4), read strictly: what a real Prometheus would refuse, or would take
//! for something else than was meant, is an error.

use std::collections::{BTreeMap, BTreeSet};

use crate::envoy::Sample;

/// A whole page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The type of each family.
    pub types: BTreeMap<String, String>,
    /// All samples, in order.
    pub samples: Vec<Sample>,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// The first line that breaks a rule, and the rule.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut page = Self::default();
        let mut known = BTreeSet::new();
        for line in text.lines() {
            let wrong = |rule: &str| Err(format!("{rule}: {line}"));
            if let Some(declaration) = line.strip_prefix("# TYPE ") {
                let Some((name, kind)) = declaration.split_once(' ') else { return wrong("no type") };
                if !["counter", "gauge", "histogram", "summary", "untyped"].contains(&kind) {
                    return wrong("an unknown type");
                }
                if page.types.insert(name.to_owned(), kind.to_owned()).is_some() {
                    return wrong("a second type");
                }
            } else if !line.is_empty() && !line.starts_with('#') {
                let Some(sample) = sample(line) else { return wrong("no sample") };
                if page.type_of(&sample.name).is_none() {
                    return wrong("no type before");
                }
                if !known.insert((sample.name.clone(), sample.labels.clone())) {
                    return wrong("a second sample of one series");
                }
                page.samples.push(sample);
            }
        }
        page.check_histograms()?;
        Ok(page)
    }

    /// The type of the family that a sample is of.
    fn type_of(&self, name: &str) -> Option<&str> {
        let of = |family: &str| self.types.get(family).map(String::as_str);
        let ends = ["_bucket", "_sum", "_count"].into_iter().filter_map(|end| name.strip_suffix(end));
        of(name).or_else(|| ends.filter_map(of).find(|kind| matches!(*kind, "histogram" | "summary")))
    }

    /// The samples of a name.
    pub fn of<'p>(&'p self, name: &str) -> impl Iterator<Item = &'p Sample> + use<'p> {
        let name = name.to_owned();
        self.samples.iter().filter(move |sample| sample.name == name)
    }

    /// The value of the series with exactly these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.of(name).find(|sample| sample.labels == labels).map(|sample| sample.value)
    }

    /// The sum of all series of a name that have at least these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |sample: &&Sample| {
            labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|known| known == value))
        };
        self.of(name).filter(fits).map(|sample| sample.value).sum()
    }

    /// Buckets are cumulative, and the last has everything.
    fn check_histograms(&self) -> Result<(), String> {
        for (family, _) in self.types.iter().filter(|(_, kind)| *kind == "histogram") {
            let mut last: BTreeMap<BTreeMap<String, String>, (f64, f64)> = BTreeMap::new();
            for sample in self.of(&format!("{family}_bucket")) {
                let mut labels = sample.labels.clone();
                let bound = labels.remove("le").and_then(|bound| bound.parse::<f64>().ok());
                let Some(bound) = bound else { return Err(format!("a bucket without a bound: {sample:?}")) };
                let before = last.insert(labels, (bound, sample.value));
                if before.is_some_and(|(lower, count)| lower >= bound || count > sample.value) {
                    return Err(format!("a bucket that does not rise: {sample:?}"));
                }
            }
            for sample in self.of(&format!("{family}_count")) {
                if last.get(&sample.labels) != Some(&(f64::INFINITY, sample.value)) {
                    return Err(format!("the last bucket is not all: {sample:?}"));
                }
            }
        }
        Ok(())
    }
}

/// `name{label="value",…} number`.
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.strip_prefix(' ')?.parse().ok()?;
    is_name(name, true).then(|| Sample { name: name.to_owned(), labels, value })
}

/// Labels to the closing brace, and what follows it.
fn labels(mut text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, rest) = text.split_once("=\"")?;
        let (value, rest) = quoted(rest)?;
        if !is_name(name, false) || labels.insert(name.to_owned(), value).is_some() {
            return None;
        }
        text = match rest.strip_prefix(',') {
            Some(more) => more,
            None if rest.starts_with('}') => rest,
            None => return None,
        };
    }
}

/// A value to its closing quote, and what follows. Only `\\`, `\"` and `\n` are escapes.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    loop {
        match characters.next()? {
            (end, '"') => return Some((value, text.get(end + 1..)?)),
            (_, '\\') => value.push(match characters.next()?.1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            (_, other) => value.push(other),
        }
    }
}

fn is_name(name: &str, with_colons: bool) -> bool {
    let start = |b: u8| b.is_ascii_alphabetic() || b == b'_' || (with_colons && b == b':');
    let mut bytes = name.bytes();
    bytes.next().is_some_and(start) && bytes.all(|b| start(b) || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP a_total x\n# TYPE a_total counter\na_total{x=\"1\",y=\"t \\\"}\\\\ \\n\"} 2\na_total{} 3\n\
        # TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum{} 7.5\nh_count{} 3\n";

    #[test]
    fn a_page_has_types_and_samples() {
        let page = Page::parse(PAGE).unwrap();
        assert_eq!(page.value("a_total", &[("x", "1"), ("y", "t \"}\\ \n")]), Some(2.0));
        assert_eq!((page.value("a_total", &[]), page.sum("a_total", &[])), (Some(3.0), 5.0));
        assert_eq!((page.sum("a_total", &[("x", "1")]), page.value("h_sum", &[])), (2.0, Some(7.5)));
    }

    #[test]
    fn what_prometheus_refuses_is_refused() {
        for (from, to) in [
            ("a_total{} 3", "a_total{x=\"1\",y=\"t \\\"}\\\\ \\n\"} 3"),
            ("a_total{} 3", "a_total{x=\"1\",x=\"2\"} 3"),
            ("a_total{} 3", "b_total{} 3"),
            ("a_total{} 3", "a_total{} x"),
            ("a_total{} 3", "a_total{x-y=\"1\"} 3"),
            ("a_total{} 3", "a_total{x=\"\\t\"} 3"),
            ("a_total{} 3", "a_total{x=\"1\" 3"),
            ("a_total{} 3", "1a{} 3"),
            ("# TYPE h histogram", "# TYPE a_total histogram"),
            ("# TYPE h histogram", "# TYPE h histo"),
            ("h_bucket{le=\"1\"} 1", "h_bucket{le=\"1\"} 4"),
            ("h_count{} 3", "h_count{} 4"),
            ("h_bucket{le=\"+Inf\"} 3\n", ""),
        ] {
            assert!(PAGE.contains(from));
            assert!(Page::parse(&PAGE.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
    }
}
