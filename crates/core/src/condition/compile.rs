//! From condition JSON to clauses and checks, with every problem and its place.

use super::Condition;
use super::check::{Bound, Check, Clause, Relation, Scalar, Set, Type};
use super::never::refuse_never;
use super::node::{Node, Step};
use super::pattern::Pattern;
use super::version::Version;
use crate::attribute::AttrId;
use crate::compile::Compiler;
use crate::never::Form;
use crate::problem::{At, suggestion};
use crate::value::Kind;
use serde_json::{Map, Value as Json};

/// Conditions nested deeper than this are refused, so that no configuration exhausts the stack.
const MAX_DEPTH: usize = 32;
/// More clauses and checks than this in one condition are a mistake or an attack.
const MAX_NODES: usize = 10_000;
/// More entries than this in one list of literals are a mistake or an attack.
const MAX_LITERALS: usize = 100_000;

/// The operators on a value.
const OPERATORS: [&str; 29] = [
    "$eq",
    "$ne",
    "$lt",
    "$lte",
    "$gt",
    "$gte",
    "$in",
    "$nin",
    "$ini",
    "$nini",
    "$exists",
    "$type",
    "$size",
    "$all",
    "$alli",
    "$elemMatch",
    "$regex",
    "$regexi",
    "$veq",
    "$vne",
    "$vgt",
    "$vgte",
    "$vlt",
    "$vlte",
    "$not",
    "$and",
    "$or",
    "$nor",
    "$savedGroup",
];

/// Compiles a condition, adding all that is wrong with it to the compiler's problems. What it
/// returns is only of use when there are none.
pub fn compile(json: &Json, compiler: &mut Compiler<'_>, at: &At) -> Condition {
    let mut builder = Builder { compiler, nodes_left: MAX_NODES, top: at };
    Condition(builder.clause(json, Cursor { at, depth: 0 }))
}

/// Where the builder is.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    at: &'a At,
    depth: usize,
}

struct Builder<'b, 'c> {
    compiler: &'b mut Compiler<'c>,
    nodes_left: usize,
    top: &'b At,
}

/// Where the fields of an object start: the difference between the request and an element.
trait Root: Copy {
    /// The start of the field `name` and the path that leads on from there.
    fn resolve(name: &str, builder: &mut Builder<'_, '_>, at: &At) -> Option<(Self, Box<[Step]>)>;

    /// The check as it suits what is checked. Reports literals in `json` that could never be met.
    fn adapt(self, check: Check, _: &Json, _: &mut Builder<'_, '_>, _: &At) -> Check {
        check
    }
}

impl Root for AttrId {
    /// The longest part of the name that is an attribute; the rest leads into its value.
    fn resolve(name: &str, builder: &mut Builder<'_, '_>, at: &At) -> Option<(Self, Box<[Step]>)> {
        let compiler = &mut *builder.compiler;
        if compiler.knows(name) || compiler.is_claim(name) {
            return Some((compiler.attribute(name, at)?, Box::default()));
        }
        let splits =
            name.rmatch_indices('.').filter_map(|(dot, _)| Some((name.get(..dot)?, name.get(dot + 1..)?)));
        match splits.into_iter().find(|(prefix, _)| compiler.knows(prefix)) {
            Some((prefix, path)) => {
                let id = compiler.attribute(prefix, at)?;
                let path = Step::path(path);
                if let Some(message) = leads_nowhere(prefix, compiler.kind(id), &path) {
                    compiler.problems.add(at, message);
                }
                Some((id, path))
            }
            None => {
                // Reports it as unknown, with the nearest name.
                compiler.attribute(name, at);
                None
            }
        }
    }

    fn adapt(self, check: Check, json: &Json, builder: &mut Builder<'_, '_>, at: &At) -> Check {
        let compiler = &mut *builder.compiler;
        let form = compiler.form(self);
        // A default has any form.
        let of_requests = form.filter(|_| !compiler.has_default(self));
        let lower = compiler.is_lowered(self).then_some(Form::Lower);
        for form in of_requests.into_iter().chain(lower) {
            refuse_never(json, form, at, &mut compiler.problems);
        }
        if form == Some(Form::Host) { check.of_host() } else { check }
    }
}

impl Root for () {
    fn resolve(name: &str, _: &mut Builder<'_, '_>, _: &At) -> Option<(Self, Box<[Step]>)> {
        Some(((), Step::path(name)))
    }
}

impl Builder<'_, '_> {
    fn problem(&mut self, at: &At, message: impl Into<String>) {
        self.compiler.problems.add(at, message);
    }

