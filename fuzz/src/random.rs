//! Inputs by chance: changes of bytes, and pieces that mean something, in inputs of a corpus.

use crate::Target;

/// Random changes, the same for the same seed.
#[derive(Debug)]
pub struct Random(fastrand::Rng);

impl Random {
    /// Starts at a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// A number below `count`, which is not zero.
    pub fn below(&mut self, count: usize) -> usize {
        self.0.usize(..count)
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }

    /// Puts a piece of the target into the input, in the place of some bytes or between them.
    pub fn put_piece(&mut self, target: &Target, input: &mut Vec<u8>) {
        let Some(piece) = self.one(target.pieces) else { return };
        let from = self.below(input.len() + 1);
        let replaced = if self.below(2) == 0 { 0 } else { self.below(piece.len() + 1) };
        let to = input.len().min(from + replaced);
        input.splice(from..to, piece.bytes());
    }

    /// Changes an input in a few places. `other` is an input that a part can be taken from.
    pub fn change(&mut self, target: &Target, input: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(4) {
            match self.below(8) {
                0..3 => self.put_piece(target, input),
                3 => {
                    let (from, at) = (self.below(other.len() + 1), self.below(input.len() + 1));
                    let to = other.len().min(from + self.below(40));
                    input.splice(at..at, other[from..to].iter().copied());
                }
                _ if input.is_empty() => {}
                4 => {
                    let at = self.below(input.len());
                    input[at] = self.below(256) as u8;
                }
                5 => {
                    let at = self.below(input.len());
                    input[at] ^= 1 << self.below(8);
                }
                6 => {
                    let from = self.below(input.len());
                    let to = input.len().min(from + self.below(8) + 1);
                    input.drain(from..to);
                }
                _ => {
                    let from = self.below(input.len());
                    let to = input.len().min(from + self.below(24) + 1);
                    let part = input[from..to].to_vec();
                    input.splice(to..to, part);
                }
            }
        }
    }
}
