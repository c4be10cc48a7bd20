//! Proxies as a table and as JSON. The JSON form is documented in `docs/cli.md`.

use super::fleet::{Fleet, Plugin, Proxy, State};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use weir_core::escape::escape;
use weir_workbench::text::count;

const HEAD: [&str; 7] = ["proxy", "plugin", "version", "configuration", "accepted", "refused", "state"];

#[derive(Serialize)]
pub(super) struct Status<'f> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<u64>,
    proxies: Vec<ProxyStatus<'f>>,
}

#[derive(Serialize)]
struct ProxyStatus<'f> {
    name: &'f str,
    labels: &'f BTreeMap<String, String>,
    state: &'static str,
    plugins: Vec<PluginStatus<'f>>,
    /// When keys came, by provider, in seconds since 1970.
    keys: &'f BTreeMap<String, u64>,
    /// How often Envoy rejected what it was sent, by filter or `listener`.
    rejections: &'f BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<&'f str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PluginStatus<'f> {
    name: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_at: Option<u64>,
}

/// The result for programs.
pub(super) fn status(fleet: &Fleet) -> Status<'_> {
    let proxies = fleet.proxies.iter().map(|proxy| ProxyStatus {
        name: &proxy.name,
        labels: &proxy.labels,
        state: word(proxy.state(&fleet.question)),
        plugins: proxy
            .asked(&fleet.question)
            .map(|(name, plugin)| PluginStatus {
                name,
                hash: plugin.hash,
                version: plugin.version.as_deref(),
                accepted_at: plugin.accepted,
                refused_at: plugin.refused,
            })
            .collect(),
        keys: &proxy.keys,
        rejections: &proxy.rejections,
        reasons: proxy.reasons.iter().map(|reason| reason.text.as_str()).collect(),
        trouble: proxy.trouble.as_deref(),
    });
    Status { ok: fleet.is_well(), hash: fleet.question.expected, proxies: proxies.collect() }
}

fn word(state: State) -> &'static str {
    match state {
        State::Runs => "runs",
        State::Differs => "differs",
        State::Refuses => "refuses",
        State::Nothing => "nothing",
        State::Unknown => "unknown",
    }
}

/// Writes a table, what else is known of each proxy, and a sum.
pub(super) fn write(fleet: &Fleet, now: u64, out: &mut impl Write) -> io::Result<()> {
    let mut rows: Vec<[String; 7]> = vec![HEAD.map(str::to_owned)];
    for proxy in &fleet.proxies {
        rows.extend(proxy_rows(proxy, fleet, now));
    }
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    for proxy in &fleet.proxies {
        write_more(proxy, now, out)?;
    }
    write_sum(fleet, out)
}

/// A row for each plugin; one for a proxy without.
fn proxy_rows(proxy: &Proxy, fleet: &Fleet, now: u64) -> Vec<[String; 7]> {
    let state = proxy.state(&fleet.question);
    let name = escape(&proxy.name).into_owned();
    let ago = |time: Option<u64>| time.map_or("-".to_owned(), |time| format!("{} ago", age(now, time)));
    let row = |(plugin, it): (&String, &Plugin)| {
        let state = match (state, fleet.question.expected) {
            (State::Refuses, _) if proxy.refuses(plugin, it) => word(State::Refuses),
            (State::Refuses | State::Runs | State::Differs, Some(expected)) if it.hash != Some(expected) => {
                word(State::Differs)
            }
            (State::Refuses, _) => word(State::Runs),
            _ => word(state),
        };
        [
            name.clone(),
            escape(plugin).into_owned(),
            it.version.clone().unwrap_or("-".to_owned()),
            it.hash.map_or("-".to_owned(), |hash| hash.to_string()),
            ago(it.accepted),
            ago(it.refused),
            state.to_owned(),
        ]
    };
    let rows: Vec<_> = proxy.asked(&fleet.question).map(row).collect();
    if rows.is_empty() {
        let [none, version, hash, accepted, refused] = ["-"; 5].map(str::to_owned);
        return vec![[name, none, version, hash, accepted, refused, word(state).to_owned()]];
    }
    rows
}

