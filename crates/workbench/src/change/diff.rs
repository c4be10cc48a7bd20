//! Which share of units changes variant between two configurations.

use crate::document::Loaded;
use crate::error::Error;
use crate::movement::{Transition, Transitions, transitions};
use crate::population::{Ends, Recipe};
use crate::simulate::ids::Shape;
use crate::subject::{Draws, Origin, Subject, subjects_of};
use crate::text::percent;
use serde::Serialize;
use std::collections::HashMap;
use std::io::Write;

/// Why ids are made up.
const ANOTHER_HASH: &str = "another hash, seed or scale";
const TOGETHER: &str = "holdouts, layers or other experiments decide too";

/// What changes. The JSON form is documented in `docs/cli.md`.
#[derive(Debug, Serialize)]
pub struct Report {
    changes: Vec<Change>,
}

/// What happens to one experiment or split.
#[derive(Debug, Serialize)]
struct Change {
    name: String,
    kind: Kind,
    method: Method,
    /// Why ranges do not say it.
    #[serde(skip)]
    why: &'static str,
    /// How many ids were tried, when `method` says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<u64>,
    /// From 0 to 1.
    moved: f64,
    transitions: Vec<Transition>,
    /// What the hash was salted with, and is, where that has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    salts: Option<[Option<String>; 2]>,
    /// What else decides about units and has changed; it is not in the numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Same,
    Changed,
    Added,
    Removed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Method {
    /// By the ranges.
    Exact,
    /// By assigning made-up ids.
    Simulated,
}

/// Compares two configurations. `draws` says how the modules that run the old one draw, `ids` how many ids are made up
/// for results that ranges do not determine.
///
/// # Errors
/// A configuration whose units cannot be simulated; a message for people.
pub fn compare(old: Loaded, new: Loaded, draws: Draws, ids: u64) -> Result<Report, Error> {
    let [old, new] = [(old, draws), (new, Draws::OfThisVersion)]
        .map(|(loaded, draws)| Side { subjects: subjects_of(&loaded, draws), loaded });
    compare_sides(&old, &new, ids)
}

/// One of two configurations.
struct Side {
    loaded: Loaded,
    subjects: Vec<Subject>,
}

impl Side {
    fn find(&self, name: &str) -> Option<&Subject> {
        self.subjects.iter().find(|it| it.name == name)
    }
}

fn compare_sides(old: &Side, new: &Side, ids: u64) -> Result<Report, Error> {
    let added = new.subjects.iter().filter(|after| old.find(&after.name).is_none());
    let pairs = old.subjects.iter().map(|before| (Some(before), new.find(&before.name)));
    let pairs: Vec<_> = pairs.chain(added.map(|after| (None, Some(after)))).collect();
    let counted = counted(&pairs, old, new, ids)?;
    let changes = pairs.iter().zip(counted).map(|(pair, whole)| change(*pair, whole, ids));
    Ok(Report { changes: changes.collect() })
}

/// What becomes of an experiment or split, with what was counted about it, if the hash alone does not say it.
fn change(pair: (Option<&Subject>, Option<&Subject>), counted: Option<Vec<Transition>>, ids: u64) -> Change {
    let (kind, also) = match pair {
        (Some(old), Some(new)) => (Kind::Same, old.also_changed(new)),
        (None, _) => (Kind::Added, Vec::new()),
        (_, None) => (Kind::Removed, Vec::new()),
    };
    let why = if counted.is_some() { TOGETHER } else { ANOTHER_HASH };
    let (method, transitions) = match (counted, pair) {
        (Some(counted), _) => (Method::Simulated, counted),
        (None, (Some(old), Some(new))) if old.hash == new.hash && old.ranges.scale == new.ranges.scale => {
            (Method::Exact, transitions(&old.ranges, &new.ranges))
        }
        (None, (Some(old), Some(new))) => (Method::Simulated, simulated(old, new, ids)),
        (None, (old, new)) => (Method::Exact, alone(old, new)),
    };
    let kind = if kind == Kind::Same && (!transitions.is_empty() || !also.is_empty()) {
        Kind::Changed
    } else {
        kind
    };
    let salt = |subject: &Subject| subject.hash.get(1).cloned().unwrap_or_default();
    let (before, after) = (pair.0.map(salt), pair.1.map(salt));
    let salts = (before != after && before.is_some() && after.is_some()).then_some([before, after]);
    Change {
        name: pair.0.or(pair.1).map(|it| it.name.clone()).unwrap_or_default(),
        kind,
        method,
        why,
        ids: (method == Method::Simulated).then_some(ids),
        moved: total(&transitions),
        transitions,
        salts,
        also,
    }
}

/// An experiment that is new or gone: everybody in it comes from or goes to nowhere.
fn alone(old: Option<&Subject>, new: Option<&Subject>) -> Vec<Transition> {
    let nobody = |subject: &Subject| {
        let mut nobody = subject.ranges.clone();
        nobody.segments.clear();
        nobody
    };
    match (old, new) {
        (Some(old), _) => transitions(&old.ranges, &nobody(old)),
        (None, Some(new)) => transitions(&nobody(new), &new.ranges),
        (None, None) => Vec::new(),
    }
}

/// A pair about which something must be counted.
struct Open<'s> {
    old: Option<&'s Subject>,
    new: Option<&'s Subject>,
    /// Where the result goes.
    slot: &'s mut Option<Vec<Transition>>,
}

