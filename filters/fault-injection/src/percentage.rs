//! Percentages as Envoy, Istio and people write them.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use weir_allocation::{BUCKETS, Share};

/// A percentage, exact to 0.0001 %: a text such as `"12.5%"`, Istio's `{value: 12.5}`, or Envoy's
/// `{numerator: 125, denominator: TEN_THOUSAND}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentage(pub Share);

/// The long forms.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Object {
    value: Option<f64>,
    numerator: Option<u32>,
    denominator: Option<Denominator>,
}

/// Envoy's `FractionalPercent.DenominatorType`.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Denominator {
    #[default]
    Hundred,
    TenThousand,
    Million,
}

impl Object {
    fn share(&self) -> Result<Share, String> {
        match (self.value, self.numerator) {
            (Some(percent), None) if self.denominator.is_none() => {
                Share::from_percent(percent).map_err(|problem| problem.to_string())
            }
            (None, Some(numerator)) => {
                let unit = match self.denominator.unwrap_or_default() {
                    Denominator::Hundred => BUCKETS / 100,
                    Denominator::TenThousand => BUCKETS / 10_000,
                    Denominator::Million => 1,
                };
                Share::from_millionths(numerator.saturating_mul(unit)).map_err(|problem| problem.to_string())
            }
            _ => Err("needs either `value`, or `numerator` and `denominator`".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Percentage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Percentage;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a percentage such as \"12.5%\" or {value: 12.5}")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Percentage, E> {
                // Without its sign, "0.5" could be a half or a half of a percent.
                if !text.trim_end().ends_with('%') {
                    return Err(E::invalid_type(serde::de::Unexpected::Str(text), &self));
                }
                text.parse().map(Percentage).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Percentage, A::Error> {
                let object = Object::deserialize(MapAccessDeserializer::new(map))?;
                object.share().map(Percentage).map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_any(Any)
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
