//! Definitions of Unleash.

use weir_definitions::Vendor;

pub(crate) const PIECES: &[&str] = &[
    "{\"version\":2,\"features\":[{",
    "\"name\":\"f\"",
    "\"enabled\":true",
    "\"strategies\":[{\"name\":\"flexibleRollout\",\"parameters\":{\"rollout\":\"50\",\"stickiness\":\"userId\",\"groupId\":\"g\"}",
    "\"name\":\"default\"",
    "\"name\":\"userWithId\",\"parameters\":{\"userIds\":\"a,b\"}",
    "\"name\":\"gradualRolloutUserId\"",
    "\"name\":\"remoteAddress\",\"parameters\":{\"IPs\":\"10.0.0.0/8\"}",
    "\"constraints\":[{\"contextName\":\"userId\",\"operator\":\"IN\",\"values\":[\"a\"]}]",
    "\"operator\":\"NUM_GT\"",
    "\"operator\":\"SEMVER_GT\",\"value\":\"1.2.3-rc\"",
    "\"operator\":\"DATE_AFTER\",\"value\":\"2026-01-01T00:00:00Z\"",
    "\"operator\":\"STR_CONTAINS\"",
    "\"operator\":\"REGEX\",\"value\":\"^a+$\"",
    "\"caseInsensitive\":true",
    "\"inverted\":true",
    "\"segments\":[1]",
    "\"segments\":[{\"id\":1,\"constraints\":[]}]",
    "\"variants\":[{\"name\":\"a\",\"weight\":500,\"payload\":{\"type\":\"string\",\"value\":\"v\"},\"overrides\":[{\"contextName\":\"userId\",\"values\":[\"a\"]}]}]",
    "\"stickiness\":\"random\"",
    "\"dependencies\":[{\"feature\":\"g\",\"enabled\":true}]",
    "}",
    "]",
    ",",
    "null",
    "-1",
];

/// What becomes of them is a configuration that a module takes.
pub(crate) fn unleash(data: &[u8]) {
    crate::support::import(Vendor::Unleash, data);
}
