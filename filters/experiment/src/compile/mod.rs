//! Compiles the configuration to a plan.

mod assignment;
mod exposure;
mod flags;
mod index;
mod keys;
mod order;
mod pools;
mod section;
mod variants;

use crate::config::{Config, Experiment as Spec, Prerequisite};
use crate::plan::{Experiment, Index, Plan, Trust, Units, Window};
use keys::Keys;
use pools::Pools;
use variants::Writer;
use weir_core::ids::{ExperimentId, TextId};
use weir_core::problem::did_you_mean;
use weir_core::table::TableId;
use weir_core::{At, AttrId, Compiler, OwnedHeader, Predicate, SourceSpec, Table, timestamp};

impl Plan {
    /// Compiles a section to its plan. Problems go to the compiler, and a plan with problems must not be
    /// used. Filters that read variants must be compiled later.
    pub fn compile(config: &Config, compiler: &mut Compiler<'_>, at: &At) -> Self {
        let list = at.field("list");
        if config.list.is_empty() {
            compiler.problems.missing(&list, "specify at least one experiment");
        }
        let keys = Keys::of(&config.list);
        let order = order::decided(&config.list, &keys, compiler, &list);
        let declare = |i: usize| {
            let spec = config.list.get(i)?;
            let variants = spec.variants.iter().map(|variant| variant.key.clone()).collect();
            Some((i, spec, compiler.rule(&spec.key, spec.flag.as_deref(), variants)))
        };
        // All of them first: prerequisites name others.
        let declared: Vec<_> = order.into_iter().filter_map(declare).collect();
        let pools = Pools::of_holdouts(config, compiler, at);
        let writer = Writer::new(config);
        let flags = flags::Flags::new(config, &keys, compiler, &list);
        let mut builder = Builder {
            compiler,
            config,
            keys,
            at,
            units: Table::default(),
            source_names: Vec::new(),
            pools,
            writer,
            flags,
        };
        let (mut experiments, mut headers) = (Vec::new(), Vec::new());
        for (index, spec, id) in declared {
            let at = list.index(index);
            let header = builder.writer.header(spec, builder.compiler, &at);
            headers.push(header);
            experiments.extend(builder.experiment(spec, id, index, header, at));
        }
        let Builder { compiler, units, pools, source_names, .. } = builder;
        if units.exceeded() {
            compiler.problems.add(&list, "more than 65535 different units");
        }
        let pools = pools.finish(compiler);
        let (minted, memory) = section::cookies(config, compiler, at);
        let may_not_count = config.consent.is_some() || config.overrides.is_some();
        let trust = section::trust(config, compiler, at);
        let outputs = section::outputs(config, headers, compiler, at);
        let trust = trust.map(|when| Trust { when, headers: owned(&experiments, &outputs) });
        // A trusted peer's variants decide; its payloads and the like only go on.
        if trust.is_some() {
            outputs.headers.iter().flatten().chain(&outputs.combined).for_each(|it| compiler.decided_by(*it));
        }
        Self {
            index: Index::new(&experiments, compiler),
            experiments: experiments.into(),
            units: units.into_items().into(),
            pools,
            consent: section::consent(config, compiler, at),
            overrides: section::overrides(config, compiler, at),
            visits_only: section::visits_only(config, compiler),
            trust,
            outputs,
            passes: (minted.is_some()
                || memory.is_some()
                || config.output.filter_state
                || config.output.exposures)
                .then(|| compiler.passes()),
            minted,
            memory,
            may_not_count,
            without_consent: config
                .consent
                .as_ref()
                .map(|_| compiler.counter("weir_experiments_without_consent_total")),
            source_names: source_names.into(),
            minted_name: config.mint_cookie.as_ref().filter(|_| config.output.exposures).map(|cookie| {
                let name = ["cookie:", &cookie.name].concat();
                compiler.text(name.as_bytes())
            }),
            exposes_requests: config.output.exposures && config.assignment_cookie.is_none(),
            without_unit: compiler.counter("weir_experiments_without_unit_total"),
            undecided: compiler.undecided("experiments"),
        }
    }
}

