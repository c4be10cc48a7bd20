//! `weir import istio`: resources of Istio.

use super::args::Args;
use crate::output::{self, Failure, Outcome};
use anyhow::{Context as _, bail};
use serde::Serialize;
use std::io::Write;
use weir_core::escape::escape;
use weir_definitions::istio::{Options, Report};
use weir_workbench::import::istio::{self, Imported};

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

/// Imports the resources in the text of a file, and writes.
///
/// # Errors
/// Documents that are not resources; files that cannot be written.
pub(super) fn run(args: &Args, name: &str, text: &str, out: &mut impl Write) -> Result<Outcome, Failure> {
    let options = Options { units: units(&args.unit)?, cookie: !args.no_cookie };
    let Imported { report, configuration, routes } = istio::import(name, text, &options)?;
    let is_whole = report.left_out.is_empty();
    let configuration = configuration.filter(|_| is_whole || !args.strict);
    let is_written = configuration.is_some();
    let routes = routes.filter(|_| is_written);
    for (path, text) in [(&args.out, &configuration), (&args.routes, &routes)] {
        if let (Some(path), Some(text)) = (path, text) {
            output::replace(path, text.as_bytes()).with_context(|| path.display().to_string())?;
        }
    }
    let inline = configuration.as_deref().filter(|_| args.out.is_none());
    if args.format.is_json() {
        let routes = routes.as_deref().filter(|_| args.routes.is_none());
        output::json(out, &Printed { report: &report, configuration: inline, routes })?;
    } else {
        let complain = |line: &str| output::complain(&escape(line));
        istio::lines(&report, name).iter().for_each(|line| complain(line));
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

fn units(given: &[String]) -> anyhow::Result<Vec<String>> {
    match given.iter().find(|text| !text.contains(':')) {
        Some(text) => bail!("--unit {text}: expected a source such as header:x-user-id or cookie:uid"),
        None => Ok(given.to_vec()),
    }
}
