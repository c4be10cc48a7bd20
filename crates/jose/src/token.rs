//! A compact JWS, taken apart strictly (RFC 7515, 7.1; RFC 8725).

use std::borrow::Cow;
use std::rc::Rc;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::json::{self, Fault, Object};
use crate::payload::Payload;
use crate::refusal::Refusal;
use crate::words;

/// A token that is well formed. Nothing in it is to be believed before [`crate::KeySet::verify`].
///
/// ```
/// use std::rc::Rc;
/// use weir_jose::{Algorithm, Form, Header, Refusal, Token};
///
/// let part = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
/// let header = part(r#"{"alg":"ES256","kid":"one","typ":"at+jwt"}"#);
/// let text = [&header, &part(r#"{"sub":"ann"}"#), &part("signature")].map(String::as_str).join(".");
/// let token = Token::parse(text.as_bytes(), 8192)?;
/// assert_eq!((token.algorithm(), token.kid()), (Algorithm::ES256, Some("one")));
/// assert_eq!(token.header_text("typ").as_deref(), Some("at+jwt"));
/// assert!(token.header_is("typ", "application/at+jwt"), "media types");
/// assert_eq!(token.section(), part(r#"{"sub":"ann"}"#).as_bytes());
///
/// // Tokens of one issuer mostly have one header, which need not be read again.
/// let known: Rc<Header> = Rc::clone(token.header());
/// let again = Token::parse_after(Some(&known), text.as_bytes(), Form::strict(8192))?;
/// assert_eq!(again.into_payload().text(), r#"{"sub":"ann"}"#);
/// assert_eq!(Token::parse(text.as_bytes(), 20).err(), Some(Refusal::TooLarge));
/// # Ok::<(), Refusal>(())
/// ```
#[derive(Debug)]
pub struct Token<'t> {
    signed: &'t [u8],
    section: &'t [u8],
    signature: Vec<u8>,
    header: Rc<Header>,
    payload: Payload,
}

/// What a token says of its signature. All tokens that were signed with one key have the same header as a rule,
/// so that the last one is worth keeping: [`Token::parse_after`].
#[derive(Debug)]
pub struct Header {
    /// As it is in the token.
    section: Box<[u8]>,
    algorithm: Algorithm,
    kid: Option<String>,
    /// All of it.
    members: Object,
}

/// Which tokens are read.
///
/// ```
/// use weir_jose::{Form, Refusal, Token};
///
/// let part = |text: &str| data_encoding::BASE64URL.encode(text.as_bytes());
/// let padded = [part(r#"{"alg":"RS256"}"#), part(r#"{"sub":"ann"}"#), part("signature")].join(".");
/// assert_eq!(Token::parse(padded.as_bytes(), 8192).err(), Some(Refusal::PayloadBase64));
///
/// let lenient = Form { accepts_padding: true, ..Form::strict(8192) };
/// assert!(Token::parse_after(None, padded.as_bytes(), lenient).is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// The longest token, in bytes.
    pub max_bytes: usize,
    /// Whether a header may bring a key along, or say where one is. It is never used.
    pub ignores_embedded_keys: bool,
    /// Whether sections may be padded with `=`, against RFC 7515.
    pub accepts_padding: bool,
}

/// Header members that stand for an extension which the reader must understand. We understand none.
const CRITICAL: [&str; 2] = ["crit", "b64"];

/// Header members that bring a key along, or say where to fetch one. Keys come from the configuration
/// and from nowhere else. (`x5t` is only a name for a key, and common: it is ignored.)
const EMBEDDED: [&str; 4] = ["jwk", "jku", "x5c", "x5u"];

impl Form {
    /// What RFC 7515 and 8725 allow, without any key in the header.
    pub const fn strict(max_bytes: usize) -> Self {
        Self { max_bytes, ignores_embedded_keys: false, accepts_padding: false }
    }

    /// A section without its padding. `None` where the padding is not what belongs there.
    fn bare(self, section: &[u8]) -> Option<&[u8]> {
        if !self.accepts_padding {
            // One that is padded is no base64url then.
            return Some(section);
        }
        let bare = section.strip_suffix(b"==").or_else(|| section.strip_suffix(b"=")).unwrap_or(section);
        (bare.len() == section.len() || section.len().is_multiple_of(4)).then_some(bare)
    }

    fn decode(self, section: &[u8]) -> Option<Vec<u8>> {
        base64url::decode(self.bare(section)?)
    }
}

impl<'t> Token<'t> {
    /// Reads a compact JWS of at most `max_bytes` whose payload is a JSON object.
    ///
    /// # Errors
    ///
    /// Whatever of the form is wrong, the first thing found: size, sections, base64url, header,
    /// payload.
    pub fn parse(text: &'t [u8], max_bytes: usize) -> Result<Self, Refusal> {
        Self::parse_after(None, text, Form::strict(max_bytes))
    }

    /// The same in another form, with the header of an earlier token that was read in this form: one that is equal,
    /// byte by byte, is not read again.
    ///
    /// # Errors
    ///
    /// As [`Token::parse`].
    pub fn parse_after(known: Option<&Rc<Header>>, text: &'t [u8], form: Form) -> Result<Self, Refusal> {
        if text.len() > form.max_bytes {
            return Err(Refusal::TooLarge);
        }
        // What is wrong with the form as a whole is told first, and looked for last.
        Self::read(known, text, form)
            .map_err(|refusal| if is_compact(text) { refusal } else { Refusal::Malformed })
    }

