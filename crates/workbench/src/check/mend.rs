//! Problems of a configuration, one for each cause.
//!
//! A misspelt name hides what is inside it, and is often missing where it was meant. So what is surely meant is put
//! in its place, in memory only, and the configuration is read again: what is found then is all that is wrong
//! besides.

use super::report::Finding;
use super::words::{self, Then};
use crate::variables::Variables;
use crate::yaml::{Content, Mark, Member, Node, Style};
use serde_json::Number;
use weir_core::{At, Problem};
use weir_pipeline::Plans;

/// How often the configuration is read again: a mistake within a mistake within a mistake.
const MAX_ROUNDS: usize = 4;
/// The first ones are enough for a while.
const MAX_PROBLEMS: usize = 100;
/// How many names are looked for elsewhere, which takes reading the configuration once more for each.
const MAX_MOVED: usize = 4;

/// The problems of a configuration; `lines` are those of its file.
pub(super) fn problems(node: &Node, variables: &Variables, lines: &[&str]) -> Vec<Finding> {
    let mut tree = None;
    let mut found = load(node, variables);
    let mut kept: Vec<(At, Finding)> = Vec::new();
    let mut moved = 0;
    for round in 0..MAX_ROUNDS {
        if found.is_empty() {
            break;
        }
        let tree = tree.get_or_insert_with(|| node.clone());
        let places: Vec<Mark> = found.iter().map(|problem| tree.locate(&problem.at)).collect();
        let mut rest = Vec::new();
        let mut changed = false;
        for (problem, at) in found.into_iter().zip(places) {
            let mended = (round + 1 < MAX_ROUNDS)
                .then(|| {
                    mend(tree, &problem, lines).or_else(|| moved_away(tree, &problem, variables, &mut moved))
                })
                .flatten();
            match mended {
                Some(message) => {
                    changed = true;
                    keep(&mut kept, problem.at, at, message);
                }
                None => rest.push((problem, at)),
            }
        }
        if !changed {
            rest.into_iter().for_each(|(problem, at)| keep(&mut kept, problem.at, at, problem.message));
            break;
        }
        found = load(tree, variables);
    }
    kept.truncate(MAX_PROBLEMS);
    kept.into_iter().map(|(_, finding)| finding).collect()
}

/// What a module says to a configuration.
pub(super) fn load(node: &Node, variables: &Variables) -> Vec<Problem> {
    let bytes = node.to_json().to_string().into_bytes();
    let problems = Plans::load_offline(&bytes, &|name| variables.get(name)).err().unwrap_or_default();
    problems.iter().cloned().collect()
}

/// Keeps a problem. What is said of a place later is said of the right kind of value, and counts.
fn keep(kept: &mut Vec<(At, Finding)>, place: At, at: Mark, message: String) {
    let finding = Finding { at, path: Some(place.to_string()), message };
    match kept.iter_mut().find(|(known, _)| *known == place) {
        Some((_, known)) => {
            // The text that was put in the place of a word is in quotes, which the file does not have.
            let word = known.message.split(" is not a string").next().unwrap_or_default();
            let unquoted =
                finding.message.strip_prefix(&format!("{word:?}")).map(|rest| format!("{word}{rest}"));
            *known = Finding { message: unquoted.unwrap_or(finding.message), ..finding };
        }
        None => kept.push((place, finding)),
    }
}

