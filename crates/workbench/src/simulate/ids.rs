//! The units of a simulation: made up in the shapes that sites have, or read from a file.

/// Shapes of generated IDs. Hashes must be uniform for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `user-1`, `user-2` …
    Sequential,
    /// `1000001`, `1000002` …
    Numeric,
    /// Random UUIDs, version 4.
    Uuid,
    /// `user1@example.com` …
    Email,
    /// 32 random hex digits.
    Hex,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sequential, Self::Numeric, Self::Uuid, Self::Email, Self::Hex];

    /// Its name: `sequential`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Numeric => "numeric",
            Self::Uuid => "uuid",
            Self::Email => "email",
            Self::Hex => "hex",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }

    /// The endless series of ids; the same each time.
    pub fn ids(self) -> impl Iterator<Item = Vec<u8>> {
        let mut random = fastrand::Rng::with_seed(42);
        (1_u64..).map(move |number| self.id(number, &mut random).into_bytes())
    }

    fn id(self, number: u64, random: &mut fastrand::Rng) -> String {
        match self {
            Self::Sequential => format!("user-{number}"),
            Self::Numeric => (1_000_000 + number).to_string(),
            Self::Email => format!("user{number}@example.com"),
            Self::Hex => format!("{:032x}", random.u128(..)),
            Self::Uuid => {
                // Version 4, variant 1 (RFC 9562 section 5.4).
                let bits = random.u128(..) & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
                let part = |from: u32, length: u32| (bits >> (128 - from - length)) & ((1 << length) - 1);
                format!(
                    "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                    part(0, 32),
                    part(32, 16),
                    part(48, 16),
                    part(64, 16),
                    part(80, 48)
                )
            }
        }
    }
}

/// The ids in a text, one a line, without empty lines.
pub fn of_lines(text: &str) -> impl Iterator<Item = Vec<u8>> {
    text.lines().filter(|line| !line.is_empty()).map(|line| line.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn shapes_are_what_they_say() {
        let first = |shape: Shape| String::from_utf8(shape.ids().next().unwrap()).unwrap();
        assert_eq!(first(Shape::Sequential), "user-1");
        assert_eq!(first(Shape::Numeric), "1000001");
        assert_eq!(first(Shape::Email), "user1@example.com");
        assert_eq!(first(Shape::Hex).len(), 32);
        let uuid = first(Shape::Uuid);
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
        assert!(uuid[19..20].contains(['8', '9', 'a', 'b']));
    }

    #[test]
    fn ids_are_unique_and_the_same_each_time() {
        for shape in Shape::ALL {
            let ids: HashSet<_> = shape.ids().take(10_000).collect();
            assert_eq!(ids.len(), 10_000);
            assert!(shape.ids().take(10).eq(shape.ids().take(10)));
        }
    }
}