fn write_more(proxy: &Proxy, now: u64, out: &mut impl Write) -> io::Result<()> {
    let name = escape(&proxy.name);
    if let Some(trouble) = &proxy.trouble {
        writeln!(out, "{name}: {}", escape(trouble))?;
    }
    for (provider, at) in &proxy.keys {
        writeln!(out, "{name}: keys of {} came {} ago", escape(provider), age(now, *at))?;
    }
    for (filter, number) in &proxy.rejections {
        let number = count(usize::try_from(*number).unwrap_or(usize::MAX), "update");
        writeln!(out, "{name}: Envoy has rejected {number} of {} since its start", escape(filter))?;
    }
    proxy.reasons.iter().try_for_each(|reason| writeln!(out, "{name}: {}", escape(&reason.text)))
}

fn write_sum(fleet: &Fleet, out: &mut impl Write) -> io::Result<()> {
    let runs = match fleet.question.expected {
        Some(hash) => format!("run configuration {hash}"),
        None => "run a configuration".to_owned(),
    };
    let parts = [
        (State::Runs, runs.as_str()),
        (State::Differs, "run another one"),
        (State::Refuses, "refused the last one that they were sent"),
        (State::Nothing, "run none"),
        (State::Unknown, "do not answer"),
    ];
    let parts = parts.into_iter().map(|(state, what)| (fleet.count(state), what));
    let parts: Vec<String> =
        parts.filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    writeln!(out, "of {}: {}", prox(fleet.proxies.len()), parts.join(", "))
}

fn prox(number: usize) -> String {
    if number == 1 { "1 proxy".to_owned() } else { format!("{number} proxies") }
}

/// A duration in its two largest units: `3 d 4 h`, `5 min 2 s`.
fn age(now: u64, then: u64) -> String {
    let seconds = now.saturating_sub(then);
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let first = parts.iter().position(|(number, _)| *number > 0).unwrap_or(3);
    let shown = parts.iter().skip(first).take(2).filter(|(number, _)| *number > 0 || first == 3);
    shown.map(|(number, unit)| format!("{number} {unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::fleet::{Metric, Question, Reading};
    use super::*;

    #[test]
    fn ages_have_two_units() {
        for (seconds, expected) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (62, "1 min 2 s"), (7200, "2 h"), (90_061, "1 d 1 h")]
        {
            assert_eq!(age(1_000_000, 1_000_000 - seconds), expected);
        }
        assert_eq!(age(5, 9), "0 s", "its clock is ahead");
    }

    #[test]
    fn a_table_shows_each_plugin_and_a_sum_each_state() {
        let reading = |metric, value| Reading { metric, of: "weir".to_owned(), value };
        let proxy = |name: &str, readings| Proxy::new(name.to_owned(), BTreeMap::new(), readings);
        let good = [(Metric::Hash, 7), (Metric::Accepted, 940), (Metric::Version, 1000), (Metric::Keys, 970)];
        let late =
            [(Metric::Hash, 8), (Metric::Accepted, 400), (Metric::Refused, 990), (Metric::Rejections, 1)];
        let all =
            |list: &[(Metric, u64)]| list.iter().map(|(metric, value)| reading(*metric, *value)).collect();
        let proxies = vec![
            proxy("edge-2", all(&late)),
            proxy("edge-1", all(&good)),
            proxy("edge-3", Vec::new()),
            Proxy::silent("edge-4\u{1b}".to_owned(), BTreeMap::new(), "refused".to_owned()),
        ];
        let fleet = Fleet::new(Question { expected: Some(7), plugin: None }, proxies);
        let mut out = Vec::new();
        write(&fleet, 1000, &mut out).unwrap();
        let expected = "\
proxy         plugin  version  configuration  accepted    refused   state
edge-1        weir    0.1.0    7              1 min ago   -         runs
edge-2        weir    -        8              10 min ago  10 s ago  refuses
edge-3        -       -        -              -           -         nothing
edge-4\\u001b  -       -        -              -           -         unknown
edge-1: keys of weir came 30 s ago
edge-2: Envoy has rejected 1 update of weir since its start
edge-4\\u001b: refused
of 4 proxies: 1 run configuration 7, 1 refused the last one that they were sent, 1 run none, 1 do not answer
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        let json = serde_json::to_value(status(&fleet)).unwrap();
        assert_eq!(json["ok"], false);
        assert_eq!(json["proxies"][1]["plugins"][0]["refusedAt"], 990);
        assert_eq!(json["proxies"][3]["trouble"], "refused");
    }
}
