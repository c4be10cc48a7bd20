//! Where a plugin runs.

use clap::ValueEnum;

/// Which proxies of a mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProxyPlacement {
    /// Ingress and egress gateways.
    Gateway,
    /// Sidecars of callers: outbound requests.
    Caller,
    /// Sidecars of callees: inbound requests.
    Callee,
    /// A waypoint, in ambient mode.
    Waypoint,
}
