//! Tests of what requests and configurations are read with. One program, since each costs a minute to compile and to link.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

mod bots;
mod condition_random;
mod condition_support;
mod condition_typed;
mod condition_vectors;
mod fuzz;
mod http_match;
mod http_match_istio;
mod http_match_problems;
mod http_match_support;
mod request;
mod request_properties;
mod rule_index;
