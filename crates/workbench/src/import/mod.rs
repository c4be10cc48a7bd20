//! Vendors' flag definitions and Istio's resources as the text of a configuration, and what became of each part.

pub mod istio;
mod report;

pub use report::lines;

use crate::error::Error;
use crate::yaml::write::Block;
use crate::yaml::{Content, Node};
use serde_json::Value;
use weir_definitions::{Document, Experiment, Imported, Options, Report, Vendor};

/// What became of a vendor's definitions.
#[derive(Debug)]
pub struct Flags {
    /// What was imported, and what not.
    pub report: Report,
    /// The text of the configuration; none where no flag became an experiment.
    pub configuration: Option<String>,
}

/// Imports the flag definitions in the text of a file, YAML or JSON, which messages call `name`.
///
/// # Errors
/// A text that has no such definitions; a message for people.
pub fn flags(vendor: Vendor, name: &str, text: &str, options: &Options) -> Result<Flags, Error> {
    let documents = documents(name, text)?;
    let [file] = documents.as_slice() else {
        let message = format!("has {} documents, but one is expected", documents.len());
        return Err(Error::file(name, message));
    };
    let imported = weir_definitions::import(vendor, &file.to_json(), options);
    let Imported { document, mut report } = imported.map_err(|error| Error::file(name, error))?;
    locate(&mut report, file);
    let configuration = (!document.is_empty()).then(|| crate::yaml::write::write(&block(&document, name)));
    Ok(Flags { report, configuration })
}

/// The documents of a text.
fn documents(name: &str, text: &str) -> Result<Vec<Node>, Error> {
    let (documents, broken) = crate::yaml::read(text);
    match broken.first() {
        Some(broken) => Err(Error::broken(name, broken)),
        None => Ok(documents),
    }
}

/// Finds the lines of what the report speaks of.
fn locate(report: &mut Report, file: &Node) {
    for remark in report.left_out.iter_mut().filter(|remark| !remark.at.is_empty()) {
        remark.line = Some(line(file, remark.at.split('/').skip(1)));
    }
}

/// The line of a part of a document, as the steps of a JSON pointer lead to it.
fn line<'s>(file: &Node, steps: impl Iterator<Item = &'s str>) -> usize {
    let (mut node, mut line) = (file, file.at.line);
    for step in steps {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match &node.content {
            Content::Object(members) => {
                members.iter().find(|it| it.key == step).map(|it| (it.key_at.line, &it.value))
            }
            Content::List(items) => {
                step.parse::<usize>().ok().and_then(|index| items.get(index)).map(|it| (it.at.line, it))
            }
            _ => None,
        };
        let Some((at, inner)) = next else { break };
        (line, node) = (at, inner);
    }
    line
}

/// The configuration as a file with comments.
fn block(document: &Document, file: &str) -> Block {
    let mut members = Vec::new();
    if !document.attributes.is_empty() {
        let guessed = document.attributes.iter().any(|it| it.is_guess);
        let remark = guessed.then(|| {
            "The sources and types of these are guesses; correct them with --source and --type.".to_owned()
        });
        let attributes =
            document.attributes.iter().map(|it| (it.name.clone(), Block::Value(it.source.clone())));
        let block = Block::Map(attributes.collect()).commented(remark.into_iter().collect());
        members.push(("attributes".to_owned(), block));
    }
    let list = document.experiments.iter().map(experiment).collect();
    members.push(("experiments".to_owned(), Block::Map(vec![("list".to_owned(), Block::List(list))])));
    Block::Map(members).commented(vec![format!("Imported by `weir import` from {file}.")])
}

fn experiment(it: &Experiment) -> Block {
    let member = |(name, value): &(&'static str, Value)| {
        let block = match value {
            // Objects, each on a line of its own.
            Value::Array(items) if items.iter().any(Value::is_object) => {
                Block::List(items.iter().cloned().map(Block::Value).collect())
            }
            value => Block::Value(value.clone()),
        };
        ((*name).to_owned(), block)
    };
    let block = Block::Map(it.members.iter().map(member).collect());
    if it.comments.is_empty() { block } else { block.commented(it.comments.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_file() {
        let (documents, _) = crate::yaml::read("features:\n  a/b:\n    rules:\n    - {}\n    - force: 1\n");
        let remark =
            |at: &str| weir_definitions::Remark { at: at.into(), ..weir_definitions::Remark::default() };
        let left_out = vec![remark("/features/a~1b/rules/1"), remark("/features/a~1b/gone"), remark("")];
        let mut report = Report { left_out, ..Report::default() };
        locate(&mut report, &documents[0]);
        let lines: Vec<_> = report.left_out.iter().map(|it| it.line).collect();
        assert_eq!(lines, [Some(5), Some(2), None]);
    }
}