/// Puts in the place of a mistake what was meant, and says what is wrong with it.
fn mend(tree: &mut Node, problem: &Problem, lines: &[&str]) -> Option<String> {
    let message = problem.message.as_str();
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (name, rest) = rest.split_once('`')?;
        let meant = rest.strip_prefix(", did you mean `").and_then(|rest| rest.strip_suffix("`?"));
        return unknown(tree, problem, name, meant);
    }
    let part = tree.part_mut(&problem.at)?;
    let written = written(part, lines);
    let shown = plain(part);
    let is = |what: &str| shown.as_ref().is_some_and(|shown| message == format!("{shown} is not {what}"));
    match &part.content {
        Content::Bool(_) | Content::Number(_) if is("a string") => {
            let word = written.or(shown)?;
            let hint = match &part.content {
                Content::Bool(_) if word != "true" && word != "false" => {
                    format!("`{word}` is a boolean in YAML 1.1, not a string: write \"{word}\"")
                }
                _ => format!("{message}: write \"{word}\""),
            };
            part.content = Content::Text(word, Style::Plain);
            Some(hint)
        }
        Content::Text(text, _) => {
            let text = text.clone();
            let quoted = |what: &str| message.starts_with(&format!("{text:?} is not {what}"));
            if quoted("a number") || quoted("a whole number") {
                let written = text.trim().trim_end_matches('%').trim().to_owned();
                let whole = written.parse::<u64>().ok().map(Number::from);
                let number = whole.or_else(|| written.parse().ok().and_then(Number::from_f64))?;
                part.content = Content::Number(number);
                return Some(format!("{message}: write {written}"));
            }
            if quoted("a boolean") && matches!(text.as_str(), "true" | "false") {
                part.content = Content::Bool(text == "true");
                return Some(format!("{message}: remove the quotes"));
            }
            if quoted("a list") || message == "a text (not shown here) is not a list" {
                return None;
            }
            source(part, &text, message)
        }
        Content::Object(_) if message == "an object is not a list" => {
            let name = unwrapped(part);
            Some(match name {
                Some(name) => format!(
                    "{message}: write the entries of `{name}` directly here, each with `- ` before it"
                ),
                None => format!("{message}: write `- ` before each entry"),
            })
        }
        Content::List(_) if message == "a list is not an object" => {
            let name = match problem.at.to_string().as_str() {
                "experiments" => "list",
                "routing" | "jwt" => "rules",
                _ => return None,
            };
            let list = std::mem::replace(&mut part.content, Content::Null);
            let value = Node { at: part.at, content: list };
            part.content = Content::Object(vec![Member { key: name.into(), key_at: part.at, value }]);
            Some(format!("{message}: write the entries below `{name}:`"))
        }
        _ => None,
    }
}

/// A name that is not known here.
fn unknown(tree: &mut Node, problem: &Problem, name: &str, meant: Option<&str>) -> Option<String> {
    let place = problem.at.to_string();
    let (parent, index) = tree.parent_mut(&problem.at)?;
    let Content::Object(members) = &mut parent.content else { return None };
    let known = |members: &[Member], name: &str| members.iter().any(|member| member.key == name);
    if let Some(word) = words::find(name, &place) {
        match word.then {
            Then::Rename(ours) if !known(members, ours) => ours.clone_into(&mut members.get_mut(index)?.key),
            Then::Replace(ours) if !known(members, ours) => {
                let member = members.get_mut(index)?;
                ours.clone_into(&mut member.key);
                member.value = words::right(ours, &member.value);
            }
            _ => drop(members.remove(index)),
        }
        return Some(format!("unknown field `{name}`: {}", word.hint));
    }
    let meant = meant?;
    match known(members, meant) {
        true => drop(members.remove(index)),
        false => meant.clone_into(&mut members.get_mut(index)?.key),
    }
    Some(problem.message.clone())
}

/// A source without its kind.
fn source(part: &mut Node, text: &str, message: &str) -> Option<String> {
    let rest = message.strip_prefix(&format!("{text:?} is neither an attribute nor a source"))?;
    if rest.contains("did you mean") || text.contains([':', ' ']) || text.is_empty() {
        return None;
    }
    let meant = format!("header:{text}");
    part.content = Content::Text(meant.clone(), Style::Plain);
    Some(format!(
        "{text:?} is neither an attribute nor a source, did you mean `{meant}`? (or cookie:NAME, query:NAME, claim:NAME, …)"
    ))
}

/// Makes a list of an object: what its only member has, or the object as the only entry. The name of that member.
fn unwrapped(part: &mut Node) -> Option<String> {
    let Content::Object(members) = &mut part.content else { return None };
    let inner = match members.as_mut_slice() {
        [only] => match &mut only.value.content {
            Content::List(items) => Some((only.key.clone(), std::mem::take(items))),
            _ => None,
        },
        [] => Some((String::new(), Vec::new())),
        _ => None,
    };
    let (name, items) = match inner {
        Some((name, items)) => (Some(name).filter(|name| !name.is_empty()), items),
        None => (None, vec![part.clone()]),
    };
    part.content = Content::List(items);
    name
}

