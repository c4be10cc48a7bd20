//! New weights for a running experiment or split, with the least possible movement.

use super::edit::{self, Wanted};
use crate::document::{self, Loaded};
use crate::error::Error;
use crate::movement::{Ranges, Transition, transitions};
use crate::subject::{Origin, Subject, Which};
use crate::text::percent;
use crate::variables::Variables;
use crate::yaml::Node;
use serde::Serialize;
use std::io::{self, Write};
use weir_allocation::sdk::Segment;
use weir_allocation::{
    Allocation, BUCKETS, BucketRange, Fraction, Weights, anchored, replan, total_variation,
};
use weir_core::problem::did_you_mean;

/// A plan; shares are from 0 to 1.
#[derive(Debug, Serialize)]
pub struct Report {
    name: String,
    moved: f64,
    /// The least that any way from the old shares to the new ones moves.
    minimum: f64,
    transitions: Vec<Transition>,
    variants: Vec<Planned>,
}

#[derive(Debug, Serialize)]
struct Planned {
    key: String,
    share_before: f64,
    share: f64,
    /// None in a split, which has weights only.
    #[serde(skip_serializing_if = "Option::is_none")]
    ranges: Option<Vec<[f64; 2]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<f64>,
}

/// What is to be changed.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// What divides the units.
    pub which: &'a Which,
    /// As `control=34`; as before where there are none.
    pub weights: &'a [String],
    /// New variants.
    pub add: &'a [String],
    /// As `0.5` or `50%`; as before where `None`.
    pub coverage: Option<&'a str>,
    /// Environment variables that the configuration reads.
    pub variables: &'a Variables,
}

impl Change<'_> {
    /// What the change does to units.
    ///
    /// # Errors
    /// A text that cannot be used, weights that cannot be had.
    pub fn planned(&self, file: &str, text: &str) -> Result<Report, Error> {
        let loaded = self.find(file, text)?;
        plan(&self.which.find(&loaded)?, self)
    }

    /// The text of a file with the change in it, which moves as few units as possible.
    ///
    /// # Errors
    /// A file that cannot be used, weights that cannot be had.
    pub fn applied(&self, file: &str, text: &str) -> Result<String, Error> {
        let loaded = self.find(file, text)?;
        let subject = self.which.find(&loaded)?;
        let report = plan(&subject, self)?;
        self.edited(file, text, (&loaded, &subject), &report)
    }

    fn find(&self, file: &str, text: &str) -> Result<Loaded, Error> {
        document::find(file, text, self.variables, |loaded| self.which.find(loaded).is_ok())
    }

    fn edited(
        &self,
        file: &str,
        text: &str,
        (loaded, subject): (&Loaded, &Subject),
        report: &Report,
    ) -> Result<String, Error> {
        let written = write(loaded, subject, report, text)?;
        // What a module makes of the text is what counts, not what was meant.
        let again = self.find(file, &written).and_then(|loaded| self.which.find(&loaded));
        let planned = |again: &Subject| {
            report.variants.iter().enumerate().all(|(index, planned)| {
                (again.ranges.share_of(index) - planned.share).abs() < 1e-9
                    && again.ranges.variants.get(index) == Some(&planned.key)
            })
        };
        match again {
            Ok(again) if planned(&again) && moved_as_planned(subject, &again, report) => Ok(written),
            _ => Err(Error::file(file, "cannot be edited in place: paste the printed plan")),
        }
    }
}

fn moved_as_planned(old: &Subject, new: &Subject, report: &Report) -> bool {
    let moved = transitions(&old.ranges, &new.ranges).iter().fold(0.0, |sum, it| sum + it.share);
    old.hash == new.hash && (moved - report.moved).abs() < 1e-9
}

