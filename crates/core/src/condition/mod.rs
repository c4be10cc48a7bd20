//! GrowthBook's condition JSON over attributes: the same rule means the same here and in
//! GrowthBook's SDKs.
//!
//! The reference is `evalCondition` of the JavaScript SDK 1.8.0 (`mongrule.ts`), with JavaScript's
//! conversions between types; `tests/vectors/growthbook-condition` holds its verdicts. Where that
//! function answers a mistake with a silent `false` (an unknown operator, an invalid pattern, a
//! literal of the wrong type), compiling reports a problem instead. `docs/conditions.md` lists the
//! operators and all differences.
//!
//! [`compile()`] turns JSON into a tree of clauses (`a` and `b`, a field passes a check) whose
//! literals are converted, sorted, padded or compiled beforehand. [`Condition::judge`] walks it.
//! It allocates only where an array must become text for a pattern, for texts under a pattern that are not
//! UTF-8, and for capital sigmas.
//!
//! ```
//! use serde_json::json;
//! use weir_core::header::encode_pairs;
//! use weir_core::condition::{self, Condition};
//! use weir_core::{At, AttributeMap, Compiler, Problems, Request, Scratch, Truth, load};
//!
//! let named: AttributeMap = load(
//!     br#"{"country": "header:x-country", "version": "header:x-app-version"}"#,
//!     &mut Problems::default(),
//! );
//! let env = |_: &str| None;
//! let mut compiler = Compiler::new(&named, &env, Problems::default());
//! let rule = json!({"country": {"$in": ["FR", "BE"]}, "version": {"$vgte": "2.1.0"}});
//! let rule: Condition = condition::compile(&rule, &mut compiler, &At::root().field("condition"));
//! let plan = compiler.finish()?;
//!
//! let judge = |country: &str, version: &str| {
//!     let raw = encode_pairs(&[("x-country", country), ("x-app-version", version)]);
//!     let (mut scratch, host) = (Scratch::new(), weir_testkit::Services::default());
//!     scratch.read(&plan, &raw);
//!     rule.judge(&Request::new(&plan, &raw, &scratch, &host))
//! };
//! assert_eq!(judge("FR", "2.10.0"), Truth::True, "10 is above 1");
//! assert_eq!(judge("FR", "2.0.9"), Truth::False);
//! assert_eq!(judge("US", "2.10.0"), Truth::False);
//! # Ok::<(), Problems>(())
//! ```
//!
//! ```
//! use serde_json::json;
//! use weir_core::{At, AttributeMap, Compiler, Problems, condition};
//!
//! // What GrowthBook's SDKs take for false in silence is a problem here.
//! let (named, env) = (AttributeMap::default(), |_: &str| None);
//! let mut compiler = Compiler::new(&named, &env, Problems::default());
//! let misspelt = json!({"header:x-plan": {"$inn": ["pro"]}});
//! condition::compile(&misspelt, &mut compiler, &At::root().field("condition"));
//! let problems = compiler.problems.to_string();
//! assert!(problems.contains("did you mean `$in`?"), "{problems}");
//! ```

mod check;
mod compile;
mod js;
mod never;
mod node;
mod pattern;
mod version;

use crate::attribute::AttrId;
use crate::need::Need;
use crate::truth::Truth;
use crate::view::RequestView;
use check::Clause;
pub use compile::compile;
use node::Node;

/// A compiled condition.
#[derive(Debug)]
pub struct Condition(Clause<AttrId>);

impl Condition {
    /// See [`Predicate::needs`](crate::Predicate).
    pub(crate) fn needs<'p>(&'p self, needs: &mut Vec<Need<'p>>) {
        self.0.needs(needs);
    }

    /// Whether it holds for this request, as far as that is known.
    pub fn judge<F: RequestView>(&self, view: &F) -> Truth {
        self.0.judge(&|id: AttrId| Node::from(view.value(id)))
    }
}
