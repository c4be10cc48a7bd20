//! What all parts of a rule are made with.

use crate::config::Fault;
use weir_core::{At, Compiler, Predicate, Targeting};

/// Makes one rule.
pub(super) struct Builder<'b, 'c> {
    pub(super) compiler: &'b mut Compiler<'c>,
    pub(super) spec: &'b Fault,
    pub(super) name: &'b str,
    pub(super) at: &'b At,
}

/// The authorised requests; none, and a problem, if nothing is configured.
pub(super) fn operators(who: Option<&Targeting>, compiler: &mut Compiler<'_>, at: &At) -> Predicate {
    let Some(who) = who else {
        compiler
            .problems
            .missing(at, "specify match, condition or cel: otherwise any client could trigger it");
        return Predicate::Const(false);
    };
    who.compile_required(compiler, at)
}
