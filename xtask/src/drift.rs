//! What is generated and committed all the same, because people read it where it lies: the JSON
//! Schema, the tables of options in the documentation, the reference of metrics, the dashboard.
//!
//! All is what the program prints. Schema and tables come from the configuration types; a table stands in a
//! page between `<!-- generated: NAME -->` and `<!-- end -->`, where NAME is a definition of the schema. What a page
//! shows of the repository's own files is included the same way, see [`includes`], and what the Helm chart has of them is
//! copied, see [`chart`].

use crate::task::{Failure, root};
use crate::{chart, includes, tables};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The schema's file, from the root of the repository.
pub const SCHEMA: &str = "schema/weir.schema.json";
/// The schema of rollouts: the same, beside it.
const ROLLOUT_SCHEMA: &str = "schema/rollout.schema.json";
const PAGES: &str = "docs";
/// Files that are wholly what `weir` prints for these arguments.
const PRINTED: [(&str, &[&str]); 2] = [
    ("docs/metrics-reference.md", &["metrics-reference"]),
    ("monitoring/grafana/weir.json", &["render", "dashboard"]),
];

/// A file, and what has to be in it.
struct Generated {
    path: PathBuf,
    text: String,
}

/// Compares what is committed with what would be generated now.
pub fn check() -> Result<(), Failure> {
    let root = root()?;
    let mut stale = Vec::new();
    for file in generate(&root)? {
        // An absent file differs too.
        if std::fs::read_to_string(root.join(&file.path)).ok().as_deref() != Some(file.text.as_str()) {
            stale.push(file.path.display().to_string());
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("not what the code says: {}\nto write them anew: make schema", stale.join(", ")).into())
}

/// Writes everything that is generated.
pub fn write() -> Result<(), Failure> {
    let root = root()?;
    for file in generate(&root)? {
        let path = root.join(&file.path);
        if std::fs::read_to_string(&path).ok().as_deref() != Some(file.text.as_str()) {
            std::fs::create_dir_all(path.parent().ok_or("a file without a folder")?)?;
            std::fs::write(&path, file.text)?;
            println!("{}", file.path.display());
        }
    }
    Ok(())
}

fn generate(root: &Path) -> Result<Vec<Generated>, Failure> {
    let schema = weir(root, &["schema"])?;
    let pages = pages(root)?;
    let rollout = weir(root, &["schema", "--rollout"])?;
    let tables = tables::Tables::new(both(&schema, &rollout)?, &pages)?;
    let mut files = vec![
        Generated { path: SCHEMA.into(), text: schema },
        Generated { path: ROLLOUT_SCHEMA.into(), text: rollout },
    ];
    for (path, arguments) in PRINTED {
        files.push(Generated { path: path.into(), text: weir(root, arguments)? });
    }
    let fresh: Vec<(&str, &str)> =
        files.iter().filter_map(|file| Some((file.path.to_str()?, file.text.as_str()))).collect();
    let chart = chart::generate(root, fresh.first().map_or("", |(_, schema)| schema), &fresh)?;
    files.extend(chart.into_iter().map(|(path, text)| Generated { path, text }));
    for (name, text) in &pages {
        let text = includes::fill(root, name, &tables.fill(name, text)?)?;
        files.push(Generated { path: Path::new(PAGES).join(name), text });
    }
    Ok(files)
}

/// The definitions of both schemas in one, for the tables; the top of the second is the definition `Rollout`.
fn both(schema: &str, rollout: &str) -> Result<Value, Failure> {
    let (mut all, mut rollout): (Value, Value) =
        (serde_json::from_str(schema)?, serde_json::from_str(rollout)?);
    let inner = rollout["$defs"].take();
    all["$defs"]["Rollout"] = rollout;
    for (name, definition) in inner.as_object().into_iter().flatten() {
        all["$defs"][name] = definition.clone();
    }
    Ok(all)
}

/// What the program prints: what is committed is what users get.
fn weir(root: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let program = std::env::var_os("WEIR_PROGRAM").ok_or(
        "WEIR_PROGRAM says where the command line `weir` is; `make schema` and `make drift` build it",
    )?;
    let output = Command::new(program)
        .current_dir(root)
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("`weir {}` failed: {}", arguments.join(" "), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The pages of the documentation that have tables or show files, by name.
fn pages(root: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(root.join(PAGES))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            let text = std::fs::read_to_string(root.join(PAGES).join(&name))?;
            if text.contains(tables::BEGIN) || text.contains(includes::BEGIN) {
                pages.push((name, text));
            }
        }
    }
    pages.sort();
    Ok(pages)
}
