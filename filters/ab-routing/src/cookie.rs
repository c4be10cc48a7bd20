//! The cookie that gives an identity to who has none.

use crate::config::{MintCookie, SameSite};
use std::rc::Rc;
use weir_core::{At, AttrId, Compiler, ResponseHeader, SourceSpec, duration, header};

/// A minted cookie, ready to be written.
#[derive(Debug)]
pub(crate) struct Cookie {
    /// The attribute that reads it back.
    pub(crate) attribute: AttrId,
    before: String,
    after: String,
}

/// An id of 128 random bits, in lower-case hex.
pub(crate) type Id = [u8; 32];

impl Cookie {
    pub(crate) fn compile(spec: &MintCookie, compiler: &mut Compiler<'_>, at: &At) -> Option<Self> {
        if spec.name.is_empty() {
            compiler.problems.missing(&at.field("name"), "the cookie needs a name");
            return None;
        }
        let source = SourceSpec::Short(format!("cookie:{}", spec.name));
        let attribute = compiler.source(&source, &at.field("name"));
        let after = attributes(spec, compiler, at);
        Some(Self { attribute: attribute?, before: format!("{}=", spec.name), after })
    }

    /// The header that sets the cookie to `id`.
    pub(crate) fn header(&self, id: &Id) -> ResponseHeader {
        let value: Rc<[u8]> = [self.before.as_bytes(), id, self.after.as_bytes()].concat().into();
        ResponseHeader { name: "set-cookie".into(), value, replace: false }
    }
}

/// Everything behind the value (RFC 6265bis section 4.1).
fn attributes(spec: &MintCookie, compiler: &mut Compiler<'_>, at: &At) -> String {
    let mut out = String::new();
    let mut word = |name: &str, value: &str, field: &str| {
        // A semicolon would start an attribute of its own.
        if value.is_empty() || value.contains(';') || !header::is_safe_value(value.as_bytes()) {
            compiler.problems.add(
                &at.field(field),
                format!("{value:?} cannot stand in a cookie: empty, a semicolon or a control character"),
            );
        }
        out.push_str("; ");
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    };
    word("Path", spec.path.as_deref().unwrap_or("/"), "path");
    if let Some(domain) = &spec.domain {
        word("Domain", domain, "domain");
    }
    match duration::parse(spec.ttl.as_deref().unwrap_or("365d")) {
        Ok(ttl) if ttl.is_zero() => {}
        Ok(ttl) if ttl.as_secs() == 0 => compiler.problems.add(
            &at.field("ttl"),
            "a cookie's life is counted in whole seconds; at least 1s, or 0s for a session cookie",
        ),
        Ok(ttl) => out.push_str(&format!("; Max-Age={}", ttl.as_secs())),
        Err(message) => compiler.problems.add(&at.field("ttl"), message),
    }
    let secure = spec.secure.unwrap_or(true);
    if secure {
        out.push_str("; Secure");
    }
    if spec.http_only.unwrap_or(true) {
        out.push_str("; HttpOnly");
    }
    out.push_str(match spec.same_site.unwrap_or_default() {
        SameSite::Strict => "; SameSite=Strict",
        SameSite::Lax => "; SameSite=Lax",
        SameSite::None => {
            if !secure {
                compiler.problems.add(
                    &at.field("sameSite"),
                    "`none` needs `secure: true`: browsers refuse the cookie otherwise",
                );
            }
            "; SameSite=None"
        }
    });
    out
}

/// 128 bits as an id.
pub(crate) fn id(high: u64, low: u64) -> Id {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    let mut id = [0; 32];
    let bytes = high.to_be_bytes().into_iter().chain(low.to_be_bytes());
    for (pair, byte) in id.chunks_exact_mut(2).zip(bytes) {
        if let [first, second] = pair {
            (*first, *second) = (digit(byte >> 4), digit(byte & 15));
        }
    }
    id
}
