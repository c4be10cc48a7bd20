//! The state of a rollout as an annotation.

use super::record::Record;
use crate::output::in_words;
use anyhow::{anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read as _, Write as _};
use weir_rollout::Phase;

/// The annotation with the state: JSON, compressed with gzip, in Base64.
pub(super) const STATE: &str = "weir/rollout";
/// The annotation that says in words where the rollout is.
pub(super) const STATUS: &str = "weir/rollout-status";
/// What all annotations of an object may have together, names and values, in bytes. Kubernetes sets it.
const MAX_ANNOTATIONS: usize = 256 << 10;
/// What is left free in the beginning: events come, and other programs annotate too.
const RESERVE: usize = 32 << 10;
/// The most that an annotation may decompress to.
const MAX_STATE: u64 = 64 << 20;

/// The annotation's text. Where there is not enough room, what is needed least is forgotten: versions that a rollback
/// does not lead to, the oldest events, and the oldest ones that the webhook does not have. `taken` bytes are other
/// annotations'.
///
/// # Errors
/// The configurations alone are too large.
pub(super) fn write(record: &mut Record, status: &str, taken: usize) -> anyhow::Result<String> {
    let names = STATE.len() + STATUS.len() + status.len();
    // A rollout that begins must have room for all that is to come.
    let reserve = if record.revision <= 1 { RESERVE } else { 0 };
    loop {
        let text = encode(record)?;
        let size = taken + names + text.len();
        if size + reserve <= MAX_ANNOTATIONS {
            return Ok(text);
        }
        if forget_versions(record) {
            continue;
        }
        let events = if record.events.is_empty() { &mut record.unsent } else { &mut record.events };
        if events.is_empty() {
            let limit = (MAX_ANNOTATIONS - reserve) >> 10;
            bail!(
                "the state of the rollout does not fit: with it, annotations would have {} kB, and at most {limit} kB \
                 may be used: use fewer steps, or a smaller configuration",
                size.div_ceil(1 << 10)
            );
        }
        let half = events.len().div_ceil(2);
        events.drain(..half);
    }
}

/// Forgets the texts of versions that cannot be in the target of a rollback any more; their numbers and hashes stay.
/// Whether there were any.
fn forget_versions(record: &mut Record) -> bool {
    let needed = match record.state.phase {
        // A step that was about to be written may be there or not.
        Phase::Restoring { from, .. } => [0, from, from.saturating_sub(1)],
        Phase::ConfirmingRestore { .. } | Phase::RolledBack { .. } => [0; 3],
        _ => return false,
    };
    let versions = record.versions.iter_mut().enumerate();
    let mut has_forgotten = false;
    for (_, version) in
        versions.filter(|(number, version)| !needed.contains(number) && !version.text.is_empty())
    {
        version.text.clear();
        has_forgotten = true;
    }
    has_forgotten
}

fn encode(record: &Record) -> anyhow::Result<String> {
    let json = serde_json::to_vec(record)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let packed = encoder.write_all(&json).and_then(|()| encoder.finish());
    Ok(STANDARD.encode(packed?))
}

/// The state in an annotation.
///
/// # Errors
/// It was not written by this program, or by another version of it.
pub(super) fn read(text: &str) -> anyhow::Result<Record> {
    let wrong = |what: String| anyhow!("{what}; it is the state of a rollout, and written by weir only");
    let packed = STANDARD.decode(text.trim()).map_err(|error| wrong(error.to_string()))?;
    let mut json = Vec::new();
    let mut decoder = GzDecoder::new(packed.as_slice()).take(MAX_STATE);
    decoder.read_to_end(&mut json).map_err(|error| wrong(error.to_string()))?;
    Record::read(&json).map_err(|problem| wrong(in_words(&problem)))
}

#[cfg(test)]
mod tests {
    use super::super::record::Version;
    use super::*;
    use crate::output::Refusal as _;
    use weir_rollout::{Event, EventKind, Reason};

    fn record(text: &str, versions: usize, events: usize) -> Record {
        let mut record = Record::begun("steps: []".to_owned(), Vec::new(), 7);
        record.versions =
            (0..versions).map(|hash| Version { text: format!("{text}{hash}"), hash: hash as u64 }).collect();
        let event = |at: usize| Event {
            at: at as u64,
            event: EventKind::Held,
            step: Some(1),
            message: format!("nothing goes on: {at}"),
        };
        record.events = (0..events).map(event).collect();
        record
    }

