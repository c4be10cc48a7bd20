//! Where a cluster is and how its API server knows us: a kubeconfig, as `kubectl` reads it, or a pod's service account.

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What Kubernetes puts into each pod.
const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// How long a program may take to print a credential. It may ask a server, and everything waits for it.
const PLUGIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// A cluster, and who we are there.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) server: String,
    pub(super) namespace: String,
    /// The certificates of the only authorities that are trusted, as PEM; those of the system where `None`.
    pub(super) authority: Option<Vec<u8>>,
    pub(super) insecure: bool,
    /// A certificate and its key, as PEM.
    pub(super) identity: Option<Vec<u8>>,
    pub(super) proxy: Option<String>,
    pub(super) credential: Credential,
}

/// How requests are signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Credential {
    /// Not at all, or by a certificate.
    #[default]
    None,
    /// By a token.
    Token(String),
    /// By a token that others renew in this file.
    TokenFile(PathBuf),
    /// By name and password.
    Basic(String, String),
    /// By what a program prints.
    Exec(Box<Exec>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Kubeconfig {
    current_context: String,
    clusters: Vec<Named>,
    users: Vec<Named>,
    contexts: Vec<Named>,
}

/// An entry, of which only the one that is meant is read further.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
    cluster: Value,
    user: Value,
    context: Value,
    /// The folder that relative paths begin at.
    #[serde(skip)]
    folder: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Context {
    cluster: String,
    user: String,
    namespace: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Cluster {
    server: String,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
    insecure_skip_tls_verify: bool,
    tls_server_name: Option<String>,
    proxy_url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct User {
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<String>,
    username: Option<String>,
    password: Option<String>,
    exec: Option<Exec>,
    auth_provider: Option<Value>,
}

/// A program that prints a credential (`client.authentication.k8s.io`), as those of cloud providers do.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Exec {
    pub(super) api_version: String,
    pub(super) command: String,
    pub(super) args: Option<Vec<String>>,
    pub(super) env: Option<Vec<Variable>>,
}

/// An environment variable.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
}

/// The cluster of a context: the given one, or the current one; of the pod where there is no kubeconfig.
///
/// # Errors
/// What is missing or wrong.
pub(super) fn settings(context: Option<&str>) -> anyhow::Result<Settings> {
    let files = files();
    let exist = files.iter().any(|file| file.exists());
    if !exist && context.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        return pod(Path::new(POD), &|name| std::env::var(name).ok());
    }
    if !exist {
        let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        bail!("no kubeconfig ({}), and this is no pod", names.join(", "));
    }
    read(&files, context)
}

fn files() -> Vec<PathBuf> {
    match std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        Some(list) => std::env::split_paths(&list).filter(|file| !file.as_os_str().is_empty()).collect(),
        None => {
            let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
            vec![home.join(".kube/config")]
        }
    }
}

