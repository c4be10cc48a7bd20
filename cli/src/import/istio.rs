//! `weir import istio`: resources of Istio.

use super::{Args, line, write};
use crate::output::{Failure, Outcome};
use crate::yaml::Node;
use crate::yaml::write::Block;
use serde::Serialize;
use serde_json::Value;
use std::io::Write;
use weir_core::escape::escape;
use weir_definitions::istio::{Finding, Imported, Options, Report, Tree};

/// What `--output json` prints.
#[derive(Debug, Serialize)]
struct Printed<'r> {
    #[serde(flatten)]
    report: &'r Report,
    /// The configuration, where no file was named for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<&'r str>,
    /// The VirtualServices, where no file was named for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    routes: Option<&'r str>,
}

/// Imports the documents of a file, and writes.
///
/// # Errors
/// Documents that are not resources; files that cannot be written.
pub(super) fn run(
    args: &Args,
    name: &str,
    documents: &[Node],
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let options = Options { units: units(&args.unit)?, cookie: !args.no_cookie };
    let values: Vec<Value> = documents.iter().map(Node::to_json).collect();
    let imported = weir_definitions::istio::import(&values, &options);
    let Imported { configuration, routes, mut report } =
        imported.map_err(|error| format!("{name}: {error}"))?;
    locate(&mut report, documents);
    let is_whole = report.left_out.is_empty();
    let is_written = configuration.is_some() && (is_whole || !args.strict);
    let configuration = configuration.filter(|_| is_written).map(|tree| {
        let comments = vec![format!("Imported by `weir import istio` from {name}.")];
        crate::yaml::write::write(&block(tree).commented(comments))
    });
    let routes = (is_written && !routes.is_empty()).then(|| documents_of(routes, name));
    for (path, text) in [(&args.out, &configuration), (&args.routes, &routes)] {
        if let (Some(path), Some(text)) = (path, text) {
            write(path, text)?;
        }
    }
    let inline = configuration.as_deref().filter(|_| args.out.is_none());
    if args.format.is_json() {
        let routes = routes.as_deref().filter(|_| args.routes.is_none());
        crate::output::json(out, &Printed { report: &report, configuration: inline, routes })?;
    } else {
        let complain = |line: &str| crate::output::complain(&escape(line));
        lines(&report, name).iter().for_each(|line| complain(line));
        if !is_written {
            complain(if is_whole || !args.strict {
                "nothing is written: no resource was imported"
            } else {
                "nothing is written: with --strict no resource may be left out"
            });
        } else if routes.is_some() && args.routes.is_none() {
            complain("note: Istio needs a route for each value of x-weir-route: --routes FILE writes them");
        }
        out.write_all(inline.unwrap_or_default().as_bytes())?;
    }
    Ok(if is_whole && is_written { Outcome::Fine } else { Outcome::Problems })
}

fn units(given: &[String]) -> Result<Vec<String>, String> {
    match given.iter().find(|text| !text.contains(':')) {
        Some(text) => Err(format!("--unit {text}: expected a source such as header:x-user-id or cookie:uid")),
        None => Ok(given.to_vec()),
    }
}

/// Finds the lines of what the report speaks of. The first step of a pointer is the document.
fn locate(report: &mut Report, documents: &[Node]) {
    let Report { left_out, stays, notes, others, .. } = report;
    for finding in [left_out, stays, notes, others].into_iter().flatten() {
        let mut steps = finding.at.split('/').skip(1);
        let document = steps.next().and_then(|it| it.parse::<usize>().ok()).and_then(|it| documents.get(it));
        finding.line = document.map(|document| line(document, steps));
    }
}

/// The report as text, a line each. `file` is where the resources are.
fn lines(report: &Report, file: &str) -> Vec<String> {
    let said = |what: &str, it: &Finding| {
        let place = it.line.map_or_else(String::new, |line| format!("{file}:{line}: "));
        let message = if it.message.is_empty() { String::new() } else { format!(": {}", it.message) };
        format!("{what}: {place}{}{message}", it.resource)
    };
    let mut lines: Vec<String> = report.left_out.iter().map(|it| said("left out", it)).collect();
    lines.extend(report.stays.iter().map(|it| said("stays with Istio", it)));
    lines.extend(report.notes.iter().map(|it| said("note", it)));
    lines.extend(report.others.iter().map(|it| said("not imported", it)));
    lines.push(format!("imported: {} of {}", report.imported.len(), report.total()));
    lines
}

fn block(tree: Tree) -> Block {
    match tree {
        Tree::Map(members) => {
            Block::Map(members.into_iter().map(|(name, part)| (name, block(part))).collect())
        }
        Tree::List(items) => Block::List(items.into_iter().map(block).collect()),
        Tree::Value(value) => Block::Value(value),
        Tree::Commented(comments, inner) => block(*inner).commented(comments),
    }
}

/// VirtualServices as the documents of a file.
fn documents_of(routes: Vec<Tree>, file: &str) -> String {
    let title = format!(
        "Written by `weir import istio` from {file}: routes by the header that Weir sets. Apply them after Weir's plugin."
    );
    let texts = routes.into_iter().map(|tree| {
        let tree = match tree {
            Tree::Map(members) => {
                Tree::Map(members.into_iter().map(|(name, part)| (name, opened(part, 3))).collect())
            }
            other => other,
        };
        crate::yaml::write::write(&block(tree))
    });
    format!("# {}\n{}", escape(&title), texts.collect::<Vec<_>>().join("---\n"))
}

/// The same with a line for each member of objects, so many levels deep.
fn opened(tree: Tree, depth: usize) -> Tree {
    if depth == 0 {
        return tree;
    }
    match tree {
        Tree::Map(members) => {
            Tree::Map(members.into_iter().map(|(name, part)| (name, opened(part, depth - 1))).collect())
        }
        Tree::List(items) => Tree::List(items.into_iter().map(|item| opened(item, depth)).collect()),
        Tree::Commented(comments, inner) => Tree::Commented(comments, Box::new(opened(*inner, depth))),
        Tree::Value(Value::Object(members)) if !members.is_empty() => {
            let open = |(name, value)| (name, opened(Tree::Value(value), depth - 1));
            Tree::Map(members.into_iter().map(open).collect())
        }
        Tree::Value(Value::Array(items)) if items.iter().any(Value::is_object) => {
            Tree::List(items.into_iter().map(|item| opened(Tree::Value(item), depth)).collect())
        }
        value => value,
    }
}
