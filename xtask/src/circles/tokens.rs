//! The words and marks of a Rust source, without comments and without what is between quotes.

/// A token of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'t> {
    /// A name, a keyword or a number.
    Word(&'t str),
    /// What is between quotes. Attributes have paths there.
    Text(&'t str),
    /// `::`
    Separator,
    /// Any other character that is not white space.
    Mark(char),
}

/// The tokens of `source`, which compiles: what is not closed ends with the source.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (token, length) = next(rest, first);
        tokens.extend(token);
        rest = &rest[length..];
    }
    tokens
}

/// The token that `rest` begins with, if it is one, and how many bytes it takes.
fn next(rest: &str, first: char) -> (Option<Token<'_>>, usize) {
    if rest.starts_with("//") {
        return (None, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (None, comment(rest));
    }
    if let Some((text, length)) = text(rest) {
        return (Some(Token::Text(text)), length);
    }
    if first == '\'' {
        return (None, quoted_or_lifetime(rest));
    }
    if let Some(name) = rest.strip_prefix("r#") {
        return (Some(Token::Word(&name[..word(name)])), "r#".len() + word(name));
    }
    match word(rest) {
        0 if rest.starts_with("::") => (Some(Token::Separator), 2),
        0 => ((!first.is_whitespace()).then_some(Token::Mark(first)), first.len_utf8()),
        length => (Some(Token::Word(&rest[..length])), length),
    }
}

fn word(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

/// The length of a comment, which may have others inside.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(found) = rest[at..].find("/*").into_iter().chain(rest[at..].find("*/")).min() {
        let opens = rest[at + found..].starts_with("/*");
        at += found + 2;
        depth = if opens { depth + 1 } else { depth - 1 };
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// A text between double quotes, raw or not, and the length with its quotes.
fn text(rest: &str) -> Option<(&str, usize)> {
    let prefix = word(rest);
    let hashes = rest[prefix..].len() - rest[prefix..].trim_start_matches('#').len();
    let raw = ["r", "br", "cr"].contains(&&rest[..prefix]);
    if !raw && (hashes > 0 || !["", "b", "c"].contains(&&rest[..prefix])) {
        return None;
    }
    let start = prefix + hashes + 1;
    let inner = rest[prefix + hashes..].strip_prefix('"')?;
    let end = if raw { inner.find(&format!("\"{}", "#".repeat(hashes))) } else { unescaped(inner, '"') };
    let end = end.unwrap_or(inner.len());
    Some((&inner[..end], (start + end + 1 + hashes).min(rest.len())))
}

/// Where `quote` is in `inner` without a backslash before it.
fn unescaped(inner: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    inner.char_indices().find_map(|(at, c)| {
        let is_end = !escaped && c == quote;
        escaped = !escaped && c == '\\';
        is_end.then_some(at)
    })
}

/// The length of a character such as `'a'` or `'\''`, or of a lifetime such as `'a`.
fn quoted_or_lifetime(rest: &str) -> usize {
    let inner = &rest[1..];
    let character = inner.chars().next().map_or(0, char::len_utf8);
    if inner.starts_with('\\') {
        1 + unescaped(inner, '\'').map_or(inner.len(), |end| end + 1)
    } else if inner[character..].starts_with('\'') {
        1 + character + 1
    } else {
        1 + word(inner)
    }
}

#[test]
fn comments_texts_and_lifetimes_are_no_words() {
    let source = r###"// a::b
        /* c /* d */ e */ fn r#f<'g>(h: &'g str) -> u8 { i::j; '\''; 'k'; "l \" m"; r#"n " o"#; b"p"; 'q' }"###;
    let found = tokens(source);
    let words: Vec<&str> = found
        .iter()
        .filter_map(|token| match token {
            Token::Word(word) => Some(*word),
            _ => None,
        })
        .collect();
    assert_eq!(words, ["fn", "f", "h", "str", "u8", "i", "j"]);
    let texts = [r#"l \" m"#, r#"n " o"#, "p"].map(Token::Text);
    assert!(texts.iter().all(|text| found.contains(text)), "{found:?}");
    assert_eq!(found.iter().filter(|token| **token == Token::Separator).count(), 1);
}
