//! Tables of options in Markdown, made from the JSON Schema.

use crate::task::Failure;
use serde_json::Value;
use std::collections::BTreeMap;

/// What begins the line before a table.
pub const BEGIN: &str = "<!-- generated: ";
const BEGIN_END: &str = " -->";
/// The line behind a table.
pub const END: &str = "<!-- end -->";

/// The name under which a page asks for the table of the whole document.
const TOP: &str = "Document";

/// Types that pages describe in words instead of a table.
const DESCRIBED: [(&str, &str); 6] = [
    ("HttpMatch", "match.md"),
    ("StringMatch", "match.md#how-a-text-is-tested"),
    ("Source", "configuration.md#sources"),
    ("Percentage", "fault-injection.md#how-often"),
    ("Sampling", "fault-injection.md#sticky-sampling"),
    ("MetricLabel", "metrics.md#labels"),
];

/// Makes the tables of all pages.
pub struct Tables {
    schema: Value,
    /// Where each definition is explained.
    links: BTreeMap<String, String>,
}

impl Tables {
    /// `pages` are names and texts of all pages with tables, so that types can link to each other.
    pub fn new(schema: Value, pages: &[(String, String)]) -> Result<Self, Failure> {
        let mut links: BTreeMap<_, _> =
            DESCRIBED.map(|(name, link)| (name.to_owned(), link.to_owned())).into();
        for (page, text) in pages {
            let mut heading = String::new();
            for line in text.lines() {
                if line.starts_with('#') {
                    heading = anchor(line);
                } else if let Some(name) = begin(line) {
                    links.entry(name.to_owned()).or_insert_with(|| format!("{page}#{heading}"));
                }
            }
        }
        Ok(Self { schema, links })
    }

    /// The page with its tables made again.
    pub fn fill(&self, page: &str, text: &str) -> Result<String, Failure> {
        let mut out = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            out.push_str(line);
            out.push('\n');
            if let Some(name) = begin(line) {
                if !lines.any(|line| line == END) {
                    return Err(format!("{page}: no `{END}` behind `{line}`").into());
                }
                out.push_str(&self.table(page, name)?);
                out.push_str(END);
                out.push('\n');
            }
        }
        Ok(out)
    }

    fn table(&self, page: &str, name: &str) -> Result<String, Failure> {
        let definition = if name == TOP { Some(&self.schema) } else { self.definition(name) };
        let definition = definition.ok_or_else(|| format!("{page}: the schema has no {name}"))?;
        if let Some(words) = words(definition) {
            let rows = words.iter().map(|(word, meaning)| format!("| `{word}` | {} |\n", cell(meaning)));
            return Ok(format!("| value | meaning |\n|---|---|\n{}", rows.collect::<String>()));
        }
        let options =
            definition["properties"].as_object().ok_or_else(|| format!("{page}: {name} has no options"))?;
        let rows = options.iter().map(|(option, its)| {
            format!("| `{option}` | {} | {} |\n", cell(&self.kind(page, its)), cell(&description(its)))
        });
        Ok(format!("| option | type | meaning |\n|---|---|---|\n{}", rows.collect::<String>()))
    }

    fn definition(&self, name: &str) -> Option<&Value> {
        self.schema["$defs"].get(name)
    }

    /// The type in words, with a link where it is one of ours.
    fn kind(&self, page: &str, schema: &Value) -> String {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.reference(page, name);
        }
        match schema["type"].as_str() {
            Some("array") => format!("list of {}", self.kind(page, &schema["items"])),
            Some("object") => {
                format!("map to {}", self.kind(page, &schema["additionalProperties"]))
            }
            Some(name) => name.to_owned(),
            None => match schema["anyOf"].as_array() {
                Some(choices) => choices.iter().map(|c| self.kind(page, c)).collect::<Vec<_>>().join(" or "),
                None => "any".to_owned(),
            },
        }
    }

    fn reference(&self, page: &str, name: &str) -> String {
        let definition = self.definition(name);
        if let Some(words) = definition.and_then(words) {
            return words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        }
        match (self.links.get(name), definition) {
            (Some(link), _) => format!("[{name}]({})", link.strip_prefix(page).unwrap_or(link)),
            (None, Some(definition)) => self.kind(page, definition),
            (None, None) => name.to_owned(),
        }
    }
}

/// The name that a line asks for.
fn begin(line: &str) -> Option<&str> {
    line.strip_prefix(BEGIN)?.strip_suffix(BEGIN_END)
}

/// The values of a type that has only some words, with their meanings.
fn words(definition: &Value) -> Option<Vec<(&str, &str)>> {
    let choices = definition["oneOf"].as_array()?;
    choices
        .iter()
        .map(|c| Some((c["const"].as_str()?, c["description"].as_str().unwrap_or_default())))
        .collect()
}

fn description(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    match &schema["default"] {
        Value::Null | Value::Object(_) => text.to_owned(),
        default => format!("{text} Default: `{default}`."),
    }
}

/// A text that can be in a table's cell.
fn cell(text: &str) -> String {
    text.replace("\n\n", "<br>").replace('\n', " ").replace('|', "\\|")
}

/// What GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tables(page: &str) -> Result<String, Failure> {
        let schema = json!({"$defs": {
            "Rule": {"properties": {
                "name": {"type": "string", "description": "A | B"},
                "split": {"$ref": "#/$defs/Split"},
                "to": {"type": "array", "items": {"$ref": "#/$defs/Word"}},
                "vary": {"type": "boolean", "default": false, "description": "Vary."},
            }},
            "Split": {"properties": {}},
            "Word": {"oneOf": [{"const": "a", "description": "An a."}, {"const": "b"}]},
        }});
        let pages = [
            ("a.md".to_owned(), page.to_owned()),
            ("b.md".to_owned(), "# The Split!\n<!-- generated: Split -->\n".to_owned()),
        ];
        Tables::new(schema, &pages)?.fill("a.md", page)
    }

    #[test]
    fn a_table_takes_the_place_of_the_old_one_and_the_rest_stays() {
        let page = "before\n<!-- generated: Rule -->\nold\n<!-- end -->\nafter\n";
        let expected = "before\n<!-- generated: Rule -->\n| option | type | meaning |\n|---|---|---|\n\
            | `name` | string | A \\| B |\n| `split` | [Split](b.md#the-split) |  |\n\
            | `to` | list of `a`, `b` |  |\n| `vary` | boolean | Vary. Default: `false`. |\n<!-- end -->\nafter\n";
        let filled = tables(page).unwrap();
        assert_eq!(filled, expected);
        assert_eq!(tables(&filled).unwrap(), filled, "a second time changes nothing");
    }

    #[test]
    fn words_have_a_table_too() {
        let filled = tables("<!-- generated: Word -->\n<!-- end -->\n").unwrap();
        assert!(filled.contains("| `a` | An a. |\n| `b` |  |\n"), "{filled}");
    }

    #[test]
    fn broken_marks_are_errors() {
        assert!(tables("<!-- generated: Rule -->\nold\n").is_err());
        assert!(tables("<!-- generated: Nothing -->\n<!-- end -->\n").is_err());
    }
}
