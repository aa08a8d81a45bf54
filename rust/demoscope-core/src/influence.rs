//! Influence functions of the two-step estimator: how rho moves with the share of every cell.
//!
//! rho solves `S(rho, tau, kappa, p) = sum p_ab pi'_ab / pi_ab = 0` with tau and kappa from the margins.
//! Implicit differentiation gives
//!
//! ```text
//! IF_ab = (1/A) { pi'_ab/pi_ab - sum_k B_k (1[a <= k] - F_k)/phi(tau_k) - sum_l C_l (1[b <= l] - G_l)/phi(kappa_l) }
//! A = -dS/drho,  B_k = -dS/dtau_k,  C_l = -dS/dkappa_l
//! ```
//!
//! all taken at the data: the observed version, which is the infinitesimal jackknife.

use crate::bivariate::Bivariate;
use crate::normal;
use crate::polychoric::{Thresholds, Workspace};

/// The three parts of the influence function, for one table at its estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct Influence {
    /// Part of the cell, row-major: `pi'/pi / A`, NaN for empty cells.
    pub cell: Vec<f64>,
    /// Part of the answer to the first item, centred over its margin.
    pub row: Vec<f64>,
    /// Part of the answer to the second item, centred over its margin.
    pub col: Vec<f64>,
}

impl Influence {
    /// Influence of a respondent in cell (a, b) when the thresholds come from the table's own margins.
    #[must_use]
    pub fn at(&self, a: usize, b: usize) -> f64 {
        self.cell[a * self.col.len() + b] + self.row[a] + self.col[b]
    }
}

/// Influence functions of a dense table at its interior estimate `rho`; `None` when the likelihood has no curvature
/// there.
#[must_use]
pub fn influence(
    workspace: &mut Workspace,
    table: &[f64],
    row: &Thresholds,
    col: &Thresholds,
    rho: f64,
) -> Option<Influence> {
    let cols = col.below.len() - 1;
    let total: f64 = table.iter().sum();
    let mut information = 0.0;
    let mut slope = vec![f64::NAN; table.len()];
    let mut ratio = vec![0.0; table.len()];
    workspace.visit(table, row, col, rho, |cell| {
        let place = cell.row * cols + cell.col;
        let share = cell.count / total;
        information -= share * cell.curvature;
        slope[place] = cell.slope;
        if cell.probability > 0.0 {
            ratio[place] = share / cell.probability;
        }
    });
    if !(information.is_finite() && information > 0.0) {
        return None;
    }
    let grid = Grid { normal: Bivariate::new(rho), rho, slope: &slope, ratio: &ratio };
    let on_rows = grid.threshold_sensitivity(row, col, |a, b| a * cols + b);
    let on_cols = grid.threshold_sensitivity(col, row, |b, a| a * cols + b);
    for value in &mut slope {
        *value /= information;
    }
    Some(Influence {
        cell: slope,
        row: answer_part(row, &on_rows, information),
        col: answer_part(col, &on_cols, information),
    })
}

/// Cells of the table at the estimate.
struct Grid<'a> {
    normal: Bivariate,
    rho: f64,
    /// pi'/pi, NaN in empty cells.
    slope: &'a [f64],
    /// p/pi, 0 in empty cells.
    ratio: &'a [f64],
}

impl Grid<'_> {
    /// `B_k = -dS/dtau_k` for every finite threshold of one item; `place` finds the cell of (its category, other
    /// category).
    fn threshold_sensitivity(
        &self,
        item: &Thresholds,
        other: &Thresholds,
        place: impl Fn(usize, usize) -> usize,
    ) -> Vec<f64> {
        let spread = ((1.0 - self.rho) * (1.0 + self.rho)).sqrt();
        let conditional = |tau: f64, kappa: f64| (kappa - self.rho * tau) / spread;
        // d phi2 / d tau at (tau, kappa); 0 at infinity.
        let bend = |tau: f64, kappa: f64| {
            if kappa.is_finite() {
                -self.normal.pdf(tau, kappa) * (tau - self.rho * kappa) / (spread * spread)
            } else {
                0.0
            }
        };
        item.inner()
            .iter()
            .enumerate()
            .map(|(k, &tau)| {
                if !tau.is_finite() {
                    return 0.0;
                }
                let terms = (0..other.tau.len() - 1).map(|b| {
                    let (low, high) = (other.tau[b], other.tau[b + 1]);
                    let mass = normal::pdf(tau) * normal::interval(conditional(tau, low), conditional(tau, high));
                    let change = bend(tau, high) - bend(tau, low);
                    let (inner, outer) = (place(k, b), place(k + 1, b));
                    let weighted =
                        |cell: usize| if self.ratio[cell] > 0.0 { self.ratio[cell] * self.slope[cell] } else { 0.0 };
                    (self.ratio[inner] - self.ratio[outer]) * change - mass * (weighted(inner) - weighted(outer))
                });
                -terms.sum::<f64>()
            })
            .collect()
    }
}

/// `-(1/A) sum_k B_k (1[a <= k] - F_k) / phi(tau_k)` for every category a.
fn answer_part(thresholds: &Thresholds, sensitivity: &[f64], information: f64) -> Vec<f64> {
    let categories = thresholds.below.len() - 1;
    (0..categories)
        .map(|a| {
            let terms = thresholds.inner().iter().zip(sensitivity).enumerate().map(|(k, (&tau, &b))| {
                if tau.is_finite() {
                    let indicator = if a <= k { 1.0 } else { 0.0 };
                    b * (indicator - thresholds.below[k + 1]) / normal::pdf(tau)
                } else {
                    0.0
                }
            });
            -terms.sum::<f64>() / information
        })
        .collect()
}
