//! What an import is made of.

use wasmi::Val;

use crate::guest::{Guest, Outcome};
use crate::report::LogLevel;
use crate::status::Status;

/// An import: name, parameter types (`i` = i32, `I` = i64), function.
pub(super) type Row = (&'static str, &'static str, Function);

/// The arguments of an imported call.
pub(super) struct Args<'a>(&'a [Val]);

impl<'a> Args<'a> {
    /// Those of a call, with the types that the row declares.
    pub(super) fn new(args: &'a [Val]) -> Self {
        Self(args)
    }

    /// Argument `index` as an unsigned 32-bit number.
    ///
    /// # Panics
    /// When the row declares fewer arguments or another type: a mistake in this crate.
    pub(super) fn u32(&self, index: usize) -> u32 {
        self.0[index].i32().expect("the signature was checked at link time") as u32
    }

    /// Argument `index` as a signed 64-bit number. Panics like [`Args::u32`].
    pub(super) fn i64(&self, index: usize) -> i64 {
        self.0[index].i64().expect("the signature was checked at link time")
    }
}

/// What an import does.
pub(super) type Function = fn(&mut Guest<'_>, &Args<'_>) -> Outcome;

/// An import that Envoy offers and this host does not: says so in the log.
pub(super) fn unimplemented(guest: &mut Guest<'_>, _: &Args<'_>) -> Outcome {
    guest.host().log(LogLevel::Error, b"this host does not implement the import");
    Err(Status::Unimplemented.into())
}
