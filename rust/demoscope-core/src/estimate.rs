//! The correlation matrix of one sample with standard errors.

use rayon::prelude::*;

use crate::codes::{Codes, pairs};
use crate::contingency::{complete_cells, count_item, count_pair};
use crate::correlation::Margins;
use crate::error::{Error, check_length};
use crate::influence::{Influence, influence};
use crate::polychoric::{Fit, Status, Thresholds, Workspace, flag};
use crate::polychoric_fit::Goodness;
use crate::weights::Replicates;
use crate::zero_cells::ZeroCells;

/// Fewer respondents than this set [`flag::FEW`].
pub const FEW: f64 = 50.0;

/// Estimate of one pair in a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Correlation, status and flags.
    pub fit: Fit,
    /// Standard error from influence functions; NaN unless the estimate is an interior maximum.
    pub se: f64,
    /// Respondents of positive weight who answered both items.
    pub respondents: f64,
    /// Their effective number, (sum w)^2 / sum w^2 (Kish).
    pub effective: f64,
}

/// Estimate of one table of counts.
#[derive(Debug, Clone, PartialEq)]
pub struct TableEstimate {
    /// Correlation, status and flags.
    pub fit: Fit,
    /// Standard error `sqrt(sum p IF^2 / N)`.
    pub se: f64,
    /// `sum n ln pi` at the estimate; NaN without an interior estimate.
    pub loglik: f64,
    /// Fit of the latent normal model; one unit of the table is one respondent.
    pub goodness: Goodness,
    /// Thresholds between the rows that hold something.
    pub row_thresholds: Vec<f64>,
    /// Thresholds between the columns that hold something.
    pub col_thresholds: Vec<f64>,
}

/// Fits one table; counts may be fractions.
///
/// # Errors
/// When the number of counts is no multiple of `cols` or a count is negative or not finite.
pub fn estimate_table(counts: &[f64], cols: usize, zero_cells: ZeroCells) -> Result<TableEstimate, Error> {
    let rows = counts.len().checked_div(cols).unwrap_or(0);
    check_length("table", counts.len(), rows * cols)?;
    if let Some(position) = counts.iter().position(|count| !(count.is_finite() && *count >= 0.0)) {
        let rule = "a finite count of at least 0";
        return Err(Error::Value { what: "table", position, value: counts[position], rule });
    }
    let mut table = counts.to_vec();
    let total: f64 = table.iter().sum();
    let mut workspace = Workspace::default();
    // Half a respondent is half a unit of the table: one unit is one respondent.
    let mut fit = workspace.fit(&mut table, cols, None, zero_cells, None, || total);
    if total < FEW {
        fit.flags |= flag::FEW;
    }
    let (row, col) = own_thresholds(&table, cols);
    let interior = fit.status == Status::Ok && fit.flags & flag::CLIPPED == 0;
    let (mut se, mut loglik) = (f64::NAN, f64::NAN);
    if fit.status == Status::Ok {
        loglik = 0.0;
        workspace.visit(&table, &row, &col, fit.rho, |cell| loglik += cell.count * cell.probability.ln());
    }
    if interior && let Some(influence) = influence(&mut workspace, &table, &row, &col, fit.rho) {
        se = multinomial_se(&table, cols, &influence);
    }
    let total = table.iter().sum();
    let goodness = Goodness::new(&mut workspace, &table, &row, &col, &fit, total);
    let (row_thresholds, col_thresholds) = (between_used(&row), between_used(&col));
    Ok(TableEstimate { fit, se, loglik, goodness, row_thresholds, col_thresholds })
}

/// Thresholds between categories that hold something; an unused category only repeats the threshold below it.
fn between_used(thresholds: &Thresholds) -> Vec<f64> {
    let rising = thresholds.below.windows(2).zip(&thresholds.tau).filter(|(below, _)| below[1] > below[0]);
    rising.map(|(_, &tau)| tau).skip(1).collect()
}