    /// Counts a node; false, with a problem, when there are too many or it is too deep.
    fn enter(&mut self, place: Cursor<'_>) -> bool {
        if place.depth > MAX_DEPTH {
            self.problem(place.at, format!("nested deeper than {MAX_DEPTH} levels"));
            return false;
        }
        let Some(left) = self.nodes_left.checked_sub(1) else {
            self.problem(self.top, format!("more than {MAX_NODES} clauses and operators"));
            return false;
        };
        self.nodes_left = left;
        true
    }

    /// A condition on an object: operators that combine conditions, and fields.
    fn clause<R: Root>(&mut self, json: &Json, place: Cursor<'_>) -> Clause<R> {
        if !self.enter(place) {
            return Clause::All(Box::default());
        }
        let Json::Object(members) = json else {
            self.problem(
                place.at,
                format!(
                    "expected a condition, an object such as {{\"plan\": \"pro\"}}, not {}",
                    described(json)
                ),
            );
            return Clause::All(Box::default());
        };
        let mut all: Vec<Clause<R>> =
            members.iter().filter_map(|(key, json)| self.member(key, json, place)).collect();
        match (all.len(), all.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                all.extend(last);
                Clause::All(all.into())
            }
        }
    }

    fn member<R: Root>(&mut self, key: &str, json: &Json, place: Cursor<'_>) -> Option<Clause<R>> {
        let at = place.at.field(key);
        let inside = Cursor { at: &at, depth: place.depth + 1 };
        match key {
            "$and" => Some(Clause::All(self.clauses(json, inside)?)),
            "$or" => Some(any(self.clauses(json, inside)?)),
            "$nor" => Some(Clause::Not(Box::new(any(self.clauses(json, inside)?)))),
            "$not" => Some(Clause::Not(Box::new(self.clause(json, inside)))),
            "$savedGroup" => {
                self.problem(&at, NO_GROUPS);
                None
            }
            _ if key.starts_with('$') => {
                let message = match OPERATORS.contains(&key) {
                    true => format!("`{key}` belongs inside a field: {{\"plan\": {{\"{key}\": …}}}}"),
                    false => unknown(key, ["$and", "$or", "$nor", "$not"]),
                };
                self.problem(&at, message);
                None
            }
            _ => {
                // The check first: what is wrong with it is told even when the field is unknown.
                let check = self.check(json, inside, false);
                let (root, path) = R::resolve(key, self, &at)?;
                let check = if path.is_empty() { root.adapt(check, json, self, &at) } else { check };
                Some(Clause::Field { root, path, check })
            }
        }
    }

    fn clauses<R: Root>(&mut self, json: &Json, place: Cursor<'_>) -> Option<Box<[Clause<R>]>> {
        let Json::Array(items) = json else {
            self.problem(place.at, format!("needs a list of conditions, not {}", described(json)));
            return None;
        };
        let clause = |(i, item)| self.clause(item, Cursor { at: &place.at.index(i), depth: place.depth });
        Some(items.iter().enumerate().map(clause).collect())
    }

    /// What is asked of a value: a literal that it equals, or operators.
    fn check(&mut self, json: &Json, place: Cursor<'_>, ignore_case: bool) -> Check {
        if !self.enter(place) {
            return Check::Null;
        }
        match json {
            Json::Null => Check::Null,
            Json::Bool(b) => Check::Truthy(*b),
            Json::Number(n) => Check::Number(n.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) if ignore_case => Check::TextIgnoringCase(text.to_lowercase().into()),
            Json::String(text) => Check::Text(text.as_str().into()),
            Json::Object(members) if members.keys().any(|k| k.starts_with('$')) => {
                self.operators(members, place)
            }
            Json::Array(_) | Json::Object(_) => {
                if depth_of(json) + place.depth > MAX_DEPTH {
                    self.problem(place.at, format!("nested deeper than {MAX_DEPTH} levels"));
                }
                Check::Json(json.clone())
            }
        }
    }

    fn operators(&mut self, members: &Map<String, Json>, place: Cursor<'_>) -> Check {
        let mut all = Vec::new();
        for (key, json) in members {
            let at = place.at.field(key);
            if key.starts_with('$') {
                all.extend(self.operator(key, json, Cursor { at: &at, depth: place.depth + 1 }));
            } else {
                self.problem(
                    &at,
                    "an object is either all operators or none: GrowthBook compares a mixed one as a whole",
                );
            }
        }
        match (all.len(), all.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                all.extend(last);
                Check::All(all.into())
            }
        }
    }

    fn operator(&mut self, name: &str, json: &Json, place: Cursor<'_>) -> Option<Check> {
        Some(match name {
            "$eq" => Check::Is(self.scalar(json, place)?),
            "$ne" => not(Check::Is(self.scalar(json, place)?)),
            "$lt" => self.order(Relation::Less, json, place)?,
            "$lte" => self.order(Relation::AtMost, json, place)?,
            "$gt" => self.order(Relation::Greater, json, place)?,
            "$gte" => self.order(Relation::AtLeast, json, place)?,
            "$veq" => self.version(Relation::Equal, json, place)?,
            "$vne" => not(self.version(Relation::Equal, json, place)?),
            "$vlt" => self.version(Relation::Less, json, place)?,
            "$vlte" => self.version(Relation::AtMost, json, place)?,
            "$vgt" => self.version(Relation::Greater, json, place)?,
            "$vgte" => self.version(Relation::AtLeast, json, place)?,
            "$in" => self.one_of(json, place, false)?,
            "$nin" => not(self.one_of(json, place, false)?),
            "$ini" => self.one_of(json, place, true)?,
            "$nini" => not(self.one_of(json, place, true)?),
            "$exists" => self.exists(json, place)?,
            "$type" => self.kind(json, place)?,
            "$size" => self.size(json, place)?,
            "$all" => self.contains(json, place, false)?,
            "$alli" => self.contains(json, place, true)?,
            "$elemMatch" => self.element(json, place)?,
            "$regex" => self.pattern(json, place, false)?,
            "$regexi" => self.pattern(json, place, true)?,
            "$not" => not(self.check(json, place, false)),
            _ => {
                self.problem(place.at, unusable(name));
                return None;
            }
        })
    }

    fn scalar(&mut self, json: &Json, place: Cursor<'_>) -> Option<Scalar> {
        self.enter(place).then_some(())?;
        let scalar = Scalar::of(json);
        if scalar.is_none() {
            let message = "needs a text, number, Boolean or null: GrowthBook never takes two arrays or objects for \
                           the same here (without the operator they are compared part by part)";
            self.problem(place.at, message);
        }
        scalar
    }

    fn order(&mut self, relation: Relation, json: &Json, place: Cursor<'_>) -> Option<Check> {
        Some(Check::Order(relation, Bound::new(self.scalar(json, place)?)))
    }

    fn version(&mut self, relation: Relation, json: &Json, place: Cursor<'_>) -> Option<Check> {
        self.enter(place).then_some(())?;
        if matches!(json, Json::String(_) | Json::Number(_)) {
            return Some(Check::Version(relation, Version::new(Node::from(json))));
        }
        self.problem(place.at, format!("needs a version such as \"1.12.0\", not {}", described(json)));
        None
    }

    fn list<'j>(&mut self, json: &'j Json, place: Cursor<'_>) -> Option<&'j [Json]> {
        self.enter(place).then_some(())?;
        match json {
            Json::Array(items) if items.len() <= MAX_LITERALS => return Some(items),
            Json::Array(_) => self.problem(place.at, format!("more than {MAX_LITERALS} entries")),
            _ => self
                .problem(place.at, format!("needs a list such as [\"a\", \"b\"], not {}", described(json))),
        }
        None
    }

    fn one_of(&mut self, json: &Json, place: Cursor<'_>, ignore_case: bool) -> Option<Check> {
        let items = self.list(json, place)?;
        let scalars: Vec<Scalar> = items.iter().map_while(Scalar::of).collect();
        if scalars.len() < items.len() {
            let message = "this list cannot contain arrays or objects";
            self.problem(&place.at.index(scalars.len()), message);
            return None;
        }
        Some(Check::OneOf(Set::new(scalars, ignore_case)))
    }

    fn exists(&mut self, json: &Json, place: Cursor<'_>) -> Option<Check> {
        self.enter(place).then_some(())?;
        match json {
            Json::Bool(true) => Some(Check::Present),
            Json::Bool(false) => Some(not(Check::Present)),
            _ => {
                self.problem(place.at, format!("needs true or false, not {}", described(json)));
                None
            }
        }
    }

    fn kind(&mut self, json: &Json, place: Cursor<'_>) -> Option<Check> {
        self.enter(place).then_some(())?;
        let name = json.as_str().unwrap_or_default();
        let known = Type::ALL.iter().find(|(known, _)| *known == name);
        if known.is_none() {
            let names = Type::ALL.map(|(name, _)| name);
            self.problem(place.at, format!("{json} is not a type{}", suggestion(name, &names)));
        }
        known.map(|(_, kind)| Check::Type(*kind))
    }

    fn size(&mut self, json: &Json, place: Cursor<'_>) -> Option<Check> {
        let never = match json {
            Json::Null | Json::Array(_) => true,
            Json::Object(members) => !members.keys().any(|k| k.starts_with('$')),
            _ => false,
        };
        if never {
            self.problem(
                place.at,
                format!("needs a number or operators such as {{\"$gt\": 2}}, not {}", described(json)),
            );
            return None;
        }
        Some(Check::Size(Box::new(self.check(json, place, false))))
    }

    fn contains(&mut self, json: &Json, place: Cursor<'_>, ignore_case: bool) -> Option<Check> {
        let items = self.list(json, place)?;
        let check = |(i, item)| {
            let at = place.at.index(i);
            self.check(item, Cursor { at: &at, depth: place.depth + 1 }, ignore_case)
        };
        Some(Check::Contains(items.iter().enumerate().map(check).collect()))
    }

    fn element(&mut self, json: &Json, place: Cursor<'_>) -> Option<Check> {
        let Json::Object(members) = json else {
            self.problem(
                place.at,
                format!("needs an object of operators or fields, not {}", described(json)),
            );
            return None;
        };
        let operators = !members.is_empty() && members.keys().all(|k| k.starts_with('$'));
        Some(match operators {
            true => Check::AnyElement(Box::new(self.check(json, place, false))),
            false => Check::AnyObject(Box::new(self.clause(json, place))),
        })
    }

    fn pattern(&mut self, json: &Json, place: Cursor<'_>, ignore_case: bool) -> Option<Check> {
        self.enter(place).then_some(())?;
        let Json::String(text) = json else {
            self.problem(place.at, format!("needs a regular expression as text, not {}", described(json)));
            return None;
        };
        match Pattern::new(text, ignore_case) {
            Ok(pattern) => Some(Check::Matches(pattern)),
            Err(invalid) => {
                self.problem(place.at, invalid.to_string());
                None
            }
        }
    }
}

