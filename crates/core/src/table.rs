//! Tables of what a configuration declares: each item once, with an id that is its position.
//!
//! Every list of the configuration that is referenced by number is such a table. Look-ups take constant time,
//! and an ID never refers to two items: a table is bounded, and reports if the bound is exceeded.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// A position in a table.
///
/// ```
/// use weir_core::table::{Table, TableId};
///
/// /// What an entry is known by: a number of its own, so that it is not taken for another table's.
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// struct RuleId(u16);
///
/// impl TableId for RuleId {
///     const MAX: usize = 1_000;
///     fn of(position: usize) -> Self {
///         Self(position as u16)
///     }
///     fn position(self) -> usize {
///         self.0.into()
///     }
/// }
///
/// let mut rules = Table::<String, RuleId>::default();
/// assert_eq!(rules.put("canary".to_owned()), RuleId(0));
/// ```
pub trait TableId: Copy {
    /// How many items a table with such ids can have.
    const MAX: usize;
    /// The id of a position below [`TableId::MAX`].
    fn of(position: usize) -> Self;
    /// The position.
    fn position(self) -> usize;
}

impl TableId for u16 {
    /// The last number is left for "nowhere".
    const MAX: usize = u16::MAX as usize;

    fn of(position: usize) -> Self {
        u16::try_from(position).unwrap_or(u16::MAX)
    }

    fn position(self) -> usize {
        usize::from(self)
    }
}

impl TableId for usize {
    const MAX: usize = usize::MAX;

    fn of(position: usize) -> Self {
        position
    }

    fn position(self) -> usize {
        self
    }
}

/// Makes wrappers of a `u16` ids of tables.
macro_rules! ids {
    ($($id:ty),* $(,)?) => {
        $(impl TableId for $id {
            const MAX: usize = <u16 as TableId>::MAX;

            fn of(position: usize) -> Self {
                Self(u16::of(position))
            }

            fn position(self) -> usize {
                usize::from(self.0)
            }
        })*
    };
}
ids! {
    crate::attribute::AttrId,
    crate::ids::Counter,
    crate::ids::Gauge,
    crate::ids::OwnedHeader,
    crate::ids::State,
    crate::ids::TextId,
    crate::ids::CelId,
    crate::ids::ExperimentId,
}

/// Items in the order in which they were declared, equal ones once.
///
/// ```
/// use weir_core::Table;
///
/// // The counters of a configuration: a name that is declared twice is one counter.
/// let mut names: Table<Box<str>> = Table::at_most(2);
/// assert_eq!([names.intern("hits"), names.intern("misses"), names.intern("hits")], [0, 1, 0]);
/// assert_eq!((names.find("misses"), names.get(1).map(|name| &**name)), (Some(1), Some("misses")));
/// assert!(!names.insert("hits".into()), "it is there already");
///
/// names.put("errors".into());
/// assert!(names.exceeded() && names.items().len() == 2, "the configuration must be refused");
/// ```
#[derive(Debug)]
pub struct Table<T, I = usize> {
    items: Vec<T>,
    index: Index,
    max: usize,
    exceeded: bool,
    id: PhantomData<I>,
}

impl<T, I: TableId> Default for Table<T, I> {
    fn default() -> Self {
        Self::at_most(I::MAX)
    }
}

impl<T, I: TableId> Table<T, I> {
    /// An empty table that takes at most `max` items.
    pub fn at_most(max: usize) -> Self {
        let max = max.min(I::MAX);
        Self { items: Vec::new(), index: Index::default(), max, exceeded: false, id: PhantomData }
    }

    /// The items, by position.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// The items without the table.
    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    /// The item with this id.
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.position())
    }

    /// Whether an item was left out because the table was full. A configuration with such a table must be
    /// refused: the item's id is another item's.
    pub fn exceeded(&self) -> bool {
        self.exceeded
    }

    /// The id of the item that equals `key`.
    pub fn find<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<I>
    where
        T: Borrow<Q>,
    {
        self.find_hashed(hash(key), key)
    }

    fn find_hashed<Q: Eq + ?Sized>(&self, hash: u32, key: &Q) -> Option<I>
    where
        T: Borrow<Q>,
    {
        let is = |position| self.items.get(position).is_some_and(|item: &T| *item.borrow() == *key);
        self.index.find(hash, is).map(I::of)
    }

    /// The id of the item that equals `key`, which becomes an item if it is none yet.
    pub fn intern<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> I
    where
        T: Borrow<Q> + for<'q> From<&'q Q>,
    {
        let hash = hash(key);
        self.find_hashed(hash, key).unwrap_or_else(|| self.add(hash, key.into()))
    }

    /// Like [`Table::intern`], for what is at hand already.
    pub fn put(&mut self, item: T) -> I
    where
        T: Hash + Eq,
    {
        let hash = hash(&item);
        self.find_hashed(hash, &item).unwrap_or_else(|| self.add(hash, item))
    }

    /// Adds an item. False when there is an equal one already.
    pub fn insert(&mut self, item: T) -> bool
    where
        T: Hash + Eq,
    {
        let hash = hash(&item);
        let new = self.find_hashed(hash, &item).is_none();
        if new {
            self.add(hash, item);
        }
        new
    }

    fn add(&mut self, hash: u32, item: T) -> I {
        if self.items.len() >= self.max {
            self.exceeded = true;
            return I::of(0);
        }
        self.index.add(hash, self.items.len());
        self.items.push(item);
        I::of(self.items.len() - 1)
    }
}

