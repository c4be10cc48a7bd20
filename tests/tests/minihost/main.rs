//! Tests of the built modules in the mini host, other than the case files. One program, since each costs a minute to compile and to link.

mod bounds;
mod cel;
mod experiment_vectors;
mod hostile;
mod manifests;
mod memory;
