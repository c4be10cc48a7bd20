//! What is asked: clauses of an object, and checks of a single value. Each can be a part of the other.

use super::js::number_of;
use super::node::{Node, Step};
use super::pattern::Pattern;
use super::version::Version;
use crate::attribute::AttrId;
use crate::host;
use crate::need::{Need, Read, Source, needs_of_any};
use crate::sort::sort_by;
use crate::truth::Truth;
use serde_json::Value as Json;
use std::cmp::Ordering;

/// What is asked of an object: of the request at the top (`R` = the attribute that a field starts
/// at), of an array's element inside `$elemMatch` (`R` = nothing, as there is only one).
#[derive(Debug)]
pub(super) enum Clause<R> {
    /// All of them hold; true when there are none.
    All(Box<[Clause<R>]>),
    /// At least one holds. GrowthBook takes an empty `$or` as true; compiling turns it into that.
    Any(Box<[Clause<R>]>),
    /// It does not hold.
    Not(Box<Clause<R>>),
    /// The value in a field passes a check.
    Field {
        /// Where the field starts.
        root: R,
        /// How it goes on.
        path: Box<[Step]>,
        /// What is asked.
        check: Check,
    },
}

impl Clause<AttrId> {
    pub(super) fn needs<'p>(&'p self, needs: &mut Vec<Need<'p>>) {
        match self {
            Clause::All(all) => all.iter().for_each(|clause| clause.needs(needs)),
            Clause::Any(any) => needs_of_any(any, needs, Clause::needs),
            Clause::Field { root, path, check } if path.is_empty() => {
                check.needs(Source { attribute: *root, read: Read::Value }, needs);
            }
            Clause::Not(_) | Clause::Field { .. } => {}
        }
    }
}

impl<R: Copy> Clause<R> {
    pub(super) fn judge<'a>(&self, value: &impl Fn(R) -> Node<'a>) -> Truth {
        match self {
            Clause::All(all) => Truth::all(all.iter().map(|clause| clause.judge(value))),
            Clause::Any(any) => Truth::any(any.iter().map(|clause| clause.judge(value))),
            Clause::Not(clause) => !clause.judge(value),
            Clause::Field { root, path, check } => check.judge(value(*root).at(path)),
        }
    }
}

/// A compiled test of a value.
#[derive(Debug)]
pub(super) enum Check {
    /// All of them pass; true when there are none.
    All(Box<[Check]>),
    /// It does not pass.
    Not(Box<Check>),
    /// `"pro"`: the value as text is this.
    Text(Box<str>),
    /// The same without regard to case, as `$alli` asks for; the literal is in lower case.
    TextIgnoringCase(Box<str>),
    /// `5`: the value as a number is this.
    Number(f64),
    /// `true`: the value is something, and as JavaScript sees it, true or false.
    Truthy(bool),
    /// `null`: the value is absent.
    Null,
    /// `["a", "b"]`, `{"a": 1}`: the value is this array or object.
    Json(Json),
    /// `$eq`: the same type and value.
    Is(Scalar),
    /// `$lt`, `$lte`, `$gt`, `$gte`.
    Order(Relation, Bound),
    /// `$veq`, `$vlt` and so on.
    Version(Relation, Version),
    /// `$exists: true`.
    Present,
    /// `$type`.
    Type(Type),
    /// `$in`.
    OneOf(Set),
    /// `$regex`.
    Matches(Pattern),
    /// `$size`: what is asked of the number of elements.
    Size(Box<Check>),
    /// `$all`: for each of them there is an element that passes.
    Contains(Box<[Check]>),
    /// `$elemMatch` with operators: an element passes.
    AnyElement(Box<Check>),
    /// `$elemMatch` with fields: an element's fields pass.
    AnyObject(Box<Clause<()>>),
    /// The value is a host, and is compared as routers compare hosts.
    Host(Box<Check>),
}

/// How two values are to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Relation {
    fn allows(self, order: Ordering) -> bool {
        match self {
            Relation::Equal => order.is_eq(),
            Relation::Less => order.is_lt(),
            Relation::AtMost => order.is_le(),
            Relation::Greater => order.is_gt(),
            Relation::AtLeast => order.is_ge(),
        }
    }
}

/// A literal that is neither array nor object.
#[derive(Debug)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(f64),
    Text(Box<str>),
}

