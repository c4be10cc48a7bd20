//! Problems of a configuration, each with its path.

use crate::escape::{escape, without_user_info};
use std::fmt;

/// A place in the configuration, written the way a reader would point at it:
/// `experiments[0].variants[1].weight`.
///
/// ```
/// use weir_core::At;
///
/// let variant = At::root().field("experiments").index(0).field("variants").index(1);
/// assert_eq!(variant.field("weight").to_string(), "experiments[0].variants[1].weight");
/// assert!(variant.contains(&variant.field("weight")) && !variant.field("weight").contains(&variant));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(Option<String>);

impl Default for At {
    fn default() -> Self {
        Self::root()
    }
}

impl At {
    /// The top of the document.
    pub fn root() -> Self {
        Self(Some(String::new()))
    }

    /// Whether it is no place, and neither is anything in it: see [`Problems::without_places`].
    pub(crate) fn is_nowhere(&self) -> bool {
        self.0.is_none()
    }

    /// The member `name` of this object. Names that would read as something else are quoted.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        let Some(path) = &self.0 else { return Self(None) };
        let plain = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$'));
        // Every entry of a configuration makes several, and a formatter takes ten times as long.
        Self(Some(match (plain, path.is_empty()) {
            (true, true) => name.to_owned(),
            (true, false) => [path, ".", name].concat(),
            (false, _) => format!("{path}[{name:?}]"),
        }))
    }

    /// The element `index` of this list, counted from zero.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(self.0.as_ref().map(|path| [path, "[", &index.to_string(), "]"].concat()))
    }

    /// Whether `other` is this place or is inside it.
    pub fn contains(&self, other: &At) -> bool {
        let (Some(path), Some(other)) = (&self.0, &other.0) else { return false };
        match other.strip_prefix(&**path) {
            Some(rest) => path.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']),
            None => false,
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().filter(|path| !path.is_empty()).unwrap_or("(top level)"))
    }
}

/// One thing that is wrong: where, and what, with the value and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub at: At,
    /// What is wrong, the value, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// How many problems are kept: fixing the first ones takes a while, and a log is not for thousands.
const MAX_PROBLEMS: usize = 100;

/// All problems of one configuration. Loading never stops at the first one.
///
/// ```
/// use weir_core::{At, Problem, Problems, duration};
///
/// let (mut problems, at) = (Problems::default(), At::root().field("delay"));
/// assert!(problems.accept(duration::parse("5s"), &at.field("fixed")).is_some());
/// assert!(problems.accept(duration::parse("5"), &at.field("jitter")).is_none());
/// problems.add(&at.field("jitter"), "a consequence, which is dropped");
/// problems.missing(&at, "dropped as well: the missing part is the one that was refused");
/// problems.missing(&At::root().field("rules"), "missing: expected at least one rule");
/// assert_eq!(problems.len(), 2);
/// let Problem { at, message } = problems.iter().last().unwrap();
/// assert_eq!((&*at.to_string(), &**message), ("rules", "missing: expected at least one rule"));
/// ```
#[derive(Clone, Debug)]
pub struct Problems {
    list: Vec<Problem>,
    /// How many are kept.
    room: usize,
    /// Whether each has its place.
    placed: bool,
}

impl Default for Problems {
    fn default() -> Self {
        Self { list: Vec::new(), room: MAX_PROBLEMS, placed: true }
    }
}

impl Problems {
    /// None so far, of which more are kept than a reader would read: for programs that act on each.
    pub fn of_all() -> Self {
        Self { room: usize::MAX, ..Self::default() }
    }

    /// None so far, and none will have a place: for a first reading, which finds whether anything is wrong. Each place is
    /// a text of its own, hundreds of thousands in a large configuration, and most configurations are right. One problem
    /// is kept, and nothing is suggested.
    pub fn without_places() -> Self {
        Self { placed: false, ..Self::default() }
    }

    /// The top of the document whose problems these are.
    pub fn root(&self) -> At {
        At(self.placed.then(String::new))
    }

    /// Records a problem. A second problem at the same place is dropped: it is nearly always a
    /// consequence of the first.
    ///
    /// Every message passes here on its way to a log or a terminal: control characters are written out,
    /// and addresses lose their user and password.
    #[cold]
    #[inline(never)]
    pub fn add(&mut self, at: &At, message: impl Into<String>) {
        if self.is_full() || self.latest().any(|p| p.at == *at) {
            return;
        }
        let (at, message) = match self.list.len() == self.room {
            true => (At::root(), "further problems are not listed".to_owned()),
            false => (at.clone(), message.into()),
        };
        let message = escape(&without_user_info(&message)).into_owned();
        self.list.push(Problem { at, message });
    }

