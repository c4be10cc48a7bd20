//! Definitions of Growthbook.

use weir_definitions::Vendor;

pub(crate) const PIECES: &[&str] = &[
    "{\"features\":{\"f\":",
    "\"defaultValue\":true",
    "\"rules\":[{",
    "\"variations\":[0,1]",
    "\"weights\":[0.5,0.5]",
    "\"coverage\":0.5",
    "\"hashAttribute\":\"id\"",
    "\"hashVersion\":2",
    "\"seed\":\"s\"",
    "\"ranges\":[[0,0.5],[0.5,1]]",
    "\"namespace\":[\"n\",0,0.5]",
    "\"condition\":{\"country\":\"DE\"}",
    "\"parentConditions\":[{\"id\":\"g\",\"condition\":{\"value\":true},\"gate\":true}]",
    "\"force\":1",
    "\"filters\":[{\"seed\":\"s\",\"ranges\":[[0,1]],\"attribute\":\"id\",\"hashVersion\":2}]",
    "\"meta\":[{\"key\":\"a\"},{\"key\":\"b\"}]",
    "\"savedGroups\":{\"g\":[1,2]}",
    "{\"$inGroup\":\"g\"}",
    "{\"$vgte\":\"1.2.3\"}",
    "{\"$regex\":\"^a\"}",
    "{\"$or\":[",
    "\"minBucketVersion\":1",
    "\"bucketVersion\":2",
    "null",
    "}",
    "]",
    ",",
    "1e99",
    "-1",
];

/// What becomes of them is a configuration that a module takes.
pub(crate) fn growthbook(data: &[u8]) {
    crate::support::import(Vendor::Growthbook, data);
}
