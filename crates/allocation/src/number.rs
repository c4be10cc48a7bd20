//! Numbers in messages.

use std::fmt;

/// A number as people write it. The standard library's way to print it would cost a module 25 kB.
pub(crate) struct Plain(pub(crate) f64);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = zmij::Buffer::new();
        let text = printer.format(self.0);
        f.write_str(text.strip_suffix(".0").unwrap_or(text))
    }
}
