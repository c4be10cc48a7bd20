//! What simulated experiments found.

use crate::output::percent;
use serde::Serialize;
use std::io::{self, Write};

/// What made-up experiments found. All are parts of them, from 0 to 1.
#[derive(Debug, Serialize)]
pub(super) struct Simulation {
    pub(super) runs: u64,
    /// With the effect: looked at once, at the end.
    pub(super) once: f64,
    /// With the effect: by the confidence sequence, at the end alone, …
    pub(super) anytime_at_the_end: f64,
    /// … and on any day, …
    pub(super) anytime: f64,
    /// … and the day on which half of those that find it have found it; null where none has.
    pub(super) half_found_by_day: Option<f64>,
    /// Without an effect: significant at the end, …
    pub(super) false_once: f64,
    /// … on any day by the confidence sequence, …
    pub(super) false_anytime: f64,
    /// … and on any day by the fixed interval, which is not made for that.
    pub(super) false_naive: f64,
    /// Whether power is within three points of the design (or of what chance does to so many runs).
    pub(super) agrees: bool,
}

impl Simulation {
    pub(super) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let [once, last, any] = [self.once, self.anytime_at_the_end, self.anytime].map(percent);
        let [wrong, wrong_any, naive] = [self.false_once, self.false_anytime, self.false_naive].map(percent);
        writeln!(out, "\nsimulated, {} experiments each:", self.runs)?;
        writeln!(
            out,
            "  with the effect it is found: once {once}, by the sequence at the end {last}, on any day {any}"
        )?;
        if let Some(day) = self.half_found_by_day {
            writeln!(out, "  half of those that find it by the sequence have done so by day {day:.0}")?;
        }
        writeln!(
            out,
            "  without an effect it is significant: once {wrong}, by the sequence on any day {wrong_any}"
        )?;
        writeln!(out, "  (and {naive} by the fixed interval, if that is looked at daily)")?;
        if !self.agrees {
            writeln!(
                out,
                "  This is not what was designed. Rare conversions or few units make intervals inexact."
            )?;
        }
        Ok(())
    }
}
