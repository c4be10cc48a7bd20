//! Valid settings that are dangerous in their context.

use super::report::Finding;
use crate::manifest::Plugin;
use crate::yaml::Node;
use weir_core::At;

/// Where an address decides about what is protected, behind a listener that takes the client's address from
/// a header that clients can send.
pub(super) fn notes(plugin: &Plugin) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(configuration) = plugin.configuration.as_ref().filter(|_| plugin.believes_forwarded) {
        walk(configuration, &At::root(), false, &mut found);
    }
    found
}

fn walk(node: &Node, at: &At, protects: bool, found: &mut Vec<Finding>) {
    for (index, item) in node.items().iter().enumerate() {
        walk(item, &at.index(index), protects, found);
    }
    for member in node.members() {
        let place = at.field(&member.key);
        if protects && member.key == "remoteIp" {
            found.push(Finding {
                at: member.key_at,
                path: Some(place.to_string()),
                message: "this listener takes the client's address from x-forwarded-for, which every client \
                          can send: set `use_remote_address: true`, and `xff_num_trusted_hops` to the number of \
                          proxies in front of it; no matter if only a proxy that sets the header itself can \
                          connect"
                    .to_owned(),
            });
            continue;
        }
        let decides =
            matches!(member.key.as_str(), "trust" | "allow" | "killSwitch") || is_token_rule(&place);
        walk(&member.value, &place, protects || decides, found);
    }
}

/// Whether this is the list of rules of the section `jwt`, which say who needs a token.
fn is_token_rule(place: &At) -> bool {
    place.to_string() == "jwt.rules"
}
