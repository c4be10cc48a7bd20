//! The targets, a file each.

use crate::target::Target;

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*

        /// All targets.
        pub static TARGETS: &[Target] = &[
            $(Target { name: stringify!($name), run: $name::$name, pieces: $name::PIECES },)*
        ];
    };
}

targets! {
    // Requests.
    address, baggage, cookies, key_answer, pairs, query, request, scalars, sticky, template, text_match,
    // Expressions.
    condition, pattern, regex,
    // Tokens and keys.
    base64url, claims, jwks, token,
    // Configurations.
    configuration, structure,
    // Definitions of vendors.
    flagd, growthbook, unleash,
    // Files and registries.
    challenge, credentials, image, layer, manifest, module, prometheus, reference, shown, yaml,
}

/// The target of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
