//! Tables of many replicates side by side.
//!
//! Which respondents a cell holds is the same in all replicates, so they are sorted by cell once; a replicate then adds
//! up the weights of each cell, and one vector addition serves 64 replicates of whole multiplicities or eight of real
//! weights.
#![allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]

use crate::cpu::{Arch, Cpu, Kernel};
use crate::lanes::{LANES, Lanes};
use crate::weights::Block;

/// Groups of [`LANES`] replicates that whole multiplicities are added up for at once.
pub const GROUPS: usize = 8;

/// Replicates that one vector of whole multiplicities holds.
pub const WIDTH: usize = LANES * GROUPS;

/// Multiplicities of one respondent in 64 replicates.
pub type Copies = [u8; WIDTH];

/// Rows sorted by cell, inside a cell in their own order.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorted {
    rows: Vec<u32>,
    ends: Vec<u32>,
}

impl Sorted {
    /// Sorts rows by the category of one item; missing answers are left out.
    #[must_use]
    pub fn by_item(column: &[u8], categories: usize) -> Self {
        Self::by_cell(column.iter().map(|&code| usize::from(code)), categories)
    }

    /// Sorts rows by the cell of two items, row-major; incomplete answers are left out.
    #[must_use]
    pub fn by_pair(first: &[u8], second: &[u8], rows: usize, cols: usize) -> Self {
        let cell = |(&a, &b): (&u8, &u8)| {
            let (a, b) = (usize::from(a), usize::from(b));
            if a < rows && b < cols { a * cols + b } else { usize::MAX }
        };
        Self::by_cell(first.iter().zip(second).map(cell), rows * cols)
    }

    /// Counting sort; a cell that is not below `cells` is left out.
    fn by_cell(cell: impl Iterator<Item = usize> + Clone, cells: usize) -> Self {
        let mut ends = vec![0_u32; cells];
        for cell in cell.clone() {
            if let Some(count) = ends.get_mut(cell) {
                *count += 1;
            }
        }
        // First the beginning of every cell; filling the cells moves it to the end.
        let mut next = 0;
        for end in &mut ends {
            (*end, next) = (next, next + *end);
        }
        let mut rows = vec![0; next as usize];
        for (row, cell) in (0_u32..).zip(cell) {
            if let Some(end) = ends.get_mut(cell) {
                rows[*end as usize] = row;
                *end += 1;
            }
        }
        Self { rows, ends }
    }

    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.ends.len()
    }

    /// Number of rows in the cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True when no row is in a cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Rows of every cell.
    #[inline(always)]
    fn by_cells(&self) -> impl Iterator<Item = &[u32]> {
        let mut begin = 0;
        self.ends.iter().map(move |&end| {
            let rows = &self.rows[begin..end as usize];
            begin = end as usize;
            rows
        })
    }

    /// Adds up the weights of a block: `totals` is (group of lanes, cell).
    pub fn add_up(&self, cpu: Cpu, block: &Block, totals: &mut [Lanes]) {
        match block {
            Block::Whole(copies, largest) => self.count(cpu, copies, *largest, totals),
            Block::Real(weights) => self.sum(cpu, weights, totals),
        }
    }

    /// Adds up whole multiplicities: `totals` is (group, cell).
    ///
    /// `largest` is an upper bound of the multiplicities, at least 1.
    pub fn count(&self, cpu: Cpu, copies: &[Copies], largest: u8, totals: &mut [Lanes]) {
        cpu.run(Count { sorted: self, copies, largest, totals });
    }

    /// Adds up real weights of eight replicates: `totals` is (cell).
    pub fn sum(&self, cpu: Cpu, weights: &[Lanes], totals: &mut [Lanes]) {
        cpu.run(Sum { sorted: self, weights, totals });
    }
}

struct Count<'a> {
    sorted: &'a Sorted,
    copies: &'a [Copies],
    largest: u8,
    totals: &'a mut [Lanes],
}

impl Kernel for Count<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let cells = self.sorted.cells();
        // As many additions as a byte, and as many byte sums as 16 bits, can hold for sure.
        let per_byte = usize::from(u8::MAX / self.largest.max(1));
        for (cell, rows) in self.sorted.by_cells().enumerate() {
            // Most cells are small enough for the first of three widths.
            if rows.len() <= per_byte {
                spread(&byte_sums(rows, self.copies), cell, cells, self.totals);
            } else {
                let mut total = [0_u32; WIDTH];
                for rows in rows.chunks(per_byte * 256) {
                    let mut wide = [0_u16; WIDTH];
                    for rows in rows.chunks(per_byte) {
                        let bytes = byte_sums(rows, self.copies);
                        for (wide, byte) in wide.iter_mut().zip(bytes) {
                            *wide += u16::from(byte);
                        }
                    }
                    for (total, wide) in total.iter_mut().zip(wide) {
                        *total += u32::from(wide);
                    }
                }
                spread(&total, cell, cells, self.totals);
            }
        }
    }
}

/// Writes the sums of one cell to its place in every group.
#[inline(always)]
fn spread<N: Copy + Into<f64>>(sums: &[N; WIDTH], cell: usize, cells: usize, totals: &mut [Lanes]) {
    for group in 0..GROUPS {
        let target = &mut totals[group * cells + cell].0;
        for (target, &sum) in target.iter_mut().zip(&sums[group * LANES..(group + 1) * LANES]) {
            *target = sum.into();
        }
    }
}

/// Sums that fit a byte; four rows at a time, so that the sum is not written and read again for every row.
#[inline(always)]
fn byte_sums(rows: &[u32], copies: &[Copies]) -> Copies {
    let mut sum = [0_u8; WIDTH];
    let fours = rows.chunks_exact(4);
    let rest = fours.remainder();
    for four in fours {
        let (a, b) = (&copies[four[0] as usize], &copies[four[1] as usize]);
        let (c, d) = (&copies[four[2] as usize], &copies[four[3] as usize]);
        for lane in 0..WIDTH {
            let pairs = a[lane].wrapping_add(b[lane]).wrapping_add(c[lane].wrapping_add(d[lane]));
            sum[lane] = sum[lane].wrapping_add(pairs);
        }
    }
    for &row in rest {
        let copies = &copies[row as usize];
        for lane in 0..WIDTH {
            sum[lane] = sum[lane].wrapping_add(copies[lane]);
        }
    }
    sum
}

struct Sum<'a> {
    sorted: &'a Sorted,
    weights: &'a [Lanes],
    totals: &'a mut [Lanes],
}

impl Kernel for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        for (total, rows) in self.totals.iter_mut().zip(self.sorted.by_cells()) {
            // Four sums, so that an addition does not wait for the one before; their order is fixed.
            let mut sums = [Lanes::default(); 4];
            let fours = rows.chunks_exact(4);
            for (sum, &row) in sums.iter_mut().zip(fours.remainder()) {
                *sum += self.weights[row as usize];
            }
            for four in fours {
                for (sum, &row) in sums.iter_mut().zip(four) {
                    *sum += self.weights[row as usize];
                }
            }
            *total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        }
    }
}
