//! Tests of the value of another feature, which features of all vendors can depend on.

use crate::unsupported::Unsupported;
use serde_json::Value;
use weir_core::RequestView;
use weir_core::attribute::AttributeMap;
use weir_core::condition::{self, Condition};
use weir_core::ids::{CelId, ExperimentId};
use weir_core::{At, AttrId, Compiler, Problems, Truth};

/// A condition over `value`, the value of another feature.
#[derive(Debug)]
pub(crate) struct ValueTest(Condition);

impl ValueTest {
    /// Reads the condition of a prerequisite.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn new(condition: &Value) -> Result<Self, Unsupported> {
        let mut problems = Problems::default();
        let text = r#"{"value": {"header": "value", "type": "json"}}"#;
        let named: AttributeMap = weir_core::load(text.as_bytes(), &mut problems);
        let mut compiler = Compiler::new(&named, &|_| None, problems);
        let compiled = condition::compile(condition, &mut compiler, &At::root().field("condition"));
        compiler.finish().map_err(|problems| problems.to_string())?;
        Ok(Self(compiled))
    }

    /// Whether it holds for a value that it can judge.
    pub(crate) fn passes(&self, value: &Value) -> bool {
        self.judge(value) == Truth::True
    }

    /// Whether it can judge a value: texts of patterns have a longest length.
    pub(crate) fn can_judge(&self, value: &Value) -> bool {
        self.judge(value) != Truth::Unknown
    }

    fn judge(&self, value: &Value) -> Truth {
        // As a request of its own, with all the work that its patterns may be.
        weir_core::regex::renew();
        self.0.judge(&Given(value))
    }
}

struct Given<'v>(&'v Value);

impl RequestView for Given<'_> {
    fn text(&self, _: AttrId) -> Option<&[u8]> {
        None
    }

    fn plain(&self, _: weir_core::ids::PlainHeader) -> Option<Option<&[u8]>> {
        None
    }

    fn value(&self, _: AttrId) -> weir_core::Value<'_> {
        weir_core::Value::Json(self.0)
    }

    fn cel(&self, _: CelId) -> Truth {
        Truth::Unknown
    }

    fn variant(&self, _: ExperimentId) -> Option<u16> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_tested_as_attributes_are() {
        for (condition, value, passes) in [
            (json!({"value": true}), json!(true), true),
            (json!({"value": true}), json!("on"), true),
            (json!({"value": true}), json!(false), false),
            (json!({"value": true}), json!(null), false),
            (json!({"value": {"$gt": 3}}), json!(4), true),
            (json!({"value": {"$exists": false}}), json!(null), true),
            (json!({"value.kind": "a"}), json!({"kind": "a"}), true),
            (json!({"$or": [{"value": "a"}, {"value": "b"}]}), json!("b"), true),
            (json!({}), json!(null), true),
        ] {
            assert_eq!(ValueTest::new(&condition).unwrap().passes(&value), passes, "{condition} {value}");
        }
        assert!(ValueTest::new(&json!({"value": {"$sounds": 1}})).is_err());
    }
}
