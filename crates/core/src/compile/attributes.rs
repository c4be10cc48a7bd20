//! Attributes: where the values of a request are read.

use super::{Compiler, host};
use crate::access_plan::{Attribute, Encoding, Property, Source};
use crate::attribute::{AttrId, AttributeSpec, KindSpec, PathSpec, RequestPart, SourceSpec};
use crate::claims::ClaimName;
use crate::header;
use crate::ids::PlainHeader;
use crate::problem::At;
use crate::value::Kind;

impl<'c> Compiler<'c> {
    /// The attribute that a `source` names, in either form.
    pub fn source(&mut self, spec: &SourceSpec, at: &At) -> Option<AttrId> {
        match spec {
            SourceSpec::Short(text) => self.attribute(text, at),
            SourceSpec::Long(spec) => self.long(spec, at, false),
        }
    }

    /// The attributes of sources of which the first that is not empty counts, such as those of a unit. `at` is the
    /// list, which may have been written without its brackets.
    pub fn sources(&mut self, specs: &[SourceSpec], at: &At) -> Box<[AttrId]> {
        let single = specs.len() == 1;
        let mut sources = Vec::with_capacity(specs.len());
        for (i, spec) in specs.iter().enumerate() {
            sources.extend(self.source(spec, &if single { at.clone() } else { at.index(i) }));
        }
        sources.into()
    }

    /// The attribute of this name, or the short form of a source.
    pub fn attribute(&mut self, name: &str, at: &At) -> Option<AttrId> {
        // Already reported where the attribute is declared.
        if self.broken.contains(&name) {
            return None;
        }
        match self.spec_of(name) {
            Some(SourceSpec::Long(spec)) => self.declared(name, spec, at),
            Some(SourceSpec::Short(text)) => self.declared(name, &AttributeSpec::of_short(text)?, at),
            None => match AttributeSpec::of_short(name) {
                Some(spec) => self.long(&spec, at, true),
                None if self.claims_by_name => {
                    let path = ClaimName::Text(name.to_owned()).path();
                    let path = self.problems.accept(path, at)?;
                    let source = self.own_claim(path, None, Kind::Json);
                    Some(self.intern(Attribute { source, kind: Kind::Json, lower: false, default: None }))
                }
                None => {
                    self.unknown_source(name, at);
                    None
                }
            },
        }
    }

