//! Target resources of a plugin.

use super::placement::ProxyPlacement;
use anyhow::bail;
use clap::ValueEnum as _;
use serde_json::{Value, json};
use std::str::FromStr;

/// A target of a policy. Istio takes these kinds only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    kind: &'static Kind,
    name: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Kind {
    name: &'static str,
    group: &'static str,
    places: &'static [ProxyPlacement],
}

/// The class of Istio's waypoints.
const WAYPOINTS: &str = "istio-waypoint";

static KINDS: [Kind; 4] = [
    Kind { name: "Service", group: "", places: &[ProxyPlacement::Waypoint] },
    Kind { name: "ServiceEntry", group: "networking.istio.io", places: &[ProxyPlacement::Waypoint] },
    Kind {
        name: "Gateway",
        group: "gateway.networking.k8s.io",
        places: &[ProxyPlacement::Gateway, ProxyPlacement::Waypoint],
    },
    Kind { name: "GatewayClass", group: "gateway.networking.k8s.io", places: &[ProxyPlacement::Waypoint] },
];

impl FromStr for Target {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (kind, name) = text.split_once('/').unwrap_or((text, ""));
        match KINDS.iter().find(|known| known.name.eq_ignore_ascii_case(kind)) {
            Some(kind) if !name.is_empty() && !name.contains('/') => Ok(Self { kind, name: name.to_owned() }),
            _ => {
                let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                bail!("expected a target KIND/NAME, such as Service/web; kinds are {}", kinds.join(", "))
            }
        }
    }
}

impl Target {
    /// Whether proxies at this place heed such a target.
    ///
    /// # Errors
    /// They do not, and what they heed.
    pub(super) fn allowed(&self, place: ProxyPlacement) -> anyhow::Result<()> {
        if self.kind.name == "GatewayClass" && self.name != WAYPOINTS {
            bail!("Istio gives plugins to the GatewayClass {WAYPOINTS} only, not to {}", self.name);
        }
        if self.kind.places.contains(&place) {
            return Ok(());
        }
        if place == ProxyPlacement::Gateway {
            bail!("a {} is a target of waypoints only: use --at waypoint", self.kind.name);
        }
        let place = place.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default();
        bail!("Istio gives nothing with targets to sidecars (--at {place}): choose pods by --label")
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"group": self.kind.group, "kind": self.kind.name, "name": self.name})
    }
}
