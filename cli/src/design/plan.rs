//! A design in numbers, as text and as fields.

use super::simulated::Simulation;
use crate::output::percent;
use anyhow::anyhow;
use serde::Serialize;
use std::io::{self, Write};
use weir_statistics::power::{Baseline, Design, Looks};
use weir_statistics::{Argument, Undefined};

/// What is asked for weeks that are over.
const WEEKS: [u64; 4] = [1, 2, 4, 8];

/// What a design comes to.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    baseline: Baseline,
    /// The smallest effect that must not be missed, in the unit of the baseline, …
    pub(super) difference: f64,
    /// … and as a part of it; null where the baseline is 0.
    lift: Option<f64>,
    /// The arms' parts of all units, the control first.
    shares: Vec<f64>,
    alpha: f64,
    power: f64,
    pub(super) tuning: f64,
    pub(super) units_per_day: u64,
    /// With one look at the end.
    pub(super) once: Size,
    /// With a confidence sequence.
    pub(super) anytime: Size,
    /// What can be found after so many days.
    smallest: Vec<Smallest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) simulation: Option<Simulation>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Size {
    /// Of all arms together.
    pub(super) units: u64,
    pub(super) days: u64,
}

#[derive(Debug, Serialize)]
struct Smallest {
    days: u64,
    units: u64,
    /// The smallest increase that is found, in the unit of the baseline; null where none is large enough.
    once: Option<f64>,
    anytime: Option<f64>,
}

impl Plan {
    /// # Errors
    /// Numbers that no experiment has.
    pub(super) fn new(design: &Design, units_per_day: u64, tuning: f64) -> Result<Self, Undefined> {
        let anytime = Looks::Anytime(tuning);
        let size = |looks| {
            let units = design.units(looks)?;
            Ok::<Size, Undefined>(Size { units, days: units.div_ceil(units_per_day) })
        };
        let smallest = |weeks: u64| {
            let days = weeks * 7;
            let units = days.saturating_mul(units_per_day);
            let found = |looks| design.smallest_effect(units, looks).ok();
            Smallest { days, units, once: found(Looks::Once), anytime: found(anytime) }
        };
        let (difference, sum) = (design.difference()?, design.weights.iter().sum::<f64>());
        Ok(Self {
            baseline: design.baseline,
            difference,
            lift: relative(design.baseline, difference),
            shares: design.weights.iter().map(|weight| weight / sum).collect(),
            alpha: design.alpha,
            power: design.power,
            tuning,
            units_per_day,
            once: size(Looks::Once)?,
            anytime: size(anytime)?,
            smallest: WEEKS.into_iter().map(smallest).collect(),
            simulation: None,
        })
    }

    pub(super) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let value = |value: f64| self.value(value);
        let (of, mean) = match self.baseline {
            Baseline::Rate(rate) => ("a rate", rate),
            Baseline::Mean { mean, .. } => ("a mean", mean),
        };
        let lift = self.lift.map(|lift| format!(", a lift of {}", percent(lift))).unwrap_or_default();
        writeln!(
            out,
            "{of} of {}, and {} with the effect{lift}",
            value(mean),
            value(mean + self.difference)
        )?;
        let shares: Vec<String> = self.shares.iter().map(|share| percent(*share)).collect();
        let (alpha, power) = (percent(self.alpha), percent(self.power));
        writeln!(out, "{} arms ({}), alpha {alpha}, power {power}\n", shares.len(), shares.join(", "))?;
        writeln!(out, "  {:26} {:>12} {:>8}", "results are looked at", "units", "days")?;
        for (name, size) in [("once, at the end", self.once), ("at any time", self.anytime)] {
            writeln!(out, "  {name:26} {:>12} {:>8}", size.units, size.days)?;
        }
        let factor = self.anytime.units as f64 / self.once.units as f64;
        writeln!(
            out,
            "\nLooking at any time needs {factor:.2} times the units if the effect is just as small as this; a"
        )?;
        writeln!(out, "larger one shows earlier. Run whole weeks.\n")?;
        writeln!(out, "  {:8} {:>12}   {:24} at any time", "after", "units", "smallest increase, once")?;
        for row in &self.smallest {
            let found = |found: Option<f64>| found.map_or_else(|| "-".into(), |found| self.increase(found));
            let after = format!("{} days", row.days);
            writeln!(out, "  {after:8} {:>12}   {:24} {}", row.units, found(row.once), found(row.anytime))?;
        }
        if let Some(simulation) = &self.simulation {
            simulation.write_text(out)?;
        }
        Ok(())
    }

    /// Four digits that count.
    fn value(&self, value: f64) -> String {
        match self.baseline {
            Baseline::Rate(_) => format!("{} %", digits(value * 100.0)),
            Baseline::Mean { .. } => digits(value),
        }
    }

    fn increase(&self, difference: f64) -> String {
        let own = match self.baseline {
            Baseline::Rate(_) => format!("{} points", digits(difference * 100.0)),
            Baseline::Mean { .. } => digits(difference),
        };
        let lift = relative(self.baseline, difference).map(|lift| format!(" ({} %)", digits(lift * 100.0)));
        format!("{own}{}", lift.unwrap_or_default())
    }
}

fn relative(baseline: Baseline, difference: f64) -> Option<f64> {
    let mean = match baseline {
        Baseline::Rate(rate) => rate,
        Baseline::Mean { mean, .. } => mean,
    };
    (mean != 0.0).then(|| difference / mean)
}

/// A number with four significant digits.
pub(crate) fn digits(value: f64) -> String {
    let places = if value == 0.0 { 0.0 } else { 3.0 - value.abs().log10().floor() };
    let text = format!("{value:.*}", places.clamp(0.0, 12.0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Why there is no design, by the options.
pub(super) fn refusal(design: &Design, undefined: Undefined) -> anyhow::Error {
    let Undefined::OutOfRange(what) = undefined else {
        return anyhow!("there is no such experiment: {undefined}");
    };
    let (option, expected) = match (what, design.baseline) {
        (Argument::Baseline, Baseline::Rate(_)) => {
            ("--baseline", "a rate between 0 and 100 % (a mean needs --deviation)")
        }
        (Argument::Baseline, Baseline::Mean { .. }) => ("--baseline", "a number"),
        (Argument::Deviation, _) => ("--deviation", "a number above 0"),
        (Argument::Effect, Baseline::Rate(_)) => (
            "--lift or --difference",
            "an effect other than 0 with which the rate is between 0 and 100 %, and that fewer than 10^12 units find",
        ),
        (Argument::Effect, Baseline::Mean { .. }) => {
            ("--lift or --difference", "an effect other than 0 that fewer than 10^12 units find")
        }
        (Argument::Weights, _) => {
            ("--weights", "numbers of 0 and more, the first (the control) and another one above 0")
        }
        (Argument::Alpha, _) => ("--alpha", "a part between 0 and 100 %"),
        (Argument::Power, _) => ("--power", "a part between 0 and 100 %"),
        (Argument::Tuning, _) => ("--tuning", "a number above 0"),
        (what, _) => (what.name(), "a number in its range"),
    };
    anyhow!("{option}: invalid value: expected {expected}")
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn four_digits_count() {
        for (value, expected) in [
            (0.0, "0"),
            (5.0, "5"),
            (5.5, "5.5"),
            (0.123_456, "0.1235"),
            (-12.3456, "-12.35"),
            (98_765.4, "98765"),
        ] {
            assert_eq!(digits(value), expected);
        }
    }
}
