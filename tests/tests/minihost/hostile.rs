//! Requests by chance against all five filters: none traps, none passes a rule that protects, nothing forged passes,
//! and memory stays as it is. `WEIR_HOSTILE_REQUESTS` changes how many.

use weir_tests::hostile::{Hostile, config, env, wrong};
use weir_tests::minihost::{ConfigureError, HeaderMap, Module, Options, Request, Response};

#[test]
fn none_passes_and_memory_is_flat() {
    let total: u64 =
        std::env::var("WEIR_HOSTILE_REQUESTS").map_or(20_000, |text| text.parse().expect("a number"));
    let module = Module::from_file(&weir_tests::paths::module("weir").unwrap()).unwrap();
    let vm = module.start(&Options { env: env(), ..Options::default() }).unwrap();
    let plugin = vm.configure(&config(false).to_string()).unwrap();
    let (mut hostile, mut passed, mut pages) = (Hostile::new(1), 0_u64, 0);
    let start = std::time::Instant::now();
    for number in 0..total {
        let odd = hostile.request();
        let mut request = Request::get(&odd.path);
        for (name, value) in &odd.headers {
            request = request.header(name, value);
        }
        for (name, value) in &odd.trailers {
            request.trailers.add(name, value);
        }
        let exchange = plugin
            .exchange(request, Response::status(200))
            .unwrap_or_else(|error| panic!("{error}: {odd:?}"));
        if let Some(upstream) = exchange.upstream {
            passed += 1;
            let pairs = |map: &HeaderMap| -> Vec<_> {
                map.pairs()
                    .iter()
                    .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.clone()))
                    .collect()
            };
            let wrong = wrong(&odd.path, &pairs(&upstream.headers), &pairs(&upstream.trailers));
            assert_eq!(wrong, None, "request {number}: {odd:?}");
        }
        // By then the states of regular expressions and all other caches are as large as they become.
        if number == total / 2 {
            pages = vm.memory_pages();
        }
    }
    println!("{total} requests, {passed} passed, {:.0} s", start.elapsed().as_secs_f64());
    assert!(passed > total / 10 && passed < total, "{passed} of {total} passed");
    assert_eq!(vm.memory_pages(), pages);
    assert_eq!(vm.open_streams(), 0);
}

/// Of two members with one name, the one that was left out could be the one that protects.
#[test]
fn a_configuration_with_a_name_twice_is_refused() {
    let module = Module::from_file(&weir_tests::paths::module("weir").unwrap()).unwrap();
    let vm = module.start(&Options { env: env(), ..Options::default() }).unwrap();
    let twice = r#"{"faults": [{"abort": {"httpStatus": 503, "percentage": "100%"}}], "faults": []}"#;
    let Err(ConfigureError::Refused(log)) = vm.configure(twice) else { panic!("accepted: {twice}") };
    let log = log.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(log.contains("an object has a member twice at line 1 column 80"), "{log}");
}
