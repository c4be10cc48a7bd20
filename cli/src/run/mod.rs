//! `weir run`: a configuration in a real Envoy, with one command.

mod counters;
mod envoy;
pub(crate) mod http;
mod machine;
mod port;
mod requests;
mod samples;
pub(crate) mod stop;
mod visitors;
mod visits;

use crate::document::{self, Loaded};
use crate::input;
use crate::output::{Failure, Outcome};
use crate::upstream;
pub(crate) use counters::{Counters, raised, read as read_counters};
pub(crate) use envoy::{Envoy, Waited};
pub(crate) use machine::{Machine, Place, Services};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use stop::Stop;
pub(crate) use visits::{added, seen};
use weir_workbench::assign::{self, Which};
use weir_workbench::check;
use weir_workbench::variables::Variables;

/// Starts Envoy with a configuration, and with sample services for missing upstreams.
///
/// Generates the file of `weir render envoy`, and runs Envoy with it until Ctrl-C. Upstreams that rules name
/// and that you do not define are sample services: they return the received request as JSON, and their name
/// in the header x-upstream. Without any upstream, a sample service gets all requests that no rule sends elsewhere.
///
/// As soon as Envoy is ready, the command sends requests as visitors do, each twice, until two of them are handled
/// differently, and prints where they went, what Weir set, and what was counted. Nothing is sent to services of your
/// own, and nothing where requests need a token.
///
/// Envoy's log is on standard error. Variables that the configuration reads come from `--env` and this
/// command's environment.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Envoy is the program of --envoy, of the variable ENVOY, or `envoy` in the PATH. In Weir's repository \
`scripts/envoy path` fetches Envoy and prints its path. The module is dist/weir.wasm, or weir.wasm beside this program.

Examples:
  weir run
  weir run weir.yaml
  weir run weir.yaml --envoy \"$(scripts/envoy path)\" --listen 8080
  weir run weir.yaml --upstream v1=127.0.0.1:3000
  weir run weir.yaml --native
  weir run weir.yaml --no-requests
  weir run weir.yaml --once

Exit codes: 0 it ran until it was stopped; 1 the configuration has problems; 2 a requirement is missing; \
Envoy's exit code, if Envoy ends by itself.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    #[arg(default_value = "weir.yaml")]
    config: PathBuf,
    /// Exit as soon as Envoy is ready: checks whether it accepts the configuration, including CEL
    /// expressions. No requests are sent.
    #[arg(long)]
    once: bool,
    /// Send no requests when Envoy is ready.
    #[arg(long)]
    no_requests: bool,
    #[command(flatten)]
    machine: Machine,
}

/// Starts everything, and stays until it is over.
///
/// # Errors
/// Something is missing, or cannot be started.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let machine = &args.machine;
    upstream::unique(&machine.upstreams)?;
    let (name, text) = input::named(&args.config)?;
    let variables = machine.environment.read()?;
    let checked = check::problems(&name, &text, &variables, out)?;
    if checked != check::Outcome::Fine {
        return Ok(checked.into());
    }
    let loaded = document::find(&name, &text, &variables, |_| true)?;
    let runtime = tokio::runtime::Runtime::new().map_err(anyhow::Error::from)?;
    let services = Services::start(&runtime, machine, &loaded)?;
    let place = Place::find(machine)?;
    warn_of_unset(&loaded, &variables);

    let stop = Stop::listen(&runtime).map_err(anyhow::Error::from)?;
    services.describe(out)?;
    let mut envoy = services.envoy(&place, machine, &loaded, &variables)?;
    let mut waited = envoy.until_ready(&stop)?;
    if waited == Waited::Ready && !args.once {
        let (url, admin) = (place.url(), place.admin_url());
        writeln!(out, "Envoy listens on {url}; statistics: {admin}/stats?filter=weir\n")?;
        out.flush()?;
        let mut told = false;
        if !args.no_requests {
            match unwanted(&loaded, &services) {
                Some(why) => writeln!(out, "{why}\n")?,
                None => {
                    let proxy = visits::Proxy { listen: place.reached(), admin: place.reached_admin() };
                    let stopped = std::cell::Cell::new(false);
                    let is_told = || {
                        stopped.set(stopped.get() || stop.told_within(Duration::ZERO));
                        stopped.get()
                    };
                    let visited = runtime.block_on(visits::make(&loaded.document, proxy, is_told));
                    told = stopped.get();
                    visited.write(out)?;
                }
            }
        }
        describe(&loaded, &url, out)?;
        waited = if told { Waited::Told } else { envoy.until_end(&stop)? };
    }
    envoy.end();
    over(waited, &name, out)
}

/// Why no requests are sent, if they are not.
fn unwanted(loaded: &Loaded, services: &Services) -> Option<String> {
    if needs_token(loaded) {
        let providers = loaded.document.jwt.iter().flat_map(|jwt| jwt.providers.iter());
        let names: Vec<&str> = providers.map(|(name, _)| name).collect();
        let names = names.join(", ");
        return Some(format!(
            "No requests were sent: they need a token of {names}. With one in the variable TOKEN:"
        ));
    }
    let own = services.own();
    (!own.is_empty()).then(|| {
        format!("No requests were sent, as they could reach services of your own: {}.", own.join(", "))
    })
}

/// Whether a request without a token is refused, or waits for keys.
fn needs_token(loaded: &Loaded) -> bool {
    if loaded.document.jwt.is_none() {
        return false;
    }
    let (which, request) = (Which::All, assign::Options::default());
    let now = crate::report::time::now().saturating_mul(1_000_000_000);
    let question = assign::Question { which: &which, unit: None, request: &request, jwks: &[], now };
    let report = assign::explain(loaded, &question, |_| Err("not fetched"), |_| {});
    report.map_or(true, |report| report.is_held())
}

/// Not a reason to stop: the module says what it needs, and some variables are switches.
pub(crate) fn warn_of_unset(loaded: &Loaded, variables: &Variables) {
    let unset = |name: &&String| variables.get_or_inherited(name).is_none() && *name != SWITCH;
    for name in loaded.variables.iter().filter(unset) {
        crate::output::complain(&format!("{}, which the configuration reads, is not set", shown(name)));
    }
}

/// A variable's name, unless it could be the secret itself, written in the place of the name.
fn shown(name: &str) -> &str {
    let usual = name.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
    if usual && (name.len() < 16 || name.contains('_')) { name } else { "a variable" }
}

/// Every configuration with faults asks for this one; most have no use for it.
const SWITCH: &str = "WEIR_FAULTS_OFF";

fn describe(loaded: &Loaded, url: &str, out: &mut impl Write) -> Result<(), Failure> {
    for line in requests::examples(&loaded.document, url) {
        writeln!(out, "  {line}")?;
    }
    writeln!(out, "\nCtrl-C stops everything.")?;
    Ok(out.flush()?)
}

fn over(waited: Waited, name: &str, out: &mut impl Write) -> Result<Outcome, Failure> {
    match waited {
        Waited::Ready => {
            writeln!(out, "{name}: Envoy takes it")?;
            Ok(Outcome::Fine)
        }
        Waited::Told => Ok(Outcome::Fine),
        Waited::Ended { status, served } => {
            let when = if served { "" } else { " before it served" };
            crate::output::complain(&format!("Envoy has ended{when}: {status}"));
            Ok(Outcome::Exit(envoy::code(status)))
        }
    }
}
