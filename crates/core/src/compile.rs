//! From configuration to plan: interns inputs and outputs, collects problems.

mod claims;
mod host;
mod moment;
mod tables;
mod vary;
mod visits;

use crate::Assigned;
use crate::access_plan::{AccessPlan, Attribute, Encoding, Experiment, Owned, Property, Source};
use crate::attribute::{AttrId, AttributeMap, AttributeSpec, KindSpec, PathSpec, RequestPart, SourceSpec};
use crate::claims::ClaimName;
use crate::condition::{self, Condition};
use crate::effect::{Counter, Gauge, OwnedHeader, State, TextId};
use crate::header;
use crate::http_match::{Anchor, HttpMatch, TextTest};
use crate::ownership::{BAGGAGE, Ownership, SHARED_STATE};
use crate::passes::Passes;
use crate::predicate::{CelId, ExperimentId, PlainPlace, Predicate};
use crate::problem::{At, Problems};
use crate::table::{Groups, Table, TableId};
use crate::value::Kind;
use tables::Tables;

/// What is in an environment variable of the VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// This text.
    Set(String),
    /// There is no such variable.
    Unset,
    /// Only the proxy knows: what it holds is taken as right.
    Unknown,
}

/// Compiles the parts that all filters share, and collects the problems of the whole configuration.
pub struct Compiler<'c> {
    named: &'c AttributeMap,
    /// The names in `named`, by position.
    names: Table<&'c str>,
    env: &'c dyn Fn(&str) -> Option<String>,
    /// Whether variables that `env` does not have may be there in the proxy.
    offline: bool,
    shape: AccessPlan,
    tables: Tables,
    vary: bool,
    /// Whether what is read from here on does not decide which answer a client gets.
    aside: bool,
    /// The names of the headers that decide it.
    deciding: Table<Box<[u8]>>,
    /// The attributes that are wrong where they are declared, which is enough to say once.
    broken: Vec<&'c str>,
    /// The providers whose tokens this configuration verifies itself.
    providers: Option<Vec<String>>,
    /// Whether names that are no attribute's are claims.
    claims_by_name: bool,
    /// Whether what is compiled is asked before tokens are verified.
    before_tokens: bool,
    /// The filter state that is read, by its name in a configuration, with the places.
    states_read: Vec<(String, At)>,
    /// Whether sections own their parts of Weir's namespace.
    owns_namespace: bool,
    /// Everything that is wrong so far.
    pub problems: Problems,
}

