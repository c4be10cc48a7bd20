//! A finished module for certain configurations: without the callbacks that none of them needs.

use crate::Failure;
use wasm_encoder::{ExportKind, ExportSection, RawSection};
use wasmparser::{ExternalKind, Parser, Payload};
use weir_host_api::Callbacks;

/// The module without the callbacks that are not in `needed`. It knows what was removed, and refuses configurations that
/// need it.
///
/// ```
/// use walrus::{ConstExpr, DataKind, FunctionBuilder, Module, ir::Value};
/// use weir_host_api::Callbacks;
/// use weir_postlink::trim;
///
/// // A module with two callbacks, and with what says that it has all that it was built with.
/// let mut module = Module::default();
/// let memory = module.memories.add_local(false, false, 1, None, None);
/// module.exports.add("memory", memory);
/// let exported = [&Callbacks::MARKER[..], &[Callbacks::ALL.to_byte()]].concat();
/// let offset = ConstExpr::Value(Value::I32(1024));
/// module.data.add(DataKind::Active { memory, offset }, exported);
/// for name in ["proxy_on_request_headers", "proxy_on_log"] {
///     let mut function = FunctionBuilder::new(&mut module.types, &[], &[]);
///     function.func_body();
///     let function = function.finish(vec![], &mut module.funcs);
///     module.exports.add(name, function);
/// }
///
/// let trimmed = trim(&module.emit_wasm(), Callbacks::NONE)?;
/// let module = Module::from_buffer(&trimmed)?;
/// assert!(module.exports.iter().map(|export| &*export.name).eq(["memory", "proxy_on_request_headers"]));
/// assert_eq!(trim(&trimmed, Callbacks::LOG).unwrap_err().to_string(), "proxy_on_log was trimmed off before");
/// # Ok::<(), weir_postlink::Failure>(())
/// ```
///
/// # Errors
/// It is no module of Weir, or it lacks a callback that is needed.
pub fn trim(module: &[u8], needed: Callbacks) -> Result<Vec<u8>, Failure> {
    let at = exported(module)?;
    let mut bytes = module.to_vec();
    let byte = bytes.get_mut(at).ok_or(NO_MARKER)?;
    let missing = needed.without(Callbacks::of_byte(*byte)).exports().collect::<Vec<_>>().join(", ");
    if !missing.is_empty() {
        return Err(format!("{missing} was trimmed off before").into());
    }
    *byte = needed.to_byte();
    // All else stays byte for byte: to read and to write code again costs instructions that wasm-opt has saved.
    let mut trimmed = wasm_encoder::Module::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload? {
            Payload::ExportSection(exports) => {
                let mut section = ExportSection::new();
                for export in exports {
                    let export = export?;
                    if !Callbacks::ALL.without(needed).exports().any(|removed| removed == export.name) {
                        section.export(export.name, kind(export.kind)?, export.index);
                    }
                }
                trimmed.section(&section);
            }
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    let data = bytes.get(range).ok_or(NO_MARKER)?;
                    trimmed.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(trimmed.finish())
}

const NO_MARKER: &str = "it is no module that can be trimmed: it does not say which callbacks it has";

fn kind(kind: ExternalKind) -> Result<ExportKind, Failure> {
    Ok(match kind {
        ExternalKind::Func => ExportKind::Func,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Table => ExportKind::Table,
        other => return Err(format!("it exports a {other:?}, which no module of Weir does").into()),
    })
}

/// Where the byte is that says which callbacks the module has.
fn exported(module: &[u8]) -> Result<usize, Failure> {
    let marker = Callbacks::MARKER;
    let mut places = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::DataSection(segments) = payload? else { continue };
        for segment in segments {
            let segment = segment?;
            let first = segment.range.end - segment.data.len();
            // The byte is in the segment too.
            let windows = segment.data.windows(marker.len() + 1).enumerate();
            let found = windows.filter(|(_, window)| window.starts_with(&marker));
            places.extend(found.map(|(start, _)| first + start + marker.len()));
        }
    }
    match places[..] {
        [place] => Ok(place),
        _ => Err(NO_MARKER.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::{ConstExpr, DataKind, FunctionBuilder, Module, ir::Value};

    /// A module with these data and callbacks.
    fn module(data: &[&[u8]], callbacks: &[&str]) -> Vec<u8> {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        module.exports.add("memory", memory);
        for (offset, data) in (0..).step_by(100).zip(data) {
            let offset = ConstExpr::Value(Value::I32(offset));
            module.data.add(DataKind::Active { memory, offset }, data.to_vec());
        }
        for name in callbacks {
            let mut function = FunctionBuilder::new(&mut module.types, &[], &[]);
            function.func_body();
            let function = function.finish(vec![], &mut module.funcs);
            module.exports.add(name, function);
        }
        module.emit_wasm()
    }

    fn marked(callbacks: Callbacks) -> Vec<u8> {
        [b"before", &Callbacks::MARKER[..], &[callbacks.to_byte()], b"after"].concat()
    }

    const NAMES: [&str; 5] = [
        "proxy_on_request_headers",
        "proxy_on_response_headers",
        "proxy_on_response_body",
        "proxy_on_response_trailers",
        "proxy_on_log",
    ];

    #[test]
    fn what_is_not_needed_goes_and_is_noted() {
        let whole = module(&[b"other", &marked(Callbacks::ALL)], &NAMES);
        for (needed, exports) in [
            (Callbacks::ALL, &[0, 1, 2, 3, 4][..]),
            (Callbacks::NONE, &[0]),
            (Callbacks::LOG, &[0, 4]),
            (Callbacks::RESPONSE_HEADERS.with(Callbacks::RESPONSE_BODY), &[0, 1, 2, 3]),
        ] {
            let trimmed = trim(&whole, needed).unwrap();
            let read = Module::from_buffer(&trimmed).unwrap();
            let names = read.exports.iter().map(|export| &*export.name).filter(|name| *name != "memory");
            assert!(names.eq(exports.iter().map(|index| NAMES[*index])), "{needed:?}");
            let data: Vec<_> = read.data.iter().map(|data| &*data.value).collect();
            assert_eq!(data, [b"other", &*marked(needed)], "{needed:?}");
            assert_eq!(trim(&trimmed, needed).unwrap(), trimmed, "once more is no change");
            let all = trim(&whole, Callbacks::ALL).unwrap();
            assert_eq!(all, whole, "what needs all gets all");
        }
    }

    #[test]
    fn what_is_gone_does_not_come_back() {
        let trimmed = trim(&module(&[&marked(Callbacks::ALL)], &NAMES), Callbacks::LOG).unwrap();
        let failure = trim(&trimmed, Callbacks::ALL).unwrap_err().to_string();
        let names = "proxy_on_response_headers, proxy_on_response_body, proxy_on_response_trailers";
        assert_eq!(failure, format!("{names} was trimmed off before"));
    }

    #[test]
    fn other_modules_are_refused() {
        let twice = marked(Callbacks::ALL).repeat(2);
        let cut = &marked(Callbacks::ALL)[..6 + Callbacks::MARKER.len()];
        for data in [&b"other"[..], &twice, cut] {
            assert!(trim(&module(&[data], &NAMES), Callbacks::NONE).unwrap_err().to_string() == NO_MARKER);
        }
        assert!(trim(b"no module", Callbacks::NONE).is_err());
    }
}