pub(crate) fn own_thresholds(table: &[f64], cols: usize) -> (Thresholds, Thresholds) {
    let mut row_totals = vec![0.0; table.len().checked_div(cols).unwrap_or(0)];
    let mut col_totals = vec![0.0; cols];
    crate::contingency::margins(table, cols, &mut row_totals, &mut col_totals);
    (Thresholds::new(&row_totals), Thresholds::new(&col_totals))
}

/// `sqrt(sum p IF^2 / N)`: every unit of the table is an independent respondent.
fn multinomial_se(table: &[f64], cols: usize, influence: &Influence) -> f64 {
    let total: f64 = table.iter().sum();
    let square = |place: usize| influence.at(place / cols, place % cols).powi(2);
    let sum: f64 =
        table.iter().enumerate().filter(|(_, count)| **count > 0.0).map(|(place, count)| count * square(place)).sum();
    sum.sqrt() / total
}

/// Fits all pairs of a sample, in the order of [`pairs`].
///
/// # Errors
/// When codes and weights are of different length.
pub fn estimate_pairs(
    codes: &Codes,
    sample: &Replicates<'_>,
    margins: Margins,
    zero_cells: ZeroCells,
) -> Result<Vec<Estimate>, Error> {
    check_length("weights", sample.rows(), codes.rows())?;
    let sample = Sample::new(codes, sample, margins, zero_cells);
    let pairs: Vec<(usize, usize)> = pairs(codes.items()).collect();
    Ok(pairs.par_iter().map_init(Workspace::default, |workspace, &(a, b)| sample.estimate(workspace, a, b)).collect())
}

/// One sample with everything that its pairs share.
struct Sample<'a> {
    codes: &'a Codes,
    mass: Vec<f64>,
    squares: Vec<f64>,
    copies: Vec<f64>,
    /// Thresholds and total mass of every item.
    items: Vec<(Thresholds, f64)>,
    margins: Margins,
    zero_cells: ZeroCells,
    weighted: bool,
}

/// Sums of weights, of their squares and of respondents in the cells of two items, missing answers included.
struct Cells {
    cols: usize,
    mass: Vec<f64>,
    squares: Vec<f64>,
    copies: Vec<f64>,
}

impl<'a> Sample<'a> {
    fn new(codes: &'a Codes, sample: &Replicates<'_>, margins: Margins, zero_cells: ZeroCells) -> Self {
        let mut mass = vec![0.0; codes.rows()];
        let mut copies = mass.clone();
        sample.mass(0, &mut mass);
        sample.copies(0, &mut copies);
        let squares = mass.iter().map(|w| w * w).collect();
        let thresholds = |item: usize| {
            let categories = codes.categories()[item];
            let mut totals = vec![0.0; categories + 1];
            count_item(codes.column(item), &mass, &mut totals);
            totals.truncate(categories);
            (Thresholds::new(&totals), totals.iter().sum())
        };
        let items = (0..codes.items()).map(thresholds).collect();
        Self { codes, mass, squares, copies, items, margins, zero_cells, weighted: !sample.unweighted() }
    }

    fn estimate(&self, workspace: &mut Workspace, a: usize, b: usize) -> Estimate {
        let cells = self.count(a, b);
        let (rows, cols) = (self.codes.categories()[a], self.codes.categories()[b]);
        let complete = |counts: &[f64]| {
            let mut dense = vec![0.0; rows * cols];
            complete_cells(counts, rows, cols, &mut dense);
            dense
        };
        let mut table = complete(&cells.mass);
        let respondents: f64 = complete(&cells.copies).iter().sum();
        let total: f64 = table.iter().sum();
        let squares: f64 = complete(&cells.squares).iter().sum();
        let thresholds = match self.margins {
            Margins::Item => Some((&self.items[a].0, &self.items[b].0)),
            Margins::Pair => None,
        };
        let mut fit = workspace.fit(&mut table, cols, thresholds, self.zero_cells, None, || respondents);
        if respondents < FEW {
            fit.flags |= flag::FEW;
        }
        let effective = if squares > 0.0 { total * total / squares } else { 0.0 };
        let interior = fit.status == Status::Ok && fit.flags & flag::CLIPPED == 0;
        let se = if interior { self.standard_error(workspace, &cells, &table, (a, b), fit.rho) } else { f64::NAN };
        Estimate { fit, se, respondents, effective }
    }

