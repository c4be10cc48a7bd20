//! Tests of the built modules in the mini host, other than the case files. One program, since each costs a minute to compile and to link.

mod assigned;
mod bounds;
mod cel;
mod cells;
mod chance;
mod experiment_vectors;
mod explained;
mod growth;
mod hostile;
mod links;
mod manifests;
mod memory;
mod rpc_status;
mod sdk;
mod tokens;
mod trimmed;
