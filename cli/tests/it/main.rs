//! Tests of the command line. One program, since each costs a minute to compile and to link.

mod admission;
mod assign;
mod check;
mod design;
mod diff;
mod docs;
mod envelope;
mod import;
mod import_istio;
mod init;
mod layers;
mod link;
mod manifests;
mod mistakes;
mod oci;
mod oci_lying;
mod plan;
#[path = "support/registry.rs"]
mod registry;
mod render_access_log;
mod render_bootstrap;
mod render_istio_envoy;
mod render_monitoring;
mod report;
mod rollout;
mod run;
mod schema;
mod secrets;
mod shell;
#[path = "support/shop.rs"]
mod shop;
mod simulate;
mod status;
mod support;
mod trim;
mod ui;
mod warnings;
