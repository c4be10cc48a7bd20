//! Numbers in texts for people.

/// `1 problem`, `2 problems`.
#[must_use]
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A share from 0 to 1 as a percentage, with up to four decimals: `12.5 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{short} %")
}
