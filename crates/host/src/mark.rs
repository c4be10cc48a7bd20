//! How several plugins of one VM are told apart.

use std::rc::Rc;

/// A plugin with what it was made from.
#[derive(Debug)]
pub(crate) struct Configured<P> {
    /// Its root context.
    pub(crate) root: u32,
    /// Its configuration. Two roots of a VM that have the same name always differ in it: it is part of
    /// the key by which the proxy finds them.
    pub(crate) configuration: Box<[u8]>,
    pub(crate) plugin: Rc<P>,
}

/// The bytes of their configurations that tell plugins apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Where they start.
    pub(crate) start: usize,
    /// How many there are at most; a configuration may end before.
    pub(crate) length: usize,
}

impl Mark {
    /// What tells one plugin from none.
    pub(crate) const NONE: Self = Self { start: 0, length: 0 };
    /// So few bytes cost a request next to nothing.
    const SHORT: usize = 8;

    /// The first few bytes in which all configurations differ; all of them where there are no such.
    pub(crate) fn between<P>(plugins: &[Configured<P>]) -> Self {
        if plugins.len() < 2 {
            return Self::NONE;
        }
        let longest = plugins.iter().map(|p| p.configuration.len()).max().unwrap_or_default();
        let short = (0..longest).map(|start| Self { start, length: Self::SHORT });
        let whole = Self { start: 0, length: usize::MAX };
        short.into_iter().find(|mark| mark.tells_apart(plugins)).unwrap_or(whole)
    }

    fn tells_apart<P>(self, plugins: &[Configured<P>]) -> bool {
        let mut seen = plugins.iter();
        while let Some(one) = seen.next() {
            let part = self.of(&one.configuration);
            if seen.clone().any(|other| self.of(&other.configuration) == part) {
                return false;
            }
        }
        true
    }

    /// These bytes of a configuration.
    pub(crate) fn of(self, configuration: &[u8]) -> &[u8] {
        let rest = configuration.get(self.start..).unwrap_or_default();
        rest.get(..self.length).unwrap_or(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(configurations: &[&str]) -> Mark {
        let plugin =
            |text: &&str| Configured { root: 1, configuration: text.as_bytes().into(), plugin: Rc::new(()) };
        Mark::between(&configurations.iter().map(plugin).collect::<Vec<_>>())
    }

    #[test]
    fn the_first_difference_is_found() {
        assert_eq!(mark(&["only"]), Mark::NONE);
        assert_eq!(mark(&["a", "b"]), Mark { start: 0, length: 8 });
        assert_eq!(mark(&["the same start, b", "the same start, c"]).of(b"the same start, c"), b"start, c");
        // One that ends where the other goes on.
        assert_eq!(mark(&["the same start", "the same start, c"]).of(b"the same start"), b"e start");
        let apart = mark(&["xx..................", "..................xx", "...................."]);
        assert_eq!(apart, Mark { start: 0, length: usize::MAX }, "no eight bytes differ in all three");
    }
}
