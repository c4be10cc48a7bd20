//! Flags: experiments of which the first that gives a variant decides.

use super::keys::Keys;
use crate::config::Config;
use weir_core::ids::ExperimentId;
use weir_core::table::Groups;
use weir_core::{At, Compiler};

/// The experiments of each flag so far, in the order in which they are tried.
pub(super) struct Flags<'a>(Groups<&'a str, ExperimentId>);

impl<'a> Flags<'a> {
    /// Reports what the experiments of a flag do not have in common, and names that mean two things.
    pub(super) fn new(config: &Config, keys: &Keys<'_>, compiler: &mut Compiler<'_>, list: &At) -> Self {
        let trusted = config.trust.is_some();
        for (i, it) in config.list.iter().enumerate() {
            let Some(flag) = &it.flag else { continue };
            let at = list.index(i);
            compiler.check_name(flag, &at.field("flag"));
            if keys.position(flag).is_some() {
                let message =
                    format!("{flag:?} is also the key of an experiment: prerequisites would be ambiguous");
                compiler.problems.add(&at.field("flag"), message);
            }
            let members = keys.of_flag(flag).iter().take_while(|member| **member < i);
            let mut earlier = members.filter_map(|member| config.list.get(*member));
            let same = earlier.clone();
            let Some(first) = earlier.next() else { continue };
            for (own, its, field) in [
                (&it.header, &first.header, "header"),
                (&it.payload_header, &first.payload_header, "payloadHeader"),
            ] {
                if own != its {
                    let message =
                        format!("{:?} of the same flag has another header: a flag has only one", first.key);
                    compiler.problems.add(&at.field(field), message);
                }
            }
            if !trusted {
                continue;
            }
            let taken = |key: &String| same.clone().any(|other| other.variants.iter().any(|v| v.key == *key));
            for (v, _) in it.variants.iter().enumerate().filter(|(_, variant)| taken(&variant.key)) {
                let message = "an earlier experiment of the flag has it too, and with `trust` the flag's header \
                               must say whose it is: use another key";
                compiler.problems.add(&at.field("variants").index(v).field("key"), message);
            }
        }
        Self(Groups::default())
    }

    /// Adds an experiment; returns those of its flag that are tried before it.
    pub(super) fn join(&mut self, flag: Option<&'a str>, id: ExperimentId) -> Box<[ExperimentId]> {
        let Some(flag) = flag else { return Box::default() };
        let earlier = self.0.get(flag).into();
        self.0.add(flag, id);
        earlier
    }
}
