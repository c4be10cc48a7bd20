//! Whether a Wasm plugin is Weir's. Manifests often have plugins of several vendors, whose configurations are
//! not checked.

use super::plugin::Plugin;
use crate::yaml::Node;
use weir_core::problem::did_you_mean;

/// The modules that a build makes, as their files and images are named.
const MODULES: [&str; 6] = ["weir", "ab_routing", "experiment", "jwt_claims", "fault_injection", "metrics"];

/// Sections that nobody else's configuration has at its top, as far as we know. `attributes` and
/// `metrics` are Istio's too (attributegen, stats), and `jwt` is a name that many choose.
const DISTINCTIVE: [&str; 3] = ["routing", "experiments", "faults"];

/// All that the language has at its top.
const KNOWN: [&str; 8] =
    ["$schema", "attributes", "ownership", "jwt", "experiments", "routing", "faults", "metrics"];

/// Whether a document has anything of the language at its top, or something that looks like a misspelt section.
pub fn has_section(document: &Node) -> bool {
    let is_section = |key: &str| {
        KNOWN.contains(&key)
            || DISTINCTIVE.iter().any(|known| !did_you_mean(key, std::iter::once(*known)).is_empty())
    };
    document.members().iter().any(|member| is_section(&member.key))
}

/// A plugin is ours when
/// - the manifest calls its module so: `weir` is a word in its address, file name, plugin name or root
///   id, or its file is named as one of our modules is; or
/// - its configuration has a section `routing`, `experiments` or `faults`; or
/// - its configuration has `jwt`, and nothing that we do not know.
pub(super) fn is_ours(plugin: &Plugin) -> bool {
    plugin.references.iter().any(|reference| names_us(reference)) || is_our_language(plugin)
}

fn is_our_language(plugin: &Plugin) -> bool {
    let Some(configuration) = &plugin.configuration else { return false };
    let has = |key: &str| configuration.get(key).is_some();
    DISTINCTIVE.into_iter().any(has)
        || (has("jwt") && configuration.members().iter().all(|m| KNOWN.contains(&m.key.as_str())))
}

fn names_us(reference: &str) -> bool {
    let reference = reference.to_ascii_lowercase();
    let is_weir = |word: &str| word == MODULES[0];
    if reference.split(|c: char| !c.is_ascii_alphanumeric()).any(is_weir) {
        return true;
    }
    let file = reference.rsplit('/').next().unwrap_or_default();
    let library = file.strip_suffix(".so").and_then(|stem| stem.strip_prefix("lib"));
    let stem = file.strip_suffix(".wasm").or(library).map(|stem| stem.replace('-', "_"));
    stem.is_some_and(|stem| MODULES.contains(&stem.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_known_by_word_or_by_file() {
        for (reference, expected) in [
            ("oci://registry.example.com/team/weir:v1", true),
            ("oci://registry.example.com/weir-wasm/all@sha256:00", true),
            ("/etc/envoy/ab_routing.wasm", true),
            ("https://example.com/ab-routing.wasm", true),
            ("WEIR_routing", true),
            ("/usr/lib/envoy/libweir.so", true),
            ("libother.so", false),
            ("oci://registry.example.com/team/weird-filter:v1", false),
            ("/etc/envoy/router.wasm", false),
            ("experiment", false),
        ] {
            assert_eq!(names_us(reference), expected, "{reference}");
        }
    }
}
