//! Compiles the configuration to a plan.

use crate::config::{self, Config, WithoutKey};
use std::rc::Rc;
use weir_allocation::{Allocation, Bucket, InvalidWeight, InvalidWeights, Salt, Weights, anchored, purpose};
use weir_cookie::Cookie;
use weir_core::header::writable_name;
use weir_core::ids::{Counter, TextId};
use weir_core::targeting::has_variants;
use weir_core::{
    At, AttrId, Callbacks, Compiler, OwnedHeader, Predicate, RuleCost, RuleIndex, Steps, StepsSpec, Table,
};

/// The validated routing section.
#[derive(Debug)]
pub struct Plan {
    /// What is tried, in order.
    pub(crate) entries: Box<[Entry]>,
    /// An index of the entries, where they are many.
    pub(crate) index: Option<Box<RuleIndex>>,
    /// What is done, by rule.
    pub(crate) actions: Box<[Action]>,
    pub(crate) default: Option<Target>,
    pub(crate) debug_header: Option<Rc<str>>,
    pub(crate) vary: bool,
    /// Counts entries that could not be judged.
    pub(crate) undecided: Counter,
}

/// One way to match a rule. Those of one rule are kept apart because a rewrite replaces the prefix of the
/// one that matched.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) when: Predicate,
    /// The rule's position.
    pub(crate) rule: usize,
    /// The length of the path prefix that it matched by.
    pub(crate) prefix: Option<usize>,
}

#[derive(Debug)]
pub(crate) enum Action {
    Target(Target),
    Split(Box<Split>),
}

#[derive(Debug)]
pub(crate) struct Target {
    /// The rule's name, with the target's in a split; for the debug header.
    pub(crate) name: Rc<[u8]>,
    pub(crate) headers: Box<[(OwnedHeader, TextId)]>,
    pub(crate) rewrite: Option<Box<Rewrite>>,
}

#[derive(Debug)]
pub(crate) struct Rewrite {
    pub(crate) authority: Option<TextId>,
    pub(crate) uri: Option<Box<[u8]>>,
}

#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) salt: Salt,
    pub(crate) keys: Box<[AttrId]>,
    pub(crate) cookie: Option<Cookie>,
    pub(crate) without_key: WithoutKey,
    /// Counts requests without a key.
    pub(crate) keyless: Counter,
    /// Who has which buckets, at the end of a ramp.
    pub(crate) allocation: Allocation,
    pub(crate) ramp: Option<Box<Ramp>>,
    pub(crate) targets: Box<[Target]>,
}

/// Weights that change in steps.
#[derive(Debug)]
pub(crate) struct Ramp {
    pub(crate) steps: Steps,
    /// Who has which buckets before the first step, and after each.
    pub(crate) stages: Box<[Allocation]>,
}

impl Plan {
    /// Compiles a section to its plan. Problems go to the compiler, and a plan with problems must not be
    /// used.
    pub fn compile(config: &Config, compiler: &mut Compiler<'_>, at: &At) -> Self {
        compiler.own_names_of_routing();
        let mut builder = Builder::new(config, compiler, at);
        let (mut entries, mut actions) = (Vec::<Entry>::new(), Vec::new());
        for (i, rule) in config.rules.iter().enumerate() {
            let at = at.field("rules").index(i);
            builder.entries(rule, actions.len(), &mut entries, &at);
            actions.extend(builder.rule(rule, &at));
        }
        let default =
            config.default.as_ref().map(|target| builder.target("default", target, &at.field("default")));
        if config.rules.is_empty() && config.default.is_none() {
            builder
                .compiler
                .problems
                .missing(&at.field("rules"), "routing needs at least one rule or a default");
        }
        let response = at.field("response");
        let debug = config.response.debug_header.as_deref();
        let debug_header = debug.and_then(|name| {
            builder.compiler.callback(Callbacks::RESPONSE_HEADERS);
            builder
                .compiler
                .problems
                .accept(writable_name(name), &response.field("debugHeader"))
                .map(Rc::from)
        });
        if config.response.vary {
            builder.compiler.vary();
        }
        let undecided = builder.compiler.undecided("routing");
        let index = RuleIndex::new(
            &entries.iter().map(|entry| Some(&entry.when)).collect::<Vec<_>>(),
            RuleCost::PREDICATE,
            builder.compiler,
        );
        let (entries, actions) = (entries.into(), actions.into());
        Self { entries, index, actions, default, debug_header, vary: config.response.vary, undecided }
    }
}

