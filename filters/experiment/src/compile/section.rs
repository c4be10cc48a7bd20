//! Settings that all experiments of a section share.

use crate::config::{Config, Overrides as Spec};
use crate::plan::{Baggage, ChoiceCounters, Consent, Memory, Minted, Outputs, Overrides, Parameter};
use std::rc::Rc;
use weir_cookie::{Cookie, Signer};
use weir_core::ownership::{BAGGAGE, DECIDED};
use weir_core::{At, Callbacks, Compiler, OwnedHeader, Predicate, SourceSpec};

/// The cookies and what signs them.
pub(super) fn cookies(
    config: &Config,
    compiler: &mut Compiler<'_>,
    at: &At,
) -> (Option<Minted>, Option<Memory>) {
    let signer = Signer::compile(&config.secret, compiler, &at.field("secret")).map(Rc::new);
    let minted = config.mint_cookie.as_ref().and_then(|spec| {
        let cookie = Cookie::compile(spec, compiler, &at.field("mintCookie"))?;
        Some(Minted { cookie, signer: signer.clone() })
    });
    let memory = config.assignment_cookie.as_ref().and_then(|spec| {
        let at = at.field("assignmentCookie");
        let cookie = Cookie::compile(spec, compiler, &at)?;
        let others = [&config.mint_cookie, &config.output.response_cookie];
        if others.into_iter().flatten().any(|other| other.name == spec.name) {
            compiler.problems.add(&at.field("name"), "two cookies of this section have the same name");
        }
        Some((cookie, at))
    });
    if config.secret.is_empty() && config.assignment_cookie.is_some() {
        let message =
            "assignmentCookie needs a secret that signs it: otherwise clients could choose their variants";
        compiler.problems.missing(&at.field("secret"), message);
    }
    if !config.secret.is_empty() && config.mint_cookie.is_none() && config.assignment_cookie.is_none() {
        let message = "has no effect without mintCookie or assignmentCookie";
        compiler.problems.add(&at.field("secret"), message);
    }
    let memory = memory.zip(signer).map(|((cookie, _), signer)| Memory { cookie, signer });
    (minted, memory)
}

/// The source of a visitor's consent.
pub(super) fn consent(config: &Config, compiler: &mut Compiler<'_>, at: &At) -> Option<Consent> {
    let consent = config.consent.as_ref()?;
    let source = compiler.source(&consent.source, &at.field("consent").field("source"))?;
    let equals = consent.equals.iter().map(|text| text.as_bytes().into()).collect();
    Some(Consent { source, equals })
}

/// Whether units are those of visits only.
pub(super) fn visits_only(config: &Config, compiler: &mut Compiler<'_>) -> bool {
    let visits_only = config.visits_only.unwrap_or(true);
    if !visits_only {
        compiler.count_every_request();
    }
    visits_only
}

/// The header that tells peers which variants do not count, where there can be any, or where a peer is believed.
fn decided(config: &Config, compiler: &mut Compiler<'_>, at: &At) -> Option<OwnedHeader> {
    let may_not_count = config.overrides.is_some()
        || config.consent.is_some()
        || config.list.iter().any(|experiment| experiment.winner.is_some());
    (may_not_count || config.trust.is_some()).then(|| compiler.own_header(DECIDED, at)).flatten()
}

/// The peers that are trusted.
pub(super) fn trust(config: &Config, compiler: &mut Compiler<'_>, at: &At) -> Option<Predicate> {
    let trust = config.trust.as_ref()?;
    Some(trust.compile_required(compiler, &at.field("trust")))
}

