//! The WASI functions that Rust's standard library reaches. Others of preview 1 answer "no such function".

use wasmi::Error;

use super::row::{Args, Row};
use crate::guest::{Failure, Guest, Outcome};
use crate::report::LogLevel;
use crate::status::Status;

pub(super) const ROWS: &[Row] = &[
    ("args_get", "ii", nothing),
    ("args_sizes_get", "ii", args_sizes_get),
    ("environ_get", "ii", environ_get),
    ("environ_sizes_get", "ii", environ_sizes_get),
    ("clock_time_get", "iIi", clock_time_get),
    ("clock_res_get", "ii", clock_res_get),
    ("random_get", "ii", random_get),
    ("sched_yield", "", nothing),
    ("proc_exit", "i", proc_exit),
    ("fd_write", "iiii", fd_write),
    ("fd_read", "iiii", no_such_function),
    ("fd_seek", "iIii", no_such_function),
    ("fd_close", "i", nothing),
    ("fd_fdstat_get", "ii", bad_descriptor),
    ("fd_fdstat_set_flags", "ii", no_such_function),
    ("fd_filestat_get", "ii", bad_descriptor),
    ("fd_prestat_get", "ii", bad_descriptor),
    ("fd_prestat_dir_name", "iii", no_such_function),
    ("path_open", "iiiiiIIii", no_such_file),
    ("path_filestat_get", "iiiii", no_such_file),
    ("poll_oneoff", "iiii", nothing),
];

/// The errno of a status; WASI's numbers.
pub(super) fn errno(status: Status) -> i32 {
    match status {
        Status::Ok => 0,
        Status::NotFound => 44,            // NOENT
        Status::BadArgument => 8,          // BADF
        Status::InvalidMemoryAccess => 21, // FAULT
        _ => 52,                           // NOSYS
    }
}

fn nothing(_: &mut Guest<'_>, _: &Args<'_>) -> Outcome {
    Ok(())
}

fn no_such_function(_: &mut Guest<'_>, _: &Args<'_>) -> Outcome {
    Err(Status::Unimplemented.into())
}

fn no_such_file(_: &mut Guest<'_>, _: &Args<'_>) -> Outcome {
    Err(Status::NotFound.into())
}

fn bad_descriptor(_: &mut Guest<'_>, _: &Args<'_>) -> Outcome {
    Err(Status::BadArgument.into())
}

fn args_sizes_get(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    guest.write_u32(args.u32(0), 0)?;
    guest.write_u32(args.u32(1), 0)
}

/// The environment as `NAME=value` with a NUL after each.
fn environment(guest: &mut Guest<'_>) -> Vec<Vec<u8>> {
    guest.host().env.iter().map(|(name, value)| format!("{name}={value}\0").into_bytes()).collect()
}

fn environ_sizes_get(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let variables = environment(guest);
    guest.write_u32(args.u32(0), variables.len() as u32)?;
    guest.write_u32(args.u32(1), variables.iter().map(Vec::len).sum::<usize>() as u32)
}

fn environ_get(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let (mut pointer, mut text) = (args.u32(0), args.u32(1));
    for variable in environment(guest) {
        guest.write_u32(pointer, text)?;
        guest.write(text, &variable)?;
        pointer += 4;
        text += variable.len() as u32;
    }
    Ok(())
}

fn clock_time_get(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    const MONOTONIC: u32 = 1;
    let host = guest.host();
    let now = if args.u32(0) == MONOTONIC { host.clock } else { host.time_of_day() };
    guest.write_u64(args.u32(2), now)
}

fn clock_res_get(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    guest.write_u64(args.u32(1), 1)
}

fn random_get(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let bytes: Vec<u8> = (0..args.u32(1)).map(|_| guest.host().random_byte()).collect();
    guest.write(args.u32(0), &bytes)
}

fn proc_exit(_: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    Err(Failure::Trap(Error::i32_exit(args.u32(0) as i32)))
}

/// Standard output becomes the log at level info, standard error at level error, as in Envoy.
fn fd_write(guest: &mut Guest<'_>, args: &Args<'_>) -> Outcome {
    let level = match args.u32(0) {
        1 => LogLevel::Info,
        2 => LogLevel::Error,
        _ => return Err(Status::BadArgument.into()),
    };
    let mut text = Vec::new();
    for index in 0..args.u32(2) {
        let vector = guest.read(args.u32(1) + 8 * index, 8)?;
        let half =
            |at: usize| u32::from_le_bytes([vector[at], vector[at + 1], vector[at + 2], vector[at + 3]]);
        text.extend(guest.read(half(0), half(4))?);
    }
    let written = text.len() as u32;
    if level >= guest.host().log_level && written > 0 {
        guest.host().log(level, text.strip_suffix(b"\n").unwrap_or(&text));
    }
    guest.write_u32(args.u32(3), written)
}
