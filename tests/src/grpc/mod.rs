//! A gRPC server and client whose messages are bytes, so that no schema is needed.
//!
//! The server echoes, and does what the metadata of a call ask for:
//! - `x-grpc-fail: 14` ends with this status, its message in `x-grpc-message`, its trailers `x-trailer` as given,
//! - `x-grpc-fail-after: 2` sends so many messages first,
//! - `x-grpc-count: 5` is how many messages [`Method::ServerStream`] gives (3),
//! - `x-grpc-delay-ms: 50` waits before answering.

mod client;
mod codec;
mod server;

pub use client::{GrpcClient, Reply};
pub use server::GrpcServer;

/// The methods of the echo service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// One message, which comes back.
    Unary,
    /// One message, which comes back several times.
    ServerStream,
    /// Any number of messages; each comes back.
    Bidirectional,
}

impl Method {
    /// The path of the method, as routes see it.
    pub fn path(self) -> &'static str {
        match self {
            Self::Unary => "/weir.test.Echo/Unary",
            Self::ServerStream => "/weir.test.Echo/ServerStream",
            Self::Bidirectional => "/weir.test.Echo/Bidirectional",
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tonic::Code;

    use super::*;

    #[test]
    fn messages_come_back() {
        let server = GrpcServer::start().unwrap();
        let client = GrpcClient::new(server.address());
        let unary = client.call(Method::Unary, &["a"], &[]);
        assert_eq!((unary.code, unary.messages), (Code::Ok, vec![Bytes::from("a")]));
        let streamed = client.call(Method::ServerStream, &["a"], &[("x-grpc-count", "4")]);
        assert_eq!((streamed.code, streamed.messages.len()), (Code::Ok, 4));
        let both = client.call(Method::Bidirectional, &["a", "", "c"], &[]);
        assert_eq!(both.messages, [Bytes::from("a"), Bytes::new(), Bytes::from("c")]);
        assert_eq!(server.calls(), 3);
    }

    #[test]
    fn failures_have_status_message_and_trailers() {
        let server = GrpcServer::start().unwrap();
        let client = GrpcClient::new(server.address());
        let fail = [
            ("x-grpc-fail", "14"),
            ("x-grpc-message", "down: 100%"),
            ("x-trailer", "t"),
            ("x-grpc-fail-after", "2"),
        ];
        let early = client.call(Method::Unary, &["a"], &fail[..3]);
        assert_eq!((early.code, early.message.as_str()), (Code::Unavailable, "down: 100%"));
        assert_eq!((early.metadata("x-trailer"), early.messages.len()), (Some("t"), 0));
        let late = client.call(Method::ServerStream, &["a"], &fail);
        assert_eq!((late.code, late.messages.len()), (Code::Unavailable, 2));
        assert_eq!(late.metadata("x-trailer"), Some("t"));
    }
}