/// The rule of a split.
fn rule_of<'s>(open: &Open<'s>) -> Option<&'s str> {
    match &open.old.or(open.new)?.origin {
        Origin::Split(rule) => Some(rule),
        Origin::Experiment(..) => None,
    }
}

/// Counts where more than the hash decides: made-up ids go through both configurations, once for all
/// experiments, and once for each split that follows a variant.
fn counted(
    pairs: &[(Option<&Subject>, Option<&Subject>)],
    old: &Side,
    new: &Side,
    ids: u64,
) -> Result<Vec<Option<Vec<Transition>>>, Error> {
    let depends = |subject: Option<&Subject>| subject.is_some_and(|it| it.depends);
    let mut all: Vec<Option<Vec<Transition>>> = pairs.iter().map(|_| None).collect();
    let mut open: Vec<Open<'_>> = Vec::new();
    for (&(old, new), slot) in pairs.iter().zip(&mut all) {
        if depends(old) || depends(new) {
            open.push(Open { old, new, slot });
        }
    }
    let (splits, experiments): (Vec<_>, Vec<_>) = open.into_iter().partition(|it| rule_of(it).is_some());
    let passes = [experiments].into_iter().chain(splits.into_iter().map(|split| vec![split]));
    for pass in passes {
        let Some(rule) = pass.first().map(rule_of) else { continue };
        let recipes = (Recipe::new(&old.loaded, rule)?, Recipe::new(&new.loaded, rule)?);
        let sources: Vec<_> = pass.iter().map(|it| (source(it.old), source(it.new))).collect();
        for (tally, it) in tallied(&recipes, &sources, ids)?.into_iter().zip(pass) {
            let mut moved = Transitions::default();
            for ((was, is), units) in tally {
                moved.add(named(it.old, was), named(it.new, is), units as f64);
            }
            *it.slot = Some(shares(moved, ids));
        }
    }
    Ok(all)
}

/// The ids in one part for each processor: how many come before the part, and how many it has.
fn parts(ids: u64) -> impl Iterator<Item = (usize, usize)> {
    let ids = usize::try_from(ids).unwrap_or(usize::MAX);
    let most = std::thread::available_parallelism().map_or(1, usize::from).min(ids / 10_000 + 1);
    let each = ids.div_ceil(most);
    (0..most).map(move |part| (part * each, each.min(ids.saturating_sub(part * each))))
}

/// How many units got which variants, before and after, by their indexes.
type Tally = HashMap<(Option<usize>, Option<usize>), u64>;

/// Where the variant of a unit comes from.
#[derive(Clone, Copy)]
enum Source {
    /// An experiment, by its index.
    Experiment(usize),
    Split,
}

