//! From configuration to plan: what it reads and writes is interned, what is wrong is collected.

use crate::attribute::{AttrId, AttributeMap, AttributeSpec, PathSpec, RequestPart, SourceSpec};
use crate::condition::{self, Condition};
use crate::effect::{Counter, OwnedHeader, ResponseHeader};
use crate::header::{self, Pair, Pairs};
use crate::http_match::HttpMatch;
use crate::predicate::{CelId, Predicate};
use crate::problem::{At, Problems, did_you_mean};
use crate::value::Kind;

/// More of anything than this in one configuration is a mistake or an attack.
const MOST: usize = 4096;

/// Where the bytes of an attribute lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A header, by position in [`Shape::headers`].
    Header(u16),
    /// A cookie, by position in [`Shape::cookies`].
    Cookie(u16),
    /// A query parameter, by position in [`Shape::queries`].
    Query(u16),
    /// A query parameter as the client sent it, by position in [`Shape::raw_queries`].
    RawQuery(u16),
    /// The path without the query.
    Path,
    /// A property, by position in [`Shape::properties`].
    Property(u16),
    /// Nowhere: the attribute's default is its value.
    Constant,
}

/// An attribute as it is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Where its bytes lie.
    pub source: Source,
    /// How they are understood.
    pub kind: Kind,
    /// Whether ASCII letters are lowered first.
    pub lower: bool,
    /// Its text when the request has none.
    pub default: Option<Box<[u8]>>,
}

/// How the host encodes a property that is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Numbers in dynamic and route metadata: `f64`, little endian.
    Double,
    /// Numbers among Envoy's own attributes: `i64`, little endian.
    Integer,
}

/// A property path as `proxy_get_property` takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// The segments with a zero byte between two of them.
    pub path: Box<[u8]>,
    /// How numbers are encoded.
    pub encoding: Encoding,
    /// When this is another property with its ASCII letters lowered: its position. The host is asked
    /// for that one only.
    pub lower_of: Option<u16>,
}

/// What a configuration reads and writes of each request: all that the snapshot must hold.
#[derive(Debug, Default)]
pub struct Shape {
    /// The attributes.
    pub attributes: Vec<Attribute>,
    /// Names of the headers that are looked for, lower case, pseudo-headers included.
    pub headers: Vec<Box<[u8]>>,
    /// Names of the cookies that are looked for.
    pub cookies: Vec<Box<[u8]>>,
    /// Names of the query parameters that are looked for.
    pub queries: Vec<Box<[u8]>>,
    /// Names of the query parameters that are looked for as the client sent them, not decoded.
    pub raw_queries: Vec<Box<[u8]>>,
    /// Properties that may be asked of the host, each at most once a request.
    pub properties: Vec<Property>,
    /// CEL expressions for the host to compile.
    pub cel: Vec<String>,
    /// Where each CEL expression stands, for messages.
    pub cel_at: Vec<At>,
    /// The request headers that belong to this configuration.
    pub owned: Vec<Owned>,
    /// Names of the counters.
    pub counters: Vec<String>,
    /// The `vary` header of responses, when a filter asked for it: caches must know that the answer
    /// depends on every header that is read.
    pub vary: Option<ResponseHeader>,
    /// Where `:path` is among the headers, when it is needed.
    pub path: Option<u16>,
    /// Where `cookie` is among the headers, when it is needed.
    pub cookie: Option<u16>,
    /// Whether any attribute is a JSON document.
    pub has_json: bool,
    /// Bit n says that there is a header whose name has n bytes; names of 63 and more share a bit.
    lengths: u64,
    /// Positions in `headers`, sorted by length of the name; see [`Shape::find_header`].
    by_length: Vec<u16>,
    /// For each length of name, where its names start in `by_length`; one more entry at the end.
    starts: Vec<u16>,
}

/// An owned request header.
#[derive(Debug)]
pub struct Owned {
    /// Its name, lower case.
    pub name: String,
    /// Its position in [`Shape::headers`], to see whether the client sent it.
    pub header: u16,
}

