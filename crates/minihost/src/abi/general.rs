//! Logging, time, properties, buffers, contexts.

use super::row::{Args, Row, unimplemented};
use crate::guest::{Guest, Outcome};
use crate::headers::Bytes;
use crate::properties;
use crate::report::LogLevel;
use crate::state::Tick;
use crate::status::Status;

const NANOS_PER_MILLI: u64 = 1_000_000;

pub(super) const ROWS: &[Row] = &[
    ("proxy_log", "iii", log),
    ("proxy_get_log_level", "i", get_log_level),
    ("proxy_get_status", "iii", unimplemented),
    ("proxy_get_current_time_nanoseconds", "i", get_current_time),
    ("proxy_set_tick_period_milliseconds", "i", set_tick_period),
    ("proxy_get_property", "iiii", get_property),
    ("proxy_set_property", "iiii", set_property),
    ("proxy_get_buffer_bytes", "iiiii", get_buffer_bytes),
    ("proxy_get_buffer_status", "iii", get_buffer_status),
    ("proxy_set_buffer_bytes", "iiiii", set_buffer_bytes),
    ("proxy_set_effective_context", "i", set_effective_context),
    ("proxy_done", "", done),
];

fn log(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let level = LogLevel::from_abi(args.u32(0)).ok_or(Status::BadArgument)?;
    let message = guest.read(args.u32(1), args.u32(2))?;
    if level >= guest.host().log_level {
        guest.host().log(level, &message);
    }
    Ok(())
}

fn get_log_level(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let level = guest.host().log_level;
    guest.write_u32(args.u32(0), level as u32)
}

fn get_current_time(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let now = guest.host().time_of_day();
    guest.write_u64(args.u32(0), now)
}

fn set_tick_period(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let period = u64::from(args.u32(0)) * NANOS_PER_MILLI;
    let due = guest.host().clock + period;
    let root = guest.host().root().ok_or(Status::BadArgument)?;
    root.tick = (period > 0).then_some(Tick { period, due });
    Ok(())
}

/// Property paths are segments with a NUL between them; a NUL at the end is allowed.
fn path(bytes: &[u8]) -> Vec<Bytes> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}

fn get_property(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let path = path(&guest.read(args.u32(0), args.u32(1))?);
    let value = properties::find(guest.host(), &path).ok_or(Status::NotFound)?;
    guest.give(&value, args.u32(2), args.u32(3))
}

fn set_property(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let path = path(&guest.read(args.u32(0), args.u32(1))?);
    let value = guest.read(args.u32(2), args.u32(3))?;
    let stream = guest.host().stream().ok_or(Status::NotFound)?;
    stream.properties.insert(path, value);
    Ok(())
}

/// The buffers of the ABI that this host has. The plugin's configuration is there only during
/// `proxy_on_configure`, a body only during its callback and while the stream is paused there.
fn buffer<'a>(guest: &'a mut Guest<'_>, kind: u32) -> Result<&'a mut Bytes, Status> {
    let host = guest.host();
    let found = match kind {
        0 => host.stream().and_then(|s| s.request.body_open.then_some(&mut s.request.body)),
        1 => host.stream().and_then(|s| s.response.body_open.then_some(&mut s.response.body)),
        4 => host.root().and_then(|root| root.callout_response.as_mut()).map(|response| &mut response.body),
        7 => host.root().and_then(|root| root.configuring.then_some(&mut root.configuration)),
        2 | 3 | 5 | 6 | 8 => None,
        _ => return Err(Status::BadArgument),
    };
    found.ok_or(Status::NotFound)
}

/// The part of a buffer of `size` bytes that `length` bytes from `start` cover.
fn window(size: usize, start: u32, length: u32) -> Result<std::ops::Range<usize>, Status> {
    let end = start.checked_add(length).ok_or(Status::BadArgument)?;
    let start = size.min(start as usize);
    Ok(start..size.min(end as usize).max(start))
}

fn get_buffer_bytes(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let data = buffer(guest, args.u32(0))?;
    let part = data[window(data.len(), args.u32(1), args.u32(2))?].to_vec();
    guest.give(&part, args.u32(3), args.u32(4))
}

fn get_buffer_status(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let length = buffer(guest, args.u32(0))?.len() as u32;
    guest.write_u32(args.u32(1), length)?;
    guest.write_u32(args.u32(2), 0)
}

fn set_buffer_bytes(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let new = guest.read(args.u32(3), args.u32(4))?;
    let kind = args.u32(0);
    let data = buffer(guest, kind)?;
    if kind > 1 {
        return Err(Status::BadArgument.into());
    }
    // As Envoy: in front, behind, or in place of everything; nothing in the middle.
    match (args.u32(1) as usize, args.u32(2) as usize) {
        (0, 0) => drop(data.splice(..0, new)),
        (0, length) if length >= data.len() => *data = new,
        (start @ 1.., _) if start >= data.len() => data.extend_from_slice(&new),
        _ => return Err(Status::BadArgument.into()),
    }
    Ok(())
}

fn set_effective_context(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let id = args.u32(0);
    if !guest.host().exists(id) {
        return Err(Status::BadArgument.into());
    }
    guest.host().effective = Some(id);
    Ok(())
}

fn done(_: &mut Guest<'_>, _: &Args<'_>) -> Outcome {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_stay_inside_the_buffer() {
        assert_eq!(window(10, 2, 3), Ok(2..5));
        assert_eq!(window(10, 8, 100), Ok(8..10));
        assert_eq!(window(10, 50, 1), Ok(10..10));
        assert_eq!(window(10, u32::MAX, 1), Err(Status::BadArgument));
    }

    #[test]
    fn property_paths_may_end_in_nul() {
        assert_eq!(path(b"a\0b"), [b"a".to_vec(), b"b".to_vec()]);
        assert_eq!(path(b"a\0b\0"), path(b"a\0b"));
    }
}
