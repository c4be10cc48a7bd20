//! flagd's `fractional`.

use super::Reader;
use super::jsonlogic::{condition, operation, variable};
use crate::condition::{all, any, field, not};
use crate::model::{Assignment, Layout, Split, Variant};
use crate::unsupported::Unsupported;
use serde_json::{Value, json};
use weir_allocation::sdk::{Assigner, Assignment as Assigned, Definition, Layout as Weighted, Span};

/// More ways through the conditions inside one `fractional` are refused.
const MAX_BRANCHES: usize = 64;

/// What a unit is hashed with.
struct By {
    seed: String,
    unit: String,
    /// Whether it is a text even without the attribute.
    is_text: bool,
}

impl Reader<'_> {
    /// `fractional` for those for whom all conditions hold: for each way through the conditions inside it a
    /// branch.
    pub(super) fn fractional(&mut self, operands: &[Value], conditions: &[Value]) -> Result<(), Unsupported> {
        let (by, parts) = match operands {
            [first, rest @ ..] if !first.is_array() => (Some(first), rest),
            parts => (None, parts),
        };
        let by = match by {
            None => By { seed: self.name.to_owned(), unit: "targetingKey".into(), is_text: false },
            Some(expression) => self.bucketed_by(expression)?,
        };
        let mut ways: Vec<(Vec<Value>, Vec<Value>)> = vec![(Vec::new(), Vec::new())];
        for part in parts {
            let Value::Array(items) = part else { return Err(unsupported(part)) };
            let (name, weight) = match items.as_slice() {
                [name] => (name, &Value::from(1)),
                [name, weight] => (name, weight),
                _ => return Err(unsupported(part)),
            };
            for expression in [name, weight] {
                let choices = self.choices(expression, 0)?;
                ways = ways
                    .iter()
                    .flat_map(|(tests, values)| {
                        choices.iter().map(|(more, value)| {
                            let tests = tests.iter().chain(more).cloned().collect();
                            (tests, values.iter().cloned().chain([value.clone()]).collect())
                        })
                    })
                    .collect();
                if ways.len() > MAX_BRANCHES {
                    return Err("the conditions inside `fractional` have too many ways".into());
                }
            }
        }
        for (tests, values) in ways {
            let here = all(conditions.iter().cloned().chain(tests).collect());
            if here != crate::condition::never() {
                self.drawn(&by, &values, &[here])?;
            }
        }
        Ok(())
    }

    /// A literal, or what a chain of `if` chooses, with the conditions of each.
    fn choices(&mut self, expression: &Value, depth: usize) -> Result<Vec<(Vec<Value>, Value)>, Unsupported> {
        let Value::Object(object) = expression else { return Ok(vec![(Vec::new(), expression.clone())]) };
        let ("if", operands) = operation(object)? else { return Err(unsupported(expression)) };
        if depth > 4 {
            return Err("the conditions inside `fractional` are nested too deep".into());
        }
        let (mut all, mut before) = (Vec::new(), Vec::new());
        let mut rest = operands.as_slice();
        while let [test, value, behind @ ..] = rest {
            let holds = condition(test, self.seen)?;
            for (more, value) in self.choices(value, depth + 1)? {
                all.push((before.iter().cloned().chain([holds.clone()]).chain(more).collect(), value));
            }
            before.push(not(holds));
            rest = behind;
        }
        let otherwise = rest.first().cloned().unwrap_or(Value::Null);
        for (more, value) in self.choices(&otherwise, depth + 1)? {
            all.push((before.iter().cloned().chain(more).collect(), value));
        }
        Ok(all)
    }

    /// A `fractional` whose names and weights, by turns, are known.
    fn drawn(&mut self, by: &By, values: &[Value], conditions: &[Value]) -> Result<(), Unsupported> {
        let (mut parts, mut total): (Vec<(Variant, u64)>, u64) = (Vec::new(), 0);
        for pair in values.chunks(2) {
            let [name, weight] = pair else { continue };
            // SDKs take no other numbers, and nothing below zero.
            let weight = weight.as_i64().ok_or_else(|| unsupported(weight))?.max(0).unsigned_abs();
            total = total.saturating_add(weight);
            parts.push((self.literal(name)?, weight));
        }
        if total > i32::MAX.unsigned_abs().into() {
            return Err(format!("weights whose sum is {total}: flagd counts to {}", i32::MAX).into());
        }
        if total == 0 {
            return self.value(&Value::Null, conditions, 0);
        }
        parts.retain(|(_, weight)| *weight > 0);
        // Neighbours of one name are one.
        parts.dedup_by(|next, before| {
            let same = next.0 == before.0;
            before.1 += if same { next.1 } else { 0 };
            same
        });
        let (variants, layout) = layout(&parts, total)?;
        self.seen.attributes.note_text(&by.unit);
        if by.is_text || by.unit != "targetingKey" {
            let here = if by.is_text {
                "as in Go, the text without it is hashed"
            } else {
                "as in Python, it is the default"
            };
            let note = format!(
                "requests without {}: flagd's cores in Go and Python differ, and here, {here}",
                by.unit
            );
            self.seen.note(&note);
        }
        if by.is_text {
            self.without_unit(by, conditions, &parts)?;
        }
        self.add(
            conditions,
            Assignment::Split(Split {
                hash: self.hash,
                unit: vec![by.unit.clone()],
                seed: Some(by.seed.clone()),
                coverage_seed: None,
                coverage: 1.0,
                variants,
                layout,
            }),
        );
        Ok(())
    }

    /// `cat` of a text and nothing is that text, so who lacks the attribute gets the variant that the seed
    /// alone leads to.
    fn without_unit(
        &mut self,
        by: &By,
        conditions: &[Value],
        parts: &[(Variant, u64)],
    ) -> Result<(), Unsupported> {
        // The last character of the seed, as the unit: an empty unit would count as missing.
        let last = by.seed.char_indices().last().map_or(0, |(at, _)| at);
        let (head, tail) = by.seed.split_at(last);
        let weights: Vec<f64> = parts.iter().map(|(_, weight)| *weight as f64).collect();
        let definition = Definition {
            key: "fractional",
            seed: Some(head),
            coverage_seed: None,
            coverage: 1.0,
            layout: Weighted::Weights(&weights),
        };
        let assigner = Assigner::new(self.hash, &definition).map_err(|refused| refused.to_string())?;
        if let Assigned::Variant(index) = assigner.assign(tail.as_bytes())
            && let Some((variant, _)) = parts.get(index)
        {
            let mut missing = conditions.to_vec();
            let (absent, empty) = (json!({"$exists": false}), json!({"$eq": ""}));
            missing.push(any(vec![field(&by.unit, absent), field(&by.unit, empty)]));
            self.add(&missing, Assignment::Everyone(variant.clone()));
        }
        Ok(())
    }

    /// The seed and the attribute in `fractional`'s first element.
    fn bucketed_by(&self, expression: &Value) -> Result<By, Unsupported> {
        let unsupported = || Unsupported::from(format!("`fractional` by {expression} has no equivalent"));
        if let Some(unit) = variable(expression) {
            return if unit.starts_with("$flagd") || unit.is_empty() {
                Err(unsupported())
            } else {
                Ok(By { seed: String::new(), unit, is_text: false })
            };
        }
        let object = expression.as_object().ok_or_else(unsupported)?;
        let ("cat", parts) = operation(object)? else { return Err(unsupported()) };
        let Some((last, head)) = parts.split_last() else { return Err(unsupported()) };
        let mut seed = String::new();
        for part in head {
            let Value::String(text) = part else { return Err(unsupported()) };
            seed.push_str(text);
        }
        let unit = variable(last).filter(|name| !name.starts_with("$flagd") && !name.is_empty());
        let unit = unit.ok_or_else(unsupported)?;
        Ok(By { is_text: !seed.is_empty(), seed, unit })
    }
}

