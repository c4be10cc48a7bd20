//! Upstreams as users name them, and what Envoy wants to know of one.

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use weir_workbench::yaml::write::Block;

/// A service that requests go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upstream {
    /// The name of its Envoy cluster.
    pub(crate) name: String,
    /// A name or an address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether it is reached by TLS, with a certificate for `host`.
    pub(crate) tls: bool,
}

/// Reads `NAME=HOST:PORT` and `NAME=https://HOST[:PORT]`.
///
/// # Errors
/// It is neither.
pub(crate) fn parse(text: &str) -> anyhow::Result<Upstream> {
    parsed(text).context("expected NAME=HOST:PORT or NAME=https://HOST[:PORT], such as v1=127.0.0.1:9001")
}

fn parsed(text: &str) -> Option<Upstream> {
    let (name, address) = text.split_once('=')?;
    let (tls, address) = match address.strip_prefix("https://") {
        Some(address) => (true, address),
        None => (false, address.strip_prefix("http://").unwrap_or(address)),
    };
    // A colon inside brackets belongs to an IPv6 address.
    let (host, port) = match address.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (tls.then_some(address)?, 443),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    let good = !name.is_empty() && !host.is_empty() && host.chars().all(known) && port > 0;
    good.then(|| Upstream { name: name.to_owned(), host: host.to_owned(), port, tls })
}

/// Refuses two upstreams with one name.
///
/// # Errors
/// A message with the name.
pub(crate) fn unique(upstreams: &[Upstream]) -> anyhow::Result<()> {
    for (position, upstream) in upstreams.iter().enumerate() {
        if upstreams.iter().skip(position + 1).any(|other| other.name == upstream.name) {
            bail!("the upstream {} is given twice", upstream.name);
        }
    }
    Ok(())
}

/// Reads an address to listen on; a port alone is one of this machine only.
///
/// # Errors
/// It is neither.
pub(crate) fn listen(text: &str) -> anyhow::Result<SocketAddr> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(([127, 0, 0, 1], port).into());
    }
    text.parse().map_err(|_| anyhow!("expected a port, or an address with a port such as 0.0.0.0:8080"))
}

impl Upstream {
    /// Its cluster. `authorities` is a file with the certificates that TLS trusts.
    pub(crate) fn cluster(&self, authorities: &str) -> Block {
        let is_address = self.host.parse::<IpAddr>().is_ok();
        let mut members = vec![("name".to_owned(), Block::from(self.name.as_str()))];
        let mut add = |name: &str, value: Value| members.push((name.to_owned(), value.into()));
        add("type", json!(if is_address { "STATIC" } else { "STRICT_DNS" }));
        if !is_address {
            // A name such as `localhost` has addresses of both kinds, and few services listen on both.
            add("dns_lookup_family", json!("V4_PREFERRED"));
        }
        add("connect_timeout", json!(if self.tls { "5s" } else { "1s" }));
        let endpoint = json!({"endpoint": {"address": socket(&self.host, self.port)}});
        let assignment = Block::map([
            ("cluster_name", self.name.as_str().into()),
            ("endpoints", Block::List(vec![json!({"lb_endpoints": [endpoint]}).into()])),
        ]);
        members.push(("load_assignment".to_owned(), assignment));
        if self.tls {
            members.push(("transport_socket".to_owned(), self.tls(authorities, is_address)));
        }
        Block::Map(members)
    }

    /// Without `match_typed_subject_alt_names` Envoy would take any certificate that the authorities signed.
    fn tls(&self, authorities: &str, is_address: bool) -> Block {
        let name = json!({"san_type": if is_address { "IP_ADDRESS" } else { "DNS" },
            "matcher": {"exact": self.host}});
        let validation = Block::map([
            ("trusted_ca", json!({"filename": authorities}).into()),
            ("match_typed_subject_alt_names", Block::List(vec![name.into()])),
        ]);
        let mut context = vec![(
            "@type".to_owned(),
            Block::from("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
        )];
        if !is_address {
            context.push(("sni".to_owned(), self.host.as_str().into()));
        }
        context.push(("common_tls_context".to_owned(), Block::map([("validation_context", validation)])));
        Block::map([("name", "envoy.transport_sockets.tls".into()), ("typed_config", Block::Map(context))])
    }
}

/// Envoy's form of an address.
pub(crate) fn socket(host: &str, port: u16) -> Value {
    json!({"socket_address": {"address": host, "port_value": port}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;

    #[test]
    fn upstreams_are_read() {
        for (text, host, port, tls) in [
            ("a=127.0.0.1:9001", "127.0.0.1", 9001, false),
            ("a=http://web:80", "web", 80, false),
            ("a=[::1]:80", "::1", 80, false),
            ("a=https://id.example.com", "id.example.com", 443, true),
            ("a=https://id.example.com:8443", "id.example.com", 8443, true),
            ("a=https://[::1]", "::1", 443, true),
        ] {
            let expected = Upstream { name: "a".to_owned(), host: host.to_owned(), port, tls };
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
        for wrong in [
            "",
            "a",
            "a=b",
            "=b:1",
            "a=:1",
            "a=b:0",
            "a=b:65536",
            "a=http://b",
            "a=https://",
            "a=b/c:1",
            "a=ftp://b:1",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_port_alone_is_of_this_machine() {
        assert_eq!(listen("80").unwrap(), ([127, 0, 0, 1], 80).into());
        assert_eq!(listen("0.0.0.0:80").unwrap(), ([0, 0, 0, 0], 80).into());
        assert!(listen("localhost").is_err() && listen("99999").is_err());
    }

    #[test]
    fn a_name_stands_for_one_upstream() {
        let [a, b] = ["a=h:1", "b=h:1"].map(|text| parse(text).unwrap());
        assert!(unique(&[a.clone(), b.clone()]).is_ok());
        assert_eq!(unique(&[a.clone(), b, a]).refusal(), "the upstream a is given twice");
    }

    #[test]
    fn tls_believes_only_a_certificate_for_the_host() {
        let cluster = parse("id=https://id.example.com").unwrap().cluster("/ca.pem").to_json();
        let context = &cluster["transport_socket"]["typed_config"];
        assert_eq!(context["sni"], "id.example.com");
        let validation = &context["common_tls_context"]["validation_context"];
        assert_eq!(validation["trusted_ca"]["filename"], "/ca.pem");
        assert_eq!(
            validation["match_typed_subject_alt_names"],
            json!([{"san_type": "DNS", "matcher": {"exact": "id.example.com"}}])
        );
        assert!(parse("id=id:80").unwrap().cluster("/ca.pem").to_json().get("transport_socket").is_none());
    }
}
