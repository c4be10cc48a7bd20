//! Parts of a whole as they are written.

use serde::{Serialize, Serializer};
use serde_json::Number;
use weir_core::load::{Json, Node};
use weir_core::{Load, Problems};

/// A fraction of all units: a number from 0 to 1, or a percentage as text, such as `"12.5%"`. The number may
/// be a text as well, because Envoy converts decimals in YAML to texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct FractionSpec(pub f64);

impl FractionSpec {
    /// All units.
    pub const ALL: Self = Self(1.0);

    fn of_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let Some(number) = text.strip_suffix('%') else {
            return weir_core::value::number(text.as_bytes()).filter(Self::is_part).map(Self);
        };
        let percent = weir_core::value::number(number.as_bytes())?;
        // Not `percent / 100.0`: 7 / 100 and "0.07" may be different doubles.
        let fraction = if number.contains(['e', 'E']) { percent / 100.0 } else { shifted(number)? };
        Self::is_part(&fraction).then_some(Self(fraction))
    }

    fn is_part(number: &f64) -> bool {
        (0.0..=1.0).contains(number)
    }
}

/// A decimal number divided by a hundred, rounded once: `7` is the double that `0.07` is.
fn shifted(number: &str) -> Option<f64> {
    [number.trim(), "e-2"].concat().parse().ok()
}

/// A number as people write it.
fn plain(number: &Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

impl Load for FractionSpec {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let part = match node.value {
            Json::Number(number) => number.as_f64().filter(Self::is_part).map(Self),
            Json::Text(text) => Self::of_text(text),
            _ => None,
        };
        match (part, node.value) {
            (Some(_), _) => {}
            // The usual mistake: 50 where 50 % is meant.
            (None, Json::Number(number)) => {
                let shown = plain(number);
                let hint = ["a part from 0 to 1; a percentage is written \"", &shown, "%\""].concat();
                node.refuse(problems, &hint);
            }
            _ => node.refuse(problems, "a fraction from 0 to 1, or a percentage such as \"12.5%\""),
        }
        part
    }
}

impl Serialize for FractionSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for FractionSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Part".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A part of all units: a number from 0 to 1, or a percentage such as \"12.5%\".",
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": "^ *[0-9.]+ *%?$", "examples": ["10%", "0.5%"]}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_the_same_doubles_as_fractions() {
        for millionths in 0..=1_000_000_u32 {
            let fraction: f64 =
                format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000).parse().unwrap();
            let percent = format!("{}.{:04}%", millionths / 10_000, millionths % 10_000);
            assert_eq!(FractionSpec::of_text(&percent), Some(FractionSpec(fraction)), "{percent}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "%", "10", "1.01", "-0.1", "NaN", "101%", "-1%", "NaN%", "x%", "1%%"] {
            assert_eq!(FractionSpec::of_text(text), None, "{text}");
        }
    }

    #[test]
    fn what_envoy_makes_of_a_decimal_is_read() {
        assert_eq!(
            [FractionSpec::of_text("0.5"), FractionSpec::of_text("1")],
            [Some(FractionSpec(0.5)), Some(FractionSpec(1.0))]
        );
    }
}
