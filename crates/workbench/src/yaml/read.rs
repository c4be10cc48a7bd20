//! From text to trees, one for each YAML document.

use super::scalar;
use super::tree::{Content, Mark, Member, Node, Style};
use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use weir_core::escape::escape;

/// More parts than a file has that was written for a proxy: aliases of aliases can ask for billions.
const MAX_NODES: usize = 1_000_000;

/// More bytes of texts and keys than such a file has: an alias of a long text costs a copy of it.
const MAX_BYTES: usize = 64 << 20;

/// Deeper documents are refused by the modules too.
const MAX_DEPTH: usize = 128;

/// What is wrong with the text itself, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Where.
    pub at: Mark,
    /// What is wrong, for people.
    pub message: String,
    /// Which slip it is, where the text is not valid YAML; `None` where it is, and something else is wrong.
    pub slip: Option<Slip>,
}

/// What keeps a text from being YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// A `: ` where no value can begin.
    NestedMapping,
    /// A tab in the indentation.
    Tab,
    /// A value that begins with this character.
    Character(char),
    /// More after a text in single quotes.
    SingleQuote,
    /// More after a text in double quotes.
    DoubleQuote,
    /// Anything else.
    Other,
}

/// What messages of texts that are not YAML begin with.
pub(crate) const NOT_VALID: &str = "not valid YAML: ";

impl Broken {
    /// Something other than the syntax.
    pub(crate) fn new(at: Mark, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), slip: None }
    }

    /// The text is not YAML.
    fn invalid(at: Mark, slip: Slip, what: &str) -> Self {
        Self { at, message: format!("{NOT_VALID}{what}"), slip: Some(slip) }
    }
}

/// Reads all documents of a text, YAML or JSON, and everything that is wrong with them. A document with an
/// error in its syntax is not among the results; those after it are. Empty documents are nulls.
pub fn read(text: &str) -> (Vec<Node>, Vec<Broken>) {
    read_within(&Budget::default(), text)
}

/// The same for a text that shares its bounds with others.
pub(super) fn read_within(budget: &Budget, text: &str) -> (Vec<Node>, Vec<Broken>) {
    let mut reader =
        Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), budget, broken: Vec::new() };
    let mut documents = Vec::new();
    loop {
        match reader.document() {
            Ok(Some(document)) => documents.push(document),
            Ok(None) => break,
            Err(broken) => {
                reader.broken.push(broken);
                if !matches!(reader.parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
    }
    (documents, reader.broken)
}

struct Reader<'t> {
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    /// What anchors stand for, and how much that is: an alias is counted before it is copied.
    anchors: HashMap<usize, (Node, Size)>,
    budget: &'t Budget,
    broken: Vec<Broken>,
}

/// What has been read so far, of a file or of all texts inside one.
#[derive(Debug, Default)]
pub(super) struct Budget(Cell<Size>);

/// How much a document or a part of it is.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    nodes: usize,
    /// Of texts and keys.
    bytes: usize,
    height: usize,
}

impl<'t> Reader<'t> {
    /// The next document, or `None` after the last.
    fn document(&mut self) -> Result<Option<Node>, Broken> {
        loop {
            match self.next()? {
                None | Some((Event::StreamEnd, _)) => return Ok(None),
                Some((Event::DocumentStart(..), _)) => {
                    self.anchors.clear();
                    let (event, span) = self.some()?;
                    return self.node(event, span, 0).map(Some);
                }
                Some(_) => {}
            }
        }
    }