fn unsupported(part: &Value) -> Unsupported {
    format!("{part} in `fractional` has no equivalent").into()
}

/// Weights, or ranges where a variant has several parts.
fn layout(parts: &[(Variant, u64)], total: u64) -> Result<(Vec<Variant>, Layout), Unsupported> {
    const MILLIONTHS: u64 = 1_000_000;
    let mut variants: Vec<Variant> = Vec::new();
    for (variant, _) in parts {
        if !variants.contains(variant) {
            variants.push(variant.clone());
        }
    }
    if variants.len() == parts.len() {
        let weights = parts.iter().map(|(_, weight)| *weight as f64).collect();
        return Ok((variants, Layout::Weights(weights)));
    }
    let mut ranges: Vec<Vec<Span>> = vec![Vec::new(); variants.len()];
    let mut start = 0;
    for (variant, weight) in parts {
        let end = start + weight;
        if !(start * MILLIONTHS).is_multiple_of(total) || !(end * MILLIONTHS).is_multiple_of(total) {
            return Err(format!(
                "`fractional` names `{}` twice, and its parts are not whole millionths of {total}",
                variant.key
            )
            .into());
        }
        let share = |number: u64| (number * MILLIONTHS / total) as f64 / MILLIONTHS as f64;
        if let Some(index) = variants.iter().position(|known| known == variant) {
            ranges[index].push(Span::new(share(start), share(end)));
        }
        start = end;
    }
    Ok((variants, Layout::Ranges(ranges)))
}
