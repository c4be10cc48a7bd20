//! `weir plan`: new weights for a running experiment, with the least possible movement.

use crate::document;
use crate::movement::{Ranges, Transition, transitions};
use crate::output::{Failure, Format, Outcome, percent};
use crate::subject::{Subject, Which};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;
use weir_allocation::sdk::Segment;
use weir_allocation::{Allocation, BUCKETS, BucketRange, Share, Weights, replan, total_variation};

/// Finds the ranges for new weights that move the fewest units.
///
/// Weights alone say how much each variant gets, not which units: changing them moves more units than need
/// be where there are three variants or more. This takes the allocation as it is, gives up exactly the
/// surplus of each variant that shrinks, and gives it to those that grow. Paste the printed ranges into the
/// configuration in place of weights and coverage.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir plan checkout.yaml --experiment checkout --weights control=34,b=33,c=33
  weir plan checkout.yaml --experiment checkout --weights control=50,b=50 --coverage 20%

Exit codes: 0 there is a plan; 2 there is none, or the file cannot be used.")]
pub(crate) struct Args {
    /// The configuration as it runs now; `-` is standard input.
    config: PathBuf,
    /// The experiment, by its key.
    #[arg(long, value_name = "KEY")]
    experiment: String,
    /// The new weights, relative to their sum. Variants that are not named get 0; new ones may be added.
    #[arg(long, value_name = "VARIANT=WEIGHT,...", required = true, value_delimiter = ',')]
    weights: Vec<String>,
    /// The part of all units that takes part; as it is now when absent.
    #[arg(long, value_name = "PART")]
    coverage: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// A plan; shares are from 0 to 1.
#[derive(Debug, Serialize)]
struct Report {
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
    ranges: Vec<[f64; 2]>,
}

/// Plans and writes.
///
/// # Errors
/// A file that cannot be used, weights that cannot be had.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let which = Which::experiment(&args.experiment);
    let loaded = document::load(&args.config, |loaded| which.find(loaded).is_ok())?;
    let subject = which.find(&loaded)?;
    let report = plan(&subject, &args.weights, args.coverage.as_deref())?;
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        report.write_text(out)?;
    }
    Ok(Outcome::Fine)
}

fn plan(subject: &Subject, weights: &[String], coverage: Option<&str>) -> Result<Report, String> {
    let old = &subject.ranges;
    let grid = grid(subject)?;
    let mut variants = old.variants.clone();
    let weights = named_weights(weights, &mut variants)?;
    let coverage = match coverage {
        Some(text) => part(text)?,
        None => (0..old.variants.len()).map(|variant| old.share_of(variant)).sum::<f64>().min(1.0),
    };
    let before = allocation(old, variants.len(), grid)?;
    let shares = shares(&weights, coverage, grid)?;
    let after = replan(&before, &shares).map_err(|error| error.to_string())?;
    let new = Ranges { variants: variants.clone(), segments: segments(&after, grid), ..old.clone() };
    // What the module will do with the ranges is what counts, not what was meant.
    let written: Vec<Vec<[f64; 2]>> = (0..variants.len()).map(|owner| ranges_of(&after, owner)).collect();
    subject.verify(&written, &new)?;
    let transitions = transitions(old, &new);
    let planned = variants.iter().zip(&written).enumerate().map(|(owner, (key, ranges))| Planned {
        key: key.clone(),
        share_before: before.share_of(owner).millionths() as f64 / f64::from(BUCKETS),
        share: after.share_of(owner).millionths() as f64 / f64::from(BUCKETS),
        ranges: ranges.clone(),
    });
    Ok(Report {
        name: subject.name.clone(),
        moved: transitions.iter().fold(0.0, |sum, it| sum + it.share),
        minimum: f64::from(total_variation(&before, &after).millionths()) / f64::from(BUCKETS),
        transitions,
        variants: planned.collect(),
    })
}

