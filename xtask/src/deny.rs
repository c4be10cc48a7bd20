//! Dependencies, held to `deny.toml`: their licences, second versions of a crate, and where they come from.
//!
//! The file is cargo-deny's, which does the same and more. It takes many minutes to build, so that here its three
//! offline checks are done with what `cargo metadata` says. Licence expressions are read by cargo-deny's own library.

use crate::task::{Failure, root};
use serde_json::Value;
use spdx::{Expression, Licensee, ParseMode};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use toml_edit::{DocumentMut, Item};

/// The file, in the root of the repository.
const FILE: &str = "deny.toml";

/// Identifiers of SPDX; between two of them, older crates have a slash in the place of `OR`.
const EXPRESSIONS: ParseMode = ParseMode { allow_slash_as_or_operator: true, ..ParseMode::STRICT };

/// How cargo names the registry of crates.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What dependencies may be.
#[derive(Debug, Default)]
struct Policy {
    licences: Vec<Licensee>,
    /// Licences that single crates may have as well, by the crate's name.
    exceptions: BTreeMap<String, Vec<Licensee>>,
    /// Versions that may be there beside others: `NAME@VERSION`.
    skipped: BTreeSet<String>,
}

/// A dependency, or a crate of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    /// `None`: a crate of the workspace.
    source: Option<String>,
}

/// Checks all dependencies, of all features and platforms.
///
/// # Errors
/// Everything that the policy does not allow, or a policy or packages that cannot be read.
pub(crate) fn check() -> Result<(), Failure> {
    let root = root()?;
    let file = root.join(FILE);
    let policy = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let policy = Policy::read(&policy).map_err(|error| format!("{FILE}: {error}"))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--locked", "--all-features", "--format-version", "1"];
    let output = Command::new(cargo).current_dir(&root).args(arguments).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let packages = packages(&serde_json::from_slice(&output.stdout)?)?;
    let problems = policy.problems(&packages);
    if problems.is_empty() {
        println!(
            "{} packages are as {FILE} allows; known vulnerabilities: `cargo deny check advisories`",
            packages.len()
        );
        return Ok(());
    }
    Err(problems.join("\n").into())
}

/// The packages in what `cargo metadata` printed.
fn packages(metadata: &Value) -> Result<Vec<Package>, Failure> {
    let package = |package: &Value| {
        let text = |name: &str| package.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Package {
            name: text("name")?,
            version: text("version")?,
            licence: text("license"),
            source: text("source"),
        })
    };
    let all = metadata.get("packages").and_then(Value::as_array).ok_or("cargo metadata has no packages")?;
    all.iter().map(package).collect::<Option<_>>().ok_or_else(|| "a package has no name or version".into())
}

impl Policy {
    /// Reads what is checked of a `deny.toml`.
    fn read(text: &str) -> Result<Self, Failure> {
        let document: DocumentMut = text.parse()?;
        let mut policy =
            Self { licences: licences(&list(&document, "licenses", "allow")?)?, ..Self::default() };
        for exception in list(&document, "licenses", "exceptions")? {
            let name = text_of(&exception, "crate")?;
            let allowed =
                exception.get("allow").and_then(Item::as_array).ok_or("an exception has no `allow`")?;
            let allowed = allowed.iter().map(|licence| Item::Value(licence.clone())).collect::<Vec<_>>();
            policy.exceptions.insert(name, licences(&allowed)?);
        }
        for skipped in list(&document, "bans", "skip")? {
            policy.skipped.insert(text_of(&skipped, "crate")?);
        }
        Ok(policy)
    }

