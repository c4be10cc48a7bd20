//! Flags: experiments of which the first that gives a variant decides.

use crate::config::Config;
use weir_core::predicate::ExperimentId;
use weir_core::{At, Compiler};

/// The experiments of each flag so far, in the order in which they are tried.
pub(super) struct Flags(Vec<(Box<str>, Vec<ExperimentId>)>);

impl Flags {
    /// Reports what the experiments of a flag do not have in common, and names that mean two things.
    pub(super) fn new(config: &Config, compiler: &mut Compiler<'_>, list: &At) -> Self {
        let trusted = config.trust.is_some();
        for (i, it) in config.list.iter().enumerate() {
            let Some(flag) = &it.flag else { continue };
            let at = list.index(i);
            super::name(flag, compiler, &at.field("flag"));
            if config.list.iter().any(|other| other.key == *flag) {
                let message = format!("{flag:?} is the key of an experiment too: prerequisites could mean either");
                compiler.problems.add(&at.field("flag"), message);
            }
            let earlier = config.list.get(..i).unwrap_or_default();
            let Some(first) = earlier.iter().find(|other| other.flag.as_ref() == Some(flag)) else { continue };
            for (own, its, field) in [
                (&it.header, &first.header, "header"),
                (&it.payload_header, &first.payload_header, "payloadHeader"),
            ] {
                if own != its {
                    let message = format!("{:?} of the same flag has another: a flag has one header", first.key);
                    compiler.problems.add(&at.field(field), message);
                }
            }
            if !trusted {
                continue;
            }
            let same = earlier.iter().filter(|other| other.flag.as_ref() == Some(flag));
            let taken = |key: &String| same.clone().any(|other| other.variants.iter().any(|v| v.key == *key));
            for (v, _) in it.variants.iter().enumerate().filter(|(_, variant)| taken(&variant.key)) {
                let message = "an earlier experiment of the flag has it too, and with `trust` the flag's header \
                               must say whose it is: use another key";
                compiler.problems.add(&at.field("variants").index(v).field("key"), message);
            }
        }
        Self(Vec::new())
    }

    /// Adds an experiment; returns those of its flag that are tried before it.
    pub(super) fn join(&mut self, flag: Option<&str>, id: ExperimentId) -> Box<[ExperimentId]> {
        let Some(flag) = flag else { return Box::default() };
        match self.0.iter_mut().find(|(known, _)| **known == *flag) {
            Some((_, members)) => {
                let earlier = members.as_slice().into();
                members.push(id);
                earlier
            }
            None => {
                self.0.push((flag.into(), vec![id]));
                Box::default()
            }
        }
    }
}
