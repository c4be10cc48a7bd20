//! How plain values are read.

use super::{Json, Load, Node};
use crate::Problems;
use crate::value::number;
use serde_json::Value;

impl Load for bool {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let read = match node.value {
            Json::Bool(flag) => Some(*flag),
            _ => None,
        };
        if read.is_none() {
            node.refuse(problems, "a boolean");
        }
        read
    }
}

impl Load for String {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let read = node.value.as_str();
        if read.is_none() {
            node.refuse(problems, "a string");
        }
        read.map(str::to_owned)
    }
}

impl Load for f64 {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let read = match node.value {
            // Envoy makes a text of a decimal in YAML: only whole numbers stay numbers.
            Json::Text(text) => number(text.as_bytes()),
            other => other.as_f64(),
        };
        if read.is_none() {
            node.refuse(problems, "a number");
        }
        read
    }
}

/// Whole numbers up to the type's greatest.
macro_rules! whole {
    ($($number:ty: $largest:literal),*) => {
        $(impl Load for $number {
            fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
                let read = node.value.as_u64().and_then(|number| number.try_into().ok());
                if read.is_none() {
                    node.refuse(problems, concat!("a whole number", $largest));
                }
                read
            }
        })*
    };
}
whole! {
    u8: " from 0 to 255",
    u16: " from 0 to 65535",
    u32: " from 0 to 4294967295",
    u64: ", 0 or more"
}

impl Load for Value {
    fn load(node: &Node<'_>, _: &mut Problems) -> Option<Self> {
        Some(node.value.clone().into_value())
    }
}

/// `null` is as good as absent.
impl<T: Load> Load for Option<T> {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match node.value {
            Json::Null => Some(None),
            _ => T::load(node, problems).map(Some),
        }
    }
}

impl<T: Load> Load for Box<T> {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        T::load(node, problems).map(Box::new)
    }
}

impl<T: Load> Load for Vec<T> {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        // Without room for more: lists of a configuration are many, and most have one element.
        let mut list = Self::with_capacity(node.len());
        let read = node.elements(problems, &mut |_, element, problems| {
            list.extend(T::load(element, problems));
        });
        read.then_some(list)
    }
}

/// A pair.
impl<T: Load + Copy> Load for [T; 2] {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if !matches!(node.value, Json::List(list) if list.len() == 2) {
            node.refuse(problems, "a list of two");
            return None;
        }
        match *Vec::load(node, problems)? {
            [first, second] => Some([first, second]),
            _ => None,
        }
    }
}

/// A text, which is the short form, or an object, the long one. `expected` says what both look like.
///
/// ```
/// use weir_core::load::{Load, Node, load_value, short_or_long};
/// use weir_core::{OrderedMap, Problems};
///
/// /// `"10%"`, or `{"ios": "10%", "web": "20%"}`.
/// #[derive(Debug, Default, PartialEq)]
/// struct Coverage(Vec<String>);
///
/// impl Load for Coverage {
///     fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
///         let long = |parts: OrderedMap<String>| Self(parts.0.into_iter().map(|(_, part)| part).collect());
///         short_or_long(node, problems, "a percentage, or one for each platform", |text| Self(vec![text]), long)
///     }
/// }
///
/// let read = |json| load_value::<Coverage>(&json, &mut Problems::default());
/// assert_eq!(read(serde_json::json!("10%")), Coverage(vec!["10%".to_owned()]));
/// assert_eq!(read(serde_json::json!({"ios": "10%"})), Coverage(vec!["10%".to_owned()]));
/// ```
pub fn short_or_long<T, Long: Load>(
    node: &Node<'_>,
    problems: &mut Problems,
    expected: &str,
    short: fn(String) -> T,
    long: fn(Long) -> T,
) -> Option<T> {
    match node.value {
        Json::Text(text) => Some(short(text.clone().into_owned())),
        Json::Object(_) => Long::load(node, problems).map(long),
        _ => {
            node.refuse(problems, expected);
            None
        }
    }
}

/// A list, or one value without its brackets.
///
/// ```
/// use weir_core::{Load, Problems, load};
///
/// #[derive(Default, Load)]
/// #[serde(default, deny_unknown_fields)]
/// struct Rule {
///     #[load(one_or_many)]
///     hosts: Vec<String>,
/// }
///
/// let rule: Rule = load(br#"{"hosts": "shop.test"}"#, &mut Problems::default());
/// assert_eq!(rule.hosts, ["shop.test"]);
/// ```
pub fn one_or_many<T: Load>(node: &Node<'_>, problems: &mut Problems) -> Option<Vec<T>> {
    match node.value {
        Json::List(_) => Load::load(node, problems),
        _ => T::load(node, problems).map(|one| vec![one]),
    }
}