impl<'c> Compiler<'c> {
    /// Starts with the named attributes, of which every one is checked whether it is used or not.
    /// `env` reads the VM's environment.
    pub fn new(named: &'c AttributeMap, env: &'c dyn Fn(&str) -> Option<String>, problems: Problems) -> Self {
        let mut compiler = Self {
            named,
            names: Table::default(),
            env,
            offline: false,
            shape: AccessPlan::default(),
            tables: Tables::new(),
            vary: false,
            aside: false,
            deciding: Table::default(),
            broken: Vec::new(),
            providers: None,
            claims_by_name: false,
            before_tokens: false,
            states_read: Vec::new(),
            owns_namespace: true,
            problems,
        };
        for (name, _) in named.iter() {
            compiler.names.insert(name);
        }
        let at = At::root().field("attributes");
        for (name, spec) in named.iter() {
            let at = at.field(name);
            let before = compiler.problems.len();
            if name.is_empty() || name.as_bytes().contains(&b':') {
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
            if compiler.problems.len() > before {
                compiler.broken.push(name);
            }
        }
        // Attributes that nothing reads must not cost a request anything.
        compiler.shape = AccessPlan::default();
        compiler.deciding = Table::default();
        compiler.tables = Tables::new();
        compiler.states_read = Vec::new();
        compiler
    }

    /// Takes variables that `env` does not have as [`Variable::Unknown`], for programs that read a
    /// configuration where no proxy runs.
    #[must_use]
    pub fn offline(mut self) -> Self {
        self.offline = true;
        self
    }

    /// The shape of the configuration, when nothing was wrong with it.
    ///
    /// # Errors
    /// All the problems.
    pub fn finish(mut self) -> Result<AccessPlan, Problems> {
        let exceeded =
            self.tables.exceeded().map(|(most, what)| format!("more than {most} different {what}"));
        let exceeded = exceeded.collect::<Vec<_>>().join(", ");
        if !exceeded.is_empty() {
            self.problems.add(&At::root(), exceeded);
        }
        self.refuse_own_state();
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let vary = self.vary_header();
        let Tables { owned, headers, .. } = &self.tables;
        let owned = owned.items().iter().map(|header| {
            let name = headers.get(*header).map_or(&b""[..], |name| name);
            Owned { name: String::from_utf8_lossy(name).into_owned(), header: *header }
        });
        let owned = owned.collect();
        let (mut shape, tables) = (self.shape, self.tables);
        shape.owned = owned;
        shape.attributes = tables.attributes.into_items();
        shape.headers = tables.headers.into_items();
        shape.cookies = tables.cookies.into_items();
        shape.queries = tables.queries.into_items();
        shape.raw_queries = tables.raw_queries.into_items();
        shape.properties = tables.properties.into_items();
        shape.claims = tables.claims.into_items();
        shape.cel = tables.cel.into_items();
        shape.texts = tables.texts.into_items();
        shape.states = tables.states.into_items();
        shape.counters = tables.counters.into_items();
        shape.gauges = tables.gauges.into_items();
        shape.settle();
        shape.vary = vary;
        Ok(shape)
    }

    /// An environment variable of the VM.
    pub fn env(&self, name: &str) -> Variable {
        match (self.env)(name) {
            Some(text) => Variable::Set(text),
            None if self.offline => Variable::Unknown,
            None => Variable::Unset,
        }
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
                    let path = path.map_err(|message| self.problems.add(at, message)).ok()?;
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

    /// The type of an attribute.
    pub fn kind(&self, id: AttrId) -> Kind {
        self.tables.attributes.get(id).map_or(Kind::Text, |attribute| attribute.kind)
    }

    fn unknown_source(&mut self, text: &str, at: &At) {
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
    fn long(&mut self, spec: &AttributeSpec, at: &At, short: bool) -> Option<AttrId> {
        let part = |name: &str| if short { at.clone() } else { at.field(name) };
        let is_bot = spec.request == Some(RequestPart::IsBot);
        let kind = match spec.kind() {
            Ok(_) if is_bot && !matches!(spec.kind, None | Some(KindSpec::Boolean)) => {
                self.problems.add(&part("type"), "`isBot` is of type `boolean`");
                return None;
            }
            Ok(_) if is_bot => Kind::Boolean,
            Ok(kind) => kind,
            Err(message) => {
                self.problems.add(&part("separator"), message);
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
            if let Err(message) = header::cookie_name(name) {
                self.problems.add(&part("cookie"), message);
                return None;
            }
            self.shape.cookie = Some(self.header_slot(b"cookie"));
            return Some(Source::Cookie(self.tables.cookies.intern(name.as_bytes())));
        }
        if let Some(name) = &spec.query {
            self.shape.path = Some(self.header_slot(b":path"));
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
                self.shape.path = Some(self.header_slot(b":path"));
                Source::Path
            }
            RequestPart::Method => Source::Header(self.header_slot(b":method")),
            RequestPart::Host => Source::Header(self.header_slot(b":authority")),
            RequestPart::Scheme => Source::Header(self.header_slot(b":scheme")),
            RequestPart::IsBot => Source::Bot(self.header_slot(b"user-agent")),
        })
    }

    fn header_source(&mut self, name: &str, at: &At) -> Option<Source> {
        match header::name(name) {
            // Requests have one name for it.
            Ok(name) if name == "host" => Some(Source::Header(self.header_slot(b":authority"))),
            Ok(name) => Some(Source::Header(self.header_slot(name.as_bytes()))),
            Err(message) => {
                self.problems.add(at, message);
                None
            }
        }
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
    fn property(&mut self, place: &[&str], path: &[String], lower: bool, at: &At) -> Option<Source> {
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

    fn intern_property(&mut self, property: Property) -> u16 {
        self.tables.properties.put(property)
    }

    fn header_slot(&mut self, name: &[u8]) -> u16 {
        self.tables.headers.intern(name)
    }

    fn intern(&mut self, attribute: Attribute) -> AttrId {
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

    /// Declares that a request header belongs to this configuration.
    pub fn own_header(&mut self, name: &str, at: &At) -> Option<OwnedHeader> {
        match header::writable_name(name) {
            Ok(name) => {
                let header = self.header_slot(name.as_bytes());
                Some(self.tables.owned.put(header))
            }
            Err(message) => {
                self.problems.add(at, message);
                None
            }
        }
    }

    /// Takes over what belongs to the configuration as a whole. To be called before its sections are compiled.
    pub fn ownership(&mut self, ownership: &Ownership, at: &At) {
        self.owns_namespace = ownership.namespace.unwrap_or(true);
        for (i, written) in ownership.reserved.iter().enumerate() {
            self.reserve(written, &at.field("reserved").index(i));
        }
        if ownership.shared {
            let path = ["filter_state", &["wasm.", SHARED_STATE].concat()].join("\0");
            let encoding = Encoding::Integer;
            let property = Property { path: path.into_bytes().into(), encoding, lower_of: None };
            self.shape.shared = Some(self.intern_property(property));
        }
    }

    /// A name, or the beginning of names.
    fn reserve(&mut self, written: &str, at: &At) {
        const MIN_LEN: usize = 4;
        let Some(prefix) = written.strip_suffix('*') else {
            self.own_header(written, at);
            return;
        };
        match header::name(prefix) {
            Ok(prefix) if prefix.len() >= MIN_LEN => {
                self.shape.reserved.prefixes.push(prefix.into_bytes().into())
            }
            _ => {
                let message = format!(
                    "invalid name {written:?}: expected a header name, or at least {MIN_LEN} characters of one and `*`"
                );
                self.problems.add(at, message);
            }
        }
    }

    /// Declares that the experiments' part of Weir's namespace belongs to this configuration, if it is to. Gives the
    /// header in which services carry on variants.
    pub fn own_names_of_experiments(&mut self, at: &At) -> Option<OwnedHeader> {
        if !self.owns_namespace {
            return None;
        }
        self.shape.reserved.experiments = true;
        self.own_header(BAGGAGE, at)
    }

    /// Declares that the rest of Weir's namespace belongs to this configuration, if it is to.
    pub fn own_names_of_routing(&mut self) {
        self.shape.reserved.routing = self.owns_namespace;
    }

    /// A request header that an earlier section has declared its own.
    pub fn owned_header(&self, name: &str) -> Option<OwnedHeader> {
        let header = self.tables.headers.find(name.to_ascii_lowercase().as_bytes())?;
        self.tables.owned.find(&header)
    }

    /// Declares that a request header which is not ours may be taken out or changed, such as one that carries
    /// a token. It goes to the upstream only when it is given [`crate::effect::HeaderValue::AsSent`] or a value.
    pub fn guard_header(&mut self, name: &str, at: &At) -> Option<OwnedHeader> {
        let Source::Header(header) = self.header_source(name, at)? else { return None };
        if self.tables.owned.find(&header).is_none() {
            self.shape.guarded.push(header);
        }
        Some(self.tables.owned.put(header))
    }

    /// Declares a counter; the same name is the same counter.
    pub fn counter(&mut self, name: &str) -> Counter {
        self.tables.counters.intern(name)
    }

    /// Declares the counter of a section's decisions that were made without knowing whether a predicate holds.
    pub fn undecided(&mut self, section: &str) -> Counter {
        self.counter(&["weir_", section, "_undecided_total"].concat())
    }

    /// Declares a gauge; the same name is the same gauge.
    pub fn gauge(&mut self, name: &str) -> Gauge {
        self.tables.gauges.intern(name)
    }

    /// Declares filter state: access logs see it as `wasm.NAME`.
    pub fn state(&mut self, name: &str) -> State {
        self.tables.states.intern(name)
    }

    /// Declares filter state that lasts as long as the client's request: also where the proxy redirects it.
    pub fn lasting_state(&mut self, name: &str) -> State {
        let before = self.tables.states.items().len();
        let state = self.state(name);
        if self.tables.states.items().len() > before {
            self.shape.lasting.push(state);
        }
        state
    }

    /// Declares that an earlier pass of a request may matter.
    pub fn passes(&mut self) -> Passes {
        // It decides nothing: what was decided is what it leads to.
        let redirected = self.aside(|compiler| compiler.pseudo_header(Passes::HEADER));
        Passes { redirected }
    }

    /// Declares an experiment of this configuration; the order is that in which they are decided.
    pub fn experiment(&mut self, key: &str, variants: Vec<String>) -> ExperimentId {
        self.rule(key, None, variants)
    }

    /// The same of an experiment that is a rule of a flag, if it is.
    pub fn rule(&mut self, key: &str, flag: Option<&str>, variants: Vec<String>) -> ExperimentId {
        let id = ExperimentId::of(self.shape.experiments.len());
        let of_flag = flag.map(str::to_owned);
        self.shape.experiments.push(Experiment { key: key.to_owned(), flag: of_flag, variants });
        // Of two with the same key, which is reported, the first is meant.
        if self.tables.keys.insert(key.to_owned()) {
            self.tables.of_keys.push(id);
        }
        if let Some(flag) = flag {
            self.tables.flags.add(flag.to_owned(), id);
        }
        id
    }

    /// The experiments that were declared so far.
    pub fn experiments(&self) -> &[Experiment] {
        &self.shape.experiments
    }

    /// The experiment with this key.
    pub fn experiment_by_key(&self, key: &str) -> Option<(ExperimentId, &Experiment)> {
        let id = *self.tables.of_keys.get(self.tables.keys.find(key)?)?;
        Some((id, self.shape.experiments.get(id.index())?))
    }

    /// That the request is in one of the variants of an experiment, or of the experiments of a flag: of this
    /// configuration, or, in a configuration without experiments, one that an earlier plugin decided and left in
    /// filter state.
    pub fn variant(&mut self, experiment: &str, variants: &[String], at: &At) -> Predicate {
        if self.shape.experiments.is_empty() {
            return self.variant_of_another_plugin(experiment, variants, at);
        }
        if self.problems.is_full() {
            return Predicate::Const(false);
        }
        let named = self.experiment_by_key(experiment).map(|(id, _)| id);
        let ids: Vec<ExperimentId> =
            named.into_iter().chain(self.tables.flags.get(experiment).iter().copied()).collect();
        if ids.is_empty() {
            let keys = self.shape.experiments.iter().map(|e| e.key.as_str());
            let hint = self.problems.did_you_mean(experiment, keys);
            self.problems.add(at, format!("unknown experiment {experiment:?}{hint}"));
            return Predicate::Const(false);
        }
        let known = || ids.iter().filter_map(|id| Some((*id, self.shape.experiments.get(id.index())?)));
        let mut having = Groups::<&str, (ExperimentId, u16)>::default();
        for (experiment, known) in known() {
            for (position, variant) in known.variants.iter().enumerate() {
                having.add(variant, (experiment, u16::of(position)));
            }
        }
        let (mut any, mut unknown) = (Vec::new(), Vec::new());
        for (i, variant) in variants.iter().enumerate() {
            let found = having.get(variant.as_str());
            any.extend(found.iter().map(|&(experiment, variant)| Predicate::Variant { experiment, variant }));
            if found.is_empty() {
                let at = if variants.len() == 1 { at.clone() } else { at.index(i) };
                let keys = known().flat_map(|(_, known)| known.variants.iter().map(String::as_str));
                let hint = self.problems.did_you_mean(variant, keys);
                unknown.push((at, format!("{experiment} has no variant {variant:?}{hint}")));
            }
        }
        for (at, message) in unknown {
            self.problems.add(&at, message);
        }
        Predicate::any(any)
    }

    fn variant_of_another_plugin(&mut self, experiment: &str, variants: &[String], at: &At) -> Predicate {
        let state = format!("wasm.weir.{experiment}");
        let Some(source) = self.property(&["filter_state", &state], &[], false, at) else {
            return Predicate::Const(false);
        };
        let attribute = self.intern(Attribute { source, kind: Kind::Text, lower: false, default: None });
        let is = |text: &str| self.text_passes(attribute, TextTest::literal(Anchor::Whole, text));
        Predicate::any(variants.iter().flat_map(|it| Assigned::states(it)).map(|text| is(&text)).collect())
    }

    /// That an attribute's text passes a test.
    pub(crate) fn text_passes(&self, attribute: AttrId, test: TextTest) -> Predicate {
        match (self.plain_place(attribute), test) {
            (Some(place), TextTest::Literal { place: Anchor::Whole, literal, ignore_case: false }) => {
                Predicate::Is { place, attribute, text: literal }
            }
            (_, test) => Predicate::Text { attribute, test, absent_is_empty: false },
        }
    }

    /// Where an attribute lies of which nothing is asked but the bytes of a header.
    pub fn plain_place(&self, id: AttrId) -> Option<PlainPlace> {
        match self.tables.attributes.get(id)? {
            Attribute { source: Source::Header(slot), lower: false, default: None, .. } => {
                Some(PlainPlace(*slot))
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

    /// Asks for a `vary` header on responses.
    pub fn vary(&mut self) {
        self.vary = true;
    }

    /// Declares that the raw `:path` is needed, to rewrite it.
    pub fn need_path(&mut self) {
        self.shape.path = Some(self.header_slot(b":path"));
    }

    /// A text that effects may give to a header or to state; the same text is kept once. As a header's
    /// value it must be safe, see [`Compiler::safe_value`].
    pub fn text(&mut self, text: &[u8]) -> TextId {
        self.tables.texts.intern(text)
    }

    /// A header value that is sent as it is.
    pub fn safe_value(&mut self, value: &str, at: &At) -> Option<TextId> {
        if header::is_safe_value(value.as_bytes()) {
            return Some(self.text(value.as_bytes()));
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
        self.refuse_later_in_cel(expression, at)?;
        let before = self.tables.cel.items().len();
        let id = self.tables.cel.intern(expression);
        if self.tables.cel.items().len() > before {
            self.shape.cel_at.push(at.clone());
        }
        Some(id)
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
