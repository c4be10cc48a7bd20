//! Why a token is not accepted.

use std::fmt;

/// Declares the variants once, with their documentation and their stable name.
macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $reason:literal,)*) => {
        /// Why a token is not accepted. The order is stable: `refusal as usize` may index counters.
        ///
        /// ```
        /// use weir_jose::{Refusal, Token};
        ///
        /// // {"alg":"none"} . {} . one byte
        /// let refused = Token::parse(b"eyJhbGciOiJub25lIn0.e30.AA", 8192).err();
        /// assert_eq!(refused, Some(Refusal::AlgorithmUnsupported));
        /// assert_eq!(Refusal::AlgorithmUnsupported.reason(), "algorithm_unsupported");
        ///
        /// let mut counts = vec![0; Refusal::ALL.len()];
        /// counts[Refusal::AlgorithmUnsupported as usize] += 1;
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $($(#[$doc])* $variant,)*
        }

        impl Refusal {
            /// Every refusal, in the order of the enum.
            pub const ALL: &'static [Refusal] = &[$(Refusal::$variant),*];

            /// The stable name: a counter's label and a part of replies. It says nothing of the token.
            pub const fn reason(&self) -> &'static str {
                match self {
                    $(Refusal::$variant => $reason,)*
                }
            }
        }
    };
}

refusals! {
    /// No token at any of the places.
    Missing = "missing",
    /// Not three non-empty sections between dots.
    Malformed = "malformed",
    /// Longer than the caller's limit.
    TooLarge = "too_large",
    /// The header is not canonical base64url without padding, or with the right one where that is accepted.
    HeaderBase64 = "header_base64",
    /// The payload is not, in the same way.
    PayloadBase64 = "payload_base64",
    /// The signature is not, in the same way.
    SignatureBase64 = "signature_base64",
    /// The header is not a JSON object, or `kid` or `typ` is not a string.
    HeaderJson = "header_json",
    /// The payload is not a JSON object.
    PayloadJson = "payload_json",
    /// A JSON object in header or payload has two members of one name.
    DuplicateMember = "duplicate_member",
    /// Header or payload nests deeper than 32 levels.
    TooDeep = "too_deep",
    /// `alg` is missing or not a string.
    AlgorithmMissing = "algorithm_missing",
    /// `alg` is `none`, unknown, or not built into this module.
    AlgorithmUnsupported = "algorithm_unsupported",
    /// `alg` is not in the allow-list.
    AlgorithmNotAllowed = "algorithm_not_allowed",
    /// The header has `crit` or `b64`: no extension is understood (RFC 7515, 4.1.11).
    CriticalHeader = "critical_header",
    /// The header brings its own key, and that is not to be ignored: `jwk`, `jku`, `x5c` or `x5u`.
    EmbeddedKey = "embedded_key",
    /// The key set has no such `kid`, or no key for a token without one. Newer keys may help.
    UnknownKey = "unknown_key",
    /// The key set has that `kid`, but of another type or for another algorithm.
    KeyMismatch = "key_mismatch",
    /// More keys could have signed the token than are tried for one.
    TooManyKeys = "too_many_keys",
    /// The signature does not verify.
    BadSignature = "bad_signature",
    /// `exp` has passed.
    Expired = "expired",
    /// `nbf` has not come.
    NotYetValid = "not_yet_valid",
    /// `iss` is not the provider's.
    Issuer = "issuer",
    /// No `aud` is the provider's.
    Audience = "audience",
    /// `sub` is not allowed.
    Subject = "subject",
    /// There is no `exp`, but one is required.
    ExpirationRequired = "expiration_required",
    /// The token is valid for longer than allowed.
    Lifetime = "lifetime",
    /// `exp`, `nbf`, `iat`, `iss`, `sub` or `aud` is not of its type, or a time is out of range.
    ClaimType = "claim_type",
    /// A member of the header, such as `typ`, is not what the caller wants.
    TokenHeader = "token_header",
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn reasons_are_unique_labels_and_variants_are_indexes() {
        for (index, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(*refusal as usize, index);
            let reason = refusal.reason();
            assert!(reason.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
            assert_eq!(Refusal::ALL.iter().filter(|other| other.reason() == reason).count(), 1, "{reason}");
        }
    }
}
