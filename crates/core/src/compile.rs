//! From configuration to plan: interns inputs and outputs, collects problems.

mod attributes;
mod claims;
mod host;
mod moment;
mod names;
mod ownership;
mod tables;
mod variants;
mod vary;
mod visits;

pub use names::MAX_NAME_LEN;

use crate::access_plan::{AccessPlan, Owned};
use crate::attribute::{AttributeMap, AttributeSpec, SourceSpec};
use crate::header;
use crate::ids::CelId;
use crate::ids::{Counter, Gauge, State, TextId};
use crate::passes::Passes;
use crate::problem::{At, Problems};
use crate::table::Table;
use tables::Tables;
use weir_host_api::Callbacks;

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
    access_plan: AccessPlan,
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
            access_plan: AccessPlan::default(),
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
        let at = compiler.problems.root().field("attributes");
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
        compiler.access_plan = AccessPlan::default();
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

    /// The access plan of the configuration, when nothing was wrong with it.
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
        let (mut access_plan, tables) = (self.access_plan, self.tables);
        access_plan.owned = owned;
        access_plan.attributes = tables.attributes.into_items();
        access_plan.headers = tables.headers.into_items();
        access_plan.cookies = tables.cookies.into_items();
        access_plan.queries = tables.queries.into_items();
        access_plan.raw_queries = tables.raw_queries.into_items();
        access_plan.properties = tables.properties.into_items();
        access_plan.claims = tables.claims.into_items();
        access_plan.cel = tables.cel.into_items();
        access_plan.cel_tokens = (0..).zip(&access_plan.cel).map(|(position, _)| position).collect();
        access_plan.texts = tables.texts.into_items();
        access_plan.states = tables.states.into_items();
        access_plan.counters = tables.counters.into_items();
        access_plan.gauges = tables.gauges.into_items();
        access_plan.settle();
        access_plan.vary = vary;
        Ok(access_plan)
    }

    /// An environment variable of the VM.
    pub fn env(&self, name: &str) -> Variable {
        match (self.env)(name) {
            Some(text) => Variable::Set(text),
            None if self.offline => Variable::Unknown,
            None => Variable::Unset,
        }
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
            self.access_plan.lasting.push(state);
        }
        state
    }

    /// Declares that an earlier pass of a request may matter.
    pub fn passes(&mut self) -> Passes {
        // It decides nothing: what was decided is what it leads to.
        let redirected = self.aside(|compiler| compiler.pseudo_header(Passes::HEADER));
        Passes { redirected }
    }

    /// Asks for a `vary` header on responses.
    pub fn vary(&mut self) {
        self.vary = true;
        self.callback(Callbacks::RESPONSE_HEADERS);
    }

    /// Asks to be called for more than a request's headers. Whatever may leave something for a response asks for it: a
    /// module without these callbacks refuses the configuration.
    pub fn callback(&mut self, callbacks: Callbacks) {
        self.access_plan.callbacks = self.access_plan.callbacks.with(callbacks);
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
        if at.is_nowhere() {
            // The host may refuse it later, and that is told by its place: the next reading has places.
            self.problems.add(at, "an expression needs its place");
        }
        let before = self.tables.cel.items().len();
        let id = self.tables.cel.intern(expression);
        if self.tables.cel.items().len() > before {
            self.access_plan.cel_at.push(at.clone());
        }
        Some(id)
    }
}
