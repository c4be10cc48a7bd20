//! Names of experiments and flags.

use crate::config::Experiment;
use weir_core::Table;
use weir_core::table::Groups;

/// Where the experiments are in the list, by key.
pub(super) struct Keys<'a> {
    keys: Table<&'a str>,
    /// The position of the first experiment with each of the keys.
    first: Vec<usize>,
    /// The positions of the experiments of each flag.
    flags: Groups<&'a str, usize>,
}

impl<'a> Keys<'a> {
    pub(super) fn of(list: &'a [Experiment]) -> Self {
        let mut all = Self { keys: Table::default(), first: Vec::new(), flags: Groups::default() };
        for (position, spec) in list.iter().enumerate() {
            if all.keys.insert(&spec.key) {
                all.first.push(position);
            }
            if let Some(flag) = spec.flag.as_deref() {
                all.flags.add(flag, position);
            }
        }
        all
    }

    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.first.get(self.keys.find(key)?).copied()
    }

    /// The positions of the experiments of a flag.
    pub(super) fn of_flag(&self, flag: &str) -> &[usize] {
        self.flags.get(flag)
    }

    /// The positions of what a prerequisite can name: an experiment, or those of a flag.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = usize> {
        self.position(name).into_iter().chain(self.of_flag(name).iter().copied())
    }
}
