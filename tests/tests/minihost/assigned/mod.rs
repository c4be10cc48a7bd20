//! `weir assign` says what the module does: configurations by chance with all five filters, and requests by chance,
//! given to the program and to the built module in the mini host.

mod configuration;
mod request;

use crate::chance::Chance;
use request::Asked;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;
use weir_tests::driver::minihost::Modules;
use weir_tests::minihost::{Exchange, Options, Response};
use weir_tests::program;

/// 2026-11-28, in nanoseconds since the Unix epoch, and as the option has it.
const NOW: (u64, &str) = (1_795_824_000_000_000_000, "2026-11-28T00:00:00Z");

const CONFIGURATIONS: usize = 40;
const REQUESTS: usize = 20;

/// How many of these a decision of each kind must be among, so that the test is about all filters.
const AT_LEAST: usize = 20;

/// What `weir assign` says.
fn assigned(file: &str, asked: &Asked) -> Value {
    let mut command = Command::new(program::path());
    command.args(["assign", file, "--all", "--output", "json", "--at", NOW.1]).args(asked.options());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{asked:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&said).unwrap()
}

/// Header lines by name; those of one name with commas between them.
fn joined(pairs: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        let name = name.to_ascii_lowercase();
        match all.get_mut(&name) {
            Some(known) => *known = format!("{known},{value}"),
            None => drop(all.insert(name, value)),
        }
    }
    all
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The headers that the upstream gets if `said` is right.
fn expected(asked: &Asked, said: &Value) -> BTreeMap<String, String> {
    let mut all = joined(asked.headers());
    for name in said["removed"].as_array().into_iter().flatten() {
        all.remove(name.as_str().unwrap());
    }
    for (name, value) in said["headers"].as_object().unwrap() {
        all.insert(name.clone(), value.as_str().unwrap().replace('\n', ","));
    }
    for (line, field) in [(":path", "path"), (":authority", "authority")] {
        if let Some(value) = said[field].as_str() {
            all.insert(line.to_owned(), value.to_owned());
        }
    }
    all
}

/// What is hit: `None` where chance decides.
fn hits(said: &Value, kind: &str) -> Option<Option<String>> {
    let faults = said["faults"].as_array().into_iter().flatten();
    let parts = faults.flat_map(|fault| fault["faults"].as_array().unwrap());
    for part in parts.filter(|part| part["kind"] == kind) {
        match part["hit"].as_bool() {
            Some(true) => return Some(Some(part["what"].as_str().unwrap().to_owned())),
            Some(false) => {}
            None => return None,
        }
    }
    Some(None)
}

/// How often what was decided.
type Tally = BTreeMap<&'static str, usize>;

/// Holds what happened against what was said.
fn agree(asked: &Asked, said: &Value, seen: &Exchange, tally: &mut Tally) -> Result<(), String> {
    let mut count = |what| *tally.entry(what).or_default() += 1;
    let status = seen.response.as_ref().map(Response::code);
    if let Some(answer) = said["answer"]["status"].as_u64() {
        count("refused");
        let right = status.map(u64::from) == Some(answer) && seen.upstream.is_none();
        return if right { Ok(()) } else { Err(format!("said {answer}, got {status:?}")) };
    }
    let cookies = said["response"].as_array().into_iter().flatten().filter(|it| it[0] == "set-cookie");
    let set = cookies.clone().count();
    let got_set = seen.response.as_ref().map_or(0, |it| it.headers.values(b"set-cookie").count());
    if cookies.clone().any(|it| it[1].as_str().is_some_and(|cookie| cookie.starts_with("weir-id="))) {
        // A client that is new has an id by chance, and so its variants, and the faults that follow them.
        count("minted");
        let lost = seen.upstream.is_some() && set != got_set;
        return if lost { Err(format!("said that {set} cookies are set, got {got_set}")) } else { Ok(()) };
    }
    let (Some(abort), Some(delay)) = (hits(said, "abort"), hits(said, "delay")) else {
        count("by chance");
        return Ok(());
    };
    let held = seen.elapsed > Duration::from_millis(1);
    if delay.is_some() != held {
        return Err(format!("said {delay:?}, took {:?}", seen.elapsed));
    }
    if held {
        count("delayed");
    }
    let Some(upstream) = &seen.upstream else {
        count("aborted");
        let right = abort.is_some() && abort == status.map(|status| status.to_string());
        return if right { Ok(()) } else { Err(format!("said {abort:?}, got {status:?}")) };
    };
    if abort.is_some() {
        return Err(format!("said {abort:?}, but the upstream was reached"));
    }
    if set != got_set {
        return Err(format!("said that {set} cookies are set, got {got_set}"));
    }
    let pairs = upstream.headers.pairs().iter();
    let got = joined(pairs.map(|(name, value)| (text(name), text(value))));
    let expected = expected(asked, said);
    if expected != got {
        let only = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
            a.iter()
                .filter(|(name, value)| b.get(*name) != Some(value))
                .map(|it| format!("{it:?}"))
                .collect::<Vec<_>>()
        };
        return Err(format!("said {:?}\n      got {:?}", only(&expected, &got), only(&got, &expected)));
    }
    for (name, value) in said["response"].as_array().into_iter().flatten().map(|it| (&it[0], &it[1])) {
        let got = seen.response.as_ref().and_then(|it| it.headers.first(name.as_str().unwrap().as_bytes()));
        if name != "set-cookie" && got.map(text).as_deref() != value.as_str() {
            return Err(format!("the response has {name} {got:?} in place of {value}"));
        }
    }
    count("reached");
    for experiment in said["experiments"].as_array().unwrap() {
        count(if experiment["variant"].is_string() { "variant" } else { "no variant" });
    }
    if said["routing"]["split"]["by"] == "key" {
        count("split");
    }
    if !said["removed"].is_null() {
        count("forged");
    }
    Ok(())
}

#[test]
fn assign_says_what_the_module_does() {
    let module = Modules::default().get("weir").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut chance = Chance(11);
    let (mut tally, mut wrong, mut compared) = (Tally::new(), Vec::new(), 0);
    for number in 0..CONFIGURATIONS {
        let config = configuration::any(&mut chance);
        let file = folder.path().join(format!("{number}.json"));
        std::fs::File::create(&file).unwrap().write_all(config.to_string().as_bytes()).unwrap();
        let vm = module.start(&Options::default()).unwrap();
        vm.set_clock(NOW.0);
        let plugin = vm.configure(&config.to_string()).unwrap_or_else(|error| panic!("{config}: {error}"));
        for _ in 0..REQUESTS {
            let asked = Asked::any(&mut chance, &config);
            let said = assigned(file.to_str().unwrap(), &asked);
            vm.set_clock(NOW.0);
            let seen = plugin.exchange(asked.request(), Response::status(200)).unwrap();
            match agree(&asked, &said, &seen, &mut tally) {
                Ok(()) => compared += 1,
                Err(message) => {
                    wrong.push(format!("{config}\n  {:?}\n  {said}\n  {message}", asked.options()))
                }
            }
        }
    }
    println!("{compared} agree: {tally:?}; {} differ", wrong.len());
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), wrong.len() + compared, wrong.join("\n"));
    let by_chance = tally.get("by chance").copied().unwrap_or_default();
    assert!(compared - by_chance >= 500, "{tally:?}");
    for kind in
        ["refused", "aborted", "delayed", "minted", "reached", "variant", "no variant", "split", "forged"]
    {
        assert!(tally.get(kind).is_some_and(|count| *count >= AT_LEAST), "{kind}: {tally:?}");
    }
}
