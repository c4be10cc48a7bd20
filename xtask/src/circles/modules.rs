//! The modules of a crate as its files have them: what each defines, and which names it takes from others. Code of tests
//! is left out.

use super::tokens::{Token, tokens};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A module: a file, or a part of one in braces.
#[derive(Default)]
pub struct Module {
    /// The file that has it.
    pub file: PathBuf,
    /// The module that declares it: an index in the list of all. The root declares itself.
    pub parent: usize,
    /// Modules that it declares.
    pub children: Vec<(String, usize)>,
    /// What it defines.
    pub items: BTreeSet<String>,
    pub uses: Vec<Use>,
    /// Paths of two names or more, outside of `use`.
    pub paths: Vec<Vec<String>>,
    /// Names that are alone, outside of `use`.
    pub words: BTreeSet<String>,
}

/// A name that `use` takes from a path.
pub struct Use {
    /// `*` takes all names.
    pub name: String,
    pub path: Vec<String>,
    /// `pub use` hands a name on, whether or not the module itself needs it.
    pub is_public: bool,
    /// Not inside a function: other modules see it.
    pub is_of_module: bool,
}

/// The modules of a crate, from the file of its root: `lib.rs` or `main.rs`. The root is the first.
pub fn modules(root: &Path) -> Vec<Module> {
    let mut modules = vec![Module { file: root.to_owned(), ..Module::default() }];
    read_file(&mut modules, 0, root, root.parent().unwrap());
    modules
}

fn add(modules: &mut Vec<Module>, parent: usize, name: &str, file: &Path) -> usize {
    let child = modules.len();
    modules.push(Module { file: file.to_owned(), parent, ..Module::default() });
    modules[parent].children.push((name.to_owned(), child));
    child
}

fn add_file(modules: &mut Vec<Module>, parent: usize, name: &str, file: &Path, folder: &Path) {
    let child = add(modules, parent, name, file);
    read_file(modules, child, file, folder);
}

/// Reads the file of `module`, whose children's files are in `folder`.
fn read_file(modules: &mut Vec<Module>, module: usize, file: &Path, folder: &Path) {
    let source = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let tokens = tokens(&source);
    Reader { tokens: &tokens, at: 0 }.module(modules, module, folder);
}

