//! Plans and observations.

use weir_core::Problems;
use weir_rollout::{Content, GateResult, Observation, Plan, Running, Spec, Verdict};

pub(crate) fn spec(text: &str) -> Result<Plan, Problems> {
    let mut problems = Problems::default();
    let spec: Spec = weir_core::load(text.as_bytes(), &mut problems);
    Plan::compile(&spec, problems)
}

/// Two steps with a gate that applies to both; the second needs approval if `approval`.
pub(crate) fn plan(approval: bool, on_deadline: &str) -> Plan {
    let text = format!(
        r#"{{"target": {{"file": "a", "experiment": "e", "baseline": "old", "variant": "new"}},
            "steps": [{{"coverage": "10%", "hold": "2ms", "minUnits": 5}},
                      {{"coverage": "50%", "hold": "1ms", "approval": {approval}}}],
            "gates": [{{"check": "errors"}}], "deadline": "8ms", "onDeadline": "{on_deadline}"}}"#
    );
    spec(&text).unwrap()
}

/// The same with shorter times, so that all interleavings can be tried.
pub(crate) fn small(approval: bool, on_deadline: &str) -> Plan {
    let mut plan = plan(approval, on_deadline);
    plan.steps.iter_mut().for_each(|step| step.hold = 1);
    plan.deadline = Some(4);
    plan
}

pub(crate) fn gate(verdict: Verdict) -> Vec<GateResult> {
    vec![GateResult { name: "errors".to_owned(), verdict, detail: String::new() }]
}

pub(crate) fn seen(content: Content, running: Running, verdict: Verdict) -> Observation {
    Observation { content, running, gates: gate(verdict), units: Some(5), no_data: false }
}