    fn count(&self, a: usize, b: usize) -> Cells {
        let cols = self.codes.categories()[b];
        let size = (self.codes.categories()[a] + 1) * (cols + 1);
        let count = |mass: &[f64]| {
            let mut counts = vec![0.0; size];
            count_pair(self.codes.column(a), self.codes.column(b), mass, cols + 1, &mut counts);
            counts
        };
        Cells { cols, mass: count(&self.mass), squares: count(&self.squares), copies: count(&self.copies) }
    }

    fn standard_error(
        &self,
        workspace: &mut Workspace,
        cells: &Cells,
        table: &[f64],
        (a, b): (usize, usize),
        rho: f64,
    ) -> f64 {
        match self.margins {
            Margins::Pair => {
                let (row, col) = own_thresholds(table, cells.cols);
                let Some(influence) = influence(workspace, table, &row, &col, rho) else { return f64::NAN };
                if self.weighted {
                    let total: f64 = table.iter().sum();
                    cells.sandwich(&influence, Totals { pair: total, first: total, second: total }, Margins::Pair)
                } else {
                    multinomial_se(table, cells.cols, &influence)
                }
            }
            Margins::Item => {
                let ((row, first), (col, second)) = (&self.items[a], &self.items[b]);
                let Some(influence) = influence(workspace, table, row, col, rho) else { return f64::NAN };
                let totals = Totals { pair: table.iter().sum(), first: *first, second: *second };
                if self.weighted {
                    cells.sandwich(&influence, totals, Margins::Item)
                } else {
                    cells.sum_of_squares(&influence, totals, Margins::Item).0.sqrt()
                }
            }
        }
    }
}

/// Total masses that the three parts of an influence function are shares of.
#[derive(Debug, Clone, Copy)]
struct Totals {
    pair: f64,
    first: f64,
    second: f64,
}

impl Cells {
    /// `n/(n-1) sum (z_i - mean z)^2` with `z_i = w_i IF_i / sum w` over the respondents that the estimate uses.
    fn sandwich(&self, influence: &Influence, totals: Totals, margins: Margins) -> f64 {
        let (squares, sum, respondents) = self.sum_of_squares(influence, totals, margins);
        (respondents / (respondents - 1.0) * (squares - sum * sum / respondents)).max(0.0).sqrt()
    }

    /// Sum of squares and sum of `z_i`, and the number of respondents.
    ///
    /// z depends on a respondent through the cell and the weight only, so sums over cells of w and w^2 suffice.
    /// With the margins of the items, the part of an item counts for everybody who answered it, and the part of the
    /// cell for those who answered both.
    fn sum_of_squares(&self, influence: &Influence, totals: Totals, margins: Margins) -> (f64, f64, f64) {
        let rows = influence.row.len();
        let (mut squares, mut sum, mut respondents) = (0.0, 0.0, 0.0);
        for (place, &mass) in self.mass.iter().enumerate() {
            let (a, b) = (place / (self.cols + 1), place % (self.cols + 1));
            let complete = a < rows && b < self.cols;
            let used = match margins {
                Margins::Pair => complete,
                Margins::Item => a < rows || b < self.cols,
            };
            if mass <= 0.0 || !used {
                continue;
            }
            let mut z = 0.0;
            if complete {
                z += influence.cell[a * self.cols + b] / totals.pair;
            }
            if a < rows {
                z += influence.row[a] / totals.first;
            }
            if b < self.cols {
                z += influence.col[b] / totals.second;
            }
            squares += self.squares[place] * z * z;
            sum += mass * z;
            respondents += self.copies[place];
        }
        (squares, sum, respondents)
    }
}
