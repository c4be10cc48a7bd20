//! What a module costs in the guest: fuel and hostcalls of each callback of one warm request.
//!
//! `cargo run -p weir-minihost --profile host --example fuel -- MODULE.wasm CONFIG.json [HEADER: VALUE]...`
//!
//! Fuel repeats to the unit, so it shows what a change of the request path is worth before any proxy
//! runs. It is the interpreter's measure, not the processor's: a unit was 0.2 to 0.45 machine
//! instructions in Envoy where we compared them.

use std::error::Error;
use std::path::Path;
use weir_minihost::{BROWSER, Module, Options, Properties, Request, Response};

/// What is beside the headers of a browser: 22 with the pseudo-headers.
const OWN: [(&str, &str); 4] = [
    ("x-user-id", "user-12345678"),
    ("x-tenant", "acme-corp"),
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
        for (name, value) in BROWSER.into_iter().chain(OWN) {
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
