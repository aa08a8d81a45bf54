//! What the neighbours of the polychoric correlation share: an estimate, and the sample of one pair in shares.
//!
//! Weights enter as shares of a pair's total, after division by the power of two next to the largest one: no weight is
//! too large or too small to be summed and squared, and any other power of two as a factor changes no bit.

use crate::codes::Codes;
use crate::correlation::FEW;
use crate::error::{Error, check_length};
use crate::polychoric::{Status, flag};
use crate::weights::Replicates;

/// Shares of a pair's total below this are below the rounding of the total and count as nothing.
const NOTHING: f64 = 1e-15;

/// Association of one pair of variables.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Association {
    /// Coefficient; NaN unless the status is ok or boundary.
    pub value: f64,
    /// Standard error from influence functions; NaN where there is none.
    pub se: f64,
    /// Respondents of positive weight who have both values.
    pub respondents: f64,
    /// Their effective number, (sum w)^2 / sum w^2 (Kish).
    pub effective: f64,
    /// How the estimate came about.
    pub status: Status,
    /// Bits of [`flag`].
    pub flags: u8,
}

impl Association {
    /// Joins an estimate with the sample that it came from.
    pub(crate) fn new(value: f64, se: f64, size: Size, status: Status) -> Self {
        let flags = if size.respondents < FEW { flag::FEW } else { 0 };
        Self { value, se, respondents: size.respondents, effective: size.effective, status, flags }
    }

    /// A pair without variation on one of its sides.
    pub(crate) fn degenerate(size: Size) -> Self {
        Self::new(f64::NAN, f64::NAN, size, Status::Degenerate)
    }
}

/// Number of respondents of a pair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub respondents: f64,
    pub effective: f64,
    weighted: bool,
}

impl Size {
    /// Standard error from the sum of squares of `z_i = w_i IF_i / sum w`, which sum to 0.
    ///
    /// Without weights `sum p IF^2 / n`, with weights `n/(n-1) sum z^2`, as for the polychoric correlation.
    pub fn standard_error(self, squares: f64) -> f64 {
        let factor = if self.weighted { self.respondents / (self.respondents - 1.0) } else { 1.0 };
        (factor * squares).sqrt()
    }
}

/// Weights of a sample.
pub(crate) struct Sample {
    mass: Vec<f64>,
    weighted: bool,
}

impl Sample {
    /// The first replicate, for `rows` respondents.
    pub fn new(replicates: &Replicates<'_>, rows: usize) -> Result<Self, Error> {
        check_length("weights", replicates.rows(), rows)?;
        let mut mass = vec![0.0; rows];
        replicates.mass(0, &mut mass);
        Ok(Self { mass, weighted: !replicates.unweighted() })
    }

    /// The respondents of positive weight for whom `complete` holds.
    pub fn complete(&self, complete: impl Fn(usize) -> bool) -> Complete {
        let mut rows: Vec<usize> = (0..self.mass.len()).filter(|&row| self.mass[row] > 0.0 && complete(row)).collect();
        let respondents = rows.len() as f64;
        let unit = unit_scale(rows.iter().map(|&row| self.mass[row]));
        let least = NOTHING * rows.iter().map(|&row| self.mass[row] * unit).sum::<f64>();
        rows.retain(|&row| self.mass[row] * unit > least);
        let mass: Vec<f64> = rows.iter().map(|&row| self.mass[row] * unit).collect();
        let total: f64 = mass.iter().sum();
        let squares: f64 = mass.iter().map(|mass| mass * mass).sum();
        let effective = if squares > 0.0 { total * total / squares } else { 0.0 };
        Complete { rows, mass, total, size: Size { respondents, effective, weighted: self.weighted } }
    }
}

/// The respondents of one pair.
pub(crate) struct Complete {
    /// Their rows, without those whose share is nothing.
    pub rows: Vec<usize>,
    /// Their weights.
    pub mass: Vec<f64>,
    /// Sum of the weights.
    pub total: f64,
    /// Their number, with those whose share is nothing.
    pub size: Size,
}

impl Complete {
    /// Weights that sum to 1.
    pub fn shares(&self) -> Vec<f64> {
        self.mass.iter().map(|mass| mass / self.total).collect()
    }

    /// One column of these respondents.
    pub fn pick<T: Copy>(&self, column: &[T]) -> Vec<T> {
        self.rows.iter().map(|&row| column[row]).collect()
    }
}

/// The power of two that brings the largest absolute value near 1; 1 when all are 0.
pub(crate) fn unit_scale(values: impl Iterator<Item = f64>) -> f64 {
    let largest = values.fold(0.0, |largest: f64, value| largest.max(value.abs()));
    // The inverse of a subnormal power of two does not exist; 2^1000 lifts those far enough.
    if largest > 0.0 { libm::ldexp(1.0, -libm::ilogb(largest).max(-1000)) } else { 1.0 }
}

/// Joint distribution of two items over the respondents who answered both.
pub(crate) struct Joint {
    /// Number of categories of the second item.
    pub cols: usize,
    /// Share of every cell, row-major.
    pub shares: Vec<f64>,
    /// Sum of the squared shares of the respondents of every cell.
    pub squares: Vec<f64>,
    /// Shares of the categories of the first item.
    pub row_shares: Vec<f64>,
    /// Shares of the categories of the second item.
    pub col_shares: Vec<f64>,
    /// Number of respondents.
    pub size: Size,
}

impl Joint {
    /// Counts two items.
    pub fn count(codes: &Codes, sample: &Sample, a: usize, b: usize) -> Self {
        let (first, second) = (codes.column(a), codes.column(b));
        let (rows, cols) = (codes.categories()[a], codes.categories()[b]);
        let complete = |row: usize| usize::from(first[row]) < rows && usize::from(second[row]) < cols;
        let complete = sample.complete(complete);
        let mut joint = Self {
            cols,
            shares: vec![0.0; rows * cols],
            squares: vec![0.0; rows * cols],
            row_shares: vec![0.0; rows],
            col_shares: vec![0.0; cols],
            size: complete.size,
        };
        for (&row, mass) in complete.rows.iter().zip(complete.mass) {
            let (a, b) = (usize::from(first[row]), usize::from(second[row]));
            joint.shares[a * cols + b] += mass;
            joint.squares[a * cols + b] += mass * mass;
            joint.row_shares[a] += mass;
            joint.col_shares[b] += mass;
        }
        let total = complete.total;
        joint.squares.iter_mut().for_each(|square| *square /= total * total);
        for shares in [&mut joint.shares, &mut joint.row_shares, &mut joint.col_shares] {
            for share in shares {
                *share /= total;
            }
        }
        joint
    }

    /// Numbers of rows and columns that hold something.
    pub fn used(&self) -> (usize, usize) {
        let used = |shares: &[f64]| shares.iter().filter(|&&share| share > 0.0).count();
        (used(&self.row_shares), used(&self.col_shares))
    }

    /// Calls `visit(row, column, share, sum of squared shares)` for every occupied cell, row by row.
    pub fn visit(&self, mut visit: impl FnMut(usize, usize, f64, f64)) {
        for (place, (&share, &square)) in self.shares.iter().zip(&self.squares).enumerate() {
            if share > 0.0 {
                visit(place / self.cols, place % self.cols, share, square);
            }
        }
    }
}
