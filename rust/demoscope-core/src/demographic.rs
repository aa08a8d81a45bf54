//! "Demographics-only humans" (reference A1): what opinions share because of what the prompt shows, and nothing else.
//!
//! Within a cell of people with the same demographics, answers of *distinct* persons are paired: the table of items j
//! and k counts every ordered pair (i, i') of different people, answer of i to j with answer of i' to k.
//! Permuting answers within cells would leave each person paired with herself once in `n_c` times and leak `1 / n_c`
//! of the within-person association.
//! With r = weight x multiplicity the table of a cell is `N_j(a) N_k(b) - sum over i of r_i^2 1[a_i = a, b_i = b]`:
//! the squares take all pairs of a person with her own copies out, because copies of one respondent in a bootstrap
//! replicate are still one person.
//! Cells are scaled to their mass and added; a cell of one person has no pairs and is dropped.
#![allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]

use crate::codes::Codes;
use crate::contingency::{complete_cells, count_item, count_pair};
use crate::correlation::Tables;
use crate::cpu::{Arch, Cpu, Kernel};
use crate::error::{Error, check_length};
use crate::lanes::{LANES, Lanes};
use crate::weights::{Replicates, scale};

/// Pair sums below this share of the product of the totals are rounding of a difference that is zero.
const ROUNDING: f64 = 1e-12;

/// Products of two sums of weights of this size neither vanish nor overflow.
const SMALL: f64 = 1e-100;
const LARGE: f64 = 1e100;

/// Codes, demographic cells and the weights of replicates.
#[derive(Debug, Clone)]
pub struct Demographic<'a> {
    codes: Codes,
    /// Where every cell begins in the sorted rows, and the end of the last.
    bounds: Vec<usize>,
    /// Original row of every sorted row.
    order: Vec<usize>,
    replicates: Replicates<'a>,
}

impl<'a> Demographic<'a> {
    /// Row-major codes, the cell of every respondent (-1: unknown, dropped) and weights.
    ///
    /// # Errors
    /// When lengths disagree or a code is not a category.
    pub fn new(codes: &[u8], categories: &[usize], cell: &[i64], replicates: Replicates<'a>) -> Result<Self, Error> {
        check_length("cell", cell.len(), replicates.rows())?;
        check_length("codes", codes.len(), cell.len() * categories.len())?;
        let mut order: Vec<usize> = (0..cell.len()).filter(|&row| cell[row] >= 0).collect();
        order.sort_by_key(|&row| cell[row]);
        let mut bounds: Vec<usize> =
            (0..order.len()).filter(|&i| i == 0 || cell[order[i]] != cell[order[i - 1]]).collect();
        bounds.push(order.len());
        let items = categories.len();
        let sorted: Vec<u8> = order.iter().flat_map(|&row| &codes[row * items..(row + 1) * items]).copied().collect();
        let codes = Codes::from_rows(&sorted, order.len(), categories)?;
        Ok(Self { codes, bounds, order, replicates })
    }
}

impl Demographic<'_> {
    /// Weights of a replicate in sorted order, in another unit where their squares could not be held.
    fn mass(&self, replicate: usize) -> Vec<f64> {
        let mut rows = vec![0.0; self.replicates.rows()];
        self.replicates.mass(replicate, &mut rows);
        let mut mass: Vec<f64> = self.order.iter().map(|&row| rows[row]).collect();
        let largest = mass.iter().copied().fold(0.0, f64::max);
        if !(SMALL..LARGE).contains(&largest) {
            scale(&mut mass);
        }
        mass
    }
}

/// Weights of one replicate in sorted order.
#[derive(Debug)]
pub struct Loaded {
    mass: Vec<f64>,
    squares: Vec<f64>,
    copies: Vec<f64>,
}

