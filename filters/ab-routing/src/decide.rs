//! The decision: one request's attributes in, effects out.

use crate::config::WithoutKey;
use crate::plan::{Action, Entry, Plan, Rewrite, Split, Target};
use weir_allocation::Bucket;
use weir_core::predicate::Facts;
use weir_core::{Effects, Outside, Request, ResponseHeader};

impl Plan {
    /// Decides where a request goes.
    #[inline]
    pub fn decide<O: Outside>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        if self.vary {
            effects.response.extend(request.shape().vary.clone());
        }
        let matched = self
            .rules
            .iter()
            .find_map(|rule| Some((rule, rule.entries.iter().find(|e| e.when.holds(request))?)));
        let (target, prefix) = match matched {
            Some((rule, entry)) => {
                let target = match &rule.action {
                    Action::Target(target) => Some(target),
                    Action::Split(split) => split.choose(request, effects),
                };
                (target, Entry::prefix(entry))
            }
            None => (self.default.as_ref(), None),
        };
        if let Some(target) = target {
            target.apply(prefix, request, effects);
        }
        if let Some(name) = &self.debug_header {
            let value = target.map_or_else(|| b"none"[..].into(), |target| target.name.clone());
            effects.response.push(ResponseHeader { name: name.clone(), value, replace: true });
        }
    }
}

impl Entry {
    fn prefix(&self) -> Option<usize> {
        self.prefix
    }
}

impl Target {
    fn apply<O: Outside>(&self, prefix: Option<usize>, request: &Request<'_, O>, effects: &mut Effects) {
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
    fn apply<O: Outside>(&self, prefix: Option<usize>, request: &Request<'_, O>, effects: &mut Effects) {
        if let Some(authority) = self.authority {
            effects.authority = authority.into();
        }
        if let Some((uri, path)) = self.uri.as_deref().zip(request.path_and_query()) {
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

impl Split {
    /// The target of this request's key.
    fn choose<O: Outside>(&self, request: &Request<'_, O>, effects: &mut Effects) -> Option<&Target> {
        let read = |attribute| request.text(attribute).filter(|key| !key.is_empty());
        let cookie = self.cookie.as_ref();
        let key = self.keys.iter().copied().chain(cookie.map(|c| c.attribute)).find_map(read);
        let bucket = match (key, cookie) {
            (Some(key), _) => self.salt.bucket(key),
            (None, Some(cookie)) => {
                let id = weir_cookie::id(request.outside().random(), request.outside().random());
                effects.response.push(cookie.header(&id));
                self.salt.bucket(&id)
            }
            (None, None) => {
                effects.counts.push(self.keyless);
                match self.without_key {
                    WithoutKey::First => return self.targets.first(),
                    WithoutKey::Random => Bucket::from_hash(request.outside().random()),
                }
            }
        };
        self.targets.get(self.allocation.pick(bucket)?)
    }
}
