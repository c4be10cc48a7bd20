//! The metadata of a WebAssembly module.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload};

/// The custom section that the build writes (`xtask/src/identity.rs`).
const SECTION: &str = "weir";
/// The name of this export says which version of the ABI a module speaks.
const ABI: &str = "proxy_abi_version_";

/// What a module of Weir is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) filters: Vec<String>,
    pub(crate) abi: String,
    /// The version of the configuration language.
    pub(crate) language: String,
}

/// A module, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Module {
    /// Absent from modules of others.
    pub(crate) identity: Option<Identity>,
    /// The version of the proxy-wasm ABI that it exports, `0.2.1`.
    pub(crate) abi: Option<String>,
    /// The callbacks that a proxy will call, without the `proxy_` in front.
    pub(crate) callbacks: Vec<String>,
}

impl Module {
    /// Reads a module as far as it says what it is. It is not validated: that is the proxy's matter.
    ///
    /// # Errors
    /// Why it is no module, or a broken one.
    pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(broken)? {
                Payload::ExportSection(exports) => {
                    for export in exports {
                        module.exported(export.map_err(broken)?.name);
                    }
                }
                Payload::CustomSection(section) if section.name() == SECTION => {
                    let identity = serde_json::from_slice(section.data());
                    module.identity =
                        Some(identity.with_context(|| format!("its section `{SECTION}` is broken"))?);
                }
                _ => {}
            }
        }
        Ok(module)
    }

    fn exported(&mut self, name: &str) {
        if let Some(version) = name.strip_prefix(ABI) {
            self.abi = Some(version.replace('_', "."));
        } else if let Some(callback) = name.strip_prefix("proxy_") {
            self.callbacks.push(callback.to_owned());
        }
    }
}

fn broken(error: wasmparser::BinaryReaderError) -> anyhow::Error {
    anyhow::Error::new(error).context("not a WebAssembly module")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;

    /// A module that exports its only function, which does nothing, under each of these names.
    fn exporting(names: &[&str], custom: Option<(&str, &str)>) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        let mut section = |id: u8, body: Vec<u8>| {
            bytes.extend([id, u8::try_from(body.len()).unwrap()]);
            bytes.extend(body);
        };
        let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        section(1, vec![1, 0x60, 0, 0]);
        section(3, vec![1, 0]);
        let exports: Vec<u8> = names.iter().flat_map(|name| [text(name), vec![0, 0]].concat()).collect();
        section(7, [vec![u8::try_from(names.len()).unwrap()], exports].concat());
        section(10, vec![1, 2, 0, 0x0b]);
        if let Some((name, data)) = custom {
            section(0, [text(name), data.as_bytes().to_vec()].concat());
        }
        bytes
    }

    #[test]
    fn a_module_of_weir_says_what_it_is() {
        let json =
            r#"{"abi":"0.2.1","filters":["metrics"],"language":"v1","name":"metrics","version":"1.2.3"}"#;
        let bytes = exporting(&["proxy_abi_version_0_2_1", "proxy_on_log", "memory"], Some(("weir", json)));
        let module = Module::read(&bytes).unwrap();
        assert_eq!(module.abi.as_deref(), Some("0.2.1"));
        assert_eq!(module.callbacks, ["on_log"]);
        assert_eq!(module.identity.unwrap().filters, ["metrics"]);
    }

    #[test]
    fn other_modules_say_less() {
        assert_eq!(Module::read(&exporting(&["run"], Some(("weird", "{")))).unwrap(), Module::default());
    }

    #[test]
    fn broken_modules_are_errors() {
        let whole = exporting(&["run"], Some(("weir", "{}")));
        assert!(Module::read(&whole).refusal().contains("section `weir` is broken"));
        assert!(Module::read(b"").is_err());
        assert!(Module::read(b"no module at all").refusal().contains("not a WebAssembly module"));
        for cut in 0..whole.len() {
            // Some of them are whole modules again. None may be a panic.
            let _ = Module::read(&whole[..cut]);
        }
    }
}
