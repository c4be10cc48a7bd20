//! Sigstore bundles: an in-toto statement about an image, in a DSSE envelope, with a hint at the key.
//!
//! The formats: Sigstore's bundle 0.3, DSSE 1.0 and in-toto's Statement v1.

use super::key::{Private, Public};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

/// The media type of a bundle, which is also the type of the artifact that has one.
pub(super) const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// What a statement says that is nothing but a signature of an image.
pub(crate) const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";
/// The type of what is in the envelope.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The type of a statement.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// A bundle in which `key` states `predicate` about the image with this digest.
pub(super) fn make(key: &Private, digest: &str, predicate_type: &str, predicate: &Value) -> Vec<u8> {
    let statement = json!({
        "_type": STATEMENT,
        "subject": [{"digest": {"sha256": digest.trim_start_matches("sha256:")}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    });
    let statement = statement.to_string().into_bytes();
    let signature = key.sign(&encoded(PAYLOAD_TYPE, &statement));
    let bundle = json!({
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": key.public().hint()}},
        "dsseEnvelope": {
            "payload": BASE64.encode(statement),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": BASE64.encode(signature)}],
        },
    });
    bundle.to_string().into_bytes()
}

/// What a bundle states about the image with this digest, and signed with `key`: the type of its predicate. `None`
/// for everything else, of which there may be much beside an image.
pub(super) fn verified(key: &Public, bundle: &[u8], digest: &str) -> Option<String> {
    let bundle: Bundle = serde_json::from_slice(bundle).ok()?;
    let envelope = bundle.envelope;
    if envelope.payload_type != PAYLOAD_TYPE {
        return None;
    }
    let payload = BASE64.decode(envelope.payload).ok()?;
    let signed = encoded(PAYLOAD_TYPE, &payload);
    let good = |signature: &Signature| {
        BASE64.decode(&signature.sig).is_ok_and(|signature| key.verifies(&signed, &signature))
    };
    if !envelope.signatures.iter().take(8).any(good) {
        return None;
    }
    let statement: Statement = serde_json::from_slice(&payload).ok()?;
    let wanted = digest.strip_prefix("sha256:")?;
    let about = |subject: &Subject| subject.digest.sha256.as_deref() == Some(wanted);
    (statement.kind == STATEMENT && statement.subject.iter().any(about)).then_some(statement.predicate_type)
}

/// What is signed of an envelope: type and content with their lengths (DSSE's PAE).
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(rename = "dsseEnvelope")]
    envelope: Envelope,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: Digests,
}

#[derive(Deserialize)]
struct Digests {
    sha256: Option<String>,
}
