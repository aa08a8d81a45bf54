//! The correlation matrix of one sample with standard errors.

use rayon::prelude::*;

use crate::codes::{Codes, pairs};
use crate::contingency::{complete_cells, count_item, count_pair};
use crate::correlation::{FEW, Margins, Settings};
use crate::design::Design;
use crate::error::{Error, check_length};
use crate::full_sample::fit_sample;
use crate::influence::{Influence, influence};
use crate::linearised::{Linearised, Totals};
use crate::polychoric::{Fit, Status, Thresholds, Workspace, flag};
use crate::polychoric_fit::Goodness;
use crate::sampled::Sampled;
use crate::weights::{Replicates, scale};
use crate::zero_cells::ZeroCells;

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
        se = multinomial_variance(&table, cols, &influence).sqrt();
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

/// `sum p IF^2 / N`: every unit of the table is an independent respondent.
fn multinomial_variance(table: &[f64], cols: usize, influence: &Influence) -> f64 {
    let total: f64 = table.iter().sum();
    let square = |place: usize| influence.at(place / cols, place % cols).powi(2);
    let sum: f64 =
        table.iter().enumerate().filter(|(_, count)| **count > 0.0).map(|(place, count)| count * square(place)).sum();
    sum / (total * total)
}

/// Fits all pairs of a sample, in the order of [`pairs`]; standard errors are those of the design where there is one.
///
/// # Errors
/// When codes, weights and design are of different length.
pub fn estimate_pairs(
    codes: &Codes,
    sample: &Replicates<'_>,
    design: Option<&Design<'_>>,
    margins: Margins,
    zero_cells: ZeroCells,
) -> Result<Vec<Estimate>, Error> {
    design.map_or(Ok(()), |design| check_length("design", design.rows(), codes.rows()))?;
    let fits = fits(codes, sample, margins, zero_cells)?;
    let sample = Sample::new(codes, sample, margins, zero_cells)?;
    let estimate = |workspace: &mut Workspace, (pair, fit)| {
        let fitted = sample.at(workspace, pair, fit);
        let se = sample.variance(workspace, &fitted, design).sqrt();
        Estimate { fit: fitted.fit, se, respondents: fitted.respondents, effective: fitted.effective }
    };
    Ok(fits.par_iter().map_init(Workspace::default, |workspace, &fit| estimate(workspace, fit)).collect())
}

/// Two items.
type Pair = (usize, usize);

/// All pairs with their estimates.
fn fits(
    codes: &Codes,
    sample: &Replicates<'_>,
    margins: Margins,
    zero_cells: ZeroCells,
) -> Result<Vec<(Pair, Fit)>, Error> {
    let tables = Sampled::new(codes, *sample)?;
    let fits = fit_sample(&tables, &Settings { margins, zero_cells, ..Settings::default() })?;
    Ok(pairs(codes.items()).zip(fits).collect())
}