/// How many of the million buckets one number of the hash is.
fn grid(subject: &Subject) -> Result<u32, String> {
    if subject.ranges.gate < 1.0 {
        return Err(format!(
            "{} decides about coverage with a hash of its own, which ranges cannot replace: change `coverage`, \
             which moves nobody between variants",
            subject.name
        ));
    }
    match u32::try_from(subject.ranges.scale) {
        Ok(scale) if scale > 0 && BUCKETS.is_multiple_of(scale) => Ok(BUCKETS / scale),
        _ => Err(format!(
            "the hash of {} has {} numbers, which are no whole millionths of all units: there is no plan for it",
            subject.name, subject.ranges.scale
        )),
    }
}

/// Reads `control=34`; variants that are new come behind the old ones.
fn named_weights(texts: &[String], variants: &mut Vec<String>) -> Result<Vec<f64>, String> {
    let mut weights = vec![0.0; variants.len()];
    for text in texts {
        let wrong = || format!("--weights {text}: write VARIANT=WEIGHT, the weight a number");
        let (name, weight) = text.split_once('=').ok_or_else(wrong)?;
        let weight: f64 = weight.trim().parse().map_err(|_| wrong())?;
        let name = name.trim();
        let index = variants.iter().position(|known| known == name).unwrap_or_else(|| {
            variants.push(name.to_owned());
            weights.push(0.0);
            variants.len() - 1
        });
        weights[index] = weight;
    }
    Ok(weights)
}

/// `0.5` or `50%`.
fn part(text: &str) -> Result<f64, String> {
    let wrong = || format!("--coverage {text}: a part is a number from 0 to 1, or a percentage such as 50%");
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map_err(|_| wrong())? / 100.0,
        None => text.parse().map_err(|_| wrong())?,
    };
    if (0.0..=1.0).contains(&number) { Ok(number) } else { Err(wrong()) }
}

/// The shares in whole numbers of the hash, together the coverage.
fn shares(weights: &[f64], coverage: f64, grid: u32) -> Result<Vec<Share>, String> {
    let relative = Weights::from_relative(weights).map_err(|error| error.to_string())?;
    let numbers = f64::from(BUCKETS / grid);
    let total = (coverage * numbers).round() as u32;
    // Largest remainders, so that they sum to the coverage exactly (Hamilton's method).
    let ideal =
        relative.shares().iter().map(|it| f64::from(it.millionths()) / f64::from(BUCKETS) * f64::from(total));
    let ideal: Vec<f64> = ideal.collect();
    let mut whole: Vec<u32> = ideal.iter().map(|it| it.floor() as u32).collect();
    let mut order: Vec<usize> = (0..ideal.len()).filter(|&index| ideal[index] > 0.0).collect();
    order.sort_by(|&a, &b| ideal[b].fract().total_cmp(&ideal[a].fract()));
    let missing = total - whole.iter().sum::<u32>();
    order.iter().cycle().take(missing as usize).for_each(|&index| whole[index] += 1);
    let share = |numbers: u32| Share::from_millionths(numbers * grid).map_err(|error| error.to_string());
    whole.into_iter().map(share).collect()
}

fn allocation(ranges: &Ranges, owners: usize, grid: u32) -> Result<Allocation, String> {
    let mut by_owner: Vec<Vec<BucketRange>> = vec![Vec::new(); owners];
    for Segment { start, end, variant } in &ranges.segments {
        // Below the scale, which fits.
        let bucket = |number: u64| number as u32 * grid;
        by_owner[*variant].push(BucketRange::new(bucket(*start), bucket(*end)));
    }
    Allocation::new(&by_owner).map_err(|error| error.to_string())
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
    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
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
        writeln!(out, "# In place of coverage and weights:\nvariants:")?;
        for Planned { key, share_before, share, ranges } in &self.variants {
            let ranges: Vec<String> = ranges.iter().map(|[start, end]| format!("[{start}, {end}]")).collect();
            writeln!(out, "- key: {key}  # {} -> {}", percent(*share_before), percent(*share))?;
            // A variant without ranges beside others that have some has nobody.
            if !ranges.is_empty() {
                writeln!(out, "  ranges: [{}]", ranges.join(", "))?;
            }
        }
        Ok(())
    }
}
