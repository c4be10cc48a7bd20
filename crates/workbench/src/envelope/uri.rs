//! Addresses as rules in CEL read them: `isURL` is Go's `url.ParseRequestURI`, and `url` its `url.Parse`.
//!
//! Two things that Go takes are refused here, as nothing is called so: other characters in a host than letters, digits,
//! `-`, `_` and `.` (or an IPv6 address in brackets), and a broken address that has a scheme, which Go reads as the path
//! of the host `https`.

/// Whether a text, or the text after `http://`, is an address with one of these schemes.
pub(super) fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    let without = || if text.contains("://") { None } else { parse(&format!("http://{text}")) };
    let scheme = parse(text).or_else(without);
    scheme.is_some_and(|scheme| schemes.contains(&scheme.as_str()))
}

/// The scheme of an address, in lower case; `None` for what is not an address.
fn parse(text: &str) -> Option<String> {
    if text.is_empty() || text.bytes().any(|byte| byte < b' ' || byte == 0x7f) || !is_escaped(text) {
        return None;
    }
    if text == "*" {
        return Some(String::new());
    }
    let (scheme, rest) = split_scheme(text)?;
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.split_once('?').map_or(rest, |(path, _)| path);
    if !rest.starts_with('/') {
        // Without a slash it is a scheme and something opaque: `localhost:5000/weir` is one.
        return (!scheme.is_empty()).then_some(scheme);
    }
    if !scheme.is_empty()
        && let Some(authority) = rest.strip_prefix("//")
    {
        let authority = authority.split_once('/').map_or(authority, |(authority, _)| authority);
        if !is_authority(authority) {
            return None;
        }
    }
    Some(scheme)
}

/// What precedes the first colon, where it can be a scheme. `None` where a colon comes first.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index == 0 => return None,
            b':' => return Some((text.get(..index)?, text.get(index + 1..)?)),
            _ => break,
        }
    }
    Some(("", text))
}

/// Whether each percent sign begins an escape.
fn is_escaped(text: &str) -> bool {
    let hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    let bytes = text.as_bytes();
    let percents = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').map(|(index, _)| index);
    percents.into_iter().all(|at| hex(bytes.get(at + 1).copied()) && hex(bytes.get(at + 2).copied()))
}

/// `user:password@host:port`, all but the host if need be.
fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').map_or((None, text), |(user, host)| (Some(user), host));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if !user.is_none_or(|user| user.bytes().all(|byte| plain(byte) || byte == b':')) {
        return false;
    }
    let (host, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, port)) => {
            let is_address = !inner.is_empty()
                && inner.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
            if !is_address || inner.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("", port)
        }
        None => host.find(':').map_or((host, ""), |colon| host.split_at(colon)),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    host.bytes().all(plain)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (port.is_empty() || port.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("oci://registry.example.com/weir:v1", true),
            ("oci://registry.example.com:5000/weir@sha256:00", true),
            ("OCI://r/w", true),
            ("registry.example.com/weir:v1", true),
            // Go takes the host for a scheme.
            ("registry.example.com:5000/weir", false),
            ("localhost:5000/weir", false),
            ("127.0.0.1:5000/weir", true),
            ("file:///etc/weir.wasm", true),
            ("/etc/weir.wasm", true),
            ("oci:weir", true),
            ("ftp://example.com/a", false),
            ("https://[::1]:8443/a", true),
            ("https://[::1/a", false),
            ("https://example.com:port/a", false),
            ("https://exa mple.com/a", false),
            ("https://example.com/a b", true),
            ("https://example.com/%zz", false),
            ("https://example.com/a\n", false),
            (":a", false),
            ("", true),
            ("*", true),
        ] {
            assert_eq!(has_scheme(text, &["", "http", "https", "oci", "file"]), expected, "{text:?}");
        }
    }
}
