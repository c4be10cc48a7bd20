//! Literals in a condition that no value can ever be equal to.

use crate::never::{ComparedPart, Dialect, Form};
use crate::problem::{At, Problems};
use serde_json::Value as Json;

/// Reports the literals that no value of this form is equal to, and the patterns that none matches.
pub(super) fn refuse_never(json: &Json, form: Form, at: &At, problems: &mut Problems) {
    match json {
        Json::String(literal) => {
            if let Some(why) = form.refuses(literal, ComparedPart::Whole) {
                problems.add(at, why);
            }
        }
        Json::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                refuse_never(item, form, &at.index(i), problems);
            }
        }
        Json::Object(members) => {
            for (operator, operand) in members {
                let at = at.field(operator);
                match (operator.as_str(), operand) {
                    // How deep it goes was checked when it was compiled.
                    ("$eq" | "$ne" | "$in" | "$nin" | "$not" | "$all", _) => {
                        refuse_never(operand, form, &at, problems);
                    }
                    ("$regex", Json::String(pattern)) => {
                        if let Some(why) = form.refuses_pattern(pattern, Dialect::JavaScript) {
                            problems.add(&at, why);
                        }
                    }
                    ("$regexi", Json::String(pattern)) if form != Form::Lower => {
                        if let Some(why) = form.refuses_pattern(pattern, Dialect::JavaScript) {
                            problems.add(&at, why);
                        }
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
