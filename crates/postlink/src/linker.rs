//! The linker of a module: the usual one, told to export only what the proxy is to call.
//!
//! rustc has every `#[no_mangle]` function exported, also those of the SDK that no module of ours uses. What
//! is exported is kept with all that it refers to, and what is referred to from a table or from data can no
//! longer be told from what is needed once the module is linked. So they must go before: cargo is given
//! this program as its linker, which leaves the SDK's callbacks out and hands the rest on.

use crate::Failure;
use crate::exports;
use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitCode};

/// Cargo's setting for the linker of modules.
pub const SETTING: &str = "CARGO_TARGET_WASM32_WASIP1_LINKER";
/// Where it is set, this program is a linker.
pub const ROLE: &str = "WEIR_POSTLINK_LINKS";
/// The linker that rustc uses by itself; it puts the folder where it lies into PATH.
const LINKER: &str = "rust-lld";

/// Whether rustc runs this program as its linker.
///
/// ```
/// // A program that is both: cargo's linker, and a tool for people.
/// if weir_postlink::is_wanted() {
///     panic!("only cargo sets {}", weir_postlink::ROLE);
/// }
/// ```
pub fn is_wanted() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// Links with rustc's arguments.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// // Not run here: it starts rustc's `rust-lld`, which only rustc puts into the path.
/// fn main() -> ExitCode {
///     weir_postlink::run().unwrap_or_else(|failure| {
///         eprintln!("{failure}");
///         ExitCode::FAILURE
///     })
/// }
/// ```
///
/// # Errors
/// The usual linker cannot be run.
pub fn run() -> Result<ExitCode, Failure> {
    let kept = without_callbacks(std::env::args_os().skip(1));
    let status = Command::new(LINKER).args(kept).status().map_err(|error| format!("{LINKER}: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Leaves out each `--export NAME` (in one argument or in two) that [`exports`] would remove again.
fn without_callbacks(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut kept: Vec<OsString> = Vec::new();
    for argument in arguments {
        let text = argument.to_str().unwrap_or_default();
        let separate = kept.last().is_some_and(|last| last == OsStr::new("--export"));
        let name = if separate { Some(text) } else { text.strip_prefix("--export=") };
        match name {
            Some(name) if exports::is_dropped(name) => {
                if separate {
                    kept.pop();
                }
            }
            _ => kept.push(argument),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_callbacks_of_the_sdk_are_left_out() {
        let all = [
            "-flavor",
            "wasm",
            "--export",
            "weir_on_configure",
            "--export",
            "proxy_on_tick",
            "--export=proxy_on_done",
            "--export=proxy_abi_version_0_2_1",
            "--export",
            "_initialize",
            "-o",
            "proxy_on_tick",
        ];
        let kept = without_callbacks(all.into_iter().map(OsString::from));
        let expected = [
            "-flavor",
            "wasm",
            "--export",
            "weir_on_configure",
            "--export=proxy_abi_version_0_2_1",
            "--export",
            "_initialize",
            "-o",
            "proxy_on_tick",
        ];
        assert_eq!(kept, expected);
    }
}
