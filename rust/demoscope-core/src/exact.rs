//! Exact tables from option probabilities, for items that are asked one at a time.
//!
//! Given the profile, answers to different items are independent, so the expected joint table is
//! `n(a, b) = sum over personas of w p_j(a) p_k(b)`; personas of one profile share the probabilities and are summed
//! first.

use crate::codes::check_categories;
use crate::correlation::Tables;
use crate::error::{Error, check_length};
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
        (0..self.probabilities.len().checked_div(self.width).unwrap_or(0)).map(move |profile| self.cell(profile, item))
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

/// Weights of one replicate, summed over the personas of every profile.
#[derive(Debug)]
pub struct Loaded {
    personas: Vec<f64>,
    mass: Vec<f64>,
    copies: Vec<f64>,
}

impl Tables for Exact<'_> {
    type Replicate = Loaded;

    fn categories(&self) -> &[usize] {
        self.categories
    }

    fn replicates(&self) -> usize {
        self.replicates.count()
    }

    fn buffers(&self) -> Loaded {
        let profiles = self.probabilities.len().checked_div(self.width).unwrap_or(0);
        Loaded { personas: vec![0.0; self.profile.len()], mass: vec![0.0; profiles], copies: vec![0.0; profiles] }
    }

    fn load(&self, index: usize, replicate: &mut Loaded) {
        let Loaded { personas, mass, copies } = replicate;
        self.replicates.copies(index, personas);
        sum_by_profile(self.profile, personas, copies);
        if self.replicates.unweighted() {
            mass.copy_from_slice(copies);
        } else {
            self.replicates.mass(index, personas);
            sum_by_profile(self.profile, personas, mass);
        }
    }

    fn item_totals(&self, item: usize, replicate: &mut Loaded, totals: &mut [f64]) {
        totals.fill(0.0);
        for (cell, &mass) in self.answering(item).zip(&replicate.mass) {
            if mass > 0.0 && !is_missing(cell) {
                for (total, p) in totals.iter_mut().zip(cell) {
                    *total += mass * p;
                }
            }
        }
    }

    fn pair_table(&self, first: usize, second: usize, replicate: &mut Loaded, table: &mut [f64]) {
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

    fn respondents(&self, first: usize, second: usize, replicate: &Loaded) -> f64 {
        let cells = self.answering(first).zip(self.answering(second));
        let complete = cells.map(|(a, b)| !is_missing(a) && !is_missing(b));
        replicate.copies.iter().zip(complete).filter(|(_, complete)| *complete).map(|(copies, _)| copies).sum()
    }
}

fn sum_by_profile(profile: &[u32], personas: &[f64], sums: &mut [f64]) {
    sums.fill(0.0);
    for (&profile, &mass) in profile.iter().zip(personas) {
        sums[profile as usize] += mass;
    }
}
