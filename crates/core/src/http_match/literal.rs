//! Comparing with a literal text.

/// Where a literal must match in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It is the whole text.
    Whole,
    /// At the start.
    Start,
    /// At the end.
    End,
    /// Anywhere.
    Anywhere,
}

/// Whether `literal` matches at that anchor of `text`. For case-insensitive tests, `literal` is in lower
/// case.
#[inline]
pub(crate) fn stands(place: Anchor, literal: &[u8], ignore_case: bool, text: &[u8]) -> bool {
    let same = |part: &[u8]| if ignore_case { part.eq_ignore_ascii_case(literal) } else { part == literal };
    match place {
        Anchor::Whole => same(text),
        Anchor::Start => text.get(..literal.len()).is_some_and(same),
        Anchor::End => text.len().checked_sub(literal.len()).and_then(|at| text.get(at..)).is_some_and(same),
        // `windows` refuses a length of zero.
        Anchor::Anywhere => literal.is_empty() || text.windows(literal.len()).any(same),
    }
}
