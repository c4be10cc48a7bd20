//! Patterns of Rust's `regex`, which Unleash uses, as patterns of JavaScript, which conditions use.
//!
//! What means the same in both is taken over. Without case two letters that are not ASCII are letters that are, in Rust
//! only: the long s and the Kelvin sign. They are written out. What Rust would not compile makes a constraint false. All else is
//! refused: `\d` is any digit of Unicode there and an ASCII one here.

use crate::unsupported::Unsupported;
use crate::value_test::ValueTest;
use serde_json::json;
use std::iter::Peekable;
use std::str::Chars;

/// Reads a pattern: what it is in conditions, and whether it ignores case; `None` where the engine takes it for
/// false.
///
/// # Errors
/// What means something else, for people.
pub(super) fn read(pattern: &str, ignore_case: bool) -> Result<Option<(String, bool)>, Unsupported> {
    let mut reader = Reader { chars: pattern.chars().peekable(), out: String::new(), ignore_case, depth: 0 };
    let is_pattern =
        reader.all().map_err(|what| format!("the pattern {pattern:?} has no equivalent: {what}"))?;
    let Reader { out, ignore_case, .. } = reader;
    Ok(is_pattern.then_some((out, ignore_case)))
}

struct Reader<'p> {
    chars: Peekable<Chars<'p>>,
    out: String,
    ignore_case: bool,
    depth: usize,
}

/// Letters of ASCII, and what Rust takes for the same letter ignoring case.
const FOLDED: [(char, char); 2] = [('s', '\u{17f}'), ('k', '\u{212a}')];

/// Classes in brackets, which JavaScript does not have.
const POSIX: [(&str, &str); 14] = [
    ("alnum", "0-9A-Za-z"),
    ("alpha", "A-Za-z"),
    ("ascii", "\\x00-\\x7F"),
    ("blank", "\\t "),
    ("cntrl", "\\x00-\\x1F\\x7F"),
    ("digit", "0-9"),
    ("graph", "!-~"),
    ("lower", "a-z"),
    ("print", " -~"),
    ("punct", "!-/:-@\\[-`{-~"),
    ("space", "\\t\\n\\v\\f\\r "),
    ("upper", "A-Z"),
    ("word", "0-9A-Za-z_"),
    ("xdigit", "0-9A-Fa-f"),
];