/// The pod's service account; its token is renewed in its file.
fn pod(folder: &Path, variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Settings> {
    let host = variable("KUBERNETES_SERVICE_HOST").unwrap_or_default();
    let port = variable("KUBERNETES_SERVICE_PORT").unwrap_or_else(|| "443".to_owned());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let namespace = read_file(&folder.join("namespace"))?;
    Ok(Settings {
        server: format!("https://{host}:{port}"),
        namespace: String::from_utf8_lossy(&namespace).trim().to_owned(),
        authority: Some(read_file(&folder.join("ca.crt"))?),
        credential: Credential::TokenFile(folder.join("token")),
        ..Settings::default()
    })
}

/// Reads kubeconfigs; of entries with one name the first counts.
fn read(files: &[PathBuf], context: Option<&str>) -> anyhow::Result<Settings> {
    let mut all = Kubeconfig::default();
    for file in files.iter().filter(|file| file.exists()) {
        let text = String::from_utf8_lossy(&read_file(file)?).into_owned();
        let (documents, broken) = weir_workbench::yaml::read(&text);
        if let Some(broken) = broken.first() {
            bail!("{}:{}: not YAML", file.display(), broken.at.line);
        }
        let Some(document) = documents.first() else { continue };
        let one: Kubeconfig = part(&document.to_json(), &file.display().to_string())?;
        if all.current_context.is_empty() {
            all.current_context = one.current_context;
        }
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let with_folder = |entries: Vec<Named>| {
            let folder = folder.clone();
            entries.into_iter().map(move |entry| Named { folder: folder.clone(), ..entry })
        };
        all.clusters.extend(with_folder(one.clusters));
        all.users.extend(with_folder(one.users));
        all.contexts.extend(with_folder(one.contexts));
    }
    let wanted = context.unwrap_or(&all.current_context);
    if wanted.is_empty() {
        bail!("the kubeconfig has no current-context: choose one with --context");
    }
    let entry = find(&all.contexts, "context", wanted)?;
    let context: Context = part(&entry.context, &format!("context {wanted}"))?;
    let mut settings = Settings { namespace: context.namespace, ..Settings::default() };
    if settings.namespace.is_empty() {
        "default".clone_into(&mut settings.namespace);
    }
    let entry = find(&all.clusters, "cluster", &context.cluster)?;
    cluster(part(&entry.cluster, &format!("cluster {}", context.cluster))?, &entry.folder, &mut settings)?;
    if !context.user.is_empty() {
        let entry = find(&all.users, "user", &context.user)?;
        user(part(&entry.user, &format!("user {}", context.user))?, &entry.folder, &mut settings)?;
    }
    Ok(settings)
}

fn find<'a>(entries: &'a [Named], what: &str, name: &str) -> anyhow::Result<&'a Named> {
    entries.iter().find(|entry| entry.name == name).with_context(|| {
        let known = entries.iter().map(|entry| entry.name.as_str());
        let hint = weir_core::problem::did_you_mean(name, known);
        format!("the kubeconfig has no {what} {name:?}{hint}")
    })
}

/// A part of a kubeconfig. What is wrong with it is said without its values, which may be secrets.
fn part<T: DeserializeOwned + Default>(value: &Value, what: &str) -> anyhow::Result<T> {
    if value.is_null() {
        return Ok(T::default());
    }
    serde_json::from_value(value.clone()).map_err(|_| anyhow!("{what}: not as a kubeconfig has it"))
}

fn cluster(cluster: Cluster, folder: &Path, settings: &mut Settings) -> anyhow::Result<()> {
    if cluster.server.is_empty() {
        bail!("the cluster has no server");
    }
    if cluster.tls_server_name.is_some() {
        bail!("tls-server-name of a cluster is not supported");
    }
    settings.server = cluster.server;
    settings.insecure = cluster.insecure_skip_tls_verify;
    settings.proxy = cluster.proxy_url;
    settings.authority = given(
        cluster.certificate_authority_data.as_deref(),
        cluster.certificate_authority.as_deref(),
        folder,
        "certificate-authority-data",
    )?;
    if settings.insecure && settings.authority.is_some() {
        // As kubectl does: which of the two is meant cannot be known, and one of them sends the token to anybody.
        bail!("the cluster has certificate-authority and insecure-skip-tls-verify: remove one of the two");
    }
    Ok(())
}

