//! `weir check` against the API server: manifests with random mistakes are created there, but not stored.

use serde_json::Value;
use weir_tests::mutated;

use super::shared;

/// How many at a time: each is a kubectl of its own.
const AT_ONCE: usize = 4;

/// What the server refuses of each.
fn refused(resources: &[Value]) -> Vec<Vec<String>> {
    let cluster = shared();
    let said = |resource: &Value| {
        let arguments = ["create", "--dry-run=server", "--validate=strict", "--filename", "-"];
        let output = cluster.run_with(&arguments, &resource.to_string());
        (!output.status.success()).then(|| String::from_utf8(output.stderr).unwrap())
    };
    let refuse = |resource: &Value| {
        let mut error = said(resource);
        if error.as_ref().is_some_and(|error| error.contains("namespaces \"") && error.contains("not found"))
        {
            // The server says that before it looks at the resource. A namespace that a mistake has made may be one
            // that somebody has; not so if it has no name that a namespace can have.
            let name = resource["metadata"]["namespace"].as_str().unwrap_or_default();
            let is_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if name.len() < 64 && name.chars().all(is_label) && !name.starts_with('-') && !name.ends_with('-')
            {
                let mut elsewhere = resource.clone();
                elsewhere["metadata"]["namespace"] = "default".into();
                error = said(&elsewhere);
            }
        }
        Vec::from_iter(error)
    };
    let part = resources.len().div_ceil(AT_ONCE);
    std::thread::scope(|scope| {
        let parts: Vec<_> = resources
            .chunks(part)
            .map(|part| scope.spawn(move || part.iter().map(refuse).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

#[test]
fn nothing_that_is_called_right_is_refused() {
    mutated::nothing_that_is_called_right_is_refused(refused);
}
