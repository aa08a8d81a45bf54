//! Tables of an unweighted sample: who chose a category, one bit per respondent.
#![allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]

use crate::codes::Codes;
use crate::cpu::{Arch, Cpu, Kernel};

/// Most categories for which a pass over all respondents per cell is the quicker way to count.
const MOST_CATEGORIES: usize = 16;

/// A bit per respondent for every category of every item.
#[derive(Debug)]
pub struct Planes {
    words: usize,
    /// Where the planes of every item begin.
    offsets: Vec<usize>,
    bits: Vec<u64>,
}

impl Planes {
    /// True when tables of items with these numbers of categories are best counted this way.
    #[must_use]
    pub fn fit(categories: &[usize]) -> bool {
        categories.iter().all(|&k| k <= MOST_CATEGORIES)
    }

    /// Turns codes into bits.
    #[must_use]
    pub fn new(codes: &Codes) -> Self {
        let words = codes.rows().div_ceil(64);
        let mut offsets = vec![0];
        let mut planes = 0;
        for categories in codes.categories() {
            planes += categories;
            offsets.push(planes);
        }
        let mut bits = vec![0_u64; planes * words];
        for (item, &categories) in codes.categories().iter().enumerate() {
            let planes = &mut bits[offsets[item] * words..];
            for (word, answers) in codes.column(item).chunks(64).enumerate() {
                for (bit, &answer) in answers.iter().enumerate() {
                    if usize::from(answer) < categories {
                        planes[usize::from(answer) * words + word] |= 1 << bit;
                    }
                }
            }
        }
        Self { words, offsets, bits }
    }

    fn item(&self, item: usize) -> &[u64] {
        &self.bits[self.offsets[item] * self.words..self.offsets[item + 1] * self.words]
    }

    /// Writes the dense table of two items.
    pub fn count(&self, cpu: Cpu, first: usize, second: usize, table: &mut [f64]) {
        if self.words == 0 {
            table.fill(0.0);
        } else {
            cpu.run(Count { words: self.words, first: self.item(first), second: self.item(second), table });
        }
    }
}

struct Count<'a> {
    words: usize,
    first: &'a [u64],
    second: &'a [u64],
    table: &'a mut [f64],
}

impl Kernel for Count<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let cols = self.second.len() / self.words;
        for (a, row) in self.first.chunks_exact(self.words).zip(self.table.chunks_exact_mut(cols.max(1))) {
            for (b, count) in self.second.chunks_exact(self.words).zip(row) {
                let mut total = 0_u64;
                for (a, b) in a.iter().zip(b) {
                    total += u64::from((a & b).count_ones());
                }
                *count = total as f64;
            }
        }
    }
}