/// Makes up ids and counts, on all processors, for each pair of sources.
fn tallied(
    recipes: &(Recipe, Recipe),
    sources: &[(Option<Source>, Option<Source>)],
    ids: u64,
) -> Result<Vec<Tally>, Error> {
    let count = |(first, ids): (usize, usize)| -> Result<Vec<Tally>, Error> {
        let (mut before, mut after) = (recipes.0.population()?, recipes.1.population()?);
        let mut tallies = vec![Tally::default(); sources.len()];
        for id in Shape::Sequential.ids().skip(first).take(ids) {
            let (was, is) = (before.decide(&id), after.decide(&id));
            for (tally, (old, new)) in tallies.iter_mut().zip(sources) {
                *tally.entry((given(*old, &was), given(*new, &is))).or_default() += 1;
            }
        }
        Ok(tallies)
    };
    let parts: Vec<_> = parts(ids).collect();
    // Browsers have no threads for this.
    if let [whole] = parts.as_slice() {
        return count(*whole);
    }
    std::thread::scope(|scope| {
        let count = &count;
        let parts: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || count(part))).collect();
        let mut sums = vec![Tally::default(); sources.len()];
        for part in parts {
            let ended = |_| Error::because("a thread that counts units ended early");
            let tallies = part.join().map_err(ended)??;
            for (sum, tally) in sums.iter_mut().zip(tallies) {
                tally.into_iter().for_each(|(pair, units)| *sum.entry(pair).or_default() += units);
            }
        }
        Ok(sums)
    })
}

fn source(subject: Option<&Subject>) -> Option<Source> {
    Some(match subject?.origin {
        Origin::Experiment(index, _) => Source::Experiment(index),
        Origin::Split(_) => Source::Split,
    })
}

/// The index of the variant that a unit got.
fn given(source: Option<Source>, ends: &Ends) -> Option<usize> {
    match source? {
        Source::Experiment(index) => ends.experiments.get(index)?.as_ref()?.variant(),
        Source::Split => ends.split,
    }
}

/// The name of a variant of the subject.
fn named(subject: Option<&Subject>, variant: Option<usize>) -> Option<&str> {
    subject?.ranges.variants.get(variant?).map(String::as_str)
}

/// A sum over nothing would be -0.
fn total(transitions: &[Transition]) -> f64 {
    transitions.iter().fold(0.0, |sum, it| sum + it.share)
}

fn simulated(old: &Subject, new: &Subject, ids: u64) -> Vec<Transition> {
    let mut moved = Transitions::default();
    for id in Shape::Sequential.ids().take(usize::try_from(ids).unwrap_or(usize::MAX)) {
        moved.add(old.assign(&id), new.assign(&id), 1.0);
    }
    shares(moved, ids)
}

/// Counts as shares.
fn shares(moved: Transitions, ids: u64) -> Vec<Transition> {
    let mut moved = moved.sorted();
    moved.iter_mut().for_each(|it| it.share /= ids as f64);
    moved
}

impl Report {
    /// Whether no unit moves.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.changes.iter().all(|change| change.kind == Kind::Same)
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_text(&self, out: &mut impl Write) -> std::io::Result<()> {
        if self.changes.is_empty() {
            writeln!(out, "neither has an experiment or a split")?;
        }
        self.changes.iter().try_for_each(|change| change.write_text(out))
    }
}

impl Change {
    fn write_text(&self, out: &mut impl Write) -> std::io::Result<()> {
        let name = &self.name;
        match (self.kind, self.ids) {
            (Kind::Changed, _) if self.transitions.is_empty() => {
                writeln!(out, "{name}: no units move by the hash")?;
            }
            (Kind::Same, _) => writeln!(out, "{name}: no units move")?,
            (Kind::Added, _) => writeln!(out, "{name}: is new")?,
            (Kind::Removed, _) => writeln!(out, "{name}: is gone")?,
            (_, None) => writeln!(out, "{name}: {} of all units move", percent(self.moved))?,
            (_, Some(ids)) => writeln!(
                out,
                "{name}: about {} of all units move ({}: by {ids} made-up ids)",
                percent(self.moved),
                self.why
            )?,
        }
        for Transition { from, to, share } in &self.transitions {
            let name = |variant: &Option<String>| variant.clone().unwrap_or_else(|| "(none)".into());
            writeln!(out, "  {} -> {}: {}", name(from), name(to), percent(*share))?;
        }
        if let Some([Some(before), Some(after)]) = &self.salts {
            writeln!(
                out,
                "  drawn with the salt {after:?}, before with {before:?}: `seed: {before}` keeps the old draw"
            )?;
        }
        self.also
            .iter()
            .try_for_each(|what| writeln!(out, "  {what} changed too; that is not in the numbers"))
    }
}
