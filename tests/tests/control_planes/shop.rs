//! The shop's service `web` in two versions, its users, and what the command line says each of them gets.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;

use serde_json::Value;
use weir_tests::client::{Client, Request, Response, runtime};
use weir_upstream::Upstream;

use super::{eventually, weir_json};

/// How many users show a split.
pub(crate) const USERS: usize = 300;
/// The host at a gateway.
pub(crate) const SHOP: &str = "shop.example.com";

/// A version of `web`, on this machine.
pub(crate) fn version(name: &str) -> Upstream {
    runtime().block_on(Upstream::start(name, ([127, 0, 0, 1], 0).into())).unwrap()
}

/// Where users come in.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) host: &'static str,
}

impl Door {
    /// The response, or why there is none.
    pub(crate) fn send(&self, mut request: Request) -> Result<Response, String> {
        self.host.clone_into(&mut request.host);
        // A connection for each: one that was open before a listener changed is still the old listener's.
        Client::http1().send(self.address, &request).map_err(|error| error.to_string())
    }

    /// Who answers: the name of a version, the status where it is another's, or why there is no answer.
    pub(crate) fn answer(&self, request: Request) -> String {
        match self.send(request) {
            Ok(response) => response.seen().map_or_else(|| response.status.to_string(), |seen| seen.name),
            Err(error) => error,
        }
    }

    /// What each user gets, by number, with further headers of the client.
    pub(crate) fn answers(&self, forged: &[(&str, &str)]) -> Vec<String> {
        let request = |number: usize| {
            let request = Request::get("/").header("x-user-id", user(number));
            forged.iter().fold(request, |request, (name, value)| request.header(name, value))
        };
        (0..USERS).map(|number| self.answer(request(number))).collect()
    }

    /// Waits until each user gets what the command line says of this resource.
    #[track_caller]
    pub(crate) fn becomes(&self, what: &str, resource: &Value, log: impl Fn() -> String) {
        let expected = predicted(resource, self.host);
        let seen = || format!("{:?}\n{}", counts(&self.answers(&[])), log());
        eventually(what, seen, || self.answers(&[]) == expected);
    }

    /// Each user gets what the command line says of this resource, whatever headers a client makes up.
    #[track_caller]
    pub(crate) fn is_split_as(&self, resource: &Value) {
        let expected = predicted(resource, self.host);
        for forged in [
            &[][..],
            &[("x-weir-route", "canary")],
            &[("x-weir-experiment-checkout", "one-page")],
            &[("x-weir-route", "stable"), ("X-Weir-Route", "canary")],
        ] {
            let seen = self.answers(forged);
            assert_eq!(counts(&seen), counts(&expected), "{forged:?}");
            assert!(seen == expected, "the shares are right, the users are not, with {forged:?}");
        }
        println!("{USERS} users: {:?}, as the command line says", counts(&expected));
    }
}

pub(crate) fn user(number: usize) -> String {
    format!("user-{number}")
}

/// How many there are of each.
pub(crate) fn counts(answers: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.as_str()).or_default() += 1;
    }
    counts
}

/// The version that each user gets, by `weir assign`, whose shares are those of `weir simulate`, of a resource as the API
/// server has it.
pub(crate) fn predicted(resource: &Value, host: &str) -> Vec<String> {
    let assigned = |number: usize| {
        let (said, _) = weir_json("assign", resource, &["--all", "--host", host, "--unit", &user(number)]);
        said["routing"]["target"].as_str().unwrap().strip_prefix("canary/").unwrap().to_owned()
    };
    let all: Vec<String> = (0..USERS).map(assigned).collect();
    let ids = tempfile::NamedTempFile::new().unwrap();
    fs::write(ids.path(), (0..USERS).map(user).collect::<Vec<_>>().join("\n")).unwrap();
    let (said, _) =
        weir_json("simulate", resource, &["--split", "canary", "--ids", ids.path().to_str().unwrap()]);
    let said = if said.is_array() { &said[0] } else { &said };
    let counted = counts(&all);
    for variant in said["variants"].as_array().unwrap() {
        let count = counted.get(variant["key"].as_str().unwrap()).copied().unwrap_or(0);
        assert_eq!(variant["units"], count, "weir simulate and weir assign differ: {variant}");
    }
    all
}
