//! What is counted: units, not requests.

use super::Compiler;

impl Compiler<'_> {
    /// Declares that headers are read, as [`crate::Request::is_visit`] needs them.
    pub fn need_headers(&mut self) {
        self.aside(|compiler| compiler.pseudo_header(":method"));
    }

    /// Declares that requests which are nobody's visit count like all others.
    pub fn count_every_request(&mut self) {
        self.access_plan.counts_every_request = true;
    }

    /// Whether requests which are nobody's visit count like all others.
    pub fn counts_every_request(&self) -> bool {
        self.access_plan.counts_every_request
    }

    /// Declares that goals are remembered with the assignments, where these are.
    pub fn remember_goals(&mut self) {
        self.access_plan.remembers_goals = true;
    }
}
