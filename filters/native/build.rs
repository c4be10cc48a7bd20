//! Links the unwinder into the library.
//!
//! Images of Envoy without a distribution in them have the C library and nothing else; what Rust links on GNU/Linux,
//! `libgcc_s.so.1`, is not there, and Envoy refuses a library that needs it. A linker script under that name, found
//! before the real one, leads to the static half of the same package.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let var = |name| std::env::var(name).unwrap_or_default();
    if var("CARGO_CFG_TARGET_OS") == "linux" && var("CARGO_CFG_TARGET_ENV") == "gnu" {
        let folder = PathBuf::from(var("OUT_DIR"));
        std::fs::write(folder.join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n")?;
        println!("cargo:rustc-link-search=native={}", folder.display());
    }
    Ok(())
}
