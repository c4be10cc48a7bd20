//! Reports which configuration runs, since when, in which module, and when one was refused: gauges that are set when a
//! configuration arrives, and cost requests nothing.

use weir_host::{Host, MetricKind};

/// Longer names of plugins are cut.
const MAX_NAME: usize = 64;
/// What is known of each plugin that runs a configuration.
const HASH: &str = "weir_config_hash";
const ACCEPTED: &str = "weir_config_timestamp_seconds";
const VERSION: &str = "weir_module_version";
/// And of one that a configuration came for which it refused.
const REFUSED: &str = "weir_config_refused_timestamp_seconds";
/// This module's version as a number: a label would leave the old version's series behind.
const OWN_VERSION: u64 = number(env!("CARGO_PKG_VERSION").as_bytes());
const NANOSECONDS: u64 = 1_000_000_000;

/// Sets the gauges of this plugin that say what it runs.
#[cold]
pub(crate) fn report<H: Host>(host: &H, fingerprint: u64) {
    set(host, HASH, fingerprint);
    set(host, ACCEPTED, host.now() / NANOSECONDS);
    set(host, VERSION, OWN_VERSION);
}

/// Says that a configuration of this plugin was refused. Where it is its first one, the proxy forgets this too.
#[cold]
pub(crate) fn refused<H: Host>(host: &H) {
    set(host, REFUSED, host.now() / NANOSECONDS);
}

fn set<H: Host>(host: &H, name: &str, value: u64) {
    let plugin = host.property(b"plugin_name");
    if let Some(gauge) =
        host.define_metric(MetricKind::Gauge, &metric(plugin.as_deref().unwrap_or_default(), name))
    {
        host.record(gauge, value);
    }
}

/// The names of the gauges of a plugin that runs.
#[must_use]
pub fn metrics(plugin: &[u8]) -> [String; 3] {
    [HASH, ACCEPTED, VERSION].map(|name| metric(plugin, name))
}

/// A gauge's name with the plugin as a label: whatever could end or begin a label becomes `_`.
fn metric(plugin: &[u8], gauge: &str) -> String {
    let mut name = String::from("plugin=.=");
    for byte in plugin.iter().take(MAX_NAME) {
        let plain = byte.is_ascii_alphanumeric() || *byte == b'-';
        name.push(if plain { char::from(*byte) } else { '_' });
    }
    if plugin.is_empty() {
        name.push('_');
    }
    name.push_str(";.;");
    name.push_str(gauge);
    name
}

/// 1.2.3 as 1002003; what follows the three numbers is left out.
const fn number(version: &[u8]) -> u64 {
    let (mut sum, mut part, mut parts, mut rest) = (0, 0, 0, version);
    while let [byte, after @ ..] = rest {
        match byte {
            b'0'..=b'9' => part = part * 10 + (*byte - b'0') as u64,
            b'.' if parts < 2 => (sum, part, parts) = ((sum + part) * 1000, 0, parts + 1),
            _ => break,
        }
        rest = after;
    }
    sum + part
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_host::FakeHost;

    #[test]
    fn the_gauges_say_what_runs() {
        let mut host = FakeHost::default();
        host.properties.insert(b"plugin_name".to_vec(), b"shop.weir;.;x=.=1".to_vec());
        host.now.set(1_700_000_000_900_000_000);
        let fingerprint = 7_000_000_001;
        report(&host, fingerprint);
        let gauge =
            |name: &str, value: u64| (format!("plugin=.=shop_weir___x___1;.;{name}"), value.cast_signed());
        let expected = [
            gauge("weir_config_hash", fingerprint),
            gauge("weir_config_timestamp_seconds", 1_700_000_000),
            gauge("weir_module_version", OWN_VERSION),
        ];
        assert_eq!(host.counters.borrow().clone(), expected);
        refused(&host);
        let refused = gauge("weir_config_refused_timestamp_seconds", 1_700_000_000);
        assert_eq!(host.counters.borrow().last(), Some(&refused));
        let names = metrics(b"");
        assert_eq!(names[0], "plugin=.=_;.;weir_config_hash");
        assert_eq!(metrics(&[b'a'; 100])[0].len(), "plugin=.=;.;weir_config_hash".len() + 64);
    }

    #[test]
    fn versions_are_numbers_in_their_order() {
        assert_eq!(
            [&b"0.1.0"[..], b"1.2.3", b"10.20.30-rc.1", b"2.0"].map(number),
            [1000, 1_002_003, 10_020_030, 2000]
        );
    }
}
