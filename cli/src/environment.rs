//! Environment variables of the proxy, as far as a command knows them.

use crate::input;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The option that gives values of environment variables.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Environment {
    /// A file with environment variables of the proxy, one NAME=VALUE per line. Other variables are assumed
    /// to be valid.
    #[arg(long, value_name = "FILE")]
    env: Vec<PathBuf>,
}

/// Values of environment variables. They are secrets as a rule, so they have no `Debug`.
#[derive(Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl Environment {
    /// Reads the files; of a variable that is in several, the last value counts.
    ///
    /// # Errors
    /// A file that cannot be read, or a line that is not `NAME=VALUE`. Values are not shown.
    pub(crate) fn read(&self) -> Result<Variables, String> {
        let mut variables = Variables::default();
        for path in &self.env {
            let file = input::name(path);
            let text = input::read(path).map_err(|error| format!("{file}: {error}"))?;
            variables.add(&file, &text)?;
        }
        Ok(variables)
    }
}

impl Variables {
    /// The value of a variable that a file gave.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// The same; or else as it is where this command runs.
    pub(crate) fn get_or_inherited(&self, name: &str) -> Option<String> {
        self.get(name).or_else(|| std::env::var(name).ok())
    }

    /// All that files gave.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// As `docker run --env-file` reads it: empty lines and those with `#` are comments. Quotes around a
    /// whole value and `export` before a name, as shells write them, do not count.
    fn add(&mut self, file: &str, text: &str) -> Result<(), String> {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let pair = line.strip_prefix("export ").unwrap_or(line).split_once('=');
            let pair =
                pair.map(|(name, value)| (name.trim(), value.trim())).filter(|(name, _)| is_name(name));
            let Some((name, value)) = pair else {
                return Err(format!("{file}:{}:1: expected NAME=VALUE (not shown here)", index + 1));
            };
            self.0.insert(name.to_owned(), unquoted(value).to_owned());
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
            let error = Variables::default().add("f.env", text).unwrap_err();
            assert!(error.starts_with("f.env:") && !error.contains("hush"), "{error}");
        }
    }
}
