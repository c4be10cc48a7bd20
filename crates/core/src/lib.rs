//! The foundation of all filters: attributes of a request, predicates over them, and the path from
//! configuration bytes to a validated plan.
//!
//! This crate is pure. It knows no proxy, does no I/O and reads no clock, so that everything in it
//! is tested natively and under Node as well as inside the module. What must come from outside at
//! request time (a property, a CEL verdict, a random number) is asked of [`HostServices`].
//!
//! The path of a configuration: bytes → [`load()`] → the filter's own `Config` → its `Plan`, with a
//! [`Compiler`] that interns inputs and outputs and collects *all* [`Problems`]. The path of a request: raw
//! header pairs → [`Request`] → predicates → [`Effects`].
//!
//! ```
//! use weir_core::header::encode_pairs;
//! use weir_core::{
//!     At, AttributeMap, Compiler, Effects, Problems, Request, Scratch, Targeting, Truth, load,
//! };
//!
//! // At configure time: bytes, a configuration, a plan.
//! let (named, env) = (AttributeMap::default(), |_: &str| None);
//! let mut problems = Problems::default();
//! let targeting: Targeting = load(br#"{"match": {"uri": {"prefix": "/cart"}}}"#, &mut problems);
//! let mut compiler = Compiler::new(&named, &env, problems);
//! let is_cart = targeting.compile(&mut compiler, &At::root());
//! let group = compiler.own_header("x-group", &At::root().field("header"));
//! let beta = compiler.text(b"beta");
//! let plan = compiler.finish()?;
//! let group = group.ok_or("a name that can be written")?;
//!
//! // For each request: header pairs, predicates, effects. The host here is that of tests.
//! let raw = encode_pairs(&[(":method", "GET"), (":path", "/cart?item=7"), ("x-group", "forged")]);
//! let host = weir_testkit::Services::default();
//! let (mut scratch, mut effects) = (Scratch::new(), Effects::new());
//! scratch.read(&plan, &raw);
//! effects.reset(&plan);
//! let request = Request::new(&plan, &raw, &scratch, &host);
//! if is_cart.judge(&request) == Truth::True {
//!     effects.set(group, beta);
//! }
//! assert_eq!(request.sent(group), Some(&b"forged"[..]), "what the client sent, which is replaced");
//! assert_eq!(effects.bytes(effects.headers[group.index()], &plan), Some(&b"beta"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

// For `derive(Load)`, whose code names this crate.
extern crate self as weir_core;

mod assigned;
pub mod attribute;
pub mod claims;
pub mod compile;
pub mod condition;
pub mod duration;
pub mod effect;
pub mod escape;
pub mod header;
mod host;
pub mod http_match;
pub mod ids;
pub mod load;
mod need;
mod never;
mod ordered_map;
pub mod ownership;
mod passes;
pub mod predicate;
pub mod problem;
pub mod query;
pub mod regex;
pub mod request;
mod response_header;
pub mod rpc;
mod rule_index;
pub mod sort;
mod steps;
pub mod table;
pub mod targeting;
pub mod timestamp;
mod truth;
pub mod value;
mod view;
mod visit;

pub use assigned::{Assigned, DecidedBy, Remembered};
pub use attribute::{AttrId, AttributeMap, SourceSpec};
pub use compile::{Compiler, Variable};
pub use effect::Effects;
pub use ids::OwnedHeader;
pub use load::{Load, load};
pub use ordered_map::OrderedMap;
pub use passes::Passes;
pub use predicate::Predicate;
pub use problem::{At, Problem, Problems};
pub use request::access_plan::{self, AccessPlan};
pub use request::{HostServices, Request, Scratch};
pub use response_header::ResponseHeader;
pub use rule_index::{Candidates, Positions, RuleCost, RuleIndex};
pub use steps::{Steps, StepsSpec};
pub use table::Table;
pub use targeting::{AnyVariant, Targeting};
pub use truth::Truth;
pub use value::Value;
pub use view::RequestView;
pub use weir_host_api::{
    Callbacks, Cel, Clock, Delay, Disposition, Hold, Properties, Random, Reply, Signatures,
};
