//! Verified tokens, and what is forwarded of them.

use crate::config::Format;
use std::rc::Rc;
use weir_core::OwnedHeader;
use weir_core::claims::Claims;
use weir_core::ids::{Counter, State};

/// A header that is given a claim.
#[derive(Debug)]
pub(crate) struct HeaderRule {
    pub(crate) header: OwnedHeader,
    pub(crate) path: Vec<String>,
    pub(crate) format: Format,
    pub(crate) absent: Absent,
    /// Longer values are left out, in bytes.
    pub(crate) longest: usize,
}

/// What happens if the claim is absent.
#[derive(Debug)]
pub(crate) enum Absent {
    Omit,
    Value(Box<[u8]>),
    Refuse,
}

/// Filter state that is given a claim.
#[derive(Debug)]
pub(crate) struct StateRule {
    pub(crate) state: State,
    pub(crate) path: Vec<String>,
}

/// A token that was verified, with all that follows from it.
#[derive(Debug)]
pub(crate) struct Verified {
    /// The keys that it was verified with.
    pub(crate) generation: u32,
    pub(crate) claims: Rc<Claims>,
    pub(crate) headers: Box<[(OwnedHeader, Words)]>,
    pub(crate) states: Box<[(State, Box<[u8]>)]>,
    /// The omitted headers, counted with each request.
    pub(crate) counts: Box<[Counter]>,
    /// Whether a claim is missing that a header needs.
    pub(crate) lacks_claim: bool,
}

/// A short text that is written often. Copied by words of eight bytes, because a proxy's `memory.copy` is a
/// call that costs more than the text.
#[derive(Debug)]
pub(crate) struct Words {
    /// Padded to whole words.
    words: Box<[[u8; 8]]>,
    len: usize,
    /// Whether each of its lines is a line of the header.
    pub(crate) lines: bool,
}

impl Words {
    pub(crate) fn new(text: &[u8], lines: bool) -> Self {
        let (whole, rest) = text.as_chunks::<8>();
        let mut words = Vec::with_capacity(text.len().div_ceil(8));
        words.extend(whole);
        if !rest.is_empty() {
            let mut last = [0; 8];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            words.push(last);
        }
        Self { words: words.into(), len: text.len(), lines }
    }

    #[inline]
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.len;
        for word in &self.words {
            out.extend_from_slice(word);
        }
        out.truncate(end);
    }
}
