//! JSON, one line of it.

use weir_core::escape;

/// A line under construction.
#[derive(Debug)]
pub(crate) struct Line(pub(crate) String);

/// A line that has become so long, in bytes, takes no more fields.
const MAX_LINE_LEN: usize = 4096;

impl Line {
    pub(crate) fn new() -> Self {
        Self("{".to_owned())
    }

    /// Starts a field; false when there is no room for it.
    pub(crate) fn key(&mut self, name: &str) -> bool {
        if self.0.len() > MAX_LINE_LEN {
            return false;
        }
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        self.push_text(name);
        self.0.push(':');
        true
    }

    /// A field with a text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        if self.key(name) {
            self.push_text(text);
        }
    }

    /// A field with another line.
    pub(crate) fn object(&mut self, name: &str, object: Self) {
        if self.key(name) {
            self.0.push_str(&object.0);
            self.0.push('}');
        }
    }

    /// A field with a whole number.
    pub(crate) fn number(&mut self, name: &str, number: u64) {
        if self.key(name) {
            self.0.push_str(&number.to_string());
        }
    }

    /// A field with a number of milliseconds, exact to a microsecond.
    pub(crate) fn milliseconds(&mut self, name: &str, nanoseconds: u64) {
        if self.key(name) {
            let microseconds = nanoseconds / 1000;
            self.0.push_str(&(microseconds / 1000).to_string());
            self.0.push('.');
            for scale in [100, 10, 1] {
                self.0.push(char::from(b'0' + (microseconds / scale % 10) as u8));
            }
        }
    }

    /// RFC 8259 section 7; what terminals could take for commands is escaped as well.
    fn push_text(&mut self, text: &str) {
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                c if escape::is_hidden(c) => escape::push(&mut self.0, c),
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_json() {
        let hostile = "a\"b\\c\n\r\t\0\u{1b}[31m\u{7f}\u{85}\u{2028}\u{202e}é你😀";
        let mut line = Line::new();
        line.text("te\"xt", hostile);
        line.number("n", u64::MAX);
        line.milliseconds("ms", 1_234_567_890);
        line.0.push('}');
        assert!(!line.0.chars().any(escape::is_hidden));
        let json: serde_json::Value = serde_json::from_str(&line.0).unwrap();
        assert_eq!(json["te\"xt"], hostile);
        assert_eq!(json["n"], u64::MAX);
        assert_eq!(json["ms"], 1234.567);
    }

    #[test]
    fn lines_are_bounded() {
        let mut line = Line::new();
        for _ in 0..1000 {
            line.text("name", &"x".repeat(64));
        }
        assert!(line.0.len() < MAX_LINE_LEN + 200);
    }
}
