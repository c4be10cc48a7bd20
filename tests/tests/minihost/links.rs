//! Links that `weir link` has made, in the built module.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use weir_tests::driver::minihost::Modules;
use weir_tests::minihost::{Options, Request, Response};
use weir_tests::program;

static MODULES: LazyLock<Modules> = LazyLock::new(Modules::default);

#[test]
fn the_module_takes_the_links_of_the_program_until_they_expire() {
    let config = json!({"experiments": {
        "unit": "header:x-user-id",
        "overrides": {"query": "weir", "session": {"name": "tester"}, "secret": {"env": "TESTERS"}},
        "list": [
            {"key": "checkout", "coverage": 0, "variants": [{"key": "a", "weight": 1}, {"key": "b", "weight": 1}]},
            {"key": "search.1", "flag": "search", "coverage": 0, "variants": [{"key": "new", "weight": 1}]},
        ],
    }})
    .to_string();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "a key that only testers have\n").unwrap();
    let key = ["--key-file", file.to_str().unwrap()];
    let link = |arguments: &[&str]| program::link(&config, &[arguments, &key].concat());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;

    let env = [("TESTERS".to_owned(), "a key that only testers have".to_owned())];
    let options = Options { env: env.into_iter().collect(), ..Options::default() };
    let vm = MODULES.get("experiment").unwrap().start(&options).unwrap();
    let plugin = vm.configure(&config).unwrap();
    // The path, the variants of both experiments, and the cookie of one request.
    let ask = |time: u64, path: &str, cookie: &str| {
        vm.set_clock(time);
        let mut request = Request::new("GET", "shop.test", path).header("x-user-id", "ann");
        if !cookie.is_empty() {
            request = request.header("cookie", cookie);
        }
        let seen = plugin.exchange(request, Response::status(200)).unwrap();
        let upstream = seen.upstream.unwrap();
        let text = |value: Option<&[u8]>| value.map(|it| String::from_utf8_lossy(it).into_owned());
        let header = |name: &str| text(upstream.headers.first(name.as_bytes())).unwrap_or_default();
        let variants = [header("x-weir-experiment-checkout"), header("x-weir-experiment-search")];
        let set = text(seen.response.unwrap().headers.first(b"set-cookie")).unwrap_or_default();
        (header(":path"), variants.join(" "), set.split(';').next().unwrap_or_default().to_owned())
    };

    for arguments in [
        &["checkout=b", "search=new", "--url", "/cart?x=1", "--expires", "1h"][..],
        &["checkout=b", "search=new", "--url", "/cart?x=1", "--expires", "never"],
    ] {
        let link = link(arguments);
        let (path, variants, cookie) = ask(now(), &link, "");
        assert_eq!((path.as_str(), variants.as_str()), ("/cart?x=1", "b new"), "{link}");
        assert!(cookie.starts_with("tester=checkout:b/search:new~"), "{cookie}");
        let later = ask(now() + 3_000_000_000_000, "/", &cookie);
        assert_eq!(later, ("/".into(), "b new".into(), String::new()));
        let over = ask(now() + 4_000_000_000_000, "/", &cookie);
        let expected = if arguments.ends_with(&["never"]) { ("b new", "") } else { (" ", "tester=") };
        assert_eq!((over.1.as_str(), over.2.as_str()), expected);
    }
    let link = link(&["checkout=b"]);
    for (at, _) in link.char_indices().skip("?weir=".len()) {
        let mut changed = link.clone().into_bytes();
        changed[at] ^= 1;
        let path = format!("/{}", String::from_utf8(changed).unwrap());
        assert_eq!(ask(now(), &path, "").1, " ", "{path}");
    }
}
