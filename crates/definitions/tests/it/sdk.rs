//! What the vendors' own SDKs give (tests/vectors/import-*), beside what imported configurations give.
//!
//! `WEIR_DEFINITIONS=VENDOR:FILE cargo test … published_or_made -- --nocapture` compares another file: a
//! published suite (`suite.py`), or more chance (`fuzz.py`, `fuzz.mjs`).

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use weir_core::header::encode_pairs;
use weir_core::{Effects, Request, Scratch, timestamp};
use weir_definitions::{Imported, Options, Report, Vendor, import};
use weir_experiment::{Note, Verdict};
use weir_pipeline::Plans;
use weir_testkit::Services;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors");

fn read(path: &str) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// What a flag gave: the variant by the vendor's name, and its payload.
type Given = Option<(String, Option<Value>)>;

/// An imported configuration that can be asked.
struct Asked {
    imported: Imported,
    plans: Option<Plans>,
}

impl Asked {
    fn new(vendor: Vendor, definitions: &Value, options: &Options) -> Result<Self, String> {
        let imported = import(vendor, definitions, options)?;
        let json = imported.document.to_json().to_string();
        let plans = (!imported.document.is_empty()).then(|| Plans::load(json.as_bytes(), &|_| None).unwrap());
        Ok(Self { imported, plans })
    }

    /// The text under which a request carries a value.
    fn text(source: &Value, value: &Value) -> Option<String> {
        let is_list = source.get("type").and_then(Value::as_str) == Some("list");
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let is_json = source.get("type").and_then(Value::as_str) == Some("json");
        match value {
            Value::Null => None,
            value if is_json => Some(value.to_string()),
            Value::Array(items) if is_list => Some(items.iter().map(plain).collect::<Vec<_>>().join(",")),
            value => Some(plain(value)),
        }
    }

    /// The variants of all flags for a context.
    fn ask(&self, context: &Map<String, Value>) -> BTreeMap<&str, Given> {
        let Some(plans) = &self.plans else { return BTreeMap::new() };
        let document = &self.imported.document;
        let mut headers = vec![(":path".to_owned(), "/".to_owned()), (":method".into(), "GET".into())];
        let whole = Value::Object(context.clone());
        for attribute in &document.attributes {
            let path = || attribute.name.split('.').try_fold(&whole, |value, step| value.get(step));
            let value = whole.get(&attribute.name).or_else(path).unwrap_or(&Value::Null);
            let header = attribute.source.get("header").and_then(Value::as_str);
            let header = header.or_else(|| attribute.source.as_str()?.strip_prefix("header:")).unwrap();
            if let Some(text) = Self::text(&attribute.source, value) {
                headers.push((header.to_owned(), text));
            }
        }
        let time = context.get("currentTime").and_then(Value::as_str);
        let host = Services::at(timestamp::parse(time.unwrap_or("2026-03-01T00:00:00Z")).unwrap());
        let raw = encode_pairs(&headers);
        let (mut scratch, mut effects) = (Scratch::default(), Effects::default());
        scratch.read(&plans.access_plan, &raw);
        let request = Request::new(&plans.access_plan, &raw, &scratch, &host);
        effects.reset(&plans.access_plan);
        let mut found = BTreeMap::new();
        let mut note = |note: Note<'_>| {
            if let Verdict::Variant(variant) = note.verdict {
                let experiment = &document.experiments[note.experiment.index()];
                let json = experiment.to_json();
                let variant = &json["variants"][variant];
                let key = self.original(&experiment.flag, variant["key"].as_str().unwrap());
                let given = (key, variant.get("payload").cloned());
                let before = found.insert(experiment.flag.as_str(), Some(given));
                assert_eq!(before, None, "{} has two variants", experiment.flag);
            }
        };
        plans.experiments.as_ref().unwrap().decide_traced(&request, &mut effects, &mut note);
        assert!(!host.asked().iter().any(|it| it == "random"), "an import asks for no chance");
        found
    }

    /// The vendor's name of a variant.
    fn original(&self, flag: &str, key: &str) -> String {
        let renamed = &self.imported.report.renamed;
        let found = renamed.iter().find(|it| it.flag == flag && it.name == key && it.variant.is_some());
        found.and_then(|it| it.variant.clone()).unwrap_or_else(|| key.to_owned())
    }
}

