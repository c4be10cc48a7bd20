//! Numbers and versions in headers.

use super::{damaged, hold, of_pieces};
use crate::http_match_support::{Matcher, Services, request};
use proptest::collection::vec;
use proptest::prelude::*;
use semver::{Version, VersionReq};
use weir_core::value::number;

#[test]
fn numbers_are_finite_and_those_that_rust_reads() {
    let text = of_pieces(
        &["1", "0", "9", ".", "-", "+", "e", "E", "inf", "nan", " ", "_", "0x", "e308", "99999999"],
        8,
    );
    hold(prop_oneof![text.clone(), damaged(text), vec(any::<u8>(), 0..24)], |text| {
        let trimmed = std::str::from_utf8(text.trim_ascii()).ok();
        let letters = |t: &&str| !t.chars().any(|c| c.is_alphabetic() && c != 'e' && c != 'E');
        let expected: Option<f64> = trimmed.filter(letters).and_then(|t| t.parse().ok());
        prop_assert_eq!(number(&text), expected.filter(|n| n.is_finite()));
        Ok(())
    });
}

#[test]
fn versions_are_in_a_range_when_semver_says_so() {
    let range = ">=1.2, <3";
    let matcher = Matcher::new(&format!(r#"[{{"headers": {{"x-v": {{"semver": "{range}"}}}}}}]"#)).unwrap();
    let requirement = VersionReq::parse(range).unwrap();
    let text = of_pieces(
        &["0", "1", "2", "3", "10", ".", ".", "-", "rc", "+", "v", "01", "99999999999999999999", " "],
        9,
    );
    let whole = (0..4_u64, 0..4_u64, 0..4_u64).prop_map(|(a, b, c)| format!("{a}.{b}.{c}").into_bytes());
    hold(prop_oneof![whole, text.clone(), damaged(text), vec(any::<u8>(), 0..24)], |text| {
        let holds = matcher.holds(&request(&[("x-v", &text)]), &Services::default());
        // Only whole versions have a model; shorter ones are Weir's own tolerance.
        if let Some(version) = std::str::from_utf8(&text).ok().and_then(|t| Version::parse(t).ok()) {
            prop_assert_eq!(holds, requirement.matches(&version));
        }
        Ok(())
    });
}
