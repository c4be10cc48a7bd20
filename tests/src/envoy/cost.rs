//! What an Envoy costs in the processor's time: most of it is the compilation of its modules, so that this says which
//! tests start more than they need.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;

use super::process::Envoy;

/// The variable with a file that gets a line for each Envoy that ends: CPU seconds until it served, CPU seconds in all,
/// test, modules.
const FILE: &str = "WEIR_ENVOY_TIMES";
/// In what `/proc/PID/stat` counts: `USER_HZ`, which is the same on each Linux.
const TICK: Duration = Duration::from_millis(10);

/// The file to write to, if one is asked for.
pub(super) fn file() -> Option<PathBuf> {
    std::env::var_os(FILE).map(PathBuf::from)
}

impl Envoy {
    /// Envoy's own process, also in a container. `None` where it cannot be seen: without `/proc`, or with an engine on
    /// another machine.
    pub(super) fn process(&self) -> Option<PathBuf> {
        let ours = self.work_directory().to_string_lossy().into_owned();
        let processes = std::fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.path());
        processes.into_iter().find(|process| {
            let is_envoy =
                std::fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == "envoy");
            // A container's client and its monitor have the same arguments, but other names.
            is_envoy
                && std::fs::read_to_string(process.join("cmdline")).is_ok_and(|line| line.contains(&ours))
        })
    }

    /// What it took of the processors until now.
    pub(super) fn cpu_time(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(self.process()?.join("stat")).ok()?;
        // The second field is a name in parentheses; the 14th and 15th are user and system time.
        let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
        let ticks: u32 = fields.map(|field| field.parse().unwrap_or(0)).sum();
        Some(TICK * ticks)
    }

    /// Adds the line of an Envoy that is about to end, if that is asked for.
    pub(super) fn note_cost(&self, started: Option<Duration>) {
        let (Some(file), Some(spent)) = (file(), self.cpu_time()) else { return };
        let seconds = |time: Duration| time.as_secs_f64();
        let thread = std::thread::current();
        let line = format!(
            "{:.2} {:.2} {} {}\n",
            seconds(started.unwrap_or_default()),
            seconds(spent),
            thread.name().unwrap_or("-"),
            modules(self.work_directory()).into_iter().collect::<Vec<_>>().join(",")
        );
        let written = std::fs::OpenOptions::new().create(true).append(true).open(file);
        if let Err(error) = written.and_then(|mut file| file.write_all(line.as_bytes())) {
            eprintln!("{FILE}: {error}");
        }
    }
}

/// The modules that the files of an Envoy name.
fn modules(work: &Path) -> BTreeSet<String> {
    let name = Regex::new(r"([\w.-]+\.(?:wasm|so))\b").expect("a constant");
    let files = std::fs::read_dir(work).into_iter().flatten().flatten();
    let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
    texts
        .flat_map(|text| name.find_iter(&text).map(|found| found.as_str().to_owned()).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_once_each() {
        let work = tempfile::tempdir().unwrap();
        std::fs::write(work.path().join("bootstrap.json"), r#"["/d/weir.wasm", "/d/libweir.so"]"#).unwrap();
        std::fs::write(work.path().join("a.ecds.json"), r#"{"filename": "/d/weir.wasm"}"#).unwrap();
        assert_eq!(Vec::from_iter(modules(work.path())), ["libweir.so", "weir.wasm"]);
    }
}
