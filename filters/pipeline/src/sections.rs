//! Each section's types: all of the filter's own, or those of a null object.

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
