//! What a module says of itself, in a custom section named `weir`: a JSON object with its name, version,
//! filters, ABI, and the version of the configuration language. `weir inspect` reads it.
//!
//! Nothing in it depends on where or when a module was built, so that the same sources give the same
//! bytes: no time and no revision. A revision is an annotation of the image (`weir push`).

use crate::task::Failure;
use serde_json::json;
use std::path::Path;
use walrus::Module;

/// The section's name.
const SECTION: &str = "weir";
/// The module exports one function whose name says which version of the ABI it speaks.
const ABI: &str = "proxy_abi_version_";

/// What a module is.
pub struct Identity<'a> {
    /// Its file name in `dist/`, without the ending.
    pub name: &'a str,
    /// The cargo features that it was built with, separated by commas.
    pub features: &'a str,
    /// The version of the configuration language.
    pub language: &'a str,
}

impl Identity<'_> {
    /// The finished module with the section at its end.
    pub fn written_into(&self, module: &[u8]) -> Result<Vec<u8>, Failure> {
        let text = json!({
            "name": self.name,
            "version": env!("CARGO_PKG_VERSION"),
            "filters": self.features.split(',').collect::<Vec<_>>(),
            "abi": abi(module)?,
            "language": self.language,
        });
        let mut section = Vec::new();
        leb128(&mut section, SECTION.len());
        section.extend_from_slice(SECTION.as_bytes());
        section.extend_from_slice(text.to_string().as_bytes());
        // A custom section has the id 0, and may follow any other.
        let mut written = [module, &[0]].concat();
        leb128(&mut written, section.len());
        written.extend_from_slice(&section);
        Ok(written)
    }
}

/// The version of the configuration language, from the committed schema: `make drift` holds that one to
/// the code.
pub fn language(root: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(root.join(crate::drift::SCHEMA))?;
    let schema: serde_json::Value = serde_json::from_str(&text)?;
    let version = schema["version"].as_str().ok_or("the schema has no version: make schema")?;
    Ok(version.to_owned())
}

/// `proxy_abi_version_0_2_1` is `0.2.1`.
fn abi(module: &[u8]) -> Result<String, Failure> {
    let module = Module::from_buffer(module)?;
    let names = module.exports.iter().filter_map(|export| export.name.strip_prefix(ABI));
    Ok(names.map(|version| version.replace('_', ".")).next().ok_or("the module exports no ABI version")?)
}

/// A length as WebAssembly writes it: seven bits a byte, the lowest first, the highest bit set on all
/// but the last.
fn leb128(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_seven_bits_a_byte() {
        let written = |number| {
            let mut out = Vec::new();
            leb128(&mut out, number);
            out
        };
        assert_eq!(written(0), [0]);
        assert_eq!(written(127), [127]);
        assert_eq!(written(128), [0x80, 1]);
        assert_eq!(written(624_485), [0xe5, 0x8e, 0x26]);
    }

    #[test]
    fn a_module_says_what_it_is_and_stays_a_module() {
        let mut module = Module::default();
        let mut function = walrus::FunctionBuilder::new(&mut module.types, &[], &[]);
        function.func_body();
        let function = function.finish(vec![], &mut module.funcs);
        module.exports.add("proxy_abi_version_0_2_1", function);
        let identity = Identity { name: "x", features: "jwt-claims,metrics", language: "v1" };
        let written = identity.written_into(&module.emit_wasm()).unwrap();
        let read = Module::from_buffer(&written).unwrap();
        let (_, section) = read.customs.iter().find(|(_, section)| section.name() == SECTION).unwrap();
        let text: serde_json::Value =
            serde_json::from_slice(&section.data(&walrus::IdsToIndices::default())).unwrap();
        assert_eq!(
            text,
            json!({"name": "x", "version": env!("CARGO_PKG_VERSION"), "filters": ["jwt-claims", "metrics"],
                   "abi": "0.2.1", "language": "v1"})
        );
    }

    #[test]
    fn what_speaks_no_abi_is_refused() {
        let identity = Identity { name: "x", features: "", language: "v1" };
        assert!(identity.written_into(&Module::default().emit_wasm()).is_err());
    }
}
