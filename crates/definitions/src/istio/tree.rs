//! A document with comments, before it is text.

use serde_json::Value;

/// A part of a document.
///
/// ```
/// use serde_json::json;
/// use weir_definitions::istio::Tree;
///
/// let rule = Tree::Map(vec![("setHeaders".to_owned(), Tree::from(json!({"x-group": "beta"})))]);
/// let commented = Tree::Commented(vec!["from the second route".to_owned()], Box::new(rule));
/// assert_eq!(Tree::List(vec![commented]).to_json(), json!([{"setHeaders": {"x-group": "beta"}}]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Members in the order in which they are read best, each on lines of its own.
    Map(Vec<(String, Tree)>),
    /// Items, each on lines of its own.
    List(Vec<Tree>),
    /// A value on one line.
    Value(Value),
    /// Lines of comment, and what they are about.
    Commented(Vec<String>, Box<Tree>),
}

impl<T: Into<Value>> From<T> for Tree {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}

impl Tree {
    /// Members in the order in which they are given.
    pub(crate) fn map<const SIZE: usize>(members: [(&str, Self); SIZE]) -> Self {
        Self::Map(members.into_iter().map(|(name, part)| (name.to_owned(), part)).collect())
    }

    /// The same with lines of comment before it, if there are any.
    pub(crate) fn commented(self, comments: Vec<String>) -> Self {
        if comments.is_empty() { self } else { Self::Commented(comments, Box::new(self)) }
    }

    /// The value without comments.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Map(members) => {
                Value::Object(members.iter().map(|(name, part)| (name.clone(), part.to_json())).collect())
            }
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Value(value) => value.clone(),
            Self::Commented(_, inner) => inner.to_json(),
        }
    }
}
