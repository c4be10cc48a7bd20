//! Patterns of whole numbers: conditions compare texts, and some vendors read numbers in them more strictly than
//! conditions do.

/// A whole number as semver and IPv4 write it: without leading zeros.
pub(crate) const WHOLE: &str = "(?:0|[1-9][0-9]*)";

/// What Rust reads as a finite number, and JavaScript as the same.
pub(crate) const DECIMAL: &str = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$";

/// Whole numbers above `limit`, of any length.
pub(crate) fn above(limit: u64) -> String {
    let digits = limit.to_string();
    let mut alternatives: Vec<String> = digits
        .char_indices()
        .filter(|(_, digit)| *digit < '9')
        .map(|(at, digit)| {
            let first = char::from_digit(digit.to_digit(10).unwrap_or(0) + 1, 10).unwrap_or('9');
            format!("{}{}{}", &digits[..at], between(first, '9'), any_digits(digits.len() - at - 1))
        })
        .collect();
    alternatives.push(format!("[1-9][0-9]{{{},}}", digits.len()));
    group(&alternatives)
}

/// Whole numbers below `limit`; none below 0.
pub(crate) fn below(limit: u64) -> Option<String> {
    let digits = limit.to_string();
    let mut alternatives = Vec::new();
    for (at, digit) in digits.char_indices() {
        let lowest = if at == 0 && digits.len() > 1 { '1' } else { '0' };
        if digit > lowest {
            let last = char::from_digit(digit.to_digit(10).unwrap_or(1) - 1, 10).unwrap_or('0');
            let rest = any_digits(digits.len() - at - 1);
            alternatives.push(format!("{}{}{rest}", &digits[..at], between(lowest, last)));
        }
    }
    match digits.len() {
        1 => {}
        2 => alternatives.push("[0-9]".into()),
        length => alternatives.push(format!("(?:0|[1-9][0-9]{{0,{}}})", length - 2)),
    }
    (!alternatives.is_empty()).then(|| group(&alternatives))
}

fn between(first: char, last: char) -> String {
    if first == last { first.to_string() } else { format!("[{first}-{last}]") }
}

fn any_digits(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "[0-9]".into(),
        count => format!("[0-9]{{{count}}}"),
    }
}

/// One of these.
pub(crate) fn group(alternatives: &[String]) -> String {
    match alternatives {
        [only] => only.clone(),
        several => format!("(?:{})", several.join("|")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value_test::ValueTest;
    use serde_json::json;

    #[test]
    fn patterns_are_the_numbers_above_and_below() {
        for limit in [0, 1, 5, 9, 10, 11, 19, 20, 99, 100, 105, 123, 190, 999, 1000] {
            let test = |pattern: &str| {
                ValueTest::new(&json!({"value": {"$regex": format!("^{pattern}$")}})).unwrap()
            };
            let (above, below) = (test(&above(limit)), below(limit).map(|pattern| test(&pattern)));
            for number in 0..1200_u64 {
                let value = json!(number.to_string());
                assert_eq!(above.passes(&value), number > limit, "{number} > {limit}");
                let is_below = below.as_ref().is_some_and(|below| below.passes(&value));
                assert_eq!(is_below, number < limit, "{number} < {limit}");
            }
            assert!(above.passes(&json!("123456789012345678901234567890")));
        }
    }
}
