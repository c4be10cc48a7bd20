//! When a rule is active, its kill switches, and the clients that may request faults.

use super::builder::{Builder, operators};
use super::time;
use crate::config::Window;
use crate::control::{Control, HEADERS};
use crate::kind::Kind;
use crate::percentage::Percentage;
use crate::plan::{FaultAction, FaultPart, Gate, Ramp};
use weir_allocation::Fraction;
use weir_core::attribute::{AttributeSpec, KindSpec, PathSpec};
use weir_core::{At, AttrId, Compiler, SourceSpec, Variable, timestamp};

/// Whether an environment variable says yes.
pub(super) fn is_set(name: &str, compiler: &Compiler<'_>) -> bool {
    let no = |text: &str| {
        let text = text.trim();
        text.is_empty() || ["0", "false", "no", "off"].iter().any(|no| text.eq_ignore_ascii_case(no))
    };
    matches!(compiler.env(name), Variable::Set(text) if !no(&text))
}

impl Builder<'_, '_> {
    pub(super) fn killed_by_env(&self) -> bool {
        let kill = self.spec.kill_switch.as_ref();
        kill.and_then(|kill| kill.env.as_deref()).is_some_and(|name| is_set(name, self.compiler))
    }

    pub(super) fn gate(&mut self) -> Option<Gate> {
        let (spec, at) = (self.spec, self.at);
        let window = spec.window.as_ref().and_then(|window| self.window(window));
        let ramp = self.ramp(window);
        let route = spec.route_metadata.as_ref();
        let route = route.and_then(|path| metadata(path, KindSpec::List, self.compiler, at));
        let mut gate = Gate { window, ramp, kill_header: None, kill_route: None, route };
        if let Some(kill) = &spec.kill_switch {
            let at = at.field("killSwitch");
            if kill.env.is_none() && kill.header.is_none() && kill.route_metadata.is_none() {
                self.compiler.problems.missing(&at, "needs env, header or routeMetadata");
            }
            if let Some(name) = &kill.header {
                let header = self.compiler.own_header(name, &at.field("header"));
                let allow = operators(kill.allow.as_ref(), self.compiler, &at.field("allow"));
                gate.kill_header = header.map(|header| (header, allow));
            } else if kill.allow.is_some() {
                self.compiler.problems.add(&at.field("allow"), "has no effect without `header`");
            }
            let route = kill.route_metadata.as_ref();
            gate.kill_route = route.and_then(|path| metadata(path, KindSpec::Boolean, self.compiler, &at));
        }
        let used = gate.window.is_some()
            || gate.ramp.is_some()
            || gate.kill_header.is_some()
            || gate.kill_route.is_some()
            || gate.route.is_some();
        used.then_some(gate)
    }

    fn window(&mut self, window: &Window) -> Option<(u64, u64)> {
        let at = self.at.field("window");
        let mut time = |text: &Option<String>, field: &str| {
            self.compiler.problems.accept(timestamp::parse(text.as_ref()?), &at.field(field))
        };
        let (start, end) = (time(&window.start, "start"), time(&window.end, "end"));
        if start.is_none() && end.is_none() {
            self.compiler.problems.missing(&at, "needs start, end or both");
        }
        let (start, end) = (start.unwrap_or(0), end.unwrap_or(u64::MAX));
        if start >= end {
            let text = window.end.as_deref().unwrap_or_default();
            self.compiler.problems.add(&at.field("end"), format!("{text:?} is not after the start"));
        }
        Some((start, end))
    }

    fn ramp(&mut self, window: Option<(u64, u64)>) -> Option<Ramp> {
        let ramp = self.spec.ramp.as_ref()?;
        let at = self.at.field("ramp");
        if self.spec.window.as_ref().is_none_or(|window| window.start.is_none()) {
            let message = "needs `window` with a start, from which it counts";
            self.compiler.problems.missing(&at, message);
        }
        let over = time::above_zero(&ramp.over, self.compiler, &at.field("over"))?;
        let share = |percentage: Option<Percentage>, default| percentage.map_or(default, |p| p.0);
        Some(Ramp {
            start: window?.0,
            over,
            from: share(ramp.from, Fraction::NONE),
            to: share(ramp.to, Fraction::ALL),
        })
    }

    pub(super) fn control(&mut self, parts: &[FaultPart]) -> Option<Control> {
        let spec = self.spec.header_control.as_ref()?;
        let at = self.at.field("headerControl");
        let allow = operators(spec.allow.as_ref(), self.compiler, &at.field("allow"));
        let longest = spec.max_delay.as_ref();
        let longest = longest.and_then(|t| time::above_zero(t, self.compiler, &at.field("maxDelay")));
        let share = |own: Option<Percentage>, kind: Kind, written: bool| match own {
            Some(percentage) => percentage.0,
            None if !written => Fraction::ALL,
            None => configured(parts, kind),
        };
        let (delay, abort) = (self.spec.delay.is_some(), self.spec.abort.is_some());
        let rate = self.spec.response_rate_limit.is_some();
        let mut headers = Vec::with_capacity(HEADERS.len());
        for name in HEADERS {
            headers.extend(self.compiler.own_header(name, &at));
        }
        Some(Control {
            headers: headers.try_into().ok()?,
            allow,
            delay: share(spec.delay, Kind::Delay, delay),
            abort: share(spec.abort, Kind::Abort, abort),
            throughput: if cfg!(feature = "response") {
                share(spec.throughput, Kind::Rate, rate)
            } else {
                Fraction::NONE
            },
            max_delay: longest.unwrap_or(time::MAX_DELAY),
            forward: spec.forward,
        })
    }
}

/// The percentage of a kind.
fn configured(parts: &[FaultPart], kind: Kind) -> Fraction {
    let part = parts.iter().find(|part| FaultAction::kind(&part.action) == kind);
    let width = part.map_or(0, |part| part.until.saturating_sub(part.from));
    Fraction::from_millionths(width).unwrap_or(Fraction::ALL)
}

/// A value of the route's metadata. `at` is the object that has the field `routeMetadata`.
fn metadata(path: &PathSpec, kind: KindSpec, compiler: &mut Compiler<'_>, at: &At) -> Option<AttrId> {
    let spec =
        AttributeSpec { route_metadata: Some(path.clone()), kind: Some(kind), ..AttributeSpec::default() };
    compiler.source(&SourceSpec::Long(Box::new(spec)), at)
}
