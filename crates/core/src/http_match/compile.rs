//! From a written match to a predicate.

use super::literal::Anchor;
use super::string_match::TextRequirement;
use super::{ClaimTest, HttpMatch, Network, Networks, StringMatch, TextTest};
use crate::OrderedMap;
use crate::attribute::{AttrId, AttributeSpec, KindSpec, PathSpec, SourceSpec};
use crate::claims::{ClaimName, bracketed};
use crate::compile::Compiler;
use crate::header;
use crate::never::{ComparedPart, Dialect, Form};
use crate::predicate::Predicate;
use crate::problem::At;
use std::fmt;

/// Istio's name for claims among the headers.
const CLAIMS: &str = "@request.auth.claims";
/// How the identity in a certificate starts.
const SPIFFE: &str = "spiffe://";

/// What a test costs a request. The parts of an entry are tested in this order, because most
/// requests fail one of the cheap ones and then need not pay for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cost {
    /// Some comparisons of bytes.
    Bytes,
    /// A search in a text or a list, or reading a version.
    Search,
    /// Running an automaton over a text.
    Regex,
    /// A call to the host, some microseconds.
    Host,
}

impl Cost {
    fn of(test: &TextTest) -> Self {
        match test {
            TextTest::Any => Cost::Bytes,
            TextTest::Literal { place: Anchor::Anywhere, .. } => Cost::Search,
            TextTest::Literal { .. } => Cost::Bytes,
            TextTest::OneOf { .. } | TextTest::Version(_) => Cost::Search,
            TextTest::Regex(_) => Cost::Regex,
        }
    }
}

impl HttpMatch {
    /// The predicate that this entry means. Problems go to the compiler.
    pub fn compile(&self, compiler: &mut Compiler<'_>, at: &At) -> Predicate {
        let mut entry = Entry { compiler, parts: Vec::new() };
        self.refuse_what_no_filter_sees(&mut entry, at);
        self.request_line(&mut entry, at);
        self.maps(&mut entry, at);
        self.connection(&mut entry, at);
        let mut sorted = Vec::new();
        for (cost, part) in entry.parts {
            // Behind its equals: among them, the order stays that of the fields.
            let at = sorted.partition_point(|(known, _)| *known <= cost);
            sorted.insert(at, (cost, part));
        }
        Predicate::all(sorted.into_iter().map(|(_, part)| part).collect())
    }

    fn refuse_what_no_filter_sees(&self, entry: &mut Entry<'_, '_>, at: &At) {
        let refused = [
            (
                "sourceLabels",
                &self.source_labels,
                "istiod compares it with the labels of the calling workload, which a request does not carry; \
                 use `sourcePrincipals`, or limit the plugin to those workloads by its `selector`",
            ),
            (
                "sourceNamespace",
                &self.source_namespace,
                "istiod compares it with the namespace of the calling workload, which a request does not carry; \
                 use `sourcePrincipals` (\"cluster.local/ns/NAMESPACE/*\")",
            ),
            (
                "gateways",
                &self.gateways,
                "the proxy does not know the names of Gateway resources; attach the plugin to the gateway by its \
                 `selector` or `targetRefs`, and match by `authority` or `port`",
            ),
            (
                "statPrefix",
                &self.stat_prefix,
                "it names statistics of an Envoy route; count requests with `metrics`",
            ),
        ];
        for (name, value, why) in refused {
            if value.is_some() {
                entry.compiler.problems.add(&at.field(name), format!("is not supported here: {why}"));
            }
        }
    }

    fn request_line(&self, entry: &mut Entry<'_, '_>, at: &At) {
        self.path(entry, &at.field("uri"));
        let parts = [("scheme", &self.scheme), ("method", &self.method), ("authority", &self.authority)];
        for (field, matcher) in parts {
            if let Some(matcher) = matcher {
                let attribute = match field {
                    "scheme" => entry.compiler.pseudo_header(":scheme"),
                    "method" => entry.compiler.pseudo_header(":method"),
                    _ => entry.compiler.authority(),
                };
                entry.text(attribute, matcher, &at.field(field));
            }
        }
    }

