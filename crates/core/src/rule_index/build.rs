//! Makes an index of rules.

use super::{Group, Hash, Key, Memory, RuleIndex, VariantKey};
use crate::compile::Compiler;
use crate::need::{Need, Source, Wanted};
use crate::predicate::Predicate;
use crate::sort::sort_by;
use crate::table::{Index, Table};

/// A value that costs all rules together less than this, in comparisons of a header, gets no group: a look at each
/// rule costs less than a look at the index.
const MIN_COST: usize = 32;

/// The same of a value that the proxy must be asked for, or that must be parsed: without an index, requests which a
/// rule excludes by something else do not pay for it.
const MIN_COST_OF_COSTLY: usize = 10 * MIN_COST;

/// What asking about a rule costs without an index, in comparisons of a header.
#[derive(Clone, Copy, Debug)]
pub struct RuleCost {
    /// What comes before its predicate.
    pub before: usize,
    /// Whether its predicate is looked at for most requests.
    pub judged: bool,
}

impl RuleCost {
    /// Nothing but the predicate.
    pub const PREDICATE: Self = Self { before: 0, judged: true };

    fn of(self, predicate: usize) -> usize {
        self.before + if self.judged { predicate } else { 0 }
    }
}

/// The need of a rule by which it is found: the positions of its keys.
type Found = Option<Box<[usize]>>;

/// The values of the request by which rules are found.
#[derive(Default)]
struct Sources {
    sources: Table<Source>,
    /// What asking all rules of each costs.
    costs: Vec<usize>,
    /// The same of those that are found by variants.
    variants: usize,
}

impl Sources {
    fn add(&mut self, key: &Wanted<'_>, cost: usize) {
        let Wanted::Text { source, .. } = key else {
            self.variants += cost;
            return;
        };
        let position = self.sources.put(*source);
        match self.costs.get_mut(position) {
            Some(sum) => *sum += cost,
            None => self.costs.push(cost),
        }
    }

    /// Whether variants are worth a look.
    fn variants_are_worth(&self) -> bool {
        self.variants >= MIN_COST
    }

    /// Each, and whether it is worth a group.
    fn worth<'s>(&'s self, compiler: &Compiler<'_>) -> impl Iterator<Item = (&'s Source, bool)> {
        let sources = self.sources.items().iter().zip(&self.costs);
        sources.map(|(source, cost)| (source, is_worth(source, *cost, compiler)))
    }

    /// Whether rules are found by a text or a variant.
    fn are_found_by(&self, key: &Wanted<'_>, compiler: &Compiler<'_>) -> bool {
        let Wanted::Text { source, .. } = key else { return self.variants_are_worth() };
        let cost = self.sources.find(source).and_then(|position| self.costs.get(position));
        cost.is_some_and(|cost| is_worth(source, *cost, compiler))
    }
}

/// Whether a value has a group, where asking all rules about it costs so much.
fn is_worth(source: &Source, cost: usize, compiler: &Compiler<'_>) -> bool {
    cost >= if compiler.is_costly(source.attribute) { MIN_COST_OF_COSTLY } else { MIN_COST }
}

impl RuleIndex {
    /// An index of rules, each of which costs `cost`; `None` for a rule that all requests must be asked about. Returns
    /// `None` if asking all rules costs less than an index.
    pub fn new(rules: &[Option<&Predicate>], cost: RuleCost, compiler: &Compiler<'_>) -> Option<Box<Self>> {
        if rules.len() < MIN_COST / 4 {
            return None;
        }
        let (known, wanted) = wanted(rules);
        let mut sources = Sources::default();
        let mut found: Vec<Found> = Vec::with_capacity(rules.len());
        // What rules cost that no request is for.
        let mut idle = 0;
        for rule in rules {
            let best = rule.and_then(|rule| best(rule, &known, &wanted, compiler));
            found.push(best.map(|need| {
                let cost = cost.of(need.cost);
                match need.keys.len() {
                    0 => idle += cost,
                    keys => need.keys.iter().for_each(|key| sources.add(key, cost.div_ceil(keys))),
                }
                need.keys.iter().filter_map(|key| known.find(key)).collect()
            }));
        }
        let worth = sources.variants_are_worth() || sources.worth(compiler).any(|(_, worth)| worth);
        if idle < MIN_COST && !worth {
            return None;
        }
        // A rule whose rarest need is not looked up is found by another one that is.
        for (rule, found) in rules.iter().zip(&mut found) {
            let (Some(rule), Some(keys)) = (rule, &mut *found) else { continue };
            let are_found = |key: &Wanted<'_>| sources.are_found_by(key, compiler);
            if keys.iter().all(|key| known.items().get(*key).is_some_and(are_found)) {
                continue;
            }
            let mut needs = Vec::new();
            rule.needs(&mut needs);
            if let Some(need) = needs.iter().find(|need| need.keys.iter().all(are_found)) {
                *keys = need.keys.iter().filter_map(|key| known.find(key)).collect();
            }
        }
        Some(Box::new(assemble(&known, &sources, &found, compiler)))
    }
}

/// The texts and variants that rules require, and how many times each is required.
fn wanted<'p>(rules: &[Option<&'p Predicate>]) -> (Table<Wanted<'p>>, Vec<usize>) {
    let (mut known, mut wanted) = (Table::default(), Vec::new());
    let mut needs = Vec::new();
    for rule in rules.iter().flatten() {
        needs.clear();
        rule.needs(&mut needs);
        for key in needs.iter().flat_map(|need: &Need<'_>| &need.keys) {
            let position = known.put(*key);
            match wanted.get_mut(position) {
                Some(times) => *times += 1,
                None => wanted.push(1),
            }
        }
    }
    (known, wanted)
}

