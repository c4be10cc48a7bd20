//! `fault` of a route as an entry of `faults`.

use super::entry::{Entry, Field, Text, opposite};
use super::place::Place;
use crate::report::Refused;
use serde_json::{Map, Value, json};

/// A fault without the requests that it is for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fault {
    /// `delay` and `abort`.
    pub(crate) parts: Map<String, Value>,
    /// What Istio does not do either.
    pub(crate) notes: Vec<String>,
}

/// Reads a fault.
pub(crate) fn read(fault: &Place<'_>) -> Result<Fault, Refused> {
    fault.known(&["delay", "abort"])?;
    let mut read = Fault::default();
    if let Some(delay) = fault.get("delay") {
        delay.known(&["percentage", "percent", "fixedDelay", "exponentialDelay"])?;
        let share = share(&delay, delay.get("percent"))?;
        match delay.get("fixedDelay") {
            Some(time) => read.part("delay", "fixedDelay", time.text()?.into(), share),
            None => read.notes.push(format!("{}: Istio implements `fixedDelay` only", delay.path)),
        }
    }
    if let Some(abort) = fault.get("abort") {
        if let Some(percent) = abort.get("percent") {
            return Err(percent.refuse("Istio has no such field any more: write `percentage: {value: …}`"));
        }
        abort.known(&["percentage", "httpStatus", "grpcStatus", "http2Error"])?;
        let share = share(&abort, None)?;
        let status = ["httpStatus", "grpcStatus"].into_iter().find_map(|name| Some((name, abort.get(name)?)));
        match status {
            Some((name, status)) => {
                if name == "grpcStatus" {
                    let message = "clients without gRPC get the HTTP status that goes with it, where Istio sends them a 200";
                    read.notes.push(format!("{}: {message}", status.path));
                }
                read.part("abort", name, status.value.clone(), share);
            }
            None => {
                let message = "Istio implements `httpStatus` and `grpcStatus` only";
                read.notes.push(format!("{}: {message}", abort.path));
            }
        }
    }
    Ok(read)
}

impl Fault {
    fn part(&mut self, kind: &str, name: &str, value: Value, share: Option<Value>) {
        match share {
            Some(share) => {
                self.parts.insert(kind.to_owned(), json!({name: value, "percentage": share}));
            }
            None => self.notes.push(format!("{kind}: it has no percentage, so Istio injects nothing either")),
        }
    }
}

/// The percentage; `None` where it is missing, which is nought to Istio.
fn share(part: &Place<'_>, percent: Option<Place<'_>>) -> Result<Option<Value>, Refused> {
    if let Some(percentage) = part.get("percentage") {
        percentage.known(&["value"])?;
        // An object without a value has the value 0.
        return Ok(Some(match percentage.get("value") {
            Some(value) if value.value.is_number() => json!({"value": value.value}),
            Some(value) => return Err(value.refuse("expected a number from 0 to 100")),
            None => json!({"value": 0}),
        }));
    }
    match percent {
        Some(percent) if percent.value.is_u64() => Ok(Some(json!(format!("{}%", percent.value)))),
        Some(percent) => Err(percent.refuse("expected a whole number from 0 to 100")),
        None => Ok(None),
    }
}

/// The requests that pass one of `own` and none of `earlier`, where a list of matches can say it: the first route
/// that matches decides, but an earlier entry of `faults` does not keep requests from later ones.
pub(crate) fn without(own: &[Entry], earlier: &[Entry]) -> Option<Vec<Entry>> {
    let mut left = Vec::new();
    'entries: for entry in own {
        let mut entry = entry.clone();
        for before in earlier {
            if entry.is_apart(before) {
                continue;
            }
            let more: Vec<(&Field, &Text)> = before
                .tests
                .iter()
                .filter(|(field, text)| !entry.implies(field, text, before.ignore_uri_case))
                .collect();
            match more.as_slice() {
                // All of it is taken already.
                [] => continue 'entries,
                [(field, text)] => {
                    let opposite = opposite(field, text)?;
                    if entry.tests.contains_key(&opposite) {
                        return None;
                    }
                    entry.tests.insert(opposite, (*text).clone());
                }
                _ => return None,
            }
        }
        left.push(entry);
    }
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_routes_are_excluded_where_a_match_can_say_it() {
        let path = |text: &str| Entry::of(Field::Uri, Text::Prefix(text.into()));
        let beta = Entry::of(Field::Header("x-group".into()), Text::Exact("beta".into()));
        assert_eq!(without(&[path("/a")], &[path("/b")]), Some(vec![path("/a")]));
        assert_eq!(without(&[path("/a/b")], &[path("/a")]), Some(vec![]));
        assert_eq!(without(&[path("/a")], &[path("/a/b")]), None);
        let rest = Entry::of(Field::Without("x-group".into()), Text::Exact("beta".into()));
        assert_eq!(without(&[Entry::default()], std::slice::from_ref(&beta)), Some(vec![rest.clone()]));
        let both = beta.meet(&path("/a")).unwrap();
        assert_eq!(
            without(&[path("/a")], std::slice::from_ref(&both)),
            rest.meet(&path("/a")).map(|it| vec![it])
        );
        assert_eq!(without(&[Entry::default()], &[both]), None);
        let any = Entry::of(Field::Header("x-group".into()), Text::Regex(".*".into()));
        assert_eq!(without(&[Entry::default()], &[any]), None, "an absent header counts as empty");
    }
}
