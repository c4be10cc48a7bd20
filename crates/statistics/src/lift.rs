//! How much an arm differs from the control: the estimate, an interval for one look, and a confidence sequence for any
//! number of looks.

use crate::sample::Sample;
use crate::special::{normal_upper, t_sf, t_upper};
use crate::undefined::{finite, probability};
use crate::{Argument, Undefined};
use serde::Serialize;

/// The number of observations for which a [confidence sequence](Estimate::confidence_sequence) is narrowest, where nothing else is
/// known. GrowthBook's default.
pub const TUNING: f64 = 5_000.0;

/// A range of values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// A difference of two arms with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The difference in the unit of what is measured, or the relative lift (0.1 is 10 %).
    pub value: f64,
    /// Its standard error, above 0.
    pub standard_error: f64,
    /// Degrees of freedom of the standard error (Welch and Satterthwaite), above 0.
    pub degrees_of_freedom: f64,
    /// How many observations of both arms together it is made of; the time of a confidence sequence.
    pub observations: f64,
    /// Whether the standard error comes from few batches, so that a confidence sequence must allow for its error.
    pub few_batches: bool,
}

impl Estimate {
    /// Treatment less control.
    ///
    /// Source: B. Welch, Biometrika 34, 1947; `scipy.stats.ttest_ind(equal_var=False)`; GrowthBook's `TwoSidedTTest`
    /// with the difference type `absolute`.
    ///
    /// ```
    /// use weir_statistics::{lift::Estimate, sample::Sample};
    ///
    /// let (control, treatment) = (Sample::proportion(100, 1_000)?, Sample::proportion(150, 1_000)?);
    /// let difference = Estimate::difference(&control, &treatment)?;
    /// assert!((difference.value - 0.05).abs() < 1e-12);
    /// assert!(difference.confidence_interval(0.05)?.low > 0.0, "significant at 5 %");
    /// assert!(difference.p_value() < 0.05, "which is the same");
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than two observations in an arm; no variance in both.
    pub fn difference(control: &Sample, treatment: &Sample) -> Result<Self, Undefined> {
        let variance = variance_of_mean(treatment) + variance_of_mean(control);
        Self::new(treatment.mean() - control.mean(), variance, control, treatment)
    }

    /// The relative lift: treatment over control, less 1. The variance is that of the delta method, so intervals are
    /// good where the control's mean is several of its standard errors away from 0. The degrees of freedom are those of
    /// the difference.
    ///
    /// Source: GrowthBook's `TwoSidedTTest` with the difference type `relative`.
    ///
    /// ```
    /// use weir_statistics::{lift::Estimate, sample::Sample};
    ///
    /// let (control, treatment) = (Sample::proportion(100, 1_000)?, Sample::proportion(150, 1_000)?);
    /// let lift = Estimate::relative(&control, &treatment)?;
    /// assert!((lift.value - 0.5).abs() < 1e-12, "15 % is half as much again as 10 %");
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than two observations in an arm; a control of 0; no variance in both.
    pub fn relative(control: &Sample, treatment: &Sample) -> Result<Self, Undefined> {
        let (base, mean) = (control.mean(), treatment.mean());
        if base == 0.0 {
            return Err(Undefined::ZeroBaseline);
        }
        let variance = variance_of_mean(treatment) / base.powi(2)
            + variance_of_mean(control) * mean.powi(2) / base.powi(4);
        Self::new((mean - base) / base, variance, control, treatment)
    }

