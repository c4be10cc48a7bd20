//! `weir check` against the API server: manifests with random mistakes are created there, but not stored.

use serde_json::Value;
use weir_tests::mutated;

use super::shared;

/// How many at a time: each is a kubectl of its own.
const AT_ONCE: usize = 4;

/// What the server refuses of each.
fn refused(resources: &[Value]) -> Vec<Vec<String>> {
    let cluster = shared();
    let refuse = |resource: &Value| {
        let arguments = ["create", "--dry-run=server", "--validate=strict", "--filename", "-"];
        let output = cluster.run_with(&arguments, &resource.to_string());
        let error = String::from_utf8(output.stderr).unwrap();
        // Namespaces are not a matter of the resource; those that mistakes make do not exist.
        let is_right =
            output.status.success() || error.contains("namespaces \"") && error.contains("not found");
        if is_right { Vec::new() } else { vec![error] }
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
