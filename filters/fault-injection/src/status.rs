//! gRPC statuses by name and number, and the HTTP statuses that go with them.

use serde::{Serialize, Serializer};
use weir_core::load::{Json, Node};
use weir_core::problem::did_you_mean;
use weir_core::{Load, Problems};

/// A gRPC status, 0 to 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrpcStatus(u8);

/// The names in the order of their numbers (`google/rpc/code.proto`).
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

impl GrpcStatus {
    /// The status of this number.
    pub fn new(number: u64) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| usize::from(*number) < NAMES.len()).map(Self)
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Its name, such as `UNAVAILABLE`.
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("UNKNOWN")
    }

    /// The corresponding HTTP status.
    pub fn http(self) -> u16 {
        weir_core::rpc::http_status(self.0)
    }

    /// The status of this name or number.
    fn of_text(text: &str) -> Option<Self> {
        let named = NAMES.iter().position(|name| *name == text);
        Self::new(named.map_or_else(|| text.parse().ok(), |number| Some(number as u64))?)
    }
}

impl Load for GrpcStatus {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let status = match node.value {
            Json::Number(number) => number.as_u64().and_then(Self::new),
            Json::Text(text) => Self::of_text(text),
            _ => None,
        };
        match (status, node.value) {
            (Some(_), _) => {}
            (None, Json::Text(text)) => {
                let hint = did_you_mean(text, NAMES);
                node.problem(problems, ["unknown gRPC status \"", text, "\"", &hint].concat());
            }
            _ => {
                node.refuse(problems, "a gRPC status: a name such as `UNAVAILABLE`, or a number from 0 to 16")
            }
        }
        status
    }
}

impl Serialize for GrpcStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for GrpcStatus {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GrpcStatus".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A gRPC status by name or number.",
            "anyOf": [
                {"type": "string", "enum": NAMES},
                {"type": "integer", "minimum": 0, "maximum": 16}
            ]
        })
    }
}