struct Reader<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self, ahead: usize) -> Option<Token<'t>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn is(&self, ahead: usize, mark: char) -> bool {
        self.peek(ahead) == Some(Token::Mark(mark))
    }

    fn word(&self, ahead: usize) -> Option<&'t str> {
        match self.peek(ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// Reads up to the end of the module: of the file, or of its braces.
    fn module(&mut self, modules: &mut Vec<Module>, module: usize, folder: &Path) {
        let (mut depth, mut is_public, mut own_path) = (0_usize, false, None);
        let mut declares_all = false;
        while let Some(token) = self.peek(0) {
            match token {
                Token::Mark('#') if self.is(1, '[') || self.is(1, '!') && self.is(2, '[') => {
                    let attribute = self.attribute();
                    if is_not_of_the_product(attribute) {
                        self.skip_item();
                    }
                    if let [.., Token::Word("path"), Token::Mark('='), Token::Text(path)]
                    | [.., Token::Word("path"), Token::Mark('='), Token::Text(path), Token::Mark(')')] =
                        attribute
                    {
                        let path = modules[module].file.parent().unwrap().join(path);
                        own_path = Some((path, attribute.first() == Some(&Token::Word("cfg_attr"))));
                    }
                    paths_in_attribute(attribute, &mut modules[module]);
                    continue;
                }
                Token::Mark('}') if depth == 0 => {
                    self.at += 1;
                    return;
                }
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => depth -= 1,
                Token::Word("pub") => {
                    self.at += 1;
                    if self.is(0, '(') {
                        self.at += self.tokens[self.at..]
                            .iter()
                            .take_while(|token| **token != Token::Mark(')'))
                            .count();
                        self.at += 1;
                    }
                    is_public = self.word(0) == Some("use");
                    continue;
                }
                Token::Word("use") if !self.is(1, '<') => {
                    self.at += 1;
                    let kind = (is_public, depth == 0);
                    self.uses(&[], kind, &mut modules[module].uses);
                    is_public = false;
                }
                Token::Word("mod") if depth == 0 && self.word(1).is_some() => {
                    self.child(modules, module, folder, own_path.take());
                    continue;
                }
                // A macro declares them.
                Token::Word("mod") if self.is(1, '$') && self.is(3, ';') => declares_all = true,
                // The rest of a path whose first part is not a name, such as `<T as Trait>::`.
                Token::Separator => {
                    self.at += 1;
                    self.path();
                    continue;
                }
                Token::Word(word) => {
                    if depth == 0 {
                        modules[module].items.extend(self.defined(word).map(str::to_owned));
                    }
                    self.names(&mut modules[module]);
                    continue;
                }
                Token::Text(_) | Token::Mark(_) => {}
            }
            self.at += 1;
        }
        if declares_all {
            for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let is_known = modules.iter().any(|known| known.file == file);
                if !is_known && file.extension().is_some_and(|extension| extension == "rs") {
                    add_file(modules, module, &name, &file, &folder.join(&name));
                }
            }
        }
    }

    /// What is between the brackets of an attribute.
    fn attribute(&mut self) -> &'t [Token<'t>] {
        self.at += if self.is(1, '[') { 2 } else { 3 };
        let (start, mut depth) = (self.at, 1_usize);
        while let Some(token) = self.peek(0) {
            match token {
                Token::Mark('[') => depth += 1,
                Token::Mark(']') => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
        &self.tokens[start..self.at - 1]
    }

    /// Skips the item, statement, field or arm that an attribute stands before.
    fn skip_item(&mut self) {
        while self.is(0, '#') {
            self.attribute();
        }
        if self.word(0) == Some("pub") {
            self.at += 1;
        }
        let first = self.word(0).unwrap_or_default();
        let ends_with_semicolon = ["use", "let", "static", "type"].contains(&first)
            || first == "const" && !["fn", "unsafe"].contains(&self.word(1).unwrap_or_default());
        let is_item = ["fn", "struct", "enum", "trait", "impl", "mod", "const", "unsafe", "async", "extern"];
        let ends_with_comma = !ends_with_semicolon && !is_item.contains(&first);
        let mut depth = 0_usize;
        while let Some(token) = self.peek(0) {
            match token {
                Token::Mark('{' | '(' | '[') => depth += 1,
                // The end of what the item is in, if that has no comma after it.
                Token::Mark('}' | ')' | ']') if depth == 0 => return,
                Token::Mark('}' | ')' | ']') => depth -= 1,
                _ => {}
            }
            self.at += 1;
            let is_end = match token {
                Token::Mark(';') => true,
                Token::Mark('}') => !ends_with_semicolon,
                Token::Mark(',') => ends_with_comma,
                _ => false,
            };
            if depth == 0 && is_end {
                return;
            }
        }
    }

    /// Reads `mod name;` and its file, or `mod name { … }`. A path that an attribute gives is in place of the usual one,
    /// or beside it if it is so in some builds only.
    fn child(
        &mut self,
        modules: &mut Vec<Module>,
        parent: usize,
        folder: &Path,
        own_path: Option<(PathBuf, bool)>,
    ) {
        let name = self.word(1).unwrap();
        let inside = folder.join(name);
        let is_inline = self.is(2, '{');
        self.at += 3;
        if is_inline {
            let child = add(modules, parent, name, &modules[parent].file.clone());
            self.module(modules, child, &inside);
            return;
        }
        let next_to = inside.with_extension("rs");
        let usual = if next_to.is_file() { next_to } else { inside.join("mod.rs") };
        let files = match own_path {
            None => vec![usual],
            Some((path, false)) => vec![path],
            Some((path, true)) => vec![usual, path],
        };
        for file in files {
            add_file(modules, parent, name, &file, &inside);
        }
    }

    /// Reads a tree of `use` behind `before`, up to the mark that ends it.
    fn uses(&mut self, before: &[String], (is_public, is_of_module): (bool, bool), into: &mut Vec<Use>) {
        let mut path = before.to_vec();
        let mut name = None;
        loop {
            match self.peek(0) {
                Some(Token::Word("as")) => {
                    name = self.word(1).map(str::to_owned);
                    self.at += 1;
                }
                Some(Token::Word("self")) if !path.is_empty() => {}
                Some(Token::Word(word)) => path.push(word.to_owned()),
                Some(Token::Mark('*')) => name = Some("*".to_owned()),
                Some(Token::Mark('{')) => {
                    while !self.is(0, '}') && self.peek(0).is_some() {
                        self.at += 1;
                        if !self.is(0, '}') {
                            self.uses(&path, (is_public, is_of_module), into);
                        }
                    }
                    self.at += 1;
                    return;
                }
                // The name of a crate comes after it.
                Some(Token::Separator) if path.is_empty() => path.push(String::new()),
                Some(Token::Separator) => {}
                _ => break,
            }
            self.at += 1;
        }
        let name = name.or_else(|| path.last().cloned()).unwrap_or_default();
        into.push(Use { name, path, is_public, is_of_module });
    }

    /// What the keyword `word` defines here, if it is one that does.
    fn defined(&self, word: &str) -> Option<&'t str> {
        let ahead = match word {
            "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "macro" => 1,
            "static" if self.word(1) == Some("mut") => 2,
            "static" => 1,
            "macro_rules" if self.is(1, '!') => 2,
            _ => return None,
        };
        self.word(ahead).filter(|name| !["fn", "unsafe", "extern", "async"].contains(name))
    }

    /// Reads the names of a path.
    fn path(&mut self) -> Vec<String> {
        let mut path: Vec<String> = self.word(0).map(str::to_owned).into_iter().collect();
        self.at += path.len();
        while let (Some(Token::Separator), Some(name)) = (self.peek(0), self.word(1)) {
            path.push(name.to_owned());
            self.at += 2;
        }
        path
    }

    /// Reads a name or a path into those of the module.
    fn names(&mut self, into: &mut Module) {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).copied();
        let path = self.path();
        let is_member = before == Some(Token::Mark('.')) || self.is(0, ':');
        // A part of a macro's pattern; `$crate` is a path.
        let is_variable = before == Some(Token::Mark('$')) && path[0] != "crate";
        match path.as_slice() {
            _ if is_variable => {}
            [_] if is_member => {}
            [name] => _ = into.words.insert(name.clone()),
            _ => into.paths.push(path),
        }
    }
}

/// Whether an attribute is `cfg(test)` or `cfg(doc)`, or needs one of them with something else.
fn is_not_of_the_product(attribute: &[Token<'_>]) -> bool {
    let [Token::Word("cfg"), Token::Mark('('), condition @ ..] = attribute else { return false };
    match condition {
        [Token::Word("test" | "doc"), ..] => true,
        [Token::Word("all"), rest @ ..] => rest.contains(&Token::Word("test")),
        _ => false,
    }
}

/// Attributes have paths as code, and between quotes.
fn paths_in_attribute(attribute: &[Token<'_>], into: &mut Module) {
    let mut reader = Reader { tokens: attribute, at: 0 };
    while let Some(token) = reader.peek(0) {
        match token {
            Token::Word(_) => {
                reader.names(into);
                continue;
            }
            Token::Text(text) if text.contains("::") => {
                into.paths.push(text.split("::").map(str::to_owned).collect());
            }
            _ => {}
        }
        reader.at += 1;
    }
}