impl Shape {
    /// The headers of a request that are among [`Shape::headers`], with their positions there.
    #[inline]
    pub fn find_headers<'a>(&self, raw: &'a [u8]) -> impl Iterator<Item = (usize, Pair<'a>)> {
        Pairs::new(raw)
            .with_name_lengths(self.lengths)
            .filter_map(|pair| Some((self.find_header(pair.name)?, pair)))
    }

    /// The position of a header among [`Shape::headers`].
    #[inline]
    pub fn find_header(&self, name: &[u8]) -> Option<usize> {
        let start = usize::from(*self.starts.get(name.len())?);
        let end = usize::from(*self.starts.get(name.len() + 1)?);
        let candidates = self.by_length.get(start..end)?;
        // Names of one length mostly differ in their last byte; many begin with `x-`.
        let same = |n: &[u8]| n.last() == name.last() && n == name;
        candidates.iter().map(|i| usize::from(*i)).find(|i| self.headers.get(*i).is_some_and(|n| same(n)))
    }

    /// The names of all headers that decide, `None` when there is no such header.
    fn vary_on(&self) -> Option<ResponseHeader> {
        let owned = |slot: usize| self.owned.iter().any(|o| usize::from(o.header) == slot);
        let names =
            self.headers.iter().enumerate().filter(|(slot, name)| !name.starts_with(b":") && !owned(*slot));
        let names: Vec<&[u8]> = names.map(|(_, name)| &**name).collect();
        let value = names.join(&b", "[..]);
        (!value.is_empty()).then(|| ResponseHeader {
            name: "vary".into(),
            value: value.into(),
            replace: false,
        })
    }

    fn index_headers(&mut self) {
        self.lengths = self.headers.iter().fold(0, |bits, n| bits | 1 << n.len().min(63));
        let longest = self.headers.iter().map(|n| n.len()).max().unwrap_or(0);
        let of_length =
            |n: usize| (0u16..).zip(&self.headers).filter(move |(_, h)| h.len() == n).map(|(i, _)| i);
        for n in 0..=longest {
            self.starts.push(self.by_length.len() as u16);
            self.by_length.extend(of_length(n));
        }
        self.starts.push(self.by_length.len() as u16);
    }
}

/// Compiles the parts that all filters share, and collects the problems of the whole configuration.
pub struct Compiler<'c> {
    named: &'c AttributeMap,
    env: &'c dyn Fn(&str) -> Option<String>,
    shape: Shape,
    vary: bool,
    /// Everything that is wrong so far.
    pub problems: Problems,
}

impl<'c> Compiler<'c> {
    /// Starts with the named attributes, of which every one is checked whether it is used or not.
    /// `env` reads the VM's environment.
    pub fn new(named: &'c AttributeMap, env: &'c dyn Fn(&str) -> Option<String>, problems: Problems) -> Self {
        let mut compiler = Self { named, env, shape: Shape::default(), vary: false, problems };
        let at = At::root().field("attributes");
        for (name, spec) in named.iter() {
            let at = at.field(name);
            if name.is_empty() || name.contains(':') {
                compiler
                    .problems
                    .add(&at, format!("{name:?} cannot name an attribute: empty, or with a colon"));
            } else if let SourceSpec::Long(spec) = spec {
                compiler.long(spec, &at, false);
            } else if let SourceSpec::Short(text) = spec {
                match AttributeSpec::of_short(text) {
                    Some(spec) => drop(compiler.long(&spec, &at, true)),
                    None => compiler.unknown_source(text, &at),
                }
            }
        }
        // Attributes that nothing reads must not cost a request anything.
        compiler.shape = Shape::default();
        compiler
    }

    /// The shape of the configuration, when nothing was wrong with it.
    ///
    /// # Errors
    /// All the problems.
    pub fn finish(mut self) -> Result<Shape, Problems> {
        let shape = &self.shape;
        let names = [&shape.headers, &shape.cookies, &shape.queries, &shape.raw_queries].map(Vec::len);
        let most = [shape.attributes.len(), shape.properties.len()].into_iter().chain(names).max();
        if most.is_some_and(|n| n > MOST) {
            self.problems.add(
                &At::root(),
                format!(
                    "more than {MOST} different attributes, headers, cookies, query parameters or properties"
                ),
            );
        }
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        self.shape.index_headers();
        self.shape.has_json = self.shape.attributes.iter().any(|a| a.kind == Kind::Json);
        if self.vary {
            self.shape.vary = self.shape.vary_on();
        }
        Ok(self.shape)
    }