struct Builder<'b, 'c> {
    compiler: &'b mut Compiler<'c>,
    cluster_header: String,
    cluster_header_at: At,
    names: Table<String>,
}

impl<'b, 'c> Builder<'b, 'c> {
    fn new(config: &Config, compiler: &'b mut Compiler<'c>, at: &At) -> Self {
        let cluster_header = config.cluster_header.clone().unwrap_or_else(|| "x-weir-cluster".to_owned());
        Self {
            compiler,
            cluster_header,
            cluster_header_at: at.field("clusterHeader"),
            names: Table::default(),
        }
    }

    fn rule(&mut self, rule: &config::Rule, at: &At) -> Option<Action> {
        let name_at = at.field("name");
        if self.compiler.check_name(&rule.name, &name_at) && !self.names.insert(rule.name.clone()) {
            self.compiler.duplicate_name(&rule.name, "rule", &name_at);
        }
        Some(match &rule.split {
            Some(split) => {
                if !rule.target.is_empty() {
                    let message = "a rule has either a split or a target; put setHeaders, cluster and rewrite into the split's targets";
                    self.compiler.problems.add(at, message);
                }
                Action::Split(Box::new(self.split(&rule.name, split, &at.field("split"))?))
            }
            None => Action::Target(self.target(&rule.name, &rule.target, at)),
        })
    }

    /// The ways to match a rule, at position `index`.
    fn entries(&mut self, rule: &config::Rule, index: usize, entries: &mut Vec<Entry>, at: &At) {
        let targeting = &rule.targeting;
        if targeting.http_match.len() < 2 {
            let when = targeting.compile(self.compiler, at);
            let when = self.with_variants(when, rule, at);
            let prefix = targeting.http_match.first().and_then(|m| m.uri_prefix()).map(str::len);
            entries.push(Entry { when, rule: index, prefix });
            return;
        }
        for (i, http_match) in targeting.http_match.iter().enumerate() {
            let matches = http_match.compile(self.compiler, &at.field("match").index(i));
            // The condition is compiled once an entry: entries are few, and it is interned.
            let mut also = Vec::new();
            also.extend(targeting.compile_condition(self.compiler, at));
            also.extend(targeting.compile_cel(self.compiler, at));
            let also = self.with_variants(Predicate::all(also), rule, at);
            let when = Predicate::all(vec![matches, also]);
            entries.push(Entry { when, rule: index, prefix: http_match.uri_prefix().map(str::len) });
        }
    }

    /// The predicate, and that the request has the rule's variants.
    fn with_variants(&mut self, when: Predicate, rule: &config::Rule, at: &At) -> Predicate {
        let mut all = has_variants(&rule.variant, self.compiler, at);
        all.push(when);
        Predicate::all(all)
    }

