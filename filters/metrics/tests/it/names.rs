//! Names and back: what the expressions of Envoy's and Istio's bootstraps make of them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::support::{Lab, Response, status};
use regex::Regex;
use std::collections::BTreeMap;
use weir_core::Problems;
use weir_metrics::{Config, Style, bootstrap, encoding};

type Labels = BTreeMap<String, String>;

/// A proxy's expressions.
struct Tags(Vec<(String, Regex)>);

impl Tags {
    fn of(list: &serde_json::Value) -> Self {
        let tag = |tag: &serde_json::Value| {
            let regex = Regex::new(tag["regex"].as_str().unwrap()).unwrap();
            (tag["tag_name"].as_str().unwrap().to_owned(), regex)
        };
        Self(list.as_array().unwrap().iter().map(tag).collect())
    }

    /// An Istio sidecar with these `extraStatTags`.
    fn istio(extra: &[&str]) -> Self {
        let data: serde_json::Value = serde_json::from_str(include_str!("data.json")).unwrap();
        let mut tags = Self::of(&data["istio"]);
        let pattern = data["extraStatTags"].as_str().unwrap();
        for name in extra {
            tags.0.push(((*name).to_owned(), Regex::new(&pattern.replace("TAG", name)).unwrap()));
        }
        tags
    }

    /// What Envoy does: every expression looks at the whole name; its first group is cut out, the second
    /// is the value; then the name is made one of Prometheus'.
    fn read(&self, name: &str) -> (String, Labels) {
        let whole = format!("wasmcustom.{name}");
        let (mut cut, mut labels) = (vec![false; whole.len()], Labels::new());
        for (tag, regex) in &self.0 {
            let Some(found) = regex.captures(&whole) else { continue };
            let value = found.get(2).or_else(|| found.get(1)).unwrap();
            labels.insert(tag.clone(), value.as_str().to_owned());
            let removed = found.get(1).unwrap();
            cut[removed.range()].iter_mut().for_each(|cut| *cut = true);
        }
        let kept: Vec<u8> = whole.bytes().zip(&cut).filter(|(_, cut)| !**cut).map(|(b, _)| b).collect();
        let kept = String::from_utf8(kept).unwrap();
        let name = kept.strip_prefix("wasmcustom.").unwrap_or(&kept);
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
        (name.chars().map(plain).collect(), labels)
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Values that try to be something else, put together by chance.
fn hostile(seed: &mut u64) -> String {
    const PARTS: [&str; 24] = [
        ";.;",
        "=.=",
        "variant=.=",
        "tag.",
        "cache.",
        "component.",
        "wasm_filter.",
        "rbac.allowed",
        ".shadow_denied",
        ".istio_dry_run_allow_",
        "_rq_503",
        "_rq_5xx",
        "cluster.x;",
        ".",
        ";",
        "=",
        "\n",
        "\0",
        "é",
        "a",
        "tag",
        "cache",
        "wasmcustom.",
        "\u{2028}",
    ];
    let mut text = String::new();
    for _ in 0..6 {
        // Knuth's linear congruential generator (MMIX).
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(PARTS[(*seed >> 33) as usize % PARTS.len()]);
    }
    text
}

#[test]
fn tags_come_back_as_labels_on_istio_and_envoy_whatever_the_values() {
    let config: Config = weir_core::load(
        br#"{"list": [{"name": "m", "labels": {"plan": "header:x", "variant": "header:y"}}]}"#,
        &mut Problems::default(),
    );
    let envoy = Tags::of(&bootstrap::stats_config(&config)["stats_tags"]);
    let istio = Tags::istio(&["experiment", "variant", "plan", "metric", "label"]);
    let mut seed = 1;
    for _ in 0..100_000 {
        let (plan, variant) = (hostile(&mut seed), hostile(&mut seed));
        let name = encoding::name(Style::Tags, &[("plan", &plan), ("variant", &variant)], "m_total");
        for tags in [&envoy, &istio] {
            let (metric, found) = tags.read(&name);
            assert_eq!(metric, "m_total", "{name}");
            assert_eq!(found.keys().collect::<Vec<_>>(), ["plan", "variant"], "{name}");
            for (label, value) in [("plan", &plan), ("variant", &variant)] {
                assert_eq!(found[label].chars().count(), value.chars().count(), "{name}");
            }
        }
    }
    let (metric, found) = istio.read(&encoding::name(Style::Tags, &[("plan", "v1.2/x")], "m"));
    assert_eq!((metric.as_str(), found), ("m", labels(&[("plan", "v1.2/x")])));
}

#[test]
fn an_unmodified_sidecar_reads_the_style_istio_whatever_the_values() {
    let istio = Tags::istio(&[]);
    let mut seed = 2;
    for _ in 0..100_000 {
        let values = [(); 4].map(|()| hostile(&mut seed));
        let given = [
            ("experiment", &*values[0]),
            ("route", &*values[1]),
            ("variant", &*values[2]),
            ("wasm_filter", &*values[3]),
        ];
        let name = encoding::name(Style::Istio, &given, "m_total");
        let (metric, found) = istio.read(&name);
        assert_eq!(metric, "m_total", "{name}");
        assert_eq!(found.keys().collect::<Vec<_>>(), ["cache", "component", "tag", "wasm_filter"], "{name}");
        let (metric, found) =
            istio.read(&encoding::name(Style::Istio, &[("code_class", "5xx"), given[2]], "m"));
        assert_eq!((metric.as_str(), found["response_code_class"].as_str()), ("m_rq", "5xx"));
    }
}

#[test]
fn whole_metrics_come_back() {
    let section = r#"{"red": {"buckets": [1, 5]}, "list": [
        {"name": "plans_total", "labels": {"plan": "plan", "variant": {"variant": "checkout"}}}]}"#;
    let config: Config = weir_core::load(section.as_bytes(), &mut Problems::default());
    let names = bootstrap::tag_names(&config);
    assert_eq!(names, ["code_class", "experiment", "label", "metric", "plan", "route", "variant"]);
    let lab = Lab::with(section, &["checkout"]).unwrap();
    let end = Response { properties: vec![("xds.route_name", b"a.b".to_vec())], ..status(200) };
    lab.serve(&[("x-plan", b"go;.;ld\xff")], &[Some(1)], &end);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tags = Tags::istio(&names);
    let found: Vec<(String, Labels)> = lab.proxy.values.borrow().keys().map(|name| tags.read(name)).collect();
    for (metric, expected) in [
        ("plans_total", &[("plan", "go_._ld_"), ("variant", "b_1")][..]),
        ("weir_requests_total", &[("code_class", "2xx"), ("route", "a.b")]),
        ("weir_request_duration_milliseconds", &[("route", "a.b")]),
        (
            "weir_experiment_requests_total",
            &[("code_class", "2xx"), ("experiment", "checkout"), ("variant", "b_1")],
        ),
    ] {
        assert!(found.contains(&(metric.to_owned(), labels(expected))), "{metric}\n{found:?}");
    }
}

