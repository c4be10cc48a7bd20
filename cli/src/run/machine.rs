//! What a configuration runs with: Envoy, the module, addresses and upstreams.

use super::envoy::{self, Envoy};
use super::port;
use super::samples::Samples;
use crate::destinations::Destinations;
use crate::document::Loaded;
use crate::environment::Environment;
use crate::render::envoy::{Details, Proxy, file};
use crate::upstream::{self, Upstream};
use anyhow::bail;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::runtime::Runtime;
use weir_workbench::variables::Variables;
use weir_workbench::yaml::write;

/// The options of `weir run` and `weir ui`.
#[derive(Debug, clap::Args)]
pub(crate) struct Machine {
    /// An upstream, as NAME=HOST:PORT or NAME=https://HOST[:PORT]; the first one is the default.
    #[arg(long = "upstream", value_name = "NAME=HOST:PORT", value_parser = upstream::parse)]
    pub(crate) upstreams: Vec<Upstream>,
    /// Envoy's listener: a port of this machine, or ADDRESS:PORT. Default: 10000, or a free port if that is
    /// in use.
    #[arg(long, value_name = "PORT", value_parser = upstream::listen)]
    pub(crate) listen: Option<SocketAddr>,
    /// Envoy's admin interface. Default: 9901, or a free port if that is in use.
    #[arg(long, value_name = "PORT", value_parser = upstream::listen)]
    pub(crate) admin: Option<SocketAddr>,
    /// The Envoy program. Default: the variable ENVOY, or `envoy` in the PATH.
    #[arg(long, value_name = "PATH")]
    pub(crate) envoy: Option<PathBuf>,
    /// The module. Default: dist/weir.wasm, or weir.wasm beside this program; with `--native` libweir.so there.
    #[arg(long, value_name = "PATH")]
    pub(crate) module: Option<PathBuf>,
    /// Envoy's log level.
    #[arg(long, value_name = "LEVEL", default_value = "warning")]
    pub(crate) log_level: String,
    #[command(flatten)]
    pub(crate) environment: Environment,
    #[command(flatten)]
    pub(crate) details: Details,
}

/// Programs and addresses, which stay the same while configurations change.
pub(crate) struct Place {
    program: PathBuf,
    module: String,
    pub(crate) listen: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Place {
    /// Finds them.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub(crate) fn find(machine: &Machine) -> anyhow::Result<Self> {
        let program = envoy::program(machine.envoy.as_deref())?;
        let module = envoy::module(machine.module.as_deref(), machine.details.shell())?;
        let [listen, admin] = port::both(machine.listen, machine.admin)?;
        Ok(Self { program, module, listen, admin })
    }

    /// Where Envoy serves, as a URL of this machine.
    pub(crate) fn url(&self) -> String {
        port::url(self.listen)
    }

    /// Where its admin interface serves.
    pub(crate) fn admin_url(&self) -> String {
        port::url(self.admin)
    }

    /// The address at which this machine reaches the listener.
    pub(crate) fn reached(&self) -> SocketAddr {
        port::reached(self.listen)
    }

    /// The same of the admin interface.
    pub(crate) fn reached_admin(&self) -> SocketAddr {
        port::reached(self.admin)
    }
}

/// The upstreams of a configuration. Dropping it stops the sample services among them.
pub(crate) struct Services {
    samples: Samples,
    upstreams: Vec<Upstream>,
    /// Those of the user's own services that requests can go to.
    own: Vec<String>,
}

impl Services {
    /// Starts sample services for upstreams that the user does not define.
    ///
    /// # Errors
    /// The keys of tokens cannot be fetched, or there is no port.
    pub(crate) fn start(runtime: &Runtime, machine: &Machine, loaded: &Loaded) -> anyhow::Result<Self> {
        let named = Destinations::of(&loaded.document, &machine.details.route_header);
        keys_can_be_had(&named, &machine.upstreams)?;
        let samples = Samples::start(runtime, &named, &machine.upstreams)?;
        let upstreams = samples.with(&machine.upstreams);
        let is_own = |upstream: &&Upstream| !named.key_servers.contains(&upstream.name);
        let own = machine.upstreams.iter().filter(is_own).map(|upstream| upstream.name.clone()).collect();
        Ok(Self { samples, upstreams, own })
    }

    /// The user's own services that requests can go to.
    pub(crate) fn own(&self) -> &[String] {
        &self.own
    }

    /// A line for each upstream.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(crate) fn describe(&self, out: &mut impl Write) -> io::Result<()> {
        self.samples.describe(&self.upstreams, out)
    }

    /// Starts Envoy with the configuration.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn envoy(
        &self,
        place: &Place,
        machine: &Machine,
        loaded: &Loaded,
        variables: &Variables,
    ) -> anyhow::Result<Envoy> {
        let Place { program, module, listen, admin } = place;
        let (listen, admin) = (*listen, *admin);
        let proxy = Proxy { upstreams: &self.upstreams, listen, admin, module, details: &machine.details };
        let document = write::write(&file(loaded, &proxy));
        Envoy::start(program, &document, &machine.log_level, admin, variables)
    }
}

/// A sample service has no keys.
fn keys_can_be_had(named: &Destinations, given: &[Upstream]) -> anyhow::Result<()> {
    let missing = named.key_servers.iter().find(|name| !given.iter().any(|upstream| upstream.name == **name));
    if let Some(name) = missing {
        bail!(
            "the configuration fetches keys from {name}: give --upstream {name}=https://HOST or {name}=HOST:PORT"
        );
    }
    Ok(())
}
