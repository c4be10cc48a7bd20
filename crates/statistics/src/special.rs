//! Tails and quantiles of distributions.
//!
//! `statrs` has the special functions. Student's t is our own: with the hundred thousands of degrees of freedom that
//! experiments have, differences of logarithms of the gamma function lose the digits that matter.

use statrs::function::erf::{erfc, erfc_inv};
use statrs::function::gamma::{checked_gamma_ur, ln_gamma};
use std::f64::consts::{PI, SQRT_2};

/// From here on Student's t is the normal distribution with one correction (its next one is below 1e-14).
const NEARLY_NORMAL: f64 = 1e7;
/// Halvings until an interval of numbers is a single one.
const HALVINGS: usize = 200;

/// P(Z > x).
pub(crate) fn normal_sf(x: f64) -> f64 {
    0.5 * erfc(x / SQRT_2)
}

/// The x with P(Z > x) = p.
pub(crate) fn normal_upper(p: f64) -> f64 {
    SQRT_2 * erfc_inv(2.0 * p)
}

/// P(X > x) of chi-squared.
pub(crate) fn chi_squared_sf(x: f64, freedom: usize) -> f64 {
    match freedom {
        _ if x <= 0.0 => 1.0,
        _ if x.is_infinite() => 0.0,
        1 => erfc((x / 2.0).sqrt()),
        2 => (-x / 2.0).exp(),
        // Both arguments are above 0.
        _ => checked_gamma_ur(freedom as f64 / 2.0, x / 2.0).unwrap_or(0.0).clamp(0.0, 1.0),
    }
}

/// The x with P(X > x) = p of chi-squared.
pub(crate) fn chi_squared_upper(p: f64, freedom: usize) -> f64 {
    upper(p, |x| chi_squared_sf(x, freedom))
}

/// P(T > t) of Student's t. The degrees of freedom may be infinite.
pub(crate) fn t_sf(t: f64, freedom: f64) -> f64 {
    if t < 0.0 {
        return 1.0 - t_sf(-t, freedom);
    }
    if t.is_infinite() {
        return 0.0;
    }
    if freedom > NEARLY_NORMAL {
        let density = (-t * t / 2.0).exp() / (2.0 * PI).sqrt();
        return normal_sf(t) + density * (t.powi(3) + t) / (4.0 * freedom);
    }
    // I_x(freedom / 2, 1 / 2) / 2 with x = freedom / (freedom + t²), Abramowitz and Stegun 26.7.1.
    let (a, b) = (freedom / 2.0, 0.5);
    let ratio = t * t / freedom;
    let (x, y) = (1.0 / (1.0 + ratio), ratio / (1.0 + ratio));
    let log_power = -a * ratio.ln_1p();
    // ln(1 / B(a, 1/2)): the gamma function of 1/2 is the root of pi.
    let log_beta = ln_gamma_half_step(a) - 0.5 * PI.ln();
    let front = (log_power + 0.5 * y.ln() + log_beta).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        0.5 * front * continued_fraction(a, b, x) / a
    } else if y == 0.0 {
        0.5
    } else {
        0.5 * (1.0 - front * continued_fraction(b, a, y) / b)
    }
}

/// The t with P(T > t) = p.
pub(crate) fn t_upper(p: f64, freedom: f64) -> f64 {
    if p > 0.5 { -t_upper(1.0 - p, freedom) } else { upper(p, |t| t_sf(t, freedom)) }
}

/// ln Γ(a + 1/2) - ln Γ(a).
fn ln_gamma_half_step(a: f64) -> f64 {
    if a < 20.0 {
        return ln_gamma(a + 0.5) - ln_gamma(a);
    }
    let inverse = 1.0 / a;
    let square = inverse * inverse;
    let series = inverse
        * (-1.0 / 8.0 + square * (1.0 / 192.0 + square * (-1.0 / 640.0 + square * (17.0 / 14_336.0))));
    0.5 * a.ln() + series
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22) by Lentz's method.
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let kept = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / kept(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..100_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / kept(1.0 + even * d);
        c = kept(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / kept(1.0 + odd * d);
        c = kept(1.0 + odd / c);
        value *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// Where a falling function of numbers from 0 has this value.
fn upper(p: f64, survival: impl Fn(f64) -> f64) -> f64 {
    let mut high = 1.0;
    while survival(high) > p && high < f64::MAX / 4.0 {
        high *= 2.0;
    }
    let mut low = if high == 1.0 { 0.0 } else { high / 2.0 };
    for _ in 0..HALVINGS {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if survival(middle) > p { low = middle } else { high = middle }
    }
    low + (high - low) / 2.0
}

/// What Stirling's formula leaves of ln Γ(x): ln Γ(x) = (x - 1/2) ln x - x + ln(2π) / 2 + remainder.
pub(crate) fn stirling_remainder(x: f64) -> f64 {
    if x < 20.0 {
        return ln_gamma(x) - (x - 0.5) * x.ln() + x - 0.5 * (2.0 * PI).ln();
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    inverse * (1.0 / 12.0 + square * (-1.0 / 360.0 + square * (1.0 / 1260.0 + square * (-1.0 / 1680.0))))
}
