//! How many units an experiment needs.

use crate::lift::multiplier;
use crate::special::{normal_sf, normal_upper};
use crate::undefined::{finite, normalised, probability};
use crate::{Argument, Undefined};
use serde::Serialize;

/// More units than any experiment has.
const MAX_UNITS: u64 = 1_000_000_000_000;

/// What the control is expected to have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// The part of units that converts, between 0 and 1.
    Rate(f64),
    /// A value for each unit.
    Mean {
        /// Its mean, in the unit of what is measured.
        mean: f64,
        /// The standard deviation among units, above 0, in the same unit.
        deviation: f64,
    },
}

/// The smallest effect that must not be missed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// As a part of the baseline: 0.1 is 10 % more, -0.1 is 10 % less.
    Relative(f64),
    /// In the unit of the baseline.
    Absolute(f64),
}

/// How often results are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Looks {
    /// Once, at an end that was chosen beforehand.
    Once,
    /// At any time, by a confidence sequence with this tuning parameter ([`crate::lift::TUNING`]).
    Anytime(f64),
}

/// An experiment as it is planned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Design {
    /// What the control has.
    pub baseline: Baseline,
    /// What a treatment is to add.
    pub effect: Effect,
    /// The weights of the arms, the control first. Treatments of weight 0 are left out.
    pub weights: Vec<f64>,
    /// The probability of any significant difference where there is none, between 0 and 1. It is divided among the
    /// treatments (Bonferroni, which is the first step of Holm).
    pub alpha: f64,
    /// The probability to find the effect where it is there, between 0 and 1; for the treatment with the fewest units.
    pub power: f64,
}

/// A design in numbers.
struct Numbers {
    difference: f64,
    /// The variance of the difference, times all units.
    variance: f64,
    alpha: f64,
    /// The part of all units that is in the comparison.
    compared: f64,
}

