//! From text to trees, one for each YAML document.

use super::scalar;
use super::tree::{Content, Mark, Member, Node, Style};
use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};
use std::borrow::Cow;
use std::collections::HashMap;

/// More parts than a file has that was written for a proxy: aliases of aliases can ask for billions.
const MOST_NODES: usize = 1_000_000;

/// Deeper documents are refused by the modules too.
const DEEPEST: usize = 128;

/// What is wrong with the text itself, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) at: Mark,
    pub(crate) message: String,
}

/// Reads all documents of a text, YAML or JSON, and everything that is wrong with them. A document with
/// an error in its syntax is not among the results; those behind it are. Empty documents are nulls.
pub(crate) fn read(text: &str) -> (Vec<Node>, Vec<Broken>) {
    let mut reader =
        Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0, broken: Vec::new() };
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
    anchors: HashMap<usize, Node>,
    nodes: usize,
    broken: Vec<Broken>,
}

impl<'t> Reader<'t> {
    /// The next document, or `None` behind the last.
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
        let end = || Broken { at: Mark::START, message: "not valid YAML: it ends too early".into() };
        self.next()?.ok_or_else(end)
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Broken> {
        let at = mark(&span.start);
        self.count(1, at, depth)?;
        let anchor = event.anchor_id();
        let content = match event {
            Event::Scalar(text, style, _, tag) => content_of(text, style, tag),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.object(depth)?,
            Event::Alias(id) => return self.alias(id, at, depth),
            other => return Err(Broken { at, message: format!("not valid YAML: unexpected {other:?}") }),
        };
        let node = Node { at, content };
        if let Some(id) = anchor {
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    /// A copy of what the anchor stands for. Its parts keep the positions of the original.
    fn alias(&mut self, id: usize, at: Mark, depth: usize) -> Result<Node, Broken> {
        let unknown = || Broken { at, message: "not valid YAML: an alias of something around it".into() };
        let node = self.anchors.get(&id).cloned().ok_or_else(unknown)?;
        let (nodes, height) = size(&node);
        self.count(nodes, at, depth + height)?;
        Ok(node)
    }

    fn count(&mut self, nodes: usize, at: Mark, depth: usize) -> Result<(), Broken> {
        self.nodes += nodes;
        if self.nodes > MOST_NODES {
            return Err(Broken { at, message: format!("more than {MOST_NODES} parts, aliases counted") });
        }
        if depth > DEEPEST {
            return Err(Broken { at, message: format!("nested more than {DEEPEST} levels deep") });
        }
        Ok(())
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
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.some()?;
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => {
                    let message = "a key must be a text, not a list, an object or an alias".into();
                    return Err(Broken { at: mark(&span.start), message });
                }
            };
            let key_at = mark(&span.start);
            let (event, span) = self.some()?;
            let value = self.node(event, span, depth + 1)?;
            if key == "<<" {
                merged.push(value);
            } else {
                self.note_duplicate(&members, &key, key_at);
                members.push(Member { key, key_at, value });
            }
        }
        merge(&mut members, merged);
        Ok(Content::Object(members))
    }

    fn note_duplicate(&mut self, members: &[Member], key: &str, at: Mark) {
        if let Some(first) = members.iter().find(|member| member.key == key) {
            let Mark { line, column } = first.key_at;
            let message =
                format!("the key `{key}` stands here a second time, after line {line} column {column}");
            self.broken.push(Broken { at, message });
        }
    }
}

/// YAML 1.1's merge key: members of other objects, unless the object has its own.
fn merge(members: &mut Vec<Member>, merged: Vec<Node>) {
    for node in merged {
        let sources = match node.content {
            Content::List(items) => items,
            _ => vec![node],
        };
        for member in sources.into_iter().flat_map(|source| source.members().to_vec()) {
            if !members.iter().any(|own| own.key == member.key) {
                members.push(member);
            }
        }
    }
}

/// The number of nodes, and of levels.
fn size(node: &Node) -> (usize, usize) {
    let parts = node.items().iter().chain(node.members().iter().map(|member| &member.value));
    let sizes = parts.map(size);
    sizes.fold((1, 1), |(nodes, height), (n, h)| (nodes + n, height.max(h + 1)))
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
    let message = error.info();
    let first = message.lines().next().unwrap_or_default();
    Broken { at: mark(error.marker()), message: format!("not valid YAML: {first}") }
}

fn mark(marker: &Marker) -> Mark {
    // Errors without a place have line 0.
    Mark { line: marker.line().max(1), column: marker.col() + 1 }
}
