//! The imports of proxy-wasm ABI 0.2.1, as Envoy implements them, and the part of WASI that modules need.
//!
//! Each import is one row: name, parameter types (`i` = i32, `I` = i64), function.

mod general;
mod http;
mod services;
mod signature;
mod wasi;

use wasmi::{Error, FuncType, Val, ValType};

use super::guest::{Failure, Guest, Outcome};
use super::status::Status;

/// The arguments of an imported call.
pub(crate) struct Args<'a>(&'a [Val]);

impl Args<'_> {
    /// Argument `index` as an unsigned 32-bit number.
    ///
    /// # Panics
    /// When the row declares fewer arguments or another type: a mistake in this crate.
    fn u32(&self, index: usize) -> u32 {
        self.0[index].i32().expect("the signature was checked at link time") as u32
    }

    /// Argument `index` as a signed 64-bit number. Panics like [`Args::u32`].
    fn i64(&self, index: usize) -> i64 {
        self.0[index].i64().expect("the signature was checked at link time")
    }
}

type Function = fn(&mut Guest<'_>, &Args<'_>) -> Outcome;

/// How an import reports what went wrong.
#[derive(Clone, Copy)]
enum Convention {
    /// Returns a proxy-wasm status.
    ProxyWasm,
    /// Returns a WASI errno; [`wasi::errno`] translates.
    Wasi,
}

/// One import that Envoy offers.
pub(crate) struct Import {
    name: &'static str,
    signature: &'static str,
    function: Function,
    convention: Convention,
}

/// The import called `name` in `module`; `None` when Envoy does not offer it and so would refuse the module.
pub(crate) fn find(module: &str, name: &str) -> Option<Import> {
    let (rows, convention): (Vec<&[Row]>, _) = match module {
        "env" => (vec![general::ROWS, http::ROWS, services::ROWS], Convention::ProxyWasm),
        "wasi_snapshot_preview1" | "wasi_unstable" => (vec![wasi::ROWS], Convention::Wasi),
        _ => return None,
    };
    let (name, signature, function) = rows.into_iter().flatten().find(|row| row.0 == name)?;
    Some(Import { name, signature, function: *function, convention })
}

type Row = (&'static str, &'static str, Function);

impl Import {
    /// Whether the module declared the import with the types that Envoy expects.
    pub(crate) fn accepts(&self, declared: &FuncType) -> bool {
        let kinds = declared.params().iter().map(|kind| match kind {
            ValType::I32 => 'i',
            ValType::I64 => 'I',
            _ => '?',
        });
        let returns = if self.name == "proc_exit" { 0 } else { 1 };
        kinds.eq(self.signature.chars()) && declared.results().len() == returns
    }

    /// Counts the call and runs it.
    ///
    /// # Errors
    /// A trap that ends the VM.
    pub(crate) fn call(&self, guest: &mut Guest<'_>, args: &[Val], results: &mut [Val]) -> Result<(), Error> {
        *guest.host().call.hostcalls.entry(self.name.to_owned()).or_default() += 1;
        let code = match ((self.function)(guest, &Args(args)), self.convention) {
            (Ok(()), _) => 0,
            (Err(Failure::Status(status)), Convention::ProxyWasm) => status as i32,
            (Err(Failure::Status(status)), Convention::Wasi) => wasi::errno(status),
            (Err(Failure::Trap(error)), _) => return Err(error),
        };
        if let Some(result) = results.first_mut() {
            *result = Val::I32(code);
        }
        Ok(())
    }
}

/// An import that Envoy offers and this host does not: says so in the log.
fn unimplemented(guest: &mut Guest<'_>, _: &Args<'_>) -> Outcome {
    guest.host().log(crate::LogLevel::Error, b"this host does not implement the import");
    Err(Status::Unimplemented.into())
}