fn user(user: User, folder: &Path, settings: &mut Settings) -> anyhow::Result<()> {
    let certificate = given(
        user.client_certificate_data.as_deref(),
        user.client_certificate.as_deref(),
        folder,
        "client-certificate-data",
    )?;
    let key = given(user.client_key_data.as_deref(), user.client_key.as_deref(), folder, "client-key-data")?;
    settings.identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some([certificate, b"\n".to_vec(), key].concat()),
        (None, None) => None,
        _ => bail!("a client certificate needs a key, and a key a certificate"),
    };
    settings.credential = match user {
        User { exec: Some(exec), .. } if exec.command.is_empty() => {
            bail!("exec of the user has no command");
        }
        User { exec: Some(exec), .. } => {
            // A command with a folder in it is in the kubeconfig's.
            let command = match exec.command.contains('/') {
                true => folder.join(&exec.command).display().to_string(),
                false => exec.command.clone(),
            };
            Credential::Exec(Box::new(Exec { command, ..exec }))
        }
        User { token: Some(token), .. } if !token.is_empty() => Credential::Token(token),
        User { token_file: Some(file), .. } => Credential::TokenFile(folder.join(file)),
        User { username: Some(name), password, .. } if !name.is_empty() => {
            Credential::Basic(name, password.unwrap_or_default())
        }
        User { auth_provider: Some(_), .. } => {
            bail!("auth-provider of a user is not supported, as in kubectl 1.26 and later: use exec");
        }
        _ => Credential::None,
    };
    Ok(())
}

/// Bytes that are in the kubeconfig as Base64, or in a file.
fn given(
    data: Option<&str>,
    file: Option<&Path>,
    folder: &Path,
    name: &str,
) -> anyhow::Result<Option<Vec<u8>>> {
    match (data.filter(|data| !data.is_empty()), file.filter(|file| !file.as_os_str().is_empty())) {
        (Some(data), _) => {
            let bytes = STANDARD.decode(data).map_err(|_| anyhow!("{name} is not Base64"))?;
            Ok(Some(bytes))
        }
        (None, Some(file)) => read_file(&folder.join(file)).map(Some),
        (None, None) => Ok(None),
    }
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

/// The value of `authorization`; `None` without one.
///
/// # Errors
/// Why there is no credential.
pub(super) fn authorization(credential: &Credential) -> anyhow::Result<Option<String>> {
    let token = match credential {
        Credential::None => return Ok(None),
        Credential::Basic(name, password) => {
            return Ok(Some(format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))));
        }
        Credential::Token(token) => token.clone(),
        Credential::TokenFile(file) => String::from_utf8_lossy(&read_file(file)?).into_owned(),
        Credential::Exec(exec) => run(exec, PLUGIN)?,
    };
    Ok(Some(format!("Bearer {}", token.trim())))
}

/// The token that a program prints.
fn run(exec: &Exec, within: Duration) -> anyhow::Result<String> {
    let name = &exec.command;
    let info = serde_json::json!({
        "apiVersion": exec.api_version,
        "kind": "ExecCredential",
        "spec": {"interactive": false},
    });
    let variables: BTreeMap<&str, &str> =
        exec.env.iter().flatten().map(|it| (it.name.as_str(), it.value.as_str())).collect();
    let mut child = Command::new(name)
        .args(exec.args.iter().flatten())
        .envs(variables)
        .env("KUBERNETES_EXEC_INFO", info.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        // Ended together with what it starts.
        .process_group(0)
        .spawn()
        .with_context(|| name.clone())?;
    let Some((status, printed)) = finished(&mut child, within) else {
        let group = rustix::process::Pid::from_child(&child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = child.wait();
        bail!("{name}: prints no credential within {} s", within.as_secs());
    };
    if !status.success() {
        bail!("{name}: {status}");
    }
    let credential: Value = serde_json::from_slice(&printed)
        .map_err(|_| anyhow!("{name}: what it prints is not an ExecCredential"))?;
    let token = credential.pointer("/status/token").and_then(Value::as_str);
    token
        .map(str::to_owned)
        .with_context(|| format!("{name}: it prints no token (client certificates are not supported)"))
}

/// How a program ended and what it printed; `None` where it takes longer.
fn finished(child: &mut Child, within: Duration) -> Option<(ExitStatus, Vec<u8>)> {
    let deadline = Instant::now() + within;
    let mut stdout = child.stdout.take()?;
    let (sender, printed) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stdout.read_to_end(&mut text);
        let _ = sender.send(text);
    });
    let printed = printed.recv_timeout(within).ok()?;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some((status, printed)),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(POLL),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests;