const NO_GROUPS: &str = "saved groups live in GrowthBook and are not part of this configuration; \
                         write the group's values with `$in`, or its condition in this place";

/// Why `path` leads nowhere in any value of this type: it would be null for every request, in silence.
fn leads_nowhere(attribute: &str, kind: Kind, path: &[Step]) -> Option<String> {
    let name = match kind {
        Kind::Json => return None,
        Kind::List { .. } if matches!(path, [only] if only.is_part_of_array()) => return None,
        Kind::List { .. } => {
            return Some(format!(
                "`{attribute}` is a list of texts: it has elements (`{attribute}.0`) and a number of them \
                 (`{attribute}.length`), and nothing inside of these"
            ));
        }
        Kind::Text => "string",
        Kind::Number => "number",
        Kind::Boolean => "boolean",
    };
    Some(format!(
        "`{attribute}` is an attribute of type {name}, which has no parts; only the type `json` has \
         (`{attribute}: {{…, type: json}}`)"
    ))
}

/// GrowthBook takes an empty `$or` as true.
fn any<R>(clauses: Box<[Clause<R>]>) -> Clause<R> {
    if clauses.is_empty() { Clause::All(clauses) } else { Clause::Any(clauses) }
}

fn not(check: Check) -> Check {
    Check::Not(Box::new(check))
}