/// The rarest need of a rule, so that few requests are asked about it; one that costs nothing to look at, if possible.
fn best<'p>(
    rule: &'p Predicate,
    known: &Table<Wanted<'_>>,
    wanted: &[usize],
    compiler: &Compiler<'_>,
) -> Option<Need<'p>> {
    let mut needs = Vec::new();
    rule.needs(&mut needs);
    let times = |key: &Wanted<'_>| known.find(key).and_then(|position| wanted.get(position).copied());
    needs.into_iter().min_by_key(|need| {
        let costly = need.keys.iter().any(|key| match key {
            Wanted::Text { source, .. } => compiler.is_costly(source.attribute),
            Wanted::Variant { .. } => false,
        });
        (costly, need.keys.iter().filter_map(times).sum::<usize>())
    })
}

fn assemble(
    known: &Table<Wanted<'_>>,
    sources: &Sources,
    found: &[Found],
    compiler: &Compiler<'_>,
) -> RuleIndex {
    // The groups of the sources that are worth one.
    let (mut groups, mut group_of) = (Vec::<Group>::new(), Vec::new());
    for (source, worth) in sources.worth(compiler) {
        group_of.push(worth.then_some(groups.len()));
        if worth {
            let all = vec![0u64; found.len().div_ceil(64)].into();
            groups.push(Group { source: *source, lengths: Box::default(), longest: None, all });
        }
    }
    let group = |key: &Wanted<'_>| match key {
        Wanted::Text { source, .. } => group_of.get(sources.sources.find(source)?).copied().flatten(),
        Wanted::Variant { .. } => None,
    };
    let groups_of: Vec<Option<usize>> = known.items().iter().map(group).collect();
    let is_looked_up = |key: &usize| match known.items().get(*key) {
        Some(Wanted::Variant { .. }) => sources.variants_are_worth(),
        _ => groups_of.get(*key).is_some_and(Option::is_some),
    };
    // Each key with the rules that are found by it.
    let mut always = vec![0u64; found.len().div_ceil(64)];
    let mut counts = vec![0usize; known.items().len() + 1];
    let by_keys = |found: &&Found| found.as_ref().is_some_and(|keys| keys.iter().all(is_looked_up));
    for (rule, found) in found.iter().enumerate() {
        if by_keys(&found) {
            for key in found.iter().flatten() {
                counts.get_mut(key + 1).into_iter().for_each(|count| *count += 1);
            }
        } else if let Some(word) = always.get_mut(rule / 64) {
            *word |= 1 << (rule % 64);
        }
    }
    let mut sum = 0;
    for count in &mut counts {
        sum += *count;
        *count = sum;
    }
    // From here on, where each key's rules start; each rule that is placed moves that on.
    let mut next = counts.clone();
    let mut rules = vec![0usize; sum];
    for (rule, found) in found.iter().enumerate().filter(|(_, found)| by_keys(found)) {
        for key in found.iter().flatten() {
            let Some(at) = next.get_mut(*key) else { continue };
            rules.get_mut(*at).into_iter().for_each(|slot| *slot = rule);
            *at += 1;
            let group = groups_of.get(*key).copied().flatten().and_then(|group| groups.get_mut(group));
            if let Some(word) = group.and_then(|group| group.all.get_mut(rule / 64)) {
                *word |= 1 << (rule % 64);
            }
        }
    }
    let (mut keys, mut variants, mut by_hash) = (Vec::new(), Vec::new(), Index::default());
    // Each length once: there are as many texts as rules.
    let mut lengths: Vec<Table<usize>> = groups.iter().map(|_| Table::default()).collect();
    for (position, wanted) in known.items().iter().enumerate() {
        let Some([from, to]) = counts.get(position..position + 2) else { continue };
        if from == to {
            continue;
        }
        let rules = *from..*to;
        let (start, text) = match *wanted {
            Wanted::Text { start, text, .. } => (start, text),
            Wanted::Variant { experiment, variant } => {
                variants.push(VariantKey { experiment, variant, rules });
                continue;
            }
        };
        let Some(Some(group)) = groups_of.get(position).copied() else { continue };
        match (start, lengths.get_mut(group), groups.get_mut(group)) {
            (true, Some(lengths), _) => {
                lengths.put(text.len());
            }
            (false, _, Some(group)) => group.longest = group.longest.max(Some(text.len())),
            _ => continue,
        }
        let mut hash = Hash::new(group);
        hash.add(text);
        by_hash.add(hash.finish(start), keys.len());
        keys.push(Key { group, start, text: text.into(), rules });
    }
    sort_by(&mut variants, |a: &VariantKey, b| a.experiment.index() < b.experiment.index());
    for (group, lengths) in groups.iter_mut().zip(lengths) {
        let mut lengths = lengths.into_items();
        sort_by(&mut lengths, |a, b| a < b);
        group.lengths = lengths.into();
    }
    RuleIndex {
        always: always.into(),
        groups: groups.into(),
        keys: keys.into(),
        variants: variants.into(),
        by_hash,
        rules: rules.into(),
        memory: Memory::default(),
    }
}
