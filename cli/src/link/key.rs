//! The key that signs links. It is shown nowhere.

use crate::input;
use anyhow::{Context as _, bail};
use std::path::Path;
use weir_experiment::{SecretSpec, Signer};
use weir_workbench::variables::Variables;

/// Where the key is, unless it is the configuration's first.
pub(super) struct Key<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) file: Option<&'a Path>,
}

impl Key<'_> {
    /// What signs.
    ///
    /// # Errors
    /// There is no key, it is too short, or proxies with this configuration would not accept its signature.
    pub(super) fn signer(&self, secrets: &[SecretSpec], variables: &Variables) -> anyhow::Result<Signer> {
        let Some(first) = secrets.first() else {
            bail!("the configuration has no `overrides.secret`, which signs links");
        };
        let key = match (self.name, self.file) {
            // Not even the name is shown: people write the key itself here.
            (Some(name), _) => {
                variables.get_or_inherited(name).context("--key-env: this environment variable is not set")?
            }
            (None, Some(file)) => read(file)?,
            (None, None) => of_configuration(first, variables).context(
                "the variable of `overrides.secret` is not set here: use --env, --key-env or --key-file",
            )?,
        };
        let all: Vec<Option<String>> = secrets.iter().map(|it| of_configuration(it, variables)).collect();
        // One that is not known here may be it.
        if all.iter().all(Option::is_some) && !all.contains(&Some(key.clone())) {
            bail!("the key is none of `overrides.secret`: proxies would refuse the link");
        }
        Signer::new(key.as_bytes()).context("the key cannot be used")
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    let text = input::read(file).with_context(|| input::name(file))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn of_configuration(secret: &SecretSpec, variables: &Variables) -> Option<String> {
    match &secret.env {
        Some(name) => variables.get_or_inherited(name),
        None => secret.value.clone(),
    }
}
