//! A layout as whole numbers on a vendor's scale.

use super::boundaries::{Boundaries, sorted_spans};
use super::grid::on_grid;
use super::{Definition, DefinitionPart, Layout, Refusal, Refused};

/// Pieces that lie side by side, in order. Those without an owner do not take part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    weights: Vec<u64>,
    owners: Vec<Option<usize>>,
}

impl Pieces {
    /// Weights that must be whole numbers as they are; their sum is the scale. Ranges in parts of
    /// `ranges_of`.
    pub(crate) fn whole(definition: &Definition<'_>, ranges_of: u32, problems: &mut Vec<Refusal>) -> Self {
        let Layout::Weights(weights) = definition.layout else {
            return Self::of_ranges(definition, ranges_of, problems);
        };
        let mut pieces = Self::default();
        for (index, &weight) in weights.iter().enumerate() {
            if weight.fract() != 0.0 || weight > f64::from(i32::MAX) {
                problems.push(Refusal::new(
                    DefinitionPart::Weight(index),
                    "weights must be whole numbers below 2^31",
                ));
            }
            #[allow(clippy::cast_possible_truncation, reason = "what is not a whole number is refused")]
            let whole = weight as u64;
            pieces.push(whole, Some(index));
        }
        if pieces.total() > i32::MAX as u64 {
            problems.push(Refusal::new(DefinitionPart::Layout, "the sum of the weights must be below 2^31"));
        }
        pieces
    }

    /// Weights whose parts of their sum must be whole parts of `grid`, so that 50 and 50 mean the same as 5000 and
    /// 5000.
    #[allow(clippy::cast_possible_truncation, reason = "a whole number, not negative")]
    pub(crate) fn on_grid(definition: &Definition<'_>, grid: u32, problems: &mut Vec<Refusal>) -> Self {
        let Layout::Weights(weights) = definition.layout else {
            return Self::of_ranges(definition, grid, problems);
        };
        let mut pieces = Self::default();
        for (index, part) in parts_of_sum(weights).enumerate() {
            match on_grid(part, grid) {
                Some(weight) => pieces.push(weight, Some(index)),
                None => problems.push(Refusal::new(DefinitionPart::Weight(index), off_grid(grid))),
            }
        }
        pieces
    }

    /// As [`on_grid`](Self::on_grid), each piece narrowed by the coverage and followed by what that leaves.
    pub(crate) fn narrowed(definition: &Definition<'_>, grid: u32, problems: &mut Vec<Refusal>) -> Self {
        let Layout::Weights(weights) = definition.layout else {
            return Self::of_ranges(definition, grid, problems);
        };
        let mut pieces = Self::default();
        for (index, part) in parts_of_sum(weights).enumerate() {
            match (on_grid(part, grid), on_grid(part * definition.coverage, grid)) {
                (Some(whole), Some(covered)) => {
                    pieces.push(covered, Some(index));
                    pieces.push(whole - covered, None);
                }
                _ => problems.push(Refusal::new(DefinitionPart::Weight(index), off_grid(grid))),
            }
        }
        pieces
    }

    fn of_ranges(definition: &Definition<'_>, grid: u32, problems: &mut Vec<Refusal>) -> Self {
        let mut pieces = Self::default();
        let Layout::Ranges(ranges) = definition.layout else { return pieces };
        let mut position = 0;
        for (span, variant) in sorted_spans(ranges, problems) {
            match (on_grid(span.start, grid), on_grid(span.end, grid)) {
                (Some(start), Some(end)) => {
                    pieces.push(start.saturating_sub(position), None);
                    pieces.push(end - start, Some(variant));
                    position = end;
                }
                _ => problems.push(Refusal::new(DefinitionPart::Layout, off_grid(grid))),
            }
        }
        pieces.push(u64::from(grid).saturating_sub(position), None);
        pieces
    }

    fn push(&mut self, weight: u64, owner: Option<usize>) {
        // A gap of nothing is no piece; a variant of nothing is one, because vendors may count it.
        if weight > 0 || owner.is_some() {
            self.weights.push(weight);
            self.owners.push(owner);
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.weights.iter().sum()
    }

    pub(crate) fn weights(&self) -> impl Iterator<Item = u64> {
        self.weights.iter().copied()
    }

    pub(crate) fn owners(&self) -> &[Option<usize>] {
        &self.owners
    }

    /// The boundaries where each number counts as it is, and the scale.
    pub(crate) fn into_boundaries(self, problems: Vec<Refusal>) -> Result<(Boundaries, u32), Refused> {
        if !problems.is_empty() {
            return Err(Refused(problems));
        }
        let mut end = 0;
        let ends: Vec<u64> = self
            .weights()
            .map(|weight| {
                end += weight;
                end
            })
            .collect();
        // Checked to be below 2^31.
        Ok((Boundaries::side_by_side(&self.owners, &ends), u32::try_from(end).unwrap_or(u32::MAX)))
    }
}

/// Each weight as a part of all.
pub(crate) fn parts_of_sum(weights: &[f64]) -> impl Iterator<Item = f64> {
    let total: f64 = weights.iter().sum();
    weights.iter().map(move |weight| weight / total)
}

const fn off_grid(grid: u32) -> &'static str {
    match grid {
        100 => "this algorithm has steps of 1 %",
        1000 => "this algorithm has steps of 0.1 %",
        10_000 => "this algorithm has steps of 0.01 %",
        100_000 => "this algorithm has steps of 0.001 %",
        _ => "this algorithm has steps of 0.0001 %",
    }
}
