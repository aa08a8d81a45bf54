//! The correlation matrix nearest to a matrix of pairwise correlations that is not positive definite.
//!
//! Correlations of pairs, each with its own respondents or its own maximum of a likelihood, need not be those of one
//! joint distribution.

use std::str::FromStr;

use crate::eigen::Eigen;
use crate::error::{Error, check_length};

/// Eigenvalues this far below the floor are at the floor.
const SLACK: f64 = 1e-12;

/// The alternation has converged when its two projections, and two iterates, differ by less than this share of the norm.
const TOLERANCE: f64 = 1e-11;

const MAX_ITERATIONS: u32 = 1000;

/// How a matrix is made positive definite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The nearest correlation matrix in the Frobenius norm (Higham 2002), then [`Method::Clip`].
    #[default]
    Higham,
    /// Eigenvalues below the floor are lifted to it and the diagonal is scaled back to 1.
    Clip,
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "higham" => Ok(Self::Higham),
            "clip" => Ok(Self::Clip),
            _ => Err(Error::Name { what: "method", name: name.to_owned(), known: "higham, clip" }),
        }
    }
}

/// A correlation matrix and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    /// Symmetric, unit diagonal, no eigenvalue below the floor by more than 1e-12.
    pub matrix: Vec<f64>,
    /// Whether it differs from the input.
    pub changed: bool,
    /// Smallest eigenvalue of the input.
    pub smallest_eigenvalue: f64,
    /// Frobenius norm of the difference to the input.
    pub shift: f64,
    /// Rounds of projections, those of the floor included.
    pub iterations: u32,
    /// Whether the alternation of Higham's method came to its end.
    pub converged: bool,
}

/// The nearest correlation matrix whose eigenvalues are at least `floor`.
///
/// A matrix whose eigenvalues are is returned as it came.
///
/// # Errors
/// When the length is not `order` squared, an entry is no correlation, the matrix is not symmetric or its diagonal not 1,
/// or `floor` is not in [0, 1).
pub fn nearest_correlation(matrix: &[f64], order: usize, method: Method, floor: f64) -> Result<Nearest, Error> {
    check(matrix, order)?;
    if !(0.0..1.0).contains(&floor) {
        return Err(Error::Value { what: "floor", position: 0, value: floor, rule: "at least 0 and below 1" });
    }
    let smallest_eigenvalue = Eigen::new(matrix, order).smallest();
    let mut nearest = Nearest {
        matrix: matrix.to_vec(),
        changed: false,
        smallest_eigenvalue,
        shift: 0.0,
        iterations: 0,
        converged: true,
    };
    if smallest_eigenvalue >= floor - SLACK {
        return Ok(nearest);
    }
    symmetrise(&mut nearest.matrix, order);
    let mut eigen = Eigen::new(&nearest.matrix, order);
    if method == Method::Higham && smallest_eigenvalue < 0.0 {
        nearest.alternate(order, eigen);
        eigen = Eigen::new(&nearest.matrix, order);
    }
    // Scaling a raised diagonal back to 1 lowers the smallest eigenvalue again, each time by a small part of what was
    // raised.
    while eigen.smallest() < floor - SLACK && nearest.iterations < 2 * MAX_ITERATIONS {
        lift(&mut nearest.matrix, order, &eigen, floor);
        rescale(&mut nearest.matrix, order);
        eigen = Eigen::new(&nearest.matrix, order);
        nearest.iterations += 1;
    }
    nearest.changed = true;
    nearest.shift = distance(&nearest.matrix, matrix);
    Ok(nearest)
}

impl Nearest {
    /// Alternating projections on the positive semidefinite matrices and on those of unit diagonal, with Dykstra's
    /// correction of the former: Higham (2002), algorithm 3.3.
    fn alternate(&mut self, order: usize, first: Eigen) {
        let mut eigen = Some(first);
        let mut correction = vec![0.0; order * order];
        self.converged = false;
        while !self.converged && self.iterations < MAX_ITERATIONS {
            let corrected: Vec<f64> = self.matrix.iter().zip(&correction).map(|(y, s)| y - s).collect();
            let mut projected = corrected.clone();
            let eigen = eigen.take().unwrap_or_else(|| Eigen::new(&corrected, order));
            lift(&mut projected, order, &eigen, 0.0);
            for (s, (x, r)) in correction.iter_mut().zip(projected.iter().zip(&corrected)) {
                *s = x - r;
            }
            let mut unit = projected.clone();
            unit.iter_mut().step_by(order + 1).for_each(|diagonal| *diagonal = 1.0);
            let moved = distance(&unit, &self.matrix).max(distance(&unit, &projected));
            self.converged = moved <= TOLERANCE * norm(&unit);
            self.matrix = unit;
            self.iterations += 1;
        }
    }
}

/// Lifts the eigenvalues below the floor to it.
fn lift(matrix: &mut [f64], order: usize, eigen: &Eigen, floor: f64) {
    for (value, vector) in eigen.pairs().filter(|(value, _)| *value < floor) {
        for (row, &v) in matrix.chunks_exact_mut(order).zip(vector) {
            for (entry, &w) in row.iter_mut().zip(vector) {
                // v w before the factor: the same for (i, j) and (j, i).
                *entry += (floor - value) * (v * w);
            }
        }
    }
}

/// Scales rows and columns to a unit diagonal.
fn rescale(matrix: &mut [f64], order: usize) {
    let deviations: Vec<f64> = matrix.iter().step_by(order + 1).map(|variance| variance.sqrt()).collect();
    for (a, row) in matrix.chunks_exact_mut(order).enumerate() {
        for (b, entry) in row.iter_mut().enumerate() {
            *entry = if a == b { 1.0 } else { (*entry / (deviations[a] * deviations[b])).clamp(-1.0, 1.0) };
        }
    }
}

fn norm(matrix: &[f64]) -> f64 {
    matrix.iter().map(|entry| entry * entry).sum::<f64>().sqrt()
}

fn distance(matrix: &[f64], other: &[f64]) -> f64 {
    matrix.iter().zip(other).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

/// Rounding up to [`SLACK`] passes: other programs write 0.9999999999999998 on a diagonal.
fn check(matrix: &[f64], order: usize) -> Result<(), Error> {
    check_length("matrix", matrix.len(), order * order)?;
    for (position, &value) in matrix.iter().enumerate() {
        let (row, column) = (position / order, position % order);
        let rule = if value.is_nan() || value.abs() > 1.0 + SLACK {
            "a correlation in [-1, 1]"
        } else if row == column && value < 1.0 - SLACK {
            "1, the diagonal of a correlation matrix"
        } else if (value - matrix[column * order + row]).abs() > SLACK {
            "the same on both sides of the diagonal"
        } else {
            continue;
        };
        return Err(Error::Entry { what: "matrix", row, column, value, rule });
    }
    Ok(())
}

/// Takes that rounding away.
fn symmetrise(matrix: &mut [f64], order: usize) {
    for a in 0..order {
        matrix[a * order + a] = 1.0;
        for b in a + 1..order {
            let mean = 0.5 * (matrix[a * order + b] + matrix[b * order + a]);
            matrix[a * order + b] = mean;
            matrix[b * order + a] = mean;
        }
    }
}
