//! Response faults, for the pipeline to apply.

use std::cell::RefCell;

/// Changes of one response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseFault {
    /// The new HTTP status, 200 to 599.
    pub status: Option<u16>,
    /// Headers to set, in the place of all that have these names. Names are in lower case and values are safe, see
    /// [`weir_core::header::is_safe_value`].
    pub set: Box<[(Box<str>, Box<str>)]>,
    /// Names of headers to remove, in lower case.
    pub remove: Box<[Box<str>]>,
    /// The change of the body. It invalidates the response's `content-length`.
    pub body: Option<BodyChange>,
}

/// The change of a response's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyChange {
    /// It is replaced.
    Replace(Box<[u8]>),
    /// It ends after this many bytes, where it is longer.
    Truncate(u64),
}

/// What one response is to suffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suffers {
    /// The rule whose changes are made.
    pub(crate) change: Option<u16>,
    /// The rate in bytes a second.
    pub(crate) rate: Option<u64>,
}

/// All that responses were to suffer so far, each once: its position is the mark that a stream keeps. Rates come
/// from headers too, so they cannot all be known beforehand.
#[derive(Debug, Default)]
pub(crate) struct Marks(RefCell<Vec<Suffers>>);

impl Marks {
    /// Maximum number of rates, so that clients that request rates by header cannot fill the memory.
    const MAX_COUNT: usize = 1024;

    /// The mark; `None` when there are too many already.
    pub(crate) fn mark(&self, suffers: Suffers) -> Option<u16> {
        let mut known = self.0.try_borrow_mut().ok()?;
        let found = known.iter().position(|known| *known == suffers);
        let index = match found {
            Some(index) => index,
            None if known.len() < Self::MAX_COUNT => {
                known.push(suffers);
                known.len() - 1
            }
            None => return None,
        };
        u16::try_from(index).ok()
    }

    pub(crate) fn get(&self, mark: u16) -> Option<Suffers> {
        self.0.try_borrow().ok()?.get(usize::from(mark)).copied()
    }
}
