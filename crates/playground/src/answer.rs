//! Questions and answers as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// Maximum length of a question: the time for an answer can grow with it.
const MAX_BYTES: usize = 4 << 20;

/// An answer.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer<T> {
    Ok(T),
    Error(String),
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Error {
    /// The question is too long.
    TooLong,
    /// It is not JSON, or not of this form.
    NoQuestion(serde_json::Error),
    /// A field of the question, and what is wrong with it.
    #[cfg(feature = "more")]
    Field(&'static str, String),
    /// It asks for nothing, or for two things.
    #[cfg(feature = "more")]
    NoSubject,
    /// What the workbench says.
    Workbench(weir_workbench::Error),
}

impl From<weir_workbench::Error> for Error {
    fn from(error: weir_workbench::Error) -> Self {
        Self::Workbench(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "longer than {} MiB", MAX_BYTES >> 20),
            Self::NoQuestion(error) => write!(f, "not a question: {error}"),
            #[cfg(feature = "more")]
            Self::Field(name, message) => write!(f, "{name}: {message}"),
            #[cfg(feature = "more")]
            Self::NoSubject => f.write_str("expected an experiment or a split"),
            // The page's fields have the names of options, without the dashes.
            Self::Workbench(weir_workbench::Error::Option(misused)) => misused.fmt(f),
            Self::Workbench(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

/// What the page calls the text in its editor.
pub(crate) const FILE: &str = "config.yaml";

/// Reads a question, and writes the answer.
pub(crate) fn to<Q: DeserializeOwned, A: Serialize>(
    question: &str,
    answer: impl FnOnce(Q) -> Result<A, Error>,
) -> String {
    let answered = if question.len() > MAX_BYTES {
        Err(Error::TooLong)
    } else {
        serde_json::from_str(question).map_err(Error::NoQuestion).and_then(answer)
    };
    let answer = match answered {
        Ok(answered) => Answer::Ok(answered),
        Err(error) => Answer::Error(error.to_string()),
    };
    // Nothing that is written here has keys that are not texts.
    serde_json::to_string(&answer)
        .unwrap_or_else(|_| r#"{"error":"the answer cannot be written"}"#.to_owned())
}
