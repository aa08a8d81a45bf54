//! Tables of answers that were given or drawn: one code per respondent and item.

use crate::codes::Codes;
use crate::contingency::{complete_cells, count_item, count_pair};
use crate::correlation::Tables;
use crate::error::{Error, check_length};
use crate::weights::Replicates;

/// Codes and the weights of their replicates.
#[derive(Debug, Clone, Copy)]
pub struct Sampled<'a> {
    codes: &'a Codes,
    replicates: Replicates<'a>,
}

impl<'a> Sampled<'a> {
    /// Joins codes and weights of the same respondents.
    ///
    /// # Errors
    /// When their numbers of respondents differ.
    pub fn new(codes: &'a Codes, replicates: Replicates<'a>) -> Result<Self, Error> {
        check_length("weights", replicates.rows(), codes.rows())?;
        Ok(Self { codes, replicates })
    }
}

/// Weights of one replicate.
#[derive(Debug)]
pub struct Loaded {
    index: usize,
    mass: Vec<f64>,
    counts: Vec<f64>,
}

impl Tables for Sampled<'_> {
    type Replicate = Loaded;

    fn categories(&self) -> &[usize] {
        self.codes.categories()
    }

    fn replicates(&self) -> usize {
        self.replicates.count()
    }

    fn buffers(&self) -> Loaded {
        Loaded { index: 0, mass: vec![0.0; self.codes.rows()], counts: Vec::new() }
    }

    fn load(&self, index: usize, replicate: &mut Loaded) {
        replicate.index = index;
        self.replicates.mass(index, &mut replicate.mass);
    }

    fn item_totals(&self, item: usize, replicate: &mut Loaded, totals: &mut [f64]) {
        replicate.counts.resize(totals.len() + 1, 0.0);
        count_item(self.codes.column(item), &replicate.mass, &mut replicate.counts);
        totals.copy_from_slice(&replicate.counts[..totals.len()]);
    }

    fn pair_table(&self, first: usize, second: usize, replicate: &mut Loaded, table: &mut [f64]) {
        let (rows, cols) = (self.categories()[first], self.categories()[second]);
        replicate.counts.resize((rows + 1) * (cols + 1), 0.0);
        count_pair(
            self.codes.column(first),
            self.codes.column(second),
            &replicate.mass,
            cols + 1,
            &mut replicate.counts,
        );
        complete_cells(&replicate.counts, rows, cols, table);
    }

    fn respondents(&self, first: usize, second: usize, replicate: &Loaded) -> f64 {
        let mut copies = vec![0.0; self.codes.rows()];
        self.replicates.copies(replicate.index, &mut copies);
        let (rows, cols) = (self.categories()[first], self.categories()[second]);
        let answers = self.codes.column(first).iter().zip(self.codes.column(second));
        let complete = answers.map(|(&a, &b)| usize::from(a) < rows && usize::from(b) < cols);
        copies.iter().zip(complete).filter(|(_, complete)| *complete).map(|(copies, _)| copies).sum()
    }
}
