//! What gRPC makes of HTTP.

/// gRPC's own table, "HTTP to gRPC Status Code Mapping".
pub(crate) fn grpc_status_of(http: u32) -> i32 {
    match http {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}
