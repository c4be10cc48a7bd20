//! Why something cannot be done with a configuration.

use crate::yaml::{Broken, Mark};
use std::fmt;
use weir_core::escape::escape;

/// A message for people, told apart by what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A place in a file.
    Place {
        /// What the file is called.
        file: String,
        /// Where.
        at: Mark,
        /// What is wrong there.
        message: String,
    },
    /// A file as a whole.
    File {
        /// What the file is called.
        file: String,
        /// What is wrong with it.
        message: String,
    },
    /// An option of the command line, which pages have as a field.
    Option(Misused),
    /// Something that the configuration does not have.
    Unknown {
        /// What was asked for: `experiment checkout`.
        what: String,
        /// What there is, as it follows in a sentence.
        hint: String,
    },
    /// It cannot be done with this configuration: why.
    Impossible(String),
}

/// An option that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misused {
    /// The option's name, without dashes.
    pub option: &'static str,
    /// What was given, where the message is about that.
    pub given: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl Error {
    pub(crate) fn file(file: &str, message: impl fmt::Display) -> Self {
        Self::File { file: file.to_owned(), message: message.to_string() }
    }

    pub(crate) fn place(file: &str, at: Mark, message: String) -> Self {
        Self::Place { file: file.to_owned(), at, message }
    }

    /// A text that is broken.
    pub(crate) fn broken(file: &str, broken: &Broken) -> Self {
        Self::place(file, broken.at, escape(&broken.message).into_owned())
    }

    /// An option without regard to what was given for it.
    pub(crate) fn option(option: &'static str, message: impl fmt::Display) -> Self {
        Self::Option(Misused { option, given: None, message: message.to_string() })
    }

    /// An option with what was given for it.
    pub(crate) fn given(option: &'static str, given: &str, message: impl fmt::Display) -> Self {
        Self::Option(Misused { option, given: Some(given.to_owned()), message: message.to_string() })
    }

    pub(crate) fn because(why: impl fmt::Display) -> Self {
        Self::Impossible(why.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place { file, at, message } => write!(f, "{file}:{}:{}: {message}", at.line, at.column),
            Self::File { file, message } => write!(f, "{file}: {message}"),
            Self::Option(misused) => write!(f, "--{misused}"),
            Self::Unknown { what, hint } => write!(f, "unknown {what}{hint}"),
            Self::Impossible(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Misused {
    /// As pages say it, whose fields have no dashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.given {
            Some(given) => write!(f, "{} {given}: {}", self.option, self.message),
            None => write!(f, "{}: {}", self.option, self.message),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_a_sentence() {
        let at = Mark { line: 3, column: 7 };
        for (error, expected) in [
            (Error::place("a.yaml", at, "wrong".to_owned()), "a.yaml:3:7: wrong"),
            (Error::file("a.yaml", "empty"), "a.yaml: empty"),
            (Error::option("weights", "b has two weights"), "--weights: b has two weights"),
            (Error::given("attr", "x", "unknown"), "--attr x: unknown"),
            (Error::Unknown { what: "split a".to_owned(), hint: "; b".to_owned() }, "unknown split a; b"),
            (Error::because("an empty list"), "an empty list"),
        ] {
            assert_eq!(error.to_string(), expected);
        }
        let broken = Broken::new(at, "a\u{1b}");
        assert_eq!(Error::broken("a", &broken).to_string(), "a:3:7: a\\u001b");
    }
}
