//! `weir ui`: the playground for a file, and beside it a real Envoy.
//!
//! `page` finds the page's files; `server` speaks HTTP to the browser; `keeper` follows the file, and keeps an Envoy running
//! with it; `state` is what both share; `real` sends requests to that Envoy.

mod keeper;
mod page;
mod real;
mod server;
mod state;

use crate::input;
use crate::output::{Failure, Outcome, in_words};
use crate::run::stop::Stop;
use crate::run::{Machine, Place};
use crate::upstream;
use anyhow::{Context as _, anyhow};
use keeper::Keeper;
use page::Page;
use state::{Shared, Token};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

/// Opens a configuration in the playground, served on this machine, and follows the file.
///
/// Prints the address of the page. The page shows the file, and shows it again whenever it changes; what you type there is
/// never written into the file. `Send to Envoy` sends the request of the form through an Envoy that runs the file, with
/// sample services as in `weir run`. Where there is no Envoy or no module, the page reports that, and all else works.
///
/// The page is served to this machine only, and only to browsers that know its address.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The page is what `make playground` builds. Envoy and the module are found as by `weir run`.

Examples:
  weir ui
  weir ui weir.yaml --envoy \"$(scripts/envoy path)\"
  weir ui weir.yaml --port 8080 --no-envoy

Exit codes: 0 it was stopped; 2 the file or the page cannot be read, or the port cannot be used.")]
pub(crate) struct Args {
    /// The configuration.
    #[arg(default_value = "weir.yaml")]
    config: PathBuf,
    /// The folder with the page. Default: playground beside this program or in share/weir beside its folder, or
    /// dist/playground, or target/playground.
    #[arg(long, value_name = "DIR")]
    page: Option<PathBuf>,
    /// Port of the page, on 127.0.0.1. Default: 8600, or a free port if that is in use.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Start no Envoy.
    #[arg(long)]
    no_envoy: bool,
    #[command(flatten)]
    machine: Machine,
}

/// The port where the user names none.
const PORT: u16 = 8600;

/// Serves until it is stopped.
///
/// # Errors
/// The file or the page cannot be read, or the port cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    upstream::unique(&args.machine.upstreams)?;
    if args.config.as_os_str() == "-" {
        return Err(anyhow!("standard input cannot be followed: expected a file").into());
    }
    let (name, text) = input::named(&args.config)?;
    let variables = args.machine.environment.read()?;
    let page = Page::find(args.page.as_deref())?;
    let listener = listen(args.port)?;
    let address = listener.local_addr().map_err(anyhow::Error::from)?;
    let token = Token::random()?;
    let url = format!("http://{address}/{}/", token.text());
    // What is missing is reported, and no reason to stop.
    let place = if args.no_envoy {
        Err(anyhow!("it was started with --no-envoy"))
    } else {
        Place::find(&args.machine)
    };

    let runtime = tokio::runtime::Runtime::new().map_err(anyhow::Error::from)?;
    let stop = Stop::listen(&runtime).map_err(anyhow::Error::from)?;
    let shared = Arc::new(Shared::new(&name, text));
    // Said before the page can ask for it.
    if let Err(why) = &place {
        shared.missing(in_words(why));
    }
    runtime.block_on(server::start(listener, page, token, Arc::clone(&shared)))?;
    writeln!(out, "{name}: {url}")?;
    match &place {
        Ok(place) => writeln!(
            out,
            "Envoy listens on {}; statistics: {}/stats?filter=weir",
            place.url(),
            place.admin_url()
        )?,
        Err(why) => writeln!(out, "Without Envoy: {}", in_words(why))?,
    }
    writeln!(out, "\nCtrl-C stops everything.")?;
    out.flush()?;
    Keeper {
        config: &args.config,
        machine: &args.machine,
        variables,
        shared,
        runtime: &runtime,
        stop: &stop,
    }
    .keep(place);
    // Requests that wait for a change do not hold it up.
    runtime.shutdown_background();
    Ok(Outcome::Fine)
}

/// A port of this machine: no other one reaches it.
fn listen(wanted: Option<u16>) -> anyhow::Result<TcpListener> {
    let at = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let listener = match (at(wanted.unwrap_or(PORT)), wanted) {
        (Err(error), None) if error.kind() == std::io::ErrorKind::AddrInUse => {
            at(0).map_err(anyhow::Error::from)
        }
        (bound, _) => bound.with_context(|| format!("--port {}", wanted.unwrap_or(PORT))),
    }?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
