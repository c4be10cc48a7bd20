//! `weir schema`: the JSON Schema of the configuration language.

use weir_workbench::schema;

/// Prints the JSON Schema of the configuration language, for editors and validators.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir schema > weir.schema.json
  weir schema --rollout > rollout.schema.json")]
pub(crate) struct Args {
    /// The schema of specifications for `weir rollout` instead.
    #[arg(long)]
    rollout: bool,
}

/// The schema that is asked for.
pub(crate) fn chosen(args: &Args) -> String {
    if args.rollout { rollout() } else { schema::text() }
}

/// The schema of rollouts.
fn rollout() -> String {
    format!("{:#}\n", schema::of::<weir_rollout::Spec>().to_value())
}
