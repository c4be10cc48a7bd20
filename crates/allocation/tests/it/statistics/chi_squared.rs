//! Pearson's chi-squared test, with the exact tail of the distribution.

/// Natural logarithm of the gamma function for positive `x`, to about 1e-10 relative.
/// (C. Lanczos, "A Precision Approximation of the Gamma Function", 1964; coefficients for g = 7, n = 9.)
fn ln_gamma(x: f64) -> f64 {
    const G: f64 = 7.0;
    const COEFFICIENTS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let base = x + G + 0.5;
    let series: f64 = COEFFICIENTS
        .iter()
        .enumerate()
        .map(|(k, coefficient)| if k == 0 { *coefficient } else { coefficient / (x + k as f64) })
        .sum();
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * base.ln() - base + series.ln()
}

/// The regularised upper incomplete gamma function Q(a, x), by its series below `a + 1` and its continued
/// fraction (modified Lentz method) above. (Abramowitz and Stegun, 6.5.29 and 6.5.31.)
fn upper_gamma(a: f64, x: f64) -> f64 {
    const PRECISION: f64 = 1e-14;
    const TERMS: u32 = 10_000;
    const TINY: f64 = 1e-300;
    if x <= 0.0 {
        return 1.0;
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..TERMS {
            term *= x / (a + f64::from(n));
            sum += term;
            if term < sum * PRECISION {
                break;
            }
        }
        return 1.0 - sum * scale;
    }
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for n in 1..TERMS {
        let n = f64::from(n);
        let numerator = -n * (n - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b).max(TINY);
        c = (b + numerator / c).max(TINY);
        fraction *= d * c;
        if (d * c - 1.0).abs() < PRECISION {
            break;
        }
    }
    fraction * scale
}

/// The probability that a chi-squared variable with this many degrees of freedom is at least `statistic`.
pub(crate) fn survival(statistic: f64, degrees: usize) -> f64 {
    upper_gamma(degrees as f64 / 2.0, statistic / 2.0)
}

/// The p-value of the hypothesis that all cells are equally likely.
pub(crate) fn uniformity_p_value(counts: &[u64]) -> f64 {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let statistic: f64 = counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
    survival(statistic, counts.len() - 1)
}

#[test]
fn survival_matches_known_values() {
    // Critical values from published tables, and closed forms: exp(-x/2) for 2 degrees of freedom.
    let cases = [
        (3.841_458_820_694_124, 1, 0.05),
        (22.774, 1, 1.822e-6),
        (10.0, 2, (-5.0_f64).exp()),
        (0.5, 2, (-0.25_f64).exp()),
        (18.307_038_053_275_14, 10, 0.05),
        (124.342_113_404_004_1, 100, 0.05),
        (149.449_252_779_083_9, 100, 0.001),
    ];
    for (statistic, degrees, expected) in cases {
        let p = survival(statistic, degrees);
        assert!((p / expected - 1.0).abs() < 2e-3, "{statistic}, {degrees}: {p} instead of {expected}");
    }
    assert!((survival(3.841_458_820_694_124, 1) - 0.05).abs() < 1e-9);
    assert!((survival(18.307_038_053_275_14, 10) - 0.05).abs() < 1e-9);
}
