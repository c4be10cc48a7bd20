//! Declares the filter state of exposures.

use crate::plan::Exposure;
use weir_core::Compiler;

/// That of an experiment; `remembered` by a cookie.
pub(super) fn exposure(key: &str, remembered: bool, compiler: &mut Compiler<'_>) -> Exposure {
    let mut state = |start: &str| compiler.state(&[start, key].concat());
    let (variant, unit) = (state("weir.exposure."), state("weir.exposure-unit."));
    let source = state("weir.exposure-source.");
    let marker = (!remembered).then(|| compiler.lasting_state(&Exposure::marker_of(key)));
    Exposure { variant, unit, source, marker }
}
