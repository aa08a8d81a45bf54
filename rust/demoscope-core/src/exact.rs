//! Exact tables from option probabilities, for items that are asked one at a time.
//!
//! Given the profile, answers to different items are independent, so the expected joint table is
//! `n(a, b) = sum over personas of w p_j(a) p_k(b)`; personas of one profile share the probabilities and are summed
//! first.
#![allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]

use crate::codes::check_categories;
use crate::correlation::Tables;
use crate::cpu::{Arch, Cpu, Kernel};
use crate::error::{Error, check_length};
use crate::lanes::{LANES, Lanes};
use crate::weights::Replicates;

/// Tolerance for the sum of a probability vector.
const SUM_TOLERANCE: f64 = 1e-6;

/// Option probabilities of all items for every profile, the profile of every persona, and weights of their replicates.
#[derive(Debug, Clone)]
pub struct Exact<'a> {
    categories: &'a [usize],
    offsets: Vec<usize>,
    width: usize,
    probabilities: &'a [f64],
    profile: &'a [u32],
    replicates: Replicates<'a>,
}

impl<'a> Exact<'a> {
    /// `probabilities` is (profile, categories of all items one after the other); the entries of an item sum to 1, or
    /// all are NaN when the cell is missing.
    ///
    /// # Errors
    /// When lengths disagree, a profile does not exist, or the entries of an item are no probability vector.
    pub fn new(
        probabilities: &'a [f64],
        categories: &'a [usize],
        profile: &'a [u32],
        replicates: Replicates<'a>,
    ) -> Result<Self, Error> {
        check_categories(categories)?;
        check_length("profile", profile.len(), replicates.rows())?;
        let mut width = 0;
        let mut offsets = Vec::with_capacity(categories.len());
        for &k in categories {
            offsets.push(width);
            width += k;
        }
        let profiles = probabilities.len().checked_div(width).unwrap_or(0);
        check_length("probs", probabilities.len(), profiles * width)?;
        if let Some(position) = profile.iter().position(|&g| g as usize >= profiles) {
            return Err(Error::Index {
                what: "profile",
                position,
                index: i64::from(profile[position]),
                limit: profiles,
            });
        }
        let exact = Self { categories, offsets, width, probabilities, profile, replicates };
        for row in 0..profiles {
            for item in 0..categories.len() {
                check_probabilities(exact.cell(row, item), row * width + exact.offsets[item])?;
            }
        }
        Ok(exact)
    }

    fn cell(&self, profile: usize, item: usize) -> &[f64] {
        &self.probabilities[profile * self.width + self.offsets[item]..][..self.categories[item]]
    }

    /// Profiles that answer an item, with their probabilities.
    fn answering(&self, item: usize) -> impl Iterator<Item = &[f64]> {
        (0..self.profiles()).map(move |profile| self.cell(profile, item))
    }
}

fn is_missing(cell: &[f64]) -> bool {
    cell.first().is_none_or(|p| p.is_nan())
}

/// Fails unless a cell is a probability vector or all NaN; `position` is where it begins.
pub(crate) fn check_probabilities(cell: &[f64], position: usize) -> Result<(), Error> {
    if cell.iter().all(|p| p.is_nan()) {
        return Ok(());
    }
    if let Some(bad) = cell.iter().position(|p| !(p.is_finite() && *p >= 0.0)) {
        let rule = "a probability (or the whole cell NaN)";
        return Err(Error::Value { what: "probs", position: position + bad, value: cell[bad], rule });
    }
    let value: f64 = cell.iter().sum();
    if (value - 1.0).abs() > SUM_TOLERANCE {
        return Err(Error::Value { what: "probs", position, value, rule: "a sum of 1 over the options of an item" });
    }
    Ok(())
}

/// Weights of one replicate and numbers of personas, summed over the personas of every profile.
#[derive(Debug)]
pub struct Loaded {
    mass: Vec<f64>,
    copies: Vec<f64>,
}

