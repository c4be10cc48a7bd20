//! Problems in a configuration, each with the place where it stands.

use std::fmt;

/// A place in the configuration, written the way a reader would point at it:
/// `experiments[0].variants[1].weight`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct At(String);

impl At {
    /// The top of the document.
    pub fn root() -> Self {
        Self::default()
    }

    /// The member `name` of this object. Names that would read as something else are quoted.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        let plain = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$'));
        Self(match (plain, self.0.is_empty()) {
            (true, true) => name.to_owned(),
            (true, false) => format!("{}.{name}", self.0),
            (false, _) => format!("{}[{name:?}]", self.0),
        })
    }

    /// The element `index` of this list, counted from zero.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// Whether `other` is this place or stands inside it.
    pub fn contains(&self, other: &At) -> bool {
        match other.0.strip_prefix(&self.0) {
            Some(rest) => self.0.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']),
            None => false,
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(top level)" } else { &self.0 })
    }
}

/// One thing that is wrong: where, and what, with the value and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub at: At,
    /// What is wrong, the value, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// Maximum number of problems that are kept. Finding one compares it with the earlier ones, and nobody reads
/// a list of thousands.
const MAX_PROBLEMS: usize = 500;

/// All problems of one configuration. Loading never stops at the first one.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    kept: Vec<Problem>,
    /// How many more there were.
    more: usize,
}

impl Problems {
    /// Records a problem. A second problem at the same place is dropped: it is nearly always a
    /// consequence of the first.
    #[cold]
    #[inline(never)]
    pub fn add(&mut self, at: &At, message: impl Into<String>) {
        if self.kept.iter().any(|p| p.at == *at) {
            return;
        }
        if self.is_full() {
            self.more += 1;
        } else {
            self.kept.push(Problem { at: at.clone(), message: message.into() });
        }
    }

    /// Records that something is missing at `at`. Dropped when a problem inside `at` is already
    /// known, because then the missing part is probably the part that was refused.
    #[cold]
    #[inline(never)]
    pub fn missing(&mut self, at: &At, message: impl Into<String>) {
        if !self.kept.iter().any(|p| at.contains(&p.at)) {
            self.add(at, message);
        }
    }

    /// Whether further problems are counted only, so that no time should go into describing them.
    pub fn is_full(&self) -> bool {
        self.kept.len() >= MAX_PROBLEMS
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// The problems in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.kept.iter()
    }
}

impl fmt::Display for Problems {
    /// One problem a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.kept.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more problems", self.more)?;
        }
        Ok(())
    }
}

/// `did you mean …?` for a word that is not among `known`, or nothing when none is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let limit = 1 + word.len() / 4;
    // A word whose length differs by more is further away than that.
    let known = known.into_iter().filter(|known| known.len().abs_diff(word.len()) <= limit);
    let nearest = known.map(|k| (distance(word, k), k)).min();
    match nearest {
        Some((d, k)) if d <= limit => format!(", did you mean `{k}`?"),
        _ => String::new(),
    }
}

/// Edit distance in bytes, ignoring case (Levenshtein, two-row form).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let substituted = diagonal + usize::from(!x.eq_ignore_ascii_case(&y));
            diagonal = *cell;
            left = substituted.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_code() {
        let at = At::root().field("experiments").index(0).field("variants").index(1).field("weight");
        assert_eq!(at.to_string(), "experiments[0].variants[1].weight");
        assert_eq!(At::root().field("attributes").field("a.b").to_string(), "attributes[\"a.b\"]");
        assert_eq!(At::root().to_string(), "(top level)");
    }

    #[test]
    fn a_missing_part_is_not_reported_when_it_was_refused() {
        let rule = At::root().field("rules").index(0);
        let mut problems = Problems::default();
        problems.add(&rule.field("setHeaders"), "not an object");
        problems.missing(&rule, "needs a target");
        problems.missing(&At::root().field("rules").index(1), "needs a target");
        assert_eq!(problems.to_string(), "rules[0].setHeaders: not an object\nrules[1]: needs a target");
    }

    #[test]
    fn thousands_of_problems_are_counted() {
        let mut problems = Problems::default();
        for index in 0..MAX_PROBLEMS + 7 {
            problems.add(&At::root().index(index), "wrong");
        }
        problems.add(&At::root().index(0), "a second one at a known place");
        assert_eq!(problems.len(), MAX_PROBLEMS);
        assert!(problems.to_string().ends_with("\nand 7 more problems"));
    }

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        assert_eq!(did_you_mean("wieght", ["weight", "name"]), ", did you mean `weight`?");
        assert_eq!(did_you_mean("setheaders", ["setHeaders"]), ", did you mean `setHeaders`?");
        assert_eq!(did_you_mean("zebra", ["weight", "name"]), "");
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