/// The file's text with the plan in it.
fn write(loaded: &Loaded, subject: &Subject, report: &Report, text: &str) -> Result<String, Error> {
    let gone = || Error::because("the file has changed since it was read");
    let root = loaded.written.as_ref().ok_or_else(gone)?;
    let item = |path: &[&str], key: &str, name: &str| -> Option<Node> {
        let list = root.path(path)?.items().iter();
        list.clone().find(|item| item.get(key).and_then(Node::text) == Some(name)).cloned()
    };
    let wanted: Vec<Wanted<'_>> = report.variants.iter().map(|planned| planned.wanted()).collect();
    match &subject.origin {
        Origin::Experiment(_, experiment) => {
            let owner = item(&["experiments", "list"], "key", &experiment.key).ok_or_else(gone)?;
            edit::apply(text, &owner, ("variants", "key"), &wanted)
        }
        Origin::Split(rule) => {
            let owner = item(&["routing", "rules"], "name", rule).ok_or_else(gone)?;
            let split = owner.get("split").ok_or_else(gone)?;
            edit::apply(text, split, ("targets", "name"), &wanted)
        }
    }
}

impl Planned {
    fn wanted(&self) -> Wanted<'_> {
        let text = match (&self.ranges, self.weight) {
            (Some(ranges), _) => format!("ranges: [{}]", written(ranges)),
            (None, weight) => format!("weight: {}", weight.unwrap_or_default()),
        };
        Wanted { key: &self.key, text }
    }
}

/// `[0, 0.5], [0.75, 1]`
fn written(ranges: &[[f64; 2]]) -> String {
    ranges.iter().map(|[start, end]| format!("[{start}, {end}]")).collect::<Vec<_>>().join(", ")
}

fn plan(subject: &Subject, args: &Change<'_>) -> Result<Report, Error> {
    if subject.has_ramp {
        return Err(Error::because(format_args!(
            "{} has a `ramp`, which changes it with time: remove the ramp first",
            subject.name
        )));
    }
    let old = &subject.ranges;
    let mut variants = old.variants.clone();
    for name in args.add {
        if variants.contains(name) {
            return Err(Error::given("add", name, "the variant already exists"));
        }
        variants.push(name.clone());
    }
    let weights = if args.weights.is_empty() {
        (0..variants.len()).map(|variant| old.share_of(variant)).collect()
    } else {
        let shares: Vec<f64> = (0..variants.len()).map(|variant| old.share_of(variant)).collect();
        named_weights(args.weights, &variants, &shares)?
    };
    if let Origin::Split(_) = &subject.origin {
        return plan_split(subject, args, &weights, variants);
    }
    let grid = grid(subject)?;
    let coverage = match args.coverage {
        Some(text) => part(text)?,
        None => (0..old.variants.len()).map(|variant| old.share_of(variant)).sum::<f64>().min(1.0),
    };
    let before = allocation(old, variants.len(), grid)?;
    let shares = shares(&weights, coverage, grid)?;
    let after = replan(&before, &shares).map_err(Error::because)?;
    let new = Ranges { variants: variants.clone(), segments: segments(&after, grid), ..old.clone() };
    // What the module will do with the ranges is what counts, not what was meant.
    let written: Vec<Vec<[f64; 2]>> = (0..variants.len()).map(|owner| ranges_of(&after, owner)).collect();
    subject.verify(&written, &new)?;
    let transitions = transitions(old, &new);
    let planned = variants.iter().zip(written).enumerate().map(|(owner, (key, ranges))| Planned {
        key: key.clone(),
        share_before: share_of(&before, owner),
        share: share_of(&after, owner),
        ranges: Some(ranges),
        weight: None,
    });
    Ok(Report {
        name: subject.name.clone(),
        moved: transitions.iter().fold(0.0, |sum, it| sum + it.share),
        minimum: f64::from(total_variation(&before, &after).millionths()) / f64::from(BUCKETS),
        transitions,
        variants: planned.collect(),
    })
}