impl Design {
    /// The least number of units, of all arms together, with which the difference is found with the wanted power.
    ///
    /// `units = (z(alpha / 2) + z(1 - power))² (variance_c / weight_c + variance_t / weight_t) / difference²` for one
    /// look; with more looks the first quantile is the [multiplier] of the confidence sequence at the end, so that
    /// the power is that of the last look alone, and with the looks before it somewhat more.
    ///
    /// Source: S. Chow, J. Shao and H. Wang, Sample Size Calculations in Clinical Research, section 3.2; `statsmodels`
    /// `NormalIndPower`.
    ///
    /// ```
    /// use weir_statistics::power::{Baseline, Design, Effect, Looks};
    ///
    /// let design = Design {
    ///     baseline: Baseline::Rate(0.1),
    ///     effect: Effect::Relative(0.1),
    ///     weights: vec![1.0, 1.0],
    ///     alpha: 0.05,
    ///     power: 0.8,
    /// };
    /// // From 10 % to 11 %: 14,750 units for each arm, as any calculator of sample sizes has it.
    /// let units = design.units(Looks::Once)?;
    /// assert!((29_400..29_600).contains(&units), "of both arms together: {units}");
    /// assert!((design.difference()? - 0.01).abs() < 1e-12);
    ///
    /// // The other way round: what this number of units detects.
    /// assert!(design.power_with(units, Looks::Once)? >= 0.8);
    /// assert!((design.smallest_effect(units, Looks::Once)? - 0.01).abs() < 1e-4);
    /// // Looking at any time needs more of them.
    /// assert!(design.units(Looks::Anytime(weir_statistics::lift::TUNING))? > units);
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// A baseline, an effect, weights, `alpha` or a power out of range: rates with and without the effect must be
    /// between 0 and 1, an effect may not be 0. More than 10^12 units.
    pub fn units(&self, looks: Looks) -> Result<u64, Undefined> {
        let numbers = self.numbers(self.difference()?)?;
        let wanted = probability(self.power, Argument::Power)?;
        let enough = |units: u64| Ok::<bool, Undefined>(numbers.power(units, looks)? >= wanted);
        if !enough(MAX_UNITS)? {
            return Err(Undefined::OutOfRange(Argument::Effect));
        }
        let (mut low, mut high) = (1, MAX_UNITS);
        while low < high {
            let middle = low + (high - low) / 2;
            if enough(middle)? { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }

    /// The probability, 0 to 1, to find the effect with so many units of all arms together.
    ///
    /// # Errors
    /// As [`Design::units`]; no units.
    pub fn power_with(&self, units: u64, looks: Looks) -> Result<f64, Undefined> {
        self.numbers(self.difference()?)?.power(units, looks)
    }

    /// The smallest increase, in the unit of the baseline, that so many units of all arms together find with the
    /// wanted power. The effect of the design is not used.
    ///
    /// # Errors
    /// As [`Design::units`]; no units; [`Undefined::OutOfRange`] of [`Argument::Units`] where no increase is large enough, as with
    /// rates near 1.
    pub fn smallest_effect(&self, units: u64, looks: Looks) -> Result<f64, Undefined> {
        let wanted = probability(self.power, Argument::Power)?;
        let found =
            |difference: f64| Ok::<bool, Undefined>(self.numbers(difference)?.power(units, looks)? >= wanted);
        let mut high = match self.baseline {
            Baseline::Rate(rate) => (1.0 - rate) * (1.0 - 1e-12),
            Baseline::Mean { deviation, .. } => deviation,
        };
        if let Baseline::Mean { .. } = self.baseline {
            while !found(high)? {
                high = finite(high * 2.0, Argument::Units)?;
            }
        } else if !found(high)? {
            return Err(Undefined::OutOfRange(Argument::Units));
        }
        let mut low = 0.0;
        for _ in 0..100 {
            let middle = (low + high) / 2.0;
            if middle <= low || middle >= high {
                break;
            }
            if found(middle)? { high = middle } else { low = middle }
        }
        Ok(high)
    }

    /// The effect in the unit of the baseline.
    ///
    /// # Errors
    /// A baseline out of range; an effect that is not finite or 0.
    pub fn difference(&self) -> Result<f64, Undefined> {
        let mean = match self.baseline {
            Baseline::Rate(rate) => probability(rate, Argument::Baseline)?,
            Baseline::Mean { mean, .. } => finite(mean, Argument::Baseline)?,
        };
        let difference = match self.effect {
            Effect::Relative(part) => part * mean,
            Effect::Absolute(difference) => difference,
        };
        if difference == 0.0 {
            Err(Undefined::OutOfRange(Argument::Effect))
        } else {
            finite(difference, Argument::Effect)
        }
    }

    fn numbers(&self, difference: f64) -> Result<Numbers, Undefined> {
        let shares = normalised(&self.weights)?;
        let (control, treatments) = shares.split_first().ok_or(Undefined::OneArm)?;
        let treatments: Vec<f64> = treatments.iter().copied().filter(|share| *share > 0.0).collect();
        if treatments.is_empty() {
            return Err(Undefined::OneArm);
        }
        if *control == 0.0 {
            return Err(Undefined::OutOfRange(Argument::Weights));
        }
        let fewest = treatments.iter().copied().fold(f64::INFINITY, f64::min);
        let (base, treated) = self.variances(difference)?;
        Ok(Numbers {
            difference: difference.abs(),
            variance: base / control + treated / fewest,
            alpha: probability(self.alpha, Argument::Alpha)? / treatments.len() as f64,
            compared: control + fewest,
        })
    }

    /// The variances of the control and of the treatment.
    fn variances(&self, difference: f64) -> Result<(f64, f64), Undefined> {
        match self.baseline {
            Baseline::Rate(rate) => {
                let rate = probability(rate, Argument::Baseline)?;
                let treated = probability(rate + difference, Argument::Effect)?;
                Ok((rate * (1.0 - rate), treated * (1.0 - treated)))
            }
            Baseline::Mean { mean, deviation } => {
                finite(mean, Argument::Baseline)?;
                let variance = finite(deviation * deviation, Argument::Deviation)?;
                if deviation <= 0.0 || variance <= 0.0 {
                    return Err(Undefined::OutOfRange(Argument::Deviation));
                }
                Ok((variance, variance))
            }
        }
    }
}

impl Numbers {
    fn power(&self, units: u64, looks: Looks) -> Result<f64, Undefined> {
        if units == 0 {
            return Err(Undefined::NoUnits);
        }
        let units = units as f64;
        let needed = match looks {
            Looks::Once => normal_upper(self.alpha / 2.0),
            Looks::Anytime(tuning) => multiplier(units * self.compared, self.alpha, tuning)?,
        };
        let effect = self.difference / (self.variance / units).sqrt();
        // The second is to find it in the wrong direction, which with any power worth having never happens.
        Ok(normal_sf(needed - effect) + normal_sf(needed + effect))
    }
}
