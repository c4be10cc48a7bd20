//! Key servers that fail in every way: without keys nobody is told that the token is wrong, and with keys
//! nobody notices.

use std::cell::Cell;
use std::time::{Duration, Instant};

use serde_json::json;
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Cluster, Envoy, Listener, Plugin};
use weir_tests::jwks_server::{JwksServer, key_set};
use weir_tests::origin::{Answer, Defect};

use super::{PATIENCE, bearer, sign};

/// What is wrong with each server.
fn defects() -> Vec<(&'static str, Answer)> {
    let good = sign::key_set(&["k"]);
    let right = || key_set(&good);
    let huge = format!("{good}{}", " ".repeat(2 << 20));
    let deep = format!(r#"{{"keys":{}"#, "[".repeat(100_000));
    let private = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"AA","y":"AA","d":"AA"}]}"#;
    vec![
        ("status500", Answer::new(500, &good)),
        ("status404", Answer::new(404, "")),
        ("redirect", Answer::new(302, "").header("location", "http://id.example.com/other")),
        ("nobody", Answer::new(200, "")),
        ("html", Answer::new(200, "<html>Sign in</html>")),
        ("cutjson", Answer::new(200, &good[..good.len() - 2])),
        ("empty", Answer::new(200, r#"{"keys":[]}"#)),
        ("notalist", Answer::new(200, r#"{"keys":{"k":1}}"#)),
        ("unusable", Answer::new(200, private)),
        ("deep", Answer::new(200, deep)),
        ("huge", Answer::new(200, huge)),
        ("late", right().after(Duration::from_secs(10))),
        ("noanswer", right().with(Defect::NoAnswer)),
        ("cut", right().with(Defect::Cut)),
        ("stalled", right().with(Defect::Stalled)),
        ("tooshort", right().with(Defect::TooShort(100))),
        ("toolong", right().with(Defect::TooLong(20))),
        ("endless", Answer::new(200, "{\"keys\":[ ").with(Defect::Endless)),
        ("nohttp", right().with(Defect::NoHttp)),
    ]
}

/// A provider for each defect, all in one Envoy.
struct Zoo {
    envoy: Envoy,
    client: Client,
    servers: Vec<(&'static str, Answer, JwksServer)>,
}

impl Zoo {
    fn start() -> Self {
        let open = |(name, answer): (_, Answer)| {
            let server = JwksServer::start("").unwrap();
            server.answer(answer.clone());
            (name, answer, server)
        };
        let servers: Vec<_> = defects().into_iter().map(open).collect();
        let (mut providers, mut rules, mut bootstrap) = (json!({}), Vec::new(), Bootstrap::default());
        for (name, _, server) in &servers {
            let remote = json!({
                "cluster": name, "uri": "http://id.example.com/jwks", "timeout": "400ms", "refresh": "400ms",
                "retry": "200ms", "retryMax": "400ms", "wait": "1s",
            });
            providers[name] = json!({"jwks": {"remote": remote}});
            rules.push(json!({"match": {"uri": {"prefix": format!("/{name}")}}, "requires": name}));
            bootstrap = bootstrap.cluster(Cluster::new(name, server.address()));
        }
        let config = json!({"jwt": {"providers": providers, "rules": rules}});
        let plugin = Plugin::new("jwt_claims").unwrap().config(&config);
        let envoy = Envoy::start(bootstrap.listener(Listener::new().plugin(plugin))).unwrap();
        Self { envoy, client: Client::http1(), servers }
    }

    fn requests(&self) -> Vec<Request> {
        let request = |(name, ..): &(&str, _, _)| Request { path: format!("/{name}"), ..bearer("k", "{}") };
        self.servers.iter().map(request).collect()
    }

    /// The names of those whose answers are not as `good` says.
    fn unlike(&self, good: impl Fn(&weir_tests::client::Response) -> bool) -> Vec<String> {
        let answers = self.client.send_all(self.envoy.listener(0), self.requests(), self.servers.len());
        let told = |(answer, (name, ..)): (Result<_, _>, &(&str, _, _))| {
            let answer: weir_tests::client::Response = answer.unwrap();
            (!good(&answer)).then(|| format!("{name}: {}", answer.status))
        };
        answers.into_iter().zip(&self.servers).filter_map(told).collect()
    }
}

#[test]
fn without_keys_it_is_503_and_with_keys_nobody_notices_and_servers_come_back() {
    let zoo = Zoo::start();
    let start = Instant::now();
    let wrong = zoo.unlike(|answer| {
        answer.status == 503
            && answer.header("retry-after").is_some()
            && answer.header("www-authenticate").is_none()
    });
    assert!(wrong.is_empty(), "without keys: {wrong:?}");
    assert!(start.elapsed() < Duration::from_secs(3), "waited longer than `wait`: {:?}", start.elapsed());
    // All servers recover: keys come without anybody's doing.
    for (.., server) in &zoo.servers {
        server.publish(&sign::key_set(&["k"]));
    }
    assert!(
        zoo.envoy.wait_for(PATIENCE, |_| zoo.unlike(|answer| answer.status == 200).is_empty()),
        "{:?}",
        zoo.unlike(|answer| answer.status == 200)
    );
    // And fail again: the keys that are there stay, though they are fetched again all the time.
    let before: Vec<usize> = zoo.servers.iter().map(|(.., server)| server.requests()).collect();
    for (_, answer, server) in &zoo.servers {
        server.answer(answer.clone());
    }
    let end = Instant::now() + Duration::from_secs(3);
    let (mut slow, mut rounds) = (0, 0);
    while Instant::now() < end {
        let longest = Cell::new(Duration::ZERO);
        let wrong = zoo.unlike(|answer| {
            longest.set(longest.get().max(answer.elapsed));
            answer.status == 200
        });
        assert!(wrong.is_empty(), "with keys: {wrong:?}");
        slow += usize::from(longest.get() > Duration::from_millis(300));
        rounds += 1;
    }
    // A request that waited for a fetch would in nearly all rounds; a machine that is busy has a few like it.
    assert!(slow * 2 < rounds, "{slow} of {rounds} rounds waited");
    for ((name, _, server), before) in zoo.servers.iter().zip(before) {
        assert!(server.requests() > before + 1, "{name} was not asked again");
    }
    assert!(!zoo.envoy.log().contains("\"k\":"), "key material in the log");
}
