//! How the pairs and replicates of a bootstrap are cut into tasks.
//!
//! A tile is the wanted pairs of two short ranges of items: they share what is computed of an item, and their tables
//! fit the second-level cache.

use crate::codes::pair_count;
use crate::correlation::{Row, Settings, Tables};
use crate::lanes::{LANES, Lanes};

/// Tables of a tile and block take at most this many bytes, so that they stay in the second-level cache.
const TILE_BYTES: usize = 384 << 10;

/// Widest range of items of a tile.
const MOST_TILE_ITEMS: usize = 8;

/// One pair of a tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub number: usize,
    pub first: usize,
    pub second: usize,
}

/// Replicates of one pair and where they go.
pub(crate) struct Output<'a> {
    pub pair: Pair,
    pub row: Row<'a>,
}

/// All wanted pairs, tile by tile.
pub(crate) fn tiles<T: Tables>(tables: &T, settings: &Settings<'_>) -> Vec<Vec<Pair>> {
    let categories = tables.categories();
    let items = categories.len();
    let largest = categories.iter().copied().max().unwrap_or(1);
    let table = largest * largest * tables.block_width() / LANES * size_of::<Lanes>();
    let side = (1..=MOST_TILE_ITEMS).rev().find(|side| side * side * table <= TILE_BYTES).unwrap_or(1);
    let starts = || (0..items).step_by(side);
    let mut tiles = Vec::new();
    for from_first in starts() {
        for from_second in starts().filter(|&second| second >= from_first) {
            let mut tile = Vec::new();
            for first in from_first..items.min(from_first + side) {
                for second in from_second.max(first + 1)..items.min(from_second + side) {
                    let number = pair_count(items) - pair_count(items - first) + second - first - 1;
                    if settings.is_wanted(number) {
                        tile.push(Pair { number, first, second });
                    }
                }
            }
            if !tile.is_empty() {
                tiles.push(tile);
            }
        }
    }
    tiles
}

/// Splits the replicates of a tile into tasks of some blocks each.
pub(crate) fn split<'a, 'b, B>(
    tile: Vec<Output<'a>>,
    blocks: &'b [B],
    blocks_per_part: usize,
    width: usize,
) -> Vec<(Vec<Output<'a>>, &'b [B])> {
    let mut rest = tile;
    let mut parts = Vec::new();
    for part in blocks.chunks(blocks_per_part) {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        for Output { pair, row } in rest {
            let (first, second) = row.split(part.len() * width);
            head.push(Output { pair, row: first });
            tail.push(Output { pair, row: second });
        }
        parts.push((head, part));
        rest = tail;
    }
    parts
}
