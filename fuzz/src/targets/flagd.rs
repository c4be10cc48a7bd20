//! Definitions of Flagd.

use weir_definitions::Vendor;

pub(crate) const PIECES: &[&str] = &[
    "{\"flags\":{\"f\":{",
    "\"state\":\"ENABLED\"",
    "\"variants\":{\"on\":true,\"off\":false}",
    "\"defaultVariant\":\"off\"",
    "\"targeting\":{",
    "{\"if\":[",
    "{\"fractional\":[[\"on\",50],[\"off\",50]]}",
    "{\"fractional\":[{\"var\":\"email\"},[\"on\",1]]}",
    "{\"cat\":[{\"var\":\"$flagd.flagKey\"},{\"var\":\"id\"}]}",
    "{\"==\":[{\"var\":\"a\"},1]}",
    "{\"in\":[\"x\",{\"var\":\"a\"}]}",
    "{\"starts_with\":[{\"var\":\"a\"},\"b\"]}",
    "{\"sem_ver\":[{\"var\":\"v\"},\">=\",\"1.0.0\"]}",
    "{\"and\":[",
    "{\"or\":[",
    "{\"!\":",
    "{\"<\":[1,{\"var\":\"n\"},3]}",
    "\"$evaluators\":{\"e\":",
    "{\"$ref\":\"e\"}",
    "\"on\"",
    "null",
    "}",
    "]",
    ",",
    "-1",
    "2147483648",
];

/// What becomes of them is a configuration that a module takes.
pub(crate) fn flagd(data: &[u8]) {
    crate::support::import(Vendor::Flagd, data);
}