/// What was compared.
#[derive(Debug, Default)]
struct Counted {
    checks: usize,
    /// Of which no flag decides, because it is left out.
    left_out: usize,
    /// Of which the SDK itself draws again.
    by_chance: usize,
    /// Of which the vendor's SDKs differ.
    differ: usize,
    given: usize,
    wrong: Vec<String>,
    reasons: BTreeMap<String, usize>,
}

/// Attributes as requests have them: Unleash's properties beside its own fields.
fn flat(context: &Value) -> Map<String, Value> {
    let mut flat = context.as_object().unwrap().clone();
    if let Some(Value::Object(properties)) = flat.remove("properties") {
        flat.extend(properties);
    }
    flat
}

/// Whether an SDK's answer and ours are the same.
fn same(vendor: Vendor, definition: &Value, theirs: &Value, ours: &Given, has_payloads: bool) -> bool {
    let name = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match (vendor, ours) {
        // Where others have a payload, none is null.
        (Vendor::Growthbook, Some((key, None))) => name(theirs) == *key || (theirs.is_null() && has_payloads),
        (Vendor::Growthbook, Some((_, Some(payload)))) => payload == theirs,
        (Vendor::Growthbook, None) => *theirs == *definition.get("defaultValue").unwrap_or(&Value::Null),
        // Suites ask whether a feature is on, or for its variant.
        (Vendor::Unleash, ours) if theirs.is_boolean() => theirs.as_bool() == Some(ours.is_some()),
        (Vendor::Unleash, ours) => theirs.as_str() == ours.as_ref().map(|(key, _)| key.as_str()),
        (Vendor::Flagd, Some((key, _))) => theirs.as_str() == Some(key),
        (Vendor::Flagd, None) => theirs.is_null() || definition.get("defaultVariant") == Some(theirs),
    }
}

fn definition<'d>(vendor: Vendor, definitions: &'d Value, flag: &str) -> &'d Value {
    match vendor {
        Vendor::Growthbook => &definitions["features"][flag],
        Vendor::Flagd => &definitions["flags"][flag],
        Vendor::Unleash => &Value::Null,
    }
}

/// Whether a note says that the SDK draws a flag, or one that it depends on, again for such a context.
fn by_chance(report: &Report, flag: &str, context: &Map<String, Value>) -> bool {
    report.notes.iter().filter(|it| it.flag == flag && it.message.contains(" again ")).any(|it| {
        let message = &it.message;
        match message.strip_prefix("requests without ").and_then(|rest| rest.split_once(':')) {
            Some((units, _)) => units.split(" and ").all(|unit| context.get(unit).is_none_or(Value::is_null)),
            None => {
                let parent =
                    message.strip_prefix("it depends on ").and_then(|rest| rest.split_once(", which"));
                by_chance(report, parent.unwrap().0, context)
            }
        }
    })
}

/// Compares a case: `definitions`, `contexts`, and for each flag the SDK's `answers`.
fn compare(vendor: Vendor, case: &Value, counted: &mut Counted) {
    let definitions = &case["definitions"];
    let answers = case["answers"].as_object().unwrap();
    let options: Options = Options {
        types: case["types"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, kind)| {
                (name.clone(), weir_definitions::Kind::from_name(kind.as_str().unwrap()).unwrap())
            })
            .collect(),
        ..Options::default()
    };
    let asked =
        Asked::new(vendor, definitions, &options).unwrap_or_else(|error| panic!("{error}: {definitions}"));
    let report = &asked.imported.report;
    let left_out: BTreeMap<&str, &str> =
        report.left_out.iter().map(|it| (it.flag.as_str(), it.message.as_str())).collect();
    for (index, context) in case["contexts"].as_array().unwrap().iter().enumerate() {
        let context = flat(context);
        let given = asked.ask(&context);
        for (flag, theirs) in answers {
            counted.checks += 1;
            let theirs = &theirs[index];
            if let Some(reason) = left_out.get(flag.as_str()) {
                counted.left_out += 1;
                *counted.reasons.entry((*reason).to_owned()).or_default() += 1;
                continue;
            }
            if theirs.get("differ").is_some() {
                counted.differ += 1;
                continue;
            }
            if by_chance(report, flag, &context) {
                counted.by_chance += 1;
                continue;
            }
            let ours = given.get(flag.as_str()).cloned().flatten();
            counted.given += usize::from(ours.is_some());
            let experiments = asked.imported.document.experiments.iter().filter(|it| it.flag == *flag);
            let rules: Vec<Value> = experiments.map(weir_definitions::Experiment::to_json).collect();
            let has_payloads = json!(rules).to_string().contains("\"payload\":");
            if !same(vendor, definition(vendor, definitions, flag), theirs, &ours, has_payloads) {
                let notes: Vec<_> = report.notes.iter().filter(|it| it.flag == *flag).collect();
                counted.wrong.push(format!(
                    "{flag}: SDK {theirs}, Weir {ours:?} for {context:?}\n  {}\n  as {}\n{notes:?}",
                    case["name"],
                    json!(rules)
                ));
            }
        }
    }
}