    /// The difference of two ratios that were measured in the same windows of time, a numerator and a denominator for
    /// each window and arm. What moves both arms alike from window to window (the time of the day, an outage) is in
    /// no standard error; what resembles itself within a window is. That a user comes back in another window is not
    /// allowed for: where parts of all units are known, [`Sample::ratio_of_batches`] is the better one.
    ///
    /// Source: the delta method for the difference of two ratios, over pairs.
    ///
    /// ```
    /// use weir_statistics::{lift::Estimate, sample::Sample};
    ///
    /// // Errors and requests in three windows; an outage in the second one hits both arms.
    /// let control = [(10.0, 1_000.0), (30.0, 1_000.0), (20.0, 1_000.0)];
    /// let treatment = [(12.0, 1_000.0), (33.0, 1_000.0), (21.0, 1_000.0)];
    /// let paired = Estimate::paired_ratios(&control, &treatment)?;
    /// assert!((paired.value - 0.002).abs() < 1e-12, "2.2 % less 2.0 %");
    ///
    /// let (one, other) = (Sample::ratio_of_batches(&control)?, Sample::ratio_of_batches(&treatment)?);
    /// let apart = Estimate::difference(&one, &other)?;
    /// assert!(apart.standard_error > 10.0 * paired.standard_error, "the outage is noise there");
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// Lists of different lengths; fewer than two windows; numbers that are not finite; denominators that sum to 0; no
    /// variance.
    pub fn paired_ratios(control: &[(f64, f64)], treatment: &[(f64, f64)]) -> Result<Self, Undefined> {
        if control.len() != treatment.len() {
            return Err(Undefined::Lengths);
        }
        let (base, mean) =
            (Sample::ratio_of_batches(control)?.mean(), Sample::ratio_of_batches(treatment)?.mean());
        let windows = control.len() as f64;
        let denominator = |parts: &[(f64, f64)]| parts.iter().map(|part| part.1).sum::<f64>() / windows;
        let (below_base, below_mean) = (denominator(control), denominator(treatment));
        let residual = |part: &(f64, f64), ratio: f64, below: f64| (part.0 - ratio * part.1) / below;
        let pairs = control.iter().zip(treatment);
        let sum: f64 = pairs
            .map(|(one, other)| (residual(other, mean, below_mean) - residual(one, base, below_base)).powi(2))
            .sum();
        let variance = sum / (windows - 1.0) / windows;
        if variance <= 0.0 {
            return Err(Undefined::NoVariance);
        }
        Ok(Self {
            value: mean - base,
            standard_error: finite(variance.sqrt(), Argument::Variance)?,
            degrees_of_freedom: windows - 1.0,
            observations: windows,
            few_batches: true,
        })
    }

    fn new(value: f64, variance: f64, control: &Sample, treatment: &Sample) -> Result<Self, Undefined> {
        if control.observations() < 2.0 || treatment.observations() < 2.0 {
            return Err(Undefined::OneObservation);
        }
        if variance <= 0.0 {
            return Err(Undefined::NoVariance);
        }
        let (a, b) = (variance_of_mean(control), variance_of_mean(treatment));
        let each = a.powi(2) / (control.observations() - 1.0) + b.powi(2) / (treatment.observations() - 1.0);
        // Variances so small that their squares are 0 still have the fewer of both.
        let fewer = control.observations().min(treatment.observations()) - 1.0;
        let freedom = (a + b).powi(2) / each;
        Ok(Self {
            value: finite(value, Argument::Difference)?,
            standard_error: finite(variance.sqrt(), Argument::Variance)?,
            degrees_of_freedom: if freedom.is_finite() { freedom } else { fewer },
            observations: control.observations() + treatment.observations(),
            few_batches: false,
        })
    }

    /// The same estimate where the samples are [batches](Sample::batches): `observations` is how many units or
    /// requests they are made of. A confidence sequence then has the time of those, and is wider by the ratio of
    /// Student's t to the normal quantile, because the standard error itself is a guess of few numbers.
    ///
    /// ```
    /// use weir_statistics::{lift::{Estimate, TUNING}, sample::Sample};
    ///
    /// // Conversion rates of four parts of all units, of 1,000 units each and for each arm.
    /// let control = Sample::batches(&[0.10, 0.12, 0.11, 0.09])?;
    /// let treatment = Sample::batches(&[0.15, 0.18, 0.17, 0.16])?;
    /// let parts = Estimate::difference(&control, &treatment)?;
    /// let lift = parts.of_batches(8_000.0)?;
    /// assert_eq!(lift.observations, 8_000.0);
    /// assert_eq!(lift.confidence_interval(0.05)?, parts.confidence_interval(0.05)?, "one look stays as it is");
    /// assert!(lift.confidence_sequence(0.05, TUNING)?.low > 0.0);
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// Observations below 2 or not finite.
    pub fn of_batches(self, observations: f64) -> Result<Self, Undefined> {
        if !observations.is_finite() || observations < 2.0 {
            return Err(Undefined::OutOfRange(Argument::Observations));
        }
        Ok(Self { observations, few_batches: true, ..self })
    }

    /// The confidence interval for one look, chosen beforehand: it holds the true value in `1 - alpha` of experiments.
    /// It is two-sided, by Student's t.
    ///
    /// # Errors
    /// `alpha` is not between 0 and 1.
    pub fn confidence_interval(&self, alpha: f64) -> Result<Interval, Undefined> {
        let width = t_upper(probability(alpha, Argument::Alpha)? / 2.0, self.degrees_of_freedom)
            * self.standard_error;
        Ok(Interval { low: self.value - width, high: self.value + width })
    }

