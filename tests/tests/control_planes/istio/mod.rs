//! Istio: what docs/install-istio.md says, with istiod and its agent in place of their parts.

mod gateway;
mod mesh;
mod proxy;
mod waypoint;
