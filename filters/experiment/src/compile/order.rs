//! In which order experiments are decided: those that others need come first.

use crate::config::{Experiment, Prerequisite};
use weir_core::{At, Compiler};

/// Positions in the list, prerequisites first and else in their order. Circles are reported.
pub(super) fn decided(list: &[Experiment], compiler: &mut Compiler<'_>, at: &At) -> Vec<usize> {
    let mut last = Vec::new();
    let needs: Vec<Vec<usize>> =
        list.iter().enumerate().map(|(i, experiment)| needs(i, experiment, list, &mut last)).collect();
    let mut order = Vec::with_capacity(list.len());
    let mut placed = vec![false; list.len()];
    while order.len() < list.len() {
        let free = |i: &usize| {
            let done = |need: &usize| placed.get(*need) == Some(&true);
            placed.get(*i) == Some(&false) && needs.get(*i).is_some_and(|needs| needs.iter().all(done))
        };
        let next = match (0..list.len()).find(free) {
            Some(next) => next,
            None => break_circle(list, &needs, &placed, compiler, at),
        };
        if let Some(placed) = placed.get_mut(next) {
            *placed = true;
        }
        order.push(next);
    }
    order
}

/// The positions of the experiments that one needs: those of its prerequisites, and the one before it in its
/// flag. Keys that do not exist are reported elsewhere. `last` has the last experiment of each flag so far.
fn needs<'l>(
    index: usize,
    experiment: &'l Experiment,
    list: &[Experiment],
    last: &mut Vec<(&'l str, usize)>,
) -> Vec<usize> {
    let named = experiment.prerequisites.iter().flat_map(Prerequisite::choices);
    let is = |other: &Experiment, name: &str| other.key == name || other.flag.as_deref() == Some(name);
    let mut needs: Vec<usize> = named
        .flat_map(|needed| (0..list.len()).filter(|i| list.get(*i).is_some_and(|other| is(other, &needed.experiment))))
        .collect();
    if let Some(flag) = experiment.flag.as_deref() {
        match last.iter_mut().find(|(known, _)| *known == flag) {
            Some((_, before)) => needs.push(std::mem::replace(before, index)),
            None => last.push((flag, index)),
        }
    }
    needs
}

/// Reports a circle among what is not placed yet, and returns an experiment of it.
fn break_circle(
    list: &[Experiment],
    needs: &[Vec<usize>],
    placed: &[bool],
    compiler: &mut Compiler<'_>,
    at: &At,
) -> usize {
    let open = |i: &usize| placed.get(*i) == Some(&false);
    let mut way: Vec<usize> = (0..list.len()).find(open).into_iter().collect();
    // Everything that is open needs something open, so that the way comes back to itself.
    while let Some(next) = way.last().and_then(|last| needs.get(*last)?.iter().copied().find(open)) {
        way.push(next);
        if let Some(start) = way.iter().position(|step| *step == next).filter(|i| i + 1 < way.len()) {
            way.drain(..start);
            break;
        }
    }
    let keys: Vec<&str> = way.iter().filter_map(|i| list.get(*i)).map(|e| e.key.as_str()).collect();
    let first = way.first().copied().unwrap_or_default();
    compiler.problems.add(
        &at.index(first).field("prerequisites"),
        format!("experiments need each other in a circle: {}", keys.join(" needs ")),
    );
    first
}
