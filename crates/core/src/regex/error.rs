//! Why a pattern is refused.

use std::fmt;

/// The largest number in a counted repetition, as in RE2.
pub(super) const MAX_REPETITIONS: u32 = 1000;

/// Why a pattern is refused. Its text is a part of a sentence, without the pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidSyntax {
    /// A `(` without its `)`.
    UnclosedGroup,
    /// A `)` without its `(`.
    UnopenedGroup,
    /// A `[` without its `]`.
    UnclosedClass,
    /// This operator has nothing before it.
    NothingToRepeat(char),
    /// A repetition of a repetition, such as `a**`.
    RepeatedRepetition,
    /// A counted repetition whose numbers are too large, or in the wrong order.
    RepetitionSize,
    /// `(?=`, `(?!`, `(?<=` or `(?<!`.
    LookAround,
    /// `\1` or `(?P=name)`.
    BackReference,
    /// Something else after `(?`.
    UnknownFlag,
    /// The name of a group is empty, or has other characters than letters, digits and `_`.
    InvalidName,
    /// `\p` and `\P`.
    UnicodeClass,
    /// There is no `[:name:]` of this name.
    UnknownClass(Box<str>),
    /// A range in a class ends before it begins, or at a class.
    InvalidRange,
    /// A backslash before this character is not a valid escape.
    UnknownEscape(char),
    /// The code of a character is not a number, or too large.
    InvalidCode,
    /// Nothing follows a backslash.
    TrailingBackslash,
    /// Too many groups within groups.
    TooDeep,
    /// Too many steps.
    TooLarge,
}

impl fmt::Display for InvalidSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::NothingToRepeat(operator) => return write!(f, "`{operator}` has nothing to repeat"),
            Self::RepetitionSize => {
                return write!(
                    f,
                    "in a counted repetition such as {{2,5}} the first number is at most the second, and both are at most {MAX_REPETITIONS}"
                );
            }
            Self::UnknownClass(name) => return write!(f, "unknown class `[:{name}:]`"),
            Self::UnknownEscape(escaped) => return write!(f, "unknown escape `\\{escaped}`"),
            Self::UnclosedGroup => "a group `(` is not closed",
            Self::UnopenedGroup => "a group is closed that was never opened",
            Self::UnclosedClass => "a class `[` is not closed",
            Self::RepeatedRepetition => "a repetition follows another, as in `a**`",
            Self::LookAround => "look-around is not supported",
            Self::BackReference => "back-references are not supported",
            Self::UnknownFlag => "the flags of a group are `i`, `m`, `s` and `U`, as in `(?i)` or `(?i:a)`",
            Self::InvalidName => "the name of a group has letters, digits and `_` only, as in `(?P<name>a)`",
            Self::UnicodeClass => "classes of Unicode (`\\p`) are not supported",
            Self::InvalidRange => "a range in a class goes from one character to the same or a later one",
            Self::InvalidCode => {
                "the code of a character is not of the form \\x41, \\x{41} or \\101, or too large"
            }
            Self::TrailingBackslash => "it ends with a backslash",
            Self::TooDeep => "it has too many groups within groups",
            Self::TooLarge => "it is too large",
        };
        f.write_str(text)
    }
}

impl std::error::Error for InvalidSyntax {}