impl Scalar {
    /// The literal in `json`, if it is one.
    pub(super) fn of(json: &Json) -> Option<Self> {
        Some(match json {
            Json::Null => Scalar::Null,
            Json::Bool(b) => Scalar::Bool(*b),
            Json::Number(n) => Scalar::Number(n.as_f64()?),
            Json::String(text) => Scalar::Text(text.as_str().into()),
            Json::Array(_) | Json::Object(_) => return None,
        })
    }

    /// JavaScript's `===`.
    fn is(&self, node: Node<'_>) -> bool {
        match (self, node) {
            (Scalar::Null, Node::Null) => true,
            (Scalar::Bool(a), Node::Bool(b)) => *a == b,
            (Scalar::Number(a), Node::Number(b)) => *a == b,
            (Scalar::Text(a), Node::Text(b)) => a.as_bytes() == b,
            _ => false,
        }
    }
}

/// The right side of `<` and its kin, converted beforehand.
#[derive(Debug)]
pub(super) struct Bound {
    /// The literal, when it is text: two texts compare as text.
    text: Option<Box<str>>,
    /// The literal as a number: everything else compares as numbers.
    number: f64,
}

impl Bound {
    /// The bound that `scalar` is.
    pub(super) fn new(scalar: Scalar) -> Self {
        let number = match &scalar {
            Scalar::Null => 0.0,
            Scalar::Bool(b) => f64::from(u8::from(*b)),
            Scalar::Number(n) => *n,
            Scalar::Text(text) => number_of(text.as_bytes()),
        };
        let text = if let Scalar::Text(text) = scalar { Some(text) } else { None };
        Self { text, number }
    }

    /// How `node` compares with it by JavaScript's rules; `None` where it does not.
    fn compare(&self, node: Node<'_>) -> Option<Ordering> {
        match &self.text {
            Some(text) if node.is_text_like() => Some(node.compare_text(text.as_bytes())),
            _ => node.to_number().partial_cmp(&self.number),
        }
    }
}

/// The literals of `$in`, ready to be searched.
#[derive(Debug, Default)]
pub(super) struct Set {
    /// Sorted; in lower case when case does not count.
    texts: Box<[Box<str>]>,
    numbers: Box<[f64]>,
    null: bool,
    yes: bool,
    no: bool,
    ignore_case: bool,
}

impl Set {
    /// The set of `scalars`.
    pub(super) fn new(scalars: Vec<Scalar>, ignore_case: bool) -> Self {
        let mut set = Set { ignore_case, ..Set::default() };
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        for scalar in scalars {
            match scalar {
                Scalar::Null => set.null = true,
                Scalar::Bool(true) => set.yes = true,
                Scalar::Bool(false) => set.no = true,
                Scalar::Number(n) => numbers.push(n),
                Scalar::Text(text) if ignore_case => texts.push(text.to_lowercase().into()),
                Scalar::Text(text) => texts.push(text),
            }
        }
        sort_by(&mut texts, |a, b| a < b);
        sort_by(&mut numbers, |a: &f64, b| a.total_cmp(b).is_lt());
        Set { texts: texts.into(), numbers: numbers.into(), ..set }
    }

    fn has(&self, node: Node<'_>) -> bool {
        match node {
            Node::Null => self.null,
            Node::Bool(true) => self.yes,
            Node::Bool(false) => self.no,
            // Adding zero turns -0 into 0, as literals are; the total order tells them apart.
            Node::Number(n) => {
                self.numbers.binary_search_by(|known| (known + 0.0).total_cmp(&(n + 0.0))).is_ok()
            }
            Node::Text(text) if self.ignore_case => self.has_lowered(text),
            Node::Text(text) => self.texts.binary_search_by(|known| known.as_bytes().cmp(text)).is_ok(),
            Node::List(_) | Node::Array(_) | Node::Object(_) | Node::Unreadable => false,
        }
    }

    /// Whether it is of texts, and only one with the very letters can be in it. Of none, a value that cannot be read is
    /// unknown all the same, and there is no text to look for.
    fn has_texts_only(&self) -> bool {
        let has_others = self.null || self.yes || self.no || !self.numbers.is_empty();
        !(self.texts.is_empty() || self.ignore_case || has_others)
    }

    /// Lowers the text once: lists are long, and each comparison would.
    fn has_lowered(&self, text: &[u8]) -> bool {
        let lowered = str::from_utf8(text).map(str::to_lowercase);
        lowered.is_ok_and(|text| self.texts.binary_search_by(|known| (**known).cmp(&*text)).is_ok())
    }
}

