//! The state of a rollout as an annotation.

use super::store::Record;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read as _, Write as _};

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

/// The annotation's text. Where there is not enough room the oldest events are forgotten. `taken` bytes are other
/// annotations'.
///
/// # Errors
/// The configurations alone are too large.
pub(super) fn write(record: &mut Record, status: &str, taken: usize) -> Result<String, String> {
    let names = STATE.len() + STATUS.len() + status.len();
    // A rollout that begins must have room for all that is to come.
    let reserve = if record.revision <= 1 { RESERVE } else { 0 };
    loop {
        let text = encode(record)?;
        let size = taken + names + text.len();
        if size + reserve <= MAX_ANNOTATIONS {
            return Ok(text);
        }
        if record.events.is_empty() {
            let limit = (MAX_ANNOTATIONS - reserve) >> 10;
            return Err(format!(
                "the state of the rollout does not fit: with it, annotations would have {} kB, and at most {limit} kB \
                 may be used: use fewer steps, or a smaller configuration",
                size.div_ceil(1 << 10)
            ));
        }
        let half = record.events.len().div_ceil(2);
        record.events.drain(..half);
    }
}

fn encode(record: &Record) -> Result<String, String> {
    let json = serde_json::to_vec(record).map_err(|error| error.to_string())?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let packed = encoder.write_all(&json).and_then(|()| encoder.finish());
    Ok(STANDARD.encode(packed.map_err(|error| error.to_string())?))
}

/// The state in an annotation.
///
/// # Errors
/// It was not written by this program, or by another version of it.
pub(super) fn read(text: &str) -> Result<Record, String> {
    let wrong = |what: &str| format!("{what}; it is the state of a rollout, and written by weir only");
    let packed = STANDARD.decode(text.trim()).map_err(|error| wrong(&error.to_string()))?;
    let mut json = Vec::new();
    let mut decoder = GzDecoder::new(packed.as_slice()).take(MAX_STATE);
    decoder.read_to_end(&mut json).map_err(|error| wrong(&error.to_string()))?;
    Record::read(&json).map_err(|problem| wrong(&problem))
}

#[cfg(test)]
mod tests {
    use super::super::target::Version;
    use super::*;
    use weir_rollout::{Event, EventKind};

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
            assert!(read(wrong).unwrap_err().contains("written by weir only"), "{wrong}");
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
        let refused = write(&mut begins, "", 0).unwrap_err();
        assert!(refused.contains("at most 224 kB may be used"), "{refused}");
        let refused = write(&mut full, "", 64 << 10).unwrap_err();
        assert!(refused.contains("at most 256 kB"), "{refused}");
    }
}