    /// The attribute that a `source` names, in either form.
    pub fn source(&mut self, spec: &SourceSpec, at: &At) -> Option<AttrId> {
        match spec {
            SourceSpec::Short(text) => self.attribute(text, at),
            SourceSpec::Long(spec) => self.long(spec, at, false),
        }
    }

    /// The attribute of this name, or the short form of a source.
    pub fn attribute(&mut self, name: &str, at: &At) -> Option<AttrId> {
        match self.named.get(name) {
            Some(SourceSpec::Long(spec)) => self.long(spec, at, false),
            Some(SourceSpec::Short(text)) => match AttributeSpec::of_short(text) {
                Some(spec) => self.long(&spec, at, true),
                // Already reported where the attribute is declared.
                None => None,
            },
            None => match AttributeSpec::of_short(name) {
                Some(spec) => self.long(&spec, at, true),
                None => {
                    self.unknown_source(name, at);
                    None
                }
            },
        }
    }

    /// Whether a name is an attribute's, so that a dotted path can be told from a name with dots.
    pub fn knows(&self, name: &str) -> bool {
        self.named.get(name).is_some() || AttributeSpec::of_short(name).is_some()
    }

    /// The type of an attribute.
    pub fn kind(&self, id: AttrId) -> Kind {
        self.shape.attributes.get(usize::from(id.0)).map_or(Kind::Text, |attribute| attribute.kind)
    }

    fn unknown_source(&mut self, text: &str, at: &At) {
        const SHORT: [&str; 11] = [
            "header:",
            "cookie:",
            "query:",
            "claim:",
            "property:",
            "routeMetadata:",
            "env:",
            "path",
            "method",
            "host",
            "scheme",
        ];
        let names = self.named.iter().map(|(name, _)| name).chain(SHORT);
        let hint = did_you_mean(text, names);
        let message = format!(
            "{text:?} is neither an attribute nor a source (header:NAME, cookie:NAME, query:NAME, claim:NAME, \
             property:PATH, routeMetadata:PATH, env:NAME, path, method, host, scheme){hint}"
        );
        self.problems.add(at, message);
    }

    /// `short` says that the user wrote the short form: then there are no fields to point at.
    fn long(&mut self, spec: &AttributeSpec, at: &At, short: bool) -> Option<AttrId> {
        let part = |name: &str| if short { at.clone() } else { at.field(name) };
        let kind = match spec.kind() {
            Ok(kind) => kind,
            Err(message) => {
                self.problems.add(&part("separator"), message);
                return None;
            }
        };
        let mut default = spec.default.as_deref().map(|text| Box::from(text.as_bytes()));
        let lower = spec.lower && !matches!(kind, Kind::Number | Kind::Boolean);
        let source = self.long_source(spec, lower, at, short, &mut default)?;
        if spec.payload.is_some() && spec.claim.is_none() {
            self.problems.add(&part("payload"), "only goes with `claim`");
        }
        Some(self.intern(Attribute { source, kind, lower, default }))
    }

