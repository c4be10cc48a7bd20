//! What the Helm chart has of the rest of the repository. Helm reads nothing outside of a chart, so files are copied
//! into it, and the rules for configurations go into the schema of its values. The table in its README is made of
//! that schema.

use crate::tables;
use crate::task::Failure;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const CHART: &str = "charts/weir";
/// Files of the chart, and what they are copies of.
const COPIES: [(&str, &str); 4] = [
    ("files/dashboard.json", "monitoring/grafana/weir.json"),
    ("files/recording.rules.yaml", "monitoring/prometheus/recording.rules.yaml"),
    ("files/alerting.rules.yaml", "monitoring/prometheus/alerting.rules.yaml"),
    ("files/pod-monitor.yaml", "monitoring/kubernetes/pod-monitor.yaml"),
];
/// What begins the line before the table of values.
const BEGIN: &str = "<!-- generated: values -->";
/// The definition of a configuration in the schema of values.
const CONFIGURATION: &str = "Configuration";

/// The chart's generated files with their texts. `configuration` is the schema of configurations, and `fresh` has what
/// is generated elsewhere now and may be copied.
pub fn generate(
    root: &Path,
    configuration: &str,
    fresh: &[(&str, &str)],
) -> Result<Vec<(PathBuf, String)>, Failure> {
    let chart = Path::new(CHART);
    let read = |path: &Path| {
        std::fs::read_to_string(root.join(path)).map_err(|error| format!("{}: {error}", path.display()))
    };
    let mut files = Vec::new();
    for (copy, of) in COPIES {
        let text = match fresh.iter().find(|(path, _)| *path == of) {
            Some((_, text)) => (*text).to_owned(),
            None => read(Path::new(of))?,
        };
        files.push((chart.join(copy), text));
    }
    let path = chart.join("values.schema.json");
    let schema = with_configuration(&read(&path)?, configuration)?;
    let readme = chart.join("README.md");
    let page = fill(&read(&readme)?, &schema)?;
    files.push((path, format!("{}\n", serde_json::to_string_pretty(&schema)?)));
    files.push((readme, page));
    Ok(files)
}

/// The schema of values with the definitions of configurations as they are now.
fn with_configuration(values: &str, configuration: &str) -> Result<Value, Failure> {
    let mut values: Value = serde_json::from_str(values)?;
    let mut top: Map<String, Value> = serde_json::from_str(configuration)?;
    let mut definitions = top.remove("$defs").unwrap_or_else(|| json!({}));
    top.remove("$schema");
    top.remove("version");
    definitions[CONFIGURATION] = Value::Object(top);
    values["$defs"] = definitions;
    Ok(values)
}

/// The page with its table made again.
fn fill(page: &str, schema: &Value) -> Result<String, Failure> {
    let (before, rest) = page.split_once(BEGIN).ok_or_else(|| format!("{CHART}/README.md: no `{BEGIN}`"))?;
    let (_, after) =
        rest.split_once(tables::END).ok_or_else(|| format!("{CHART}/README.md: no `{}`", tables::END))?;
    let mut table = String::from("| value | default | meaning |\n|---|---|---|\n");
    rows("", schema, &mut table)?;
    Ok(format!("{before}{BEGIN}\n{table}{}{after}", tables::END))
}

/// A row for each value that is not only a folder of others.
fn rows(prefix: &str, schema: &Value, table: &mut String) -> Result<(), Failure> {
    for (name, value) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let description =
            value["description"].as_str().ok_or_else(|| format!("{CHART}: {path} has no description"))?;
        if value["properties"].is_object() {
            writeln!(table, "| **`{path}`** | | {description} |")?;
            rows(&format!("{path}."), value, table)?;
        } else if let Some(default) = value.get("default") {
            writeln!(table, "| `{path}` | `{}` | {} |", shown(default), with_choices(description, value))?;
        }
    }
    Ok(())
}

/// A default as YAML has it.
fn shown(default: &Value) -> String {
    match default {
        Value::String(text) if !text.is_empty() => text.clone(),
        other => other.to_string(),
    }
}

/// What a value is for, with the texts that it can be where the description does not say them.
fn with_choices(description: &str, value: &Value) -> String {
    let choices = value["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let choices: Vec<String> = choices.filter(|it| !it.is_empty()).map(|it| format!("`{it}`")).collect();
    if choices.is_empty() || choices.iter().all(|it| description.contains(it.as_str())) {
        return description.to_owned();
    }
    format!("{description} One of {}.", choices.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_made_of_the_schema() {
        let schema = json!({"properties": {
            "image": {"description": "An image.", "properties": {
                "tag": {"type": "string", "default": "", "description": "Its tag."}}},
            "mode": {"enum": ["", "A", "B"], "default": "A", "description": "How."},
            "global": {"description": "Not a value."}}});
        let page = fill("a\n<!-- generated: values -->\nold\n<!-- end -->\nb\n", &schema).unwrap();
        let rows = "| **`image`** | | An image. |\n| `image.tag` | `\"\"` | Its tag. |\n\
                    | `mode` | `A` | How. One of `A`, `B`. |\n";
        let expected = "a\n<!-- generated: values -->\n| value | default | meaning |\n|---|---|---|\n";
        assert_eq!(page, format!("{expected}{rows}<!-- end -->\nb\n"));
        assert!(fill("no table", &schema).is_err());
    }

    #[test]
    fn the_rules_of_configurations_replace_the_old_ones() {
        let configuration = r##"{"$schema": "x", "version": "1", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {}}}"##;
        let schema =
            with_configuration(r#"{"properties": {}, "$defs": {"Old": {}}}"#, configuration).unwrap();
        let expected = json!({"A": {}, "Configuration": {"properties": {"a": {"$ref": "#/$defs/A"}}}});
        assert_eq!(schema["$defs"], expected);
    }
}
