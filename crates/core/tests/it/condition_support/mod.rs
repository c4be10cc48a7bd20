//! What the tests of conditions share: requests made of headers, and conditions compiled for them.

use serde_json::Value as Json;
use weir_core::condition::{self, Condition};
use weir_core::{AccessPlan, At, AttributeMap, Compiler, Problems, Request, Scratch, Truth};
use weir_testkit::Services;

/// A condition with the access plan of its configuration.
pub(crate) struct Compiled {
    access_plan: AccessPlan,
    condition: Condition,
}

impl Compiled {
    /// Compiles a condition over `attributes`; the problems are given one a line.
    pub(crate) fn new(attributes: &AttributeMap, condition: &Json) -> Result<Self, Problems> {
        let env = |_: &str| None;
        let mut compiler = Compiler::new(attributes, &env, Problems::default());
        let condition = condition::compile(condition, &mut compiler, &At::root().field("condition"));
        let access_plan = compiler.finish()?;
        Ok(Self { access_plan, condition })
    }

    /// Whether the condition certainly holds for a request with these headers.
    pub(crate) fn holds(&self, headers: &[(String, Vec<u8>)]) -> bool {
        self.judge(headers) == Truth::True
    }

    /// What the condition says of a request with these headers.
    pub(crate) fn judge(&self, headers: &[(String, Vec<u8>)]) -> Truth {
        let raw = raw_headers(headers);
        let mut scratch = Scratch::default();
        scratch.read(&self.access_plan, &raw);
        self.condition.judge(&Request::new(&self.access_plan, &raw, &scratch, &Services::default()))
    }
}

/// Attributes as they are written in a configuration.
pub(crate) fn attributes(json: Json) -> AttributeMap {
    let mut problems = Problems::default();
    let attributes = weir_core::load::load_value(&json, &mut problems);
    assert!(problems.is_empty(), "{problems}");
    attributes
}

/// Headers as the host gives them.
fn raw_headers(headers: &[(String, Vec<u8>)]) -> Vec<u8> {
    let number = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    let mut raw = number(headers.len()).to_vec();
    for (name, value) in headers {
        raw.extend([number(name.len()), number(value.len())].concat());
    }
    for (name, value) in headers {
        raw.extend([name.as_bytes(), b"\0", value, b"\0"].concat());
    }
    raw
}
