//! What `weir import` is given.

use crate::output::Format;
use clap::ValueEnum;
use std::path::PathBuf;

/// Converts a vendor's definitions to a configuration that assigns units as the vendor's SDKs do, or Istio's resources
/// to one that routes as they do.
///
/// Reads the definitions that the vendor publishes to its SDKs: GrowthBook's payload with `features`, the
/// feature list of Unleash's client API, or flagd's flag definitions, as JSON or YAML. If a part of a flag
/// has no equivalent, the whole flag is left out, so that imported flags assign units as the SDK does;
/// standard error reports the reasons.
///
/// A flag with one rule becomes an experiment of the same name. A flag with several rules becomes the
/// experiments NAME.1, NAME.2 … with `flag: NAME`: the first that assigns a variant wins, and all write the
/// same header. A unit without a variant has the flag's default.
///
/// `istio` reads VirtualServices, with their DestinationRules, RequestAuthentications and AuthorizationPolicies. Each route
/// becomes a rule that sets the header `x-weir-route`, weights become splits that keep a user on one side, and `--routes`
/// writes the VirtualServices that follow the header. A resource with a part that has no equivalent stays with Istio.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir import growthbook features.json --to experiments.yaml
  weir import unleash features.json --source userId=cookie:uid --source country=header:x-country
  weir import growthbook features.json --type tags=list --strict --to experiments.yaml
  weir import flagd flags.yaml --hash flagd-1 --output json
  weir import istio shop.yaml --to weir.yaml --routes routes.yaml --unit header:x-user-id

Exit codes: 0 every flag or resource was imported; 1 some were left out, or no flag needs an experiment; 2 the \
file is invalid.")]
pub(crate) struct Args {
    /// The vendor of the definitions, or `istio`.
    pub(super) vendor: Vendor,
    /// The file; `-` is standard input.
    pub(super) file: PathBuf,
    /// Write the configuration to this file instead of standard output.
    #[arg(short, long = "to", value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Write nothing if a flag or a resource is left out.
    #[arg(long)]
    pub(super) strict: bool,
    /// The source of an attribute in requests. Default: header:x-NAME.
    #[arg(long, value_name = "NAME=SOURCE")]
    pub(super) source: Vec<String>,
    /// The type of an attribute: string, boolean, number, list or json. Default: inferred from the literals
    /// that it is compared with.
    #[arg(long = "type", value_name = "NAME=TYPE")]
    pub(super) kind: Vec<String>,
    /// The hash of flagd's `fractional`: flagd-2, or flagd-1 for flagd up to core 0.13.
    #[arg(long, value_name = "HASH", default_value = "flagd-2", value_parser = ["flagd-1", "flagd-2"])]
    pub(super) hash: String,
    /// Of `istio`: a source of what identifies a user in splits, such as header:x-user-id; the first non-empty one wins.
    /// Default: none, so that the cookie does.
    #[arg(long, value_name = "SOURCE")]
    pub(super) unit: Vec<String>,
    /// Of `istio`: set no cookie with an anonymous ID. A request without a unit is then drawn by itself, as Istio does it.
    #[arg(long)]
    pub(super) no_cookie: bool,
    /// Of `istio`: write the VirtualServices with a route for each value of `x-weir-route` to this file.
    #[arg(long, value_name = "FILE")]
    pub(super) routes: Option<PathBuf>,
    #[command(flatten)]
    pub(super) format: Format,
}

/// Supported vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Vendor {
    /// The payload of GrowthBook's SDKs.
    Growthbook,
    /// The feature list of Unleash's client API.
    Unleash,
    /// Flag definitions of flagd.
    Flagd,
    /// Resources of Istio.
    Istio,
}
