//! Names for things that have none in the vendor's file, and names as configurations take them.

use serde_json::Value;

/// The longest name; an experiment's number comes after it.
const MAX_NAME_LEN: usize = 100;

/// What a value is called: the key of the variant that has it.
pub(crate) fn of_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Whether configurations take a name as it is.
pub(crate) fn is_safe(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME_LEN && name.chars().all(is_plain)
}

/// A name as configurations take them: letters, digits, `-`, `_` and `.`. Two names can become one, so whoever
/// asks for it must look.
pub(crate) fn safe(name: &str) -> String {
    if is_safe(name) {
        return name.to_owned();
    }
    let text: String = name.chars().map(|c| if is_plain(c) { c } else { '-' }).take(MAX_NAME_LEN).collect();
    let trimmed = text.trim_matches('-');
    if !trimmed.is_empty() {
        return trimmed.to_owned();
    }
    // Nothing is left of it, so that its characters are spelt by their numbers.
    name.chars().map(|c| format!("u{:04x}", u32::from(c))).take(MAX_NAME_LEN / 8).collect()
}

/// A name's part of a header's name: `userId` becomes `user-id`.
pub(crate) fn header(name: &str) -> String {
    let mut text = String::new();
    for c in safe(name).chars() {
        if c.is_ascii_uppercase() && !text.is_empty() && !text.ends_with('-') {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text.replace('.', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_safe() {
        assert_eq!(safe("new checkout (2)"), "new-checkout--2");
        assert_eq!(safe("größe"), "gr--e");
        assert_eq!(safe("-x-"), "-x-");
        assert_eq!(safe("日本"), "u65e5u672c");
        assert_ne!(safe("日本"), safe("??"));
        assert_eq!(safe(""), "");
        assert_eq!(header("userId"), "user-id");
    }
}
