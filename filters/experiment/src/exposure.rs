//! Which requests are exposures for access logs: they get filter state, so that a log has a row for each.

use crate::decision::Decision;
use crate::plan::{Experiment, Exposure, Units, Variant};
use weir_core::header::is_safe_value;
use weir_core::ids::TextId;
use weir_core::{DecidedBy, Effects, HostServices};

impl<O: HostServices> Decision<'_, O> {
    /// Says that this request is the exposure of its unit, if exposures are logged. False where that cannot be said:
    /// a request without a unit is nobody's exposure.
    pub(crate) fn expose(&self, experiment: &Experiment, variant: &Variant, effects: &mut Effects) -> bool {
        let Some(exposure) = experiment.exposure else { return true };
        let Some(units) = self.plan.units.get(usize::from(experiment.units)) else { return false };
        let Some(unit) = self.unit_apart(units) else { return false };
        let made = effects.make(|out| write_unit(unit, out));
        let key = effects.make(|out| out.extend_from_slice(variant.key.as_bytes()));
        effects.states.push((exposure.variant, key.into()));
        effects.states.extend(exposure.marker.map(|marker| (marker, key.into())));
        effects.states.push((exposure.unit, made.into()));
        if let Some(name) = self.source_name(units) {
            effects.states.push((exposure.source, name.into()));
        }
        true
    }

    /// What has identified the unit.
    fn source_name(&self, units: &Units) -> Option<TextId> {
        let Some(found) = units.sources.iter().find(|source| self.text(**source).is_some()) else {
            return self.plan.minted_name;
        };
        let names = &self.plan.source_names;
        names.iter().find(|(source, _)| source == found).map(|(_, name)| *name)
    }

    /// The exposures of a request where nothing is remembered: it is one of each experiment that has hashed its unit.
    #[cold]
    #[inline(never)]
    pub(crate) fn expose_all(&self, effects: &mut Effects) {
        if !self.is_visit() {
            return;
        }
        for experiment in self.experiments() {
            let Some(assigned) = self.request.assigned(experiment.id) else { continue };
            if assigned.by != DecidedBy::Hash || !assigned.counts {
                continue;
            }
            let Some(variant) = experiment.variants.get(usize::from(assigned.variant)) else { continue };
            let is_known = || self.request.earlier_state(&Exposure::marker_of(&experiment.key)).is_some();
            if self.provisional.get() || self.earlier.is_none() || !is_known() {
                self.expose(experiment, variant, effects);
            }
        }
    }
}

/// Writes a unit as logs have it: percent-encoded where it could begin another line or field of one.
fn write_unit(unit: &[u8], out: &mut Vec<u8>) {
    if is_safe_value(unit) && std::str::from_utf8(unit).is_ok() {
        out.extend_from_slice(unit);
        return;
    }
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS.get(usize::from(value & 15)).copied().unwrap_or_default();
    for byte in unit {
        match byte {
            b'%' => out.extend_from_slice(b"%25"),
            0x21..=0x7e => out.push(*byte),
            other => out.extend_from_slice(&[b'%', digit(other >> 4), digit(*other)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_itself_or_encoded() {
        let written = |unit: &[u8]| {
            let mut out = Vec::new();
            write_unit(unit, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(b"user-1"), "user-1");
        assert_eq!(written("Zoë 100%".as_bytes()), "Zoë 100%");
        assert_eq!(written(b"a\n{\"x\": 1%}"), "a%0A{\"x\":%201%25}");
        assert_eq!(written(b"\xff"), "%FF");
    }
}
