//! The report of an import as text.

use weir_definitions::{Remark, Report};

/// The report as text, a line each. `file` is where the definitions are.
#[must_use]
pub fn lines(report: &Report, file: &str) -> Vec<String> {
    let told = |what: &str, it: &Remark| {
        let place = it.line.map_or_else(String::new, |line| format!("{file}:{line}: "));
        let flag = if it.flag.is_empty() { String::new() } else { format!("{}: ", it.flag) };
        format!("{what}: {place}{flag}{}", it.message)
    };
    let mut lines: Vec<String> = report.left_out.iter().map(|it| told("left out", it)).collect();
    lines.extend(report.notes.iter().map(|it| told("note", it)));
    lines.extend(report.renamed.iter().map(|it| match &it.variant {
        Some(variant) => format!("renamed: {}: the variant {variant:?} is called {} here", it.flag, it.name),
        None => format!("renamed: the flag {:?} is called {} here", it.flag, it.name),
    }));
    if !report.constant.is_empty() {
        lines.push(format!("always the default, so not needed: {}", report.constant.join(", ")));
    }
    if !report.off.is_empty() {
        lines.push(format!("switched off, so that the application decides: {}", report.off.join(", ")));
    }
    lines.push(format!("imported: {} of {}", report.imported.len(), report.total()));
    lines
}