/// Linearised variable `z_i = w_i IF_i / sum w` of every respondent and pair, (respondent, pair); NaN for a pair
/// without an interior estimate.
///
/// `sum_i z_i z_i'` over two pairs is the covariance of their estimates.
///
/// # Errors
/// When codes and weights are of different length.
pub fn influence_values(
    codes: &Codes,
    sample: &Replicates<'_>,
    margins: Margins,
    zero_cells: ZeroCells,
) -> Result<Vec<f64>, Error> {
    let fits = fits(codes, sample, margins, zero_cells)?;
    let sample = Sample::new(codes, sample, margins, zero_cells)?;
    let columns: Vec<Vec<f64>> = fits
        .par_iter()
        .map_init(Workspace::default, |workspace, &(pair, fit)| {
            let fitted = sample.at(workspace, pair, fit);
            match sample.linearise(workspace, &fitted) {
                Some(linearised) => sample.respondents(pair, &linearised).collect(),
                None => vec![f64::NAN; codes.rows()],
            }
        })
        .collect();
    Ok((0..codes.rows()).flat_map(|row| columns.iter().map(move |column| column[row])).collect())
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

/// One pair of a sample at its estimate.
struct Fitted {
    pair: (usize, usize),
    cells: Cells,
    /// The table of complete answers as it was fitted.
    table: Vec<f64>,
    fit: Fit,
    respondents: f64,
    effective: f64,
}

/// Sums of weights, of their squares and of respondents in the cells of two items, missing answers included.
struct Cells {
    cols: usize,
    mass: Vec<f64>,
    squares: Vec<f64>,
    copies: Vec<f64>,
}

impl<'a> Sample<'a> {
    fn new(codes: &'a Codes, sample: &Replicates<'_>, margins: Margins, zero_cells: ZeroCells) -> Result<Self, Error> {
        check_length("weights", sample.rows(), codes.rows())?;
        let mut mass = vec![0.0; codes.rows()];
        let mut copies = mass.clone();
        sample.mass(0, &mut mass);
        sample.copies(0, &mut copies);
        scale(&mut mass);
        let squares = mass.iter().map(|w| w * w).collect();
        let thresholds = |item: usize| {
            let categories = codes.categories()[item];
            let mut totals = vec![0.0; categories + 1];
            count_item(codes.column(item), &mass, &mut totals);
            totals.truncate(categories);
            (Thresholds::new(&totals), totals.iter().sum())
        };
        let items = (0..codes.items()).map(thresholds).collect();
        Ok(Self { codes, mass, squares, copies, items, margins, zero_cells, weighted: !sample.unweighted() })
    }

    /// Counts a pair whose estimate is known.
    fn at(&self, workspace: &mut Workspace, pair: (usize, usize), fit: Fit) -> Fitted {
        let (a, b) = pair;
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
        // The policy for empty cells changes the table as it did for the fit, whose status says the rest.
        let _ = workspace.prepare(&mut table, cols, self.zero_cells, || respondents);
        let effective = if squares > 0.0 { total * total / squares } else { 0.0 };
        Fitted { pair, cells, table, fit, respondents, effective }
    }

    fn count(&self, a: usize, b: usize) -> Cells {
        let cols = self.codes.categories()[b];
        let size = (self.codes.categories()[a] + 1) * (cols + 1);
        let count = |mass: &[f64]| {
            let mut counts = vec![0.0; size];
            count_pair(self.codes.column(a), self.codes.column(b), mass, cols + 1, &mut counts);
            counts
        };
        let copies = count(&self.copies);
        if self.weighted {
            Cells { cols, mass: count(&self.mass), squares: count(&self.squares), copies }
        } else {
            Cells { cols, mass: copies.clone(), squares: copies.clone(), copies }
        }
    }

    /// Influence functions at an interior estimate, with the masses that they are shares of.
    fn influence(&self, workspace: &mut Workspace, fitted: &Fitted) -> Option<(Influence, Totals)> {
        if fitted.fit.status != Status::Ok || fitted.fit.flags & flag::CLIPPED != 0 {
            return None;
        }
        let (table, rho) = (&fitted.table, fitted.fit.rho);
        let pair = table.iter().sum();
        match self.margins {
            Margins::Pair => {
                let (row, col) = own_thresholds(table, fitted.cells.cols);
                let influence = influence(workspace, table, &row, &col, rho)?;
                Some((influence, Totals { pair, first: pair, second: pair }))
            }
            Margins::Item => {
                let ((row, first), (col, second)) = (&self.items[fitted.pair.0], &self.items[fitted.pair.1]);
                let influence = influence(workspace, table, row, col, rho)?;
                Some((influence, Totals { pair, first: *first, second: *second }))
            }
        }
    }

    fn linearise(&self, workspace: &mut Workspace, fitted: &Fitted) -> Option<Linearised> {
        let (influence, totals) = self.influence(workspace, fitted)?;
        Some(Linearised::new(&influence, totals, self.margins))
    }

    /// Linearised variable of every respondent.
    fn respondents(&self, pair: (usize, usize), linearised: &Linearised) -> impl Iterator<Item = f64> {
        let answers = self.codes.column(pair.0).iter().zip(self.codes.column(pair.1));
        answers.zip(&self.mass).map(|((&a, &b), mass)| mass * linearised.at(a, b))
    }

    /// Variance of rho under the design, or of respondents drawn independently; NaN without an interior estimate.
    fn variance(&self, workspace: &mut Workspace, fitted: &Fitted, design: Option<&Design<'_>>) -> f64 {
        let Some((influence, totals)) = self.influence(workspace, fitted) else { return f64::NAN };
        if design.is_none() && !self.weighted && self.margins == Margins::Pair {
            return multinomial_variance(&fitted.table, fitted.cells.cols, &influence);
        }
        let linearised = Linearised::new(&influence, totals, self.margins);
        if let Some(design) = design {
            return design.variance(self.respondents(fitted.pair, &linearised));
        }
        let Cells { mass, squares, copies, .. } = &fitted.cells;
        let moments = linearised.moments(mass, squares, copies, self.margins);
        if self.weighted { moments.variance() } else { moments.squares }
    }
}
