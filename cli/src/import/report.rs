//! What an import did, and what it could not do.

use serde::Serialize;

/// Told on standard error, and in full as JSON.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Report {
    /// The flags that are in the configuration.
    pub(crate) imported: Vec<String>,
    /// Flags that always have their default: nothing of them is needed.
    pub(crate) constant: Vec<String>,
    /// Flags that are left out as a whole, because a part of them has no equivalent.
    pub(crate) left_out: Vec<Remark>,
    /// What one should know of flags that are imported.
    pub(crate) notes: Vec<Remark>,
}

/// Something about a flag.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Remark {
    pub(crate) flag: String,
    pub(crate) message: String,
}

impl Report {
    pub(crate) fn leave_out(&mut self, flag: &str, message: impl Into<String>) {
        self.left_out.push(Remark { flag: flag.to_owned(), message: message.into() });
    }

    pub(crate) fn note(&mut self, flag: &str, message: impl Into<String>) {
        self.notes.push(Remark { flag: flag.to_owned(), message: message.into() });
    }

    /// The report as text, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.left_out.iter().map(|it| format!("left out: {}: {}", it.flag, it.message)));
        lines.extend(self.notes.iter().map(|it| format!("note: {}: {}", it.flag, it.message)));
        if !self.constant.is_empty() {
            lines.push(format!("always the default, so not needed: {}", self.constant.join(", ")));
        }
        lines.push(format!("imported: {} of {}", self.imported.len(), self.total()));
        lines
    }

    fn total(&self) -> usize {
        self.imported.len() + self.constant.len() + self.left_out.len()
    }
}
