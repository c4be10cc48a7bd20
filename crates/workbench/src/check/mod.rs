//! Reports the problems that a proxy would report, with their positions, and warnings.

mod allow;
mod codes;
mod foreign;
mod mend;
mod neighbours;
mod report;
mod routes;
mod surroundings;
mod syntax;
mod unmet;
mod unreached;
mod warning;
mod warnings;
mod words;

pub use codes::{CODES, Code, page};
pub use report::{Checked, Configuration, File, Finding, Level, Other, Outcome, Warned};

use crate::envelope;
use crate::manifest::{self, Around, Plugin, Whose};
use crate::variables::Variables;
use crate::yaml::{Broken, Content, Node};
use allow::Allowed;
use std::io::{self, Write};
use std::rc::Rc;
use weir_core::At;
use weir_pipeline::Plans;

/// What all files are checked with.
pub struct Settings<'v> {
    /// Which Wasm plugins are checked.
    pub whose: Whose,
    /// Values of environment variables; the others are taken as right.
    pub variables: &'v Variables,
    /// Whether documents that have nothing of the language are others'.
    pub allow_none: bool,
}

/// Writes what is wrong with the text of a file, as `weir check` does; nothing where all is right.
///
/// # Errors
/// When `out` cannot be written to.
pub fn problems(name: &str, text: &str, variables: &Variables, out: &mut impl Write) -> io::Result<Outcome> {
    let settings = Settings { whose: Whose::Recognised, variables, allow_none: false };
    let checked = Checked::new(vec![of_text(name.to_owned(), text, &settings)], false);
    let outcome = checked.outcome();
    if outcome != Outcome::Fine {
        checked.write_text(out)?;
    }
    Ok(outcome)
}

/// What is wrong with a resource, and what is probably not intended.
#[derive(Debug)]
pub struct Judged {
    /// What an API server or a proxy would refuse.
    pub problems: Vec<String>,
    /// Warnings, each with its code.
    pub warnings: Vec<String>,
}

/// Checks one resource of Kubernetes. One that has no configuration of Weir has no problem.
#[must_use]
pub fn resource(resource: &serde_json::Value, all_plugins: bool, variables: &Variables) -> Judged {
    let whose = if all_plugins { Whose::All } else { Whose::Recognised };
    let settings = Settings { whose, variables, allow_none: true };
    // JSON has no comments, so that nothing in it silences a warning.
    let file = found_in(String::new(), &resource.to_string(), &settings);
    let mut judged = Judged { problems: Vec::new(), warnings: Vec::new() };
    Checked::new(vec![file], true).each(|_, level, finding| {
        let text = finding.map(Finding::text).unwrap_or_default();
        match level {
            Level::Problem => judged.problems.push(text),
            Level::Warning(code) => judged.warnings.push(format!("[{code}] {text}")),
        }
    });
    judged
}

/// Checks the text of a file, which the results call `name`.
#[must_use]
pub fn of_text(name: String, text: &str, settings: &Settings<'_>) -> File {
    let mut file = found_in(name, text, settings);
    silence(&mut file, text);
    file
}

/// The same, whatever comments allow.
fn found_in(name: String, text: &str, settings: &Settings<'_>) -> File {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = manifest::find(text, settings.whose);
    if settings.allow_none {
        let is_other = |plugin: &Plugin| {
            matches!(plugin.around, Around::Nothing)
                && plugin.name.is_empty()
                && !plugin.configuration.as_ref().is_some_and(manifest::has_section)
        };
        found.ours.retain(|plugin| !is_other(plugin));
    }
    let syntax = found.broken.into_iter().map(|broken| Finding::from(syntax::explained(broken, &lines)));
    let mut file = File { file: name, problems: syntax.collect(), ..File::default() };
    file.others =
        found.others.iter().map(|plugin| Other { name: plugin.name.clone(), at: plugin.at }).collect();
    file.foreign = foreign::described(&found.documents);
    for bare in found.bare {
        file.problems.extend(refused(&Around::Resource(Rc::new(bare))));
    }
    file.warnings = found.documents.iter().flat_map(routes::hidden).collect();
    let shared = neighbours::warnings(&found.ours);
    let mut before: Option<&Plugin> = None;
    for (plugin, shared) in found.ours.iter().zip(shared) {
        // Plugins of one resource follow each other, and share what is around them.
        let is_known = before.is_some_and(|before| before.around.is(&plugin.around));
        let around = if is_known { Vec::new() } else { refused(&plugin.around) };
        before = Some(plugin);
        let mut configuration = configuration(plugin, settings.variables, &lines, !around.is_empty());
        file.problems.extend(around);
        configuration.warnings.extend(shared);
        file.configurations.push(configuration);
    }
    file
}

/// What an API server or Envoy refuses of what is around a configuration.
fn refused(around: &Around) -> Vec<Finding> {
    let refused = envelope::refused(around).into_iter();
    let finding =
        |it: envelope::Refused| Finding { at: it.mark, path: Some(it.at.to_string()), message: it.message };
    refused.map(finding).collect()
}

