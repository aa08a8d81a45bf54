//! Correlation matrices of many replicates, whatever the tables are made of.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::codes::{pair_count, pairs};
use crate::cpu::Cpu;
use crate::error::{Error, check_length};
use crate::lanes::Lanes;
use crate::polychoric::{Fit, Status, Thresholds, Workspace, flag};
use crate::zero_cells::ZeroCells;

/// Fewer respondents than this set [`flag::FEW`].
pub const FEW: f64 = 50.0;

/// Whose margins the thresholds of an item come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Margins {
    /// All valid answers of the item; one latent scale per item for all pairs.
    #[default]
    Item,
    /// The respondents who answered both items of the pair.
    Pair,
}

impl std::str::FromStr for Margins {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "item" => Ok(Self::Item),
            "pair" => Ok(Self::Pair),
            _ => Err(Error::Name { what: "thresholds", name: name.to_owned(), known: "item, pair" }),
        }
    }
}

/// How the replicates are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// One replicate after the other by the scalar search: the slow twin.
    Scalar,
    /// Many replicates side by side.
    Lanes(Cpu),
}

impl Default for Path {
    fn default() -> Self {
        Self::Lanes(Cpu::best())
    }
}

impl std::str::FromStr for Path {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "scalar" => Ok(Self::Scalar),
            "best" => Ok(Self::default()),
            _ => Cpu::named(name).map(Self::Lanes),
        }
    }
}

/// Where the tables of a replicate come from: drawn answers, exact option probabilities, or pairs of people of one
/// cell.
///
/// The first half of the methods serves one replicate at a time, the second half a block of replicates side by side.
pub trait Tables: Sync + Sized {
    /// Number of categories of every item.
    fn categories(&self) -> &[usize];

    /// Number of replicates.
    fn replicates(&self) -> usize;

    /// True when the only replicate is the sample itself.
    fn is_sample(&self) -> bool;

    /// The same without replicates: one, which is the sample itself.
    #[must_use]
    fn sample(&self) -> Self;

    /// Whether everybody who answered one of two items answered the other, so that the margins of their table are those
    /// of the items.
    fn is_complete(&self, first: usize, second: usize) -> bool;

    /// Weights of one replicate.
    type Replicate: Send + Sync;

    /// Loads a replicate.
    fn load(&self, index: usize) -> Self::Replicate;

    /// Writes the category totals of an item.
    fn item_totals(&self, item: usize, replicate: &Self::Replicate, totals: &mut [f64]);

    /// Writes the dense joint table of two items.
    fn pair_table(&self, first: usize, second: usize, replicate: &Self::Replicate, table: &mut [f64]);

    /// Number of respondents behind that table.
    fn respondents(&self, first: usize, second: usize, replicate: &Self::Replicate) -> f64;

    /// True when the sum of a table is the number of respondents behind it, to the last digit.
    fn counts_respondents(&self) -> bool;

    /// Most respondents that one of the replicates leaves out.
    fn left_out(&self) -> usize;

    /// The joint table of two items in the sample itself, as fast as it goes.
    fn sample_table(&self, cpu: Cpu, first: usize, second: usize, replicate: &Self::Replicate, table: &mut [f64]) {
        let _ = cpu;
        self.pair_table(first, second, replicate, table);
    }

    /// Weights of replicates side by side.
    type Block: Send + Sync;

    /// What some pairs need in every block.
    type Plan;

    /// Number of replicates of a block, a multiple of [`crate::lanes::LANES`].
    fn block_width(&self) -> usize;

    /// Bytes of a block.
    fn block_size(&self) -> usize;

    /// Loads the block whose first replicate is `first`, a multiple of the block's width.
    fn block(&self, first: usize) -> Self::Block;

    /// Writes the category totals of an item, (group of lanes, category).
    fn block_totals(&self, cpu: Cpu, item: usize, block: &Self::Block, totals: &mut [Lanes]);

    /// Prepares some pairs.
    fn plan(&self, pairs: &[(usize, usize)]) -> Self::Plan;

    /// Writes the tables of a pair of the plan, (group of lanes, cell).
    fn block_table(&self, cpu: Cpu, plan: &Self::Plan, pair: usize, block: &Self::Block, tables: &mut [Lanes]);
}

