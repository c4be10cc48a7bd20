//! Weir beside Envoy's own `jwt_authn` in one Envoy: every token of `tests/vectors/jwt`, and what else both
//! filters do with tokens. Nothing that must be refused may pass ours; every difference must be one of
//! `docs/jwt-authn-differences.md`, which this test writes when `WEIR_WRITE_DIFFERENCES` is set.

mod corpus;
mod document;
mod habits;
mod known;
mod sides;

use std::collections::BTreeMap;

use super::jwt_e2e::sign;
use corpus::{Corpus, Sample};
use known::Difference;
pub(crate) use sides::JWT_AUTHN;
use sides::{Side, Verdict};

/// Requests under way at any time.
const AT_ONCE: usize = 8;

/// What became of the corpus.
struct Outcome {
    /// Tokens that went through both filters.
    compared: usize,
    /// Those that both accept, and both refuse.
    accepted: usize,
    refused: usize,
    /// The others, by class.
    classes: BTreeMap<&'static str, usize>,
}

fn compare(samples: &[Sample], ours: &[Verdict], theirs: &[Verdict]) -> Outcome {
    let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
    let mut outcome = Outcome { compared: samples.len(), accepted: 0, refused: 0, classes: BTreeMap::new() };
    for class in known::CLASSES {
        outcome.classes.insert(class.name, 0);
    }
    for ((sample, ours), theirs) in samples.iter().zip(ours).zip(theirs) {
        if ours.words != sample.expected {
            wrong.push(format!("{}: {ours:?}, not {}", sample.name, sample.expected));
        }
        match (ours.accepted, theirs.accepted) {
            (true, true) => outcome.accepted += 1,
            (false, false) => outcome.refused += 1,
            _ => match known::class(&Difference { sample, ours, theirs }) {
                Some(class) => *outcome.classes.entry(class.name).or_default() += 1,
                None => unknown.push(format!("{}: ours {ours:?}, Envoy's {theirs:?}", sample.name)),
            },
        }
    }
    assert!(wrong.is_empty(), "{} verdicts of ours are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(unknown.is_empty(), "{} unexplained differences:\n{}", unknown.len(), unknown.join("\n"));
    let gone: Vec<_> = outcome.classes.iter().filter(|(_, count)| **count == 0).collect();
    assert!(gone.is_empty(), "there are no such differences any more: {gone:?}");
    outcome
}

#[test]
fn every_difference_to_jwt_authn_is_known() {
    let corpus = Corpus::load();
    let sides = sides::start(&corpus);
    let (samples, unsendable) = corpus.samples();
    let (ours, theirs) = (sides.judge(Side::Ours, &samples), sides.judge(Side::Envoys, &samples));
    let outcome = compare(&samples, &ours, &theirs);
    let habits = habits::observe();
    println!(
        "{} tokens through both, {unsendable} that HTTP cannot carry: both accept {}, both refuse {}, {:?}; {} habits",
        outcome.compared,
        outcome.accepted,
        outcome.refused,
        outcome.classes,
        habits.len(),
    );
    // A comparison of nothing but refusals would prove little.
    assert!(outcome.compared > 1200 && outcome.accepted > 100, "{} {}", outcome.compared, outcome.accepted);
    document::check(&outcome, unsendable, &habits);
}
