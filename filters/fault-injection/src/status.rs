//! gRPC statuses by name and number, and the HTTP statuses that go with them.

use serde::{Serialize, Serializer};
use serde_json::Value;
use weir_core::load::Node;
use weir_core::problem::did_you_mean;
use weir_core::{Load, Problems};

/// A gRPC status, 0 to 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrpcStatus(u8);

/// The names in the order of their numbers, each with the corresponding HTTP status (the comments of
/// `google/rpc/code.proto`).
const STATUSES: [(&str, u16); 17] = [
    ("OK", 200),
    ("CANCELLED", 499),
    ("UNKNOWN", 500),
    ("INVALID_ARGUMENT", 400),
    ("DEADLINE_EXCEEDED", 504),
    ("NOT_FOUND", 404),
    ("ALREADY_EXISTS", 409),
    ("PERMISSION_DENIED", 403),
    ("RESOURCE_EXHAUSTED", 429),
    ("FAILED_PRECONDITION", 400),
    ("ABORTED", 409),
    ("OUT_OF_RANGE", 400),
    ("UNIMPLEMENTED", 501),
    ("INTERNAL", 500),
    ("UNAVAILABLE", 503),
    ("DATA_LOSS", 500),
    ("UNAUTHENTICATED", 401),
];

impl GrpcStatus {
    /// The status of this number.
    pub fn new(number: u64) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| usize::from(*number) < STATUSES.len()).map(Self)
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }

    fn row(self) -> (&'static str, u16) {
        STATUSES.get(usize::from(self.0)).copied().unwrap_or(("UNKNOWN", 500))
    }

    /// Its name, such as `UNAVAILABLE`.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The corresponding HTTP status.
    pub fn http(self) -> u16 {
        self.row().1
    }

    /// The status of this name or number.
    fn of_text(text: &str) -> Option<Self> {
        let named = STATUSES.iter().position(|(name, _)| *name == text);
        Self::new(named.map_or_else(|| text.parse().ok(), |number| Some(number as u64))?)
    }
}

impl Load for GrpcStatus {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let status = match node.value {
            Value::Number(number) => number.as_u64().and_then(Self::new),
            Value::String(text) => Self::of_text(text),
            _ => None,
        };
        match (status, node.value) {
            (Some(_), _) => {}
            (None, Value::String(text)) => {
                let hint = did_you_mean(text, STATUSES.iter().map(|(name, _)| *name));
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
                {"type": "string", "enum": STATUSES.map(|(name, _)| name)},
                {"type": "integer", "minimum": 0, "maximum": 16}
            ]
        })
    }
}