    fn read(known: Option<&Rc<Header>>, text: &'t [u8], form: Form) -> Result<Self, Refusal> {
        let known = known.filter(|known| known.begins(text));
        let end = match known {
            Some(known) => known.section.len(),
            None => dot(text).ok_or(Refusal::Malformed)?,
        };
        let (header, rest) = cut(text, end);
        let (section, signature) = cut(rest, dot(rest).ok_or(Refusal::Malformed)?);
        let (signed, _) = cut(text, end + 1 + section.len());
        let header = match known {
            Some(known) => known.clone(),
            None => Rc::new(Header::read(header, form)?),
        };
        if signature.is_empty() {
            return Err(Refusal::Malformed);
        }
        let section = form.bare(section).ok_or(Refusal::PayloadBase64)?;
        let payload = base64url::decode(section).ok_or(Refusal::PayloadBase64)?;
        let signature = form.decode(signature).ok_or(Refusal::SignatureBase64)?;
        let claims = Object::read(payload).map_err(|fault| refusal(fault, Refusal::PayloadJson))?;
        Ok(Self { signed, section, signature, header, payload: Payload::new(claims) })
    }

    /// The header, to be kept for the tokens to come.
    pub fn header(&self) -> &Rc<Header> {
        &self.header
    }

    /// What the header says the signature is. Only an allow-list and a key may turn that into a fact.
    pub fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// Which key the header names, if it names one.
    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// A text in the header, such as `typ`, as written; `None` also where the member is no text. It is signed, but
    /// as little to be believed before verification as everything else.
    pub fn header_text(&self, name: &str) -> Option<Cow<'_, str>> {
        json::string(self.header.members.get(name)?)
    }

    /// Whether a text in the header is this one. `typ` is compared as a media type: without regard to case, and
    /// `application/` may be left out on both sides (RFC 7515, 4.1.9).
    pub fn header_is(&self, name: &str, wanted: &str) -> bool {
        self.header_text(name).is_some_and(|text| match name {
            "typ" => short_type(&text).eq_ignore_ascii_case(short_type(wanted)),
            _ => text == wanted,
        })
    }

    /// The claims, still unverified.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The claims as they stand in the token: its middle section, without padding.
    pub fn section(&self) -> &'t [u8] {
        self.section
    }

    /// The claims, to be kept after verification.
    pub fn into_payload(self) -> Payload {
        self.payload
    }

    /// What is signed: header and payload as they are in the token, with the dot between.
    pub(crate) fn signed(&self) -> &'t [u8] {
        self.signed
    }

    /// The signature's bytes.
    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl Header {
    /// Whether a token begins with it, byte by byte.
    fn begins(&self, token: &[u8]) -> bool {
        let (start, rest) = token.split_at_checked(self.section.len()).unwrap_or_default();
        rest.first() == Some(&b'.') && words::equal(start, &self.section)
    }

    fn read(section: &[u8], form: Form) -> Result<Self, Refusal> {
        let bytes = form.decode(section).ok_or(Refusal::HeaderBase64)?;
        let header = Object::read(bytes).map_err(|fault| refusal(fault, Refusal::HeaderJson))?;
        let algorithm = algorithm(&header, form)?;
        let kid = optional_string(&header, "kid")?;
        optional_string(&header, "typ")?;
        Ok(Self { section: section.into(), algorithm, kid, members: header })
    }
}

/// Where the first dot is.
fn dot(text: &[u8]) -> Option<usize> {
    words::position(text, |word| word.is(b'.'), |byte| byte == b'.')
}

/// What is before the byte at `at`, and what is after it.
fn cut(text: &[u8], at: usize) -> (&[u8], &[u8]) {
    let (before, behind) = text.split_at_checked(at).unwrap_or_default();
    (before, behind.get(1..).unwrap_or_default())
}

/// Whether a text that is no token has the form of one: UTF-8 in three sections, of which only the signature may
/// be empty.
#[cold]
fn is_compact(text: &[u8]) -> bool {
    let sections: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
    matches!(*sections, [header, payload, _] if !header.is_empty() && !payload.is_empty())
        && str::from_utf8(text).is_ok()
}

fn refusal(fault: Fault, syntax: Refusal) -> Refusal {
    match fault {
        Fault::Syntax => syntax,
        Fault::Duplicate => Refusal::DuplicateMember,
        Fault::TooDeep => Refusal::TooDeep,
    }
}

/// Checks the header's members that decide over the whole token.
fn algorithm(header: &Object, form: Form) -> Result<Algorithm, Refusal> {
    if header.has_any(&CRITICAL) {
        return Err(Refusal::CriticalHeader);
    }
    if !form.ignores_embedded_keys && header.has_any(&EMBEDDED) {
        return Err(Refusal::EmbeddedKey);
    }
    let name = header.get("alg").and_then(json::string).ok_or(Refusal::AlgorithmMissing)?;
    Algorithm::from_name(&name).ok_or(Refusal::AlgorithmUnsupported)
}

/// An optional string of the header.
fn optional_string(header: &Object, name: &str) -> Result<Option<String>, Refusal> {
    match header.get(name).map(json::string) {
        None => Ok(None),
        Some(Some(text)) => Ok(Some(text.into_owned())),
        Some(None) => Err(Refusal::HeaderJson),
    }
}

/// A media type without `application/`.
fn short_type(media_type: &str) -> &str {
    const PREFIX: &str = "application/";
    match media_type.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.as_bytes().contains(&b'/') => {
            rest
        }
        _ => media_type,
    }
}

#[cfg(test)]
mod tests;
