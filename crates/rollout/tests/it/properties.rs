//! What holds for random plans and random observations.

use crate::support::spec;
use proptest::collection::vec;
use proptest::prelude::*;
use weir_rollout::{
    Command, Content, GateResult, Observation, Phase, Plan, Running, State, Verdict, advance, command,
};

const GATES: [&str; 3] = ["srm", "errors", "latency"];

/// What one evaluation sees, and how much later it is.
#[derive(Clone, Debug)]
struct Look {
    content: Option<Content>,
    running: Option<Running>,
    verdicts: Vec<Verdict>,
    units: Option<u64>,
    later: u64,
    said: Option<Command>,
    ends: bool,
}

fn looks() -> impl Strategy<Value = Vec<Look>> {
    let content = prop_oneof![
        12 => Just(None),
        1 => Just(Some(Content::Foreign)),
        1 => Just(Some(Content::Unreadable)),
        1 => (0..6_usize).prop_map(|version| Some(Content::Version(version))),
    ];
    let running = prop_oneof![
        8 => Just(None),
        1 => Just(Some(Running::Mixed)),
        1 => Just(Some(Running::Unknown)),
        1 => (0..6_usize).prop_map(|version| Some(Running::All(version))),
    ];
    let verdict =
        prop_oneof![20 => Just(Verdict::Pass), 1 => Just(Verdict::Fail), 3 => Just(Verdict::Unknown)];
    let said = prop_oneof![
        16 => Just(None),
        3 => Just(Some(Command::Approve)),
        1 => Just(Some(Command::Pause)),
        3 => Just(Some(Command::Resume)),
    ];
    let units = prop_oneof![1 => Just(None), 5 => (0..200_u64).prop_map(Some)];
    let look = (content, running, vec(verdict, 3), units, 0..30_u64, said, prop::bool::weighted(0.1));
    let look = look.prop_map(|(content, running, verdicts, units, later, said, ends)| Look {
        content,
        running,
        verdicts,
        units,
        later,
        said,
        ends,
    });
    vec(look, 1..80)
}

fn plans() -> impl Strategy<Value = Plan> {
    let step = (1..100_u32, 0..40_u64, 0..100_u64, any::<bool>());
    (vec(step, 1..5), 50..3000_u64, any::<bool>()).prop_map(|(steps, deadline, back)| {
        let step = |(index, (part, hold, units, approval)): (usize, &(u32, u64, u64, bool))| {
            let approval = *approval && index > 0;
            format!(
                r#"{{"coverage": "{part}%", "hold": "{hold}ms", "minUnits": {units}, "approval": {approval}}}"#
            )
        };
        let steps: Vec<String> = steps.iter().enumerate().map(step).collect();
        let end = if back { "rollback" } else { "hold" };
        let text = format!(
            r#"{{"target": {{"file": "a", "experiment": "e"}}, "steps": [{}], "deadline": "{deadline}ms",
                "onDeadline": "{end}"}}"#,
            steps.join(", ")
        );
        spec(&text).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// The target goes up by single steps while all gates pass, never past somebody's edit, and from the first failure
    /// on nothing but what was there before is written. States survive being stored.
    #[test]
    fn writes_are_in_order(plan in plans(), looks in looks()) {
        let (mut state, mut file, mut now) = (State::new(7), 0, 7);
        let mut highest = 0;
        for look in looks {
            now += look.later;
            if let Some(Ok((next, _))) = look.said.map(|said| command(&state, said, now)) {
                state = next;
            }
            let content = look.content.unwrap_or(Content::Version(file));
            let gate = |(name, verdict): (&&str, &Verdict)| GateResult {
                name: (*name).to_owned(), verdict: *verdict, detail: String::new(),
            };
            let seen = Observation {
                content,
                running: look.running.unwrap_or(Running::All(file)),
                gates: GATES.iter().zip(&look.verdicts).map(gate).collect(),
                units: look.units,
                no_data: false,
            };
            let turn = advance(&plan, &state, &seen, now);
            prop_assert_eq!(&advance(&plan, &state, &seen, now), &turn, "the same in, the same out");
            let text = serde_json::to_string(&turn.state).unwrap();
            prop_assert_eq!(&serde_json::from_str::<State>(&text).unwrap(), &turn.state);
            let failed = look.verdicts.contains(&Verdict::Fail);
            if let Some(version) = turn.write {
                prop_assert!(matches!(content, Content::Version(held) if version == 0 || held + 1 == version));
                prop_assert!(version <= plan.steps.len());
                prop_assert!(version == 0 || version > highest || look.content.is_some() || file < highest
                    || version == highest, "{} {}", version, highest);
                if version > 0 {
                    prop_assert!(!failed && !turn.state.phase.is_rollback() && !turn.state.paused);
                    prop_assert!(plan.deadline.is_none_or(|end| now - 7 < end));
                } else {
                    prop_assert!(turn.state.phase.is_rollback());
                }
            }
            if failed && !state.phase.is_final() {
                prop_assert!(turn.state.phase.is_rollback());
            }
            if state.phase.is_final() {
                prop_assert_eq!(&turn.state, &state);
            }
            let went_on = state.phase.step() < turn.state.phase.step() || turn.state.phase == Phase::Completed;
            if went_on && !state.phase.is_final() {
                prop_assert!(look.verdicts.iter().all(|verdict| *verdict == Verdict::Pass));
                let step = state.phase.step().unwrap();
                prop_assert_eq!(seen.running, Running::All(step));
                let least = plan.steps[step - 1].min_units;
                let waited = matches!(state.phase, Phase::Waiting { .. });
                prop_assert!(waited || least == 0 || look.units.is_some_and(|units| units >= least));
            }
            state = turn.state;
            if let Some(version) = turn.write.filter(|_| !look.ends) {
                file = version;
                highest = highest.max(version);
            }
        }
    }
}
