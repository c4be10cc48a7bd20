//! A cookie, ready to be read and written.

use crate::carried::Carried;
use crate::spec::{CookieSpec, SameSite};
use std::rc::Rc;
use weir_core::{
    At, AttrId, Callbacks, Compiler, Effects, HostServices, Request, ResponseHeader, SourceSpec, duration,
    header,
};

/// A cookie, ready to be read and written.
///
/// ```
/// use weir_cookie::{Cookie, CookieSpec};
/// use weir_core::{At, AttributeMap, Compiler, Problems};
///
/// let (named, env) = (AttributeMap::default(), |_: &str| None);
/// let mut compiler = Compiler::new(&named, &env, Problems::default());
/// let spec = CookieSpec { name: "group".to_owned(), ..CookieSpec::default() };
///
/// // Until the browser is closed.
/// let cookie = Cookie::compile_for_session(&spec, &mut compiler, &At::root()).unwrap();
/// assert_eq!((cookie.ttl, cookie.secure, cookie.purpose()), (0, true, "group="));
/// assert_eq!(*cookie.header(b"a").value, *b"group=a; Path=/; Secure; HttpOnly; SameSite=Lax");
/// assert_eq!(*cookie.end().value, *b"group=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
///
/// // For a year, and readable by scripts in the page.
/// let cookie = Cookie::compile_for_scripts(&spec, &mut compiler, &At::root()).unwrap();
/// assert_eq!(*cookie.header(b"a").value, *b"group=a; Path=/; Max-Age=31536000; Secure; SameSite=Lax");
/// ```
#[derive(Debug)]
pub struct Cookie {
    /// The attribute that reads it back.
    pub attribute: AttrId,
    /// How long it lives, in seconds; 0 for a session cookie.
    pub ttl: u64,
    /// Whether browsers take it over HTTPS only.
    pub secure: bool,
    before: String,
    after: String,
    /// Where its value is kept for a further pass of the same request; nowhere for what scripts read.
    carried: Option<Carried>,
}

/// An id of 128 random bits, in lower-case hex.
pub type Id = [u8; 32];

impl Cookie {
    /// Checks a cookie; problems go to the compiler.
    ///
    /// ```
    /// use weir_cookie::{Cookie, CookieSpec};
    /// use weir_core::{At, AttributeMap, Compiler, Problems};
    ///
    /// let (named, env) = (AttributeMap::default(), |_: &str| None);
    /// let mut compiler = Compiler::new(&named, &env, Problems::default());
    /// let spec = CookieSpec { name: "__Secure-id".to_owned(), secure: Some(false), ..CookieSpec::default() };
    /// Cookie::compile(&spec, &mut compiler, &At::root().field("cookie"));
    /// let problem = compiler.problems.iter().next().unwrap();
    /// assert_eq!(problem.at.to_string(), "cookie.secure");
    /// assert_eq!(problem.message, "browsers drop a cookie named `__Secure-…` unless `secure` is true");
    /// ```
    pub fn compile(spec: &CookieSpec, compiler: &mut Compiler<'_>, at: &At) -> Option<Self> {
        Self::new(spec, (true, "365d"), compiler, at)
    }

    /// The same for a cookie that ends with the browser's session, unless `ttl` says otherwise.
    pub fn compile_for_session(spec: &CookieSpec, compiler: &mut Compiler<'_>, at: &At) -> Option<Self> {
        Self::new(spec, (true, "0s"), compiler, at)
    }

    /// The same for a cookie that scripts in the page read, unless `httpOnly` says otherwise.
    pub fn compile_for_scripts(spec: &CookieSpec, compiler: &mut Compiler<'_>, at: &At) -> Option<Self> {
        Self::new(spec, (false, "365d"), compiler, at)
    }

    /// With what `httpOnly` and `ttl` are when they are absent.
    fn new(
        spec: &CookieSpec,
        (hidden, ttl): (bool, &str),
        compiler: &mut Compiler<'_>,
        at: &At,
    ) -> Option<Self> {
        if spec.name.is_empty() {
            compiler.problems.missing(&at.field("name"), "the cookie needs a name");
            return None;
        }
        if header::name(&spec.name).is_err() {
            let message = format!(
                "{:?} is not a name for a cookie that is set: letters, digits and !#$%&'*+-.^_`|~ (RFC 6265bis)",
                spec.name
            );
            compiler.problems.add(&at.field("name"), message);
            return None;
        }
        compiler.callback(Callbacks::RESPONSE_HEADERS);
        let source = SourceSpec::Short(format!("cookie:{}", spec.name));
        let attribute = compiler.source(&source, &at.field("name"));
        let ttl = seconds(spec.ttl.as_deref().unwrap_or(ttl), compiler, at);
        let http_only = spec.http_only.unwrap_or(hidden);
        prefix(spec, http_only, compiler, at);
        let after = attributes(spec, ttl, http_only, compiler, at);
        let carried = hidden.then(|| Carried::compile(&spec.name, compiler));
        let (before, secure) = (format!("{}=", spec.name), spec.secure.unwrap_or(true));
        Some(Self { attribute: attribute?, ttl, secure, before, after, carried })
    }