impl Reader<'_> {
    /// Whether it is a pattern.
    fn all(&mut self) -> Result<bool, Unsupported> {
        // What a quantifier would repeat.
        let mut before = Before::Nothing;
        while let Some(c) = self.chars.next() {
            match c {
                '(' => {
                    match self.open()? {
                        Opened::Group => self.depth += 1,
                        Opened::Flags => {}
                        Opened::Invalid => return Ok(false),
                    }
                    before = Before::Nothing;
                }
                ')' => {
                    if self.depth == 0 {
                        return Ok(false);
                    }
                    self.depth -= 1;
                    self.out.push(c);
                    before = Before::Something;
                }
                '[' => {
                    self.class()?;
                    before = Before::Something;
                }
                '*' | '+' | '?' => {
                    if before == Before::Anchor {
                        return Err("it repeats an anchor".into());
                    }
                    if before == Before::Nothing {
                        return Ok(false);
                    }
                    self.out.push(c);
                    self.lazy();
                }
                '{' => {
                    if before == Before::Anchor {
                        return Err("it repeats an anchor".into());
                    }
                    if before == Before::Nothing {
                        return Ok(false);
                    }
                    self.counted()?;
                    self.lazy();
                }
                '.' => {
                    // All but the end of a line, of which JavaScript knows more.
                    self.out.push_str("[^\\n]");
                    before = Before::Something;
                }
                '^' | '$' => {
                    self.out.push(c);
                    before = Before::Anchor;
                }
                '|' => {
                    self.out.push(c);
                    before = Before::Nothing;
                }
                '\\' => {
                    if !self.escape(false)? {
                        return Ok(false);
                    }
                    before = Before::Something;
                }
                // Alone they are themselves in Rust; JavaScript is not asked.
                ']' | '}' => {
                    self.out.extend(['\\', c]);
                    before = Before::Something;
                }
                c => {
                    match FOLDED.iter().find(|(ascii, _)| self.ignore_case && ascii.eq_ignore_ascii_case(&c))
                    {
                        Some((ascii, other)) => self.out.extend(['[', *ascii, *other, ']']),
                        None => self.letter(c)?,
                    }
                    before = Before::Something;
                }
            }
            if self.depth > 40 {
                return Err("its groups are nested too deep".into());
            }
        }
        Ok(self.depth == 0)
    }

    fn letter(&mut self, c: char) -> Result<(), Unsupported> {
        if self.ignore_case && !c.is_ascii() {
            return Err("ignoring the case of non-ASCII text has no equivalent".into());
        }
        self.out.push(c);
        Ok(())
    }

    fn lazy(&mut self) {
        if self.chars.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
    }

    /// `{2}`, `{2,}` or `{2,4}`.
    fn counted(&mut self) -> Result<(), Unsupported> {
        let mut inner = String::new();
        for c in self.chars.by_ref() {
            if c == '}' {
                break;
            }
            inner.push(c);
        }
        let number =
            |text: &str| !text.is_empty() && text.len() < 4 && text.bytes().all(|b| b.is_ascii_digit());
        let good = match inner.split_once(',') {
            None => number(&inner),
            Some((low, high)) => number(low) && (high.is_empty() || number(high)),
        };
        if !good {
            return Err(format!("`{{{inner}}}` is not a valid repetition").into());
        }
        self.out.push_str(&format!("{{{inner}}}"));
        Ok(())
    }

    fn open(&mut self) -> Result<Opened, Unsupported> {
        if self.chars.next_if_eq(&'?').is_none() {
            self.out.push('(');
            return Ok(Opened::Group);
        }
        let mut head = String::new();
        for c in self.chars.by_ref() {
            head.push(c);
            if matches!(c, ':' | ')' | '=' | '!' | '>') {
                break;
            }
        }
        match head.as_str() {
            ":" => {
                self.out.push_str("(?:");
                Ok(Opened::Group)
            }
            // Look-ahead and look-behind, which Rust does not compile.
            "=" | "!" | "<=" | "<!" => Ok(Opened::Invalid),
            // At the start it is for the whole.
            "i)" if self.out.is_empty() || self.out == "^" => {
                self.ignore_case = true;
                Ok(Opened::Flags)
            }
            other => Err(format!("`(?{other}` is not the same").into()),
        }
    }

    /// What comes after a backslash; false where Rust would not compile it.
    fn escape(&mut self, in_class: bool) -> Result<bool, Unsupported> {
        let Some(c) = self.chars.next() else { return Ok(false) };
        match c {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'b' | 'B' | 'p' | 'P' => Err(format!(
                "`\\{c}` matches Unicode in Unleash and ASCII in Weir; write a class such as [0-9]"
            )
            .into()),
            // Back-references.
            '0'..='9' => Ok(false),
            't' | 'n' | 'r' | 'f' | 'v' => {
                self.out.extend(['\\', c]);
                Ok(true)
            }
            '-' if !in_class => {
                self.out.push(c);
                Ok(true)
            }
            c if c.is_ascii_punctuation() && !matches!(c, '<' | '>') => {
                // `/` and what has no meaning is itself without an escape too.
                if r"\^$.|?*+()[]{}-".contains(c) {
                    self.out.push('\\');
                }
                self.out.push(c);
                Ok(true)
            }
            c => Err(format!("`\\{c}` is not the same").into()),
        }
    }

    /// What comes after `[`.
    fn class(&mut self) -> Result<(), Unsupported> {
        const OPEN: &str = "a class is not closed";
        let start = self.out.len();
        self.out.push('[');
        let negated = self.chars.next_if_eq(&'^').is_some();
        if negated {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let c = self.chars.next().ok_or(OPEN)?;
            match c {
                ']' if !is_first => break,
                ']' => self.out.push_str("\\]"),
                '[' => self.posix()?,
                '\\' => {
                    if !self.escape(true)? {
                        return Err("a class contains `\\` followed by a number".into());
                    }
                }
                '&' | '~' | '-' if self.chars.peek() == Some(&c) => {
                    return Err(format!("`{c}{c}` in a class is not the same").into());
                }
                c => self.letter(c)?,
            }
            is_first = false;
        }
        if self.ignore_case {
            let class = format!("^{}]$", self.out.get(start..).unwrap_or_default());
            let test = ValueTest::new(&json!({"value": {"$regexi": class}}))?;
            for (ascii, other) in FOLDED {
                if test.passes(&json!(ascii)) != negated {
                    self.out.push(other);
                }
            }
        }
        self.out.push(']');
        Ok(())
    }

    /// `[:alpha:]` in a class.
    fn posix(&mut self) -> Result<(), Unsupported> {
        const NESTED: &str = "a class in a class is not the same";
        if self.chars.next_if_eq(&':').is_none() {
            return Err(NESTED.into());
        }
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(|c| c.is_ascii_alphabetic()) {
            name.push(c);
        }
        let closed = self.chars.next() == Some(':') && self.chars.next() == Some(']');
        let known = POSIX.iter().find(|(known, _)| *known == name).filter(|_| closed);
        let (_, set) = known.ok_or(NESTED)?;
        self.out.push_str(set);
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Anchor,
    Something,
}

enum Opened {
    Group,
    Flags,
    /// What Rust does not compile.
    Invalid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_is_taken_over() {
        for (rust, ours) in [
            ("^cat$", Some(("^cat$", false))),
            ("^[[:alpha:]]+$", Some(("^[A-Za-z]+$", false))),
            ("^a.*?b{2,4}", Some(("^a[^\\n]*?b{2,4}", false))),
            ("^(?i)abc$", Some(("^abc$", true))),
            (r"a\.b/[\]x]", Some((r"a\.b/[\]x]", false))),
            ("(?:a|b)c", Some(("(?:a|b)c", false))),
            ("(?i)ask[a-z][^k]", Some(("a[s\u{17f}][k\u{212a}][a-z\u{17f}\u{212a}][^k\u{212a}]", true))),
            ("(regex", None),
            ("^(?=a)b$", None),
            (r"^(a)\1$", None),
            ("*a", None),
            ("a)", None),
        ] {
            let ours = ours.map(|(pattern, ignore_case)| (pattern.to_owned(), ignore_case));
            assert_eq!(read(rust, false), Ok(ours), "{rust}");
        }
    }

    #[test]
    fn what_does_not_is_refused() {
        for pattern in
            [r"\d+", r"\bcat\b", "(?m)^a$", "a(?i)b", "[a&&b]", "[a[bc]]", r"\x41", "(?P<n>a)", "a{x}"]
        {
            assert!(read(pattern, false).is_err(), "{pattern}");
        }
        assert!(read("ü", true).is_err());
    }
}
