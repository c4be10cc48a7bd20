//! The allocator of modules: small blocks that were freed are reused, as they are.
//!
//! Allocations of a request are small, live no longer than the request, and recur in the same sizes in the
//! next one. The general allocator joins and splits blocks in between, which costs a hundred or more
//! instructions each time; a list of free blocks per size costs ten. The lists are bounded, so that memory of
//! a busy period is returned afterwards.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr::null_mut;

/// What sizes are rounded up to, and the strongest alignment that a block has, in bytes.
const STEP: usize = 16;
/// How many sizes have a list. Larger blocks, and such that ask for more alignment, are the system's.
const SIZES: usize = 64;
/// How many free blocks a list keeps: with all lists full, half a megabyte.
const MAX_COUNT: u32 = 16;

/// Lists of free blocks before the allocator `A`.
///
/// The lists are not locked: a lock would cost what they save. So this is an allocator for WebAssembly without
/// threads, which is what a proxy runs:
///
/// ```
/// # use weir_host::Blocks;
/// # use std::alloc::System;
/// #[cfg(all(target_family = "wasm", not(target_feature = "atomics")))]
/// #[global_allocator]
/// static ALLOCATOR: Blocks<System> = Blocks::new(System);
/// ```
///
/// Everywhere else two threads would take the same block, and write into each other's data. There it is not
/// [`Sync`], so that it cannot be a `static`:
///
/// ```compile_fail,E0277
/// # use weir_host::Blocks;
/// # use std::alloc::System;
/// #[global_allocator]
/// static ALLOCATOR: Blocks<System> = Blocks::new(System);
/// ```
#[derive(Debug)]
pub struct Blocks<A> {
    system: A,
    lists: [List; SIZES],
}

/// Free blocks of one size. Each begins with the address of the next.
#[derive(Debug)]
struct List {
    first: Cell<*mut u8>,
    count: Cell<u32>,
}

// SAFETY: without atomics WebAssembly has no threads: nothing else runs while a list is changed.
#[cfg(all(target_family = "wasm", not(target_feature = "atomics")))]
unsafe impl<A: Sync> Sync for Blocks<A> {}

impl<A> Blocks<A> {
    /// No block is kept yet.
    pub const fn new(system: A) -> Self {
        Self { system, lists: [const { List { first: Cell::new(null_mut()), count: Cell::new(0) } }; SIZES] }
    }

    /// The list for such blocks; `None` for what is the system's.
    #[inline]
    fn list(&self, layout: Layout) -> Option<&List> {
        if layout.align() > STEP {
            return None;
        }
        // Nobody may ask for no bytes at all.
        self.lists.get((layout.size().wrapping_sub(1)) / STEP)
    }
}

/// What is asked of the system for a block in a list: the whole of its size.
#[inline]
fn whole(layout: Layout) -> Layout {
    let size = layout.size().next_multiple_of(STEP);
    // SAFETY: the alignment is a power of two, and a size in a list is far below the largest one.
    unsafe { Layout::from_size_align_unchecked(size, STEP) }
}

