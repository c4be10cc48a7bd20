//! A parsed document, part by part, with the place of each part.

use super::Json;
use crate::problem::{At, Problems, suggestion};

/// Maximum number of problems that loading reports; the first ones are the most useful.
pub(super) const MAX_PROBLEMS: usize = 50;

/// A part of a document.
///
/// ```
/// use weir_core::load::{Json, Load, Node, load_value};
/// use weir_core::Problems;
///
/// /// One of some words, or a number of seconds.
/// #[derive(Debug, Default, PartialEq)]
/// enum Retention {
///     #[default]
///     Never,
///     Day,
///     Seconds(u32),
/// }
///
/// impl Load for Retention {
///     fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
///         if matches!(node.value, Json::Number(_)) {
///             return u32::load(node, problems).map(Self::Seconds);
///         }
///         match node.word(problems, &["never", "day"])? {
///             0 => Some(Self::Never),
///             _ => Some(Self::Day),
///         }
///     }
/// }
///
/// let mut problems = Problems::default();
/// let kept: Vec<Retention> = load_value(&serde_json::json!(["day", 60, "days", true]), &mut problems);
/// assert_eq!(kept, [Retention::Day, Retention::Seconds(60)]);
/// let lines = problems.to_string();
/// assert!(lines.starts_with("[2]: unknown word `days`, did you mean `day`?\n[3]: "), "{lines}");
/// ```
#[derive(Debug)]
pub struct Node<'a> {
    /// The content.
    pub value: &'a Json<'a>,
    /// The part around it, and which step leads from there to here; `None` at the top.
    within: Option<(&'a Node<'a>, Step<'a>)>,
    /// Whether it is, or belongs to, a secret: then no problem shows the content.
    secret: bool,
}

/// Names of members that are as long as this are not shown where secrets stand: `secret: {hush}` is, in
/// YAML, an object with a member `hush`.
const MIN_SECRET_LEN: usize = 16;

/// One step down a document.
#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Member(&'a str),
    Element(usize),
}