    fn path(&self, entry: &mut Entry<'_, '_>, at: &At) {
        // Every request has a path, so a match that asks for nothing, or an empty prefix, is always true.
        let Some(uri) =
            self.uri.as_deref().filter(|m| **m != StringMatch::default() && m.prefix.as_deref() != Some(""))
        else {
            return;
        };
        if uri.regex.as_deref() == Some("*") {
            entry
                .compiler
                .problems
                .add(&at.field("regex"), "\"*\" is not a regular expression; `.*` matches any text");
        }
        let attribute = entry.compiler.path();
        entry.refuse_never(attribute, uri, at);
        if let Some(asks) = uri.asks(self.ignore_uri_case, &mut entry.compiler.problems, at) {
            entry.add_text(attribute, asks);
        }
    }

    fn maps(&self, entry: &mut Entry<'_, '_>, at: &At) {
        for (name, matcher, at) in places(&self.headers, &at.field("headers")) {
            if let Some(claim) = routing_claim(name) {
                entry.claim(ClaimName::Path(claim), matcher, &at, true);
            } else if let Some(attribute) = entry.header(name, &at) {
                entry.text(attribute, matcher, &at);
            }
        }
        for (name, matcher, at) in places(&self.without_headers, &at.field("withoutHeaders")) {
            if let Some(claim) = routing_claim(name) {
                entry.claim(ClaimName::Path(claim), matcher, &at, false);
            } else if let Some(attribute) = entry.header(name, &at) {
                entry.without(attribute, matcher, &at);
            }
        }
        for (name, matcher, at) in places(&self.query_params, &at.field("queryParams")) {
            if name.is_empty() {
                entry.compiler.problems.add(&at, "a query parameter needs a name");
            } else if name.as_bytes().contains(&b'=') {
                entry.compiler.problems.add(&at, "names cannot contain `=`, so this could never match");
            } else if let Some(why) = Form::Query.refuses(name, ComparedPart::Whole) {
                entry.compiler.problems.add(&at, why);
            }
            let attribute = entry.compiler.raw_query(name);
            entry.text(attribute, matcher, &at);
        }
        for (name, matcher, at) in places(&self.cookies, &at.field("cookies")) {
            if let Some(attribute) = entry.cookie(name, &at) {
                entry.text(attribute, matcher, &at);
            }
        }
        for (name, matcher, at) in places(&self.claims, &at.field("claims")) {
            entry.claim(ClaimName::Text(name.to_owned()), matcher, &at, true);
        }
    }

    fn connection(&self, entry: &mut Entry<'_, '_>, at: &At) {
        if let Some(port) = self.port {
            entry.port(port, &at.field("port"));
        }
        if !self.source_principals.is_empty() {
            entry.principals(&self.source_principals, &at.field("sourcePrincipals"));
        }
        if !self.remote_ip.is_empty() {
            entry.remote_ip(&self.remote_ip, &at.field("remoteIp"));
        }
    }
}

/// The entries of a map, each with its place.
fn places<'m>(
    map: &'m OrderedMap<StringMatch>,
    at: &At,
) -> impl Iterator<Item = (&'m str, &'m StringMatch, At)> {
    map.iter().map(move |(name, matcher)| (name, matcher, at.field(name)))
}

/// The path to a claim in the name of a header, when it is one: `@request.auth.claims.a.b` or
/// `@request.auth.claims[a][b]` (istio `pkg/jwt/routing.go`).
fn routing_claim(name: &str) -> Option<Vec<String>> {
    let (_, rest) =
        name.split_at_checked(CLAIMS.len()).filter(|(start, _)| start.eq_ignore_ascii_case(CLAIMS))?;
    if let Some(path) = rest.strip_prefix('.').filter(|path| !path.is_empty()) {
        return Some(path.split('.').map(str::to_owned).collect());
    }
    let path = rest.strip_prefix('[')?.strip_suffix(']').filter(|path| !path.is_empty())?;
    Some(bracketed(path))
}

/// An entry of which the parts are being compiled.
struct Entry<'e, 'c> {
    compiler: &'e mut Compiler<'c>,
    parts: Vec<(Cost, Predicate)>,
}

impl Entry<'_, '_> {
    fn source(&mut self, source: AttributeSpec, at: &At) -> Option<AttrId> {
        self.compiler.source(&SourceSpec::Long(Box::new(source)), at)
    }

