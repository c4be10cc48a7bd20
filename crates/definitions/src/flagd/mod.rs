//! flagd's flag definitions (<https://flagd.dev/reference/flag-definitions/>).

mod fractional;
mod jsonlogic;

use crate::condition::{always, never, not};
use crate::model::{Assignment, Branch, Flag, Import, Seen, Variant};
use crate::names;
use crate::report::{Refused, pointer};
use crate::unsupported::Unsupported;
use jsonlogic::{MAX_DEPTH, condition, is_null, operation, variable};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use weir_allocation::sdk::Algorithm;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Definition {
    state: String,
    variants: Map<String, Value>,
    default_variant: Option<Value>,
    targeting: Option<Value>,
}

/// Reads flag definitions whose `fractional` hashes as `hash` does.
///
/// # Errors
/// When there are none.
pub(crate) fn read(definitions: &Value, hash: Algorithm) -> Result<Import, Unsupported> {
    let flags = match definitions.get("flags") {
        Some(Value::Object(flags)) if !flags.is_empty() => flags,
        Some(Value::Array(_)) => {
            return Err(
                "`flags` is a list: flag definitions are an object, with a flag under each key".into()
            );
        }
        _ => return Err("no `flags` in it: this is not a flag definition of flagd".into()),
    };
    let empty = Map::new();
    let evaluators = definitions.get("$evaluators").and_then(Value::as_object).unwrap_or(&empty);
    let mut import = Import::default();
    for (name, definition) in flags {
        let at = pointer(&["flags", name]);
        match flag(name, definition, evaluators, hash, &at) {
            Ok(flag) => import.flags.push(flag),
            Err((message, rest)) => {
                import.report.leave_out(name, Refused { message, at: format!("{at}{rest}") });
            }
        }
    }
    Ok(import)
}

fn flag(
    name: &str,
    definition: &Value,
    evaluators: &Map<String, Value>,
    hash: Algorithm,
    at: &str,
) -> Result<Flag, (String, &'static str)> {
    let here = |rest: &'static str| move |message: Unsupported| (String::from(message), rest);
    let definition = Definition::deserialize(definition).map_err(|error| (error.to_string(), ""))?;
    let is_off = match definition.state.as_str() {
        "ENABLED" => false,
        "DISABLED" => true,
        other => {
            return Err((format!("its state is {other:?}: flagd takes ENABLED and DISABLED only"), "/state"));
        }
    };
    let default = match &definition.default_variant {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(key)) => key.clone(),
        Some(Value::Bool(key)) => key.to_string(),
        Some(other) => return Err((format!("its defaultVariant {other} is not a name"), "/defaultVariant")),
    };
    if !default.is_empty() && !definition.variants.contains_key(&default) {
        return Err((format!("its defaultVariant {default:?} is none of its variants"), "/defaultVariant"));
    }
    let (mut seen, mut branches) = (Seen::default(), Vec::new());
    if !is_off
        && let Some(targeting) = &definition.targeting
        && targeting.as_object().is_none_or(|object| !object.is_empty())
        && !targeting.is_null()
    {
        let mut reader = Reader {
            name,
            definition: &definition,
            default: &default,
            hash,
            seen: &mut seen,
            branches: Vec::new(),
        };
        let targeting = reader.resolved(targeting, evaluators, 0).map_err(here("/targeting"))?;
        reader.value(&targeting, &[], 0).map_err(here("/targeting"))?;
        branches = reader.branches;
    }
    let default_key = Some(default).filter(|key| !key.is_empty());
    let told = default_key.clone().unwrap_or_else(|| "what the application says".to_owned());
    let (name, at) = (name.to_owned(), at.to_owned());
    Ok(Flag { name, at, default: told, default_key, is_off, branches, seen, ..Flag::default() })
}

struct Reader<'r> {
    name: &'r str,
    definition: &'r Definition,
    /// The default variant; empty without one.
    default: &'r str,
    hash: Algorithm,
    seen: &'r mut Seen,
    branches: Vec<Branch>,
}

