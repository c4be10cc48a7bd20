//! What the SDKs of other vendors assign (`tests/vectors/`), written as experiments.

use std::fs;

use serde_json::{Map, Value, json};
use weir_allocation::sdk::{Algorithm, growthbook_rollout};

use crate::paths;

/// Stands for a variant by its position: the variant's key here, one character of `assigned` there.
const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// What `assigned` has for a unit that does not take part.
pub const NOBODY: char = '-';
/// What `assigned` has for a unit that the SDK refuses.
pub const REFUSED: char = '!';

/// A file of vectors as a configuration: experiments, and what each unit must get.
#[derive(Debug)]
pub struct Vectors {
    /// The experiments, in the order of the file.
    pub experiments: Vec<Value>,
    /// For each experiment one character for each unit.
    pub assigned: Vec<String>,
}

/// Some units of an experiment, and what they must get.
#[derive(Debug)]
pub struct Sample {
    /// The experiment.
    pub experiment: Value,
    /// Units, each with the key of its variant or [`NOBODY`].
    pub answers: Vec<(String, char)>,
}

/// The units of all files, in their order.
///
/// # Errors
/// The file is not there or not as its README says.
pub fn units() -> Result<Vec<String>, String> {
    let units: Vec<Value> = read("units/units.json")?;
    let text = |unit: &Value| match unit {
        Value::String(text) => Some(text.clone()),
        // A long one is a text and how often it is repeated.
        other => Some(other.get(0)?.as_str()?.repeat(usize::try_from(other.get(1)?.as_u64()?).ok()?)),
    };
    units.iter().map(|unit| text(unit).ok_or_else(|| format!("{unit} is no unit"))).collect()
}

/// A file such as `split/split.json`.
///
/// # Errors
/// It is not there or not as the README says.
pub fn file(path: &str) -> Result<Vectors, String> {
    let file: Value = read(path)?;
    let algorithm = file["algorithm"].as_str().ok_or("no algorithm")?;
    let configurations = file["configurations"].as_array().ok_or("no configurations")?;
    let mut vectors = Vectors { experiments: Vec::new(), assigned: Vec::new() };
    for configuration in configurations {
        vectors.experiments.push(experiment(algorithm, configuration, &vectors.experiments)?);
        vectors.assigned.push(configuration["assigned"].as_str().ok_or("no answers")?.to_owned());
    }
    Ok(vectors)
}

/// The sample of all algorithms.
///
/// # Errors
/// The file is not there or not as the README says.
pub fn sample() -> Result<Vec<Sample>, String> {
    let rows: Vec<Value> = read("units/sample.json")?;
    let mut experiments = Vec::new();
    for row in &rows {
        let algorithm = row["algorithm"].as_str().ok_or("no algorithm")?;
        experiments.push(experiment(algorithm, row, &experiments)?);
    }
    let answers = rows.iter().map(|row| row["units"].as_array()?.iter().map(answer).collect());
    let pair = |(experiment, answers): (Value, Option<_>)| {
        Ok(Sample { experiment, answers: answers.ok_or("a row has no units")? })
    };
    experiments.into_iter().zip(answers).map(pair).collect()
}

/// `["user-1", 2]`, or `["user-1", null]`.
fn answer(pair: &Value) -> Option<(String, char)> {
    let variant = match pair.get(1)? {
        Value::Null => NOBODY,
        index => letter(usize::try_from(index.as_u64()?).ok()?)?,
    };
    Some((pair.get(0)?.as_str()?.to_owned(), variant))
}

/// A vendor's configuration as an experiment. Its key is the vendor's where that can be; else a number, and the
/// vendor's key is the seed. That is the same: where there is no seed, the key is it.
fn experiment(algorithm: &str, vendor: &Value, earlier: &[Value]) -> Result<Value, String> {
    let known = Algorithm::from_name(algorithm).ok_or_else(|| format!("no algorithm {algorithm}"))?;
    let vendor_key = vendor["key"].as_str().ok_or("no key")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let own = vendor_key.chars().all(plain) && earlier.iter().all(|other| other["key"] != vendor_key);
    let key = if own { vendor_key.to_owned() } else { format!("e{}", earlier.len()) };
    let mut experiment =
        Map::from_iter([("key".to_owned(), json!(key)), ("hash".to_owned(), json!(algorithm))]);
    // Envoy's hash has no seed at all.
    if !own && known != Algorithm::EnvoyXxh64 {
        experiment.insert("seed".to_owned(), json!(vendor_key));
    }
    for (theirs, ours) in [("seed", "seed"), ("coverage_seed", "coverageSeed"), ("coverage", "coverage")] {
        if let Some(value) = vendor.get(theirs) {
            experiment.insert(ours.to_owned(), value.clone());
        }
    }
    experiment.insert("variants".to_owned(), variants(known, vendor)?);
    Ok(Value::Object(experiment))
}

fn variants(algorithm: Algorithm, vendor: &Value) -> Result<Value, String> {
    let (field, list) = if let Some(rollout) = vendor.get("rollout").and_then(Value::as_f64) {
        let span = growthbook_rollout(algorithm, rollout).map(|span| json!([span.start, span.end]));
        ("ranges", vec![Value::Array(span.into_iter().collect())])
    } else {
        let field = if vendor.get("weights").is_some() { "weights" } else { "ranges" };
        (field, vendor[field].as_array().ok_or("neither weights nor ranges")?.clone())
    };
    let ours = if field == "weights" { "weight" } else { "ranges" };
    let variant = |(index, value)| {
        let key = letter(index).ok_or("too many variants")?;
        Ok(json!({"key": key.to_string(), ours: value}))
    };
    list.into_iter().enumerate().map(variant).collect()
}

fn letter(index: usize) -> Option<char> {
    LETTERS.get(index).copied().map(char::from)
}

fn read<T: serde::de::DeserializeOwned>(path: &str) -> Result<T, String> {
    let full = paths::root().join("tests/vectors").join(path);
    let text = fs::read_to_string(&full).map_err(|error| format!("{}: {error}", full.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))
}
