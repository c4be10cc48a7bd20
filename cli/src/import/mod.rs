//! `weir import`: vendors' definitions as a Weir configuration.

mod condition;
mod constraint;
mod flagd;
mod growthbook;
mod jsonlogic;
mod model;
mod names;
mod report;
mod unleash;
mod yaml;
