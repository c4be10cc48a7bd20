//! Named things.

use crate::Problems;
use crate::load::{Load, Node};
use serde::{Serialize, Serializer};

/// An object with user-defined member names, sorted by name. It costs a module a third of the size of a map.
///
/// ```
/// use weir_core::OrderedMap;
///
/// let weights = OrderedMap::from([("control", 90.0), ("treatment", 10.0)]);
/// assert_eq!(weights.get("treatment"), Some(&10.0));
/// assert!(weights.iter().map(|(name, _)| name).eq(["control", "treatment"]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OrderedMap<T>(pub Vec<(String, T)>);

impl<T> OrderedMap<T> {
    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names with what they name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, item)| (name.as_str(), item))
    }

    /// The thing of that name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, item)| item)
    }
}

impl<T> Default for OrderedMap<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, N: Into<String>, const SIZE: usize> From<[(N, T); SIZE]> for OrderedMap<T> {
    fn from(items: [(N, T); SIZE]) -> Self {
        Self(items.into_iter().map(|(name, item)| (name.into(), item)).collect())
    }
}

impl<T: Load> Load for OrderedMap<T> {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let mut items = Vec::with_capacity(node.len());
        let read = node.named(problems, &mut |name, node, problems| {
            items.extend(T::load(node, problems).map(|item| (name.to_owned(), item)));
        });
        read.then_some(Self(items))
    }
}

impl<T: Serialize> Serialize for OrderedMap<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for OrderedMap<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Named_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <std::collections::BTreeMap<String, T>>::json_schema(generator)
    }
}