/// How to turn tables into correlations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings<'a> {
    /// Which pairs are wanted (upper triangle, row by row); `None` means all.
    pub wanted: Option<&'a [bool]>,
    /// Whether [`Outcomes`] have rows for the wanted pairs only, whose replicates then are those of a call for all pairs
    /// bit for bit: their searches begin at the same estimates.
    pub only_wanted: bool,
    /// Whose margins give the thresholds.
    pub margins: Margins,
    /// Policy for empty cells.
    pub zero_cells: ZeroCells,
    /// How the replicates are computed.
    pub path: Path,
    /// Becomes true when the work is to end without a result.
    pub stop: Option<&'a AtomicBool>,
}

impl Settings<'_> {
    pub(crate) fn check(&self, pairs: usize) -> Result<(), Error> {
        self.wanted.map_or(Ok(()), |wanted| check_length("pairs", wanted.len(), pairs))
    }

    pub(crate) fn is_wanted(&self, pair: usize) -> bool {
        self.wanted.is_none_or(|wanted| wanted[pair])
    }

    /// Number of rows of [`Outcomes`] of that many pairs.
    #[must_use]
    pub fn rows(&self, pairs: usize) -> usize {
        (0..pairs).filter(|&pair| self.has_row(pair)).count()
    }

    fn has_row(&self, pair: usize) -> bool {
        !self.only_wanted || self.is_wanted(pair)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

/// Correlations, statuses and flags, (pair, replicate); of all pairs, or of the wanted ones ([`Settings::only_wanted`]).
#[derive(Debug)]
pub struct Outcomes {
    /// Number of replicates.
    pub replicates: usize,
    /// Correlations; NaN where there is none.
    pub rho: Vec<f64>,
    /// Numeric values of [`Status`].
    pub status: Vec<u8>,
    /// Bits of [`flag`].
    pub flags: Vec<u8>,
}

impl Outcomes {
    /// Room for `pairs` x `replicates`, all excluded.
    #[must_use]
    pub fn new(pairs: usize, replicates: usize) -> Self {
        let size = pairs * replicates;
        Self { replicates, rho: vec![f64::NAN; size], status: vec![Status::Excluded as u8; size], flags: vec![0; size] }
    }

    /// The rows of `pairs` pairs, each restricted to the replicates of a range; `None` where a pair has no row.
    pub(crate) fn rows(
        &mut self,
        range: std::ops::Range<usize>,
        settings: &Settings<'_>,
        pairs: usize,
    ) -> Vec<Option<Row<'_>>> {
        let width = self.replicates.max(1);
        let rho = self.rho.chunks_exact_mut(width);
        let others = self.status.chunks_exact_mut(width).zip(self.flags.chunks_exact_mut(width));
        let mut rows = rho.zip(others).map(|(rho, (status, flags))| Row {
            rho: &mut rho[range.clone()],
            status: &mut status[range.clone()],
            flags: &mut flags[range.clone()],
        });
        (0..pairs).map(|pair| if settings.has_row(pair) { rows.next() } else { None }).collect()
    }
}

/// Some replicates of one pair.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    rho: &'a mut [f64],
    status: &'a mut [u8],
    flags: &'a mut [u8],
}

impl Row<'_> {
    pub(crate) fn set(&mut self, replicate: usize, fit: &Fit) {
        self.rho[replicate] = fit.rho;
        self.status[replicate] = fit.status as u8;
        self.flags[replicate] = fit.flags;
    }
}

impl<'a> Row<'a> {
    /// The first `count` replicates, or as many as there are, and the rest.
    pub(crate) fn split(self, count: usize) -> (Row<'a>, Row<'a>) {
        let count = count.min(self.rho.len());
        let (rho, rho_rest) = self.rho.split_at_mut(count);
        let (status, status_rest) = self.status.split_at_mut(count);
        let (flags, flags_rest) = self.flags.split_at_mut(count);
        (Row { rho, status, flags }, Row { rho: rho_rest, status: status_rest, flags: flags_rest })
    }
}