    fn target(&mut self, name: &str, target: &config::Target, at: &At) -> Target {
        if target.is_empty() {
            self.compiler.problems.missing(at, "specify setHeaders, cluster, rewrite or a split");
        }
        let mut headers = Vec::new();
        for (header, value) in target.set_headers.iter() {
            let at = at.field("setHeaders").field(header);
            let owned = self.compiler.own_header(header, &at);
            let value = self.compiler.safe_value(value, &at);
            headers.extend(owned.zip(value));
        }
        if let Some(cluster) = &target.cluster {
            let owned =
                self.compiler.own_header(&self.cluster_header.clone(), &self.cluster_header_at.clone());
            let at = at.field("cluster");
            if cluster.is_empty() {
                self.compiler.problems.add(&at, "a cluster's name cannot be empty");
            }
            headers.extend(owned.zip(self.compiler.safe_value(cluster, &at)));
        }
        let rewrite = target.rewrite.as_ref();
        let rewrite = rewrite.map(|rewrite| Box::new(self.rewrite(rewrite, &at.field("rewrite"))));
        Target { name: name.as_bytes().into(), headers: headers.into(), rewrite }
    }

    fn rewrite(&mut self, rewrite: &config::Rewrite, at: &At) -> Rewrite {
        if rewrite.uri.is_none() && rewrite.authority.is_none() {
            self.compiler.problems.missing(at, "a rewrite needs `uri`, `authority` or both");
        }
        let uri = rewrite.uri.as_deref().and_then(|uri| self.uri(uri, &at.field("uri")));
        let authority = rewrite.authority.as_deref();
        Rewrite { uri, authority: authority.and_then(|text| self.authority(text, &at.field("authority"))) }
    }

    fn uri(&mut self, uri: &str, at: &At) -> Option<Box<[u8]>> {
        self.compiler.need_path();
        if !uri.starts_with('/') || !uri.bytes().all(|b| b.is_ascii_graphic()) || uri.contains(['?', '#']) {
            self.compiler.problems.add(
                at,
                format!("{uri:?} is not a path: it starts with `/`, is percent-encoded, and has no query"),
            );
            return None;
        }
        Some(uri.as_bytes().into())
    }

