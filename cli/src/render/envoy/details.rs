//! What an Envoy file says that no configuration does, with usual values.

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