    /// A header by name. As in Envoy, `host` is `:authority`.
    fn header(&mut self, name: &str, at: &At) -> Option<AttrId> {
        const PSEUDO: [&str; 4] = [":authority", ":method", ":path", ":scheme"];
        let name = if name.eq_ignore_ascii_case("host") { ":authority" } else { name };
        match PSEUDO.iter().find(|pseudo| **pseudo == name) {
            Some(&":authority") => Some(self.compiler.authority()),
            Some(pseudo) => Some(self.compiler.pseudo_header(pseudo)),
            None => self.compiler.header(name, at),
        }
    }

    fn cookie(&mut self, name: &str, at: &At) -> Option<AttrId> {
        self.compiler.problems.accept(header::cookie_name(name), at)?;
        self.source(AttributeSpec { cookie: Some(name.to_owned()), ..AttributeSpec::default() }, at)
    }

    fn text(&mut self, attribute: AttrId, matcher: &StringMatch, at: &At) {
        if let Some(asks) = self.asks(attribute, matcher, at) {
            self.add_text(attribute, asks);
        }
    }

    /// What is asked of a text, which for a host is in lower case.
    fn asks(&mut self, attribute: AttrId, matcher: &StringMatch, at: &At) -> Option<TextRequirement> {
        self.refuse_never(attribute, matcher, at);
        if self.is_host(attribute) {
            return matcher.lowered().asks(false, &mut self.compiler.problems, at);
        }
        matcher.asks(false, &mut self.compiler.problems, at)
    }

    fn is_host(&self, attribute: AttrId) -> bool {
        self.compiler.form(attribute) == Some(Form::Host)
    }

    /// Reports what no value of the attribute can ever be.
    fn refuse_never(&mut self, attribute: AttrId, matcher: &StringMatch, at: &At) {
        let Some(form) = self.compiler.form(attribute) else { return };
        let literals = [
            ("exact", &matcher.exact, ComparedPart::Whole),
            ("prefix", &matcher.prefix, ComparedPart::Start),
            ("suffix", &matcher.suffix, ComparedPart::Other),
            ("contains", &matcher.contains, ComparedPart::Other),
        ];
        let mut found = Vec::new();
        for (name, literal, part) in literals {
            let why = literal.as_deref().filter(|text| !text.is_empty());
            found.extend(why.and_then(|text| form.refuses(text, part)).map(|why| (at.field(name), why)));
        }
        for (i, literal) in matcher.one_of.iter().flatten().enumerate() {
            let why = form.refuses(literal, ComparedPart::Whole);
            found.extend(why.map(|why| (at.field("in").index(i), why)));
        }
        let pattern =
            matcher.regex.as_deref().and_then(|pattern| form.refuses_pattern(pattern, Dialect::Re2));
        found.extend(pattern.map(|why| (at.field("regex"), why)));
        for (at, why) in found {
            self.compiler.problems.add(&at, why);
        }
    }

    fn add_text(&mut self, attribute: AttrId, asks: TextRequirement) {
        let (there, test) = match asks {
            TextRequirement::Presence(there) => (there, TextTest::Any),
            TextRequirement::Passes(test) => (true, test),
        };
        let cost = Cost::of(&test);
        let part = match test {
            test if self.is_host(attribute) => Predicate::Host { attribute, test, absent_is_empty: false },
            test => self.compiler.text_passes(attribute, test),
        };
        self.parts.push((cost, negated_unless(there, part)));
    }

    /// A header that must not pass. Envoy's `treat_missing_header_as_empty`, which istiod sets for all
    /// tests but presence.
    fn without(&mut self, attribute: AttrId, matcher: &StringMatch, at: &At) {
        match self.asks(attribute, matcher, at) {
            Some(TextRequirement::Presence(there)) => {
                self.add_text(attribute, TextRequirement::Presence(!there))
            }
            Some(TextRequirement::Passes(test)) => {
                let cost = Cost::of(&test);
                let absent_is_empty = true;
                let part = if self.is_host(attribute) {
                    Predicate::Host { attribute, test, absent_is_empty }
                } else {
                    Predicate::Text { attribute, test, absent_is_empty }
                };
                self.parts.push((cost, negated_unless(false, part)));
            }
            None => {}
        }
    }