    fn authority(&mut self, authority: &str, at: &At) -> Option<TextId> {
        let host = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':' | b'[' | b']');
        if authority.is_empty() || !authority.bytes().all(host) {
            self.compiler
                .problems
                .add(at, format!("{authority:?} is not a host such as v2.example.com or v2:8080"));
            return None;
        }
        Some(self.compiler.text(authority.as_bytes()))
    }

    fn split(&mut self, rule: &str, split: &config::Split, at: &At) -> Option<Split> {
        let sticky = at.field("stickyBy");
        let mut keys = self.compiler.sources(&split.sticky_by, &sticky).into_vec();
        let cookie = split
            .mint_cookie
            .as_ref()
            .and_then(|spec| Cookie::compile(spec, self.compiler, &at.field("mintCookie")));
        // A cookie that was minted before is the last of the keys.
        keys.extend(cookie.as_ref().map(|cookie| cookie.attribute));
        if split.sticky_by.is_empty()
            && split.mint_cookie.is_none()
            && split.without_key != Some(WithoutKey::Random)
        {
            let message = "specify the source of the key (such as header:x-user-id), a mintCookie, or `withoutKey: random`";
            self.compiler.problems.missing(&sticky, message);
        }
        if split.mint_cookie.is_some() && split.without_key.is_some() {
            self.compiler.problems.add(
                &at.field("withoutKey"),
                "has no effect beside mintCookie, which gives every request a key",
            );
        }
        if split.seed.as_deref() == Some("") {
            self.compiler.problems.add(&at.field("seed"), "a seed cannot be empty");
        }
        let allocation = self.allocation(split, &at.field("targets"));
        // What is wrong with the weights themselves is said once.
        let ramp = split.ramp.as_ref().filter(|_| allocation.is_some());
        let ramp = ramp.and_then(|ramp| self.ramp(split, ramp, &at.field("ramp")));
        let targets = self.split_targets(rule, &split.targets, &at.field("targets"));
        Some(Split {
            // A rule may have the name of an experiment: by itself that must not tie the two together.
            salt: match &split.seed {
                Some(seed) => Salt::new(seed),
                None => Salt::derived(rule, purpose::SPLIT),
            },
            keys: keys.into(),
            cookie,
            without_key: split.without_key.unwrap_or_default(),
            keyless: self.compiler.counter("weir_routing_without_key_total"),
            allocation: allocation?,
            ramp: ramp.map(Box::new),
            targets,
        })
    }

    fn split_targets(&mut self, rule: &str, targets: &[config::SplitTarget], at: &At) -> Box<[Target]> {
        let (mut built, mut names) = (Vec::new(), Table::<&str>::default());
        for (i, target) in targets.iter().enumerate() {
            let at = at.index(i);
            let name_at = at.field("name");
            if self.compiler.check_name(&target.name, &name_at) && !names.insert(&*target.name) {
                self.compiler.duplicate_name(&target.name, "target", &name_at);
            }
            let name = format!("{rule}/{}", target.name);
            // A target without effects is fine here: the rest of a canary goes on as before.
            built.push(if target.target.is_empty() {
                Target { name: name.into_bytes().into(), headers: [].into(), rewrite: None }
            } else {
                self.target(&name, &target.target, &at)
            });
        }
        built.into()
    }

    fn ramp(&mut self, split: &config::Split, spec: &StepsSpec, at: &At) -> Option<Ramp> {
        let steps = Steps::compile(spec, self.compiler, at)?;
        let mut stages = Vec::<Allocation>::new();
        for taken in 0..=steps.number() {
            let stage = match stage(split, taken) {
                Ok(stage) => stage,
                Err(invalid) => {
                    self.compiler.problems.add(at, format!("step {taken}: {invalid}"));
                    return None;
                }
            };
            let gives = stages.last().and_then(|before| loser(before, &stage));
            if let Some(target) = gives.and_then(|target| split.targets.get(target)) {
                let message = format!(
                    "step {taken} would take keys from {:?}, into whose place an earlier target grows: use fewer targets, or change \
                     the weights with `weir plan`",
                    target.name
                );
                self.compiler.problems.add(at, message);
                return None;
            }
            stages.push(stage);
        }
        Some(Ramp { steps, stages: stages.into() })
    }

    fn allocation(&mut self, split: &config::Split, at: &At) -> Option<Allocation> {
        let targets = &split.targets;
        if targets.len() < 2 {
            self.compiler.problems.missing(at, "a split needs at least two targets");
        }
        for (i, target) in targets.iter().enumerate() {
            if target.weight.is_none() {
                self.compiler.problems.missing(&at.index(i).field("weight"), "expected a weight, such as 10");
            }
        }
        match stage(split, u32::MAX) {
            Ok(allocation) => Some(allocation),
            Err(invalid) => {
                for problem in &invalid.0 {
                    let at = entry(problem).map_or_else(|| at.clone(), |i| at.index(i).field("weight"));
                    self.compiler.problems.add(&at, problem.to_string());
                }
                None
            }
        }
    }
}

/// Who has which buckets after so many steps of a ramp.
#[inline(never)]
fn stage(split: &config::Split, taken: u32) -> Result<Allocation, InvalidWeights> {
    Ok(anchored(&Weights::from_relative(&split.weights_after(taken))?))
}

/// A target other than the first that has a bucket before, and not after.
fn loser(before: &Allocation, after: &Allocation) -> Option<usize> {
    // Between these, nothing changes in any of the two.
    let starts = before.ranges().chain(after.ranges()).map(|(range, _)| range.start);
    starts.into_iter().find_map(|start| {
        let bucket = Bucket::new(start)?;
        before.pick(bucket).filter(|owner| *owner > 0 && after.pick(bucket) != Some(*owner))
    })
}

/// Which weight a problem is about; `None` when it is about all of them.
fn entry(problem: &InvalidWeight) -> Option<usize> {
    match problem {
        InvalidWeight::NotFinite { index, .. }
        | InvalidWeight::Negative { index, .. }
        | InvalidWeight::RoundsToZero { index, .. } => Some(*index),
        _ => None,
    }
}
