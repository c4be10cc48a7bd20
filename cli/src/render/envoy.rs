//! `weir render envoy`: a whole Envoy file with a configuration in it.

mod details;
mod file;

use super::form::Form;
use crate::destinations::Destinations;
use crate::document::{self, Loaded};
use crate::environment::Environment;
use crate::output::{Failure, Outcome};
use crate::upstream::{self, Upstream};
pub(crate) use details::{Details, Shell};
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
