//! The decision: one request's attributes in, effects out.

use crate::config::WithoutKey;
use crate::plan::{Action, Entry, Plan, Ramp, Rewrite, Split, Target};
use crate::trace::{Key, Note, Trace};
use weir_allocation::{Allocation, Bucket};
use weir_core::{AccessPlan, Effects, HostServices, Request, RequestView, ResponseHeader, Truth, regex};

impl Plan {
    /// Decides where a request goes.
    #[inline]
    pub fn decide<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        self.decide_traced(request, effects, &mut ());
    }

    /// Decides, and reports each step to `trace`.
    #[inline]
    pub fn decide_traced<O: HostServices, T: Trace>(
        &self,
        request: &Request<'_, O>,
        effects: &mut Effects,
        trace: &mut T,
    ) {
        // A trace asks each rule. Those that requests are not asked about take nothing of a request's work.
        let asked = if T::EACH_RULE { self.index.as_deref().map(|index| index.find(request)) } else { None };
        let mut position = 0;
        let mut undecided = false;
        // A rule that cannot be judged does not change where a request goes.
        let matches = |entry: &&Entry| {
            let truth = if T::EACH_RULE {
                position += 1;
                match &asked {
                    Some(asked) if !asked.contains(position - 1) => {
                        regex::aside(|| entry.when.judge(request))
                    }
                    _ => entry.when.judge(request),
                }
            } else {
                entry.when.judge(request)
            };
            trace.routing_step(Note::Rule { position: entry.rule, truth });
            undecided |= truth == Truth::Unknown;
            truth == Truth::True
        };
        let matched = match self.index.as_deref() {
            Some(index) if !T::EACH_RULE => {
                index.find(request).iter().filter_map(|position| self.entries.get(position)).find(matches)
            }
            _ => self.entries.iter().find(matches),
        };
        if undecided {
            effects.counts.push(self.undecided);
        }
        let (action, prefix) = match matched {
            Some(entry) => (self.actions.get(entry.rule), entry.prefix),
            None => (None, None),
        };
        let target = match action {
            Some(Action::Split(split)) => split.choose(request, effects, trace),
            Some(Action::Target(target)) => Some(target),
            None => self.default.as_ref(),
        };
        if let Some(target) = target {
            target.apply(prefix, request, effects);
        }
        if self.vary || self.debug_header.is_some() {
            self.tell(target, request.access_plan(), effects);
        }
    }

    /// Response headers that describe the decision.
    #[cold]
    fn tell(&self, target: Option<&Target>, access_plan: &AccessPlan, effects: &mut Effects) {
        if self.vary {
            effects.response.extend(access_plan.vary.clone());
        }
        if let Some(name) = &self.debug_header {
            let value = target.map_or_else(|| b"none"[..].into(), |target| target.name.clone());
            effects.response.push(ResponseHeader { name: name.clone(), value, replace: true });
        }
    }
}

impl Target {
    fn apply<O: HostServices>(&self, prefix: Option<usize>, request: &Request<'_, O>, effects: &mut Effects) {
        for (header, value) in &self.headers {
            effects.set(*header, *value);
        }
        if let Some(rewrite) = &self.rewrite {
            rewrite.apply(prefix, request, effects);
        }
    }
}

impl Rewrite {
    #[cold]
    fn apply<O: HostServices>(&self, prefix: Option<usize>, request: &Request<'_, O>, effects: &mut Effects) {
        if let Some(authority) = self.authority {
            effects.authority = authority.into();
        }
        // What an earlier filter took out of the path, such as a token, must not come back.
        let changed = effects.bytes(effects.path, request.access_plan()).map(<[u8]>::to_vec);
        let path = changed.as_deref().or_else(|| request.path_and_query());
        if let Some((uri, path)) = self.uri.as_deref().zip(path) {
            let path_len = path.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(path.len());
            let kept = path.get(prefix.unwrap_or(path_len)..).unwrap_or_default();
            let made = effects.make(|out| {
                out.extend_from_slice(uri);
                out.extend_from_slice(kept);
            });
            effects.path = made.into();
        }
    }
}

impl Ramp {
    /// Who has which buckets at a time, in nanoseconds since the Unix epoch.
    #[cold]
    #[inline(never)]
    fn at(&self, now: u64) -> Option<&Allocation> {
        self.stages.get(usize::try_from(self.steps.taken(now)).ok()?)
    }
}

impl Split {
    /// The target of this request's key.
    fn choose<O: HostServices, T: Trace>(
        &self,
        request: &Request<'_, O>,
        effects: &mut Effects,
        trace: &mut T,
    ) -> Option<&Target> {
        let (key, bucket) = match request.first_text(&self.keys) {
            Some(key) => (Key::Sent(key), self.salt.bucket(key)),
            None => match self.without_key(request, effects) {
                Some((key, bucket)) => (key, bucket),
                None => {
                    trace.routing_step(Note::First);
                    return self.targets.first();
                }
            },
        };
        let allocation = match &self.ramp {
            None => &self.allocation,
            Some(ramp) => ramp.at(request.services().now())?,
        };
        let target = allocation.pick(bucket)?;
        trace.routing_step(Note::Split { key, bucket, target });
        self.targets.get(target)
    }

    /// The bucket of a request that has none of the keys; `None` when all of those go to the first target.
    #[cold]
    fn without_key<O: HostServices>(
        &self,
        request: &Request<'_, O>,
        effects: &mut Effects,
    ) -> Option<(Key<'static>, Bucket)> {
        let random = || request.services().random();
        if let Some(cookie) = &self.cookie {
            if let Some(value) = effects.cookie(cookie.attribute) {
                return Some((Key::Minted, self.salt.bucket(value)));
            }
            let id = match cookie.carried(request) {
                Some(id) => id,
                None => Box::from(weir_cookie::id(random(), random())),
            };
            effects.set_cookie(cookie.attribute, &id, cookie.header(&id));
            cookie.carry(&id, effects);
            return Some((Key::Minted, self.salt.bucket(&id)));
        }
        effects.counts.push(self.keyless);
        match self.without_key {
            WithoutKey::First => None,
            WithoutKey::Random => Some((Key::Random, Bucket::from_hash(random()))),
        }
    }
}
