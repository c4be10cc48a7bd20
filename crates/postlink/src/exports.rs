//! The step after the linker: choose what the proxy will call.
//!
//! The SDK exports every callback of the ABI, and a proxy calls every callback that is exported: 1.6k
//! instructions each, for nothing. A module keeps what it needs, and its
//! own functions (`weir_on_…`) take the place of the SDK's (`proxy_on_…`), whose names they could not
//! have had at link time. What nothing refers to any more is then removed.

use crate::Failure;
use walrus::{Module, ModuleConfig};

/// Exports that stay as they are.
const KEPT: [&str; 3] = ["memory", "_initialize", "proxy_abi_version_0_2_1"];

/// Our own functions begin with this …
const OWN: &str = "weir_";
/// … and are exported with this instead.
const ABI: &str = "proxy_";

/// Whether an export is a callback of the SDK, which no module needs.
pub(crate) fn is_dropped(name: &str) -> bool {
    name.starts_with(ABI) && !KEPT.contains(&name)
}

/// Whether functions keep their names. They are a quarter of a module's bytes and only serve the
/// backtraces in a proxy's log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// They keep them.
    Kept,
    /// They lose them.
    Dropped,
}

/// The finished module.
///
/// ```
/// use walrus::{FunctionBuilder, Module};
/// use weir_postlink::{Names, finish};
///
/// // What the linker makes: the SDK's callbacks, and one of the module's own.
/// let mut linked = Module::default();
/// let memory = linked.memories.add_local(false, false, 1, None, None);
/// linked.exports.add("memory", memory);
/// for name in ["_initialize", "proxy_abi_version_0_2_1", "proxy_on_log", "weir_on_request_headers"] {
///     let mut function = FunctionBuilder::new(&mut linked.types, &[], &[]);
///     function.func_body();
///     let function = function.finish(vec![], &mut linked.funcs);
///     linked.exports.add(name, function);
/// }
///
/// // The proxy calls the module's own, and nothing else.
/// let module = Module::from_buffer(&finish(&linked.emit_wasm(), Names::Dropped)?)?;
/// let exported = |name: &str| module.exports.iter().any(|export| export.name == name);
/// assert!(exported("proxy_on_request_headers") && !exported("proxy_on_log"));
///
/// assert!(finish(b"not a module", Names::Kept).is_err());
/// # Ok::<(), weir_postlink::Failure>(())
/// ```
///
/// # Errors
/// It is no module, or exports no callback of its own, or lacks what a proxy needs of every module.
pub fn finish(linked: &[u8], names: Names) -> Result<Vec<u8>, Failure> {
    let mut config = ModuleConfig::new();
    config.generate_producers_section(false).generate_name_section(names == Names::Kept);
    let mut module = config.parse(linked)?;
    let own = own_exports(&module);
    if own.is_empty() {
        return Err("the module exports no callback of its own (weir_on_…)".into());
    }
    let drop: Vec<_> =
        module.exports.iter().filter(|e| !KEPT.contains(&e.name.as_str())).map(|e| e.id()).collect();
    for id in drop {
        module.exports.delete(id);
    }
    for (name, item) in own {
        module.exports.add(&name.replacen(OWN, ABI, 1), item);
    }
    for name in KEPT {
        if !module.exports.iter().any(|e| e.name == name) {
            return Err(format!("the module does not export {name}").into());
        }
    }
    walrus::passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

fn own_exports(module: &Module) -> Vec<(String, walrus::ExportItem)> {
    module.exports.iter().filter(|e| e.name.starts_with(OWN)).map(|e| (e.name.clone(), e.item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::FunctionBuilder;

    /// A module that exports functions of these names, each a function of its own.
    fn exporting(names: &[&str]) -> Vec<u8> {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        module.exports.add("memory", memory);
        for name in names {
            let mut function = FunctionBuilder::new(&mut module.types, &[], &[]);
            function.func_body();
            let function = function.finish(vec![], &mut module.funcs);
            module.exports.add(name, function);
        }
        module.emit_wasm()
    }

    #[test]
    fn own_callbacks_take_the_place_of_the_sdks() {
        let linked = exporting(&[
            "_initialize",
            "proxy_abi_version_0_2_1",
            "proxy_on_request_headers",
            "proxy_on_log",
            "weir_on_request_headers",
        ]);
        let finished = Module::from_buffer(&finish(&linked, Names::Dropped).unwrap()).unwrap();
        let mut names: Vec<&str> = finished.exports.iter().map(|export| export.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["_initialize", "memory", "proxy_abi_version_0_2_1", "proxy_on_request_headers"]);
        assert_eq!(finished.funcs.iter().count(), 3, "what nothing refers to is gone");
    }

    #[test]
    fn what_is_no_module_for_a_proxy_is_refused() {
        for (names, missing) in [
            (&["_initialize", "proxy_abi_version_0_2_1"][..], "weir_on_"),
            (&["weir_on_tick", "proxy_abi_version_0_2_1"], "_initialize"),
            (&["weir_on_tick", "_initialize"], "proxy_abi_version_0_2_1"),
        ] {
            let failure = finish(&exporting(names), Names::Dropped).unwrap_err().to_string();
            assert!(failure.contains(missing), "{failure}");
        }
        assert!(finish(b"no module", Names::Dropped).is_err());
    }
}