// SAFETY: a block is in a list or lent, never both; it is as large as the largest layout of its list and has the
// strongest alignment; and it came from the system with the layout with which it goes back.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Blocks<A> {
    // A copy at each of the places that allocate would make a module 20 kB larger.
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(list) = self.list(layout) else {
            // SAFETY: as the caller promised.
            return unsafe { self.system.alloc(layout) };
        };
        let first = list.first.get();
        if first.is_null() {
            // SAFETY: as the caller promised; not smaller than what was asked for.
            return unsafe { self.system.alloc(whole(layout)) };
        }
        // SAFETY: `dealloc` has written the next address there, and nobody had the block since.
        list.first.set(unsafe { first.cast::<*mut u8>().read() });
        list.count.set(list.count.get() - 1);
        first
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(list) = self.list(layout) else {
            // SAFETY: as the caller promised.
            return unsafe { self.system.dealloc(block, layout) };
        };
        if list.count.get() == MAX_COUNT {
            // SAFETY: it came from the system with this layout.
            return unsafe { self.system.dealloc(block, whole(layout)) };
        }
        // SAFETY: every block has room for an address, is aligned for it, and is nobody's any more.
        unsafe { block.cast::<*mut u8>().write(list.first.get()) };
        list.first.set(block);
        list.count.set(list.count.get() + 1);
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promised that the size, rounded up to the alignment, is no overflow.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (self.list(layout), self.list(new)) {
            (Some(old), Some(new)) if std::ptr::eq(old, new) => return block,
            // SAFETY: as the caller promised.
            (None, None) => return unsafe { self.system.realloc(block, layout, size) },
            _ => {}
        }
        // SAFETY: as the caller promised; both blocks have this many bytes, and they are two.
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::alloc::System;
    use std::cell::RefCell;

    /// The system's allocator, with what it has lent: the size and alignment of each block.
    #[derive(Default)]
    struct Watched(RefCell<Vec<(*mut u8, Layout)>>);

    // SAFETY: the system's own, which is told exactly what the caller says.
    unsafe impl GlobalAlloc for Watched {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: as the caller promised.
            let block = unsafe { System.alloc(layout) };
            self.0.borrow_mut().push((block, layout));
            block
        }
        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            let mut lent = self.0.borrow_mut();
            let at = lent.iter().position(|one| *one == (block, layout)).expect("lent with this layout");
            lent.swap_remove(at);
            // SAFETY: as the caller promised.
            unsafe { System.dealloc(block, layout) };
        }
    }

    /// Gives all kept blocks back; none may be missing.
    fn ends_clean(blocks: &Blocks<Watched>) {
        for (list, size) in blocks.lists.iter().zip(1..) {
            let layout = Layout::from_size_align(size * STEP, STEP).unwrap();
            while !list.first.get().is_null() {
                // SAFETY: it takes the first block from the list, and gives it back to the system.
                unsafe {
                    let block = blocks.alloc(layout);
                    blocks.system.dealloc(block, layout);
                }
            }
            assert_eq!(list.count.get(), 0);
        }
        assert_eq!(*blocks.system.0.borrow(), [], "all goes back");
    }

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).unwrap()
    }

    /// Whether a type is [`Sync`]: an inherent constant comes before a trait's.
    trait Unknown {
        const SYNC: bool = false;
    }
    struct Known<T>(std::marker::PhantomData<T>);
    impl<T> Unknown for Known<T> {}
    impl<T: Sync> Known<T> {
        const SYNC: bool = true;
    }

    #[test]
    fn threads_cannot_share_the_lists() {
        let one_thread = cfg!(all(target_family = "wasm", not(target_feature = "atomics")));
        assert_eq!((Known::<System>::SYNC, Known::<Blocks<System>>::SYNC), (true, one_thread));
    }

    #[test]
    fn a_freed_block_is_lent_again_for_sizes_that_fit() {
        let blocks = Blocks::new(Watched::default());
        // SAFETY: every block is used within its size, and freed once with its layout.
        unsafe {
            let first = blocks.alloc(layout(17));
            blocks.dealloc(first, layout(17));
            let again = blocks.alloc(layout(32));
            assert_eq!(again, first);
            let other = blocks.alloc(layout(32));
            assert_ne!(other, again);
            let smaller = blocks.alloc(layout(16));
            assert!(smaller != first && smaller != other);
            for (block, size) in [(again, 32), (other, 32), (smaller, 16)] {
                blocks.dealloc(block, layout(size));
            }
        }
        assert_eq!(blocks.system.0.borrow().len(), 3);
        ends_clean(&blocks);
    }

    #[test]
    fn only_so_many_blocks_are_kept() {
        let blocks = Blocks::new(Watched::default());
        // SAFETY: as above.
        unsafe {
            let lent: Vec<*mut u8> = (0..100).map(|_| blocks.alloc(layout(64))).collect();
            lent.into_iter().for_each(|block| blocks.dealloc(block, layout(64)));
        }
        assert_eq!(blocks.system.0.borrow().len(), MAX_COUNT as usize);
        ends_clean(&blocks);
    }

    #[test]
    fn what_is_large_or_aligned_is_the_systems() {
        let blocks = Blocks::new(Watched::default());
        for layout in [layout(STEP * SIZES + 1), layout(1 << 20), Layout::from_size_align(32, 64).unwrap()] {
            // SAFETY: as above.
            unsafe {
                let block = blocks.alloc(layout);
                assert_eq!(*blocks.system.0.borrow(), [(block, layout)]);
                blocks.dealloc(block, layout);
            }
            assert!(blocks.system.0.borrow().is_empty());
        }
    }

    #[test]
    fn a_block_that_changes_its_size_keeps_its_bytes() {
        let blocks = Blocks::new(Watched::default());
        let most = STEP * SIZES;
        for (from, to) in
            [(1, 16), (16, 17), (20, 500), (500, 20), (most, most + 1), (most + 1, 5), (5000, 9000)]
        {
            // SAFETY: as above.
            unsafe {
                let block = blocks.alloc(layout(from));
                (0..from).for_each(|at| block.add(at).write(at as u8));
                let block = blocks.realloc(block, layout(from), to);
                (0..from.min(to)).for_each(|at| assert_eq!(block.add(at).read(), at as u8, "{from} {to}"));
                blocks.dealloc(block, layout(to));
            }
        }
        ends_clean(&blocks);
    }

    #[test]
    fn blocks_never_overlap() {
        let blocks = Blocks::new(Watched::default());
        let mut held: Vec<(*mut u8, usize, u8)> = Vec::new();
        let mut chance = 1_u64;
        for round in 0..20_000 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (at, size) = ((chance >> 33) as usize, (chance >> 48) as usize % 1200 + 1);
            // SAFETY: as above.
            unsafe {
                if held.len() > 50 || (round % 3 == 0 && !held.is_empty()) {
                    let (block, size, mark) = held.swap_remove(at % held.len());
                    assert!((0..size).all(|at| block.add(at).read() == mark));
                    blocks.dealloc(block, layout(size));
                } else {
                    let block = blocks.alloc(layout(size));
                    block.write_bytes(round as u8, size);
                    held.push((block, size, round as u8));
                }
            }
        }
        for (block, size, _) in held {
            // SAFETY: as above.
            unsafe { blocks.dealloc(block, layout(size)) };
        }
        ends_clean(&blocks);
    }
}
