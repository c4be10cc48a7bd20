//! Reports which configuration runs: a gauge that is set when a configuration is accepted, and costs requests nothing.

use weir_host::{Host, MetricKind};

/// Longer names of plugins are cut.
const MAX_NAME: usize = 64;

/// Sets `weir_config_hash` of this plugin to the configuration's fingerprint.
#[cold]
pub(crate) fn report<H: Host>(host: &H, configuration: &[u8]) {
    let Some(fingerprint) = weir_core::load::fingerprint(configuration) else { return };
    let name = host.property(b"plugin_name");
    let name = metric(name.as_deref().unwrap_or_default());
    if let Some(gauge) = host.define_metric(MetricKind::Gauge, &name) {
        host.record(gauge, fingerprint);
    }
}

/// The gauge's name with the plugin as a label: whatever could end or begin a label becomes `_`.
#[must_use]
pub fn metric(plugin: &[u8]) -> String {
    let mut name = String::from("plugin=.=");
    for byte in plugin.iter().take(MAX_NAME) {
        let plain = byte.is_ascii_alphanumeric() || *byte == b'-';
        name.push(if plain { char::from(*byte) } else { '_' });
    }
    if plugin.is_empty() {
        name.push('_');
    }
    name.push_str(";.;weir_config_hash");
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_host::FakeHost;

    #[test]
    fn the_gauge_has_the_fingerprint() {
        let mut host = FakeHost::default();
        host.properties.insert(b"plugin_name".to_vec(), b"shop.weir;.;x=.=1".to_vec());
        let configuration = br#"{"routing": {}}"#;
        report(&host, configuration);
        let expected = weir_core::load::fingerprint(configuration).unwrap();
        let gauges = host.counters.borrow().clone();
        assert_eq!(
            gauges,
            [("plugin=.=shop_weir___x___1;.;weir_config_hash".to_owned(), expected.cast_signed())]
        );
        assert_eq!(metric(b""), "plugin=.=_;.;weir_config_hash");
        assert_eq!(metric(&[b'a'; 100]).len(), "plugin=.=;.;weir_config_hash".len() + 64);
    }
}