impl Reader<'_> {
    /// Puts shared evaluators in the place of their references, and the flag's key in the place of its variable.
    fn resolved(
        &self,
        value: &Value,
        evaluators: &Map<String, Value>,
        depth: usize,
    ) -> Result<Value, Unsupported> {
        if depth > MAX_DEPTH {
            return Err("its targeting is nested too deep, or in a circle".into());
        }
        if variable(value).as_deref() == Some("$flagd.flagKey") {
            return Ok(Value::from(self.name));
        }
        match value {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.resolved(item, evaluators, depth + 1));
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            Value::Object(object) => {
                if let Some(Value::String(name)) = object.get("$ref") {
                    let evaluator =
                        evaluators.get(name).ok_or_else(|| format!("unknown evaluator `{name}`"))?;
                    return self.resolved(evaluator, evaluators, depth + 1);
                }
                let member = |(key, value): (&String, &Value)| {
                    self.resolved(value, evaluators, depth + 1).map(|value| (key.clone(), value))
                };
                object.iter().map(member).collect::<Result<Map<_, _>, _>>().map(Value::Object)
            }
            literal => Ok(literal.clone()),
        }
    }

    /// What an expression gives to those for whom all `conditions` hold.
    fn value(&mut self, expression: &Value, conditions: &[Value], depth: usize) -> Result<(), Unsupported> {
        if depth > MAX_DEPTH {
            return Err("its targeting is nested too deep".into());
        }
        if conditions.contains(&never()) {
            return Ok(());
        }
        let Value::Object(object) = expression else {
            if expression.is_null() && self.default.is_empty() {
                return Ok(());
            }
            let variant = self.literal(expression)?;
            self.add(conditions, Assignment::Everyone(variant));
            return Ok(());
        };
        let (operator, operands) = operation(object)?;
        match operator {
            "if" => self.choice(&operands, conditions, depth),
            "fractional" => self.fractional(&operands, conditions),
            // A test as the whole targeting gives the variants `true` and `false`, and the default where it is
            // null.
            _ => {
                let null = is_null(expression).ok_or_else(|| jsonlogic::unsupported(expression))?;
                let holds = condition(expression, self.seen)?;
                let with = |more: [Value; 1]| conditions.iter().cloned().chain(more).collect::<Vec<_>>();
                if null != always() {
                    self.value(&json!(true), &with([holds.clone()]), depth + 1)?;
                }
                let fails = crate::condition::all(vec![not(holds), not(null.clone())]);
                self.value(&json!(false), &with([fails]), depth + 1)?;
                self.value(&Value::Null, &with([null]), depth + 1)
            }
        }
    }

    /// `if`: condition and value by turns, and perhaps a value for all others.
    fn choice(&mut self, operands: &[Value], conditions: &[Value], depth: usize) -> Result<(), Unsupported> {
        let mut here = conditions.to_vec();
        let mut rest = operands;
        while let [test, value, behind @ ..] = rest {
            let holds = condition(test, self.seen)?;
            let mut inner = here.clone();
            inner.push(holds.clone());
            self.value(value, &inner, depth + 1)?;
            here.push(not(holds));
            rest = behind;
        }
        let otherwise = rest.first().cloned().unwrap_or(Value::Null);
        self.value(&otherwise, &here, depth + 1)
    }

    /// The variant that a literal names; null is the default one.
    fn literal(&self, literal: &Value) -> Result<Variant, Unsupported> {
        let name = match literal {
            Value::Null if self.default.is_empty() => {
                return Err("a null in `fractional` has no equivalent without a defaultVariant".into());
            }
            Value::Null => self.default.to_owned(),
            Value::String(_) | Value::Bool(_) => names::of_value(literal),
            other => return Err(format!("{other} names no variant").into()),
        };
        match self.definition.variants.get(&name) {
            Some(value) => Ok(Variant::named(name, Some(value.clone()))),
            None => Err(format!("its targeting names the variant `{name}`, which it does not have").into()),
        }
    }

    fn add(&mut self, conditions: &[Value], assignment: Assignment) {
        let conditions = conditions.iter().filter(|condition| **condition != always()).cloned().collect();
        self.branches.push(Branch::new(conditions, assignment));
    }
}
