//! Which TLBI by VA makes ids of fetches void.

use super::super::FetchPage;
use super::super::walk::tests::bit;
use super::super::walk::{Kind, Privilege, Regime};
use super::world::{HIGH_PAGE, LOW_PAGE, World};

/// A block of 2 MiB.
const BLOCK: u64 = 0x4020_0000;

/// Fetches from `va`, as code does that is remembered, and answers the id.
fn fetch(world: &mut World, va: u64) -> u64 {
    let found = world.tlb.translate(&world.memory, Regime::El10, va, Kind::Execute, Privilege::Privileged);
    let entry = found.expect("a mapped page");
    let (size_log2, global) = (entry.size_log2(), entry.is_global());
    world.tlb.note_fetch(va, &FetchPage { pa: entry.pa, guarded: false, size_log2, global });
    world.tlb.fetch_id(va)
}

fn with_block() -> World {
    let world = World::new();
    world.map_at(BLOCK, 2, 0x8020_0000, bit::NG);
    for page in [BLOCK - 0x1000, BLOCK + 0x20_0000] {
        world.map(page, 0x6000, bit::NG);
    }
    world
}

#[test]
fn that_of_data_beside_a_block_of_code_keeps_the_id_and_the_block() {
    let mut world = with_block();
    let id = fetch(&mut world, BLOCK + 0x3000);
    for page in [BLOCK - 0x1000, BLOCK + 0x20_0000] {
        world.read(page);
        world.invalidate_va(page, Some(0));
        assert!(world.walks(page), "{page:#x} is gone");
        assert_eq!(world.tlb.fetch_id(BLOCK), id);
        assert!(!world.walks(BLOCK + 0x3000), "the block is still cached");
    }
}

#[test]
fn that_of_any_page_of_a_block_with_code_gives_another_id_and_removes_the_block() {
    for (n, other) in [(0, 0x9000), (5, 0x9000), (511, 0x5000)] {
        let mut world = with_block();
        let id = fetch(&mut world, BLOCK + 0x5000);
        world.read(BLOCK + 0x9000);
        world.invalidate_va(BLOCK + (n << 12), Some(0));
        assert_ne!(world.tlb.fetch_id(BLOCK), id, "page {n}");
        assert!(world.walks(BLOCK + other));
    }
}

#[test]
fn that_of_one_asid_keeps_the_ids_of_others_and_of_the_other_half() {
    let mut world = World::new();
    world.map(HIGH_PAGE, 0x7000, 0);
    let ids = [0, 1].map(|asid| {
        world.switch(0, asid);
        world.map(LOW_PAGE, 0x6000, bit::NG);
        fetch(&mut world, LOW_PAGE)
    });
    let high = fetch(&mut world, HIGH_PAGE);
    world.invalidate_va(LOW_PAGE, Some(0));
    assert_eq!(world.tlb.fetch_id(LOW_PAGE), ids[1]);
    world.switch(0, 0);
    let renewed = fetch(&mut world, LOW_PAGE);
    assert!(!ids.contains(&renewed));
    assert_eq!(world.tlb.fetch_id(HIGH_PAGE), high);
    world.invalidate_va(LOW_PAGE, None);
    for asid in 0..2 {
        world.switch(0, asid);
        assert!(![ids[1], renewed].contains(&world.tlb.fetch_id(LOW_PAGE)), "all ASIDs: {asid}");
    }
    world.invalidate_va(HIGH_PAGE, Some(0));
    assert_ne!(world.tlb.fetch_id(HIGH_PAGE), high, "a global page");
}

#[test]
fn that_of_one_asid_voids_what_others_have_of_a_global_page() {
    let mut world = World::new();
    world.switch(0, 1);
    world.map(LOW_PAGE, 0x6000, 0);
    let id = fetch(&mut world, LOW_PAGE);
    world.switch(0, 0);
    world.invalidate_va(LOW_PAGE, Some(0));
    world.switch(0, 1);
    assert_ne!(world.tlb.fetch_id(LOW_PAGE), id);
}

#[test]
fn ids_end_when_too_many_pages_are_noted() {
    let mut world = World::new();
    world.map_at(0x4000_0000, 1, 0x4000_0000, bit::NG);
    let id = fetch(&mut world, 0x4000_0000);
    let last = (0..0x4000_u64).map(|n| fetch(&mut world, 0x4000_0000 + (n << 12))).last();
    assert_ne!(last, Some(id));
}
