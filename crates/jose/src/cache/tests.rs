use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;

const ALWAYS: Validity = Validity { from: 0.0, until: f64::INFINITY };

fn token(number: usize) -> Vec<u8> {
    format!("header.{number}.signature").into_bytes()
}

/// What a filter does: look up, verify what is missing, insert. Returns whether it had to verify.
fn serve(cache: &mut Cache<usize>, number: usize, now: f64) -> bool {
    match cache.get(&token(number), now) {
        Some(value) => {
            assert_eq!(*value, number);
            false
        }
        None => {
            cache.insert(&token(number), number, 0, ALWAYS, now);
            true
        }
    }
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn what_was_inserted_is_found_and_nothing_else() {
    let mut cache = Cache::new(64, 1 << 20, 7);
    assert!(cache.is_empty());
    for number in 0..10 {
        assert!(serve(&mut cache, number, 1.0), "first sight");
        assert!(!serve(&mut cache, number, 1.0), "second sight");
    }
    assert_eq!(cache.len(), 10);
    assert_eq!(cache.get(b"", 1.0), None);
    assert_eq!(cache.get(b"header.1.signaturf", 1.0), None);
    cache.clear();
    assert_eq!((cache.len(), cache.bytes(), cache.get(&token(1), 1.0)), (0, 0, None));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn tokens_are_compared_in_full_also_if_hashes_collide() {
    let mut cache = Cache::new(4, 1 << 20, 7);
    cache.insert(b"a", 1, 0, ALWAYS, 1.0);
    let other = cache.hash(b"b");
    for entry in cache.slots.iter_mut().flatten() {
        entry.hash = other;
    }
    assert_eq!(cache.get(b"b", 1.0), None);
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn a_token_is_found_inside_its_time_only_however_the_clock_jumps() {
    let mut cache = Cache::new(64, 1 << 20, 7);
    let validity = Validity { from: 100.0, until: 200.0 };
    assert!(cache.insert(b"t", 1, 0, validity, 150.0));
    for (now, found) in [
        (150.0, true),
        (199.9, true),
        (200.0, false),
        (1e12, false),
        (150.0, true),
        (99.9, false),
        (-5.0, false),
        (100.0, true),
        (f64::NAN, false),
        (f64::INFINITY, false),
    ] {
        assert_eq!(cache.get(b"t", now).is_some(), found, "{now}");
    }
    assert!(!cache.insert(b"late", 1, 0, validity, 200.0), "nothing is kept that could not be found");
    assert!(!cache.insert(b"early", 1, 0, validity, 99.0));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn what_is_out_of_its_time_makes_room_at_once() {
    let mut cache = Cache::new(4, 1 << 20, 7);
    for number in 0..4 {
        assert!(cache.insert(&token(number), number, 0, Validity { from: 0.0, until: 10.0 }, 1.0));
        cache.get(&token(number), 1.0);
    }
    assert!(!cache.insert(&token(9), 9, 0, ALWAYS, 1.0), "full of tokens in use");
    assert!(cache.insert(&token(8), 8, 0, ALWAYS, 10.0), "they have expired");
    assert_eq!(cache.get(&token(8), 10.0), Some(&8));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn inserting_again_replaces() {
    let mut cache = Cache::new(64, 1 << 20, 7);
    assert!(cache.insert(b"t", 1, 0, ALWAYS, 1.0));
    let bytes = cache.bytes();
    assert!(cache.insert(b"t", 2, 0, ALWAYS, 1.0));
    assert_eq!((cache.get(b"t", 1.0), cache.len(), cache.bytes()), (Some(&2), 1, bytes));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn a_flood_of_tokens_that_come_once_pushes_nothing_out() {
    let mut cache = Cache::new(64, 1 << 20, 7);
    for number in 0..1000 {
        serve(&mut cache, number, 1.0);
    }
    let kept: Vec<usize> = (0..1000).filter(|number| cache.get(&token(*number), 1.0).is_some()).collect();
    let full = cache.len();
    for number in 1000..100_000 {
        serve(&mut cache, number, 1.0);
    }
    let still = kept.iter().filter(|number| cache.get(&token(**number), 1.0).is_some()).count();
    // A fingerprint of 31 bits may be noted twice by chance: once in ten thousand floods.
    assert!(still + 1 >= kept.len(), "{still} of {}", kept.len());
    assert!(full <= cache.len());
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn tokens_in_use_survive_a_flood_of_tokens_that_come_twice() {
    let mut cache = Cache::new(256, 1 << 20, 7);
    for hot in 0..40 {
        serve(&mut cache, hot, 1.0);
    }
    let mut misses = 0;
    for number in 0..20_000 {
        misses += usize::from(serve(&mut cache, number % 40, 1.0));
        serve(&mut cache, 1000 + number, 1.0);
        serve(&mut cache, 1000 + number, 1.0);
    }
    assert!(misses < 400, "{misses} of 20000 lookups of tokens in use missed");
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn new_tokens_take_the_place_of_those_no_longer_used() {
    let mut cache = Cache::new(64, 1 << 20, 7);
    for number in 0..1000 {
        serve(&mut cache, number, 1.0);
        serve(&mut cache, number, 1.0);
    }
    // Fewer than a set has slots, so that chance cannot put too many into one set.
    let mut misses = 0;
    for round in 0..20 {
        for number in 2000..2004 {
            misses += usize::from(serve(&mut cache, number, 1.0) && round > 6);
        }
    }
    assert_eq!(misses, 0, "a new working set moves in after a few rounds");
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn bytes_and_entries_are_bounded_and_accounted_for() {
    const LIMIT: usize = 20_000;
    let mut cache = Cache::new(100, LIMIT, 7);
    let mut random = 1_u64;
    for step in 0..50_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (number, size) = ((random >> 33) as usize % 500, (random >> 50) as usize % 700);
        let now = ((random >> 20) % 100) as f64;
        let validity = Validity { from: 0.0, until: f64::from((step % 90) as u32) };
        if cache.get(&token(number), now).is_none() {
            cache.insert(&token(number), number, size, validity, now);
        }
        assert!(cache.bytes() <= LIMIT);
    }
    let weights: usize = cache.slots.iter().flatten().map(|entry| entry.weight).sum();
    assert_eq!(cache.bytes(), weights);
    assert!(cache.len() <= 128 && cache.len() > 10, "{}", cache.len());
    assert!(!cache.insert(&vec![b'x'; LIMIT], 0, 0, ALWAYS, 1.0), "larger than the whole");
    assert!(!Cache::new(64, 0, 7).insert(b"t", 0, 0, ALWAYS, 1.0), "no bytes, no cache");
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn the_seed_decides_which_tokens_share_a_set() {
    let sets = |seed| {
        let cache = Cache::<()>::new(1024, 1, seed);
        (0..100).map(|number| cache.set(cache.hash(&token(number)))).collect::<Vec<_>>()
    };
    assert_ne!(sets(1), sets(2));
    assert_eq!(sets(1), sets(1));
    assert!(sets(3).iter().all(|set| set % WAYS == 0 && *set < 1024));
}
