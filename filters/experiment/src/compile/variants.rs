//! The effects of each variant on a request.

use crate::config::{self, Config};
use crate::plan::{Counters, Variant, Words};
use weir_core::ids::TextId;
use weir_core::{At, Compiler, OwnedHeader, Table, header};

/// Maximum number of variants of an experiment: positions of variants are ids.
const MAX_VARIANTS: usize = 4096;

/// What all variants of a section have in common.
pub(super) struct Writer<'a> {
    pub(super) config: &'a Config,
    /// Headers with a variant's key.
    taken: Table<OwnedHeader>,
    /// Whose they are.
    takers: Vec<&'a str>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(config: &'a Config) -> Self {
        Self { config, taken: Table::default(), takers: Vec::new() }
    }

    /// The header with the variant's key, if the experiment has one.
    pub(super) fn header(
        &mut self,
        experiment: &'a config::Experiment,
        compiler: &mut Compiler<'_>,
        at: &At,
    ) -> Option<OwnedHeader> {
        let name = match &experiment.header {
            Some(name) => name.clone(),
            None if self.config.output.combined_header.is_some() => return None,
            // What is wrong with the key is reported there.
            None if header::name(experiment.name()).is_err() => return None,
            None => ["x-weir-experiment-", experiment.name()].concat(),
        };
        let at = at.field("header");
        let owned = compiler.own_header(&name, &at)?;
        match self.taken.find(&owned).and_then(|position| self.takers.get(position)) {
            // Rules of one flag share it.
            Some(other) if *other == experiment.name() && experiment.flag.is_some() => {}
            Some(other) => {
                let message =
                    format!("{name:?} is also the header of {other:?}; header names are case-insensitive");
                compiler.problems.add(&at, message);
            }
            None => {
                self.taken.put(owned);
                self.takers.push(experiment.name());
            }
        }
        Some(owned)
    }

    /// The variants of an experiment. `header` gets the variant's key.
    pub(super) fn variants(
        &self,
        experiment: &config::Experiment,
        header: Option<OwnedHeader>,
        compiler: &mut Compiler<'_>,
        at: &At,
    ) -> Box<[Variant]> {
        let payload = self.payload_header(experiment, compiler, at);
        let at = at.field("variants");
        if experiment.variants.is_empty() {
            compiler.problems.missing(&at, "an experiment needs variants");
        }
        if experiment.variants.len() > MAX_VARIANTS {
            compiler.problems.add(&at, format!("more than {MAX_VARIANTS} variants"));
            return [].into();
        }
        let mut built = Vec::with_capacity(experiment.variants.len());
        let mut keys = Table::<&str>::default();
        for (i, variant) in experiment.variants.iter().enumerate() {
            let at = at.index(i);
            compiler.check_name(&variant.key, &at.field("key"));
            if !keys.insert(&*variant.key) {
                compiler.duplicate_name(&variant.key, "variant", &at.field("key"));
            }
            let headers = headers(variant, header, payload, compiler, &at);
            built.push(self.variant(experiment, variant, headers, compiler));
        }
        built.into()
    }

    fn variant(
        &self,
        experiment: &config::Experiment,
        variant: &config::Variant,
        headers: Box<[(OwnedHeader, TextId)]>,
        compiler: &mut Compiler<'_>,
    ) -> Variant {
        let state = self.config.output.filter_state.then(|| {
            let state = compiler.lasting_state(&["weir.", experiment.name()].concat());
            (state, compiler.text(variant.key.as_bytes()))
        });
        let counted = self.config.output.counters.unwrap_or(true);
        let cookie = self.config.assignment_cookie.is_some();
        let mut counter = |what: &str| compiler.counter(&counter_name(&experiment.key, &variant.key, what));
        let counters = counted.then(|| Counters {
            exposures: cookie.then(|| counter("weir_exposures_total")),
            assignments: counter("weir_assignments_total"),
        });
        Variant {
            key: variant.key.as_str().into(),
            headers,
            state,
            counters,
            pair: Words::new(&[experiment.name(), "=", &variant.key].concat()),
        }
    }

    /// The header for payloads, where any variant has one.
    fn payload_header(
        &self,
        experiment: &config::Experiment,
        compiler: &mut Compiler<'_>,
        at: &At,
    ) -> Option<OwnedHeader> {
        let at = at.field("payloadHeader");
        if experiment.variants.iter().all(|variant| variant.payload.is_none()) {
            if experiment.payload_header.is_some() {
                compiler.problems.add(&at, "no variant has a payload");
            }
            return None;
        }
        let name = experiment.payload_header.clone();
        compiler.own_header(&name.unwrap_or_else(|| ["x-weir-payload-", experiment.name()].concat()), &at)
    }
}

/// All headers of a variant. A header of its own may not take the place of one that is ours.
fn headers(
    variant: &config::Variant,
    key: Option<OwnedHeader>,
    payload: Option<OwnedHeader>,
    compiler: &mut Compiler<'_>,
    at: &At,
) -> Box<[(OwnedHeader, TextId)]> {
    let mut headers = Vec::new();
    if let Some(header) = key {
        headers.push((header, compiler.text(variant.key.as_bytes())));
    }
    if let Some((header, json)) = payload.zip(variant.payload.as_ref()) {
        let text = json.to_string();
        // JSON escapes all control characters but one.
        if header::is_safe_value(text.as_bytes()) {
            headers.push((header, compiler.text(text.as_bytes())));
        } else {
            let message = "the control character U+007F is not allowed in a header: write it as \\u007f";
            compiler.problems.add(&at.field("payload"), message);
        }
    }
    for (name, value) in variant.headers.iter() {
        let at = at.field("headers").field(name);
        let Some(owned) = compiler.own_header(name, &at) else { continue };
        if headers.iter().any(|(known, _)| *known == owned) {
            compiler.problems.add(&at, format!("{name:?} is written already"));
        }
        if let Some(value) = compiler.safe_value(value, &at) {
            headers.push((owned, value));
        }
    }
    headers.into()
}

/// A counter whose name carries labels the way Istio's and Envoy's tag extraction expects them. Dots in keys
/// would end a tag too early.
fn counter_name(experiment: &str, variant: &str, what: &str) -> String {
    let plain = |key: &str| key.replace('.', "_");
    ["experiment=.=", &plain(experiment), ";.;variant=.=", &plain(variant), ";.;", what].concat()
}
