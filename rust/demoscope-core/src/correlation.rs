//! Correlation matrices of many replicates, whatever the tables are made of.

use rayon::prelude::*;

use crate::codes::{pair_count, pairs};
use crate::error::{Error, check_length};
use crate::polychoric::{Fit, Status, Thresholds, Workspace};
use crate::zero_cells::ZeroCells;

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

/// Where the tables of a replicate come from: drawn answers, exact option probabilities, or pairs of people of one
/// cell.
pub trait Tables: Sync {
    /// Weights and buffers of one replicate.
    type Replicate: Send;

    /// Number of categories of every item.
    fn categories(&self) -> &[usize];

    /// Number of replicates.
    fn replicates(&self) -> usize;

    /// Buffers for one thread.
    fn buffers(&self) -> Self::Replicate;

    /// Loads the weights of a replicate.
    fn load(&self, index: usize, replicate: &mut Self::Replicate);

    /// Writes the category totals of an item.
    fn item_totals(&self, item: usize, replicate: &mut Self::Replicate, totals: &mut [f64]);

    /// Writes the dense joint table of two items.
    fn pair_table(&self, first: usize, second: usize, replicate: &mut Self::Replicate, table: &mut [f64]);

    /// Number of respondents behind that table.
    fn respondents(&self, first: usize, second: usize, replicate: &Self::Replicate) -> f64;
}

/// How to turn tables into correlations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings<'a> {
    /// Which pairs are wanted (upper triangle, row by row); `None` means all.
    pub wanted: Option<&'a [bool]>,
    /// Whose margins give the thresholds.
    pub margins: Margins,
    /// Policy for empty cells.
    pub zero_cells: ZeroCells,
    /// Where the search of every pair begins, usually the estimate of the full sample.
    pub start: Option<&'a [f64]>,
}

impl Settings<'_> {
    fn check(&self, pairs: usize) -> Result<(), Error> {
        self.wanted.map_or(Ok(()), |wanted| check_length("pairs", wanted.len(), pairs))?;
        self.start.map_or(Ok(()), |start| check_length("start", start.len(), pairs))
    }
}

/// Fits all wanted pairs of the replicates from `first` on; `rho` and `status` are (replicate, pair).
///
/// One replicate is computed by one thread and writes its own row, so the result does not depend on the number of
/// threads.
///
/// # Errors
/// When a length disagrees with the number of pairs or replicates.
pub fn fit_replicates<T: Tables>(
    tables: &T,
    first: usize,
    settings: &Settings<'_>,
    rho: &mut [f64],
    status: &mut [u8],
) -> Result<(), Error> {
    let pairs = pair_count(tables.categories().len());
    settings.check(pairs)?;
    check_length("status", status.len(), rho.len())?;
    if pairs == 0 {
        return check_length("rho", rho.len(), 0);
    }
    let count = rho.len() / pairs;
    check_length("rho", rho.len(), count * pairs)?;
    if first + count > tables.replicates() {
        return Err(Error::Length { what: "rho", found: first + count, expected: tables.replicates() });
    }
    rho.par_chunks_mut(pairs).zip(status.par_chunks_mut(pairs)).enumerate().for_each_init(
        || Fitter::new(tables),
        |fitter, (index, (rho, status))| fitter.fit_all(first + index, settings, rho, status),
    );
    Ok(())
}

/// Everything one thread needs to fit replicate after replicate.
struct Fitter<'a, T: Tables> {
    tables: &'a T,
    replicate: T::Replicate,
    workspace: Workspace,
    thresholds: Vec<Thresholds>,
    totals: Vec<f64>,
    table: Vec<f64>,
}

impl<'a, T: Tables> Fitter<'a, T> {
    fn new(tables: &'a T) -> Self {
        let items = tables.categories().len();
        Self {
            tables,
            replicate: tables.buffers(),
            workspace: Workspace::default(),
            thresholds: vec![Thresholds::default(); items],
            totals: Vec::new(),
            table: Vec::new(),
        }
    }

    fn fit_all(&mut self, index: usize, settings: &Settings<'_>, rho: &mut [f64], status: &mut [u8]) {
        self.tables.load(index, &mut self.replicate);
        if settings.margins == Margins::Item {
            for (item, &categories) in self.tables.categories().iter().enumerate() {
                self.totals.resize(categories, 0.0);
                self.tables.item_totals(item, &mut self.replicate, &mut self.totals);
                self.thresholds[item].set(&self.totals);
            }
        }
        for (pair, (a, b)) in pairs(self.tables.categories().len()).enumerate() {
            let fit = if settings.wanted.is_none_or(|wanted| wanted[pair]) {
                self.fit_pair(a, b, settings, settings.start.map(|start| start[pair]))
            } else {
                Fit::EXCLUDED
            };
            rho[pair] = fit.rho;
            status[pair] = fit.status as u8;
        }
    }

    fn fit_pair(&mut self, a: usize, b: usize, settings: &Settings<'_>, start: Option<f64>) -> Fit {
        let categories = self.tables.categories();
        self.table.resize(categories[a] * categories[b], 0.0);
        self.tables.pair_table(a, b, &mut self.replicate, &mut self.table);
        let thresholds = match settings.margins {
            Margins::Item => Some((&self.thresholds[a], &self.thresholds[b])),
            Margins::Pair => None,
        };
        let respondents = || self.tables.respondents(a, b, &self.replicate);
        self.workspace.fit(&mut self.table, categories[b], thresholds, settings.zero_cells, start, respondents)
    }
}

/// Category totals of all items in the replicates from `first` on, (replicate, sum of the numbers of categories).
///
/// # Errors
/// When the length is no multiple of the number of categories or names replicates that do not exist.
pub fn count_replicates<T: Tables>(tables: &T, first: usize, totals: &mut [f64]) -> Result<(), Error> {
    let width: usize = tables.categories().iter().sum();
    if width == 0 {
        return check_length("totals", totals.len(), 0);
    }
    let count = totals.len() / width;
    check_length("totals", totals.len(), count * width)?;
    if first + count > tables.replicates() {
        return Err(Error::Length { what: "totals", found: first + count, expected: tables.replicates() });
    }
    totals.par_chunks_mut(width).enumerate().for_each_init(
        || tables.buffers(),
        |replicate, (index, mut totals)| {
            tables.load(first + index, replicate);
            for (item, &categories) in tables.categories().iter().enumerate() {
                let (head, tail) = totals.split_at_mut(categories);
                tables.item_totals(item, replicate, head);
                totals = tail;
            }
        },
    );
    Ok(())
}

/// True when a number is the code of a usable estimate.
#[must_use]
pub fn is_defined(status: u8) -> bool {
    status == Status::Ok as u8 || status == Status::Boundary as u8
}
