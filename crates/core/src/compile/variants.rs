//! Experiments and their variants, which other sections may ask for.

use super::Compiler;
use crate::access_plan::{Attribute, Experiment};
use crate::assigned::Assigned;
use crate::attribute::AttrId;
use crate::http_match::{Anchor, TextTest};
use crate::ids::ExperimentId;
use crate::predicate::Predicate;
use crate::problem::At;
use crate::table::{Groups, TableId};
use crate::value::Kind;

impl Compiler<'_> {
    /// Declares an experiment of this configuration; the order is that in which they are decided.
    pub fn experiment(&mut self, key: &str, variants: Vec<String>) -> ExperimentId {
        self.rule(key, None, variants)
    }

    /// The same of an experiment that is a rule of a flag, if it is.
    pub fn rule(&mut self, key: &str, flag: Option<&str>, variants: Vec<String>) -> ExperimentId {
        let id = ExperimentId::of(self.access_plan.experiments.len());
        let of_flag = flag.map(str::to_owned);
        self.access_plan.experiments.push(Experiment { key: key.to_owned(), flag: of_flag, variants });
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
        &self.access_plan.experiments
    }

    /// The experiment with this key.
    pub fn experiment_by_key(&self, key: &str) -> Option<(ExperimentId, &Experiment)> {
        let id = *self.tables.of_keys.get(self.tables.keys.find(key)?)?;
        Some((id, self.access_plan.experiments.get(id.index())?))
    }

    /// That the request is in one of the variants of an experiment, or of the experiments of a flag: of this
    /// configuration, or, in a configuration without experiments, one that an earlier plugin decided and left in
    /// filter state.
    pub fn variant(&mut self, experiment: &str, variants: &[String], at: &At) -> Predicate {
        if self.access_plan.experiments.is_empty() {
            return self.variant_of_another_plugin(experiment, variants, at);
        }
        if self.problems.is_full() {
            return Predicate::Const(false);
        }
        let named = self.experiment_by_key(experiment).map(|(id, _)| id);
        let ids: Vec<ExperimentId> =
            named.into_iter().chain(self.tables.flags.get(experiment).iter().copied()).collect();
        if ids.is_empty() {
            let keys = self.access_plan.experiments.iter().map(|e| e.key.as_str());
            let hint = self.problems.did_you_mean(experiment, keys);
            self.problems.add(at, format!("unknown experiment {experiment:?}{hint}"));
            return Predicate::Const(false);
        }
        let known = || ids.iter().filter_map(|id| Some((*id, self.access_plan.experiments.get(id.index())?)));
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
}
