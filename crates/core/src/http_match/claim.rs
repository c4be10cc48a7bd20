//! Tests of claims: a claim is a text, or a list of texts of which one must pass.

use super::TextTest;
use crate::attribute::AttrId;
use crate::header::Pairs;
use crate::truth::Truth;
use crate::value::Value;
use crate::view::RequestView;

/// A compiled test of a claim.
#[derive(Debug)]
pub struct ClaimTest {
    /// The claim.
    pub attribute: AttrId,
    /// What its text, or one text of its list, must pass.
    pub test: TextTest,
}

impl ClaimTest {
    /// Whether the claim is there and passes. As in Istio, a number, boolean or object is there but
    /// passes no test of a text.
    pub fn judge<F: RequestView>(&self, view: &F) -> Truth {
        let value = view.value(self.attribute);
        if let TextTest::Any = self.test {
            return (value != Value::Null).into();
        }
        match value {
            Value::Text(text) => match listed(text) {
                Some(items) => Truth::any(items.map(|item| self.test.judge(item))),
                None => self.test.judge(text),
            },
            Value::List(list) => Truth::any(list.items().map(|item| self.test.judge(item))),
            Value::Json(serde_json::Value::Array(items)) => {
                Truth::any(items.iter().map(|item| self.judge_json(item)))
            }
            Value::Json(one) => self.judge_json(one),
            Value::Null | Value::Bool(_) | Value::Number(_) => Truth::False,
            Value::Unreadable => Truth::Unknown,
        }
    }

    fn judge_json(&self, json: &serde_json::Value) -> Truth {
        json.as_str().map_or(Truth::False, |text| self.test.judge(text.as_bytes()))
    }
}

/// The items, when `bytes` is how Envoy hands out a list property: the layout of header pairs, with
/// the items as the names and empty values (`serializeValue` in its `wasm/context.cc`).
///
/// The bytes carry no type, so a text could pretend to be such a list. It would have to hold NUL bytes at the
/// right places, and a token's issuer decides what is in a claim.
pub(crate) fn listed(bytes: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let count = u32::from_le_bytes(*bytes.first_chunk::<4>()?) as usize;
    let (mut seen, mut size) = (0, 4);
    for pair in Pairs::new(bytes) {
        if !pair.value.is_empty() {
            return None;
        }
        seen += 1;
        // Two sizes of four bytes, the name, and a NUL behind name and value.
        size += 8 + pair.name.len() + 2;
    }
    (seen == count && size == bytes.len()).then(|| Pairs::new(bytes).map(|pair| pair.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::encode_pairs;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn lists_are_told_from_texts() {
        let items = |bytes: &[u8]| listed(bytes).map(|items| items.map(<[u8]>::to_vec).collect::<Vec<_>>());
        assert_eq!(items(&encode_pairs(&[("a", ""), ("bc", "")])), Some(vec![b"a".to_vec(), b"bc".to_vec()]));
        assert_eq!(items(&encode_pairs::<&str, &str>(&[])), Some(vec![]));
        // An object: its values are not empty.
        assert_eq!(items(&encode_pairs(&[("a", "1")])), None);
        let list = encode_pairs(&[("admin", "")]);
        for broken in
            [&list[..list.len() - 1], &[list.as_slice(), b"x"].concat(), b"", b"abc", b"admin", &[0xff; 40]]
        {
            assert_eq!(items(broken), None, "{broken:?}");
        }
    }
}
