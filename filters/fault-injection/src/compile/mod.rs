//! Compiles the configuration to a plan.

mod gate;
mod parts;
mod time;

use crate::active::{Active, Metrics};
use crate::chance::Chance;
use crate::config::{Config, Fault, Operators, Rolls, Sampling, Sticky as StickySpec};
use crate::plan::{Plan, Rule, STATE, Sticky};
use crate::response::Marks;
use weir_allocation::{Salt, purpose};
use weir_core::effect::{Counter, Gauge};
use weir_core::http_match::{Anchor, TextTest};
use weir_core::{At, AttrId, Compiler, Predicate, SourceSpec, Table};

/// The variable of the VM's environment that switches all faults off.
const ALL_OFF: &str = "WEIR_FAULTS_OFF";

/// The request header by which Envoys name themselves to the next one.
const NODE: &str = "x-envoy-downstream-service-node";

/// Position is identity in marks, so there cannot be more.
const MAX_FAULTS: usize = 4096;

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
        let (mut rules, mut names) = (Vec::new(), Table::default());
        for (index, spec) in config.0.iter().enumerate() {
            let (at, name) = (at.index(index), name_of(spec, index));
            check_name(&name, &mut names, compiler, &at.field("name"));
            rules.extend(Builder { compiler: &mut *compiler, spec, name: &name, at: &at }.rule());
        }
        if gate::is_set(ALL_OFF, compiler) {
            rules.clear();
        }
        Self {
            rules: rules.into(),
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

/// Reports a name that is not fit for logs and metrics, or that there is already.
fn check_name(name: &str, earlier: &mut Table<String>, compiler: &mut Compiler<'_>, at: &At) {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 128 || !name.bytes().all(plain) {
        let message =
            format!("{name:?} is not a valid name: use up to 128 letters, digits, `-`, `_` and `.`");
        compiler.problems.add(at, message);
    }
    if !earlier.insert(name.to_owned()) {
        compiler.problems.add(at, format!("{name:?} is already the name of an earlier fault"));
    }
}

/// Makes one rule.
struct Builder<'b, 'c> {
    compiler: &'b mut Compiler<'c>,
    spec: &'b Fault,
    name: &'b str,
    at: &'b At,
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
        let conditions = self.compiler.when(&spec.http_match, spec.condition.as_ref(), None, at);
        if !matches!(conditions, Predicate::Const(true)) {
            when.push(conditions);
        }
        if !spec.downstream_nodes.is_empty() {
            let source = self.compiler.header(NODE, at);
            when.push(one_of(source, &spec.downstream_nodes));
        }
        let variants = at.field("variant");
        for (experiment, any) in spec.variant.iter() {
            let at = variants.field(experiment);
            if any.0.is_empty() {
                self.compiler.problems.missing(&at, "name a variant, or a list of variants");
            }
            when.push(self.compiler.variant(experiment, &any.0, &at));
        }
        let mut late = Vec::new();
        if !spec.upstream_cluster.is_empty() {
            let source = SourceSpec::Short("property:xds.cluster_name".to_owned());
            let source = self.compiler.source(&source, at);
            late.push(one_of(source, &spec.upstream_cluster));
        }
        if spec.cel.is_some() {
            late.push(self.compiler.when(&[], None, spec.cel.as_deref(), at));
        }
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
        let single = unit.len() == 1;
        let mut units = Vec::new();
        for (i, source) in unit.iter().enumerate() {
            let at = if single { at.clone() } else { at.index(i) };
            units.extend(self.compiler.source(source, &at));
        }
        let seed = seed.as_deref().unwrap_or(self.name);
        let salts = if self.spec.rolls == Rolls::Independent {
            let kinds = ["/delay", "/abort", "/rate", "/response"];
            kinds.map(|kind| Salt::derived(seed, &[purpose::FAULT, kind].concat())).into()
        } else {
            [Salt::derived(seed, purpose::FAULT)].into()
        };
        Some(Sticky { units: units.into(), salts })
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

/// The authorised requests; none, and a problem, if nothing is configured.
fn operators(who: Option<&Operators>, compiler: &mut Compiler<'_>, at: &At) -> Predicate {
    let Some(who) = who else {
        compiler
            .problems
            .missing(at, "specify match, condition or cel: otherwise any client could trigger it");
        return Predicate::Const(false);
    };
    if who.http_match.is_empty() && who.condition.is_none() && who.cel.is_none() {
        compiler.problems.missing(at, "specify match, condition or cel");
    }
    compiler.when(&who.http_match, who.condition.as_ref(), who.cel.as_deref(), at)
}
