//! Programs that find files where a container has them, by `scripts/mount-namespace`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use weir_tests::paths;

/// How much of a log a failure shows, in bytes from its end.
const SHOWN: usize = 6000;

/// Files and folders that are elsewhere in a namespace.
#[derive(Default)]
pub(crate) struct Places(Vec<OsString>);

impl Places {
    /// A file or a folder is at this path.
    pub(crate) fn bind(mut self, source: &Path, path: &str) -> Self {
        self.0.extend(["--bind".into(), source.into(), path.into()]);
        self
    }

    /// An empty folder, which can be written to, is at this path.
    pub(crate) fn empty(mut self, path: &str) -> Self {
        self.0.extend(["--empty".into(), path.into()]);
        self
    }

    /// These names are this machine's, beside those that it has; a cluster's DNS would know them.
    pub(crate) fn names(self, folder: &Path, names: &[&str]) -> Self {
        let file = folder.join("hosts");
        let known = fs::read_to_string("/etc/hosts").unwrap();
        fs::write(&file, format!("{known}\n127.0.0.1 {}\n", names.join(" "))).unwrap();
        self.bind(&file, "/etc/hosts")
    }
}

/// A running program. It ends when this is dropped, with all that it started, and also when this process is killed.
pub(crate) struct Program {
    script: Child,
    open: Option<ChildStdin>,
    log: PathBuf,
}

impl Program {
    /// Starts a command, which logs to this file.
    ///
    /// # Panics
    /// Mount namespaces are not permitted here.
    pub(crate) fn start(log: &Path, places: &Places, command: &mut Command) -> Self {
        let script = paths::root().join("scripts/mount-namespace");
        let check = Command::new(&script).arg("check").output().unwrap();
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
        let file = File::create(log).unwrap();
        let mut wrapped = Command::new(script);
        wrapped.args(&places.0).arg("--").arg(command.get_program()).args(command.get_args());
        let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        wrapped.envs(variables).current_dir(command.get_current_dir().unwrap_or(paths::root()));
        wrapped.stdin(Stdio::piped()).stdout(file.try_clone().unwrap()).stderr(file);
        let mut script = wrapped.spawn().unwrap();
        Self { open: script.stdin.take(), script, log: log.to_owned() }
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    /// The end of its log.
    pub(crate) fn last(&self) -> String {
        let log = self.log();
        let start = log.floor_char_boundary(log.len().saturating_sub(SHOWN));
        format!("{}:\n{}", self.log.display(), &log[start..])
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.open.take());
        drop(self.script.wait());
    }
}

/// Fails where a port that a program insists on is in use.
pub(crate) fn ports_are_free(program: &str, ports: &[u16]) {
    for port in ports {
        let bound = TcpListener::bind(("0.0.0.0", *port));
        assert!(bound.is_ok(), "{program} needs port {port}, which another program of this machine has");
    }
}

/// A port of this machine that nobody listened on a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
