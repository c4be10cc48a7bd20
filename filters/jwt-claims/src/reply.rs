//! How requests are refused (RFC 6750 section 3).

use crate::config::ErrorFormat;
use crate::failure::{Failure, Kind};
use weir_core::Reply;

/// What all refusals have in common.
#[derive(Debug)]
pub(crate) struct Replies {
    pub(crate) format: ErrorFormat,
    /// Without quotes, backslashes and control characters.
    pub(crate) realm: Box<str>,
}

/// gRPC's UNAUTHENTICATED, PERMISSION_DENIED and UNAVAILABLE.
const UNAUTHENTICATED: u8 = 16;
const PERMISSION_DENIED: u8 = 7;
const UNAVAILABLE: u8 = 14;

impl Replies {
    /// The response to a rejected request. `rule` is the name of the rule that it did not meet.
    #[cold]
    pub(crate) fn reply(&self, failure: &Failure, rule: Option<&str>) -> Reply {
        let (status, grpc, error) = match failure.kind {
            Kind::Missing => (401, UNAUTHENTICATED, None),
            Kind::OtherIssuer | Kind::Invalid => (401, UNAUTHENTICATED, Some("invalid_token")),
            Kind::Forbidden => (403, PERMISSION_DENIED, Some("insufficient_scope")),
            Kind::Unavailable { .. } => (503, UNAVAILABLE, None),
        };
        let mut reply = Reply::new(status, &["weir_jwt_", failure.reason].concat());
        reply.grpc_status = Some(grpc);
        if let Kind::Unavailable { retry_after } = failure.kind {
            let seconds = retry_after.div_ceil(1_000_000_000).max(1).to_string();
            reply.headers.push(("retry-after".into(), seconds.into_bytes().into()));
        }
        if self.format == ErrorFormat::None {
            return reply;
        }
        if status != 503 {
            let challenge = self.challenge(error, failure.reason);
            reply.headers.push(("www-authenticate".into(), challenge.into_bytes().into()));
        }
        let message = message(failure, rule);
        let (kind, body) = match self.format {
            ErrorFormat::Json => {
                let error = error.unwrap_or(if status == 503 { "unavailable" } else { "missing_token" });
                let message = serde_json::Value::from(message).to_string();
                let parts = [
                    "{\"error\":\"",
                    error,
                    "\",\"reason\":\"",
                    failure.reason,
                    "\",\"message\":",
                    &message,
                    "}",
                ];
                ("application/json", parts.concat())
            }
            _ => ("text/plain", message),
        };
        reply.headers.push(("content-type".into(), kind.as_bytes().into()));
        reply.body = body.into_bytes().into();
        reply
    }

    fn challenge(&self, error: Option<&str>, reason: &str) -> String {
        match error {
            None => ["Bearer realm=\"", &self.realm, "\""].concat(),
            Some(error) => {
                let reason = reason.replace('_', " ");
                [
                    "Bearer realm=\"",
                    &self.realm,
                    "\", error=\"",
                    error,
                    "\", error_description=\"",
                    &reason,
                    "\"",
                ]
                .concat()
            }
        }
    }
}

/// One line for people. Nothing of the token is in it.
fn message(failure: &Failure, rule: Option<&str>) -> String {
    match (failure.kind, rule) {
        (Kind::Missing, _) => "a token is required".to_owned(),
        (Kind::Unavailable { .. }, _) => "the keys that verify tokens are not available".to_owned(),
        (Kind::Forbidden, Some(rule)) => ["the claims do not meet what \"", rule, "\" requires"].concat(),
        _ => ["the token is refused: ", &failure.reason.replace('_', " ")].concat(),
    }
}
