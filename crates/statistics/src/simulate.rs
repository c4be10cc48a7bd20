//! Made-up counts. Randomness comes from the caller, as a source of words of 64 random bits.

/// Bits of a probability that are used; what is cut off is below 1e-15.
const BITS: u32 = 53;

/// How many of `units` convert, each with `probability` (what is outside of 0 to 1 is taken as the nearest end). Exact:
/// each unit is drawn, 64 at a time, by comparing random digits with those of the probability.
///
/// ```
/// use weir_statistics::simulate::binomial;
///
/// let mut generator = fastrand::Rng::with_seed(7);
/// let converted = binomial(&mut || generator.u64(..), 100_000, 0.1);
/// // Ten times the standard deviation, the root of 100,000 · 0.1 · 0.9, is 949.
/// assert!((9_051..=10_949).contains(&converted), "{converted}");
/// ```
#[must_use]
pub fn binomial(random: &mut impl FnMut() -> u64, units: u64, probability: f64) -> u64 {
    let scale = (1_u64 << BITS) as f64;
    // NaN becomes 0.
    let digits = (probability.clamp(0.0, 1.0) * scale) as u64;
    if digits >> BITS > 0 {
        return units;
    }
    let mut converted = 0;
    let mut left = units;
    while left > 0 {
        let lanes = left.min(64) as u32;
        let mut open = u64::MAX >> (64 - lanes);
        for place in (0..BITS).rev() {
            if open == 0 {
                break;
            }
            let word = random();
            if digits >> place & 1 == 1 {
                converted += u64::from((open & !word).count_ones());
                open &= word;
            } else {
                open &= !word;
            }
        }
        left -= u64::from(lanes);
    }
    converted
}

/// A number of the standard normal distribution (Box and Muller).
///
/// ```
/// use weir_statistics::simulate::normal;
///
/// let mut generator = fastrand::Rng::with_seed(7);
/// let sum: f64 = (0..10_000).map(|_| normal(&mut || generator.u64(..))).sum();
/// assert!(sum.abs() < 500.0, "five times the standard deviation of the sum, which is 100");
/// ```
#[must_use]
pub fn normal(random: &mut impl FnMut() -> u64) -> f64 {
    let mut part = || ((random() >> 11) as f64 + 0.5) / (1_u64 << BITS) as f64;
    let (radius, angle) = (part(), part());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}
