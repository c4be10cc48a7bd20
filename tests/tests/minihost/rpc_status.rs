//! What real clients of gRPC, gRPC-Web and Connect were seen to read: `tests/vectors/rpc-status`.

use serde_json::{Value, json};
use std::collections::BTreeSet;

const VECTORS: &str = include_str!("../../vectors/rpc-status/vectors.json");

#[test]
fn every_client_reads_the_status_that_was_sent() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let rows = vectors["read"].as_array().unwrap();
    let mut seen = BTreeSet::new();
    for row in rows {
        let (status, read) = (&row[2], &row[3]);
        let expected = json!([status, "down: 100 % ü"]);
        assert_eq!((&read["unary"], &read["stream"]), (&expected, &expected), "{row}");
        assert!(read["answers"].as_u64().is_none_or(|answers| answers == 1), "{row}");
        seen.insert((row[0].to_string(), row[1].to_string(), status.as_u64()));
    }
    assert_eq!((rows.len(), seen.len()), (3 * 11 * 16, 3 * 11 * 16));
}
