//! What predicates ask of a request.

use crate::attribute::AttrId;
use crate::ids::{CelId, ExperimentId, PlainHeader};
use crate::truth::Truth;
use crate::value::Value;

/// What predicates ask of a request.
pub trait RequestView {
    /// The attribute's text; `None` when the request has none and there is no default.
    fn text(&self, id: AttrId) -> Option<&[u8]>;
    /// The first text of these attributes that is there and not empty: what identifies a unit.
    #[inline]
    fn first_text(&self, sources: &[AttrId]) -> Option<&[u8]> {
        sources.iter().find_map(|source| self.text(*source).filter(|text| !text.is_empty()))
    }
    /// The text at a plain place; `None` where it must be looked for otherwise, because the header has
    /// several lines, and `Some(None)` where it is absent.
    fn plain(&self, place: PlainHeader) -> Option<Option<&[u8]>>;
    /// Whether one of the lines of the header passes, or, of an attribute that is not a header, its text;
    /// `None` when it is absent and has no default.
    fn any_line(&self, id: AttrId, passes: impl Fn(&[u8]) -> Truth) -> Option<Truth> {
        self.text(id).map(passes)
    }
    /// The attribute's value under its type.
    fn value(&self, id: AttrId) -> Value<'_>;
    /// What a CEL expression says; unknown when the host could not evaluate it.
    fn cel(&self, id: CelId) -> Truth;
    /// The variant that the request was assigned, by position; `None` when it is in none of them, or not
    /// decided yet.
    fn variant(&self, experiment: ExperimentId) -> Option<u16>;
}
