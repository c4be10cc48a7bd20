//! flagd's flag definitions (<https://flagd.dev/reference/flag-definitions/>).

use super::condition::{always, not};
use super::jsonlogic::{condition, operation, variable};
use super::model::{Assignment, Attributes, Branch, Flag, Import, Kind, Layout, Split, Variant};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use weir_allocation::sdk::{Algorithm, Assigner, Assignment as Assigned, Definition, Layout as Weighted};

/// Deeper targeting is refused; evaluators may refer to each other in a circle.
const DEEPEST: usize = 32;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Definitions {
    flags: BTreeMap<String, FlagDefinition>,
    #[serde(rename = "$evaluators")]
    evaluators: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FlagDefinition {
    state: String,
    variants: BTreeMap<String, Value>,
    default_variant: Option<String>,
    targeting: Option<Value>,
}

/// Reads flag definitions whose `fractional` hashes as `hash` does.
///
/// # Errors
/// When the text has none.
pub(crate) fn read(text: &str, hash: Algorithm) -> Result<Import, String> {
    let definitions: Definitions = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if definitions.flags.is_empty() {
        return Err("no `flags` in it: this is not a flag definition of flagd".into());
    }
    let mut import = Import::default();
    for (name, definition) in &definitions.flags {
        let mut attributes = std::mem::take(&mut import.attributes);
        let flag = flag(name, definition, &definitions.evaluators, hash, &mut attributes);
        import.attributes = attributes;
        match flag {
            Ok(flag) => import.flags.push(flag),
            Err(message) => import.report.leave_out(name, message),
        }
    }
    Ok(import)
}

fn flag(
    name: &str,
    definition: &FlagDefinition,
    evaluators: &BTreeMap<String, Value>,
    hash: Algorithm,
    attributes: &mut Attributes,
) -> Result<Flag, String> {
    let default = definition.default_variant.clone().unwrap_or_default();
    let mut reader = Reader { name, definition, hash, attributes, branches: Vec::new() };
    if definition.state == "ENABLED"
        && let Some(targeting) = &definition.targeting
        && targeting.as_object().is_none_or(|object| !object.is_empty())
    {
        let targeting = resolved(targeting, evaluators, 0)?;
        reader.value(&targeting, &[], 0)?;
    }
    Ok(Flag { name: name.to_owned(), default, disjoint: true, branches: reader.branches })
}

/// Puts shared evaluators in the place of their references.
fn resolved(value: &Value, evaluators: &BTreeMap<String, Value>, depth: usize) -> Result<Value, String> {
    if depth > DEEPEST {
        return Err("its targeting is nested too deep, or in a circle".into());
    }
    match value {
        Value::Array(items) => {
            let items = items.iter().map(|item| resolved(item, evaluators, depth + 1));
            items.collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(object) => {
            if let Some(Value::String(name)) = object.get("$ref") {
                let evaluator =
                    evaluators.get(name).ok_or_else(|| format!("there is no evaluator `{name}`"))?;
                return resolved(evaluator, evaluators, depth + 1);
            }
            let member = |(key, value): (&String, &Value)| {
                resolved(value, evaluators, depth + 1).map(|value| (key.clone(), value))
            };
            object.iter().map(member).collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        literal => Ok(literal.clone()),
    }
}

struct Reader<'r> {
    name: &'r str,
    definition: &'r FlagDefinition,
    hash: Algorithm,
    attributes: &'r mut Attributes,
    branches: Vec<Branch>,
}

impl Reader<'_> {
    /// What an expression gives to those for whom all `conditions` hold.
    fn value(&mut self, expression: &Value, conditions: &[Value], depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err("its targeting is nested too deep".into());
        }
        let Value::Object(object) = expression else {
            let variant = self.literal(expression)?;
            self.add(conditions, Assignment::Everyone(variant));
            return Ok(());
        };
        let (operator, operands) = operation(object)?;
        match operator {
            "if" => self.choice(&operands, conditions, depth),
            "fractional" => self.fractional(&operands, conditions),
            // A condition as the whole targeting gives the variants `true` and `false`.
            _ => {
                let holds = condition(expression, self.attributes)?;
                let mut whole = conditions.to_vec();
                whole.push(holds);
                let (yes, no) = (self.literal(&json!(true))?, self.literal(&json!(false))?);
                self.add(&whole, Assignment::Everyone(yes));
                self.add(conditions, Assignment::Everyone(no));
                Ok(())
            }
        }
    }

    /// `if`: condition and value by turns, and perhaps a value for all others.
    fn choice(&mut self, operands: &[Value], conditions: &[Value], depth: usize) -> Result<(), String> {
        let mut here = conditions.to_vec();
        let mut rest = operands;
        while let [test, value, behind @ ..] = rest {
            let holds = condition(test, self.attributes)?;
            let mut inner = here.clone();
            inner.push(holds.clone());
            self.value(value, &inner, depth + 1)?;
            here.push(not(holds));
            rest = behind;
        }
        let otherwise = rest.first().cloned().unwrap_or(Value::Null);
        self.value(&otherwise, &here, depth + 1)
    }

    fn fractional(&mut self, operands: &[Value], conditions: &[Value]) -> Result<(), String> {
        let (by, parts) = match operands {
            [first, rest @ ..] if !first.is_array() => (Some(first), rest),
            parts => (None, parts),
        };
        let (seed, unit, is_text) = match by {
            None => (self.name.to_owned(), "targetingKey".to_owned(), false),
            Some(expression) => self.bucketed_by(expression)?,
        };
        let (mut variants, mut weights): (Vec<Variant>, Vec<f64>) = (Vec::new(), Vec::new());
        for part in parts {
            let (variant, weight) = self.part(part)?;
            if variants.contains(&variant) {
                return Err(format!("`fractional` names `{}` twice", variant.key));
            }
            variants.push(variant);
            weights.push(weight);
        }
        self.attributes.note(&unit, Kind::Text);
        if is_text {
            self.without_unit(&seed, &unit, conditions, &variants, &weights)?;
        }
        self.add(
            conditions,
            Assignment::Split(Split {
                hash: self.hash,
                unit: vec![unit],
                seed: Some(seed),
                coverage_seed: None,
                coverage: 1.0,
                variants,
                layout: Layout::Weights(weights),
            }),
        );
        Ok(())
    }

    /// `cat` of a text and nothing is that text, so who lacks the attribute gets the variant that the seed
    /// alone leads to.
    fn without_unit(
        &mut self,
        seed: &str,
        unit: &str,
        conditions: &[Value],
        variants: &[Variant],
        weights: &[f64],
    ) -> Result<(), String> {
        // The last character of the seed, as the unit: an empty unit would count as missing.
        let last = seed.char_indices().last().map_or(0, |(at, _)| at);
        let (head, tail) = seed.split_at(last);
        let definition = Definition {
            key: "fractional",
            seed: Some(head),
            coverage_seed: None,
            coverage: 1.0,
            layout: Weighted::Weights(weights),
        };
        let assigner = Assigner::new(self.hash, &definition).map_err(|refused| refused.to_string())?;
        if let Assigned::Variant(index) = assigner.assign(tail.as_bytes())
            && let Some(variant) = variants.get(index)
        {
            let mut missing = conditions.to_vec();
            missing.push(json!({unit: {"$exists": false}}));
            self.add(&missing, Assignment::Everyone(variant.clone()));
        }
        Ok(())
    }

    /// The seed and the attribute in `fractional`'s first element, and whether it is a text even without
    /// the attribute.
    fn bucketed_by(&self, expression: &Value) -> Result<(String, String, bool), String> {
        if let Some(name) = variable(expression) {
            return Ok((String::new(), name, false));
        }
        let unsupported = || format!("`fractional` by {expression} has no equivalent");
        let object = expression.as_object().ok_or_else(unsupported)?;
        let ("cat", parts) = operation(object)? else { return Err(unsupported()) };
        let Some((last, head)) = parts.split_last() else { return Err(unsupported()) };
        let mut seed = String::new();
        for part in head {
            match (part, variable(part).as_deref()) {
                (Value::String(text), _) => seed.push_str(text),
                (_, Some("$flagd.flagKey")) => seed.push_str(self.name),
                _ => return Err(unsupported()),
            }
        }
        let unit = variable(last).filter(|name| !name.starts_with("$flagd")).ok_or_else(unsupported)?;
        Ok((seed.clone(), unit, !seed.is_empty()))
    }

    /// `["variant", weight]` or `["variant"]`.
    fn part(&self, part: &Value) -> Result<(Variant, f64), String> {
        let unsupported = || format!("the part {part} of `fractional` has no equivalent");
        match part.as_array().map(Vec::as_slice) {
            Some([name]) => Ok((self.literal(name)?, 1.0)),
            Some([name, Value::Number(weight)]) => {
                let weight = weight.as_f64().ok_or_else(unsupported)?;
                Ok((self.literal(name)?, weight.max(0.0)))
            }
            _ => Err(unsupported()),
        }
    }

    /// The variant that a literal names; null is the default one.
    fn literal(&self, literal: &Value) -> Result<Variant, String> {
        let name = match literal {
            Value::Null => self.definition.default_variant.clone().unwrap_or_default(),
            Value::String(name) => name.clone(),
            Value::Bool(value) => value.to_string(),
            other => return Err(format!("{other} names no variant")),
        };
        match self.definition.variants.get(&name) {
            Some(value) => Ok(Variant { key: name, value: Some(value.clone()) }),
            None => Err(format!("its targeting names the variant `{name}`, which it does not have")),
        }
    }

    fn add(&mut self, conditions: &[Value], assignment: Assignment) {
        let conditions = conditions.iter().filter(|condition| **condition != always()).cloned().collect();
        let (requires, filters) = (Vec::new(), Vec::new());
        self.branches.push(Branch { name: None, conditions, requires, filters, assignment });
    }
}
