//! Build steps that cargo itself does not have. `cargo xtask` lists them.

#![forbid(unsafe_code)]

mod bom;
mod book;
mod chart;
#[cfg(test)]
mod circles;
mod deny;
mod dist;
mod drift;
#[cfg(test)]
mod examples;
mod identity;
mod includes;
mod native;
#[cfg(test)]
mod rules;
mod stamp;
mod tables;
mod task;

use std::path::Path;
use std::process::ExitCode;

const HELP: &str = "\
usage: cargo run -p xtask -- TASK
  dist [MODULE...]   build the modules into dist/ and print their sizes
  dist native        build the native module, dist/libweir.so
  dist native TARGET the same for another target, dist/libweir-TARGET.so
  schema             write what is generated: the JSON Schema; tables of options and included files in docs/
  drift              compare what is generated with what is there
  flags              print the compiler's options that keep paths of this machine out of a program
  deny               hold dependencies to deny.toml: licences, second versions, sources
  bom FOLDER         write the lists of the crates in each artifact of a release
  provenance FOLDER  write how a release was made, for the files of its SHA256SUMS
  book               make the pages into a site in target/book/html with mdBook, and check its links";

fn main() -> ExitCode {
    if weir_postlink::is_wanted() {
        return weir_postlink::run().unwrap_or_else(|failure| {
            eprintln!("{failure}");
            ExitCode::FAILURE
        });
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.split_first() {
        Some((task, [module])) if task == "dist" && module == "native" => native::build(None),
        Some((task, [module, target])) if task == "dist" && module == "native" => native::build(Some(target)),
        Some((task, modules)) if task == "dist" => dist::build(modules),
        Some((task, [])) if task == "flags" => task::root().map(|root| println!("{}", dist::remapped(&root))),
        Some((task, [folder])) if task == "bom" => bom::boms(Path::new(folder)),
        Some((task, [folder])) if task == "provenance" => bom::provenance(Path::new(folder)),
        Some((task, [])) if task == "schema" => drift::write(),
        Some((task, [])) if task == "drift" => drift::check(),
        Some((task, [])) if task == "deny" => deny::check(),
        Some((task, [])) if task == "book" => book::build(),
        _ => Err(HELP.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
