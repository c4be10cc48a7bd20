//! The workbench for a page in a browser: each function takes a question as JSON and answers with JSON, `{"ok": …}` or
//! `{"error": "…"}`. Nothing is read from or sent to anywhere else, and no question makes it panic.

#![forbid(unsafe_code)]

mod answer;
#[cfg(feature = "first")]
pub mod assign;
#[cfg(feature = "more")]
pub mod change;
#[cfg(feature = "first")]
pub mod check;
#[cfg(feature = "more")]
pub mod import;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;

/// Problems and warnings of a file's text, each with line and column, and what of it divides units.
/// See [`check::Question`].
#[cfg(feature = "first")]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
#[must_use]
pub fn check(question: &str) -> String {
    answer::to(question, check::answer)
}

/// How a request is handled, step by step. See [`assign::Question`].
#[cfg(feature = "first")]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
#[must_use]
pub fn assign(question: &str) -> String {
    answer::to(question, assign::answer)
}

/// The shares of simulated units. See [`change::Simulation`].
#[cfg(feature = "more")]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
#[must_use]
pub fn simulate(question: &str) -> String {
    answer::to(question, change::simulate)
}

/// New weights that move as few units as possible. See [`change::Planning`].
#[cfg(feature = "more")]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
#[must_use]
pub fn plan(question: &str) -> String {
    answer::to(question, change::plan)
}

/// Flag definitions of a vendor, or resources of Istio, as a configuration. See [`import::Question`].
#[cfg(feature = "more")]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen(js_name = importFile))]
#[must_use]
pub fn import(question: &str) -> String {
    answer::to(question, import::answer)
}
