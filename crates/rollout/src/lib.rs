#![doc = include_str!("../README.md")]
//! ## Modules
//!
//! | module | content |
//! |---|---|
//! | [`spec`] | what users write: target, steps, gates, deadline |
//! | [`plan`] | the same, checked |
//! | [`state`] | where a rollout is: what is kept between two evaluations |
//! | [`machine`] | one evaluation: plan, state, observation and time in; state, what to write and events out |
//!
//! Configurations are *versions* here: 0 is what was there before, `n` is what step `n` makes of it. Whoever calls
//! [`machine::advance`] stores the new state before it writes the version that the machine asks for. Then a program
//! that ends at any point, and starts again, goes on as if it had not ended.
//!
//! ## From the specification to a plan
//!
//! Everything that is wrong is reported at once, each with its place. Where nothing is written, gates are those that
//! fit:
//!
//! ```
//! use weir_core::{Problems, load};
//! use weir_rollout::{Check, Gate, OnDeadline, Place, Plan, Share, Spec, Step, Subject};
//!
//! let compile = |text: &str| {
//!     let mut problems = Problems::default();
//!     let spec: Spec = load(text.as_bytes(), &mut problems);
//!     Plan::compile(&spec, problems).map_err(|problems| problems.to_string())
//! };
//! let plan = compile(r#"{"target": {"file": "weir.json", "experiment": "checkout"},
//!     "steps": [{"coverage": 0.1, "hold": "1h"}], "deadline": "1d", "onDeadline": "rollback"}"#)?;
//! assert_eq!(plan.place, Place::File("weir.json".to_owned()));
//! assert_eq!(plan.subject, Subject::Experiment("checkout".to_owned()));
//! let Step { name, share, hold, .. } = &plan.steps[0];
//! assert_eq!((&**name, *hold), ("coverage 10 %", 3_600_000));
//! assert_eq!(*share, Share { coverage: Some(0.1), weights: None });
//! assert_eq!((plan.deadline, plan.on_deadline), (Some(86_400_000), OnDeadline::Rollback));
//! let names: Vec<&str> = plan.gates.iter().map(|gate| &*gate.name).collect();
//! assert_eq!(names, ["srm", "errors", "latency"]);
//! assert_eq!(plan.gates[1], Gate { name: "errors".to_owned(), check: Check::Errors { tolerance: 0.01 } });
//! assert_eq!(plan.gates_of(1), 3, "all of them apply while the first step runs");
//!
//! // With weights that change meanwhile, units say nothing of the split any more.
//! let weighted = compile(r#"{"target": {"file": "weir.json", "experiment": "checkout", "baseline": "old",
//!     "variant": "new"}, "steps": [{"coverage": 0.1}, {"weights": {"old": 1, "new": 1}}]}"#)?;
//! assert!(weighted.applies(&weighted.gates[0], 1) && !weighted.applies(&weighted.gates[0], 2));
//!
//! let problems = compile(r#"{"target": {"file": "weir.json", "experiment": "a", "split": "b"}, "steps": []}"#);
//! let expected = "target.split: expected either `experiment` or `split`
//! steps: missing: expected at least one step, such as {coverage: 10%, hold: 10m}";
//! assert_eq!(problems.err().as_deref(), Some(expected));
//! # Ok::<(), String>(())
//! ```
//!
//! ## Commands of people
//!
//! ```
//! use weir_rollout::{Command, EventKind, Phase, Reason, Refused, State, command};
//!
//! let (paused, event) = command(&State::new(0), Command::Pause, 5_000)?;
//! assert_eq!((paused.paused, event.event, event.at), (true, EventKind::Paused, 5_000));
//! assert_eq!(command(&paused, Command::Approve, 6_000), Err(Refused::NothingWaits));
//!
//! let (aborted, _) = command(&paused, Command::Abort, 7_000)?;
//! assert!(aborted.phase.is_rollback() && !aborted.phase.is_final());
//! assert_eq!(aborted.phase, Phase::Restoring { from: 1, reason: Reason::Aborted });
//! # Ok::<(), Refused>(())
//! ```

#![forbid(unsafe_code)]

pub mod machine;
pub mod plan;
pub mod spec;
pub mod state;

pub use machine::{
    Advance, Command, Content, GateResult, Observation, Refused, Running, Verdict, advance, command,
};
pub use plan::{Check, Gate, Kind, OnDeadline, Place, Plan, Resource, Share, Step, Subject};
pub use spec::Spec;
pub use state::{Event, EventKind, Held, Phase, Reason, State};
