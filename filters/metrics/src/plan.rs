//! The compiled plan of the section: everything that a request needs, resolved and validated.

use crate::bound::{Bound, Value};
use crate::config::Level;
use crate::encoding::Style;
use crate::series::{Digit, Id, Ids};
use crate::status::Statuses;
use std::cell::Cell;
use weir_allocation::Salt;
use weir_cookie::Signer;
use weir_core::http_match::TextRequirement;
use weir_core::ids::ExperimentId;
use weir_core::{AttrId, OwnedHeader, Predicate};
use weir_host_api::MetricKind;

/// The validated section.
#[derive(Debug)]
pub struct Plan {
    pub(crate) style: Style,
    pub(crate) metrics: Box<[Metric]>,
    /// Everything that labels read, each thing once, whatever number of metrics has it.
    pub(crate) readings: Box<[Reading]>,
    /// A value that is read from the proxy at the end.
    pub(crate) response_sources: Box<[ResponseSource]>,
    pub(crate) log: Option<Box<Log>>,
    /// Which of them a request may reach is a bit each.
    pub(crate) goals: Box<[Goal]>,
    /// Whether goals are for visits only.
    pub(crate) visits_only: bool,
    /// Whether the status of the response is asked at the end.
    pub(crate) reads_status: bool,
    /// The counter of conditions that could not be judged.
    pub(crate) undecided: Cell<Id>,
    /// The counter of goals that no cookie had room for.
    pub(crate) forgotten: Cell<Id>,
}

/// One metric.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) name: Box<str>,
    pub(crate) kind: MetricKind,
    pub(crate) moment: Moment,
    /// Which requests; `None` for all.
    pub(crate) requests: Option<Predicate>,
    /// Which responses; `None` for all.
    pub(crate) responses: Option<Box<Responses>>,
    pub(crate) amount: Amount,
    pub(crate) divide_by: u64,
    /// What its labels read of the request, by position in [`Plan::readings`].
    pub(crate) at_request: Box<[u16]>,
    /// What they read at the end.
    pub(crate) at_end: Box<[u16]>,
    /// One, or one for each experiment.
    pub(crate) series: Box<[Series]>,
}

/// When a metric is brought to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// With the request's headers.
    Request,
    /// At the end.
    End,
    /// Up with the request's headers, down at the end.
    Active,
}

/// The value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Amount {
    Constant(u64),
    /// Nanoseconds from the request's headers to the end.
    Duration,
    /// A number in the request.
    Attribute(AttrId),
    /// A number in text, by position in [`Plan::response_sources`].
    LateText(u16),
    /// A number as the proxy encodes it.
    LateInteger(u16),
}

/// Which responses.
#[derive(Debug)]
pub(crate) struct Responses {
    pub(crate) status: Statuses,
    pub(crate) grpc_status: Statuses,
    /// By position in [`Plan::response_sources`].
    pub(crate) headers: Box<[(u16, TextRequirement)]>,
}

/// The series of a metric that differ in their labels' values only.
#[derive(Debug)]
pub(crate) struct Series {
    /// The labels, sorted by name.
    pub(crate) labels: Box<[(Box<str>, LabelValue)]>,
    pub(crate) digits: Box<[Digit]>,
    /// The variant without which a request is not measured here.
    pub(crate) only_with: Option<u16>,
    pub(crate) ids: Ids,
    /// The counters of what became `other`: one for each of `digits`, and one for what there was no room
    /// for.
    pub(crate) overflows: Box<[Cell<Id>]>,
}

#[derive(Debug)]
pub(crate) enum LabelValue {
    Constant(Box<str>),
    /// By position in [`Plan::readings`].
    Read(u16),
}

/// What a label reads.
#[derive(Debug)]
pub(crate) enum Reading {
    /// A text of the request.
    Text(AttrId, Bound),
    /// A number or a boolean of the request.
    Scalar(AttrId, Bound),
    /// What a request header of this configuration is given.
    HeaderValue(OwnedHeader, Bound),
    /// The variant of an experiment, of requests that count in its results.
    Variant(ExperimentId, Box<[Box<str>]>),
    /// The same of an experiment that another plugin has decided, and left in filter state.
    VariantOfPlugin(AttrId, Bound),
    /// A part of all units.
    SubBucket { units: Box<[AttrId]>, salt: Salt, buckets: Value },
    /// The status of the response.
    Code(Bound),
    /// The first digit of it.
    Class,
    /// The gRPC status.
    Grpc,
    /// A value that is read from the proxy at the end.
    ResponseSource(u16, Bound),
}