/// All wanted pairs of one replicate by the scalar search; `start` is where the searches begin.
///
/// This is what an estimate *is*; [`crate::bootstrap`] computes the same many times as fast.
pub fn fit_one<T: Tables>(tables: &T, index: usize, settings: &Settings<'_>, start: Option<&[Fit]>) -> Vec<Fit> {
    let replicate = tables.load(index);
    let categories = tables.categories();
    let thresholds = item_thresholds(tables, &replicate);
    let mut workspace = Workspace::default();
    let mut table = Vec::new();
    pairs(categories.len())
        .enumerate()
        .map(|(pair, (a, b))| {
            if !settings.is_wanted(pair) {
                return Fit::EXCLUDED;
            }
            table.resize(categories[a] * categories[b], 0.0);
            tables.pair_table(a, b, &replicate, &mut table);
            let margins = match settings.margins {
                Margins::Item => Some((&thresholds[a], &thresholds[b])),
                Margins::Pair => None,
            };
            let respondents = tables.respondents(a, b, &replicate);
            let start = start.map(|start| start[pair].rho);
            let mut fit = workspace.fit(&mut table, categories[b], margins, settings.zero_cells, start, || respondents);
            if respondents < FEW {
                fit.flags |= flag::FEW;
            }
            fit
        })
        .collect()
}

/// Thresholds of all items from all their valid answers.
pub(crate) fn item_thresholds<T: Tables>(tables: &T, replicate: &T::Replicate) -> Vec<Thresholds> {
    let mut totals = Vec::new();
    let categories = tables.categories().iter().enumerate();
    categories
        .map(|(item, &categories)| {
            totals.resize(categories, 0.0);
            tables.item_totals(item, replicate, &mut totals);
            Thresholds::new(&totals)
        })
        .collect()
}

/// Category totals of all items in all replicates, (replicate, sum of the numbers of categories).
///
/// # Errors
/// When the work was stopped.
pub fn count_replicates<T: Tables>(tables: &T, settings: &Settings<'_>) -> Result<Vec<f64>, Error> {
    let width: usize = tables.categories().iter().sum();
    let mut totals = vec![0.0; tables.replicates() * width];
    if totals.is_empty() {
        return Ok(totals);
    }
    let Path::Lanes(cpu) = settings.path else {
        totals.par_chunks_mut(width).enumerate().for_each(|(index, totals)| {
            let replicate = tables.load(index);
            each_item(tables.categories(), totals, |item, totals| tables.item_totals(item, &replicate, totals));
        });
        return Ok(totals);
    };
    let side_by_side = tables.block_width();
    totals.par_chunks_mut(side_by_side * width).enumerate().for_each(|(number, totals)| {
        if settings.is_stopped() {
            return;
        }
        let block = tables.block(number * side_by_side);
        let mut lanes = Vec::new();
        let mut offset = 0;
        for (item, &categories) in tables.categories().iter().enumerate() {
            lanes.resize(side_by_side / crate::lanes::LANES * categories, Lanes::default());
            tables.block_totals(cpu, item, &block, &mut lanes);
            for (replicate, totals) in totals.chunks_exact_mut(width).enumerate() {
                let (group, lane) = (replicate / crate::lanes::LANES, replicate % crate::lanes::LANES);
                let group = &lanes[group * categories..][..categories];
                for (total, lanes) in totals[offset..].iter_mut().zip(group) {
                    *total = lanes.0[lane];
                }
            }
            offset += categories;
        }
    });
    if settings.is_stopped() { Err(Error::Stopped) } else { Ok(totals) }
}

/// Calls `each` with every item and its part of a row of totals.
fn each_item(categories: &[usize], mut totals: &mut [f64], mut each: impl FnMut(usize, &mut [f64])) {
    for (item, &categories) in categories.iter().enumerate() {
        let (head, tail) = totals.split_at_mut(categories);
        each(item, head);
        totals = tail;
    }
}

/// Number of pairs of the items of some tables, after a look at the settings.
pub(crate) fn checked_pairs<T: Tables>(tables: &T, settings: &Settings<'_>) -> Result<usize, Error> {
    let pairs = pair_count(tables.categories().len());
    settings.check(pairs)?;
    Ok(pairs)
}
