//! Istio's `HTTPMatchRequest`, word for word, and what Weir adds to it.
//!
//! `config` is what is written, `compile` turns it into a [`Predicate`](crate::Predicate), and the
//! other files are the tests that a predicate is made of. The semantics are those of the Envoy route
//! that istiod makes of the same words (`pilot/pkg/networking/core/route/route.go`), so that a block
//! decides here as it did in a VirtualService. Where versions of Envoy differ, the newer ones are
//! followed: since 1.39 (1.37 did not) the lines of a header are tested one by one, and RE2 takes each
//! byte for a character. `docs/match.md` is the user's side of this module.
//!
//! ```
//! use weir_core::header::encode_pairs;
//! use weir_core::http_match::HttpMatch;
//! use weir_core::{At, AttributeMap, Compiler, Problems, Request, Scratch, Truth, load};
//!
//! // A block of a VirtualService.
//! let mut problems = Problems::default();
//! let http_match: HttpMatch = load(
//!     br#"{"uri": {"prefix": "/api"}, "headers": {"x-user-group": {"exact": "beta"}}}"#,
//!     &mut problems,
//! );
//! let (named, env) = (AttributeMap::default(), |_: &str| None);
//! let mut compiler = Compiler::new(&named, &env, problems);
//! let predicate = http_match.compile(&mut compiler, &At::root().field("match"));
//! let plan = compiler.finish()?;
//!
//! let judge = |group: &str| {
//!     let raw = encode_pairs(&[(":path", "/api/orders"), ("x-user-group", group)]);
//!     let (mut scratch, host) = (Scratch::new(), weir_testkit::Services::default());
//!     scratch.read(&plan, &raw);
//!     predicate.judge(&Request::new(&plan, &raw, &scratch, &host))
//! };
//! assert_eq!((judge("beta"), judge("gamma")), (Truth::True, Truth::False));
//! # Ok::<(), Problems>(())
//! ```

mod claim;
mod compile;
mod config;
mod literal;
mod network;
mod regex;
mod string_match;

pub use claim::ClaimTest;
pub(crate) use claim::listed;
pub use config::{HttpMatch, StringMatch};
pub use literal::Anchor;
pub(crate) use literal::stands;
pub use network::{InvalidNetwork, Network, Networks};
pub(crate) use regex::for_lower_case;
pub use regex::{FullMatch, InvalidRegex};
pub use string_match::{TextRequirement, TextTest};
