//! How long delays are.

use crate::chance::unit_interval;

/// The standard normal distribution's quantile of 0.99.
pub(crate) const Z99: f64 = 2.326_347_874_040_841;

/// A distribution of delays, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Fixed(f64),
    /// Evenly from `min`, over a `width`.
    Uniform {
        /// The minimum.
        min: f64,
        /// The longest less the shortest.
        width: f64,
    },
    /// Normal.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        stddev: f64,
    },
    /// The exponential function of a normal distribution.
    LogNormal {
        /// The mean of the logarithm.
        mu: f64,
        /// The standard deviation of the logarithm.
        sigma: f64,
    },
    /// Exponential.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// Pareto (type I).
    Pareto {
        /// The minimum.
        min: f64,
        /// The exponent of the tail.
        alpha: f64,
    },
}

impl Distribution {
    /// A delay in nanoseconds, not yet held to any bounds. `bits` gives 64 random bits a call.
    ///
    /// All but the normal distributions invert the distribution function (L. Devroye: Non-Uniform Random Variate
    /// Generation, 1986, chapter II.2).
    #[cold]
    pub fn draw(&self, bits: &mut dyn FnMut() -> u64) -> f64 {
        match *self {
            Self::Fixed(time) => time,
            Self::Uniform { min, width } => min + width * unit_interval(bits()),
            Self::Normal { mean, stddev } => mean + stddev * normal(bits),
            Self::LogNormal { mu, sigma } => (mu + sigma * normal(bits)).exp(),
            Self::Exponential { mean } => -mean * unit_interval(bits()).ln(),
            // The same as min / u^(1/alpha), without a power function.
            Self::Pareto { min, alpha } => min * (-unit_interval(bits()).ln() / alpha).exp(),
        }
    }
}

/// A standard normal number by the polar method (G. Marsaglia, T. Bray: A Convenient Method for Generating Normal
/// Variables, SIAM Review 6, 1964), which needs no trigonometry.
fn normal(bits: &mut dyn FnMut() -> u64) -> f64 {
    // A point falls outside of the circle in 21 % of tries; a hundred in a row are the end of a broken source.
    for _ in 0..100 {
        let (x, y) = (2.0 * unit_interval(bits()) - 1.0, 2.0 * unit_interval(bits()) - 1.0);
        let square = x * x + y * y;
        if square < 1.0 && square > 0.0 {
            return x * (-2.0 * square.ln() / square).sqrt();
        }
    }
    0.0
}
