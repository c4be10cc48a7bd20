//! Every file in `envoy-configs/` starts, and the `curl` lines in its comments go where it says. A file or a
//! line that is not listed here is a failure.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use weir_allocation::{Salt, Weights, anchored};
use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::{Bootstrap, Envoy};

/// Where a request is expected.
enum Goes {
    /// To this upstream.
    To(&'static str),
    /// To this upstream, with this path.
    As(&'static str, &'static str),
    /// Where the 90/10 split `canary` puts its user id or cookie.
    Split,
    /// To either side of it, by the cookie that it gets.
    Minted,
}
use Goes::{As, Minted, Split, To};

/// The `curl` lines of each file, in order.
const EXPECTED: &[(&str, &[Goes])] = &[
    ("ab-routing.yaml", &[To("v2"), To("v2"), To("canary"), Split, Split, Split, Split, Minted]),
    ("canary-header.yaml", &[To("canary"), To("canary"), To("canary"), To("v1"), To("v1")]),
    ("cluster-header.yaml", &[To("v2"), As("canary", "/orders?id=7"), To("v1"), To("v1")]),
    ("header-routing.yaml", &[To("v2"), To("v1"), To("v1"), To("v1")]),
    ("region.yaml", &[To("v2"), To("v2"), To("v1"), To("v1")]),
    ("sticky-canary.yaml", &[Split, Split, Split, Split, Split, Minted]),
];

#[test]
fn every_shipped_configuration_does_what_its_comments_say() {
    let directory = weir_tests::paths::root().join("envoy-configs");
    let mut files: Vec<PathBuf> =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, EXPECTED.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "files of envoy-configs");
    for (path, (name, expected)) in files.iter().zip(EXPECTED) {
        check(name, &fs::read_to_string(path).unwrap(), expected);
    }
}

fn check(name: &str, text: &str, expected: &[Goes]) {
    let config: Value = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let envoy = Envoy::start(Bootstrap::shipped(config)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#   curl ")).collect();
    assert_eq!(lines.len(), expected.len(), "{name}: curl lines");
    for (line, goes) in lines.iter().zip(expected) {
        let request = request(line);
        let response = Client::http1().send(envoy.listener(0), &request).unwrap();
        assert!(
            arrived(&request, &response, goes),
            "{name}: curl {line}: {} {:?}",
            response.status,
            response.seen()
        );
    }
}

fn arrived(request: &Request, response: &Response, goes: &Goes) -> bool {
    let Some(seen) = response.seen() else { return false };
    match goes {
        To(upstream) => seen.name == *upstream,
        As(upstream, path) => (seen.name.as_str(), seen.path.as_str()) == (*upstream, *path),
        Split => {
            let sent = |name| {
                request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
            };
            let key = sent("x-user-id").or_else(|| sent("cookie")?.strip_prefix(b"weir-id="));
            key.is_some_and(|key| seen.name == side(key))
        }
        Minted => {
            let id =
                response.header("set-cookie").and_then(|cookie| cookie.strip_prefix(b"weir-id=")?.get(..32));
            id.is_some_and(|id| seen.name == side(id))
        }
    }
}

fn side(key: &[u8]) -> &'static str {
    let allocation = anchored(&Weights::from_relative(&[90.0, 10.0]).unwrap());
    ["v1", "canary"][allocation.pick(Salt::new("canary").bucket(key)).unwrap()]
}

/// The request that `curl` would send: `-X`, `-H`, `-b` and a URL are known, anything else is a failure.
fn request(line: &str) -> Request {
    let mut request = Request::get("/");
    let mut words = words(line).into_iter();
    while let Some(word) = words.next() {
        let mut next = || words.next().expect("an option's value");
        match word.as_str() {
            "-X" => request.method = next(),
            "-b" => request = request.header("cookie", next()),
            "-H" => {
                let header = next();
                let (name, value) = header.split_once(": ").expect("a header");
                request = request.header(name, value);
            }
            url => {
                let path = url
                    .strip_prefix("http://127.0.0.1:10000")
                    .unwrap_or_else(|| panic!("curl {line}: {url}"));
                request.path = path.to_owned();
            }
        }
    }
    request
}

/// Words with single quotes around those that contain blanks.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let words = parts.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}