impl Tables for Demographic<'_> {
    fn categories(&self) -> &[usize] {
        self.codes.categories()
    }

    fn replicates(&self) -> usize {
        self.replicates.count()
    }

    fn is_sample(&self) -> bool {
        self.replicates.is_sample()
    }

    fn sample(&self) -> Self {
        Self { replicates: self.replicates.sample(), ..self.clone() }
    }

    /// The margins are those of the pairs of persons, never those of the items.
    fn is_complete(&self, _first: usize, _second: usize) -> bool {
        false
    }

    type Replicate = Loaded;

    fn load(&self, index: usize) -> Loaded {
        let mut rows = vec![0.0; self.replicates.rows()];
        self.replicates.copies(index, &mut rows);
        let copies = self.order.iter().map(|&row| rows[row]).collect();
        let mass = self.mass(index);
        let squares = mass.iter().map(|mass| mass * mass).collect();
        Loaded { mass, squares, copies }
    }

    fn item_totals(&self, item: usize, replicate: &Loaded, totals: &mut [f64]) {
        let mut counts = vec![0.0; totals.len() + 1];
        count_item(self.codes.column(item), &replicate.mass, &mut counts);
        totals.copy_from_slice(&counts[..totals.len()]);
    }

    fn pair_table(&self, first: usize, second: usize, replicate: &Loaded, table: &mut [f64]) {
        let (rows, cols) = (self.categories()[first], self.categories()[second]);
        let Loaded { mass, squares, .. } = replicate;
        let mut counts = vec![0.0; (rows + 1) * (cols + 1)];
        let mut first_totals = vec![0.0; rows + 1];
        let mut second_totals = vec![0.0; cols + 1];
        let mut own = vec![0.0; rows * cols];
        table.fill(0.0);
        for range in self.bounds.windows(2).map(|bound| bound[0]..bound[1]) {
            let (a, b) = (&self.codes.column(first)[range.clone()], &self.codes.column(second)[range.clone()]);
            count_item(a, &mass[range.clone()], &mut first_totals);
            count_item(b, &mass[range.clone()], &mut second_totals);
            count_pair(a, b, &squares[range.clone()], cols + 1, &mut counts);
            complete_cells(&counts, rows, cols, &mut own);
            let distinct = |a: usize, b: usize, own: f64| {
                let all = first_totals[a] * second_totals[b];
                let rest = all - own;
                if rest > ROUNDING * all { rest } else { 0.0 }
            };
            let pair_sum: f64 = own.iter().enumerate().map(|(i, &own)| distinct(i / cols, i % cols, own)).sum();
            if pair_sum > 0.0 {
                let scale = mass[range].iter().sum::<f64>() / pair_sum;
                for (i, (count, &own)) in table.iter_mut().zip(own.iter()).enumerate() {
                    *count += scale * distinct(i / cols, i % cols, own);
                }
            }
        }
    }

    fn counts_respondents(&self) -> bool {
        false
    }

    fn left_out(&self) -> usize {
        self.replicates.left_out()
    }

    fn respondents(&self, first: usize, second: usize, replicate: &Loaded) -> f64 {
        let (rows, cols) = (self.categories()[first], self.categories()[second]);
        let answers = self.codes.column(first).iter().zip(self.codes.column(second));
        let complete = answers.map(|(&a, &b)| usize::from(a) < rows && usize::from(b) < cols);
        replicate.copies.iter().zip(complete).filter(|(_, complete)| *complete).map(|(copies, _)| copies).sum()
    }

    /// Weights of every row, in sorted order.
    type Block = Vec<Lanes>;
    type Plan = Vec<(usize, usize)>;

    fn block_width(&self) -> usize {
        LANES
    }

    fn block_size(&self) -> usize {
        self.order.len() * size_of::<Lanes>()
    }

    fn block(&self, first: usize) -> Vec<Lanes> {
        let mut block = vec![Lanes::default(); self.order.len()];
        for lane in 0..LANES.min(self.replicates() - first) {
            for (weights, mass) in block.iter_mut().zip(self.mass(first + lane)) {
                weights.0[lane] = mass;
            }
        }
        block
    }

    fn block_totals(&self, _cpu: Cpu, item: usize, block: &Vec<Lanes>, totals: &mut [Lanes]) {
        let mut counts = vec![Lanes::default(); totals.len() + 1];
        for (&code, &weight) in self.codes.column(item).iter().zip(block) {
            counts[usize::from(code)] += weight;
        }
        totals.copy_from_slice(&counts[..totals.len()]);
    }

    fn plan(&self, pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
        pairs.to_vec()
    }

    fn block_table(&self, cpu: Cpu, plan: &Vec<(usize, usize)>, pair: usize, block: &Vec<Lanes>, table: &mut [Lanes]) {
        let (first, second) = plan[pair];
        let (rows, cols) = (self.categories()[first], self.categories()[second]);
        let (first, second) = (self.codes.column(first), self.codes.column(second));
        cpu.run(DistinctPairs { bounds: &self.bounds, first, second, rows, cols, block, table });
    }
}

/// The same table for eight replicates.
struct DistinctPairs<'a> {
    bounds: &'a [usize],
    first: &'a [u8],
    second: &'a [u8],
    rows: usize,
    cols: usize,
    block: &'a [Lanes],
    table: &'a mut [Lanes],
}

impl Kernel for DistinctPairs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Self { rows, cols, table, .. } = self;
        let zero = Lanes::default();
        let mut first_totals = vec![zero; rows + 1];
        let mut second_totals = vec![zero; cols + 1];
        let mut own = vec![zero; (rows + 1) * (cols + 1)];
        let mut distinct = vec![zero; rows * cols];
        table.fill(zero);
        for range in self.bounds.windows(2).map(|bound| bound[0]..bound[1]) {
            first_totals.fill(zero);
            second_totals.fill(zero);
            own.fill(zero);
            let mut mass = zero;
            for row in range {
                let (a, b, weight) = (usize::from(self.first[row]), usize::from(self.second[row]), self.block[row]);
                mass += weight;
                first_totals[a] += weight;
                second_totals[b] += weight;
                own[a * (cols + 1) + b] += weight * weight;
            }
            let mut pair_sum = zero;
            for a in 0..rows {
                for b in 0..cols {
                    let all = first_totals[a] * second_totals[b];
                    let rest = all - own[a * (cols + 1) + b];
                    let rest = rest.select_above(all * Lanes::splat(ROUNDING), rest, zero);
                    distinct[a * cols + b] = rest;
                    pair_sum += rest;
                }
            }
            let scale = mass / pair_sum.select_above(zero, pair_sum, Lanes::splat(f64::INFINITY));
            for (count, &distinct) in table.iter_mut().zip(&distinct) {
                *count = scale.mul_add::<A>(distinct, *count);
            }
        }
    }
}