/// All headers that experiments write.
fn owned(experiments: &[Experiment], outputs: &crate::plan::Outputs) -> Box<[OwnedHeader]> {
    let variants = experiments.iter().flat_map(|experiment| &experiment.variants);
    let mut all: Vec<OwnedHeader> =
        variants.flat_map(|v| v.headers.iter().map(|(header, _)| *header)).collect();
    all.extend(outputs.combined);
    all.extend(outputs.decided);
    all.dedup();
    all.into()
}

struct Builder<'b, 'c> {
    compiler: &'b mut Compiler<'c>,
    config: &'b Config,
    keys: Keys<'b>,
    /// Where the section is.
    at: &'b At,
    units: Table<Units, u16>,
    /// The names of sources, where exposures are logged.
    source_names: Vec<(AttrId, TextId)>,
    pools: Pools,
    writer: Writer<'b>,
    flags: flags::Flags<'b>,
}

impl<'b> Builder<'b, '_> {
    fn experiment(
        &mut self,
        spec: &'b Spec,
        id: ExperimentId,
        index: usize,
        header: Option<OwnedHeader>,
        at: At,
    ) -> Option<Experiment> {
        self.key(spec, index, &at);
        self.life(spec, &at);
        let units = self.units(&spec.unit, spec.anonymous, &at);
        let has_unit = self.units.get(units).is_some_and(|u| u.minted || !u.sources.is_empty());
        let holdouts = self.pools.holdouts(spec, self.compiler, &at);
        let mut layers = Vec::new();
        for (i, layer) in spec.layer.iter().enumerate() {
            let at = at.field("layer");
            let at = if spec.layer.len() == 1 { at } else { at.index(i) };
            let units =
                if layer.unit.is_empty() { units } else { self.units(&layer.unit, spec.anonymous, &at) };
            layers.push(self.pools.join(layer, units, self.compiler, &at));
        }
        let when = spec.targeting.compile(self.compiler, &at);
        let prerequisites = self.prerequisites(&spec.prerequisites, &at.field("prerequisites"));
        let window = self.window(spec, &at);
        let variants = self.writer.variants(spec, header, self.compiler, &at);
        let rule = assignment::rule(spec, has_unit, self.compiler, &at);
        let winner = self.winner(spec, &at);
        Some(Experiment {
            id,
            key: spec.key.as_str().into(),
            flag: spec.flag.as_deref().map(Box::from),
            earlier: self.flags.join(spec.flag.as_deref(), id),
            index,
            status: spec.status.unwrap_or_default(),
            window,
            units,
            holdouts,
            layers: layers.into(),
            when,
            prerequisites,
            rule: rule?,
            variants,
            exposure: self.config.output.exposures.then(|| {
                let remembered = self.config.assignment_cookie.is_some();
                exposure::exposure(&spec.key, remembered, self.compiler)
            }),
            winner,
            sticky: spec.sticky,
            bucket_version: spec.bucket_version,
            min_bucket_version: spec.min_bucket_version,
        })
    }

    fn key(&mut self, spec: &Spec, index: usize, at: &At) {
        let at = at.field("key");
        self.compiler.check_name(&spec.key, &at);
        if self.keys.position(&spec.key) != Some(index) {
            self.compiler.duplicate_name(&spec.key, "experiment", &at);
        }
    }

    /// What makes no sense together.
    fn life(&mut self, spec: &Spec, at: &At) {
        let problems = &mut self.compiler.problems;
        if spec.sticky && self.config.assignment_cookie.is_none() {
            problems
                .add(&at.field("sticky"), "needs the section's assignmentCookie, which remembers variants");
        }
        if spec.min_bucket_version > spec.bucket_version {
            let message = "is above bucketVersion: no unit could take part";
            problems.add(&at.field("minBucketVersion"), message);
        }
        if spec.min_bucket_version > 0 && !spec.sticky {
            let message = "has no effect without `sticky: true`";
            problems.add(&at.field("minBucketVersion"), message);
        }
        if spec.anonymous == Some(true) && self.config.mint_cookie.is_none() {
            problems.add(&at.field("anonymous"), "needs the section's mintCookie");
        }
    }

    /// The position of what identifies units: the experiment's own sources, or the section's.
    fn units(&mut self, own: &[SourceSpec], anonymous: Option<bool>, at: &At) -> u16 {
        // The section's sources are reported where they are, once.
        let (specs, at) = match own {
            [] => (self.config.unit.as_slice(), self.at.field("unit")),
            own => (own, at.field("unit")),
        };
        let sources = self.compiler.sources(specs, &at);
        let minted = self.config.mint_cookie.is_some() && anonymous != Some(false);
        if self.config.output.exposures {
            for (source, spec) in sources.iter().zip(specs) {
                if !self.source_names.iter().any(|(known, _)| known == source) {
                    self.source_names.push((*source, self.compiler.text(spec.name().as_bytes())));
                }
            }
        }
        self.units.put(Units { sources, minted })
    }

    fn prerequisites(&mut self, all: &[Prerequisite], at: &At) -> Predicate {
        let mut needed = Vec::with_capacity(all.len());
        for (i, one) in all.iter().enumerate() {
            let at = at.index(i);
            if one.any_of.is_empty() {
                needed.push(self.prerequisite(one, &at));
                continue;
            }
            if !one.experiment.is_empty() || !one.variants.is_empty() {
                self.compiler.problems.add(&at, "give either `experiment` or `anyOf`");
            }
            let at = at.field("anyOf");
            let mut any = Vec::with_capacity(one.any_of.len());
            for (i, one) in one.any_of.iter().enumerate() {
                let at = at.index(i);
                if !one.any_of.is_empty() {
                    self.compiler.problems.add(&at, "`anyOf` in `anyOf`: write one list");
                }
                any.push(self.prerequisite(one, &at));
            }
            let any = Predicate::any(any);
            needed.push(if one.not { Predicate::Not(Box::new(any)) } else { any });
        }
        Predicate::all(needed)
    }

    fn prerequisite(&mut self, one: &Prerequisite, at: &At) -> Predicate {
        let others = || self.keys.named(&one.experiment).filter_map(|i| self.config.list.get(i));
        let known = others().next().is_some();
        let every = || {
            let mut keys = Table::<&str>::default();
            for variant in others().flat_map(|other| &other.variants) {
                keys.insert(&variant.key);
            }
            keys.items().iter().map(|key| (*key).to_owned()).collect()
        };
        let variants = if one.variants.is_empty() { every() } else { one.variants.clone() };
        let at = at.field(if known { "variants" } else { "experiment" });
        let holds = self.compiler.variant(&one.experiment, &variants, &at);
        if one.not { Predicate::Not(Box::new(holds)) } else { holds }
    }

    fn window(&mut self, spec: &Spec, at: &At) -> Option<Box<Window>> {
        let mut time = |text: &Option<String>, field: &str| {
            self.compiler.problems.accept(timestamp::parse(text.as_ref()?), &at.field(field))
        };
        let (start, end) = (time(&spec.start, "start"), time(&spec.end, "end"));
        if start.is_none() && end.is_none() {
            return None;
        }
        let window = Window { start: start.unwrap_or(0), end: end.unwrap_or(u64::MAX) };
        if window.start >= window.end {
            self.compiler.problems.add(&at.field("end"), "is not after the start");
        }
        Some(Box::new(window))
    }

    fn winner(&mut self, spec: &Spec, at: &At) -> Option<u16> {
        let winner = spec.winner.as_deref()?;
        let found = spec.variants.iter().position(|variant| variant.key == winner);
        if found.is_none() {
            let hint = did_you_mean(winner, spec.variants.iter().map(|variant| variant.key.as_str()));
            let message = format!("unknown variant {winner:?}{hint}");
            self.compiler.problems.add(&at.field("winner"), message);
        }
        found.map(u16::of)
    }
}