    /// The header that sets the cookie. The value must have bytes of RFC 6265's `cookie-octet` only.
    pub fn header(&self, value: &[u8]) -> ResponseHeader {
        let value: Rc<[u8]> = [self.before.as_bytes(), value, self.after.as_bytes()].concat().into();
        ResponseHeader { name: "set-cookie".into(), value, replace: false }
    }

    /// The header that makes browsers forget the cookie: of two lives the last one counts (RFC 6265 section 5.2).
    pub fn end(&self) -> ResponseHeader {
        let value: Rc<[u8]> = [&*self.before, &self.after, "; Max-Age=0"].concat().into_bytes().into();
        ResponseHeader { name: "set-cookie".into(), value, replace: false }
    }

    /// The value that an earlier pass of the same request has set, where the proxy redirected it.
    pub fn carried<O: HostServices>(&self, request: &Request<'_, O>) -> Option<Box<[u8]>> {
        self.carried.as_ref()?.value(request)
    }

    /// Keeps a value that is set for a further pass of the same request.
    pub fn carry(&self, value: &[u8], effects: &mut Effects) {
        if let Some(carried) = &self.carried {
            carried.keep(value, effects);
        }
    }

    /// The cookie's name with the `=` behind it: what a signature of its value is bound to.
    pub fn purpose(&self) -> &str {
        &self.before
    }
}

/// The life in seconds; 0 for a session cookie.
fn seconds(ttl: &str, compiler: &mut Compiler<'_>, at: &At) -> u64 {
    match duration::parse(ttl) {
        Ok(ttl) => {
            if !ttl.is_zero() && ttl.as_secs() == 0 {
                compiler.problems.add(
                    &at.field("ttl"),
                    "a cookie's life is counted in whole seconds; at least 1s, or 0s for a session cookie",
                );
            }
            ttl.as_secs()
        }
        Err(invalid) => {
            compiler.problems.add(&at.field("ttl"), invalid.to_string());
            0
        }
    }
}

