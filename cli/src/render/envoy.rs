//! `weir render envoy`: a whole Envoy file with a configuration in it.

mod file;

use super::Form;
use crate::destinations::Destinations;
use crate::document::{self, Loaded};
use crate::environment::Environment;
use crate::output::{Failure, Outcome};
use crate::upstream::{self, Upstream};
pub(crate) use file::{Proxy, file};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Prints an Envoy file: a listener with the filter, routes, upstreams, and the labels of its metrics.
///
/// The first upstream is the default. Each further one gets the requests whose header x-weir-route (or
/// `--route-header`) has its name; rules of the section `routing` write it with `setHeaders`. If rules name
/// clusters, routes use x-weir-cluster as well. Variables that the configuration reads come from Envoy's
/// environment.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir render envoy weir.yaml --upstream v1=127.0.0.1:9001 --upstream v2=127.0.0.1:9002 > envoy.yaml
  weir render envoy weir.yaml --module /etc/envoy/weir.wasm --listen 0.0.0.0:8080 --upstream web=web:80
  weir render envoy weir.yaml --upstream web=web:80 --upstream id=https://id.example.com
  weir render envoy weir.yaml --native --upstream web=web:80

Exit codes: 0 success; 1 written, but the configuration names an upstream that is not defined, which \
standard error reports; 2 the file is invalid.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    /// An upstream, as NAME=HOST:PORT or NAME=https://HOST[:PORT]. Its name is the name of the Envoy cluster
    /// and the value of the route header.
    #[arg(long = "upstream", value_name = "NAME=HOST:PORT", value_parser = upstream::parse, required = true)]
    upstreams: Vec<Upstream>,
    /// Envoy's listener: a port of this machine, or ADDRESS:PORT.
    #[arg(long, value_name = "PORT", default_value = "127.0.0.1:10000", value_parser = upstream::listen)]
    listen: SocketAddr,
    /// Envoy's admin interface. It gives full control: keep it on this machine.
    #[arg(long, value_name = "PORT", default_value = "127.0.0.1:9901", value_parser = upstream::listen)]
    admin: SocketAddr,
    /// Path of the module. Default: dist/weir.wasm, or dist/libweir.so with `--native`.
    #[arg(long, value_name = "FILE")]
    module: Option<String>,
    #[command(flatten)]
    details: Details,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    form: Form,
}

/// What runs the module in Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    /// A WebAssembly VM.
    Wasm,
    /// Envoy's own process.
    Native,
}

impl Shell {
    /// Where `make` puts the module.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Wasm => "dist/weir.wasm",
            Self::Native => "dist/libweir.so",
        }
    }
}

/// Advanced settings of an Envoy file.
#[derive(Debug, clap::Args)]
pub(crate) struct Details {
    /// Use the native module, a dynamic module of Envoy 1.40, in place of WebAssembly.
    #[arg(long)]
    pub(crate) native: bool,
    /// The header that routes match.
    #[arg(long, value_name = "NAME", default_value = "x-weir-route")]
    pub(crate) route_header: String,
    /// The CA certificates for `https://` upstreams.
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt")]
    pub(crate) ca: String,
    /// Number of proxies in front of this one that are trusted to append to x-forwarded-for. With 0 the
    /// client's address is that of the connection.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) trusted_hops: u32,
    /// Maximum number of open client connections, on all listeners together. Further ones are rejected.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: u32,
}

impl Details {
    /// What runs the module.
    pub(crate) fn shell(&self) -> Shell {
        if self.native { Shell::Native } else { Shell::Wasm }
    }
}

/// Writes the file.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    upstream::unique(&args.upstreams)?;
    let loaded = document::load_in(&args.config, &args.environment.read()?, |_| true)?;
    let proxy = Proxy {
        upstreams: &args.upstreams,
        listen: args.listen,
        admin: args.admin,
        module: args.module.as_deref().unwrap_or(args.details.shell().file()),
        details: &args.details,
    };
    args.form.write_block(&file(&loaded, &proxy), out)?;
    let missing = missing(args, &loaded);
    missing.iter().for_each(|what| crate::output::complain(what));
    Ok(if missing.is_empty() { Outcome::Fine } else { Outcome::Problems })
}

/// What will not work, as the configuration names an upstream that nobody gave.
fn missing(args: &Args, loaded: &Loaded) -> Vec<String> {
    let header = &args.details.route_header;
    let named = Destinations::of(&loaded.document, header);
    let given = |name: &String| args.upstreams.iter().any(|upstream| upstream.name == *name);
    let first = args.upstreams.first().map(|upstream| upstream.name.as_str()).unwrap_or_default();
    let routes = named.routes.iter().filter(|name| !given(name)).map(|name| {
        format!("no --upstream {name}=…: requests with `{header}: {name}`, which rules set, go to {first}")
    });
    let clusters = named.clusters.iter().filter(|name| !given(name)).map(|name| {
        format!("no --upstream {name}=…: requests that rules send to this cluster are answered with 503")
    });
    let servers =
        named.key_servers.iter().filter(|name| !given(name)).map(|name| {
            format!("no --upstream {name}=…: the server with the keys of tokens cannot be asked")
        });
    routes.chain(clusters).chain(servers).collect()
}