    fn long_source(
        &mut self,
        spec: &AttributeSpec,
        lower: bool,
        at: &At,
        short: bool,
        default: &mut Option<Box<[u8]>>,
    ) -> Option<Source> {
        let part = |name: &str| if short { at.clone() } else { at.field(name) };
        let given = [
            ("header", spec.header.is_some()),
            ("cookie", spec.cookie.is_some()),
            ("query", spec.query.is_some()),
            ("claim", spec.claim.is_some()),
            ("property", spec.property.is_some()),
            ("routeMetadata", spec.route_metadata.is_some()),
            ("env", spec.env.is_some()),
            ("constant", spec.constant.is_some()),
            ("request", spec.request.is_some()),
        ];
        if given.iter().filter(|(_, is)| *is).count() != 1 {
            let names = given.map(|(name, _)| name).join(", ");
            self.problems.missing(at, format!("needs exactly one source of {names}"));
            return None;
        }
        if let Some(name) = &spec.header {
            return self.header_source(name, &part("header"));
        }
        if let Some(name) = &spec.cookie {
            if header::name(name).is_err() {
                self.problems
                    .add(&part("cookie"), format!("{name:?} is not a cookie name (an RFC 9110 token)"));
                return None;
            }
            self.shape.cookie = Some(self.header_slot(b"cookie"));
            return Some(Source::Cookie(intern(&mut self.shape.cookies, name.as_bytes())));
        }
        if let Some(name) = &spec.query {
            self.shape.path = Some(self.header_slot(b":path"));
            return Some(Source::Query(intern(&mut self.shape.queries, name.as_bytes())));
        }
        if let Some(PathSpec(claim)) = &spec.claim {
            let payload = spec.payload.as_deref().unwrap_or("payload");
            let place = ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", payload];
            return self.property(
                place.into_iter().chain(claim.iter().map(String::as_str)),
                lower,
                &part("claim"),
            );
        }
        if let Some(PathSpec(path)) = &spec.property {
            return self.property(path.iter().map(String::as_str), lower, &part("property"));
        }
        if let Some(PathSpec(path)) = &spec.route_metadata {
            let place = ["xds", "route_metadata", "filter_metadata"];
            return self.property(
                place.into_iter().chain(path.iter().map(String::as_str)),
                lower,
                &part("routeMetadata"),
            );
        }
        if let Some(name) = &spec.env {
            // The environment never changes while the VM lives: read it now, keep it as the default.
            if let Some(value) = (self.env)(name) {
                *default = Some(Box::from(value.as_bytes()));
            }
            return Some(Source::Constant);
        }
        if let Some(text) = &spec.constant {
            *default = Some(Box::from(text.as_bytes()));
            return Some(Source::Constant);
        }
        Some(match spec.request? {
            RequestPart::Path => {
                self.shape.path = Some(self.header_slot(b":path"));
                Source::Path
            }
            RequestPart::Method => Source::Header(self.header_slot(b":method")),
            RequestPart::Host => Source::Header(self.header_slot(b":authority")),
            RequestPart::Scheme => Source::Header(self.header_slot(b":scheme")),
        })
    }

    fn header_source(&mut self, name: &str, at: &At) -> Option<Source> {
        match header::name(name) {
            Ok(name) => Some(Source::Header(self.header_slot(name.as_bytes()))),
            Err(message) => {
                self.problems.add(at, message);
                None
            }
        }
    }

