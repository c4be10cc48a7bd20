//! What a release says of its parts: a list of the crates in each artifact (SBOM, CycloneDX 1.6), and how it was
//! made (an in-toto statement with a SLSA provenance). Both depend on the commit and the compiler alone.

use crate::dist;
use crate::task::{Failure, root};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// The artifacts: the name of each list, and what cargo is asked for its crates. Modules of single filters have no
/// other crates than the one with all.
fn artifacts() -> [(&'static str, Vec<&'static str>); 3] {
    [
        ("weir.wasm", [&["--target", dist::TARGET][..], &dist::arguments_of_all()].concat()),
        ("libweir.so", vec!["--package", "weir-native"]),
        // As scripts/release builds it.
        ("weir", vec!["--package", "weir-cli", "--features", "own-dns"]),
    ]
}

/// The digests of the release's files, as `sha256sum` writes them.
const SUMS: &str = "SHA256SUMS";

/// Writes `NAME.cdx.json` for each artifact into a folder.
pub(crate) fn boms(folder: &Path) -> Result<(), Failure> {
    let root = root()?;
    let checksums = checksums(&std::fs::read_to_string(root.join("Cargo.lock"))?);
    let compiler = output(Command::new("rustc").arg("--version"))?;
    let compiler = compiler.split(' ').nth(1).ok_or("rustc does not say its version")?.to_owned();
    for (name, arguments) in artifacts() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut tree = Command::new(cargo);
        tree.current_dir(&root).args([
            "tree",
            "--locked",
            "--prefix",
            "none",
            "--edges",
            "normal,no-proc-macro",
        ]);
        let tree = output(tree.args(["--format", "{p}|{l}"]).args(arguments))?;
        let bom = bom(name, &crates(&tree), &checksums, &compiler);
        write(&folder.join(format!("{name}.cdx.json")), &bom)?;
    }
    Ok(())
}

/// Writes `provenance.json` for the files that `SHA256SUMS` in the folder lists.
pub(crate) fn provenance(folder: &Path) -> Result<(), Failure> {
    let root = root()?;
    let sums = std::fs::read_to_string(folder.join(SUMS))?;
    let commit = output(Command::new("git").current_dir(&root).args(["rev-parse", "HEAD"]))?;
    let builder = std::env::var("WEIR_BUILDER").unwrap_or_else(|_| "urn:weir:builder:local".to_owned());
    write(&folder.join("provenance.json"), &statement(&sums, commit.trim(), &builder)?)
}

fn statement(sums: &str, commit: &str, builder: &str) -> Result<Value, Failure> {
    let subject = |line: &str| {
        let (digest, name) = line.split_once("  ").ok_or("a line of SHA256SUMS is `DIGEST  NAME`")?;
        Ok::<_, Failure>(json!({"name": name, "digest": {"sha256": digest}}))
    };
    Ok(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": sums.lines().map(subject).collect::<Result<Vec<_>, _>>()?,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:weir:make-release:1",
                "externalParameters": {"version": env!("CARGO_PKG_VERSION")},
                "resolvedDependencies": [{"name": "weir", "digest": {"gitCommit": commit}}],
            },
            "runDetails": {"builder": {"id": builder}},
        },
    }))
}

/// A crate by its name and version, with its licence.
type Crates = BTreeMap<(String, String), String>;

/// The crates of a tree that cargo printed. Of the workspace's own, the paths are left out.
fn crates(tree: &str) -> Crates {
    let entry = |line: &str| {
        let (package, license) = line.trim_end_matches(" (*)").split_once('|')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned());
        // Cargo still takes the old spelling of `OR`.
        let license: Vec<&str> = license.split('/').map(str::trim).collect();
        Some(((name, version), license.join(" OR ")))
    };
    tree.lines().filter_map(entry).collect()
}

/// The digests of packages from registries, of `Cargo.lock`.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let value = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
        Some(line.trim_matches('"').to_owned())
    };
    let entry =
        |block: &str| Some(((value(block, "name")?, value(block, "version")?), value(block, "checksum")?));
    lock.split("[[package]]").filter_map(entry).collect()
}

fn bom(
    artifact: &str,
    crates: &Crates,
    checksums: &BTreeMap<(String, String), String>,
    compiler: &str,
) -> Value {
    let mut components: Vec<Value> = crates
        .iter()
        .map(|((name, version), license)| {
            let purl = format!("pkg:cargo/{name}@{version}");
            let mut component =
                json!({"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl});
            if !license.is_empty() {
                component["licenses"] = json!([{"expression": license}]);
            }
            if let Some(sum) = checksums.get(&(name.clone(), version.clone())) {
                component["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
            }
            component
        })
        .collect();
    components.push(json!({
        "type": "library", "name": "rust-std", "version": compiler, "bom-ref": "rust-std",
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "description": "The standard library of Rust, as its compiler brings it.",
    }));
    let refs: BTreeSet<&str> = components.iter().filter_map(|it| it["bom-ref"].as_str()).collect();
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {
            "type": "application", "name": artifact, "version": env!("CARGO_PKG_VERSION"), "bom-ref": artifact,
            "licenses": [{"expression": "Apache-2.0"}],
        }},
        "dependencies": [{"ref": artifact, "dependsOn": refs}],
        "components": components,
    })
}

/// What a program prints; an error if it fails.
fn output(command: &mut Command) -> Result<String, Failure> {
    let done = command.output()?;
    if !done.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    Ok(String::from_utf8(done.stdout)?)
}

fn write(path: &Path, value: &Value) -> Result<(), Failure> {
    Ok(std::fs::write(path, format!("{value:#}\n"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_have_versions_licences_and_digests() {
        let tree = "weir-module v0.1.0 (/somewhere/filters/module)|Apache-2.0\n\
                    memchr v2.8.3|Unlicense OR MIT\nff v0.13.1|MIT / Apache-2.0 (*)\n";
        let lock = "[[package]]\nname = \"memchr\"\nversion = \"2.8.3\"\nchecksum = \"ab\"\n\n\
                    [[package]]\nname = \"weir-module\"\nversion = \"0.1.0\"\n";
        let bom = bom("weir.wasm", &crates(tree), &checksums(lock), "1.96.0");
        let of = |name: &str| {
            let components = bom["components"].as_array().unwrap();
            components.iter().find(|it| it["name"] == name).unwrap().clone()
        };
        assert_eq!(of("memchr")["hashes"][0]["content"], "ab");
        assert_eq!(of("memchr")["purl"], "pkg:cargo/memchr@2.8.3");
        assert_eq!(of("ff")["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert!(of("weir-module").get("hashes").is_none());
        assert!(!bom.to_string().contains("/somewhere"), "no path of the machine: {bom}");
        assert_eq!(bom["dependencies"][0]["dependsOn"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn every_file_of_the_list_is_a_subject() {
        let statement = statement("00  weir.wasm\n11  libweir.so\n", "abc", "urn:x").unwrap();
        assert_eq!(statement["subject"][1], json!({"name": "libweir.so", "digest": {"sha256": "11"}}));
        assert!(super::statement("nonsense\n", "abc", "urn:x").is_err());
    }
}
