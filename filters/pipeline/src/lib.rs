//! The filters of this build as one: how they are configured together, and in which order they decide.
//!
//! [`Plans::load`] turns the bytes of a configuration ([`Document`]) into the filters' plans.
//! [`Plans::decide`] lets each of them decide about one request, [`Plans::decide_traced`] reports each
//! step as well, and [`Plans::finish`] says what is left for later. Everything is pure: modules, the
//! command line and tests all decide with this crate, so that they cannot disagree.
//!
//! A filter that is left out of a build is a *null object*: its section is refused by name, and its
//! plan is a type without values, so that nothing of it remains in the module.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

// This crate is compiled for size. `#[inline]` here means: compiled with the module, for speed.

mod absent;
mod decide;
mod document;
mod outcome;
mod plans;

pub use decide::{Deferred, Left, Trace, Visit, is_redirect_to_https};
pub use document::{Document, LANGUAGE, sections};
pub use outcome::{Outcome, OwnedHeader, SentHeader};
pub use plans::{Plans, validate, validate_all};

/// Each section's types: all of the filter's own, or those of a null object.
macro_rules! sections {
    ($($(#[$doc:meta])* $section:ident: $feature:literal = $filter:ident {$($name:ident),*};)*) => {
        $($(#[$doc])* pub mod $section {
            #[cfg(not(feature = $feature))]
            pub use crate::absent::{Config, Plan $(, $name)*};
            #[cfg(feature = $feature)]
            pub use $filter::*;

            /// Makes the plan of the section; `None` where the filter is not in this build, which is
            /// reported.
            pub(crate) fn compile(
                config: &Config,
                compiler: &mut weir_core::Compiler<'_>,
                at: &weir_core::At,
            ) -> Option<Plan> {
                #[cfg(not(feature = $feature))]
                return crate::absent::refuse(config, compiler, at);
                #[cfg(feature = $feature)]
                Some(Plan::compile(config, compiler, at))
            }
        })*
    };
}

sections! {
    /// jwt-claims.
    jwt: "jwt-claims" = weir_jwt_claims {Trace};
    /// experiment.
    experiments: "experiment" = weir_experiment {Trace};
    /// ab-routing.
    routing: "ab-routing" = weir_ab_routing {Trace};
    /// fault-injection.
    faults: "fault-injection" = weir_fault_injection {};
    /// metrics.
    metrics: "metrics" = weir_metrics {Measured};
}