    /// The two-sided p-value, 0 to 1, of no difference, for one look, chosen beforehand. It is below `alpha` exactly
    /// when the [interval](Estimate::confidence_interval) leaves 0 out.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        (2.0 * t_sf((self.value / self.standard_error).abs(), self.degrees_of_freedom)).min(1.0)
    }

    /// The confidence sequence: an interval that holds the true value at all times together in `1 - alpha` of
    /// experiments, however often it is looked at. It is narrowest, compared with [`Estimate::confidence_interval`], after
    /// `tuning` observations.
    ///
    /// Source: I. Waudby-Smith and others, Time-uniform central limit theory and asymptotic confidence sequences,
    /// arXiv 2103.06476v7, equations 9 and 161; GrowthBook's `SequentialTwoSidedTTest`.
    ///
    /// ```
    /// use weir_statistics::{lift::{Estimate, TUNING}, sample::Sample};
    ///
    /// let (control, treatment) = (Sample::proportion(100, 1_000)?, Sample::proportion(130, 1_000)?);
    /// let lift = Estimate::difference(&control, &treatment)?;
    /// assert!(lift.confidence_interval(0.05)?.low > 0.0, "significant for one look that was planned");
    /// assert!(lift.confidence_sequence(0.05, TUNING)?.low < 0.0, "not yet for those who look every day");
    /// assert!(lift.p_value() < 0.05 && lift.sequential_p_value(0.05, TUNING)? > 0.05);
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// `alpha` is not between 0 and 1; `tuning` is not above 0.
    pub fn confidence_sequence(&self, alpha: f64, tuning: f64) -> Result<Interval, Undefined> {
        let width = multiplier(self.observations, alpha, tuning)? * self.cautious_error(alpha);
        Ok(Interval { low: self.value - width, high: self.value + width })
    }

    /// The p-value, 0 to 1, of no difference, at any time. It is at most `alpha` exactly when the
    /// [sequence](Estimate::confidence_sequence) leaves 0 out, and it depends on `alpha`, which shapes the sequence.
    ///
    /// Source: as [`Estimate::confidence_sequence`], equation 155.
    ///
    /// # Errors
    /// As [`Estimate::confidence_sequence`].
    pub fn sequential_p_value(&self, alpha: f64, tuning: f64) -> Result<f64, Undefined> {
        let scaled = self.observations * rho_squared(alpha, tuning)?;
        let z = self.value / self.cautious_error(alpha);
        // ln of the e-value; its exponential may be too large for a number.
        let log = z * z * scaled / (2.0 * (scaled + 1.0)) - 0.5 * scaled.ln_1p();
        Ok((-log).exp().min(1.0))
    }

    fn cautious_error(&self, alpha: f64) -> f64 {
        if !self.few_batches {
            return self.standard_error;
        }
        self.standard_error * t_upper(alpha / 2.0, self.degrees_of_freedom) / normal_upper(alpha / 2.0)
    }
}

/// How many standard errors a confidence sequence is wide to each side after that many observations: what 1.96 is for
/// an interval at one look with `alpha` 0.05.
///
/// ```
/// use weir_statistics::lift::{TUNING, multiplier};
///
/// // Looking at any time costs half as much again as one look, which is 1.96 standard errors wide.
/// assert!((multiplier(5_000.0, 0.05, TUNING)? - 3.035).abs() < 0.001);
/// assert!(multiplier(50.0, 0.05, TUNING)? > 9.0, "and much more after a few units");
/// # Ok::<(), weir_statistics::Undefined>(())
/// ```
///
/// # Errors
/// `alpha` is not between 0 and 1; `tuning` or `observations` are not above 0.
pub fn multiplier(observations: f64, alpha: f64, tuning: f64) -> Result<f64, Undefined> {
    if !observations.is_finite() || observations <= 0.0 {
        return Err(Undefined::OutOfRange(Argument::Observations));
    }
    let scaled = observations * rho_squared(alpha, tuning)?;
    Ok((2.0 * (scaled + 1.0) / scaled * (0.5 * scaled.ln_1p() - alpha.ln())).sqrt())
}

fn rho_squared(alpha: f64, tuning: f64) -> Result<f64, Undefined> {
    let log = -2.0 * probability(alpha, Argument::Alpha)?.ln();
    if !tuning.is_finite() || tuning <= 0.0 {
        return Err(Undefined::OutOfRange(Argument::Tuning));
    }
    Ok((log + log.ln_1p()) / tuning)
}

fn variance_of_mean(sample: &Sample) -> f64 {
    sample.variance() / sample.observations()
}
