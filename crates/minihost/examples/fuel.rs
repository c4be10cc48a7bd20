//! What a module costs in the guest: fuel and hostcalls of each callback of one warm request.
//!
//! `cargo run -p weir-minihost --profile host --example fuel -- MODULE.wasm CONFIG.json [HEADER: VALUE]...`
//!
//! Fuel repeats to the unit, so it shows what a change of the request path is worth before any proxy
//! runs. It is the interpreter's measure, not the processor's: a unit was 0.2 to 0.45 machine
//! instructions in Envoy where we compared them.

use std::error::Error;
use std::path::Path;
use weir_minihost::{Module, Options, Properties, Request, Response};

/// The request of a browser: 22 headers with the pseudo-headers.
const BROWSER: [(&str, &str); 18] = [
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
    ("x-user-id", "user-12345678"),
    ("x-tenant", "acme-corp"),
    ("accept", "*/*"),
    ("accept-language", "en-US,en;q=0.9,de;q=0.8"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("cache-control", "no-cache"),
    ("pragma", "no-cache"),
    ("referer", "https://www.example.com/some/long/path?x=1"),
    ("sec-ch-ua", "\"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\""),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "same-origin"),
    ("cookie", "sid=0123456789abcdef0123456789abcdef; exp=a; theme=dark"),
    ("x-b3-sampled", "0"),
    ("x-request-id", "7f8fe2b5-b8bd-4f21-9c0f-7c6a2f1f3f70"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, configuration, extra @ ..] = arguments.as_slice() else {
        return Err("usage: fuel MODULE.wasm CONFIG.json [HEADER: VALUE]...".into());
    };
    let vm = Module::from_file(Path::new(module))?.start(&Options::default()).map_err(|trap| trap.reason)?;
    let plugin =
        vm.configure(&std::fs::read_to_string(configuration)?).map_err(|error| format!("{error:?}"))?;
    for round in 0..3 {
        vm.take_calls();
        let mut request = Request::get("/api/v1/items?id=42");
        for (name, value) in BROWSER {
            request = request.header(name, value);
        }
        for (name, value) in extra.iter().filter_map(|line| line.split_once(": ")) {
            request = request.header(name, value);
        }
        let mut stream = plugin.open(request, Properties::default()).map_err(|trap| trap.reason)?;
        stream.response_headers(Response::default()).map_err(|trap| trap.reason)?;
        stream.finish().map_err(|trap| trap.reason)?;
        // The first requests grow tables and buffers; the third is what all later ones cost.
        if round == 2 {
            for call in vm.take_calls() {
                println!("{:32} {:7} fuel  {:?}", call.callback, call.fuel, call.hostcalls);
            }
        }
    }
    Ok(())
}
