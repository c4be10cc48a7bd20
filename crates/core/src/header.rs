//! Header names and values: what may be written. The host's header-map bytes are [`weir_host_api::header`]'s.

use std::fmt;
pub use weir_host_api::header::{Pair, Pairs, encode_pairs, equal, is_safe_value};

/// A name that a header or a cookie cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidName {
    /// Not a token of RFC 9110.
    Header(Box<str>),
    /// No request can have a cookie of this name.
    Cookie(Box<str>),
    /// A header of the connection, which is not written.
    Connection(Box<str>),
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => {
                write!(f, "{name:?} is not a header name (letters, digits and !#$%&'*+-.^_`|~)")
            }
            Self::Cookie(name) => write!(
                f,
                "{name:?} is not the name of a cookie: no `=`, `;` or control characters, and no spaces around it"
            ),
            Self::Connection(name) => write!(
                f,
                "`{name}` belongs to the connection and cannot be written (to change the host, use \
                 `rewrite.authority`)"
            ),
        }
    }
}

impl std::error::Error for InvalidName {}

/// A header name in the form in which Envoy holds it: lower case.
///
/// ```
/// use weir_core::header::name;
///
/// assert_eq!(name("X-User-Id").as_deref(), Ok("x-user-id"));
/// assert!(name("x user").is_err() && name("").is_err());
/// ```
///
/// # Errors
/// When `name` is not an RFC 9110 token.
pub fn name(name: &str) -> Result<String, InvalidName> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !name.is_empty() && name.bytes().all(token) {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(InvalidName::Header(name.into()))
    }
}

/// Checks the name of a cookie that is read. Browsers send nearly any (RFC 6265bis section 5.7), and servers set
/// `prefs[theme]` (PHP), `a:b` or names beyond ASCII.
///
/// ```
/// use weir_core::header::cookie_name;
///
/// assert!(cookie_name("prefs[theme]").is_ok());
/// assert!(cookie_name("a=b").is_err(), "the name would end at `=`");
/// ```
///
/// # Errors
/// When no request can have a cookie of this name.
pub fn cookie_name(name: &str) -> Result<(), InvalidName> {
    let breaks = |b: u8| b == b'=' || b == b';' || b < 0x20 || b == 0x7f;
    if name.is_empty() || name.trim_matches([' ', '\t']) != name || name.bytes().any(breaks) {
        return Err(InvalidName::Cookie(name.into()));
    }
    Ok(())
}

/// A name that a configuration may ask us to write.
///
/// ```
/// use weir_core::header::{InvalidName, writable_name};
///
/// assert_eq!(writable_name("X-Group").as_deref(), Ok("x-group"));
/// // That would break the framing of HTTP.
/// assert_eq!(writable_name("Content-Length"), Err(InvalidName::Connection("content-length".into())));
/// assert_eq!(writable_name(":path"), Err(InvalidName::Header(":path".into())));
/// ```
///
/// # Errors
/// When `name` is no header name, or one whose change would break HTTP framing or routing in ways
/// that nobody means: pseudo-headers, `host` and the hop-by-hop headers of RFC 9110 section 7.6.1.
pub fn writable_name(name: &str) -> Result<String, InvalidName> {
    const REFUSED: [&str; 9] = [
        "host",
        "content-length",
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let lower = self::name(name)?;
    if REFUSED.contains(&lower.as_str()) {
        return Err(InvalidName::Connection(lower.into()));
    }
    Ok(lower)
}

/// Whether logs and terminals show a text as it is: no control characters, and nothing that some readers take
/// for the end of a line.
///
/// ```
/// use weir_core::header::is_plain_text;
///
/// assert!(is_plain_text("größe") && !is_plain_text("a\nb"));
/// ```
pub fn is_plain_text(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_by_any_name_that_browsers_send() {
        for name in ["uid", "prefs[theme]", "a:b", "a b", "größe", "\"q\"", "a,b", "a/b"] {
            assert_eq!(cookie_name(name), Ok(()), "{name}");
        }
        for name in ["", "a=b", "a;b", " a", "a\t", "a\nb", "\u{7f}"] {
            assert!(cookie_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_that_break_http_are_refused() {
        assert_eq!(writable_name("X-Weir-Route"), Ok("x-weir-route".to_owned()));
        for bad in ["", ":path", "a b", "x-ü", "Host", "content-length", "Transfer-Encoding"] {
            assert!(writable_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn plain_text_has_nothing_that_acts() {
        assert!(is_plain_text("größe 你 😀"));
        for bad in ["a\nb", "\t", "\u{1b}[2J", "\u{7f}", "\u{85}", "\u{9b}31m", "\u{2028}"] {
            assert!(!is_plain_text(bad), "{bad:?}");
        }
    }
}