/// What browsers demand of cookies whose names start so (RFC 6265bis section 4.1.3, and `__Http-` of its
/// successor): those that do not comply are dropped. Browsers compare these names ignoring case.
fn prefix(spec: &CookieSpec, http_only: bool, compiler: &mut Compiler<'_>, at: &At) {
    const PREFIXES: [(&str, bool, bool); 4] = [
        // Which one, whether it is bound to the host, whether scripts must not read it.
        ("__Host-Http-", true, true),
        ("__Host-", true, false),
        ("__Http-", false, true),
        ("__Secure-", false, false),
    ];
    let starts = |prefix: &str| {
        let start = spec.name.as_bytes().get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    let Some((prefix, host, hidden)) = PREFIXES.into_iter().find(|(prefix, ..)| starts(prefix)) else {
        return;
    };
    let mut demand = |met: bool, field: &str, what: &str| {
        if !met {
            let message = ["browsers drop a cookie named `", prefix, "…` unless ", what].concat();
            compiler.problems.add(&at.field(field), message);
        }
    };
    demand(spec.secure != Some(false), "secure", "`secure` is true");
    demand(!host || spec.domain.is_none(), "domain", "it has no `domain`");
    demand(!host || spec.path.as_deref().is_none_or(|path| path == "/"), "path", "its `path` is /");
    demand(!hidden || http_only, "httpOnly", "`httpOnly` is true");
}

/// Everything after the value (RFC 6265bis section 4.1).
fn attributes(spec: &CookieSpec, ttl: u64, http_only: bool, compiler: &mut Compiler<'_>, at: &At) -> String {
    let mut out = String::new();
    let mut word = |name: &str, value: &str, field: &str| {
        // A semicolon would start an attribute of its own.
        if value.is_empty() || value.as_bytes().contains(&b';') || !header::is_safe_value(value.as_bytes()) {
            compiler.problems.add(
                &at.field(field),
                format!("{value:?} is not valid in a cookie: empty, a semicolon or a control character"),
            );
        }
        out.push_str("; ");
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    };
    let path = spec.path.as_deref().unwrap_or("/");
    word("Path", path, "path");
    if let Some(domain) = &spec.domain {
        word("Domain", domain, "domain");
    }
    if !path.starts_with('/') {
        let message = "a cookie's path starts with `/`: browsers ignore any other";
        compiler.problems.add(&at.field("path"), message);
    }
    if ttl > 0 {
        out.push_str(&format!("; Max-Age={ttl}"));
    }
    let secure = spec.secure.unwrap_or(true);
    if secure {
        out.push_str("; Secure");
    }
    if http_only {
        out.push_str("; HttpOnly");
    }
    out.push_str(match spec.same_site.unwrap_or_default() {
        SameSite::Strict => "; SameSite=Strict",
        SameSite::Lax => "; SameSite=Lax",
        SameSite::None => {
            if !secure {
                compiler.problems.add(
                    &at.field("sameSite"),
                    "`none` needs `secure: true`: otherwise browsers reject the cookie",
                );
            }
            "; SameSite=None"
        }
    });
    if spec.partitioned {
        if !secure {
            let message = "needs `secure: true`: otherwise browsers reject the cookie";
            compiler.problems.add(&at.field("partitioned"), message);
        }
        out.push_str("; Partitioned");
    }
    out
}

/// 128 bits as an id, in lower-case hex, `high` first. They must be random: who guesses an id is taken for its owner.
///
/// ```
/// assert_eq!(weir_cookie::id(1, 0xff), *b"000000000000000100000000000000ff");
/// ```
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

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::{AttributeMap, Problems};

    /// What a cookie is refused for; when it is not, what follows its value.
    fn compiled(json: &str, for_scripts: bool) -> Result<String, Problems> {
        let mut problems = Problems::default();
        let spec: CookieSpec = weir_core::load(json.as_bytes(), &mut problems);
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut compiler = Compiler::new(&named, &env, problems);
        let compile = if for_scripts { Cookie::compile_for_scripts } else { Cookie::compile };
        let cookie = compile(&spec, &mut compiler, &At::root());
        match compiler.problems.is_empty() {
            true => Ok(cookie.unwrap().after),
            false => Err(compiler.problems),
        }
    }

    /// RFC 6265bis section 5.7, in the order of its steps.
    #[test]
    fn cookies_that_browsers_drop_are_refused() {
        for (json, place) in [
            (r#"{"name": "__Host-id", "domain": "example.test"}"#, "domain"),
            (r#"{"name": "__Host-a", "path": "/shop"}"#, "path"),
            (r#"{"name": "__host-a", "secure": false}"#, "secure"),
            (r#"{"name": "__Secure-x", "secure": false}"#, "secure"),
            (r#"{"name": "__SECURE-x", "secure": false}"#, "secure"),
            (r#"{"name": "__Http-x", "httpOnly": false}"#, "httpOnly"),
            (r#"{"name": "__Host-Http-x", "httpOnly": false}"#, "httpOnly"),
            (r#"{"name": "__Host-Http-x", "domain": "a"}"#, "domain"),
            (r#"{"name": "x", "partitioned": true, "secure": false}"#, "partitioned"),
            (r#"{"name": "x", "sameSite": "none", "secure": false}"#, "sameSite"),
            (r#"{"name": "x", "path": "shop"}"#, "path"),
        ] {
            let problems = compiled(json, false).unwrap_err().to_string();
            assert!(problems.starts_with(place) && problems.lines().count() == 1, "{json}: {problems}");
        }
        let all = compiled(r#"{"name": "__Host-", "domain": "a", "path": "/a", "secure": false}"#, false);
        assert_eq!(all.unwrap_err().to_string().lines().count(), 3);
    }

    #[test]
    fn what_is_set_has_a_strict_name() {
        for name in ["prefs[theme]", "a b", "größe", "a=b", "a;b", ""] {
            assert!(
                compiled(&format!(r#"{{"name": "{name}"}}"#), false)
                    .unwrap_err()
                    .to_string()
                    .starts_with("name: "),
                "{name}"
            );
        }
    }

    #[test]
    fn cookies_that_browsers_take_are_taken() {
        for (json, after) in [
            (r#"{"name": "__Host-id"}"#, "; Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Lax"),
            (
                r#"{"name": "__Secure-x", "domain": "a.test", "path": "/b", "ttl": "0s"}"#,
                "; Path=/b; Domain=a.test; Secure; HttpOnly; SameSite=Lax",
            ),
            (
                r#"{"name": "x__Host-", "secure": false, "ttl": "1s"}"#,
                "; Path=/; Max-Age=1; HttpOnly; SameSite=Lax",
            ),
            (
                r#"{"name": "x", "partitioned": true, "sameSite": "none", "ttl": "0s"}"#,
                "; Path=/; Secure; HttpOnly; SameSite=None; Partitioned",
            ),
        ] {
            assert_eq!(compiled(json, false).unwrap(), after, "{json}");
        }
    }

    #[test]
    fn a_session_ends_with_the_browser_or_before() {
        let mut problems = Problems::default();
        let spec: CookieSpec = weir_core::load(br#"{"name": "t", "path": "/a"}"#, &mut problems);
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut compiler = Compiler::new(&named, &env, problems);
        let cookie = Cookie::compile_for_session(&spec, &mut compiler, &At::root()).unwrap();
        assert_eq!((cookie.ttl, cookie.after.as_str()), (0, "; Path=/a; Secure; HttpOnly; SameSite=Lax"));
        let end = cookie.end().value;
        assert_eq!(std::str::from_utf8(&end), Ok("t=; Path=/a; Secure; HttpOnly; SameSite=Lax; Max-Age=0"));
    }

    #[test]
    fn scripts_can_read_what_is_for_them() {
        let json = r#"{"name": "told", "ttl": "0s"}"#;
        assert_eq!(compiled(json, true).unwrap(), "; Path=/; Secure; SameSite=Lax");
        let json = r#"{"name": "told", "ttl": "0s", "httpOnly": true}"#;
        assert_eq!(compiled(json, true).unwrap(), "; Path=/; Secure; HttpOnly; SameSite=Lax");
        assert!(compiled(r#"{"name": "__Http-told"}"#, true).is_err());
    }
}
