//! The null object: a filter that is not in this build. Its section is refused by name.

// What a build has all filters for is not used there.
#![allow(dead_code, unreachable_pub, reason = "used where a filter is left out")]

use serde::{Serialize, Serializer};
use weir_core::ids::ExperimentId;
use weir_core::ids::Gauge;
use weir_core::load::Node;
use weir_core::{At, Compiler, Effects, HostServices, Load, Problems, Remembered, Request, ResponseHeader};

/// Any content of the section.
#[derive(Clone, Debug)]
pub struct Config;

/// A plan without values, so that the compiler removes all code that uses it.
#[derive(Debug)]
pub enum Plan {}

/// A measurement without values.
#[derive(Debug)]
pub enum Measured {}

/// The trace of an absent filter: empty.
pub trait Trace {}

impl<T: ?Sized> Trace for T {}

impl Measured {
    /// Waits for nothing.
    pub fn awaits_response(&self) -> bool {
        match *self {}
    }
}

/// Refuses the section.
pub(crate) fn refuse(_: &Config, compiler: &mut Compiler<'_>, at: &At) -> Option<Plan> {
    compiler.problems.add(at, "this module was built without the filter of this section");
    None
}

impl Plan {
    /// Decides nothing.
    pub fn decide<O: HostServices>(&self, _: &Request<'_, O>, _: &mut Effects) {
        match *self {}
    }

    /// Decides nothing.
    pub fn decide_traced<O: HostServices, T: Trace>(&self, _: &Request<'_, O>, _: &mut Effects, _: &mut T) {
        match *self {}
    }

    /// Hides nothing.
    pub fn hide<O: HostServices>(&self, _: &Request<'_, O>, _: &mut Effects) {
        match *self {}
    }

    /// Warns of nothing.
    pub fn warnings(&self) -> &[String] {
        match *self {}
    }

    /// Delays nothing.
    pub fn gauge(&self, _: u16) -> Option<Gauge> {
        match *self {}
    }

    /// Delays nothing.
    pub fn delay_over(&self, _: u16) {
        match *self {}
    }

    /// Lets nothing wait.
    pub fn hold_over(&self, _: u16) {
        match *self {}
    }

    /// Fetches nothing.
    pub fn wants_fetch(&self) -> bool {
        match *self {}
    }

    /// Measures nothing.
    pub fn start<O: HostServices>(
        &self,
        _: &Request<'_, O>,
        _: &Effects,
        _: impl FnOnce() -> u64,
        _: &impl weir_host_api::Metrics,
    ) -> Option<Measured> {
        match *self {}
    }

    /// Measures nothing.
    pub fn end<E>(&self, measured: Measured, _: &impl weir_host_api::Metrics, _: &E) {
        match measured {}
    }

    /// Reaches no goal.
    pub fn respond<E>(
        &self,
        _: &mut Measured,
        _: &E,
        _: &impl weir_host_api::Metrics,
        _: impl FnMut(ExperimentId, u16, &str) -> Remembered,
    ) {
        match *self {}
    }

    /// Remembers nothing.
    pub fn remember(&self, _: &mut Vec<u8>, _: ExperimentId, _: u16, _: &str) -> Remembered {
        match *self {}
    }

    /// Remembers nothing.
    pub fn set_memory(&self, _: &[u8], _: impl FnOnce() -> u64, _: &mut Vec<ResponseHeader>) {
        match *self {}
    }

    /// Reads nothing.
    pub fn properties(&self) -> std::iter::Empty<&[u8]> {
        match *self {}
    }

    /// Measures nothing.
    pub fn define_all(&self, _: &impl weir_host_api::Metrics) {
        match *self {}
    }
}

impl Load for Config {
    fn load(_: &Node<'_>, _: &mut Problems) -> Option<Self> {
        Some(Self)
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Config {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Absent".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::Schema::from(false)
    }
}
