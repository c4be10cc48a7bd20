//! Resources of Istio.

use super::{documents, line};
use crate::error::Error;
use crate::yaml::Node;
use crate::yaml::write::Block;
use serde_json::Value;
use weir_core::escape::escape;
use weir_definitions::istio::{Finding, Options, Report, Tree};

/// What became of resources.
#[derive(Debug)]
pub struct Imported {
    /// What was imported, what stays with Istio, and what was left out.
    pub report: Report,
    /// The text of the configuration; none where no resource was imported.
    pub configuration: Option<String>,
    /// The text of VirtualServices with a route for each value of `x-weir-route`, where there are any.
    pub routes: Option<String>,
}

/// Imports the resources in the text of a file, which messages call `name`.
///
/// # Errors
/// Documents that are not resources; a message for people.
pub fn import(name: &str, text: &str, options: &Options) -> Result<Imported, Error> {
    let documents = documents(name, text)?;
    let values: Vec<Value> = documents.iter().map(Node::to_json).collect();
    let imported = weir_definitions::istio::import(&values, options);
    let weir_definitions::istio::Imported { configuration, routes, mut report } =
        imported.map_err(|error| Error::file(name, error))?;
    locate(&mut report, &documents);
    let configuration = configuration.map(|tree| {
        let comments = vec![format!("Imported by `weir import istio` from {name}.")];
        crate::yaml::write::write(&block(tree).commented(comments))
    });
    let routes = (configuration.is_some() && !routes.is_empty()).then(|| documents_of(routes, name));
    Ok(Imported { report, configuration, routes })
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
#[must_use]
pub fn lines(report: &Report, file: &str) -> Vec<String> {
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
