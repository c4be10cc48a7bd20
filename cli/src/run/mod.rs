//! `weir run`: a configuration in a real Envoy, with one command.

mod envoy;
mod port;
mod requests;
mod samples;
pub(crate) mod stop;

use crate::destinations::Destinations;
use crate::document::{self, Loaded};
use crate::environment::Environment;
use crate::input;
use crate::output::{Failure, Outcome};
use crate::render::envoy::{Details, Proxy, file};
use crate::upstream::{self, Upstream};
use envoy::{Envoy, Waited};
use samples::Samples;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use stop::Stop;
use weir_workbench::check;
use weir_workbench::variables::Variables;
use weir_workbench::yaml::write;

/// Starts Envoy with a configuration, and with sample services for missing upstreams.
///
/// Generates the file of `weir render envoy`, and runs Envoy with it until Ctrl-C. Upstreams that rules name
/// and that you do not define are sample services: they return the received request as JSON, and their name
/// in the header x-upstream. Without any upstream, the sample service v1 gets all requests.
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
  weir run weir.yaml --once

Exit codes: 0 it ran until it was stopped; 1 the configuration has problems; 2 a requirement is missing; \
Envoy's exit code, if Envoy ends by itself.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    #[arg(default_value = "weir.yaml")]
    config: PathBuf,
    /// An upstream, as NAME=HOST:PORT or NAME=https://HOST[:PORT]; the first one is the default.
    #[arg(long = "upstream", value_name = "NAME=HOST:PORT", value_parser = upstream::parse)]
    upstreams: Vec<Upstream>,
    /// Envoy's listener: a port of this machine, or ADDRESS:PORT. Default: 10000, or a free port if that is
    /// in use.
    #[arg(long, value_name = "PORT", value_parser = upstream::listen)]
    listen: Option<SocketAddr>,
    /// Envoy's admin interface. Default: 9901, or a free port if that is in use.
    #[arg(long, value_name = "PORT", value_parser = upstream::listen)]
    admin: Option<SocketAddr>,
    /// The Envoy program. Default: the variable ENVOY, or `envoy` in the PATH.
    #[arg(long, value_name = "PATH")]
    envoy: Option<PathBuf>,
    /// The module. Default: dist/weir.wasm, or weir.wasm beside this program; with `--native` libweir.so there.
    #[arg(long, value_name = "PATH")]
    module: Option<PathBuf>,
    /// Envoy's log level.
    #[arg(long, value_name = "LEVEL", default_value = "warning")]
    log_level: String,
    /// Exit as soon as Envoy is ready: checks whether it accepts the configuration, including CEL
    /// expressions.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    details: Details,
}

/// Starts everything, and stays until it is over.
///
/// # Errors
/// Something is missing, or cannot be started.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    upstream::unique(&args.upstreams)?;
    let name = input::name(&args.config);
    let text = input::read(&args.config).map_err(|error| format!("{name}: {error}"))?;
    let variables = args.environment.read()?;
    let checked = check::problems(&name, &text, &variables, out)?;
    if checked != check::Outcome::Fine {
        return Ok(checked.into());
    }
    let loaded = document::find(&name, &text, &variables, |_| true)?;
    let named = Destinations::of(&loaded.document, &args.details.route_header);
    keys_can_be_had(&named, &args.upstreams)?;
    let program = envoy::program(args.envoy.as_deref())?;
    let module = envoy::module(args.module.as_deref(), args.details.shell())?;
    warn_of_unset(&loaded, &variables);

    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let stop = Stop::listen(&runtime).map_err(|error| error.to_string())?;
    let samples = Samples::start(&runtime, &named, &args.upstreams)?;
    let upstreams = samples.with(&args.upstreams);
    let [listen, admin] = port::both(args.listen, args.admin)?;
    let proxy = Proxy { upstreams: &upstreams, listen, admin, module: &module, details: &args.details };
    let document = write::write(&file(&loaded, &proxy));
    samples.describe(&upstreams, out)?;
    let mut envoy = Envoy::start(&program, &document, &args.log_level, admin, &variables)?;
    let mut waited = envoy.until_ready(&stop)?;
    if waited == Waited::Ready && !args.once {
        describe(&loaded, listen, admin, out)?;
        waited = envoy.until_end(&stop)?;
    }
    envoy.end();
    over(waited, &name, out)
}

/// A sample service has no keys.
fn keys_can_be_had(named: &Destinations, given: &[Upstream]) -> Result<(), String> {
    let missing = named.key_servers.iter().find(|name| !given.iter().any(|upstream| upstream.name == **name));
    missing.map_or(Ok(()), |name| {
        Err(format!("the configuration fetches keys from {name}: give --upstream {name}=https://HOST or {name}=HOST:PORT"))
    })
}

/// Not a reason to stop: the module says what it needs, and some variables are switches.
fn warn_of_unset(loaded: &Loaded, variables: &Variables) {
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

fn describe(
    loaded: &Loaded,
    listen: SocketAddr,
    admin: SocketAddr,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let (url, admin) = (port::url(listen), port::url(admin));
    writeln!(out, "Envoy listens on {url}; statistics: {admin}/stats?filter=weir\n")?;
    for line in requests::examples(&loaded.document, &url) {
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
