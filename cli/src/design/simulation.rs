//! A design checked with made-up experiments.

use super::plan::{Plan, Size};
use super::simulated::Simulation;
use weir_statistics::Undefined;
use weir_statistics::lift::Estimate;
use weir_statistics::power::{Baseline, Design};
use weir_statistics::sample::Sample;
use weir_statistics::simulate::{binomial, normal};

/// How far from the design a simulation may be: three points, and what chance does to its own number.
const POINTS: f64 = 0.03;
const ERRORS: f64 = 4.0;
/// Looks in an experiment: its days, but no more than these.
const MAX_LOOKS: u64 = 200;
/// From this variance on a binomial number is a rounded normal one.
const LARGE: f64 = 10_000.0;
const SEED: u64 = 42;

/// Sums of an arm so far, in the unit of the baseline, less the control's mean.
#[derive(Clone, Copy, Default)]
struct Sums {
    units: u64,
    sum: f64,
    squares: f64,
}

struct Simulator<'a> {
    design: &'a Design,
    plan: &'a Plan,
    shares: Vec<f64>,
    /// The treatment with the fewest units, which the power is for.
    weakest: usize,
    rng: fastrand::Rng,
}

/// What one experiment found.
#[derive(Default)]
struct Found {
    /// The treatment that the design is for, or any without an effect.
    once: bool,
    sequence_at_the_end: bool,
    sequence: Option<u64>,
    naive: bool,
}

/// Simulates.
///
/// # Errors
/// Numbers that no experiment has.
pub(super) fn run(design: &Design, plan: &Plan, runs: u64) -> Result<Simulation, Undefined> {
    let sum: f64 = design.weights.iter().sum();
    let shares: Vec<f64> =
        design.weights.iter().map(|weight| weight / sum).filter(|share| *share > 0.0).collect();
    let treatments = shares.iter().enumerate().skip(1);
    let weakest = treatments.min_by(|one, other| one.1.total_cmp(other.1)).map(|(arm, _)| arm);
    let mut simulator = Simulator {
        design,
        plan,
        shares,
        weakest: weakest.ok_or(Undefined::OneArm)?,
        rng: fastrand::Rng::with_seed(SEED),
    };
    let experiments = |simulator: &mut Simulator<'_>, size: Size, effect: bool| {
        (0..runs).map(|_| simulator.experiment(size, effect)).collect::<Result<Vec<Found>, Undefined>>()
    };
    let part = |found: &[Found], is: fn(&Found) -> bool| {
        found.iter().filter(|it| is(it)).count() as f64 / runs as f64
    };
    let once = experiments(&mut simulator, plan.once, true)?;
    let anytime = experiments(&mut simulator, plan.anytime, true)?;
    let nothing = experiments(&mut simulator, plan.anytime, false)?;
    let mut days: Vec<u64> = anytime.iter().filter_map(|found| found.sequence).collect();
    days.sort_unstable();
    let looks = plan.anytime.days.min(MAX_LOOKS) as f64;
    let half = days.get(days.len() / 2).map(|look| *look as f64 * plan.anytime.days as f64 / looks);
    let (found_once, at_the_end) = (part(&once, |it| it.once), part(&anytime, |it| it.sequence_at_the_end));
    let allowed = POINTS.max(ERRORS * (design.power * (1.0 - design.power) / runs as f64).sqrt());
    Ok(Simulation {
        runs,
        once: found_once,
        anytime_at_the_end: at_the_end,
        anytime: part(&anytime, |it| it.sequence.is_some()),
        half_found_by_day: half,
        false_once: part(&nothing, |it| it.once),
        false_anytime: part(&nothing, |it| it.sequence.is_some()),
        false_naive: part(&nothing, |it| it.naive),
        agrees: [found_once, at_the_end].iter().all(|found| (found - design.power).abs() <= allowed),
    })
}

impl Simulator<'_> {
    fn experiment(&mut self, size: Size, effect: bool) -> Result<Found, Undefined> {
        let looks = size.days.clamp(1, MAX_LOOKS);
        let alpha = self.design.alpha / (self.shares.len() - 1) as f64;
        let mut arms = vec![Sums::default(); self.shares.len()];
        let mut found = Found::default();
        for look in 1..=looks {
            let so_far = size.units as f64 * look as f64 / looks as f64;
            for (arm, sums) in arms.iter_mut().enumerate() {
                let units = (so_far * self.shares[arm]).round() as u64;
                let more = units.saturating_sub(sums.units);
                self.add(sums, more, effect && arm > 0);
            }
            (found.once, found.sequence_at_the_end) = (false, false);
            for (arm, sums) in arms.iter().enumerate().skip(1) {
                if effect && arm != self.weakest {
                    continue;
                }
                // Too few units to say anything are not significant.
                let samples = [&arms[0], sums].map(|it| Sample::sums(it.units, it.sum, it.squares));
                let [Ok(control), Ok(treatment)] = samples else { continue };
                let Ok(estimate) = Estimate::difference(&control, &treatment) else { continue };
                found.once |= estimate.p_value() <= alpha;
                found.sequence_at_the_end |= estimate.sequential_p_value(alpha, self.plan.tuning)? <= alpha;
            }
            found.naive |= found.once;
            if found.sequence_at_the_end && found.sequence.is_none() {
                found.sequence = Some(look);
            }
        }
        Ok(found)
    }

    /// So many more units of an arm.
    fn add(&mut self, arm: &mut Sums, units: u64, effect: bool) {
        let shift = if effect { self.plan.difference } else { 0.0 };
        let n = units as f64;
        let rng = &mut self.rng;
        let mut random = || rng.u64(..);
        arm.units += units;
        match self.design.baseline {
            Baseline::Rate(rate) => {
                let rate = rate + shift;
                let variance = n * rate * (1.0 - rate);
                let converted = if variance < LARGE {
                    binomial(&mut random, units, rate) as f64
                } else {
                    (n * rate + variance.sqrt() * normal(&mut random)).round()
                };
                arm.sum += converted;
                arm.squares += converted;
            }
            Baseline::Mean { deviation, .. } => {
                // The sum of normal numbers, and that of the squares of their distances from the mean.
                let sum = deviation * n.sqrt() * normal(&mut random);
                let squares = deviation.powi(2) * (n + (2.0 * n).sqrt() * normal(&mut random)).max(0.0);
                arm.sum += sum + n * shift;
                arm.squares += squares + 2.0 * shift * sum + n * shift * shift;
            }
        }
    }
}
