//! Every input of every corpus, and mutations of them: some thousand for each target, the same in each run.
//! `WEIR_FUZZ_SECONDS=600` lets each target run for so long, with other mutations each time round.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use weir_fuzz::random::Random;
use weir_fuzz::{TARGETS, Target};

/// The mutations of each target.
const ROUNDS: u64 = 2_000;

/// What all corpora may take in the repository, in bytes.
const MAX_CORPORA: usize = 256 << 10;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The inputs of a target, by file name.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = corpora().join(target.name);
    let mut inputs: Vec<(String, Vec<u8>)> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

/// Runs a target on an input, and says which one it was if that fails.
fn run(target: &Target, input: &[u8], what: &dyn Fn() -> String) {
    let done = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    assert!(
        done.is_ok(),
        "{}: {}: {}",
        target.name,
        what(),
        input.get(..input.len().min(2_000)).unwrap_or_default().escape_ascii()
    );
}

fn mutate(target: &Target, inputs: &[(String, Vec<u8>)], seed: u64) {
    let mut random = Random::new(seed);
    let mut input = inputs[random.below(inputs.len())].1.clone();
    let other = &inputs[random.below(inputs.len())].1;
    random.change(target, &mut input, other);
    run(target, &input, &|| format!("mutation {seed}"));
}

/// Tests every target, also those after one that fails.
fn each(test: impl Fn(&Target)) {
    let fails = |target: &&Target| catch_unwind(AssertUnwindSafe(|| test(target))).is_err();
    let failed: Vec<&str> = TARGETS.iter().filter(fails).map(|target| target.name).collect();
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

#[test]
fn corpora_and_mutations_of_them() {
    let seconds = std::env::var("WEIR_FUZZ_SECONDS").map_or(0, |text| text.parse().expect("a number"));
    each(|target| {
        let (start, mut seed) = (Instant::now(), 0);
        let inputs = corpus(target);
        for (name, input) in &inputs {
            run(target, input, &|| name.clone());
        }
        while seed < ROUNDS || start.elapsed() < Duration::from_secs(seconds) {
            mutate(target, &inputs, seed);
            seed += 1;
        }
        println!("{}: {} inputs, {seed} mutations, {:?}", target.name, inputs.len(), start.elapsed());
    });
}

#[test]
fn each_target_has_a_corpus_and_each_corpus_a_target() {
    let mut folders: Vec<String> = std::fs::read_dir(corpora())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    names.sort_unstable();
    assert_eq!(folders, names);
    let mut sum = 0;
    for target in TARGETS {
        let inputs = corpus(target);
        assert!(!inputs.is_empty(), "{}", target.name);
        sum += inputs.iter().map(|(_, input)| input.len()).sum::<usize>();
    }
    assert!(sum < MAX_CORPORA, "the corpora have {sum} bytes: minimise them with `scripts/fuzz minimise`");
}

/// How long a target takes for a piece that is repeated up to this many bytes, between others.
fn time(target: &Target, [start, piece, end]: [&str; 3], bytes: usize) -> Duration {
    let times = bytes / piece.len().max(1);
    let input = [start, &piece.repeat(times), &end.repeat(times)].concat();
    let before = Instant::now();
    run(target, input.as_bytes(), &|| format!("{start:?}, {piece:?} and {end:?} {times} times"));
    before.elapsed()
}

/// Whatever is repeated, nested or left open: four times as much takes about four times as long, not sixteen times.
#[test]
fn long_inputs_take_time_in_proportion() {
    const BYTES: usize = 8 << 10;
    let most = |short: Duration| short * 8 + Duration::from_millis(250);
    each(|target| {
        let mut random = Random::new(1);
        let mut one = || target.pieces[random.below(target.pieces.len())];
        let repeated = target.pieces.iter().map(|piece| ["", *piece, ""]);
        let among: Vec<_> = (0..40).map(|_| [one(), one(), one()]).collect();
        for parts in repeated.chain(among) {
            let in_proportion = || time(target, parts, 4 * BYTES) < most(time(target, parts, BYTES));
            // Once more, as something else may have had the processor.
            assert!(in_proportion() || in_proportion() || in_proportion(), "{}: {parts:?}", target.name);
        }
    });
}
