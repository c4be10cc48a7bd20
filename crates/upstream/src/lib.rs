//! A sample service: it answers each request with a JSON description of what it received.
//!
//! ```json
//! {"name": "v1", "method": "GET", "authority": "example.com", "path": "/a?b",
//!  "headers": [["accept", "*/*"], ["x-user-group", "beta-testers"]], "bodyBytes": 0}
//! ```
//!
//! Header values are bytes and JSON is text, so each byte is written as the character with the same
//! number (Latin-1): nothing is lost, and [`Seen::header_bytes`] turns it back. Names are lower-case and in
//! the order of arrival; a repeated name appears each time. The answer carries `x-upstream: <name>`.
//!
//! Request headers steer the answer:
//! - `x-answer-status: 404` sets the status,
//! - `x-answer-header: name=value` adds a header (repeatable; the value may be any header bytes),
//! - `x-answer-trailer: name=value` adds a trailer (HTTP/2),
//! - `x-answer-body-bytes: 1000` answers with so many letters in place of the description,
//! - `x-answer-delay-ms: 50` waits before answering,
//! - `x-answer-id: 7` asks for the answer that was prepared under this id in [`Plans`].

#![forbid(unsafe_code)]

mod answer;
mod plan;
mod seen;
mod server;

pub use plan::{Answer, Plans};
pub use seen::Seen;
pub use server::Upstream;