    /// The named attribute of this name.
    fn spec_of(&self, name: &str) -> Option<&'c SourceSpec> {
        let position = self.names.find(name)?;
        self.named.0.get(position).map(|(_, spec)| spec)
    }

    /// Whether a name is an attribute's, so that a dotted path is known from a name with dots.
    pub fn knows(&self, name: &str) -> bool {
        self.spec_of(name).is_some() || AttributeSpec::of_short(name).is_some()
    }

    /// Whether the proxy must be asked for an attribute, or more than its bytes looked at.
    pub(crate) fn is_costly(&self, id: AttrId) -> bool {
        self.tables.attributes.get(id).is_some_and(|attribute| match attribute.source {
            Source::Property(_) | Source::Bot(_) => true,
            Source::Claim(_) => false,
            _ => attribute.kind == Kind::Json,
        })
    }

    /// The type of an attribute.
    pub fn kind(&self, id: AttrId) -> Kind {
        self.tables.attributes.get(id).map_or(Kind::Text, |attribute| attribute.kind)
    }

    pub(super) fn unknown_source(&mut self, text: &str, at: &At) {
        const SHORT: [&str; 12] = [
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
            "isBot",
        ];
        let names = self.named.iter().map(|(name, _)| name).chain(SHORT);
        let hint = self.problems.did_you_mean(text, names);
        let message = format!(
            "{text:?} is neither an attribute nor a source (header:NAME, cookie:NAME, query:NAME, claim:NAME, \
             property:PATH, routeMetadata:PATH, env:NAME, path, method, host, scheme, isBot){hint}"
        );
        self.problems.add(at, message);
    }

    /// `short` says that the user wrote the short form: then there are no fields to point at.
    pub(super) fn long(&mut self, spec: &AttributeSpec, at: &At, short: bool) -> Option<AttrId> {
        let part = |name: &str| if short { at.clone() } else { at.field(name) };
        let is_bot = spec.request == Some(RequestPart::IsBot);
        let kind = match spec.kind() {
            Ok(_) if is_bot && !matches!(spec.kind, None | Some(KindSpec::Boolean)) => {
                self.problems.add(&part("type"), "`isBot` is of type `boolean`");
                return None;
            }
            Ok(_) if is_bot => Kind::Boolean,
            Ok(kind) => kind,
            Err(invalid) => {
                self.problems.add(&part("separator"), invalid.to_string());
                return None;
            }
        };
        let mut default = spec.default.as_deref().map(|text| Box::from(text.as_bytes()));
        let lower = (spec.lower || host::is_host(spec)) && !matches!(kind, Kind::Number | Kind::Boolean);
        let source = self.long_source(spec, (kind, lower), at, short, &mut default)?;
        if spec.payload.is_some() && spec.claim.is_none() {
            self.problems.add(&part("payload"), "is only valid with `claim`");
        }
        Some(self.intern(Attribute { source, kind, lower, default }))
    }

    fn long_source(
        &mut self,
        spec: &AttributeSpec,
        (kind, lower): (Kind, bool),
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
            self.problems.accept(header::cookie_name(name), &part("cookie"))?;
            self.access_plan.cookie = Some(self.header_slot(b"cookie"));
            return Some(Source::Cookie(self.tables.cookies.intern(name.as_bytes())));
        }
        if let Some(name) = &spec.query {
            self.access_plan.path = Some(self.header_slot(b":path"));
            return Some(Source::Query(self.tables.queries.intern(name.as_bytes())));
        }
        if let Some(claim) = &spec.claim {
            return self.claim_source(claim, spec, (kind, lower), at, short);
        }
        if let Some(PathSpec(path)) = &spec.property {
            return self.property(&[], path, lower, &part("property"));
        }
        if let Some(PathSpec(path)) = &spec.route_metadata {
            let place = ["xds", "route_metadata", "filter_metadata"];
            return self.property(&place, path, lower, &part("routeMetadata"));
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
                self.access_plan.path = Some(self.header_slot(b":path"));
                Source::Path
            }
            RequestPart::Method => Source::Header(self.header_slot(b":method")),
            RequestPart::Host => Source::Header(self.header_slot(b":authority")),
            RequestPart::Scheme => Source::Header(self.header_slot(b":scheme")),
            RequestPart::IsBot => Source::Bot(self.header_slot(b"user-agent")),
        })
    }

    pub(super) fn header_source(&mut self, name: &str, at: &At) -> Option<Source> {
        let name = self.problems.accept(header::name(name), at)?;
        // Requests have one name for it.
        let name = if name == "host" { b":authority" } else { name.as_bytes() };
        Some(Source::Header(self.header_slot(name)))
    }

    /// A path as the host takes it: with a zero byte between two segments. `None`, and a problem, when a
    /// segment is empty or has such a byte.
    pub fn property_path(&mut self, segments: &[&str], at: &At) -> Option<Box<[u8]>> {
        if segments.iter().any(|s| s.is_empty() || s.as_bytes().contains(&b'\0')) {
            self.problems.add(at, "a path must not have empty segments (\"a.b.c\", or [\"a\", \"b.c\"])");
            return None;
        }
        Some(segments.join("\0").into_bytes().into())
    }

    /// The property at `path`, in the map that is at `place`.
    pub(super) fn property(
        &mut self,
        place: &[&str],
        path: &[String],
        lower: bool,
        at: &At,
    ) -> Option<Source> {
        let mut segments = place.to_vec();
        segments.extend(path.iter().map(String::as_str));
        let path = self.property_path(&segments, at)?;
        self.refuse_later(&segments, at)?;
        let metadata = matches!(segments.as_slice(), ["metadata" | "xds", ..]);
        let encoding = if metadata { Encoding::Double } else { Encoding::Integer };
        let mut index = self.intern_property(Property { path: path.clone(), encoding, lower_of: None });
        if lower {
            index = self.intern_property(Property { path, encoding, lower_of: Some(index) });
        }
        Some(Source::Property(index))
    }

    pub(super) fn intern_property(&mut self, property: Property) -> u16 {
        self.tables.properties.put(property)
    }

    pub(super) fn header_slot(&mut self, name: &[u8]) -> u16 {
        self.tables.headers.intern(name)
    }

    pub(super) fn intern(&mut self, attribute: Attribute) -> AttrId {
        self.note_deciding(attribute.source);
        self.tables.attributes.put(attribute)
    }

    /// The text of a request header, all its lines joined with `,`; see [`crate::RequestView::any_line`].
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
        let source = Source::RawQuery(self.tables.raw_queries.intern(name.as_bytes()));
        self.intern(Attribute { source, kind: Kind::Text, lower: false, default: None })
    }

    /// Where an attribute lies of which nothing is asked but the bytes of a header.
    pub fn plain_place(&self, id: AttrId) -> Option<PlainHeader> {
        match self.tables.attributes.get(id)? {
            Attribute { source: Source::Header(slot), lower: false, default: None, .. } => {
                Some(PlainHeader(*slot))
            }
            _ => None,
        }
    }

    /// The name of the request header that an attribute reads; `None` when it reads something else.
    pub fn header_of(&self, id: AttrId) -> Option<&[u8]> {
        match self.tables.attributes.get(id)?.source {
            Source::Header(slot) => self.tables.headers.get(slot).map(|name| &**name),
            _ => None,
        }
    }

    /// Declares that the raw `:path` is needed, to rewrite it.
    pub fn need_path(&mut self) {
        self.access_plan.path = Some(self.header_slot(b":path"));
    }
}