    /// Text that hardly compresses.
    fn noise(length: usize) -> String {
        let mut random = fastrand::Rng::with_seed(7);
        (0..length).map(|_| random.alphanumeric()).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut record = record("{}", 5, 9);
        let text = write(&mut record, "step 1", 0).unwrap();
        assert_eq!(read(&text).unwrap(), record);
        for wrong in ["", "x", "e30=", &STANDARD.encode("{}"), &text[..text.len() / 2]] {
            assert!(read(wrong).refusal().contains("written by weir only"), "{wrong}");
        }
    }

    /// 100 kB of an ordinary configuration in five versions are far from the limit.
    #[test]
    fn large_configurations_fit() {
        let rule = |at: usize| {
            format!(
                r#"{{"name":"rule-{at}","match":{{"uri":{{"prefix":"/p{at}"}}}},"cluster":"c{}"}},"#,
                at % 7
            )
        };
        let text: String = (0..1500).map(rule).collect();
        assert!(text.len() > 90_000, "{}", text.len());
        let size = write(&mut record(&text, 5, 200), "", 0).unwrap().len();
        println!("{} bytes in five versions are {size} in the annotation", text.len());
        assert!(size < 128 << 10, "{size}");
    }

    #[test]
    fn events_give_way_before_the_state_does_not_fit() {
        // Noise has six bits in a byte, and Base64 gives them back. The first that leaves no room for 200 events:
        let fits = |kilobytes: usize| {
            let mut full = record(&noise(kilobytes << 10), 1, 200);
            full.revision = 2;
            let text = write(&mut full, "", 0).ok()?;
            (full.events.len() < 200).then_some((text, full))
        };
        let (text, mut full) = (240..262).find_map(fits).unwrap();
        assert!(text.len() < MAX_ANNOTATIONS, "{}", text.len());
        assert_eq!(read(&text).unwrap(), full);
        let mut begins = record(&noise(250 << 10), 1, 0);
        let refused = write(&mut begins, "", 0).refusal();
        assert!(refused.contains("at most 224 kB may be used"), "{refused}");
        let refused = write(&mut full, "", 64 << 10).refusal();
        assert!(refused.contains("at most 256 kB"), "{refused}");
    }

    /// A webhook that is away must not keep a release from being taken back.
    #[test]
    fn events_that_are_not_sent_give_way_too() {
        let mut full = record(&noise(240 << 10), 1, 200);
        full.revision = 2;
        full.unsent = full.events.clone();
        let mut random = fastrand::Rng::with_seed(8);
        for event in &mut full.unsent {
            event.message = (0..200).map(|_| random.alphanumeric()).collect();
        }
        let last = full.unsent.last().cloned();
        let text = write(&mut full, "", 0).unwrap();
        assert!(full.events.is_empty() && full.unsent.len() < 200, "{}", full.unsent.len());
        assert_eq!(full.unsent.last().cloned(), last, "the oldest ones first");
        assert_eq!(read(&text).unwrap(), full);
    }

    /// Other programs annotate too, while a rollout is under way.
    #[test]
    fn a_rollback_fits_where_a_rollout_does_not() {
        let of = |phase: Phase| {
            let mut random = fastrand::Rng::with_seed(7);
            let mut record = record("", 6, 3);
            record.revision = 2;
            for version in &mut record.versions {
                version.text = (0..40 << 10).map(|_| random.alphanumeric()).collect();
            }
            record.state.phase = phase;
            record
        };
        let reason = Reason::Aborted;
        let taken = 110 << 10;
        for (phase, left) in [
            (Phase::Restoring { from: 4, reason: reason.clone() }, &[0, 3, 4][..]),
            (Phase::ConfirmingRestore { reason: reason.clone() }, &[0]),
            (Phase::RolledBack { reason }, &[0]),
        ] {
            let mut full = of(phase.clone());
            assert_eq!(read(&write(&mut full.clone(), "", 0).unwrap()).unwrap(), full, "while there is room");
            let stored = read(&write(&mut full, "", taken).unwrap()).unwrap();
            let texts = stored.versions.iter().enumerate().filter(|(_, version)| !version.text.is_empty());
            assert_eq!(texts.map(|(number, _)| number).collect::<Vec<_>>(), left, "{phase:?}");
            let hashes: Vec<u64> = stored.versions.iter().map(|version| version.hash).collect();
            assert_eq!((hashes, stored.events.len()), (vec![0, 1, 2, 3, 4, 5], 3));
        }
        assert!(write(&mut of(Phase::Watching { step: 4 }), "", taken).is_err());
    }
}