/// Why this is not an operator on a value.
fn unusable(name: &str) -> String {
    match name {
        "$inGroup" | "$notInGroup" | "$savedGroup" => NO_GROUPS.into(),
        "$and" | "$or" | "$nor" => {
            format!(
                "`{name}` combines conditions on fields and is not allowed inside a field; write {{\"{name}\": [{{\"plan\": …}}, …]}}"
            )
        }
        _ => unknown(
            name,
            OPERATORS.into_iter().filter(|o| !matches!(*o, "$and" | "$or" | "$nor" | "$savedGroup")),
        ),
    }
}

fn unknown(name: &str, known: impl IntoIterator<Item = &'static str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    format!("`{name}` is not an operator here{}", suggestion(name, &known))
}

/// How a message calls a value of the wrong kind.
fn described(json: &Json) -> String {
    match json {
        Json::Array(_) => "a list".into(),
        Json::Object(_) => "an object".into(),
        Json::String(text) if text.chars().count() > 40 => "a long text".into(),
        _ => json.to_string(),
    }
}

/// How many levels of arrays and objects a literal has. Stops counting when it is too deep anyway.
fn depth_of(json: &Json) -> usize {
    fn deepest<'j>(parts: impl Iterator<Item = &'j Json>, level: usize) -> usize {
        parts.map(|part| within(part, level + 1)).max().unwrap_or(level)
    }
    fn within(json: &Json, level: usize) -> usize {
        match json {
            _ if level > MAX_DEPTH => level,
            Json::Array(items) => deepest(items.iter(), level),
            Json::Object(members) => deepest(members.values(), level),
            _ => level,
        }
    }
    within(json, 0)
}
