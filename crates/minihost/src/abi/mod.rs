//! The imports of proxy-wasm ABI 0.2.1, as Envoy implements them, and the part of WASI that modules need.
//!
//! Each import is one [`Row`].

mod general;
mod http;
mod row;
mod services;
mod signature;
mod wasi;

use wasmi::{Error, FuncType, Val, ValType};

use super::guest::{Failure, Guest};
use row::{Args, Function, Row};

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
        let code = match ((self.function)(guest, &Args::new(args)), self.convention) {
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
