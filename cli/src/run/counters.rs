//! What Envoy counts, by its admin interface.

use super::http::{self, Sent};
use anyhow::bail;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Which counters: those of modules, and the requests of each upstream.
const PAGE: &str = "/stats?filter=(custom%5C..*_total|%5Ecluster%5C.[^.]*%5C.upstream_rq_total$)";
const PATIENCE: Duration = Duration::from_secs(2);

/// Counters by their names, as people read them.
pub(crate) type Counters = BTreeMap<String, u64>;

/// All counters.
///
/// # Errors
/// The admin interface does not answer.
pub(crate) async fn read(admin: SocketAddr) -> anyhow::Result<Counters> {
    let request = Sent {
        method: "GET".to_owned(),
        host: admin.to_string(),
        path: PAGE.to_owned(),
        headers: Vec::new(),
    };
    let page = http::send(admin, &request, PATIENCE).await?;
    if page.status != 200 {
        bail!("Envoy's admin interface answered with status {}", page.status);
    }
    Ok(parsed(&String::from_utf8_lossy(&page.body)))
}

fn parsed(page: &str) -> Counters {
    let pairs = page.lines().filter_map(|line| line.rsplit_once(": "));
    pairs.filter_map(|(name, value)| Some((shown(name)?, value.parse().ok()?))).collect()
}

/// `weir_exposures_total{experiment="a", variant="b"}`: both kinds of modules have labels in the names of their metrics.
fn shown(name: &str) -> Option<String> {
    if let Some(of) = name.strip_prefix("cluster.") {
        return Some(format!("requests to {}", of.strip_suffix(".upstream_rq_total")?));
    }
    let (metric, labels) =
        match (name.strip_prefix("wasmcustom."), name.strip_prefix("dynamicmodulescustom.")) {
            (Some(name), _) => {
                let mut parts: Vec<&str> = name.split(";.;").collect();
                let metric = parts.pop()?;
                let labels = parts.iter().map(|part| part.split_once("=.=")).collect::<Option<Vec<_>>>()?;
                (metric, labels)
            }
            (_, Some(name)) => {
                let mut parts = name.split('.');
                let metric = parts.next()?;
                let rest: Vec<&str> = parts.collect();
                (metric, rest.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
            }
            _ => return None,
        };
    let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    Some(if labels.is_empty() { metric.to_owned() } else { format!("{metric}{{{}}}", labels.join(", ")) })
}

/// By how much counters went up, in the order of their names: modules' own before Envoy's.
pub(crate) fn raised(before: &Counters, after: &Counters) -> Vec<(String, u64)> {
    let more = after.iter().filter_map(|(name, value)| {
        let by = value.saturating_sub(before.get(name).copied().unwrap_or(0));
        (by > 0).then(|| (name.clone(), by))
    });
    let (own, envoys): (Vec<_>, Vec<_>) = more.partition(|(name, _)| !name.starts_with("requests to "));
    own.into_iter().chain(envoys).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_both_kinds_of_modules_are_read() {
        let page = "\
wasmcustom.experiment=.=a;.;variant=.=b.c;.;weir_exposures_total: 3
wasmcustom.weir_routing_undecided_total: 0
dynamicmodulescustom.weir_assignments_total.experiment.a.variant.b: 4
cluster.v1.upstream_rq_total: 5
cluster.v1.external.upstream_rq_2xx: 5
http.admin.rq_total: none
";
        let found = parsed(page);
        let expected = [
            ("requests to v1", 5),
            ("weir_assignments_total{experiment=\"a\", variant=\"b\"}", 4),
            ("weir_exposures_total{experiment=\"a\", variant=\"b.c\"}", 3),
            ("weir_routing_undecided_total", 0),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn what_went_up_is_found() {
        let counters =
            |list: &[(&str, u64)]| list.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        let before: Counters = counters(&[("requests to v1", 1), ("weir_a", 2), ("weir_b", 2)]);
        let after = counters(&[("requests to v1", 3), ("weir_a", 2), ("weir_b", 3), ("weir_c", 1)]);
        let found = raised(&before, &after);
        let found: Vec<(&str, u64)> = found.iter().map(|(name, by)| (name.as_str(), *by)).collect();
        assert_eq!(found, [("weir_b", 1), ("weir_c", 1), ("requests to v1", 2)]);
    }
}