/// A split with new weights: there is one layout for them.
fn plan_split(
    subject: &Subject,
    args: &Change<'_>,
    weights: &[f64],
    variants: Vec<String>,
) -> Result<Report, Error> {
    if args.coverage.is_some() {
        let message = format!("{} has none, all of its units have a target", subject.name);
        return Err(Error::option("coverage", message));
    }
    let old = &subject.ranges;
    let before = allocation(old, variants.len(), 1)?;
    let after = anchored(&Weights::from_relative(weights).map_err(Error::because)?);
    let new = Ranges { variants: variants.clone(), segments: segments(&after, 1), ..old.clone() };
    let transitions = transitions(old, &new);
    let planned = variants.iter().zip(weights).enumerate().map(|(owner, (key, weight))| Planned {
        key: key.clone(),
        share_before: share_of(&before, owner),
        share: share_of(&after, owner),
        ranges: None,
        weight: Some(*weight),
    });
    Ok(Report {
        name: subject.name.clone(),
        moved: transitions.iter().fold(0.0, |sum, it| sum + it.share),
        minimum: f64::from(total_variation(&before, &after).millionths()) / f64::from(BUCKETS),
        transitions,
        variants: planned.collect(),
    })
}

fn share_of(allocation: &Allocation, owner: usize) -> f64 {
    f64::from(allocation.share_of(owner).millionths()) / f64::from(BUCKETS)
}

/// How many of the million buckets one number of the hash is.
fn grid(subject: &Subject) -> Result<u32, Error> {
    if subject.ranges.gate < 1.0 {
        return Err(Error::because(format_args!(
            "{} decides about coverage with a hash of its own, which ranges cannot replace: change `coverage`, \
             which moves nobody between variants",
            subject.name
        )));
    }
    match u32::try_from(subject.ranges.scale) {
        Ok(scale) if scale > 0 && BUCKETS.is_multiple_of(scale) => Ok(BUCKETS / scale),
        _ => Err(Error::because(format_args!(
            "the hash of {} has {} numbers, which are not whole millionths of all units: it cannot be planned",
            subject.name, subject.ranges.scale
        ))),
    }
}

/// Reads `control=34` for each variant. Only a variant that has no units now may be left out: to empty one by an
/// omission would move all of its units unintentionally.
fn named_weights(texts: &[String], variants: &[String], shares: &[f64]) -> Result<Vec<f64>, Error> {
    let mut weights: Vec<Option<f64>> = vec![None; variants.len()];
    for text in texts {
        let wrong = || Error::given("weights", text, "write VARIANT=WEIGHT, the weight a number");
        let (name, weight) = text.split_once('=').ok_or_else(wrong)?;
        let weight: f64 = weight.trim().parse().map_err(|_| wrong())?;
        let name = name.trim();
        let index = variants.iter().position(|known| known == name).ok_or_else(|| {
            let hint = did_you_mean(name, variants.iter().map(String::as_str));
            let message = format!("unknown variant {name:?}{hint} To add it: --add {name}");
            Error::option("weights", message)
        })?;
        if weights.get_mut(index).and_then(|known| known.replace(weight)).is_some() {
            return Err(Error::option("weights", format_args!("{name} has two weights")));
        }
    }
    let left_out: Vec<&str> = variants
        .iter()
        .zip(shares.iter().zip(&weights))
        .filter(|(_, (share, weight))| weight.is_none() && **share > 0.0)
        .map(|(name, _)| name.as_str())
        .collect();
    if let Some(first) = left_out.first() {
        let message = format!(
            "no weight for {}; write {first}=0 to move all of its units to other variants",
            left_out.join(", ")
        );
        return Err(Error::option("weights", message));
    }
    Ok(weights.into_iter().map(Option::unwrap_or_default).collect())
}

/// `0.5` or `50%`.
fn part(text: &str) -> Result<f64, Error> {
    let expected = "expected a number from 0 to 1, or a percentage such as 50%";
    let wrong = || Error::given("coverage", text, expected);
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map_err(|_| wrong())? / 100.0,
        None => text.parse().map_err(|_| wrong())?,
    };
    if (0.0..=1.0).contains(&number) { Ok(number) } else { Err(wrong()) }
}