fn vendor(name: &str) -> Vendor {
    match name {
        "growthbook" => Vendor::Growthbook,
        "unleash" => Vendor::Unleash,
        "flagd" => Vendor::Flagd,
        other => panic!("no vendor {other}"),
    }
}

/// Compares all cases of a file, a line each; at most `most` of 1,000 checks may be left out.
fn file(name: &str, path: &str, most: usize) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut counted = Counted::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        compare(vendor(name), &serde_json::from_str(line).unwrap(), &mut counted);
    }
    let Counted { checks, left_out, by_chance, differ, given, wrong, reasons } = counted;
    println!(
        "{name}: {checks} checks, {given} with a variant, {left_out} left out, {by_chance} by chance, of {differ} the \
         SDKs differ, {} wrong",
        wrong.len()
    );
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    reasons.iter().take(40).for_each(|(reason, count)| println!("  {count} left out: {reason}"));
    assert!(wrong.is_empty(), "{} differ, such as\n{}", wrong.len(), wrong[..wrong.len().min(8)].join("\n"));
    assert!(left_out * 1000 <= checks * most, "{left_out} of {checks} are left out");
    assert!(given > 0);
}

/// Our own definitions, each kind of rule that can be imported, for 600 users.
fn users(name: &str, definitions: &str, answers: impl Fn(&Value) -> Value, id: &str) {
    let users = read(&format!("{VECTORS}/import-users/users.json"));
    let sdk = read(&format!("{VECTORS}/import-{name}/vectors.json"));
    let contexts: Vec<Value> = users
        .as_array()
        .unwrap()
        .iter()
        .map(|user| {
            let mut user = user.as_object().unwrap().clone();
            let value = user.remove("id").unwrap();
            user.insert(id.to_owned(), value);
            Value::Object(user)
        })
        .collect();
    let rows = sdk["values"].as_array().unwrap();
    let by_flag = |(index, flag): (usize, &Value)| {
        let column: Vec<Value> = rows.iter().map(|row| answers(&row[index])).collect();
        (flag.as_str().unwrap().to_owned(), json!(column))
    };
    let answers: Map<String, Value> =
        sdk["features"].as_array().unwrap().iter().enumerate().map(by_flag).collect();
    let definitions = read(&format!("{VECTORS}/import-{name}/{definitions}"));
    let case = json!({"name": name, "definitions": definitions, "contexts": contexts, "answers": answers});
    let mut counted = Counted::default();
    compare(vendor(name), &case, &mut counted);
    assert!(counted.wrong.is_empty(), "{} differ:\n{}", counted.wrong.len(), counted.wrong[0]);
    assert_eq!((counted.left_out, counted.by_chance), (0, 0), "{:?}", counted.reasons);
    assert!(counted.given > 600);
}

#[test]
fn growthbook_assigns_as_its_sdk() {
    users("growthbook", "payload.json", Value::clone, "id");
    file("growthbook", &format!("{VECTORS}/import-growthbook/fuzz.jsonl"), 100);
}

#[test]
fn unleash_assigns_as_its_engine() {
    users("unleash", "features.json", Value::clone, "userId");
    // Much of what is made up there is by chance, or by two units.
    file("unleash", &format!("{VECTORS}/import-unleash/fuzz.jsonl"), 250);
}

#[test]
fn flagd_assigns_as_its_evaluator() {
    users("flagd", "flags.json", Value::clone, "targetingKey");
    file("flagd", &format!("{VECTORS}/import-flagd/fuzz.jsonl"), 100);
}

/// What an environment variable names, if it does.
#[test]
fn published_or_made() {
    let Ok(all) = std::env::var("WEIR_DEFINITIONS") else { return };
    for one in all.split(',') {
        let (vendor, path) = one.split_once(':').expect("VENDOR:FILE");
        file(vendor, path, 1000);
    }
}
