//! Numbers of metrics.

/// Divided and rounded to the nearest whole number.
#[inline]
pub(crate) fn divided(number: u64, by: u64) -> u64 {
    if by <= 1 { number } else { number / by + u64::from(number % by >= by - by / 2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisions_are_rounded() {
        for (number, by, expected) in [
            (0, 10, 0),
            (4, 10, 0),
            (5, 10, 1),
            (14, 10, 1),
            (15, 10, 2),
            (1, 3, 0),
            (2, 3, 1),
            (7, 1, 7),
            (7, 0, 7),
        ] {
            assert_eq!(divided(number, by), expected, "{number} / {by}");
        }
        assert_eq!(divided(u64::MAX, 2), u64::MAX / 2 + 1);
    }
}
