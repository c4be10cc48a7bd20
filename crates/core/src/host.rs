//! Hosts, compared as routers compare them (RFC 3986 section 3.2.2).
//!
//! Hosts are case-insensitive. Ports and final dots depend on the proxy: Envoy selects virtual hosts with the
//! port unless `ignore_port_in_host_matching` is set, as Istio does, and with the dot unless
//! `strip_trailing_host_dot` is set. A filter cannot see these settings. If a host differs from a test only
//! in these, it is unknown whether the host passes.

use crate::truth::Truth;

/// What a test that is made for lower case says of an authority in lower case.
pub(crate) fn judge(authority: &[u8], test: impl Fn(&[u8]) -> Truth) -> Truth {
    let whole = test(authority);
    let host = bare(authority);
    if whole == Truth::True || host.len() == authority.len() || test(host) == Truth::False {
        return whole;
    }
    Truth::Unknown
}

/// The host without its port, and without a dot at its end.
pub(crate) fn bare(authority: &[u8]) -> &[u8] {
    let digits = authority.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let before = authority.len().saturating_sub(digits);
    // The colons inside an IPv6 address are in brackets.
    let host = match authority.get(..before) {
        Some([host @ .., b':']) => host,
        _ => authority,
    };
    host.strip_suffix(b".").unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn ports_and_last_dots_come_off() {
        for (authority, host) in [
            ("a.example.com", "a.example.com"),
            ("a.example.com:443", "a.example.com"),
            ("a.example.com:", "a.example.com"),
            ("a.example.com.", "a.example.com"),
            ("a.example.com.:8080", "a.example.com"),
            ("[::1]", "[::1]"),
            ("[::1]:443", "[::1]"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.1:1", "10.0.0.1"),
            ("443", "443"),
            (":443", ""),
            ("", ""),
        ] {
            assert_eq!(bare(authority.as_bytes()), host.as_bytes(), "{authority}");
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn what_only_the_proxy_knows_is_unknown() {
        for (authority, expected) in [
            ("admin.example.com", Truth::True),
            ("admin.example.com:443", Truth::Unknown),
            ("admin.example.com.", Truth::Unknown),
            ("other.example.com", Truth::False),
            ("other.example.com:443", Truth::False),
        ] {
            let is = |host: &[u8]| (host == b"admin.example.com").into();
            assert_eq!(judge(authority.as_bytes(), is), expected, "{authority}");
        }
        // A test with a port is certain of it.
        let is = |host: &[u8]| (host == b"a:8080").into();
        assert_eq!(judge(b"a:8080", is), Truth::True);
        assert_eq!(judge(b"a:9090", is), Truth::False);
    }
}