impl Tables for Exact<'_> {
    fn categories(&self) -> &[usize] {
        self.categories
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

    fn is_complete(&self, first: usize, second: usize) -> bool {
        self.answering(first).zip(self.answering(second)).all(|(a, b)| !is_missing(a) && !is_missing(b))
    }

    type Replicate = Loaded;

    fn load(&self, index: usize) -> Loaded {
        let mut personas = vec![0.0; self.profile.len()];
        self.replicates.copies(index, &mut personas);
        let copies = self.sum_by_profile(&personas);
        if self.replicates.unweighted() {
            return Loaded { mass: copies.clone(), copies };
        }
        self.replicates.mass(index, &mut personas);
        Loaded { mass: self.sum_by_profile(&personas), copies }
    }

    fn item_totals(&self, item: usize, replicate: &Loaded, totals: &mut [f64]) {
        totals.fill(0.0);
        for (cell, &mass) in self.answering(item).zip(&replicate.mass) {
            if mass > 0.0 && !is_missing(cell) {
                for (total, p) in totals.iter_mut().zip(cell) {
                    *total += mass * p;
                }
            }
        }
    }

    fn pair_table(&self, first: usize, second: usize, replicate: &Loaded, table: &mut [f64]) {
        table.fill(0.0);
        let cols = self.categories[second].max(1);
        let cells = self.answering(first).zip(self.answering(second));
        for ((cell_a, cell_b), &mass) in cells.zip(&replicate.mass) {
            if mass > 0.0 && !is_missing(cell_a) && !is_missing(cell_b) {
                for (row, p) in table.chunks_exact_mut(cols).zip(cell_a) {
                    let scaled = mass * p;
                    for (count, q) in row.iter_mut().zip(cell_b) {
                        *count += scaled * q;
                    }
                }
            }
        }
    }

    fn counts_respondents(&self) -> bool {
        // Probabilities sum to 1 but for rounding.
        false
    }

    fn left_out(&self) -> usize {
        self.replicates.left_out()
    }

    fn respondents(&self, first: usize, second: usize, replicate: &Loaded) -> f64 {
        let cells = self.answering(first).zip(self.answering(second));
        let complete = cells.map(|(a, b)| !is_missing(a) && !is_missing(b));
        replicate.copies.iter().zip(complete).filter(|(_, complete)| *complete).map(|(copies, _)| copies).sum()
    }

    /// Weights of every profile.
    type Block = Vec<Lanes>;
    type Plan = Vec<(usize, usize)>;

    fn block_width(&self) -> usize {
        LANES
    }

    fn block_size(&self) -> usize {
        self.profiles() * size_of::<Lanes>()
    }

    fn block(&self, first: usize) -> Vec<Lanes> {
        let mut block = vec![Lanes::default(); self.profiles()];
        for lane in 0..LANES.min(self.replicates() - first) {
            for (weights, mass) in block.iter_mut().zip(self.load(first + lane).mass) {
                weights.0[lane] = mass;
            }
        }
        block
    }

    fn block_totals(&self, cpu: Cpu, item: usize, block: &Vec<Lanes>, totals: &mut [Lanes]) {
        let one = [1.0];
        add_up(cpu, self.answering(item).map(|cell| (cell, one.as_slice())), block, totals);
    }

    fn plan(&self, pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
        pairs.to_vec()
    }

    fn block_table(&self, cpu: Cpu, plan: &Vec<(usize, usize)>, pair: usize, block: &Vec<Lanes>, tables: &mut [Lanes]) {
        let (first, second) = plan[pair];
        add_up(cpu, self.answering(first).zip(self.answering(second)), block, tables);
    }
}

impl Exact<'_> {
    fn profiles(&self) -> usize {
        self.probabilities.len().checked_div(self.width).unwrap_or(0)
    }

    fn sum_by_profile(&self, personas: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.profiles()];
        for (&profile, &mass) in self.profile.iter().zip(personas) {
            sums[profile as usize] += mass;
        }
        sums
    }
}

/// Sum over profiles of weight x outer product of the probabilities of two cells.
fn add_up<'a>(cpu: Cpu, cells: impl Iterator<Item = (&'a [f64], &'a [f64])>, block: &[Lanes], totals: &mut [Lanes]) {
    totals.fill(Lanes::default());
    for ((first, second), &mass) in cells.zip(block) {
        if !is_missing(first) && !is_missing(second) {
            cpu.run(OuterProduct { first, second, mass, totals });
        }
    }
}

struct OuterProduct<'a> {
    first: &'a [f64],
    second: &'a [f64],
    mass: Lanes,
    totals: &'a mut [Lanes],
}

impl Kernel for OuterProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let cols = self.second.len().max(1);
        for (row, &p) in self.totals.chunks_exact_mut(cols).zip(self.first) {
            let scaled = self.mass * Lanes::splat(p);
            for (total, &q) in row.iter_mut().zip(self.second) {
                *total = scaled.mul_add::<A>(Lanes::splat(q), *total);
            }
        }
    }
}
