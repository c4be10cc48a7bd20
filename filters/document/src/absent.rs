//! A section whose filter is not in this build: it is refused by name.

use serde::{Serialize, Serializer};
use weir_core::load::Node;
use weir_core::{At, Compiler, Load, Problems};

/// Whatever was written there.
#[derive(Clone, Debug)]
pub struct Config;

/// What is made of it: nothing.
#[derive(Debug)]
pub struct Plan;

impl Plan {
    /// Refuses the section.
    pub fn compile(_: &Config, compiler: &mut Compiler<'_>, at: &At) -> Self {
        compiler.problems.add(at, "this module was built without the filter of this section");
        Self
    }
}

impl Load for Config {
    fn load(_: &Node<'_>, _: &mut Problems) -> Option<Self> {
        Some(Self)
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Config {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Absent".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::Schema::from(false)
    }
}