    /// What the policy does not allow, and what of it nothing needs.
    fn problems(&self, packages: &[Package]) -> Vec<String> {
        let mut problems = Vec::new();
        let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for package in packages {
            let Package { name, version, .. } = package;
            versions.entry(name).or_default().insert(version);
            problems.extend(self.refuse_licence(package).map(|reason| format!("{name} {version}: {reason}")));
            if let Some(source) = package.source.as_deref().filter(|source| *source != REGISTRY) {
                problems.push(format!("{name} {version}: it comes from {source}"));
            }
        }
        let mut unneeded = self.skipped.clone();
        for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
            let key = |version: &&str| format!("{name}@{version}");
            let others: Vec<&str> =
                versions.iter().copied().filter(|it| !self.skipped.contains(&key(it))).collect();
            for version in versions {
                unneeded.remove(&key(version));
            }
            if others.len() > 1 {
                problems.push(format!("{name}: more than one version: {}", others.join(", ")));
            }
        }
        problems
            .extend(unneeded.iter().map(|skipped| format!("{FILE}: nothing needs `bans.skip` of {skipped}")));
        let exceptions = self.exceptions.keys().filter(|name| !versions.contains_key(name.as_str()));
        problems.extend(exceptions.map(|name| format!("{FILE}: nothing needs the exception for {name}")));
        problems
    }

    /// Why a licence is not allowed.
    fn refuse_licence(&self, package: &Package) -> Option<String> {
        let Some(text) = &package.licence else { return Some("it names no licence".to_owned()) };
        let expression = match Expression::parse_mode(text, EXPRESSIONS) {
            Ok(expression) => expression,
            Err(error) => return Some(format!("invalid licence {text:?}: {}", error.reason)),
        };
        let own = self.exceptions.get(&package.name).into_iter().flatten();
        let allowed: Vec<&Licensee> = self.licences.iter().chain(own).collect();
        let allows =
            expression.evaluate(|required| allowed.iter().any(|licence| licence.satisfies(required)));
        (!allows).then(|| format!("licence {text} is not allowed"))
    }
}

/// The list of this name in a table; empty where it is absent.
fn list(document: &DocumentMut, table: &str, name: &str) -> Result<Vec<Item>, Failure> {
    let Some(item) = document.get(table).and_then(|table| table.get(name)) else { return Ok(Vec::new()) };
    let list = item.as_array().ok_or_else(|| format!("`{table}.{name}` is not a list"))?;
    Ok(list.iter().map(|value| Item::Value(value.clone())).collect())
}

fn text_of(item: &Item, name: &str) -> Result<String, Failure> {
    let text = item.get(name).and_then(Item::as_str);
    text.map(str::to_owned).ok_or_else(|| format!("an entry has no `{name}`").into())
}

fn licences(names: &[Item]) -> Result<Vec<Licensee>, Failure> {
    let licence = |name: &Item| -> Result<Licensee, Failure> {
        let name = name.as_str().ok_or("a licence is not a text")?;
        Licensee::parse(name).map_err(|error| format!("invalid licence {name:?}: {}", error.reason).into())
    };
    names.iter().map(licence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, licence: &str) -> Package {
        let source = Some(REGISTRY.to_owned());
        Package { name: name.into(), version: version.into(), licence: Some(licence.into()), source }
    }

    fn policy() -> Policy {
        Policy::read(
            r#"
            [licenses]
            allow = ["MIT", "Apache-2.0"]
            exceptions = [{ crate = "fonts", allow = ["OFL-1.1"] }]
            [bans]
            skip = [{ crate = "old@1.0.0", reason = "newer has it" }]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn what_is_allowed_passes() {
        let packages = [
            package("a", "1.0.0", "MIT/GPL-3.0-only"),
            package("fonts", "1.0.0", "(MIT OR Zlib) AND OFL-1.1"),
            package("old", "1.0.0", "MIT"),
            package("old", "2.0.0", "Apache-2.0 WITH LLVM-exception OR MIT"),
            Package { source: None, ..package("weir", "0.1.0", "Apache-2.0") },
        ];
        assert_eq!(policy().problems(&packages), [""; 0]);
    }

    #[test]
    fn everything_else_is_reported() {
        let git = Some("git+https://example.com/c".to_owned());
        let packages = [
            package("a", "1.0.0", "GPL-3.0-only"),
            package("b", "1.0.0", "MIT AND OFL-1.1"),
            Package { source: git, ..package("c", "1.0.0", "MIT") },
            Package { licence: None, ..package("d", "1.0.0", "") },
            package("d", "2.0.0", "MIT"),
        ];
        let problems = policy().problems(&packages);
        assert_eq!(
            problems,
            [
                "a 1.0.0: licence GPL-3.0-only is not allowed",
                "b 1.0.0: licence MIT AND OFL-1.1 is not allowed",
                "c 1.0.0: it comes from git+https://example.com/c",
                "d 1.0.0: it names no licence",
                "d: more than one version: 1.0.0, 2.0.0",
                "deny.toml: nothing needs `bans.skip` of old@1.0.0",
                "deny.toml: nothing needs the exception for fonts",
            ]
        );
    }
    #[test]
    fn a_licence_is_an_expression() {
        let problems = Policy::default().problems(&[package("a", "1.0.0", "ask us")]);
        assert!(
            matches!(&problems[..], [one] if one.starts_with("a 1.0.0: invalid licence \"ask us\": ")),
            "{problems:?}"
        );
    }
}