    /// What was read, or a problem that says why it could not be.
    pub fn accept<T, E: ToString>(&mut self, read: Result<T, E>, at: &At) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(at, error.to_string());
                None
            }
        }
    }

    /// Records that something is missing at `at`. Dropped when a problem inside `at` is already
    /// known, because then the missing part is probably the part that was refused.
    #[cold]
    #[inline(never)]
    pub fn missing(&mut self, at: &At, message: impl Into<String>) {
        if !self.latest().any(|p| at.contains(&p.at)) {
            self.add(at, message);
        }
    }

    /// The problems that another one may be a consequence of.
    fn latest(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter().rev().take(MAX_PROBLEMS)
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// [`did_you_mean`], or nothing where the problem that it belongs to is one too many to be kept: a
    /// configuration with many names and many mistakes must not compare each with each.
    pub fn did_you_mean<'a>(&self, word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
        let is_read = self.placed && self.list.len() < MAX_PROBLEMS;
        if is_read { did_you_mean(word, known) } else { String::new() }
    }

    /// Whether no further problem is kept, so that no time should go into finding and describing one.
    pub fn is_full(&self) -> bool {
        self.list.len() > self.room || !self.placed && !self.is_empty()
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The problems in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    /// One problem a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.list.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// `did you mean …?` for a word that is not among `known`, or nothing when none is near: by Levenshtein's distance,
/// which may be 1 and a quarter of the word's length.
///
/// ```
/// use weir_core::problem::did_you_mean;
///
/// assert_eq!(did_you_mean("wieghts", ["weights", "coverage"]), ", did you mean `weights`?");
/// assert_eq!(did_you_mean("colour", ["weights", "coverage"]), "");
/// ```
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let limit = 1 + word.len() / 4;
    let near = known
        .into_iter()
        .take(MAX_COMPARED)
        .filter(|k| !k.is_empty() && k.len().abs_diff(word.len()) <= limit);
    let nearest = near.map(|k| (distance(word, k), k)).min();
    match nearest {
        Some((d, k)) if d <= limit => format!(", did you mean `{k}`?"),
        _ => String::new(),
    }
}

/// [`did_you_mean`], or the first of the known names where none is near: ` (known: a, b, c, d, e, …)`.
///
/// ```
/// use weir_core::problem::suggestion;
///
/// assert_eq!(suggestion("colour", &["weights", "coverage"]), " (known: weights, coverage)");
/// assert_eq!(suggestion("coverge", &["weights", "coverage"]), ", did you mean `coverage`?");
/// ```
pub fn suggestion(word: &str, known: &[&str]) -> String {
    let hint = did_you_mean(word, known.iter().copied());
    if !hint.is_empty() || known.is_empty() {
        return hint;
    }
    let (shown, more) = match known.get(..MAX_ALTERNATIVES) {
        Some(first) if known.len() > MAX_ALTERNATIVES => (first, ", …"),
        _ => (known, ""),
    };
    [" (known: ", &shown.join(", "), more, ")"].concat()
}

/// How many names a word is compared with: a list of more was not written by a person.
const MAX_COMPARED: usize = 1_000;

/// How many alternatives a message lists at most.
const MAX_ALTERNATIVES: usize = 5;

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
    fn problems_are_bounded_and_say_so() {
        let mut problems = Problems::default();
        for index in 0..10_000 {
            problems.add(&At::root().field("rules").index(index), "odd");
        }
        assert_eq!(problems.len(), MAX_PROBLEMS + 1);
        let last = problems.iter().last().map(ToString::to_string);
        assert_eq!(last.as_deref(), Some("(top level): further problems are not listed"));
    }

    #[test]
    fn who_acts_on_each_problem_gets_all() {
        let mut problems = Problems::of_all();
        for index in 0..500 {
            problems.add(&At::root().field("rules").index(index), "odd");
        }
        assert_eq!((problems.len(), problems.is_full()), (500, false));
    }

    #[test]
    fn a_first_reading_finds_that_something_is_wrong_and_no_more() {
        let mut problems = Problems::without_places();
        let at = problems.root().field("rules").index(3);
        assert!(at.is_nowhere() && !At::root().field("rules").is_nowhere());
        assert!(!problems.is_full());
        problems.add(&at, "odd");
        problems.add(&at.field("name"), "odd");
        assert_eq!((problems.len(), problems.is_full()), (1, true));
        assert_eq!(problems.did_you_mean("wieght", ["weight"]), "", "nobody reads it");
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
