//! Envoy as a child: found, started, asked, ended.

use super::port;
use super::stop::Stop;
use crate::render::envoy::Shell;
use anyhow::{Context as _, anyhow, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use std::env;
use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use weir_workbench::variables::Variables;

/// Compiling a module takes seconds; who has waited so long has another problem.
const START: Duration = Duration::from_secs(60);
/// How long Envoy may take to end before it is killed.
const END: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// Which program to run.
///
/// # Errors
/// There is none, and how to come by one.
pub(super) fn program(wanted: Option<&Path>) -> anyhow::Result<PathBuf> {
    let variable = env::var_os("ENVOY").filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some((path, whence)) =
        wanted.map(|path| (path.to_owned(), "--envoy")).or(variable.map(|it| (it, "ENVOY")))
    {
        ensure!(is_program(&path), "{whence}: {} is not an executable program", path.display());
        return Ok(path);
    }
    in_path(&env::var_os("PATH").unwrap_or_default()).context(
        "there is no `envoy` in the PATH. Install Envoy 1.36 or newer (https://www.envoyproxy.io/docs/envoy/latest/start/install), \
         or name a program by --envoy or ENVOY; in Weir's repository `scripts/envoy path` fetches one and prints \
         where it is",
    )
}

fn in_path(path: &OsStr) -> Option<PathBuf> {
    env::split_paths(path).map(|folder| folder.join("envoy")).find(|program| is_program(program))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// The module's file, as Envoy finds it wherever it runs.
///
/// # Errors
/// There is none, and how to come by one.
pub(super) fn module(wanted: Option<&Path>, shell: Shell) -> anyhow::Result<String> {
    let usual = Path::new(shell.file());
    let beside = || Some(env::current_exe().ok()?.parent()?.join(usual.file_name()?));
    let path = match wanted {
        Some(path) => path.canonicalize().with_context(|| format!("--module {}", path.display()))?,
        None => {
            let usual = [Some(usual.to_owned()), beside()];
            usual.into_iter().flatten().find_map(|path| path.canonicalize().ok()).context(match shell {
                Shell::Wasm => {
                    "there is no module: `make wasm` builds dist/weir.wasm, `weir pull` fetches one from a \
                     registry; --module says where it is"
                }
                Shell::Native => {
                    "there is no native module: `make native` builds dist/libweir.so; --module says where it is"
                }
            })?
        }
    };
    path.into_os_string().into_string().map_err(|path| anyhow!("{} is not UTF-8", path.display()))
}

/// A running Envoy. Dropping it ends it.
pub(crate) struct Envoy {
    child: Child,
    admin: SocketAddr,
    served: bool,
    /// Where its file is.
    _folder: TempDir,
}

/// What came first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// Envoy serves.
    Ready,
    /// We are to stop.
    Told,
    /// Envoy is gone.
    Ended { status: ExitStatus, served: bool },
}

impl Envoy {
    /// Starts it in a process group of its own: Ctrl-C is for us, who end it when the time has come.
    ///
    /// # Errors
    /// The program or its file cannot be had.
    pub(super) fn start(
        program: &Path,
        document: &str,
        level: &str,
        admin: SocketAddr,
        variables: &Variables,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("weir-run-").tempdir()?;
        let file = folder.path().join("envoy.yaml");
        std::fs::write(&file, document).with_context(|| file.display().to_string())?;
        let mut command = Command::new(program);
        command.arg("-c").arg(&file).args(["-l", level]);
        // Others may run here, and nothing is ever handed over to a newer one.
        command.arg("--disable-hot-restart");
        command.envs(variables.iter()).stdin(Stdio::null()).process_group(0);
        let child = command.spawn().with_context(|| program.display().to_string())?;
        Ok(Self { child, admin: port::reached(admin), served: false, _folder: folder })
    }

    /// Waits until it serves.
    ///
    /// # Errors
    /// It does not, and goes on running.
    pub(crate) fn until_ready(&mut self, stop: &Stop) -> anyhow::Result<Waited> {
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(waited) = self.over(stop)? {
                return Ok(waited);
            }
            if is_ready(self.admin).unwrap_or(false) {
                self.served = true;
                return Ok(Waited::Ready);
            }
        }
        bail!("Envoy does not serve after {} s", START.as_secs())
    }

    /// Waits until it or we are to end.
    ///
    /// # Errors
    /// The system does not tell.
    pub(super) fn until_end(&mut self, stop: &Stop) -> anyhow::Result<Waited> {
        loop {
            if let Some(waited) = self.over(stop)? {
                return Ok(waited);
            }
        }
    }

    /// How it has ended, if it has.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) fn is_over(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Looks whether it is over, for a moment.
    fn over(&mut self, stop: &Stop) -> anyhow::Result<Option<Waited>> {
        if stop.told_within(POLL) {
            return Ok(Some(Waited::Told));
        }
        Ok(self.is_over()?.map(|status| Waited::Ended { status, served: self.served }))
    }

    /// Ends it, and whatever it has started.
    pub(super) fn end(&mut self) {
        let group = Pid::from_child(&self.child);
        for (signal, patience) in [(Signal::TERM, END), (Signal::KILL, END)] {
            // An error is that nobody is left.
            if !matches!(self.child.try_wait(), Ok(None)) || kill_process_group(group, signal).is_err() {
                break;
            }
            let deadline = Instant::now() + patience;
            while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(POLL);
            }
        }
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether the admin interface says that listeners are there.
fn is_ready(admin: SocketAddr) -> io::Result<bool> {
    let patience = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&admin, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(b"GET /ready HTTP/1.1\r\nhost: weir\r\nconnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(answer == *b"HTTP/1.1 200")
}

/// A status as a shell would give it on.
pub(super) fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_program_in_the_path_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (empty, full) = (folder.path().join("a"), folder.path().join("b"));
        for path in [&empty, &full] {
            std::fs::create_dir(path).unwrap();
            std::fs::write(path.join("envoy"), "").unwrap();
        }
        let program = full.join("envoy");
        let path = env::join_paths([&empty, &full]).unwrap();
        assert_eq!(in_path(&path), None, "nobody may run them");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(in_path(&path), Some(program));
    }

    #[test]
    fn codes_are_those_of_a_shell() {
        let of = |raw| code(ExitStatus::from_raw(raw));
        assert_eq!([of(0), of(1 << 8), of(9)], [0, 1, 137]);
    }
}