    fn property<'s>(
        &mut self,
        segments: impl Iterator<Item = &'s str>,
        lower: bool,
        at: &At,
    ) -> Option<Source> {
        let segments: Vec<&str> = segments.collect();
        if segments.iter().any(|s| s.is_empty() || s.contains('\0')) {
            self.problems.add(at, "a path has no empty segments (\"a.b.c\", or [\"a\", \"b.c\"])");
            return None;
        }
        let metadata = matches!(segments.as_slice(), ["metadata" | "xds", ..]);
        let encoding = if metadata { Encoding::Double } else { Encoding::Integer };
        let path: Box<[u8]> = segments.join("\0").into_bytes().into();
        let mut index = self.intern_property(Property { path: path.clone(), encoding, lower_of: None });
        if lower {
            index = self.intern_property(Property { path, encoding, lower_of: Some(index) });
        }
        Some(Source::Property(index))
    }

    fn intern_property(&mut self, property: Property) -> u16 {
        let found = self.shape.properties.iter().position(|p| *p == property);
        let index = found.unwrap_or_else(|| {
            self.shape.properties.push(property);
            self.shape.properties.len() - 1
        });
        index as u16
    }

    fn header_slot(&mut self, name: &[u8]) -> u16 {
        intern(&mut self.shape.headers, name)
    }

    fn intern(&mut self, attribute: Attribute) -> AttrId {
        let found = self.shape.attributes.iter().position(|a| *a == attribute);
        let index = found.unwrap_or_else(|| {
            self.shape.attributes.push(attribute);
            self.shape.attributes.len() - 1
        });
        AttrId(index as u16)
    }

    /// The text of a request header, all its lines joined with `,`; see [`crate::Facts::any_line`].
    pub fn header(&mut self, name: &str, at: &At) -> Option<AttrId> {
        let source = self.header_source(name, at)?;
        Some(self.intern(Attribute { source, kind: Kind::Text, lower: false, default: None }))
    }

    /// A pseudo-header such as `:authority`; `:path` is the whole path, query included.
    pub fn pseudo_header(&mut self, name: &'static str) -> AttrId {
        let source = Source::Header(self.header_slot(name.as_bytes()));
        self.intern(Attribute { source, kind: Kind::Text, lower: false, default: None })
    }

    /// The path without the query.
    pub fn path(&mut self) -> AttrId {
        self.need_path();
        self.intern(Attribute { source: Source::Path, kind: Kind::Text, lower: false, default: None })
    }

    /// A query parameter as the client sent it: Envoy's routes do not percent-decode what they match.
    pub fn raw_query(&mut self, name: &str) -> AttrId {
        self.need_path();
        let source = Source::RawQuery(intern(&mut self.shape.raw_queries, name.as_bytes()));
        self.intern(Attribute { source, kind: Kind::Text, lower: false, default: None })
    }

    /// Declares that a request header belongs to this configuration.
    pub fn own_header(&mut self, name: &str, at: &At) -> Option<OwnedHeader> {
        match header::writable_name(name) {
            Ok(name) => {
                let found = self.shape.owned.iter().position(|o| o.name == name);
                let index = found.unwrap_or_else(|| {
                    let header = self.header_slot(name.as_bytes());
                    self.shape.owned.push(Owned { name, header });
                    self.shape.owned.len() - 1
                });
                Some(OwnedHeader(index as u16))
            }
            Err(message) => {
                self.problems.add(at, message);
                None
            }
        }
    }

    /// Declares a counter; the same name is the same counter.
    pub fn counter(&mut self, name: &str) -> Counter {
        let found = self.shape.counters.iter().position(|known| known == name);
        let index = found.unwrap_or_else(|| {
            self.shape.counters.push(name.to_owned());
            self.shape.counters.len() - 1
        });
        Counter(index as u16)
    }

    /// Asks for a `vary` header on responses.
    pub fn vary(&mut self) {
        self.vary = true;
    }

    /// Declares that the raw `:path` is needed, to rewrite it.
    pub fn need_path(&mut self) {
        self.shape.path = Some(self.header_slot(b":path"));
    }

    /// A header value that is sent as it stands.
    pub fn safe_value(&mut self, value: &str, at: &At) -> Option<Box<[u8]>> {
        if header::is_safe_value(value.as_bytes()) {
            return Some(value.as_bytes().into());
        }
        self.problems.add(at, format!("{value:?} has control characters, which no header value may have"));
        None
    }

    /// A CEL expression for the host.
    pub fn cel(&mut self, expression: &str, at: &At) -> Option<CelId> {
        if expression.trim().is_empty() {
            self.problems.add(at, "an expression cannot be empty");
            return None;
        }
        let found = self.shape.cel.iter().position(|e| e == expression);
        let index = found.unwrap_or_else(|| {
            self.shape.cel.push(expression.to_owned());
            self.shape.cel_at.push(at.clone());
            self.shape.cel.len() - 1
        });
        Some(CelId(index as u16))
    }

    /// The three front ends of a predicate together; all that are present must hold.
    pub fn when(
        &mut self,
        http: &[HttpMatch],
        condition: Option<&serde_json::Value>,
        cel: Option<&str>,
        at: &At,
    ) -> Predicate {
        let mut all = Vec::new();
        if !http.is_empty() {
            let at = at.field("match");
            let entries = http.iter().enumerate().map(|(i, m)| m.compile(self, &at.index(i))).collect();
            all.push(Predicate::any(entries));
        }
        if let Some(json) = condition {
            let condition: Condition = condition::compile(json, self, &at.field("condition"));
            all.push(Predicate::Condition(Box::new(condition)));
        }
        if let Some(id) = cel.and_then(|text| self.cel(text, &at.field("cel"))) {
            all.push(Predicate::Cel(id));
        }
        Predicate::all(all)
    }
}

fn intern(names: &mut Vec<Box<[u8]>>, name: &[u8]) -> u16 {
    let found = names.iter().position(|n| **n == *name);
    found.unwrap_or_else(|| {
        names.push(name.into());
        names.len() - 1
    }) as u16
}
