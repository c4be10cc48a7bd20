//! `weir check`: reports the problems that a proxy would report, with their positions.

mod neighbours;
mod notes;
mod report;
mod unmet;
mod warnings;

use crate::environment::{Environment, Variables};
use crate::input;
use crate::manifest::{self, Plugin, Whose};
use crate::output::{Failure, Format, Outcome};
use crate::yaml::{Mark, Node};
use report::{Checked, Configuration, File, Finding, Other, Warned};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use weir_core::{At, Problem};
use weir_pipeline::Plans;

/// Reports every problem of configurations, as a proxy would.
///
/// Each problem is one line on standard output: the file with line and column, the path in the configuration,
/// what is wrong and what was expected. Only a proxy can check CEL expressions. Values of environment
/// variables are checked if you provide them with `--env`.
///
/// A file may be a Weir configuration, an Istio WasmPlugin, TrafficExtension or EnvoyFilter, an
/// EnvoyExtensionPolicy of Envoy Gateway, an Envoy configuration (bootstrap, listener, ECDS), a ConfigMap
/// with such files, a Kubernetes List, or several of these documents; YAML or JSON.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A Wasm plugin is treated as Weir's if its address, file, plugin name or root ID contains the word `weir` or \
the name of one of its modules (ab_routing.wasm), or if its configuration has a section `routing`, \
`experiments` or `faults`, or `jwt` and nothing unknown. Other plugins are listed and not checked.

Examples:
  weir check canary.yaml
  weir check wasm-plugins/*.yaml envoy.yaml
  kubectl get wasmplugins -A -o yaml | weir check -
  weir check --output json canary.yaml
  weir check --deny warnings canary.yaml
  weir check --env proxy.env gateway.yaml

Exit codes: 0 no problems (there may be warnings); 1 there are problems, or warnings with \
`--deny warnings`; 2 a file cannot be read, or has no Weir configuration.")]
pub(crate) struct Args {
    /// Files to check; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Treat every Wasm plugin as Weir's.
    #[arg(long)]
    all_plugins: bool,
    /// Fail if there are warnings.
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Deny>,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    format: Format,
}

/// What else makes the command fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Deny {
    /// Valid settings that are probably not intended.
    Warnings,
}

/// Checks all the files and writes what was found.
///
/// # Errors
/// When `out` cannot be written to, or a file with variables cannot be read.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let variables = args.environment.read()?;
    let whose = if args.all_plugins { Whose::All } else { Whose::Recognised };
    let files = args.files.iter().map(|path| file(path, whose, &variables)).collect();
    let checked = Checked::new(files);
    if args.format.is_json() {
        crate::output::json(out, &checked)?;
    } else {
        checked.write_text(out)?;
    }
    Ok(match checked.outcome() {
        Outcome::Fine if args.deny == Some(Deny::Warnings) && checked.has_warnings() => Outcome::Problems,
        outcome => outcome,
    })
}

fn file(path: &Path, whose: Whose, variables: &Variables) -> File {
    let name = input::name(path);
    let text = match input::read(path) {
        Ok(text) => text,
        Err(error) => {
            crate::output::complain(&format!("{name}: {error}"));
            return File { file: name, error: Some(error), ..File::default() };
        }
    };
    of_text(name, &text, whose, variables)
}

/// Writes what is wrong with a file that has been read, as `weir check` does; nothing where all is right.
///
/// # Errors
/// When `out` cannot be written to.
pub(crate) fn problems(
    name: &str,
    text: &str,
    variables: &Variables,
    out: &mut impl Write,
) -> io::Result<Outcome> {
    let checked = Checked::new(vec![of_text(name.to_owned(), text, Whose::Recognised, variables)]);
    let outcome = checked.outcome();
    if outcome != Outcome::Fine {
        checked.write_text(out)?;
    }
    Ok(outcome)
}

fn of_text(name: String, text: &str, whose: Whose, variables: &Variables) -> File {
    let found = manifest::find(text, whose);
    let syntax = found.broken.into_iter().map(Finding::from).collect();
    let others = found.others.iter().map(|plugin| Other { name: plugin.name.clone(), at: plugin.at });
    let others = others.collect();
    let notes = neighbours::notes(&found.ours);
    let mut configurations: Vec<Configuration> =
        found.ours.into_iter().map(|plugin| configuration(plugin, variables)).collect();
    for (configuration, notes) in configurations.iter_mut().zip(notes) {
        configuration.notes.extend(notes);
    }
    File { file: name, error: None, others, problems: syntax, configurations }
}

fn configuration(plugin: Plugin, variables: &Variables) -> Configuration {
    let mut problems: Vec<Finding> = plugin.broken.iter().cloned().map(Finding::from).collect();
    // What cannot be unpacked has been said; that it is empty then is no news.
    if plugin.configuration.is_some() || problems.is_empty() {
        let found = problems_of(plugin.configuration.as_ref(), plugin.native, variables);
        problems.extend(found.iter().map(|problem| finding(problem, &plugin)));
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
        warnings.sort_by_key(|warning| warning.finding.at);
    }
    let notes = notes::notes(&plugin);
    Configuration { name: plugin.name, at: plugin.at, problems, warnings, notes }
}

/// What a module would say to this configuration.
fn problems_of(configuration: Option<&Node>, native: bool, variables: &Variables) -> Vec<Problem> {
    let bytes = configuration.map_or_else(Vec::new, |node| node.to_json().to_string().into_bytes());
    match Plans::load_offline(&bytes, &|name| variables.get(name)) {
        Err(problems) => problems.iter().cloned().collect(),
        Ok(plans) if native => {
            let no_cel = |at: &At| Problem { at: at.clone(), message: NO_CEL.to_owned() };
            plans.shape.cel_at.iter().map(no_cel).collect()
        }
        Ok(_) => Vec::new(),
    }
}

/// What the native module says of an expression.
const NO_CEL: &str = "the native module has no CEL: use `match` or `condition`, or the WebAssembly module";

fn finding(problem: &Problem, plugin: &Plugin) -> Finding {
    let at: Mark = plugin.configuration.as_ref().map_or(plugin.at, |node| node.locate(&problem.at));
    Finding { at, path: Some(problem.at.to_string()), message: problem.message.clone() }
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
            let checked = found
                .ours
                .into_iter()
                .flat_map(|plugin| configuration(plugin, &Variables::default()).problems);
            for finding in checked.chain(found.broken.into_iter().map(Finding::from)) {
                assert!(
                    (1..=lines).contains(&finding.at.line) && finding.at.column > 0,
                    "{finding:?}\n{text}"
                );
            }
        }
    }
}
