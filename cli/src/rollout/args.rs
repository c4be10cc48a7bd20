//! What the commands are given.

use super::evaluate::Rollout;
use super::specification::Specification;
use crate::output::{Failure, Format};
use crate::report::prometheus::{Connection, Prometheus};
use std::path::PathBuf;
use std::time::Duration;

/// A longer wait for Prometheus counts as no answer: the release is not watched meanwhile.
const PATIENCE: Duration = Duration::from_secs(20);

/// Evaluates a rollout once: for cron, CI and GitOps.
///
/// The first evaluation begins the rollout. Each one looks at the target, the proxies and the gates, and then does at
/// most one thing: it writes the next step, or puts back what was there before. The state is kept in a file beside the
/// target, FILE.rollout.json, or in an annotation of the resource.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir rollout step rollout.yaml --prometheus http://localhost:9090
  weir rollout step rollout.yaml --prometheus http://localhost:9090 --dry-run

Exit codes: 0 the rollout is complete; 1 it is rolled back, or on the mode there; 2 a file cannot be used; \
3 it goes on, or the API server has no answer: evaluate again; 4 it needs a person: an approval, a foreign edit, a \
deadline, a pause.")]
pub(crate) struct StepArgs {
    #[command(flatten)]
    pub(super) common: Evaluated,
    #[command(flatten)]
    pub(super) format: Format,
}

/// Evaluates a rollout again and again until it is over.
///
/// It may be stopped at any time, even killed: the next start goes on where it was. Each event is a line on standard
/// output; a terminal also shows the steps, how far they are, and the gates. Several may run at once: those of a file take turns, and of those of a resource one runs, and the others
/// wait for its Lease.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir rollout run rollout.yaml --prometheus http://localhost:9090
  weir rollout run /etc/weir/rollout.yaml --prometheus http://prometheus.monitoring:9090 --stay

Exit codes: 0 the rollout is complete; 1 it is rolled back; 2 a file cannot be used; 3 it was stopped by a signal, and \
goes on with the next start.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(super) common: Evaluated,
    /// Stay when the rollout is over, and begin the next one when the specification has changed: for a Deployment. While
    /// a rollout is under way it goes on with the specification that it began with.
    #[arg(long)]
    pub(super) stay: bool,
    #[command(flatten)]
    pub(super) format: Format,
}

/// What all that evaluates needs.
#[derive(Debug, clap::Args)]
pub(super) struct Evaluated {
    /// The rollout's specification.
    pub(super) spec: PathBuf,
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(flatten)]
    pub(super) cluster: crate::kubernetes::ClusterContext,
    /// Begin again, where the last rollout of this target is over.
    #[arg(long)]
    pub(super) restart: bool,
    /// Evaluate once, and print what would be done; nothing is stored, written or sent.
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Shows where a rollout is, and what has happened. Prometheus is not asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  weir rollout status rollout.yaml

Exit codes: 0 the rollout is complete; 1 it is rolled back, or on the mode there; 2 a file cannot be used, or there is \
no rollout; 3 it goes on, or the API server has no answer: ask again; 4 it needs a person.")]
pub(crate) struct StatusArgs {
    /// The rollout's specification.
    pub(super) spec: PathBuf,
    #[command(flatten)]
    pub(super) cluster: crate::kubernetes::ClusterContext,
    #[command(flatten)]
    pub(super) format: Format,
}

/// A rollout.
#[derive(Debug, clap::Args)]
pub(crate) struct SpecArgs {
    /// The rollout's specification.
    pub(super) spec: PathBuf,
    #[command(flatten)]
    pub(super) cluster: crate::kubernetes::ClusterContext,
}

/// Prints the number that proxies report for a configuration, `weir_config_hash`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  weir rollout hash weir.yaml

Exit codes: 0 success; 2 the file cannot be used.")]
pub(crate) struct HashArgs {
    /// The configuration; `-` is standard input.
    pub(super) config: PathBuf,
}

impl Evaluated {
    /// The rollout.
    ///
    /// # Errors
    /// A file that cannot be used, no way to Prometheus or the cluster.
    pub(super) fn open(&self) -> Result<Rollout, Failure> {
        let specification = Specification::read(&self.spec)?;
        let prometheus = Prometheus::open_within(&self.connection, PATIENCE)?;
        Ok(Rollout::open(specification, &self.cluster, Some(prometheus), self.restart)?)
    }
}