/// A value that is read from the proxy at the end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ResponseSource {
    Header(Box<[u8]>),
    Property(Box<[u8]>),
}

/// A goal.
#[derive(Debug)]
pub(crate) struct Goal {
    pub(crate) name: Box<str>,
    /// Which requests; `None` for all.
    pub(crate) requests: Option<Predicate>,
    /// Which responses; `None` for all.
    pub(crate) responses: Option<Box<Responses>>,
    pub(crate) value: Option<GoalValue>,
    /// What its labels read, by position in [`Plan::readings`].
    pub(crate) at_request: Box<[u16]>,
    pub(crate) experiments: Box<[GoalExperiment]>,
    /// What counts units, …
    pub(crate) units: Counted,
    /// … and what counts requests, where units are not known.
    pub(crate) each: Counted,
}

/// An experiment that a goal is of.
#[derive(Debug)]
pub(crate) struct GoalExperiment {
    /// `None` where another plugin decides it.
    pub(crate) id: Option<ExperimentId>,
    /// Its variant, by position in [`Plan::readings`].
    pub(crate) variant: u16,
}

/// The metrics of a goal. The series of each are in the order of the goal's experiments.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) total: Metric,
    /// The sum of the values, and that of their squares.
    pub(crate) values: Option<[Metric; 2]>,
}

/// What a goal is worth.
#[derive(Debug)]
pub(crate) enum GoalValue {
    /// The number in a response header, by position in [`Plan::response_sources`], times a scale.
    Header(u16, f64),
    /// Nanoseconds from the request's headers to the response's, divided by this.
    Duration(u64),
}

/// The content of a line.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) sample: Sample,
    pub(crate) requests: Option<Predicate>,
    pub(crate) responses: Option<Box<Responses>>,
    pub(crate) traceparent: AttrId,
    pub(crate) path: Option<AttrId>,
    pub(crate) unit: Option<(Box<[AttrId]>, Signer)>,
    pub(crate) experiments: Box<[(Box<str>, ExperimentId)]>,
    pub(crate) fields: Box<[(Box<str>, Field)]>,
    pub(crate) level: Level,
}

/// A field's value.
#[derive(Debug)]
pub(crate) enum Field {
    /// As of a label, by position in [`Plan::readings`].
    Reading(u16),
    /// A text of the request.
    Text(AttrId),
    /// The values read from the proxy at the end, by position in [`Plan::response_sources`].
    ResponseSource(u16),
    /// Always the same.
    Constant(Box<str>),
}

/// A part of all requests.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) salt: Salt,
    /// In millionths.
    pub(crate) share: u32,
}

impl Reading {
    /// Whether the request shows it.
    pub(crate) fn is_of_request(&self) -> bool {
        !matches!(self, Self::Code(_) | Self::Class | Self::Grpc | Self::ResponseSource(..))
    }

    /// How many values there are.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Text(_, bound)
            | Self::VariantOfPlugin(_, bound)
            | Self::Scalar(_, bound)
            | Self::HeaderValue(_, bound)
            | Self::Code(bound)
            | Self::ResponseSource(_, bound) => bound.size(),
            Self::Variant(_, names) => 2 + names.len(),
            Self::SubBucket { buckets, .. } => 2 + usize::from(*buckets),
            Self::Class => 2 + 5,
            Self::Grpc => 2 + 17,
        }
    }

    /// A value as a text.
    #[cold]
    pub(crate) fn name(&self, value: Value) -> String {
        use crate::bound::{FIRST, NONE};
        if let Self::Text(_, bound)
        | Self::VariantOfPlugin(_, bound)
        | Self::Scalar(_, bound)
        | Self::HeaderValue(_, bound)
        | Self::Code(bound)
        | Self::ResponseSource(_, bound) = self
        {
            return bound.name(value, str::to_owned);
        }
        let Some(index) = value.checked_sub(FIRST) else {
            return if value == NONE { "none" } else { "other" }.to_owned();
        };
        match self {
            Self::Variant(_, names) => {
                names.get(usize::from(index)).map_or_else(String::new, |name| (**name).to_owned())
            }
            Self::Class => ["1xx", "2xx", "3xx", "4xx", "5xx"]
                .get(usize::from(index))
                .map_or_else(String::new, |class| (*class).to_owned()),
            _ => index.to_string(),
        }
    }
}
