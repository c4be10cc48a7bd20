//! `weir link`: a signed link that gives a tester variants.

mod address;
mod key;

use crate::document::{self, Loaded};
use crate::environment::Environment;
use crate::output::{Failure, Format, Outcome, complain};
use anyhow::{Context as _, anyhow, bail};
use key::Key;
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use weir_core::escape::escape;
use weir_core::problem::did_you_mean;
use weir_core::{duration, timestamp};
use weir_experiment::{Config, Experiment, Overrides, Status, link};

/// Makes a signed link that gives testers the variants of their choice.
///
/// The link is good for this choice alone, until it expires, for whoever has it. It is signed with a key of the
/// configuration's `overrides.secret`: the variable or value of the first one, or what `--key-env` or
/// `--key-file` names. The key is never printed. A configuration with `overrides.session` lets the choice last
/// in the browser; without it, it is good for the requests that carry it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir link shop.yaml checkout=one-page --url https://shop.example.com/cart
  weir link shop.yaml checkout=one-page search=new --expires 8h --key-file testers.key
  WEIR_TESTERS=... weir link shop.yaml checkout=one-page --expires 2026-12-31T00:00:00Z

Exit codes: 0 the link is printed; 2 the file or the options cannot be used.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    /// What to give: an experiment or flag, and its variant.
    #[arg(value_name = "EXPERIMENT=VARIANT", required = true)]
    choices: Vec<String>,
    /// The page that the link leads to. Its other parameters stay. Default: the parameter alone.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Until when the link is good: for this long (`8h`, `7d`), until a time as RFC 3339 has it, or `never`.
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    expires: String,
    /// The environment variable with the key. Default: that of the first `overrides.secret`.
    #[arg(long, value_name = "NAME", conflicts_with = "key_file")]
    key_env: Option<String>,
    /// A file with the key. A line end after it is not part of it.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    format: Format,
}

/// Where a link goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    Query,
    Header,
    Cookie,
}

/// A link.
#[derive(Debug, Serialize)]
struct Report {
    place: Place,
    /// The name of the parameter, header or cookie.
    name: String,
    value: String,
    /// In seconds since the Unix epoch; `None` for never.
    expires: Option<u64>,
    /// As it is pasted: the address, or the parameter, header or cookie.
    link: String,
}

/// Signs and writes.
///
/// # Errors
/// A file or options that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let variables = args.environment.read()?;
    let loaded = document::load_in(&args.config, &variables, |loaded| overrides(loaded).is_ok())?;
    let (section, overrides) = overrides(&loaded)?;
    let choice = choice(&args.choices, section)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let expires = expiry(&args.expires, now)?;
    let keys = Key { name: args.key_env.as_deref(), file: args.key_file.as_deref() };
    let signer = keys.signer(&overrides.secret, &variables)?;
    let value = link::signed(&choice, expires, &signer);
    let report = report(overrides, value, expires, args.url.as_deref())?;
    if report.place == Place::Query && overrides.session.is_none() {
        complain("note: the link is good for the requests that carry it; `overrides.session` lets it last");
    }
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        writeln!(out, "{}", report.link)?;
    }
    Ok(Outcome::Fine)
}

fn overrides(loaded: &Loaded) -> anyhow::Result<(&Config, &Overrides)> {
    let section = loaded.document.experiments.as_ref().context("the configuration has no experiments")?;
    let overrides = section.overrides.as_ref();
    Ok((section, overrides.context("the configuration has no `experiments.overrides`: nobody could choose")?))
}

/// The choice as it is signed; experiments and variants that there are not would do nothing.
fn choice(written: &[String], section: &Config) -> anyhow::Result<String> {
    let mut names: Vec<&str> = Vec::new();
    for pair in written {
        let Some((name, variant)) = pair.split_once('=') else {
            bail!("invalid choice {:?}: expected EXPERIMENT=VARIANT", escape(pair));
        };
        if names.contains(&name) {
            bail!("{} is chosen twice", escape(name));
        }
        let named: Vec<&Experiment> = section.list.iter().filter(|it| is_named(it, name)).collect();
        if named.is_empty() {
            let known = section.list.iter().flat_map(|it| [Some(it.key.as_str()), it.flag.as_deref()]);
            let hint = did_you_mean(name, known.flatten());
            bail!("unknown experiment {:?}{hint}", escape(name));
        }
        let having = named.iter().find(|it| it.variants.iter().any(|known| known.key == variant));
        let Some(having) = having else {
            let known = named.iter().flat_map(|it| &it.variants).map(|known| known.key.as_str());
            let hint = did_you_mean(variant, known);
            bail!("unknown variant {:?} of {name}{hint}", escape(variant));
        };
        if let Some(status @ (Status::Draft | Status::Ended)) = having.status {
            let status = if status == Status::Draft { "a draft" } else { "ended" };
            complain(&format!("note: {name} is {status}, so the link does nothing about it"));
        }
        names.push(name);
    }
    Ok(written.join(","))
}

fn is_named(experiment: &Experiment, name: &str) -> bool {
    experiment.key == name || experiment.flag.as_deref() == Some(name)
}

/// When the link expires, in seconds since the Unix epoch.
fn expiry(written: &str, now: u64) -> anyhow::Result<Option<u64>> {
    if written == "never" {
        return Ok(None);
    }
    let expiry = match timestamp::parse(written) {
        Ok(nanoseconds) => nanoseconds / 1_000_000_000,
        Err(_) => {
            let long = duration::parse(written).map_err(|_| {
                anyhow!("--expires: invalid time {:?}: expected 8h, 7d, RFC 3339, or never", escape(written))
            })?;
            now.saturating_add(long.as_secs())
        }
    };
    if expiry <= now {
        bail!("--expires: the link would have expired already");
    }
    Ok(Some(expiry))
}

/// The link where the configuration reads it.
fn report(
    overrides: &Overrides,
    value: String,
    expires: Option<u64>,
    url: Option<&str>,
) -> anyhow::Result<Report> {
    let made = |place, name: &str, link| Report {
        place,
        name: name.to_owned(),
        value: value.clone(),
        expires,
        link,
    };
    match (overrides, url) {
        (Overrides { query: Some(name), .. }, Some(url)) => {
            Ok(made(Place::Query, name, address::with_parameter(url, name, &value)?))
        }
        (Overrides { query: Some(name), .. }, None) => {
            Ok(made(Place::Query, name, format!("?{}={value}", crate::http_client::encoded(name))))
        }
        (_, Some(_)) => bail!("--url: the configuration has no `overrides.query` that reads links"),
        (Overrides { header: Some(name), .. }, None) => {
            Ok(made(Place::Header, name, format!("{name}: {value}")))
        }
        (Overrides { cookie: Some(name), .. }, None) => {
            Ok(made(Place::Cookie, name, format!("{name}={value}")))
        }
        _ => bail!("the configuration has no place for a choice: query, header or cookie"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_expire_when_it_is_said() {
        assert_eq!(expiry("never", 1000).unwrap(), None);
        assert_eq!(expiry("8h", 1000).unwrap(), Some(29_800));
        assert_eq!(expiry("2026-12-31T00:00:00Z", 1000).unwrap(), Some(1_798_675_200));
        for odd in ["", "0s", "1ms", "soon", "7", "1970-01-01T00:00:01Z"] {
            assert!(expiry(odd, 1000).is_err(), "{odd}");
        }
    }
}
