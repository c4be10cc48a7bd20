//! The program that libFuzzer drives: `WEIR_FUZZ_TARGET=NAME weir-fuzz CORPUS… -OPTION=…`. It is built and run by
//! `scripts/fuzz`, with the instrumentation that says which code an input reaches.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use std::sync::LazyLock;
use weir_fuzz::random::Random;
use weir_fuzz::{TARGETS, Target, named};

/// The target of this process.
static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("WEIR_FUZZ_TARGET").unwrap_or_default();
    named(&name).unwrap_or_else(|| {
        let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("WEIR_FUZZ_TARGET={name}: unknown target (known: {})", known.join(", "));
        std::process::exit(2);
    })
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));

// One change in four puts a piece in that means something to the reader; all others are libFuzzer's own.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random::new(u64::from(seed));
    if random.below(4) > 0 {
        fuzzer_mutate(data, size, max_size)
    } else {
        let mut input = data[..size].to_vec();
        random.put_piece(&TARGET, &mut input);
        input.truncate(max_size);
        data[..input.len()].copy_from_slice(&input);
        input.len()
    }
});