/// The shares in whole numbers of the hash, together the coverage.
fn shares(weights: &[f64], coverage: f64, grid: u32) -> Result<Vec<Fraction>, Error> {
    let relative = Weights::from_relative(weights).map_err(Error::because)?;
    let numbers = f64::from(BUCKETS / grid);
    let total = (coverage * numbers).round() as u32;
    // Largest remainders, so that they sum to the coverage exactly (Hamilton's method).
    let ideal =
        relative.shares().iter().map(|it| f64::from(it.millionths()) / f64::from(BUCKETS) * f64::from(total));
    let ideal: Vec<f64> = ideal.collect();
    let mut whole: Vec<u32> = ideal.iter().map(|it| it.floor() as u32).collect();
    let floors: u32 = whole.iter().sum();
    let mut order: Vec<(f64, &mut u32)> = ideal
        .iter()
        .zip(&mut whole)
        .filter(|(ideal, _)| **ideal > 0.0)
        .map(|(it, whole)| (it.fract(), whole))
        .collect();
    order.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let missing = total.saturating_sub(floors) as usize;
    let members = order.len().max(1);
    for (index, (_, whole)) in order.into_iter().enumerate() {
        *whole +=
            u32::try_from(missing / members + usize::from(index < missing % members)).unwrap_or_default();
    }
    let share = |numbers: u32| Fraction::from_millionths(numbers * grid).map_err(Error::because);
    whole.into_iter().map(share).collect()
}

fn allocation(ranges: &Ranges, owners: usize, grid: u32) -> Result<Allocation, Error> {
    let mut by_owner: Vec<Vec<BucketRange>> = vec![Vec::new(); owners];
    for Segment { start, end, variant } in &ranges.segments {
        // Below the scale, which fits.
        let bucket = |number: u64| number as u32 * grid;
        if let Some(ranges) = by_owner.get_mut(*variant) {
            ranges.push(BucketRange::new(bucket(*start), bucket(*end)));
        }
    }
    Allocation::new(&by_owner).map_err(Error::because)
}

fn segments(allocation: &Allocation, grid: u32) -> Vec<Segment> {
    let segment = |(range, variant): (BucketRange, usize)| Segment {
        start: u64::from(range.start / grid),
        end: u64::from(range.end / grid),
        variant,
    };
    allocation.ranges().map(segment).collect()
}

/// Ranges as configurations have them. A millionth as a decimal is read back as the same double.
fn ranges_of(allocation: &Allocation, owner: usize) -> Vec<[f64; 2]> {
    let part = |bucket: u32| f64::from(bucket) / f64::from(BUCKETS);
    allocation.ranges_of(owner).map(|range| [part(range.start), part(range.end)]).collect()
}

impl Report {
    /// Writes it for people. `done`: the file has it already.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_text(&self, out: &mut impl Write, done: bool) -> io::Result<()> {
        let name = &self.name;
        writeln!(
            out,
            "# {name}: {} of all units move, the least possible is {}",
            percent(self.moved),
            percent(self.minimum)
        )?;
        for Transition { from, to, share } in &self.transitions {
            let name = |variant: &Option<String>| variant.clone().unwrap_or_else(|| "(none)".into());
            writeln!(out, "#   {} -> {}: {}", name(from), name(to), percent(*share))?;
        }
        let split = self.variants.iter().any(|planned| planned.weight.is_some());
        match (done, split) {
            (true, _) => writeln!(out, "# Written:")?,
            (false, true) => writeln!(out, "# New weights:")?,
            (false, false) => writeln!(out, "# In place of coverage and weights:")?,
        }
        let (list, key) = if split { ("targets", "name") } else { ("variants", "key") };
        writeln!(out, "{list}:")?;
        for planned in &self.variants {
            let Planned { key: name, share_before, share, ranges, .. } = planned;
            writeln!(out, "- {key}: {name}  # {} -> {}", percent(*share_before), percent(*share))?;
            // A variant without ranges beside others that have some has nobody.
            if ranges.as_ref().is_none_or(|ranges| !ranges.is_empty()) {
                writeln!(out, "  {}", planned.wanted().text)?;
            }
        }
        Ok(())
    }
}
