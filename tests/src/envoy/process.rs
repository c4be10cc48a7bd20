//! Envoy as a process: started by `scripts/envoy`, stopped when the handle goes.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use weir_upstream::{Plans, Upstream};

use super::bootstrap::Bootstrap;
use super::cluster::UPSTREAMS;
use super::cost;
use super::listener::{discovery_file, discovery_response};
use super::plugin::Plugin;
use crate::client::{Client, runtime};
use crate::paths;

/// How long Envoy may take to start: modules are compiled in that time, and an image may have to be built.
const START: Duration = Duration::from_secs(180);
/// How long it may take to end when it is asked to.
const STOP: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(25);

/// Why there is no running Envoy.
#[derive(Debug)]
pub enum EnvoyError {
    /// Envoy ended while it started: it refused its configuration. What it logged.
    Ended(String),
    /// Something around Envoy failed.
    Other(String),
}

impl fmt::Display for EnvoyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(log) => write!(f, "Envoy did not start:\n{log}"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for EnvoyError {}

impl From<std::io::Error> for EnvoyError {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// How Envoy runs on this machine: `docker`, `podman` or `process`. Printed when it is first asked for.
///
/// # Errors
/// `scripts/envoy` found none; the text says why.
pub fn runtime_name() -> Result<&'static str, String> {
    static NAME: OnceLock<Result<String, String>> = OnceLock::new();
    let name = NAME.get_or_init(|| {
        let output = Command::new(script()).arg("runtime").output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        eprintln!("Envoy runs as: {name}");
        Ok(name)
    });
    name.as_deref().map_err(Clone::clone)
}

fn script() -> std::path::PathBuf {
    paths::root().join("scripts/envoy")
}

/// A running Envoy with its sample upstreams. Dropping it stops all, also when a test panics.
pub struct Envoy {
    child: Child,
    log: Arc<Mutex<String>>,
    /// What went to standard output: access logs.
    output: Arc<Mutex<String>>,
    pub(super) admin: SocketAddr,
    listeners: Vec<SocketAddr>,
    pub(super) client: Client,
    /// Bootstrap and discovery files.
    work: TempDir,
    plans: Plans,
    /// What it took of the processors until it served, where that is asked for.
    start_cost: Option<Duration>,
    _upstreams: Vec<Upstream>,
}

impl Envoy {
    /// Starts Envoy and waits until it serves.
    ///
    /// # Errors
    /// [`EnvoyError::Ended`] when it refuses the configuration.
    pub fn start(bootstrap: Bootstrap) -> Result<Self, EnvoyError> {
        let runtime_name = runtime_name().map_err(EnvoyError::Other)?;
        let work = tempfile::Builder::new().prefix("weir-envoy-").tempdir()?;
        let plans = Plans::default();
        let upstreams = start_upstreams(&plans)?;
        let addresses: Vec<_> = upstreams.iter().map(Upstream::address).collect();
        for (name, plugin) in bootstrap.listeners.iter().flat_map(|listener| listener.discovered()) {
            write(&discovery_file(work.path(), name), &discovery_response(name, plugin).to_string())?;
        }
        for file in &bootstrap.files {
            write(&work.path().join(&file.name), &file.content)?;
        }
        write(&work.path().join("bootstrap.json"), &bootstrap.to_json(&addresses, work.path()).to_string())?;
        let mut child = command(&bootstrap, work.path()).spawn()?;
        let (log, output) = (lines_of(child.stderr.take()), lines_of(child.stdout.take()));
        let mut envoy = Self {
            child,
            log,
            output,
            admin: ([127, 0, 0, 1], 0).into(),
            listeners: Vec::new(),
            client: Client::http1(),
            work,
            plans,
            start_cost: None,
            _upstreams: upstreams,
        };
        envoy.wait_until_ready(runtime_name, bootstrap.listener_count())?;
        envoy.start_cost = cost::file().and_then(|_| envoy.cpu_time());
        Ok(envoy)
    }

    fn wait_until_ready(&mut self, runtime_name: &str, listeners: usize) -> Result<(), EnvoyError> {
        let deadline = Instant::now() + START;
        let address_file = self.work.path().join("admin");
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                self.drain_log();
                let log = self.log();
                return Err(EnvoyError::Ended(format!("{log}\n(as {runtime_name}, {status})")));
            }
            if self.admin.port() == 0 {
                let text = std::fs::read_to_string(&address_file).unwrap_or_default();
                if let Ok(address) = text.trim().parse() {
                    self.admin = address;
                }
            } else if self.is_ready() {
                self.listeners = self.listener_addresses()?;
                if self.listeners.len() == listeners {
                    return Ok(());
                }
            }
            std::thread::sleep(POLL);
        }
        Err(EnvoyError::Other(format!("Envoy was not ready within {START:?}:\n{}", self.log())))
    }

    /// Where listener `index` accepts connections.
    ///
    /// # Panics
    /// When there is no such listener.
    pub fn listener(&self, index: usize) -> SocketAddr {
        self.listeners[index]
    }

    /// Where the admin interface listens, for who scrapes it.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The answers that the sample upstreams give to requests with `x-answer-id`.
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// The id of the process that `scripts/envoy` became: Envoy itself, or the container's client.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Where its bootstrap lies: the one thing that no other Envoy has among its arguments.
    pub(super) fn work_directory(&self) -> &std::path::Path {
        self.work.path()
    }

    /// Everything that Envoy logged so far, lines as `[level] message`.
    pub fn log(&self) -> String {
        self.lock_log().clone()
    }

    /// How long the log is now, in bytes: a mark for [`Envoy::log_since`].
    pub fn log_mark(&self) -> usize {
        self.lock_log().len()
    }

    /// What was logged since a mark.
    pub fn log_since(&self, mark: usize) -> String {
        self.lock_log().get(mark..).unwrap_or_default().to_owned()
    }

    /// Everything that was written to standard output so far: the lines of [`super::Listener::access_log`].
    pub fn output(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock_log(&self) -> MutexGuard<'_, String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the configuration of a discovered filter. Envoy takes it up, or refuses it, a moment later;
    /// see [`Envoy::stat`] with `extension_config_discovery.http_filter.<name>.{update_success,
    /// update_rejected,config_fail}`.
    ///
    /// # Errors
    /// The file cannot be replaced.
    pub fn update(&self, name: &str, plugin: &Plugin) -> Result<(), EnvoyError> {
        write(&discovery_file(self.work.path(), name), &discovery_response(name, plugin).to_string())
    }

    /// Replaces a file of [`Bootstrap::file`], by its name without folders.
    ///
    /// # Errors
    /// The file cannot be replaced.
    pub fn replace(&self, name: &str, content: &str) -> Result<(), EnvoyError> {
        write(&self.work.path().join(name), content)
    }

    /// Where a file of [`Bootstrap::file`] is, by its name without folders: for programs that replace it.
    pub fn file(&self, name: &str) -> std::path::PathBuf {
        self.work.path().join(name)
    }

    /// Waits until the log stops growing after the process ended.
    fn drain_log(&self) {
        let mut length = usize::MAX;
        while length != self.log_mark() {
            length = self.log_mark();
            std::thread::sleep(4 * POLL);
        }
    }

    fn stop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.note_cost(self.start_cost);
        // The script passes it on and removes the container.
        signal(&self.child, Signal::TERM).unwrap_or_else(|error| eprintln!("SIGTERM: {error}"));
        let deadline = Instant::now() + STOP;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(POLL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process. (A program `kill` is not on every machine.)
///
/// # Errors
/// Why that is not possible.
pub fn signal(child: &Child, signal: Signal) -> std::io::Result<()> {
    Ok(kill_process(Pid::from_child(child), signal)?)
}

impl Drop for Envoy {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start_upstreams(plans: &Plans) -> Result<Vec<Upstream>, EnvoyError> {
    let start =
        |name| runtime().block_on(Upstream::start_with(name, ([127, 0, 0, 1], 0).into(), plans.clone()));
    Ok(UPSTREAMS.into_iter().map(start).collect::<Result<_, _>>()?)
}

fn command(bootstrap: &Bootstrap, work: &std::path::Path) -> Command {
    let mut command = Command::new(script());
    command.arg("run").arg("--mount-rw").arg(work);
    // Modules that tests make lie there, which may be outside of the repository.
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        command.arg("--mount").arg(target);
    }
    for (name, value) in &bootstrap.env {
        command.arg("--env").arg(format!("{name}={value}"));
    }
    command.arg("--");
    command.arg("-c").arg(work.join("bootstrap.json"));
    command.arg("--admin-address-path").arg(work.join("admin"));
    command.args(["--concurrency", &bootstrap.concurrency.to_string()]);
    let level = &bootstrap.log_level;
    let levels = format!("wasm:{level},dynamic_modules:{level}");
    command.args(["-l", "warning", "--component-log-level", &levels]);
    command.args(["--log-format", "[%l] %v", "--disable-hot-restart"]);
    // Access logs appear after a flush; the default of 10 s would make each test wait for it.
    command.args(["--file-flush-interval-msec", "50"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Collects what a child writes, as long as it runs.
fn lines_of(stream: Option<impl Read + Send + 'static>) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    if let Some(stream) = stream {
        let text = Arc::clone(&text);
        std::thread::spawn(move || copy_lines(stream, &text));
    }
    text
}

fn copy_lines(stream: impl Read, text: &Mutex<String>) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        text.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
}

/// Writes a file by renaming, which is what Envoy watches for.
fn write(path: &std::path::Path, content: &str) -> Result<(), EnvoyError> {
    let temporary = path.with_extension("new");
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(content.as_bytes())?;
    Ok(std::fs::rename(temporary, path)?)
}