/// Takes away the warnings that comments allow, and adds what is wrong with such comments.
fn silence(file: &mut File, text: &str) {
    let mut allowed = Allowed::read(text);
    let lists = file.configurations.iter_mut().map(|configuration| &mut configuration.warnings);
    for list in lists.chain([&mut file.warnings]) {
        list.retain(|warned| !allowed.silences(warned));
    }
    // Warnings are not looked for where there are problems.
    let right = file.problems.is_empty() && file.configurations.iter().all(|it| it.problems.is_empty());
    file.warnings.extend(allowed.warnings(right && !file.configurations.is_empty()));
}

fn configuration(
    plugin: &Plugin,
    variables: &Variables,
    lines: &[&str],
    refused_around: bool,
) -> Configuration {
    let explained = |broken: &Broken| Finding::from(syntax::explained(broken.clone(), lines));
    let mut problems: Vec<Finding> = plugin.broken.iter().map(explained).collect();
    match &plugin.configuration {
        Some(node) => {
            problems.extend(mend::problems(node, variables, lines));
            if plugin.native && problems.is_empty() {
                problems.extend(expressions(node, variables));
            }
        }
        // What cannot be unpacked, or is under a misspelt name, has been said; that it is empty then is no news.
        None if problems.is_empty() && !refused_around => problems.extend(of_nothing(plugin)),
        None => {}
    }
    problems.sort_by_key(|problem| problem.at);
    let mut warnings: Vec<Warned> = Vec::new();
    if let Some(node) = plugin.configuration.as_ref().filter(|_| problems.is_empty()) {
        warnings.extend(warnings::of(&node.to_json()).into_iter().map(|warning| Warned {
            code: warning.code,
            finding: Finding {
                at: node.locate(&warning.at),
                path: Some(warning.at.to_string()),
                message: warning.message,
            },
        }));
        warnings.extend(surroundings::of(plugin));
        warnings.sort_by_key(|warning| warning.finding.at);
    }
    Configuration { name: plugin.name.clone(), at: plugin.at, problems, warnings }
}

/// What the native module says of expressions.
fn expressions(node: &Node, variables: &Variables) -> Vec<Finding> {
    const NO_CEL: &str =
        "the native module has no CEL: use `match` or `condition`, or the WebAssembly module";
    let bytes = node.to_json().to_string().into_bytes();
    let plans = Plans::load_offline(&bytes, &|name| variables.get(name));
    let finding =
        |at: &At| Finding { at: node.locate(at), path: Some(at.to_string()), message: NO_CEL.to_owned() };
    plans.iter().flat_map(|plans| &plans.access_plan.cel_at).map(finding).collect()
}

/// What a module says to no bytes at all.
fn of_nothing(plugin: &Plugin) -> Vec<Finding> {
    let empty = crate::yaml::Node { at: plugin.at, content: Content::Object(Vec::new()) };
    let problems = mend::load(&empty, &Variables::default());
    let finding = |problem: weir_core::Problem| Finding {
        at: plugin.at,
        path: Some(problem.at.to_string()),
        message: problem.message,
    };
    problems.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a file holds, it is read to its end, and positions lie within it.
    #[test]
    fn broken_manifests_are_problems_and_never_panics() {
        const MANIFEST: &str = "apiVersion: v1\nkind: ConfigMap\ndata:\n  envoy.yaml: |\n    a: &x [1, \"é\"]\n    config:\n      \
             vm_config: {}\n      configuration:\n        \"@type\": google.protobuf.StringValue\n        \
             value: |\n          {\"routing\":\n            {\"rules\": [{\"name\": \"ü\", \"condition\": {\"$or\": []}}]}}\n---\n\
             routing:\n  default: {setHeaders: {x-a: 'it''s'}}\n";
        const PIECES: [&str; 24] = [
            "\n", "  ", "|", ">", "\"", "'", "{", "}", "[", "]", ":", "- ", "&a ", "*x", "\t", "\\u", "😀",
            "\r\n", "!!str ", "? ", "---\n", "%", "#", "\0",
        ];
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..3000 {
            let mut text: Vec<char> = MANIFEST.chars().collect();
            for _ in 0..random.usize(1..6) {
                let start = random.usize(..text.len());
                let end = (start + random.usize(..5)).min(text.len());
                text.splice(start..end, PIECES[random.usize(..PIECES.len())].chars());
            }
            let text: String = text.into_iter().collect();
            let lines = text.split(['\n', '\r']).count();
            let found = manifest::find(&text, Whose::All);
            let file_lines: Vec<&str> = text.lines().collect();
            let checked = found
                .ours
                .iter()
                .flat_map(|plugin| configuration(plugin, &Variables::default(), &file_lines, false).problems);
            for finding in checked.chain(found.broken.into_iter().map(Finding::from)) {
                assert!(
                    (1..=lines).contains(&finding.at.line) && finding.at.column > 0,
                    "{finding:?}\n{text}"
                );
            }
        }
    }
}
