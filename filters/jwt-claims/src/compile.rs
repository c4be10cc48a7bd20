//! Compiles the configuration to a plan.

mod keys;
mod outputs;
mod places;
mod provider;
mod rules;

use crate::config::{Config, ErrorFormat, Errors};
use crate::failure::REASONS;
use crate::plan::{Counters, KeyServer, Keys, Plan, Preflight, Provider};
use crate::reply::Replies;
use weir_core::{At, Compiler, OwnedHeader, RuleCost, RuleIndex, Table, duration};
use weir_jose::Refusal;

/// How many tokens are remembered, and how long ones, where nothing else is said.
const CACHE_SIZE: u32 = 1000;
const MAX_CACHED_TOKENS: u32 = 65536;
const MAX_CACHED_LEN: u32 = 4096;

impl Plan {
    /// Compiles a section to its plan. Problems go to the compiler, and a plan with problems must not be
    /// used. Filters that read claims must be compiled later: from here on they read the claims that this
    /// section verifies.
    pub fn compile(config: &Config, compiler: &mut Compiler<'_>, at: &At) -> Self {
        compiler.verifies_tokens(config.providers.iter().map(|(name, _)| name));
        let mut builder = Builder {
            compiler,
            config,
            at: at.field("providers"),
            providers: Vec::new(),
            remotes: Vec::new(),
            names: Table::default(),
            guards: Table::default(),
            warnings: Vec::new(),
        };
        let remembered = builder.cache_size(&at.field("cache"));
        builder.providers();
        let rules = builder.rules(at);
        let preflight = builder.preflight();
        let Builder { compiler, providers, remotes, guards, warnings, .. } = builder;
        if providers.len() > usize::from(u16::MAX) {
            let message = "more than 65535 providers, those with other `audiences` of a rule included";
            compiler.problems.add(&at.field("providers"), message);
        }
        let replies = replies(&config.errors, compiler, &at.field("errors"));
        let longest = config.cache.max_token_size.unwrap_or(MAX_CACHED_LEN);
        let predicates: Vec<_> = rules.iter().map(|rule| Some(&rule.when)).collect();
        let index = RuleIndex::new(&predicates, RuleCost::PREDICATE, compiler);
        Self {
            providers: providers.into(),
            rules,
            index,
            remotes: remotes.into(),
            preflight,
            guards: guards.into_items().into(),
            replies,
            counters: counters(compiler),
            remembered,
            longest_remembered: longest as usize,
            warnings,
        }
    }
}

struct Builder<'b, 'c> {
    compiler: &'b mut Compiler<'c>,
    config: &'b Config,
    /// The path of the providers.
    at: At,
    /// The names of the providers, by position.
    names: Table<&'b str, u16>,
    providers: Vec<Provider>,
    remotes: Vec<KeyServer>,
    guards: Table<OwnedHeader>,
    warnings: Vec<String>,
}

impl Builder<'_, '_> {
    fn cache_size(&mut self, at: &At) -> usize {
        let size = self.config.cache.size.unwrap_or(CACHE_SIZE);
        if size > MAX_CACHED_TOKENS {
            let message = format!("{size} is more than {MAX_CACHED_TOKENS}");
            self.compiler.problems.add(&at.field("size"), message);
        }
        size as usize
    }

    fn providers(&mut self) {
        let config = self.config;
        if config.providers.is_empty() {
            let message = "specify at least one provider of tokens";
            self.compiler.problems.missing(&self.at, message);
        }
        for (name, spec) in config.providers.iter() {
            let at = self.at.field(name);
            self.names.put(name);
            self.check_name(name, &at);
            let keys = self.keys(name, &spec.jwks, &at.field("jwks"));
            let provider = self.provider(name, spec, &spec.audiences, keys);
            self.providers.extend(provider);
        }
    }

    /// Names are in logs, in metrics and beside `none`.
    fn check_name(&mut self, name: &str, at: &At) {
        if name == "none" {
            self.compiler
                .problems
                .add(at, "`none` is not a valid provider name: in rules it means that no token is required");
        } else {
            self.compiler.check_name(name, at);
        }
    }

    fn preflight(&mut self) -> Option<Preflight> {
        if !self.config.bypass_cors_preflight {
            return None;
        }
        // No answer to a preflight is kept by a shared cache.
        self.compiler.aside(|compiler| {
            let at = At::root();
            Some(Preflight {
                method: compiler.pseudo_header(":method"),
                origin: compiler.header("origin", &at)?,
                asked: compiler.header("access-control-request-method", &at)?,
            })
        })
    }

    /// A time in nanoseconds, at most `most` seconds.
    fn time(&mut self, text: Option<&str>, default: u64, most: u64, at: &At) -> u64 {
        const SECOND: u64 = 1_000_000_000;
        let Some(text) = text else { return default * SECOND };
        let time = duration::parse(text).map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        match time {
            Ok(time) if time <= most * SECOND => return time,
            Ok(_) => self.compiler.problems.add(at, format!("{text:?} is more than {most}s")),
            Err(invalid) => self.compiler.problems.add(at, invalid.to_string()),
        }
        default * SECOND
    }
}

fn replies(errors: &Errors, compiler: &mut Compiler<'_>, at: &At) -> Replies {
    let realm = errors.realm.as_deref().unwrap_or("jwt");
    if !realm.bytes().all(|b| matches!(b, 0x20..=0x7e) && b != b'"' && b != b'\\') {
        let message = format!("{realm:?} has characters other than ASCII, or quotes or backslashes");
        compiler.problems.add(&at.field("realm"), message);
    }
    if errors.realm.is_some() && errors.format == Some(ErrorFormat::None) {
        compiler.problems.add(&at.field("realm"), "has no effect with `format: none`");
    }
    Replies { format: errors.format.unwrap_or_default(), realm: realm.into() }
}

fn counters(compiler: &mut Compiler<'_>) -> Counters {
    let mut allowed =
        |token: &str| compiler.counter(&["token=.=", token, ";.;weir_jwt_allowed_total"].concat());
    let (hit, miss, without) = (allowed("remembered"), allowed("verified"), allowed("none"));
    let mut reason =
        |reason: &str, what: &str| compiler.counter(&["reason=.=", reason, ";.;", what].concat());
    let all = REASONS.into_iter().chain(Refusal::ALL.iter().map(Refusal::reason));
    let both = |word| (word, reason(word, "weir_jwt_denied_total"), reason(word, "weir_jwt_ignored_total"));
    let refused = all.map(both).collect();
    Counters {
        hit,
        miss,
        without,
        refused,
        unsafe_value: reason("unsafe", "weir_jwt_headers_omitted_total"),
        too_long: reason("too_long", "weir_jwt_headers_omitted_total"),
        waiting: compiler.counter("weir_jwt_waiting_total"),
        denied_again: compiler.counter("weir_jwt_denied_remembered_total"),
        undecided: compiler.undecided("jwt"),
    }
}

/// The keys' counters and gauge of a provider.
fn fetched(name: &str, compiler: &mut Compiler<'_>, keys: &Keys) -> Option<KeyServer> {
    let Keys::Remote(remote) = keys else { return None };
    let mut counter = |result: &str| {
        let parts = ["provider=.=", name, ";.;result=.=", result, ";.;weir_jwt_jwks_fetches_total"];
        compiler.counter(&parts.concat())
    };
    let (ok, failed) = (counter("ok"), counter("failed"));
    let since = compiler.gauge(&["provider=.=", name, ";.;weir_jwt_keys_timestamp_seconds"].concat());
    Some(KeyServer { provider: name.into(), remote: remote.clone(), ok, failed, since })
}