/// A name that is known one level deeper or higher: then its line is not indented as it was meant.
fn moved_away(
    tree: &mut Node,
    problem: &Problem,
    variables: &Variables,
    moved: &mut usize,
) -> Option<String> {
    let rest = problem.message.strip_prefix("unknown field `")?;
    let (name, rest) = rest.split_once('`')?;
    if *moved >= MAX_MOVED || rest.starts_with(", did you mean") {
        return None;
    }
    *moved += 1;
    deeper(tree, problem, name, variables).or_else(|| higher(tree, problem, name, variables))
}

/// Moves a member into the one before it, or into the last entry of the list before it.
fn deeper(tree: &mut Node, problem: &Problem, name: &str, variables: &Variables) -> Option<String> {
    let mut trial = tree.clone();
    let around = trial.parent(&problem.at)?;
    let (parent, index) = trial.parent_mut(&problem.at)?;
    let Content::Object(members) = &mut parent.content else { return None };
    if index == 0 {
        return None;
    }
    let member = members.remove(index);
    let before = members.get_mut(index - 1)?;
    let (mut place, mut shown) = (around.field(&before.key), before.key.clone());
    let target = match &mut before.value.content {
        Content::List(items) => {
            place = place.index(items.len().checked_sub(1)?);
            shown = format!("the last entry of `{shown}`");
            items.last_mut()?
        }
        _ => {
            shown = format!("`{shown}`");
            &mut before.value
        }
    };
    let Content::Object(inner) = &mut target.content else { return None };
    if inner.iter().any(|known| known.key == name) {
        return None;
    }
    inner.push(member);
    is_known(&trial, &place.field(name), variables)?;
    *tree = trial;
    Some(format!("unknown field `{name}` here: it belongs to {shown}, so indent it further"))
}

/// Moves a member out of the object that it is in, or out of the list of such objects.
fn higher(tree: &mut Node, problem: &Problem, name: &str, variables: &Variables) -> Option<String> {
    let mut trial = tree.clone();
    let around = trial.parent(&problem.at)?;
    let (parent, index) = trial.parent_mut(&problem.at)?;
    let Content::Object(members) = &mut parent.content else { return None };
    let member = members.remove(index);
    let mut outer = trial.parent(&around)?;
    if matches!(trial.part(&outer)?.content, Content::List(_)) {
        outer = trial.parent(&outer)?;
    }
    let Content::Object(members) = &mut trial.part_mut(&outer)?.content else { return None };
    if members.iter().any(|known| known.key == name) {
        return None;
    }
    members.push(member);
    is_known(&trial, &outer.field(name), variables)?;
    *tree = trial;
    let shown = if outer == At::root() { "the top level".to_owned() } else { format!("`{outer}`") };
    Some(format!("unknown field `{name}` here: it belongs to {shown}, so indent it less"))
}

fn is_known(tree: &Node, place: &At, variables: &Variables) -> Option<()> {
    let unknown = |it: &Problem| it.at == *place && it.message.starts_with("unknown field");
    (!load(tree, variables).iter().any(unknown)).then_some(())
}

/// A boolean or a number as messages show it.
fn plain(node: &Node) -> Option<String> {
    match &node.content {
        Content::Bool(value) => Some(value.to_string()),
        Content::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The word that YAML took for a boolean or a number, as it is in the file.
fn written(node: &Node, lines: &[&str]) -> Option<String> {
    let line = lines.get(node.at.line.checked_sub(1)?)?;
    let word: String = line
        .chars()
        .skip(node.at.column.checked_sub(1)?)
        .take_while(|c| !c.is_whitespace() && !matches!(c, ',' | '}' | ']' | '#'))
        .collect();
    let fits = match &node.content {
        Content::Bool(value) => {
            let words = if *value { ["true", "yes", "on", "y"] } else { ["false", "no", "off", "n"] };
            words.contains(&word.to_ascii_lowercase().as_str())
        }
        Content::Number(number) => word.parse::<f64>().ok() == number.as_f64() && !word.is_empty(),
        _ => false,
    };
    fits.then_some(word)
}