    /// The next event that is not a comment.
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Broken> {
        loop {
            match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(Some(event)),
                Some(Err(error)) => return Err(syntax(&error)),
            }
        }
    }

    fn some(&mut self) -> Result<(Event<'t>, Span), Broken> {
        let end = || Broken::invalid(Mark::START, Slip::Other, "it ends too early");
        self.next()?.ok_or_else(end)
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Broken> {
        let at = mark(&span.start);
        let bytes = if let Event::Scalar(text, ..) = &event { text.len() } else { 0 };
        self.count(Size { nodes: 1, bytes, height: depth }, at)?;
        let anchor = event.anchor_id();
        let content = match event {
            Event::Scalar(text, style, _, tag) => content_of(text, style, tag),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.object(depth)?,
            Event::Alias(id) => return self.alias(id, at, depth),
            other => return Err(Broken::invalid(at, Slip::Other, &format!("unexpected {other:?}"))),
        };
        let node = Node { at, content };
        if let Some(id) = anchor {
            let size = size(&node);
            // An anchor keeps a copy.
            self.count(Size { height: 0, ..size }, at)?;
            self.anchors.insert(id, (node.clone(), size));
        }
        Ok(node)
    }

    /// A copy of what the anchor stands for. Its parts keep the positions of the original.
    fn alias(&mut self, id: usize, at: Mark, depth: usize) -> Result<Node, Broken> {
        let unknown = || Broken::invalid(at, Slip::Other, "an alias of something around it");
        let (node, size) = self.anchors.get(&id).ok_or_else(unknown)?;
        let (node, size) = (node.clone(), *size);
        self.count(Size { height: depth + size.height, ..size }, at)?;
        Ok(node)
    }

    /// Counts a part that is added. Its height is how deep it reaches.
    fn count(&mut self, size: Size, at: Mark) -> Result<(), Broken> {
        let mut used = self.budget.0.get();
        used.nodes += size.nodes;
        used.bytes += size.bytes;
        self.budget.0.set(used);
        let message = if used.nodes > MAX_NODES {
            format!("the file has more than {MAX_NODES} parts, copies by aliases included")
        } else if used.bytes > MAX_BYTES {
            format!("the file has more than {} MiB of text, copies by aliases included", MAX_BYTES >> 20)
        } else if size.height > MAX_DEPTH {
            format!("nested more than {MAX_DEPTH} levels deep")
        } else {
            return Ok(());
        };
        Err(Broken::new(at, message))
    }

    fn list(&mut self, depth: usize) -> Result<Content, Broken> {
        let mut items = Vec::new();
        loop {
            match self.some()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Content, Broken> {
        let mut members: Vec<Member> = Vec::new();
        // Where each key is first.
        let mut places: HashMap<String, Mark> = HashMap::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.some()?;
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => {
                    let message = "a key must be a text, not a list, an object or an alias";
                    return Err(Broken::new(mark(&span.start), message));
                }
            };
            let key_at = mark(&span.start);
            self.count(Size { nodes: 0, bytes: key.len(), height: 0 }, key_at)?;
            let (event, span) = self.some()?;
            let value = self.node(event, span, depth + 1)?;
            if key == "<<" {
                merged.push(value);
            } else {
                match places.get(&key) {
                    Some(first) => self.note_duplicate(*first, &key, key_at),
                    None => drop(places.insert(key.clone(), key_at)),
                }
                members.push(Member { key, key_at, value });
            }
        }
        self.merge(&mut members, &mut places, merged);
        Ok(Content::Object(members))
    }

    fn note_duplicate(&mut self, first: Mark, key: &str, at: Mark) {
        if self.broken.len() >= MAX_DUPLICATES {
            return;
        }
        let Mark { line, column } = first;
        let key = shown(key);
        let message = format!("duplicate key {key}, already defined in line {line} column {column}");
        self.broken.push(Broken::new(at, message));
    }

    /// YAML 1.1's merge key: members of other objects, unless the object has its own.
    fn merge(&mut self, members: &mut Vec<Member>, places: &mut HashMap<String, Mark>, merged: Vec<Node>) {
        for node in merged {
            let at = node.at;
            let sources = match node.content {
                Content::List(items) => items,
                _ => vec![node],
            };
            for source in sources {
                let Content::Object(theirs) = source.content else {
                    let message = "`<<` takes an object, or a list of objects (as a rule aliases)";
                    self.broken.push(Broken::new(at, message));
                    continue;
                };
                for member in theirs {
                    if !places.contains_key(&member.key) {
                        places.insert(member.key.clone(), member.key_at);
                        members.push(member);
                    }
                }
            }
        }
    }
}

/// How many duplicate keys are said: the first ones are enough to find the mistake.
const MAX_DUPLICATES: usize = 50;

/// A key as messages show it: short, and without what acts on terminals.
fn shown(key: &str) -> String {
    const MAX_LEN: usize = 64;
    let short: String = key.chars().take(MAX_LEN).collect();
    let more = if short.len() < key.len() { "…" } else { "" };
    format!("`{}{more}`", escape(&short))
}

/// How much a part is, keys included.
fn size(node: &Node) -> Size {
    let bytes = if let Content::Text(text, _) = &node.content { text.len() } else { 0 };
    let keys: usize = node.members().iter().map(|member| member.key.len()).sum();
    let parts = node.items().iter().chain(node.members().iter().map(|member| &member.value));
    parts.map(size).fold(Size { nodes: 1, bytes: bytes + keys, height: 1 }, |sum, part| Size {
        nodes: sum.nodes + part.nodes,
        bytes: sum.bytes + part.bytes,
        height: sum.height.max(part.height + 1),
    })
}

fn content_of(text: Cow<'_, str>, style: ScalarStyle, tag: Option<Cow<'_, Tag>>) -> Content {
    let style = match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    };
    // `!` and `!!str` say that something is a text, whatever it looks like.
    if style == Style::Plain && tag.is_none() {
        return scalar::plain(&text);
    }
    Content::Text(text.into_owned(), style)
}

fn syntax(error: &ScanError) -> Broken {
    let slip = match error.kind() {
        ErrorKind::MappingValueNotAllowed => Slip::NestedMapping,
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation => Slip::Tab,
        ErrorKind::UnexpectedCharacter { character } => Slip::Character(*character),
        ErrorKind::InvalidTrailingSingleQuotedScalar => Slip::SingleQuote,
        ErrorKind::InvalidTrailingDoubleQuotedScalar => Slip::DoubleQuote,
        _ => Slip::Other,
    };
    let message = error.info();
    let first = message.lines().next().unwrap_or_default();
    Broken::invalid(mark(error.marker()), slip, &escape(first))
}

fn mark(marker: &Marker) -> Mark {
    // Errors without a place have line 0.
    Mark { line: marker.line().max(1), column: marker.col() + 1 }
}
