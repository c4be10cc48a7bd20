//! Which file needs which other one of its crate, and where these needs run in a circle.

use super::modules::{Module, modules};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// From a file, to a file that it takes names from: these names.
pub type Edges = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq)]
enum Target {
    Module(usize),
    /// Something that this module defines.
    Item(usize),
    /// Something of another crate.
    Outside,
}

/// Bounds following names that are handed on, which may come back to themselves.
const MAX_STEPS: usize = 16;

struct Crate {
    modules: Vec<Module>,
    /// As paths call it.
    name: String,
}

/// The needs of the files of the crate `name` whose root is in this file.
pub fn edges(root: &Path, name: &str) -> Edges {
    let of = Crate { modules: modules(root), name: name.to_owned() };
    let mut edges = Edges::new();
    for (index, module) in of.modules.iter().enumerate() {
        edges.entry(module.file.clone()).or_default();
        let mut add = |targets: Vec<Target>, name: &str| {
            for target in targets {
                if let Target::Item(to) = target
                    && of.modules[to].file != module.file
                {
                    let from = edges.entry(module.file.clone()).or_default();
                    from.entry(of.modules[to].file.clone()).or_default().insert(name.to_owned());
                }
            }
        };
        for path in &module.paths {
            add(of.resolve(index, path, true, 0), &shown(path));
        }
        for used in &module.uses {
            let targets = of.resolve(index, &used.path, true, 0);
            if used.name == "*" {
                for word in module.words.iter().filter(|word| !module.items.contains(*word)) {
                    let named = targets.iter().flat_map(|target| match target {
                        Target::Module(from) => of.lookup(*from, word, true, false, 0),
                        _ => Vec::new(),
                    });
                    add(named.collect(), word);
                }
            }
            // What a module only hands on, it does not need.
            if !used.is_public || module.words.contains(&used.name) {
                add(targets, &shown(&used.path));
            }
        }
    }
    edges
}

/// The name at the end of a path; with that of the type, if it is a type's.
fn shown(path: &[String]) -> String {
    let is_type = |name: &&String| name.starts_with(|c: char| c.is_uppercase());
    path.iter().find(is_type).or(path.last()).cloned().unwrap_or_default()
}

impl Crate {
    /// What a path leads to that `module` has, inside of functions too if `inside`.
    fn resolve(&self, module: usize, path: &[String], inside: bool, steps: usize) -> Vec<Target> {
        let Some((first, mut rest)) = path.split_first() else { return Vec::new() };
        let mut found = match first.as_str() {
            "crate" => vec![Target::Module(0)],
            "self" => vec![Target::Module(module)],
            "super" => vec![Target::Module(self.modules[module].parent)],
            name if name == self.name => vec![Target::Module(0)],
            name => self.lookup(module, name, rest.is_empty(), inside, steps),
        };
        while let Some((name, behind)) = rest.split_first() {
            rest = behind;
            let next = |target: Target| match target {
                Target::Module(at) if name == "super" => vec![Target::Module(self.modules[at].parent)],
                Target::Module(at) => {
                    let found = self.lookup(at, name, rest.is_empty(), false, steps);
                    // What a macro makes there has no name in the text.
                    if found.is_empty() { vec![Target::Item(at)] } else { found }
                }
                // A variant, or a function of the type.
                other => vec![other],
            };
            found = found.into_iter().flat_map(next).collect();
        }
        found
    }

    /// What `name` is in a module: the end of a path if `is_last`, and a module or type otherwise.
    fn lookup(&self, module: usize, name: &str, is_last: bool, inside: bool, steps: usize) -> Vec<Target> {
        if steps > MAX_STEPS {
            return Vec::new();
        }
        let here = &self.modules[module];
        let child = here.children.iter().find(|(child, _)| child == name).map(|(_, at)| Target::Module(*at));
        let item = here.items.contains(name).then_some(Target::Item(module));
        let own = if is_last { item.or(child) } else { child.or(item) };
        if let Some(own) = own {
            return vec![own];
        }
        let seen = |used: &&super::modules::Use| used.is_of_module || inside;
        let named = here.uses.iter().filter(seen).filter(|used| used.name == name);
        let mut found: Vec<Target> = Vec::new();
        for used in named {
            // `use name;` hands a crate on, or what is defined beside it.
            let targets = match used.path.as_slice() {
                [only] if only == name => Vec::new(),
                path => self.resolve(module, path, inside, steps + 1),
            };
            found.extend(if targets.is_empty() { vec![Target::Outside] } else { targets });
        }
        if found.is_empty() {
            for used in here.uses.iter().filter(seen).filter(|used| used.name == "*") {
                for target in self.resolve(module, &used.path, inside, steps + 1) {
                    if let Target::Module(from) = target
                        && from != module
                    {
                        found.extend(self.lookup(from, name, is_last, false, steps + 1));
                    }
                }
            }
        }
        found
    }
}

/// The circles: groups of files of which each needs all others, if only through others. The largest first.
pub fn circles(edges: &Edges) -> Vec<BTreeSet<PathBuf>> {
    let reached: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> =
        edges.keys().map(|from| (from, reached(edges, from))).collect();
    let mut circles: BTreeSet<BTreeSet<PathBuf>> = BTreeSet::new();
    for (from, to) in &reached {
        if to.contains(from) {
            let both = to.iter().filter(|other| reached[*other].contains(from));
            circles.insert(both.map(|file| (*file).clone()).collect());
        }
    }
    let mut circles: Vec<_> = circles.into_iter().collect();
    circles.sort_by_key(|files| std::cmp::Reverse(files.len()));
    circles
}

/// The files that `from` needs, if only through others.
fn reached<'e>(edges: &'e Edges, from: &PathBuf) -> BTreeSet<&'e PathBuf> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        for next in edges.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(next) {
                open.push(next);
            }
        }
    }
    reached
}
