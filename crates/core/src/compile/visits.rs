//! What is counted: units, not requests.

use super::Compiler;
use crate::visit::Visits;

impl Compiler<'_> {
    /// Declares that requests which are nobody's visit are to be recognised.
    pub fn visits(&mut self) -> Visits {
        // What they are answered does not depend on it, but for an ID that they do not get.
        self.aside(|compiler| Visits {
            method: compiler.pseudo_header(":method"),
            origin: compiler.pseudo_header("origin"),
            asked_method: compiler.pseudo_header("access-control-request-method"),
            purposes: [compiler.pseudo_header("sec-purpose"), compiler.pseudo_header("purpose")],
            agent: compiler.pseudo_header("user-agent"),
            scheme: compiler.pseudo_header(":scheme"),
        })
    }

    /// Declares that requests which are nobody's visit count like all others.
    pub fn count_every_request(&mut self) {
        self.shape.counts_every_request = true;
    }

    /// Whether requests which are nobody's visit count like all others.
    pub fn counts_every_request(&self) -> bool {
        self.shape.counts_every_request
    }

    /// Declares that goals are remembered with the assignments, where these are.
    pub fn remember_goals(&mut self) {
        self.shape.remembers_goals = true;
    }
}
