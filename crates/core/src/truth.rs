//! Three-valued logic: the result of a predicate on a request, which may be unknown.

use std::ops::Not;

/// The result of a predicate on a request.
///
/// [`Unknown`](Self::Unknown) is the result if a value is present but cannot be judged: it is too long, does
/// not parse as its type, or makes an expression fail. Clients can often cause this, so *unknown* must never
/// be treated as *no* implicitly: code that needs yes or no states the value for unknown explicitly, with
/// [`unknown_as`](Self::unknown_as).
///
/// Combined as in Kleene's logic, which is also SQL's: the order is false < unknown < true, *and* is the least,
/// *or* the greatest, and the opposite of unknown is unknown.
///
/// ```
/// use weir_core::Truth::{self, False, True, Unknown};
///
/// assert_eq!(Truth::all([True, Unknown]), Unknown);
/// assert_eq!(Truth::all([False, Unknown]), False, "whatever the other one is");
/// assert_eq!(Truth::any([True, Unknown]), True);
/// assert_eq!(!Unknown, Unknown);
/// // A request that cannot be judged is not admitted.
/// assert!(!Unknown.unknown_as(false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not hold.
    False,
    /// Unknown.
    Unknown,
    /// It holds.
    True,
}

impl Truth {
    /// Whether all of them hold; true when there are none. Stops at the first that does not.
    #[inline]
    pub fn all(parts: impl IntoIterator<Item = Truth>) -> Truth {
        let mut least = Truth::True;
        for part in parts {
            if part == Truth::False {
                return part;
            }
            least = least.min(part);
        }
        least
    }

    /// Whether one of them holds; false when there are none. Stops at the first that does.
    #[inline]
    pub fn any(parts: impl IntoIterator<Item = Truth>) -> Truth {
        let mut greatest = Truth::False;
        for part in parts {
            if part == Truth::True {
                return part;
            }
            greatest = greatest.max(part);
        }
        greatest
    }

    /// Yes or no, with `safe` for unknown: `true` for protective rules, `false` for rules that admit or
    /// change a request.
    #[inline]
    pub fn unknown_as(self, safe: bool) -> bool {
        match self {
            Truth::True => true,
            Truth::False => false,
            Truth::Unknown => safe,
        }
    }
}

impl From<bool> for Truth {
    #[inline]
    fn from(holds: bool) -> Self {
        if holds { Truth::True } else { Truth::False }
    }
}

impl Not for Truth {
    type Output = Truth;

    #[inline]
    fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::Unknown => Truth::Unknown,
            Truth::False => Truth::True,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, False, True, Unknown};
    use std::cell::Cell;

    const EACH: [Truth; 3] = [False, Unknown, True];

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn combinations_are_kleenes() {
        let and = [[False, False, False], [False, Unknown, Unknown], [False, Unknown, True]];
        let or = [[False, Unknown, True], [Unknown, Unknown, True], [True, True, True]];
        for (i, a) in EACH.into_iter().enumerate() {
            for (j, b) in EACH.into_iter().enumerate() {
                assert_eq!(Truth::all([a, b]), and[i][j], "{a:?} and {b:?}");
                assert_eq!(Truth::any([a, b]), or[i][j], "{a:?} or {b:?}");
                assert_eq!(!Truth::all([a, b]), Truth::any([!a, !b]), "De Morgan: {a:?}, {b:?}");
            }
        }
        assert_eq!((Truth::all([]), Truth::any([]), !Unknown), (True, False, Unknown));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn unknown_does_not_end_a_combination_and_what_decides_does() {
        let looked_at = Cell::new(0);
        let parts = |truths: [Truth; 3]| {
            looked_at.set(0);
            truths.into_iter().inspect(|_| looked_at.set(looked_at.get() + 1))
        };
        assert_eq!((Truth::all(parts([Unknown, False, True])), looked_at.get()), (False, 2));
        assert_eq!((Truth::any(parts([Unknown, True, False])), looked_at.get()), (True, 2));
        assert_eq!((Truth::all(parts([True, Unknown, True])), looked_at.get()), (Unknown, 3));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn who_asks_says_what_unknown_is() {
        for safe in [false, true] {
            let answers = EACH.map(|truth| truth.unknown_as(safe));
            assert_eq!(answers, [false, safe, true]);
        }
    }
}