/// How testers choose.
pub(super) fn overrides(config: &Config, compiler: &mut Compiler<'_>, at: &At) -> Option<Overrides> {
    let spec = config.overrides.as_ref()?;
    let at = at.field("overrides");
    let mut sources = Vec::new();
    if let Some(name) = &spec.header {
        // Owned, so that it does not go on: it may carry a secret.
        compiler.own_header(name, &at.field("header"));
        sources.extend(compiler.header(name, &at.field("header")));
    }
    let mut other = |prefix: &str, name: &Option<String>, field: &str| {
        let source = SourceSpec::Short([prefix, name.as_ref()?].concat());
        let attribute = compiler.source(&source, &at.field(field))?;
        sources.push(attribute);
        Some(attribute)
    };
    let query = other("query:", &spec.query, "query");
    other("cookie:", &spec.cookie, "cookie");
    if spec.header.is_none() && spec.query.is_none() && spec.cookie.is_none() {
        compiler.problems.missing(&at, "specify the location of overrides: header, query or cookie");
    }
    if spec.secret.is_empty() && spec.allow.is_none() {
        compiler
            .problems
            .missing(&at, "specify a secret or allow: otherwise any client could force variants");
    }
    let signer = Signer::compile(&spec.secret, compiler, &at.field("secret"));
    let allow = spec.allow.as_ref().map(|allow| allow.compile_required(compiler, &at.field("allow")));
    let session = session(config, spec, compiler, &at);
    let response_header = spec.response_header.as_deref();
    let at = at.field("responseHeader");
    if let (Some(ours), Some(told)) = (response_header, config.output.response_header.as_deref())
        && ours.eq_ignore_ascii_case(told)
    {
        compiler.problems.add(&at, "this is `output.responseHeader` too");
    }
    Some(Overrides {
        sources: sources.into(),
        query: query
            .zip(spec.query.as_deref())
            .map(|(attribute, name)| Parameter { attribute, name: name.as_bytes().into() }),
        session,
        signer,
        allow: allow.unwrap_or(Predicate::Const(false)),
        response_header: response_header.and_then(|name| written(name, compiler, &at)),
        counters: ChoiceCounters {
            refused: compiler.counter("weir_overrides_refused_total"),
            expired: compiler.counter("weir_overrides_expired_total"),
            unknown: compiler.counter("weir_overrides_unknown_total"),
        },
    })
}

/// The cookie in which a link's choice lasts.
fn session(config: &Config, spec: &Spec, compiler: &mut Compiler<'_>, at: &At) -> Option<Cookie> {
    let cookie = spec.session.as_ref()?;
    let (at, secret) = (at.field("session"), at.field("secret"));
    if spec.query.is_none() {
        compiler.problems.add(&at, "needs `query`: a session begins with a link");
    }
    if spec.secret.is_empty() {
        compiler.problems.add(&secret, "required by `session`, whose cookie is signed");
    }
    let others = [&config.mint_cookie, &config.assignment_cookie, &config.output.response_cookie];
    let mut others = others.into_iter().flatten().map(|other| &other.name).chain(&spec.cookie);
    if others.any(|other| *other == cookie.name) {
        compiler.problems.add(&at.field("name"), "two cookies of this section have the same name");
    }
    Cookie::compile_for_session(cookie, compiler, &at)
}

/// The name of a response header.
fn written(name: &str, compiler: &mut Compiler<'_>, at: &At) -> Option<Rc<str>> {
    compiler.callback(Callbacks::RESPONSE_HEADERS);
    compiler.problems.accept(weir_core::header::writable_name(name), at).map(Rc::from)
}

/// What is written once for all experiments. `headers` are those of the single experiments.
pub(super) fn outputs(
    config: &Config,
    headers: Vec<Option<OwnedHeader>>,
    compiler: &mut Compiler<'_>,
    at: &At,
) -> Outputs {
    let (at, output) = (at.field("output"), &config.output);
    let combined = output
        .combined_header
        .as_deref()
        .and_then(|name| compiler.own_header(name, &at.field("combinedHeader")));
    if combined.is_some() && headers.contains(&combined) {
        let message = "this is also the header of an experiment";
        compiler.problems.add(&at.field("combinedHeader"), message);
    }
    let baggage = baggage(output.baggage, compiler, &at);
    let response_header = output.response_header.as_deref();
    let response_header =
        response_header.and_then(|name| written(name, compiler, &at.field("responseHeader")));
    let response_cookie = output
        .response_cookie
        .as_ref()
        .and_then(|spec| Cookie::compile_for_scripts(spec, compiler, &at.field("responseCookie")));
    Outputs {
        any: combined.is_some()
            || baggage.is_some()
            || response_header.is_some()
            || response_cookie.is_some(),
        combined,
        decided: decided(config, compiler, &at),
        baggage,
        response_header,
        response_cookie,
        headers: headers.into(),
    }
}

fn baggage(writes: bool, compiler: &mut Compiler<'_>, at: &At) -> Option<Baggage> {
    let namespace = compiler.own_names_of_experiments(at);
    let header = if writes { compiler.own_header(BAGGAGE, at) } else { namespace };
    let dropped = writes.then(|| compiler.counter("weir_baggage_dropped_total"));
    Some(Baggage { header: header?, writes, owns_namespace: namespace.is_some(), dropped })
}
