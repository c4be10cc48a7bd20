//! Policies that are joined by "or", as rules of which the first that matches decides.
//!
//! Rules overlap: `/admin*` may ask for one claim and `DELETE` for another, and a request that is both may have
//! either. So all sets of requests that policies name, and what any of them have in common, become regions, smaller ones
//! before those that contain them. A request's region is then the smallest that it is in, and for each set of a policy it
//! is known whether that region is inside of it: if a set contained only a part of a region, that part would be a
//! region of its own, and earlier.

use super::entry::Entry;
use super::formula::Formula;
use crate::unsupported::Unsupported;

/// How many regions there may be.
const MAX_REGIONS: usize = 64;

/// A rule of a policy, for one of its operations.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grant {
    /// The requests that it is for: those in one of these …
    pub(crate) within: Vec<Entry>,
    /// … and in none of these.
    pub(crate) outside: Vec<Entry>,
    /// What it asks of their tokens.
    pub(crate) asks: Formula,
}

impl Grant {
    fn holds(&self, region: &Entry) -> bool {
        self.within.iter().any(|set| region.is_inside(set))
            && !self.outside.iter().any(|set| region.is_inside(set))
    }
}

/// What all policies of one proxy say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies {
    /// If there are policies that allow, a request needs one of their grants.
    pub(crate) allow: Option<Vec<Grant>>,
    /// A request must have none of these.
    pub(crate) deny: Vec<Grant>,
}

impl Policies {
    /// What a request of a region must meet.
    fn of(&self, region: &Entry) -> Formula {
        let any = |grants: &[Grant]| {
            Formula::any(grants.iter().filter(|it| it.holds(region)).map(|it| it.asks.clone()).collect())
        };
        let allowed = self.allow.as_deref().map_or(Formula::Always, any);
        Formula::all(vec![any(&self.deny).not(), allowed])
    }

    /// Rules in order, each with the requests that it is for; the last is for all.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub(crate) fn rules(&self) -> Result<Vec<(Vec<Entry>, Formula)>, Unsupported> {
        let grants = || self.allow.iter().flatten().chain(&self.deny);
        let sets = grants().flat_map(|it| it.within.iter().chain(&it.outside));
        let mut found: Vec<(Entry, Formula)> =
            regions(sets)?.into_iter().map(|region| (region.clone(), self.of(&region))).collect();
        // A region is not needed if the next one around it asks for the same. From the last on: which of those that
        // follow are left is known then.
        for index in (0..found.len().saturating_sub(1)).rev() {
            let around = found.get(index).and_then(|(region, asks)| {
                let (_, other) = found.iter().skip(index + 1).find(|(other, _)| region.is_inside(other))?;
                Some(other == asks)
            });
            if around == Some(true) {
                found.remove(index);
            }
        }
        let mut rules: Vec<(Vec<Entry>, Formula)> = Vec::new();
        for (region, asks) in found {
            match rules.last_mut() {
                Some((regions, same)) if *same == asks && !region.is_all() => regions.push(region),
                _ => rules.push((vec![region], asks)),
            }
        }
        Ok(rules)
    }
}

/// The sets, all of their intersections, and the set of all requests; each before those that contain it.
fn regions<'e>(sets: impl Iterator<Item = &'e Entry>) -> Result<Vec<Entry>, Unsupported> {
    let mut all: Vec<Entry> = Vec::new();
    let same = |one: &Entry, another: &Entry| one.is_inside(another) && another.is_inside(one);
    let mut waiting: Vec<Entry> = sets.cloned().collect();
    while let Some(set) = waiting.pop() {
        if all.iter().any(|known| same(known, &set)) {
            continue;
        }
        if all.len() == MAX_REGIONS {
            return Err(format!("their matches overlap in more than {MAX_REGIONS} ways").into());
        }
        for known in all.iter().filter(|known| !known.is_apart(&set)) {
            let both = known.meet(&set).ok_or_else(|| {
                format!("no match says which requests pass both {} and {}", known.to_json(), set.to_json())
            })?;
            waiting.push(both);
        }
        all.push(set);
    }
    let mut sorted: Vec<Entry> = all.into_iter().filter(|set| !set.is_all()).collect();
    sort(&mut sorted);
    sorted.push(Entry::default());
    Ok(sorted)
}

