//! Environment variables of the proxy, as far as they are known.

use crate::error::Error;
use crate::yaml::Mark;
use std::collections::BTreeMap;

/// Values of environment variables. They are secrets as a rule, so they have no `Debug`.
#[derive(Default)]
pub struct Variables {
    given: BTreeMap<String, String>,
    inherited: Option<Inherited>,
}

/// Finds the value of a variable by its name.
pub type Inherited = fn(&str) -> Option<String>;

impl Variables {
    /// None yet; those that nobody gives are looked up with `inherited`.
    #[must_use]
    pub fn inheriting(inherited: Inherited) -> Self {
        Self { given: BTreeMap::new(), inherited: Some(inherited) }
    }

    /// The value of a variable that a file gave.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.given.get(name).cloned()
    }

    /// The same; or else the inherited one.
    #[must_use]
    pub fn get_or_inherited(&self, name: &str) -> Option<String> {
        self.get(name).or_else(|| self.inherited.and_then(|inherited| inherited(name)))
    }

    /// All that files gave.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.given.iter()
    }

    /// Adds those of a file, as `docker run --env-file` reads it: empty lines and those with `#` are comments. Quotes
    /// around a whole value and `export` before a name, as shells write them, do not count. Of a variable that is
    /// given twice, the last value counts.
    ///
    /// # Errors
    /// A line that is not `NAME=VALUE`. Values are not shown.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), Error> {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let pair = line.strip_prefix("export ").unwrap_or(line).split_once('=');
            let pair =
                pair.map(|(name, value)| (name.trim(), value.trim())).filter(|(name, _)| is_name(name));
            let Some((name, value)) = pair else {
                let at = Mark { line: index + 1, column: 1 };
                return Err(Error::place(file, at, "expected NAME=VALUE (not shown here)".to_owned()));
            };
            self.given.insert(name.to_owned(), unquoted(value).to_owned());
        }
        Ok(())
    }
}

/// POSIX's names of environment variables.
fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn unquoted(value: &str) -> &str {
    let between = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_names_and_values() {
        let mut variables = Variables::default();
        let text = "# secrets\n\nA=1\nexport B=\"two words\"\nKEYS='{\"keys\":[]}'\nE=\nA=x=y\r\n";
        variables.add("f", text).unwrap();
        let read: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(read, ["A=x=y", "B=two words", "E=", "KEYS={\"keys\":[]}"]);
    }

    #[test]
    fn what_is_no_variable_is_said_without_showing_it() {
        for text in ["hush-hush-hush", "A=1\n=hush-hush-hush", "2=hush-hush-hush", "a b=hush-hush-hush"] {
            let error = Variables::default().add("f.env", text).unwrap_err().to_string();
            assert!(error.starts_with("f.env:") && !error.contains("hush"), "{error}");
        }
    }
}
