//! Percentages as Envoy, Istio and people write them.

use serde::{Serialize, Serializer};
use std::fmt;
use weir_allocation::{BUCKETS, Fraction, InvalidFraction};
use weir_core::load::{Json, Node};
use weir_core::{Load, Problems};

/// A percentage, exact to 0.0001 %: a text such as `"12.5%"`, Istio's `{value: 12.5}`, or Envoy's
/// `{numerator: 125, denominator: TEN_THOUSAND}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentage(pub Fraction);

/// The long forms.
#[derive(Default, Load)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Object {
    value: Option<f64>,
    numerator: Option<u32>,
    denominator: Option<Denominator>,
}

/// Envoy's `FractionalPercent.DenominatorType`.
#[derive(Clone, Copy, Default, Load)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Denominator {
    #[default]
    Hundred,
    TenThousand,
    Million,
}

/// Why something is not a percentage.
enum InvalidPercentage {
    /// It is not a fraction of something.
    Fraction(InvalidFraction),
    /// It has not the members that say how large it is.
    Members,
}

impl fmt::Display for InvalidPercentage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fraction(invalid) => invalid.fmt(f),
            Self::Members => f.write_str("needs either `value`, or `numerator` and `denominator`"),
        }
    }
}

impl Object {
    fn share(&self) -> Result<Fraction, InvalidPercentage> {
        match (self.value, self.numerator) {
            (Some(percent), None) if self.denominator.is_none() => {
                Fraction::from_percent(percent).map_err(InvalidPercentage::Fraction)
            }
            (None, Some(numerator)) => {
                let unit = match self.denominator.unwrap_or_default() {
                    Denominator::Hundred => BUCKETS / 100,
                    Denominator::TenThousand => BUCKETS / 10_000,
                    Denominator::Million => 1,
                };
                Fraction::from_millionths(numerator.saturating_mul(unit)).map_err(InvalidPercentage::Fraction)
            }
            _ => Err(InvalidPercentage::Members),
        }
    }
}

impl Load for Percentage {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let share = match node.value {
            Json::Object(_) => Object::load(node, problems)?.share(),
            // Without its sign, "0.5" could be a half or a half of a percent.
            Json::Text(text) if text.trim_end().ends_with('%') => {
                text.parse().map_err(InvalidPercentage::Fraction)
            }
            _ => {
                node.refuse(problems, "a percentage such as \"12.5%\" or {value: 12.5}");
                return None;
            }
        };
        match share {
            Ok(share) => Some(Self(share)),
            Err(invalid) => {
                node.problem(problems, invalid.to_string());
                None
            }
        }
    }
}

impl Serialize for Percentage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Percentage {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percentage".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A percentage, exact to 0.0001 %: a text such as \"12.5%\", Istio's {value: 12.5}, or Envoy's {numerator: 125, denominator: TEN_THOUSAND}.",
            "anyOf": [
                {"type": "string", "pattern": "^ *[0-9.]+ *% *$", "examples": ["50%", "0.1%", "0.0001%"]},
                {"type": "object", "properties": {"value": {"type": "number", "minimum": 0, "maximum": 100}},
                 "required": ["value"], "additionalProperties": false},
                {"type": "object", "properties": {
                    "numerator": {"type": "integer", "minimum": 0},
                    "denominator": {"type": "string", "enum": ["HUNDRED", "TEN_THOUSAND", "MILLION"]}},
                 "required": ["numerator"], "additionalProperties": false}
            ]
        })
    }
}
