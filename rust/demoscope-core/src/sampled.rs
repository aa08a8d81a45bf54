//! Tables of answers that were given or drawn: one code per respondent and item.

use std::sync::OnceLock;

use crate::codes::Codes;
use crate::contingency::{complete_cells, count_item, count_pair};
use crate::correlation::Tables;
use crate::cpu::Cpu;
use crate::error::{Error, check_length};
use crate::lane_counts::{Sorted, WIDTH};
use crate::lanes::Lanes;
use crate::planes::Planes;
use crate::weights::{Block, Replicates};

/// Codes and the weights of their replicates.
#[derive(Debug)]
pub struct Sampled<'a> {
    codes: &'a Codes,
    replicates: Replicates<'a>,
    /// Who chose what, as bits; made when the unweighted sample itself is counted.
    planes: OnceLock<Planes>,
}

impl<'a> Sampled<'a> {
    /// Joins codes and weights of the same respondents.
    ///
    /// # Errors
    /// When their numbers of respondents differ.
    pub fn new(codes: &'a Codes, replicates: Replicates<'a>) -> Result<Self, Error> {
        check_length("weights", replicates.rows(), codes.rows())?;
        Ok(Self { codes, replicates, planes: OnceLock::new() })
    }
}

/// Weights of one replicate and how often it holds every respondent.
#[derive(Debug)]
pub struct Loaded {
    mass: Vec<f64>,
    copies: Vec<f64>,
}

impl Tables for Sampled<'_> {
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
        Self { codes: self.codes, replicates: self.replicates.sample(), planes: OnceLock::new() }
    }

    fn is_complete(&self, first: usize, second: usize) -> bool {
        self.codes.is_complete(first) && self.codes.is_complete(second)
    }

    type Replicate = Loaded;

    fn load(&self, index: usize) -> Loaded {
        let mut mass = vec![0.0; self.codes.rows()];
        let mut copies = mass.clone();
        self.replicates.mass(index, &mut mass);
        self.replicates.copies(index, &mut copies);
        Loaded { mass, copies }
    }

    fn item_totals(&self, item: usize, replicate: &Loaded, totals: &mut [f64]) {
        let mut counts = vec![0.0; totals.len() + 1];
        count_item(self.codes.column(item), &replicate.mass, &mut counts);
        totals.copy_from_slice(&counts[..totals.len()]);
    }

    fn pair_table(&self, first: usize, second: usize, replicate: &Loaded, table: &mut [f64]) {
        let (rows, cols) = (self.categories()[first], self.categories()[second]);
        let mut counts = vec![0.0; (rows + 1) * (cols + 1)];
        let (a, b) = (self.codes.column(first), self.codes.column(second));
        count_pair(a, b, &replicate.mass, cols + 1, &mut counts);
        complete_cells(&counts, rows, cols, table);
    }

    fn counts_respondents(&self) -> bool {
        self.replicates.unweighted()
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

    fn sample_table(&self, cpu: Cpu, first: usize, second: usize, replicate: &Loaded, table: &mut [f64]) {
        if self.replicates.is_plain() && Planes::fit(self.categories()) {
            let planes = self.planes.get_or_init(|| Planes::new(self.codes));
            planes.count(cpu, first, second, table);
        } else {
            self.pair_table(first, second, replicate, table);
        }
    }

    type Block = Block;
    type Plan = Vec<Sorted>;

    fn block_width(&self) -> usize {
        self.replicates.block_width()
    }

    fn block_size(&self) -> usize {
        let bytes = if self.block_width() == WIDTH { WIDTH } else { size_of::<Lanes>() };
        self.codes.rows() * bytes
    }

    fn block(&self, first: usize) -> Block {
        self.replicates.block(first)
    }

    fn block_totals(&self, cpu: Cpu, item: usize, block: &Block, totals: &mut [Lanes]) {
        let sorted = Sorted::by_item(self.codes.column(item), self.categories()[item]);
        sorted.add_up(cpu, block, totals);
    }

    fn plan(&self, pairs: &[(usize, usize)]) -> Vec<Sorted> {
        let sort = |&(a, b): &(usize, usize)| {
            let (rows, cols) = (self.categories()[a], self.categories()[b]);
            Sorted::by_pair(self.codes.column(a), self.codes.column(b), rows, cols)
        };
        pairs.iter().map(sort).collect()
    }

    fn block_table(&self, cpu: Cpu, plan: &Vec<Sorted>, pair: usize, block: &Block, tables: &mut [Lanes]) {
        plan[pair].add_up(cpu, block, tables);
    }
}
