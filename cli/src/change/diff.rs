//! `weir diff`: which share of units changes variant between two configurations.

use crate::document;
use crate::movement::{Transition, Transitions, transitions};
use crate::output::{Failure, Format, Outcome, percent};
use crate::simulate::ids::Shape;
use crate::subject::{Subject, subjects};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Says which share of units changes variant between two configurations.
///
/// For each experiment and each split of a routing rule: the share of all units that moves, and from where
/// to where. Where hash, seed and scale are the same the numbers are exact, by the ranges; where they differ, ids
/// are made up and assigned by both.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir diff canary.yaml canary-new.yaml
  git show HEAD:canary.yaml | weir diff - canary.yaml

Exit codes: 0 nobody moves; 1 somebody does, or an experiment came or went; 2 a file cannot be used.")]
pub(crate) struct Args {
    /// The configuration before; `-` is standard input.
    old: PathBuf,
    /// The configuration after.
    new: PathBuf,
    /// How many ids to make up where hash, seed or scale differ.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    ids: u64,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Report {
    changes: Vec<Change>,
}

/// What happens to one experiment or split.
#[derive(Debug, Serialize)]
struct Change {
    name: String,
    kind: Kind,
    method: Method,
    /// How many ids were tried, when `method` says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<u64>,
    /// From 0 to 1.
    moved: f64,
    transitions: Vec<Transition>,
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

/// Compares and writes.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let old = document::load(&args.old, |_| true)?;
    let new = document::load(&args.new, |_| true)?;
    let report = compare(&subjects(&old), &subjects(&new), args.ids);
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        report.write_text(out)?;
    }
    let quiet = |change: &Change| change.kind == Kind::Same;
    Ok(if report.changes.iter().all(quiet) { Outcome::Fine } else { Outcome::Problems })
}

fn compare(old: &[Subject], new: &[Subject], ids: u64) -> Report {
    let find = |list: &'_ [Subject], name: &str| list.iter().position(|it| it.name == name);
    let mut changes = Vec::new();
    for before in old {
        changes.push(match find(new, &before.name) {
            Some(after) => both(before, &new[after], ids),
            None => alone(before, Kind::Removed),
        });
    }
    let added = new.iter().filter(|after| find(old, &after.name).is_none());
    changes.extend(added.map(|after| alone(after, Kind::Added)));
    Report { changes }
}

fn both(old: &Subject, new: &Subject, ids: u64) -> Change {
    let (method, transitions) = if old.hash == new.hash && old.ranges.scale == new.ranges.scale {
        (Method::Exact, transitions(&old.ranges, &new.ranges))
    } else {
        (Method::Simulated, simulated(old, new, ids))
    };
    let also = old.also_changed(new);
    let changed = !transitions.is_empty() || !also.is_empty();
    Change {
        name: old.name.clone(),
        kind: if changed { Kind::Changed } else { Kind::Same },
        method,
        ids: (method == Method::Simulated).then_some(ids),
        moved: total(&transitions),
        transitions,
        also,
    }
}

/// An experiment that is new or gone: everybody in it comes from or goes to nowhere.
fn alone(subject: &Subject, kind: Kind) -> Change {
    let mut nobody = subject.ranges.clone();
    nobody.segments.clear();
    let transitions = match kind {
        Kind::Added => transitions(&nobody, &subject.ranges),
        _ => transitions(&subject.ranges, &nobody),
    };
    let moved = total(&transitions);
    let (name, also) = (subject.name.clone(), Vec::new());
    Change { name, kind, method: Method::Exact, ids: None, moved, transitions, also }
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
    let mut moved = moved.sorted();
    moved.iter_mut().for_each(|it| it.share /= ids as f64);
    moved
}

impl Report {
    fn write_text(&self, out: &mut impl Write) -> std::io::Result<()> {
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
                writeln!(out, "{name}: nobody moves by the hash")?;
            }
            (Kind::Same, _) => writeln!(out, "{name}: nobody moves")?,
            (Kind::Added, _) => writeln!(out, "{name}: is new")?,
            (Kind::Removed, _) => writeln!(out, "{name}: is gone")?,
            (_, None) => writeln!(out, "{name}: {} of all units move", percent(self.moved))?,
            (_, Some(ids)) => writeln!(
                out,
                "{name}: about {} of all units move (another hash, seed or scale: by {ids} made-up ids)",
                percent(self.moved)
            )?,
        }
        for Transition { from, to, share } in &self.transitions {
            let name = |variant: &Option<String>| variant.clone().unwrap_or_else(|| "(none)".into());
            writeln!(out, "  {} -> {}: {}", name(from), name(to), percent(*share))?;
        }
        self.also
            .iter()
            .try_for_each(|what| writeln!(out, "  {what} changed too; that is not in the numbers"))
    }
}