/// Items in groups that have names; groups and their items are in the order in which they were added.
///
/// ```
/// use weir_core::table::Groups;
///
/// let mut members = Groups::default();
/// members.add("layer-1", "checkout");
/// members.add("layer-2", "search");
/// members.add("layer-1", "pricing");
/// assert_eq!(members.get("layer-1"), ["checkout", "pricing"]);
/// assert!(members.get("layer-3").is_empty());
/// ```
#[derive(Debug)]
pub struct Groups<N, T> {
    names: Table<N>,
    members: Vec<Vec<T>>,
}

impl<N, T> Default for Groups<N, T> {
    fn default() -> Self {
        Self { names: Table::default(), members: Vec::new() }
    }
}

impl<N: Hash + Eq, T> Groups<N, T> {
    /// Adds an item to the group of this name.
    pub fn add(&mut self, name: N, item: T) {
        let position = self.names.put(name);
        match self.members.get_mut(position) {
            Some(members) => members.push(item),
            None => self.members.push(vec![item]),
        }
    }

    /// The items of the group of this name; none where there is no such group.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, name: &Q) -> &[T]
    where
        N: Borrow<Q>,
    {
        let members = self.names.find(name).and_then(|position| self.members.get(position));
        members.map(Vec::as_slice).unwrap_or_default()
    }
}

/// Positions by hash, open addressing with linear probing, at most half full.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Hash and position plus one; zero where nothing is.
    slots: Vec<(u32, u32)>,
    len: usize,
}

impl Index {
    /// The slots from the first in which something of this hash can be.
    fn probe(&self, hash: u32) -> impl Iterator<Item = usize> {
        // The length is a power of two.
        let mask = self.slots.len().wrapping_sub(1);
        (0..self.slots.len()).map(move |step| (hash as usize).wrapping_add(step) & mask)
    }

    /// The position with this hash for which `is` says so.
    pub(crate) fn find(&self, hash: u32, is: impl Fn(usize) -> bool) -> Option<usize> {
        for slot in self.probe(hash) {
            match self.slots.get(slot) {
                Some((known, one_more)) if *one_more > 0 => {
                    let position = *one_more as usize - 1;
                    if *known == hash && is(position) {
                        return Some(position);
                    }
                }
                _ => return None,
            }
        }
        None
    }

    /// Adds a position.
    pub(crate) fn add(&mut self, hash: u32, position: usize) {
        if self.len * 2 >= self.slots.len() {
            let grown = vec![(0, 0); (self.slots.len() * 2).max(8)];
            for (hash, one_more) in std::mem::replace(&mut self.slots, grown) {
                if one_more > 0 {
                    self.place(hash, one_more);
                }
            }
        }
        self.len += 1;
        self.place(hash, u32::try_from(position).map_or(u32::MAX, |position| position.saturating_add(1)));
    }

    fn place(&mut self, hash: u32, one_more: u32) {
        let free = self.probe(hash).find(|slot| self.slots.get(*slot).is_some_and(|slot| slot.1 == 0));
        if let Some(slot) = free.and_then(|slot| self.slots.get_mut(slot)) {
            *slot = (hash, one_more);
        }
    }
}

/// Multiplies and rotates, a word at a time. Whoever writes a configuration may make its loading slow by colliding
/// names; nobody else's bytes come here.
fn hash<T: Hash + ?Sized>(item: &T) -> u32 {
    let mut hasher = Words(0xcbf2_9ce4_8422_2325);
    item.hash(&mut hasher);
    let mixed = hasher.0 ^ (hasher.0 >> 32);
    (mixed.wrapping_mul(ODD) >> 32) as u32
}

/// 2^64 divided by the golden ratio: each bit of a factor changes about half of the product's higher bits.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

struct Words(u64);

impl Words {
    fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(ODD);
    }
}

impl Hasher for Words {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.word(u64::from_le_bytes(*word)));
        self.word(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }

    fn write_u8(&mut self, byte: u8) {
        self.word(byte.into());
    }

    fn write_usize(&mut self, number: usize) {
        self.word(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_items_have_one_id() {
        let mut table = Table::<String, u16>::default();
        let ids: Vec<u16> = ["a", "b", "a", "", "b"].map(|name| table.intern(name)).into();
        assert_eq!(ids, [0, 1, 0, 2, 1]);
        assert_eq!(table.items(), ["a", "b", ""]);
        assert_eq!(table.find(""), Some(2));
        assert_eq!(table.find("c"), None);
        assert!(!table.insert("a".to_owned()) && table.insert("c".to_owned()));
    }

    #[test]
    fn ten_thousand_items_are_told_apart() {
        let mut table = Table::<String, u16>::default();
        for round in 0..2 {
            for number in 0..10_000u16 {
                assert_eq!(table.intern(&*format!("name-{number}")), number, "round {round}");
            }
        }
        assert!(!table.exceeded());
    }

    #[test]
    fn a_full_table_says_so() {
        let mut table = Table::<usize, u16>::default();
        for number in 0..=usize::from(u16::MAX) {
            assert!(!table.exceeded());
            table.put(number);
        }
        assert!(table.exceeded(), "65,536 items do not have 65,536 different ids");
        assert_eq!(table.items().len(), 65_535);
        assert_eq!(table.find(&65_534), Some(65_534));
        let mut small = Table::<u8, u16>::at_most(1);
        assert_eq!((small.put(1), small.put(1), small.exceeded()), (0, 0, false));
        small.put(2);
        assert!(small.exceeded());
    }
}