#[test]
fn buckets_are_found_by_the_whole_name() {
    let section = |style| {
        format!(
            r#"{{"style": "{style}", "list": [{{"name": "ms", "type": "histogram", "labels": {{"variant": "header:x"}},
            "value": {{"duration": "milliseconds"}}, "buckets": [1, 2.5]}}]}}"#
        )
    };
    for style in ["tags", "istio"] {
        let config: Config = weir_core::load(section(style).as_bytes(), &mut Problems::default());
        let stats = bootstrap::stats_config(&config);
        let setting = &stats["histogram_bucket_settings"][0];
        assert_eq!(setting["buckets"], serde_json::json!([1.0, 2.5]));
        let regex = Regex::new(setting["match"]["safe_regex"]["regex"].as_str().unwrap()).unwrap();
        for value in [&[("variant", "b")][..], &[]] {
            let name = format!("wasmcustom.{}", encoding::name(config.style, value, "ms"));
            assert!(regex.is_match(&name), "{name}");
        }
        assert!(!regex.is_match("wasmcustom.other_ms") && !regex.is_match("wasmcustom.ms_total"));
        let stats = bootstrap::native_stats_config(&config);
        let regex = stats["histogram_bucket_settings"][0]["match"]["safe_regex"]["regex"].as_str().unwrap();
        let regex = Regex::new(regex).unwrap();
        for name in ["dynamicmodulescustom.ms", "dynamicmodulescustom.ms.variant.b"] {
            assert!(regex.is_match(name), "{name}");
        }
        assert!(
            !regex.is_match("dynamicmodulescustom.ms_total") && !regex.is_match("dynamicmodulescustom.a.ms")
        );
    }
}
