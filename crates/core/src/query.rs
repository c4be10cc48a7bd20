//! Parameters that do not go on.

use crate::effect::Effects;
use crate::request::{HostServices, Request};

/// Takes query parameters out of the path that goes on: those whose names, as they were sent, `is_ours` knows. What
/// earlier filters have made of the path counts, so that none undoes what another one has taken out.
#[cold]
pub fn remove<O: HostServices>(
    request: &Request<'_, O>,
    effects: &mut Effects,
    is_ours: &dyn Fn(&[u8]) -> bool,
) {
    let whole = match effects.bytes(effects.path, request.access_plan()) {
        Some(path) => path.to_vec(),
        None => request.path_and_query().unwrap_or_default().to_vec(),
    };
    let mut any = false;
    let made = effects.make(|out| any = without(&whole, is_ours, out));
    if any {
        effects.path = made.into();
    }
}

/// Writes a path without some of its parameters; false without a query.
fn without(whole: &[u8], is_ours: &dyn Fn(&[u8]) -> bool, out: &mut Vec<u8>) -> bool {
    let Some(mark) = whole.iter().position(|b| *b == b'?') else { return false };
    let (path, query) = whole.split_at_checked(mark).unwrap_or_default();
    out.extend_from_slice(path);
    let mut separator = b'?';
    for part in query.get(1..).unwrap_or_default().split(|b| *b == b'&') {
        if !is_ours(part.split(|b| *b == b'=').next().unwrap_or_default()) {
            out.push(separator);
            out.extend_from_slice(part);
            separator = b'&';
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn only_ours_are_taken_out() {
        let rest = |path: &str| {
            let mut out = Vec::new();
            let any = without(path.as_bytes(), &|name| name == b"x", &mut out);
            any.then(|| String::from_utf8(out).unwrap())
        };
        for (path, expected) in [
            ("/a?x=1", Some("/a")),
            ("/a?x", Some("/a")),
            ("/a?x=1&b=2&x=3", Some("/a?b=2")),
            ("/a?b=x&xx=1&&c", Some("/a?b=x&xx=1&&c")),
            ("/a?b=1&x=2?3", Some("/a?b=1")),
            ("/a", None),
        ] {
            assert_eq!(rest(path).as_deref(), expected, "{path}");
        }
    }
}
