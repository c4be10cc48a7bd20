//! Questions and answers as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Maximum length of a question: the time for an answer can grow with it.
const MAX_BYTES: usize = 4 << 20;

/// An answer.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer<T> {
    Ok(T),
    Error(String),
}

/// What the page calls the text in its editor.
pub(crate) const FILE: &str = "config.yaml";

/// Reads a question, and writes the answer.
pub(crate) fn to<Q: DeserializeOwned, A: Serialize>(
    question: &str,
    answer: impl FnOnce(Q) -> Result<A, String>,
) -> String {
    let answered = if question.len() > MAX_BYTES {
        Err(format!("longer than {} MiB", MAX_BYTES >> 20))
    } else {
        serde_json::from_str(question).map_err(|error| format!("not a question: {error}")).and_then(answer)
    };
    let answer = match answered {
        Ok(answered) => Answer::Ok(answered),
        Err(error) => Answer::Error(of_page(&error).to_owned()),
    };
    // Nothing that is written here has keys that are not texts.
    serde_json::to_string(&answer)
        .unwrap_or_else(|_| r#"{"error":"the answer cannot be written"}"#.to_owned())
}

/// A message that names an option of the command line, without the dashes that the page's fields do not have.
fn of_page(message: &str) -> &str {
    message.strip_prefix("--").unwrap_or(message)
}