/// Puts each set before those that contain it.
fn sort(sets: &mut Vec<Entry>) {
    let mut left = std::mem::take(sets);
    while !left.is_empty() {
        // One that contains none of the others; there always is one, as no two are equal.
        let contains_another = |set: &Entry| left.iter().any(|other| other != set && other.is_inside(set));
        let at = left.iter().position(|set| !contains_another(set)).unwrap_or(0);
        sets.push(left.remove(at));
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Field, Text};
    use super::*;
    use serde_json::json;

    fn path(text: &str) -> Entry {
        Entry::of(Field::Uri, Text::Prefix(text.into()))
    }

    fn method(text: &str) -> Entry {
        Entry::of(Field::Method, Text::Exact(text.into()))
    }

    fn role(name: &str) -> Formula {
        Formula::Is(json!({"role": name}))
    }

    fn grant(within: Entry, asks: Formula) -> Grant {
        Grant { within: vec![within], outside: vec![], asks }
    }

    #[test]
    fn overlapping_grants_are_joined() {
        let allow = vec![grant(path("/admin"), role("admin")), grant(method("GET"), role("reader"))];
        let rules = Policies { allow: Some(allow), deny: vec![] }.rules().unwrap();
        let both = path("/admin").meet(&method("GET")).unwrap();
        let of = |entry: &Entry| rules.iter().find(|(list, _)| list.contains(entry)).unwrap().1.clone();
        assert_eq!(rules[0].0, std::slice::from_ref(&both));
        assert!(matches!(of(&both), Formula::Any(parts) if parts.len() == 2));
        assert_eq!(of(&path("/admin")), role("admin"));
        assert_eq!(of(&method("GET")), role("reader"));
        assert_eq!(rules.last().unwrap(), &(vec![Entry::default()], Formula::Never));
    }

    #[test]
    fn denials_win_and_exceptions_are_regions() {
        let public = Grant {
            within: vec![Entry::default()],
            outside: vec![path("/health")],
            asks: role("guest").not(),
        };
        let rules = Policies { allow: None, deny: vec![public] }.rules().unwrap();
        assert_eq!(
            rules,
            [(vec![path("/health")], Formula::Always), (vec![Entry::default()], role("guest"))]
        );
        let none = Policies { allow: Some(vec![]), deny: vec![] }.rules().unwrap();
        assert_eq!(none, [(vec![Entry::default()], Formula::Never)]);
    }

    /// What two sets have in common is needed if it asks for something else than the set that is left around it.
    #[test]
    fn regions_that_are_left_out_are_not_missed() {
        let denied = Grant { within: vec![path("/a")], outside: vec![method("GET")], asks: Formula::Always };
        let rules = Policies { allow: None, deny: vec![denied] }.rules().unwrap();
        let both = path("/a").meet(&method("GET")).unwrap();
        assert_eq!(
            rules,
            [
                (vec![both], Formula::Always),
                (vec![path("/a")], Formula::Never),
                (vec![Entry::default()], Formula::Always)
            ]
        );
    }

    #[test]
    fn smaller_sets_come_first_however_they_are_given() {
        let sets = [path("/"), path("/a"), path("/a/b"), path("/c"), path("/a/b/c")];
        for turn in 0..sets.len() {
            let given = sets.iter().cycle().skip(turn).take(sets.len());
            let all = regions(given).unwrap();
            for (index, set) in all.iter().enumerate() {
                assert!(all[..index].iter().all(|before| !set.is_inside(before)), "{all:?}");
            }
            assert_eq!(all.len(), 5, "the path / is every path");
        }
        let patterns = ["/a.*", "/.*b"].map(|text| Entry::of(Field::Uri, Text::Regex(text.into())));
        assert!(regions(patterns.iter()).is_err());
    }
}
