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
    /// How many chose every category, where everybody answered the item.
    totals: Vec<Option<Vec<f64>>>,
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
        let totals = (0..codes.items()).map(|item| {
            codes.is_complete(item).then(|| {
                let planes = &bits[offsets[item] * words..offsets[item + 1] * words];
                planes.chunks_exact(words.max(1)).map(|plane| ones(plane) as f64).collect()
            })
        });
        Self { totals: totals.collect(), words, offsets, bits }
    }

    fn item(&self, item: usize) -> &[u64] {
        &self.bits[self.offsets[item] * self.words..self.offsets[item + 1] * self.words]
    }

    /// Writes the dense table of two items.
    pub fn count(&self, cpu: Cpu, first: usize, second: usize, table: &mut [f64]) {
        if self.words == 0 || table.is_empty() {
            table.fill(0.0);
        } else {
            let totals = self.totals[first].as_deref().zip(self.totals[second].as_deref());
            cpu.run(Count { words: self.words, first: self.item(first), second: self.item(second), totals, table });
        }
    }
}

struct Count<'a> {
    words: usize,
    first: &'a [u64],
    second: &'a [u64],
    /// Totals of both items, where they are the margins of the table.
    totals: Option<(&'a [f64], &'a [f64])>,
    table: &'a mut [f64],
}

impl Kernel for Count<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Self { words, first, second, totals, table } = self;
        let (rows, cols) = (first.len() / words, second.len() / words);
        // What the margins tell needs no counting: the last row and the last column.
        let (counted_rows, counted_cols) = if totals.is_some() { (rows - 1, cols - 1) } else { (rows, cols) };
        for (a, row) in first.chunks_exact(words).zip(table.chunks_exact_mut(cols)).take(counted_rows) {
            for (b, count) in second.chunks_exact(words).zip(row).take(counted_cols) {
                let mut total = 0_u64;
                for (a, b) in a.iter().zip(b) {
                    total += u64::from((a & b).count_ones());
                }
                *count = total as f64;
            }
        }
        let Some((row_totals, col_totals)) = totals else { return };
        for (row, &total) in table.chunks_exact_mut(cols).zip(row_totals).take(counted_rows) {
            row[cols - 1] = total - row[..cols - 1].iter().sum::<f64>();
        }
        for (b, &total) in col_totals.iter().enumerate() {
            let above: f64 = (0..rows - 1).map(|a| table[a * cols + b]).sum();
            table[(rows - 1) * cols + b] = total - above;
        }
    }
}

fn ones(plane: &[u64]) -> u64 {
    plane.iter().map(|word| u64::from(word.count_ones())).sum()
}
