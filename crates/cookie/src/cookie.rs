//! A cookie, ready to be read and written.

use crate::spec::{CookieSpec, SameSite};
use std::rc::Rc;
use weir_core::{At, AttrId, Compiler, ResponseHeader, SourceSpec, duration, header};

/// A cookie, ready to be read and written.
#[derive(Debug)]
pub struct Cookie {
    /// The attribute that reads it back.
    pub attribute: AttrId,
    /// How long it lives, in seconds; 0 for a session cookie.
    pub ttl: u64,
    before: String,
    after: String,
}

/// An id of 128 random bits, in lower-case hex.
pub type Id = [u8; 32];

impl Cookie {
    /// Checks a cookie; what is wrong with it goes to the compiler's problems.
    pub fn compile(spec: &CookieSpec, compiler: &mut Compiler<'_>, at: &At) -> Option<Self> {
        if spec.name.is_empty() {
            compiler.problems.missing(&at.field("name"), "the cookie needs a name");
            return None;
        }
        let source = SourceSpec::Short(format!("cookie:{}", spec.name));
        let attribute = compiler.source(&source, &at.field("name"));
        let ttl = ttl(spec, compiler, at);
        let after = attributes(spec, ttl, compiler, at);
        Some(Self { attribute: attribute?, ttl, before: format!("{}=", spec.name), after })
    }

    /// The header that sets the cookie. The value must have bytes of RFC 6265's `cookie-octet` only.
    pub fn header(&self, value: &[u8]) -> ResponseHeader {
        let value: Rc<[u8]> = [self.before.as_bytes(), value, self.after.as_bytes()].concat().into();
        ResponseHeader { name: "set-cookie".into(), value, replace: false }
    }

    /// The cookie's name with the `=` behind it: what a signature of its value is bound to.
    pub fn purpose(&self) -> &str {
        &self.before
    }
}

/// The life in seconds; 0 for a session cookie.
fn ttl(spec: &CookieSpec, compiler: &mut Compiler<'_>, at: &At) -> u64 {
    match duration::parse(spec.ttl.as_deref().unwrap_or("365d")) {
        Ok(ttl) => {
            if !ttl.is_zero() && ttl.as_secs() == 0 {
                compiler.problems.add(
                    &at.field("ttl"),
                    "a cookie's life is counted in whole seconds; at least 1s, or 0s for a session cookie",
                );
            }
            ttl.as_secs()
        }
        Err(message) => {
            compiler.problems.add(&at.field("ttl"), message);
            0
        }
    }
}

/// Everything behind the value (RFC 6265bis section 4.1).
fn attributes(spec: &CookieSpec, ttl: u64, compiler: &mut Compiler<'_>, at: &At) -> String {
    let mut out = String::new();
    let mut word = |name: &str, value: &str, field: &str| {
        // A semicolon would start an attribute of its own.
        if value.is_empty() || value.as_bytes().contains(&b';') || !header::is_safe_value(value.as_bytes()) {
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
    if ttl > 0 {
        out.push_str(&format!("; Max-Age={ttl}"));
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
pub fn id(high: u64, low: u64) -> Id {
    let mut id = [0; 32];
    let bytes = high.to_be_bytes().into_iter().chain(low.to_be_bytes());
    for (pair, byte) in id.chunks_exact_mut(2).zip(bytes) {
        if let [first, second] = pair {
            (*first, *second) = (crate::signer::digit(byte >> 4), crate::signer::digit(byte & 15));
        }
    }
    id
}
