//! In which order experiments are decided: those that others need come first.

use super::keys::Keys;
use crate::config::{Experiment, Prerequisite};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use weir_core::{At, Compiler};

/// Positions in the list, prerequisites first and else in their order. Circles are reported.
pub(super) fn decided(
    list: &[Experiment],
    keys: &Keys<'_>,
    compiler: &mut Compiler<'_>,
    at: &At,
) -> Vec<usize> {
    let needs: Vec<Vec<usize>> = list.iter().enumerate().map(|(i, it)| needs(i, it, keys)).collect();
    // Of each experiment, those that need it; and how many it still waits for itself.
    let mut needed_by = vec![Vec::new(); list.len()];
    for (position, needs) in needs.iter().enumerate() {
        for need in needs {
            if let Some(dependents) = needed_by.get_mut(*need) {
                dependents.push(position);
            }
        }
    }
    let mut waits: Vec<usize> = needs.iter().map(Vec::len).collect();
    let free = waits.iter().enumerate().filter(|(_, waits)| **waits == 0);
    let mut free: BinaryHeap<Reverse<usize>> = free.map(|(position, _)| Reverse(position)).collect();
    let mut order = Vec::with_capacity(list.len());
    let mut placed = vec![false; list.len()];
    while order.len() < list.len() {
        let next = match free.pop() {
            Some(Reverse(next)) => next,
            None => break_circle(list, &needs, &placed, compiler, at),
        };
        // What was placed to break a circle may become free afterwards.
        match placed.get_mut(next) {
            Some(placed) if !*placed => *placed = true,
            _ => continue,
        }
        order.push(next);
        for dependent in needed_by.get(next).into_iter().flatten() {
            if let Some(waits) = waits.get_mut(*dependent) {
                *waits = waits.saturating_sub(1);
                if *waits == 0 {
                    free.push(Reverse(*dependent));
                }
            }
        }
    }
    order
}

/// The positions of the experiments that one needs: those of its prerequisites, and the one before it in its
/// flag. Keys that do not exist are reported elsewhere.
fn needs(index: usize, experiment: &Experiment, keys: &Keys<'_>) -> Vec<usize> {
    let named = experiment.prerequisites.iter().flat_map(Prerequisite::choices);
    let before = experiment.flag.as_deref().and_then(|flag| {
        let all = keys.of_flag(flag);
        all.get(all.partition_point(|position| *position < index).checked_sub(1)?).copied()
    });
    named.flat_map(|needed| keys.named(&needed.experiment)).chain(before).collect()
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
    let mut seen = vec![false; list.len()];
    // Everything that is open needs something open, so that the way comes back to itself.
    while let Some(next) = way.last().and_then(|last| needs.get(*last)?.iter().copied().find(open)) {
        if let Some(seen) = way.last().and_then(|last| seen.get_mut(*last)) {
            *seen = true;
        }
        way.push(next);
        if seen.get(next) == Some(&true) {
            let start = way.iter().position(|step| *step == next).unwrap_or_default();
            way.drain(..start);
            break;
        }
    }
    let keys: Vec<&str> = way.iter().filter_map(|i| list.get(*i)).map(|e| e.key.as_str()).collect();
    let first = way.first().copied().unwrap_or_default();
    compiler.problems.add(
        &at.index(first).field("prerequisites"),
        format!("prerequisites form a cycle: {}", keys.join(" needs ")),
    );
    first
}
