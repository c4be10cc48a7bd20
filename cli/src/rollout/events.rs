//! What happened, for people and for programs.

use super::specification::Specification;
use crate::http_client;
use crate::report::time::rfc3339;
use anyhow::{anyhow, ensure};
use serde::Serialize;
use std::io::{self, Write};
use std::time::Duration;
use weir_core::escape::escape;
use weir_rollout::{Event, EventKind};

const CONNECT: Duration = Duration::from_secs(3);
const TOTAL: Duration = Duration::from_secs(10);

/// An event as programs get it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    /// The specification's file.
    rollout: &'a str,
    /// The target's file or resource.
    target: &'a str,
    /// How many steps there are.
    steps: usize,
    time: String,
    #[serde(flatten)]
    event: &'a Event,
}

impl<'a> Sent<'a> {
    fn new(event: &'a Event, specification: &'a Specification) -> Self {
        Self {
            rollout: &specification.name,
            target: &specification.title,
            steps: specification.plan.steps.len(),
            time: rfc3339(event.at / 1000),
            event,
        }
    }
}

/// Writes a line: `2026-03-01T10:00:00Z step 2/4 advancing: …`.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(event: &Event, specification: &Specification, out: &mut impl Write) -> io::Result<()> {
    let steps = specification.plan.steps.len();
    let step = event.step.map(|step| format!("step {step}/{steps} ")).unwrap_or_default();
    let time = rfc3339(event.at / 1000);
    writeln!(out, "{time} {step}{}: {}", name(event.event), escape(&event.message))
}

/// Writes a line of JSON.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write_json(
    event: &Event,
    specification: &Specification,
    out: &mut impl Write,
) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Sent::new(event, specification))?;
    writeln!(out)
}

fn name(event: EventKind) -> &'static str {
    match event {
        EventKind::Started => "started",
        EventKind::Advancing => "advancing",
        EventKind::Running => "running",
        EventKind::Waiting => "waiting",
        EventKind::Approved => "approved",
        EventKind::Paused => "paused",
        EventKind::Resumed => "resumed",
        EventKind::Held => "held",
        EventKind::Released => "released",
        EventKind::RollingBack => "rolling back",
        EventKind::RolledBack => "rolled back",
        EventKind::Completed => "completed",
    }
}

/// Where events are sent.
pub(super) struct Webhook(String);

impl Webhook {
    pub(super) fn new(url: &str) -> Self {
        Self(url.to_owned())
    }

    /// Sends an event.
    ///
    /// # Errors
    /// It cannot be sent, or the answer is not one of success.
    pub(super) fn send(&self, event: &Event, specification: &Specification) -> anyhow::Result<()> {
        let body = serde_json::to_vec(&Sent::new(event, specification))?;
        let client = http_client::client(Vec::new(), |it| it.connect_timeout(CONNECT).timeout(TOTAL));
        let client = client?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime?;
        let request = client.post(&self.0).header(http::header::CONTENT_TYPE, "application/json").body(body);
        // The URL may be a secret: messages have it without its path.
        let sent = runtime
            .block_on(async { request.send().await })
            .map_err(|error| anyhow!(http_client::causes(&error.without_url())))?;
        ensure!(sent.status().is_success(), "answered with status {}", sent.status().as_u16());
        Ok(())
    }
}
