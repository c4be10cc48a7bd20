//! GrowthBook's condition JSON.

use crate::compile::Compiler;
use crate::predicate::Facts;
use crate::problem::At;

/// A compiled condition.
#[derive(Debug)]
pub struct Condition;

/// Compiles a condition, adding what is wrong with it to the compiler's problems.
pub fn compile(_json: &serde_json::Value, _compiler: &mut Compiler<'_>, _at: &At) -> Condition {
    Condition
}

impl Condition {
    /// Whether it holds for this request.
    pub fn holds<F: Facts>(&self, _facts: &F) -> bool {
        false
    }
}