    fn claim(&mut self, name: ClaimName, matcher: &StringMatch, at: &At, wanted: bool) {
        // The message belongs to this place: there is no field `claim` in it.
        let Some(path) = self.compiler.problems.accept(name.path(), at) else { return };
        let source = AttributeSpec { claim: Some(ClaimName::Path(path)), ..AttributeSpec::default() };
        let Some(attribute) = self.source(source, at) else { return };
        let (there, test) = match matcher.asks(false, &mut self.compiler.problems, at) {
            Some(TextRequirement::Presence(there)) => (there, TextTest::Any),
            Some(TextRequirement::Passes(test)) => (true, test),
            None => return,
        };
        let part = Predicate::Claim(Box::new(ClaimTest { attribute, test }));
        self.parts.push((Cost::Host, negated_unless(there == wanted, part)));
    }

    fn property(&mut self, path: &[&str], kind: KindSpec, at: &At) -> Option<AttrId> {
        let path = PathSpec(path.iter().map(|s| (*s).to_owned()).collect());
        self.source(AttributeSpec { property: Some(path), kind: Some(kind), ..AttributeSpec::default() }, at)
    }

    fn port(&mut self, port: u32, at: &At) {
        if !(1..=65535).contains(&port) {
            self.compiler.problems.add(at, format!("{port} is not a port (1 to 65535)"));
        } else if let Some(attribute) = self.property(&["destination", "port"], KindSpec::Number, at) {
            self.parts.push((Cost::Host, Predicate::Number { attribute, equals: f64::from(port) }));
        }
    }

    fn principals(&mut self, principals: &[String], at: &At) {
        let Some(attribute) =
            self.property(&["connection", "uri_san_peer_certificate"], KindSpec::String, at)
        else {
            return;
        };
        let part = |test| Predicate::Text { attribute, test, absent_is_empty: false };
        let mut any = Vec::new();
        for (i, principal) in principals.iter().enumerate() {
            let tests = self.compiler.problems.accept(principal_tests(principal), &at.index(i));
            any.extend(tests.map(|tests| Predicate::all(tests.into_iter().map(part).collect())));
        }
        self.parts.push((Cost::Host, Predicate::any(any)));
    }

    fn remote_ip(&mut self, networks: &[String], at: &At) {
        let Some(attribute) = self.property(&["source", "address"], KindSpec::String, at) else { return };
        let mut set = Vec::new();
        for (i, text) in networks.iter().enumerate() {
            set.extend(self.compiler.problems.accept(Network::parse(text), &at.index(i)));
        }
        self.parts.push((Cost::Host, Predicate::Network { attribute, networks: Networks::new(set) }));
    }
}

/// A text that is not a principal.
struct InvalidPrincipal(Box<str>);

impl fmt::Display for InvalidPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a principal: an identity such as cluster.local/ns/shop/sa/cart, with one `*` at its start or \
             end, or `*` alone",
            self.0
        )
    }
}

/// The tests that a certificate's URI must pass all to be this principal. As in AuthorizationPolicy,
/// `*` may stand for a start, an end or the whole.
fn principal_tests(principal: &str) -> Result<Vec<TextTest>, InvalidPrincipal> {
    // People copy the URI from a certificate.
    let principal = principal.strip_prefix(SPIFFE).unwrap_or(principal);
    let with_scheme = |place, rest: &str| TextTest::literal(place, &format!("{SPIFFE}{rest}"));
    let refusal = || InvalidPrincipal(principal.into());
    match principal.split_once('*') {
        None if principal.is_empty() => Err(refusal()),
        None => Ok(vec![with_scheme(Anchor::Whole, principal)]),
        Some(("", "")) => Ok(vec![with_scheme(Anchor::Start, "")]),
        Some((start, "")) => Ok(vec![with_scheme(Anchor::Start, start)]),
        Some(("", end)) if !end.as_bytes().contains(&b'*') => {
            Ok(vec![with_scheme(Anchor::Start, ""), TextTest::literal(Anchor::End, end)])
        }
        Some(_) => Err(refusal()),
    }
}

fn negated_unless(plain: bool, part: Predicate) -> Predicate {
    if plain { part } else { Predicate::Not(Box::new(part)) }
}
