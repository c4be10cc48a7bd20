//! Tests that start the real Envoy, other than the case files. One program, since each costs a minute to compile and to link.

mod checked;
mod conformance;
mod experiment_e2e;
mod exposures_e2e;
mod failures;
mod faults_e2e;
mod hostile;
mod house;
mod jwt_differential;
mod jwt_e2e;
mod jwt_providers;
mod match_differential;
mod metrics_e2e;
mod native;
mod prometheus_e2e;
mod redirects;
mod rendered;
mod report_e2e;
mod rollout_e2e;
mod routing_e2e;
mod shipped;
mod status_e2e;
mod surroundings;
mod tracing_e2e;
mod updates;
