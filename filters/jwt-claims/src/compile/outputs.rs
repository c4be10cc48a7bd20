//! The claims that are forwarded to services.

use super::Builder;
use crate::config::{ClaimHeader, Format, Missing, Provider};
use crate::verified::{Absent, HeaderRule, StateRule};
use weir_core::claims::ClaimName;
use weir_core::{At, OwnedHeader, header};

/// Longer values are left out, in bytes, where nothing else is said.
const MAX_VALUE_LEN: u32 = 4096;
const MAX_VALUE_LEN_LIMIT: u32 = 65536;

/// What many backends read already.
const CONTRACT: [(&str, &str); 2] = [("sub", "x-auth-user-id"), ("role", "x-auth-user-role")];

impl Builder<'_, '_> {
    pub(super) fn payload_header(&mut self, spec: &Provider, at: &At) -> Option<(OwnedHeader, bool)> {
        let Some(name) = &spec.payload_header else {
            if spec.pad_payload_header {
                self.compiler
                    .problems
                    .add(&at.field("padPayloadHeader"), "is only valid with `payloadHeader`");
            }
            return None;
        };
        let header = self.compiler.own_header(name, &at.field("payloadHeader"))?;
        Some((header, spec.pad_payload_header))
    }

    pub(super) fn header_rules(&mut self, spec: &Provider, at: &At) -> Box<[HeaderRule]> {
        let at = at.field("claimsToHeaders");
        let usual;
        let specs = match &spec.claims_to_headers {
            Some(specs) => specs.as_slice(),
            None => {
                let one = |(claim, header): (&str, &str)| ClaimHeader {
                    claim: ClaimName::Text(claim.to_owned()),
                    header: header.to_owned(),
                    // A subject is one, whatever commas it has.
                    format: (claim == "sub").then_some(Format::Text),
                    ..ClaimHeader::default()
                };
                usual = CONTRACT.map(one);
                &usual
            }
        };
        let mut rules: Vec<HeaderRule> = Vec::with_capacity(specs.len());
        for (i, spec) in specs.iter().enumerate() {
            let at = at.index(i);
            let Some(rule) = self.header_rule(spec, &at) else { continue };
            if rules.iter().any(|known| known.header == rule.header) {
                let message = format!("{:?} already gets another claim", spec.header);
                self.compiler.problems.add(&at.field("header"), message);
            }
            rules.push(rule);
        }
        rules.into()
    }

    fn header_rule(&mut self, spec: &ClaimHeader, at: &At) -> Option<HeaderRule> {
        let path = self.claim_path(&spec.claim, &at.field("claim"));
        let absent = self.absent(spec, at);
        let longest = spec.max_bytes.unwrap_or(MAX_VALUE_LEN);
        if longest == 0 || longest > MAX_VALUE_LEN_LIMIT {
            let message = format!("{longest} is not between 1 and {MAX_VALUE_LEN_LIMIT}");
            self.compiler.problems.add(&at.field("maxBytes"), message);
        }
        if spec.header.is_empty() {
            self.compiler.problems.missing(&at.field("header"), "expected a header name");
            return None;
        }
        let header = self.compiler.own_header(&spec.header, &at.field("header"))?;
        let format = spec.format.unwrap_or_default();
        Some(HeaderRule { header, path, format, absent, longest: longest as usize })
    }

    fn absent(&mut self, spec: &ClaimHeader, at: &At) -> Absent {
        let Some(default) = &spec.default else {
            return match spec.missing.unwrap_or_default() {
                Missing::Omit => Absent::Omit,
                Missing::Empty => Absent::Value(Box::default()),
                Missing::Refuse => Absent::Refuse,
            };
        };
        if spec.missing.is_some() {
            self.compiler.problems.add(&at.field("missing"), "cannot be combined with `default`");
        }
        if !header::is_safe_value(default.as_bytes()) {
            let message = format!("{default:?} has control characters, which no header value may have");
            self.compiler.problems.add(&at.field("default"), message);
        }
        Absent::Value(default.as_bytes().into())
    }

    pub(super) fn state_rules(&mut self, spec: &Provider, at: &At) -> Box<[StateRule]> {
        let at = at.field("filterState");
        let mut rules = Vec::with_capacity(spec.filter_state.0.len());
        for (name, claim) in spec.filter_state.iter() {
            let at = at.field(name);
            self.compiler.check_name(name, &at);
            let path = self.claim_path(claim, &at);
            let state = self.compiler.state(&["weir.jwt.", name].concat());
            rules.push(StateRule { state, path });
        }
        rules.into()
    }

    fn claim_path(&mut self, claim: &ClaimName, at: &At) -> Vec<String> {
        claim.path().unwrap_or_else(|invalid| {
            self.compiler.problems.missing(at, invalid.to_string());
            Vec::new()
        })
    }
}