/// What reads an element of a list, at this position.
type EachElement<'f> = &'f mut dyn FnMut(usize, &Node<'_>, &mut Problems);

/// What reads a member of an object: its name's group, and the name's position there.
type EachMember<'f> = &'f mut dyn FnMut((usize, usize), &Node<'_>, &mut Problems);

impl<'a> Node<'a> {
    /// A whole document.
    pub(super) fn top(value: &'a Json<'a>) -> Self {
        Self { value, within: None, secret: false }
    }

    /// The same part, of which problems show neither values nor what could be one. Everything inside is
    /// so too. Derived code asks for it where a type is marked `#[load(secret)]`.
    #[must_use]
    pub fn hidden(&self) -> Self {
        Self { value: self.value, within: self.within, secret: true }
    }

    fn inside<'b>(&'b self, value: &'b Json<'b>, step: Step<'b>) -> Node<'b>
    where
        'a: 'b,
    {
        Node { value, within: Some((self, step)), secret: self.secret }
    }

    /// Where it is.
    #[cold]
    fn at(&self) -> At {
        match self.within {
            None => At::root(),
            Some((node, Step::Member(name))) => node.at().field(name),
            Some((node, Step::Element(index))) => node.at().index(index),
        }
    }

    /// Says what is wrong with it.
    #[cold]
    #[inline(never)]
    pub fn problem(&self, problems: &mut Problems, message: impl Into<String>) {
        if problems.len() < MAX_PROBLEMS {
            problems.add(&self.at(), message);
        }
    }

    /// Says that it is not what it should be, such as `a string`.
    #[cold]
    #[inline(never)]
    pub fn refuse(&self, problems: &mut Problems, expected: &str) {
        let shown = match self.value {
            Json::List(_) => "a list".to_owned(),
            Json::Object(_) => "an object".to_owned(),
            Json::Null => "null".to_owned(),
            Json::Text(_) if self.secret => "a text (not shown here)".to_owned(),
            _ if self.secret => "a value (not shown here)".to_owned(),
            Json::Text(text) => format!("{text:?}"),
            Json::Bool(flag) => flag.to_string(),
            Json::Number(number) => number.to_string(),
        };
        self.problem(problems, [&shown, " is not ", expected].concat());
    }

    /// Says that it has no parts, though it should. A text in the place of a whole section can be anything,
    /// a key set or a secret for example, so it is not shown.
    #[cold]
    #[inline(never)]
    fn refuse_parts(&self, problems: &mut Problems, expected: &str) {
        match self.value {
            Json::Text(_) => self.hidden().refuse(problems, expected),
            _ => self.refuse(problems, expected),
        }
    }

    /// Reads the members of an object, each with the place of its name in `names`, which are in groups. Members with
    /// other names are refused. False when it is not an object.
    pub fn members(&self, problems: &mut Problems, names: &[&[&str]], each: EachMember<'_>) -> bool {
        let Json::Object(members) = self.value else {
            let with =
                if self.secret { [" with ", &names.concat().join(", ")].concat() } else { String::new() };
            self.refuse_parts(problems, &["an object", &with].concat());
            return false;
        };
        for (name, value) in &**members {
            let node = self.inside(value, Step::Member(name));
            let place = names.iter().enumerate().find_map(|(group, names)| {
                names.iter().position(|known| *known == name).map(|position| (group, position))
            });
            match place {
                Some(place) => each(place, &node, problems),
                None => self.unknown_member(problems, &node, name, &names.concat()),
            }
        }
        true
    }

    #[cold]
    #[inline(never)]
    fn unknown_member(&self, problems: &mut Problems, member: &Node<'_>, name: &str, names: &[&str]) {
        if self.secret && (*member.value == Json::Null || name.len() >= MIN_SECRET_LEN) {
            let expected = ["unknown field (not shown here), expected: ", &names.join(", ")].concat();
            self.problem(problems, expected);
        } else {
            member.unknown(problems, "field", name, names);
        }
    }

    /// Reads the members of an object whose names are the user's. False when it is not an object.
    pub(crate) fn named(
        &self,
        problems: &mut Problems,
        each: &mut dyn FnMut(&str, &Node<'_>, &mut Problems),
    ) -> bool {
        let Json::Object(members) = self.value else {
            self.refuse_parts(problems, "an object");
            return false;
        };
        for (name, value) in &**members {
            each(name, &self.inside(value, Step::Member(name)), problems);
        }
        true
    }

    /// Reads the elements of a list. False when it is none.
    pub fn elements(&self, problems: &mut Problems, each: EachElement<'_>) -> bool {
        let Json::List(elements) = self.value else {
            self.refuse_parts(problems, "a list");
            return false;
        };
        for (index, value) in elements.iter().enumerate() {
            each(index, &self.inside(value, Step::Element(index)), problems);
        }
        true
    }

    /// How many elements or members it has.
    pub(crate) fn len(&self) -> usize {
        match self.value {
            Json::List(elements) => elements.len(),
            Json::Object(members) => members.len(),
            _ => 0,
        }
    }

    /// Reads one of some words: its number among them.
    pub fn word(&self, problems: &mut Problems, words: &[&str]) -> Option<usize> {
        let Json::Text(word) = self.value else {
            self.refuse(problems, "one of the known words");
            return None;
        };
        let index = words.iter().position(|known| *known == word);
        if index.is_none() && self.secret {
            self.refuse(problems, "one of the known words");
        } else if index.is_none() {
            self.unknown(problems, "word", word, words);
        }
        index
    }

    #[cold]
    #[inline(never)]
    fn unknown(&self, problems: &mut Problems, what: &str, word: &str, known: &[&str]) {
        // Of one too many no suggestion is looked for either.
        if problems.len() >= MAX_PROBLEMS {
            return;
        }
        let message = match known {
            [] => ["unknown ", what, " `", word, "`: none is allowed here"].concat(),
            _ => ["unknown ", what, " `", word, "`", &suggestion(word, known)].concat(),
        };
        self.problem(problems, message);
    }
}