/// The types that `$type` can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    /// Their names in a condition.
    pub(super) const ALL: [(&'static str, Type); 6] = [
        ("null", Type::Null),
        ("boolean", Type::Boolean),
        ("number", Type::Number),
        ("string", Type::String),
        ("array", Type::Array),
        ("object", Type::Object),
    ];

    fn of(node: Node<'_>) -> Self {
        match node {
            Node::Null | Node::Unreadable => Type::Null,
            Node::Bool(_) => Type::Boolean,
            Node::Number(_) => Type::Number,
            Node::Text(_) => Type::String,
            Node::List(_) | Node::Array(_) => Type::Array,
            Node::Object(_) => Type::Object,
        }
    }
}

impl Check {
    /// The same check of a host.
    pub(super) fn of_host(self) -> Self {
        match self {
            Check::All(all) => Check::All(all.into_iter().map(Check::of_host).collect()),
            Check::Not(check) => Check::Not(Box::new(check.of_host())),
            other => Check::Host(Box::new(other)),
        }
    }

    /// The texts that a value needs to pass: it is one of them, or neither null nor a text, or the check fails.
    pub(super) fn needs<'p>(&'p self, source: Source, needs: &mut Vec<Need<'p>>) {
        /// What a check costs, in comparisons of a header.
        const COST: usize = 20;
        let is = |text: &'p str| Need::of(source, false, text.as_bytes(), COST);
        match self {
            Check::All(all) => all.iter().for_each(|check| check.needs(source, needs)),
            Check::Host(check) => check.needs(Source { read: Read::HostValue, ..source }, needs),
            Check::Text(text) | Check::Is(Scalar::Text(text)) => needs.push(is(text)),
            Check::OneOf(set) if set.has_texts_only() => {
                needs.push(Need::any(set.texts.iter().map(|text| is(text))));
            }
            _ => {}
        }
    }

    /// Whether `node` passes, as far as that is known.
    pub(super) fn judge(&self, node: Node<'_>) -> Truth {
        let passes = match self {
            Check::All(all) => return Truth::all(all.iter().map(|check| check.judge(node))),
            Check::Not(check) => return !check.judge(node),
            // Nothing can be said of it, not even that it is there: it may be a null that nobody can read.
            _ if matches!(node, Node::Unreadable) => return Truth::Unknown,
            Check::Host(check) => {
                let Node::Text(host) = node else { return check.judge(node) };
                return host::judge(host, |host| check.judge(Node::Text(host)));
            }
            Check::Matches(pattern) => return node.with_text(|text| pattern.judge(text)),
            Check::Size(check) => {
                return node.length().map_or(Truth::False, |n| check.judge(Node::Number(n as f64)));
            }
            Check::Contains(_) if !node.is_array() => false,
            Check::Contains(all) => {
                let contains = |check: &Check| node.any_element(|element| check.judge(element));
                return Truth::all(all.iter().map(contains));
            }
            Check::AnyElement(check) => {
                return node.any_element(|element| is_there(element, |element| check.judge(element)));
            }
            Check::AnyObject(clause) => {
                return node.any_element(|element| is_there(element, |element| clause.judge(&|()| element)));
            }
            Check::Text(text) => node.has_text(text.as_bytes()),
            Check::TextIgnoringCase(lowered) => node.has_lowered_text(lowered),
            Check::Number(number) => node.to_number() == *number,
            Check::Truthy(wanted) => !matches!(node, Node::Null) && node.is_truthy() == *wanted,
            Check::Null => matches!(node, Node::Null),
            Check::Json(json) => node.is_json(json),
            Check::Is(scalar) => scalar.is(node),
            Check::Order(relation, bound) => bound.compare(node).is_some_and(|order| relation.allows(order)),
            Check::Version(relation, version) => relation.allows(version.compare(node)),
            Check::Present => !matches!(node, Node::Null),
            Check::Type(wanted) => Type::of(node) == *wanted,
            // Of an array one element is enough.
            Check::OneOf(set) if node.is_array() => {
                return node.any_element(|element| set.has(element).into());
            }
            Check::OneOf(set) => set.has(node),
        };
        passes.into()
    }
}

/// `$elemMatch` skips elements that are null.
fn is_there<'a>(element: Node<'a>, judge: impl FnOnce(Node<'a>) -> Truth) -> Truth {
    if matches!(element, Node::Null) { Truth::False } else { judge(element) }
}
