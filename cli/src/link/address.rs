//! Addresses with a parameter more.

use crate::http_client::encoded;
use anyhow::bail;
use weir_core::escape::escape;
use weir_core::request::is_named;

/// The address with this parameter in the place of all others of the same name. The value needs no encoding.
///
/// # Errors
/// It is not an address.
pub(super) fn with_parameter(url: &str, name: &str, value: &str) -> anyhow::Result<String> {
    let plain = url.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>'));
    if !plain || !(url.starts_with("https://") || url.starts_with("http://") || url.starts_with('/')) {
        bail!(
            "--url: invalid address {:?}: expected https://…, http://… or a path, percent-encoded",
            escape(url)
        );
    }
    let (rest, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let (page, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_ours = |part: &str| {
        let sent = part.split('=').next().unwrap_or_default();
        is_named(sent.as_bytes(), name.as_bytes())
    };
    let others = query.split('&').filter(|part| !part.is_empty() && !is_ours(part));
    let ours = format!("{}={value}", encoded(name));
    let parts: Vec<&str> = others.chain([ours.as_str()]).collect();
    Ok(format!("{page}?{}{fragment}", parts.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_an_address_stays() {
        let with = |url| with_parameter(url, "try it", "a=b~1").unwrap();
        assert_eq!(with("https://a.test"), "https://a.test?try%20it=a=b~1");
        assert_eq!(with("/cart?x=1&try+it=old&y#top"), "/cart?x=1&y&try%20it=a=b~1#top");
        assert_eq!(with("http://a.test/?"), "http://a.test/?try%20it=a=b~1");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for odd in ["", "a.test", "javascript:x", "https://a.test/ b", "https://a.test/\n", "/größe"] {
            assert!(with_parameter(odd, "x", "y").is_err(), "{odd}");
        }
    }
}
