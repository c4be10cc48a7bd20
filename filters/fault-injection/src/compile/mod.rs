//! Compiles the configuration to a plan.

mod builder;
mod gate;
mod parts;
mod time;

use crate::active::{Active, Metrics};
use crate::chance::Chance;
use crate::config::{Config, Fault, Rolls, Sampling, Sticky as StickySpec};
use crate::plan::{Plan, Rule, STATE, Sticky};
use crate::response::Marks;
use builder::Builder;
use weir_allocation::{Salt, purpose};
use weir_core::http_match::{Anchor, TextTest};
use weir_core::ids::{Counter, Gauge};
use weir_core::targeting::has_variants;
use weir_core::{At, AttrId, Compiler, Predicate, RuleCost, RuleIndex, SourceSpec, Table};

/// The variable of the VM's environment that switches all faults off.
const ALL_OFF: &str = "WEIR_FAULTS_OFF";

/// The request header by which Envoys name themselves to the next one.
const NODE: &str = "x-envoy-downstream-service-node";

/// Position is identity in marks, so there cannot be more.
const MAX_FAULTS: usize = 4096;

/// A draw comes before the look at a rule's predicate, which most requests so never come to.
const COST: RuleCost = RuleCost { before: 4, judged: false };

impl Plan {
    /// Compiles a section to its plan. Problems go to the compiler, and a plan with problems must not be
    /// used. The section `experiments` must be compiled earlier.
    pub fn compile(config: &Config, compiler: &mut Compiler<'_>, at: &At) -> Self {
        if config.0.is_empty() {
            compiler.problems.missing(at, "specify at least one fault");
        }
        if config.0.len() > MAX_FAULTS {
            compiler.problems.add(at, "more than 4096 faults");
        }
        let (mut rules, mut names) = (Vec::new(), Table::<String>::default());
        for (index, spec) in config.0.iter().enumerate() {
            let (at, name) = (at.index(index), name_of(spec, index));
            compiler.check_name(&name, &at.field("name"));
            if !names.insert(name.clone()) {
                compiler.duplicate_name(&name, "fault", &at.field("name"));
            }
            rules.extend(Builder { compiler: &mut *compiler, spec, name: &name, at: &at }.rule());
        }
        if gate::is_set(ALL_OFF, compiler) {
            rules.clear();
        }
        // What headers control has effects of its own, whether or not the rule is for the request.
        let predicates: Vec<_> =
            rules.iter().map(|rule: &Rule| rule.control.is_none().then_some(&rule.when)).collect();
        let index = RuleIndex::new(&predicates, COST, compiler);
        Self {
            rules: rules.into(),
            index,
            chance: Chance::default(),
            marks: Marks::default(),
            state: compiler.lasting_state(STATE),
            undecided: compiler.undecided("faults"),
        }
    }
}

/// The name of a fault, or that of its position.
fn name_of(spec: &Fault, index: usize) -> String {
    spec.name.clone().unwrap_or_else(|| ["fault-", &index.to_string()].concat())
}

impl Builder<'_, '_> {
    /// The rule; `None` when its kill switch keeps it from doing anything as long as the VM lives.
    fn rule(mut self) -> Option<Rule> {
        let spec = self.spec;
        let parts = self.parts();
        let (when, late) = self.predicates();
        let sticky = self.sticky();
        let gate = self.gate();
        let control = self.control(parts.as_deref().unwrap_or_default());
        if parts.is_none() && control.is_none() {
            let message = "does nothing: needs delay, abort, responseRateLimit, response or headerControl";
            self.compiler.problems.missing(self.at, message);
        }
        if self.killed_by_env() {
            return None;
        }
        Some(Rule {
            name: self.name.into(),
            parts: parts.unwrap_or_default(),
            one_draw: spec.rolls != Rolls::Independent,
            sticky: sticky.map(Box::new),
            when,
            late,
            gate: gate.map(Box::new),
            control: control.map(Box::new),
            active: Active::new(spec.max_active),
            metrics: self.metrics(),
        })
    }

    /// Which requests: as far as the request itself tells, and as far as the proxy must be asked.
    fn predicates(&mut self) -> (Predicate, Predicate) {
        let (spec, at) = (self.spec, self.at);
        let mut when = Vec::new();
        when.extend(spec.targeting.compile_match(self.compiler, at));
        when.extend(spec.targeting.compile_condition(self.compiler, at));
        if !spec.downstream_nodes.is_empty() {
            let source = self.compiler.header(NODE, at);
            when.push(one_of(source, &spec.downstream_nodes));
        }
        when.extend(has_variants(&spec.variant, self.compiler, at));
        let mut late = Vec::new();
        if !spec.upstream_cluster.is_empty() {
            let source = SourceSpec::Short("property:xds.cluster_name".to_owned());
            let source = self.compiler.source(&source, at);
            late.push(one_of(source, &spec.upstream_cluster));
        }
        late.extend(spec.targeting.compile_cel(self.compiler, at));
        (Predicate::all(when), Predicate::all(late))
    }

    fn sticky(&mut self) -> Option<Sticky> {
        let Some(Sampling::Sticky(StickySpec { unit, seed })) = &self.spec.sampling else { return None };
        let at = self.at.field("sampling").field("sticky").field("unit");
        if unit.is_empty() {
            self.compiler
                .problems
                .missing(&at, "specify the source of the unit, such as \"header:x-user-id\"");
        }
        let units = self.compiler.sources(unit, &at);
        let seed = seed.as_deref().unwrap_or(self.name);
        let salts = if self.spec.rolls == Rolls::Independent {
            let kinds = ["/delay", "/abort", "/rate", "/response"];
            kinds.map(|kind| Salt::derived(seed, &[purpose::FAULT, kind].concat())).into()
        } else {
            [Salt::derived(seed, purpose::FAULT)].into()
        };
        Some(Sticky { units, salts })
    }

    fn metrics(&mut self) -> Metrics {
        // Dots would end a tag too early for Istio's tag extraction.
        let label = ["fault=.=", &self.name.replace('.', "_"), ";.;"].concat();
        let mut counter = |what: &str| -> Counter { self.compiler.counter(&[&label, what].concat()) };
        let [delays, aborts, rate_limits, responses, overflows] = [
            "weir_fault_delays_total",
            "weir_fault_aborts_total",
            "weir_fault_rate_limits_total",
            "weir_fault_responses_total",
            "weir_fault_overflows_total",
        ]
        .map(&mut counter);
        let active: Gauge = self.compiler.gauge(&[&label, "weir_faults_active"].concat());
        Metrics { delays, aborts, rate_limits, responses, overflows, active }
    }
}

/// That a text is one of several.
fn one_of(source: Option<AttrId>, texts: &[String]) -> Predicate {
    let Some(attribute) = source else { return Predicate::Const(false) };
    let is = |text: &String| Predicate::Text {
        attribute,
        test: TextTest::literal(Anchor::Whole, text),
        absent_is_empty: false,
    };
    Predicate::any(texts.iter().map(is).collect())
}
