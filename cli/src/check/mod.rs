//! `weir check`: reports the problems that a proxy would report, with their positions.

mod github;
mod sarif;
mod snippet;

use crate::environment::Environment;
use crate::input;
use crate::output::{Escaped, Failure, Outcome};
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use weir_workbench::check::{Checked, File, Settings, of_text};
use weir_workbench::manifest::Whose;

/// Reports every problem of configurations, as a proxy would, and of what surrounds them.
///
/// Each problem is one line on standard output: the file with line and column, the path in the configuration,
/// what is wrong and what was expected; on a terminal, the line of the file is shown as well. Only a proxy can
/// check CEL expressions. Values of environment variables are checked if you provide them with `--env`.
///
/// A file may be a Weir configuration, an Istio WasmPlugin, TrafficExtension or EnvoyFilter, an
/// EnvoyExtensionPolicy of Envoy Gateway, an Envoy configuration (bootstrap, listener, ECDS), a ConfigMap
/// with such files, a Kubernetes List, or several of these documents; YAML or JSON. The resources around a
/// configuration are checked as an API server checks them, and Envoy's Wasm filter as Envoy does.
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
  weir check --output sarif canary.yaml > weir.sarif
  weir check --deny warnings canary.yaml
  weir check --env proxy.env gateway.yaml

Exit codes: 0 no problems (there may be warnings); 1 there are problems, or warnings with \
`--deny warnings`; 2 a file cannot be read, or no file has a Weir configuration.")]
pub(crate) struct Args {
    /// Files to check; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Treat every Wasm plugin as Weir's.
    #[arg(long)]
    all_plugins: bool,
    /// Accept files without a Weir configuration, and skip documents without any section of the language. For
    /// hooks that pass every file.
    #[arg(long)]
    allow_none: bool,
    /// Fail if there are warnings.
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Deny>,
    #[command(flatten)]
    environment: Environment,
    /// Output format. Default: `snippets` on a terminal, else `text`.
    #[arg(long, value_enum, value_name = "FORM")]
    output: Option<Form>,
}

/// What else makes the command fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Deny {
    /// Valid settings that are probably not intended.
    Warnings,
}

/// The form of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// One line for each problem.
    Text,
    /// The line of the file, with a mark below it.
    Snippets,
    /// For programs; the fields are documented in docs/cli.md.
    Json,
    /// Commands of GitHub's workflows.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// Checks all the files and writes what was found.
///
/// # Errors
/// When `out` cannot be written to, or a file with variables cannot be read.
pub(crate) fn run(args: &Args, out: &mut Escaped<impl Write>) -> Result<Outcome, Failure> {
    let variables = args.environment.read()?;
    let whose = if args.all_plugins { Whose::All } else { Whose::Recognised };
    let terminal = io::stdout().is_terminal();
    let form = args.output.unwrap_or(if terminal { Form::Snippets } else { Form::Text });
    let with_lines = form == Form::Snippets;
    let settings = Settings { whose, variables: &variables, allow_none: args.allow_none };
    let files = args.files.iter().map(|path| file(path, &settings, with_lines)).collect();
    let checked = Checked::new(files, args.allow_none);
    match form {
        Form::Text => checked.write_text(out)?,
        Form::Snippets => {
            // Colours are what nothing else may write to a terminal.
            let plain = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
            let dumb = std::env::var_os("TERM").is_some_and(|it| it == "dumb");
            snippet::write(&checked, terminal && !plain && !dumb, out.unescaped())?;
            checked.write_summary(out)?;
        }
        Form::Json => crate::output::json(out, &checked)?,
        Form::Github => github::write(&checked, out)?,
        Form::Sarif => crate::output::json(out, &sarif::log(&checked))?,
    }
    Ok(match checked.outcome().into() {
        Outcome::Fine if args.deny == Some(Deny::Warnings) && checked.has_warnings() => Outcome::Problems,
        outcome => outcome,
    })
}

fn file(path: &Path, settings: &Settings<'_>, with_lines: bool) -> File {
    let name = input::name(path);
    let text = match input::read(path) {
        Ok(text) => text,
        Err(error) => {
            crate::output::complain(&format!("{name}: {error}"));
            return File { file: name, error: Some(error.to_string()), ..File::default() };
        }
    };
    let mut file = of_text(name, &text, settings);
    if with_lines {
        file.lines = text.lines().map(str::to_owned).collect();
    }
    file
}
