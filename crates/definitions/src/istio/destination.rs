//! Where a route sends requests.

use super::hosts::whole;
use super::place::Place;
use crate::names::safe;
use crate::report::Refused;
use std::collections::{BTreeMap, BTreeSet};

/// The subsets that DestinationRules of the file define, by host.
pub(crate) type Subsets = BTreeMap<String, BTreeSet<String>>;

/// A destination with its weight.
#[derive(Clone, Debug)]
pub(crate) struct Destination<'v> {
    pub(crate) place: Place<'v>,
    /// Its name in a split.
    pub(crate) name: String,
    /// For people: `web subset v2`.
    pub(crate) label: String,
    pub(crate) weight: i64,
    pub(crate) has_headers: bool,
    /// A subset that its DestinationRule does not define.
    pub(crate) unknown_subset: Option<String>,
}

/// Reads `route` of a route.
pub(crate) fn read<'v>(
    route: &Place<'v>,
    namespace: &str,
    subsets: &Subsets,
) -> Result<Vec<Destination<'v>>, Refused> {
    let mut all: Vec<Destination<'v>> = Vec::new();
    for place in route.items("route")? {
        place.known(&["destination", "weight", "headers"])?;
        let Some(destination) = place.get("destination") else {
            return Err(place.refuse("has no `destination`"));
        };
        destination.known(&["host", "subset", "port"])?;
        let Some(host) = destination.text_of("host")? else {
            return Err(destination.refuse("has no `host`"));
        };
        let subset = destination.text_of("subset")?;
        let port = destination.get("port").and_then(|port| port.value.get("number").cloned());
        let weight = match place.get("weight") {
            None => 0,
            Some(weight) => match weight.value.as_i64() {
                Some(number) if number >= 0 => number,
                _ => return Err(weight.refuse("expected a whole number of 0 or more")),
            },
        };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let label =
            subset.map_or_else(|| format!("{host}{port}"), |subset| format!("{host}{port} subset {subset}"));
        let unknown_subset = subset.filter(|subset| {
            subsets.get(&whole(host, namespace)).is_some_and(|known| !known.contains(*subset))
        });
        let base = safe(subset.unwrap_or_else(|| host.split('.').next().unwrap_or(host)));
        let names = std::iter::once(base.clone()).chain((2..).map(|number| format!("{base}-{number}")));
        let name = names.into_iter().find(|name| all.iter().all(|it| it.name != *name)).unwrap_or(base);
        all.push(Destination {
            has_headers: place.get("headers").is_some(),
            unknown_subset: unknown_subset.map(str::to_owned),
            place,
            name,
            label,
            weight,
        });
    }
    if all.len() > 1 && all.iter().all(|it| it.weight == 0) {
        let list = route.get("route").unwrap_or_else(|| route.clone());
        return Err(list.refuse("all weights are 0, which Istio rejects"));
    }
    Ok(all)
}
