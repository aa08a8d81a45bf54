//! How well the latent normal model of the polychoric correlation fits the table of two items.

use rayon::prelude::*;

use crate::association::{Joint, Sample};
use crate::codes::{Codes, pairs};
use crate::correlation::FEW;
use crate::error::Error;
use crate::polychoric::{Fit, Status, Thresholds, Workspace, flag};
use crate::weights::Replicates;
use crate::zero_cells::ZeroCells;

/// Fit of the latent normal model to one table of I x J used categories, p the shares of the cells, pi their
/// probabilities at the estimate and N the number of respondents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goodness {
    /// Likelihood ratio against the saturated model, `2 N sum p ln(p/pi)`; NaN without an estimate inside (-1, 1).
    pub g2: f64,
    /// Pearson's `N sum (p - pi)^2 / pi`, empty cells included; NaN without an estimate inside (-1, 1).
    pub x2: f64,
    /// `IJ - I - J`; 0 where nothing is left to test: 2 x 2 tables, and fewer than two used categories on a side.
    pub df: u32,
    /// `sqrt(max(0, (G2 - df) / (df (N - 1))))` (Steiger & Lind 1980); NaN without degrees of freedom.
    pub rmsea: f64,
}

impl Goodness {
    /// Fit of a dense table at the estimate `fit` with the thresholds of its own margins.
    #[must_use]
    pub fn new(
        workspace: &mut Workspace,
        table: &[f64],
        row: &Thresholds,
        col: &Thresholds,
        fit: &Fit,
        respondents: f64,
    ) -> Self {
        let used = |thresholds: &Thresholds| thresholds.below.windows(2).filter(|below| below[1] > below[0]).count();
        let free = used(row).saturating_sub(1) * used(col).saturating_sub(1);
        let df = u32::try_from(free.saturating_sub(1)).unwrap_or(u32::MAX);
        if fit.status != Status::Ok {
            return Self { g2: f64::NAN, x2: f64::NAN, df, rmsea: f64::NAN };
        }
        let total: f64 = table.iter().sum();
        let (mut divergence, mut squares, mut occupied) = (0.0, 0.0, 0.0);
        workspace.visit(table, row, col, fit.rho, |cell| {
            let (share, probability) = (cell.count / total, cell.probability);
            divergence += share * (share / probability).ln();
            squares += (share - probability).powi(2) / probability;
            occupied += probability;
        });
        // (0 - pi)^2 / pi over the empty cells is what their probabilities sum to.
        let x2 = respondents * (squares + (1.0 - occupied).max(0.0));
        let g2 = (2.0 * respondents * divergence).max(0.0);
        let degrees = f64::from(df);
        let tested = df > 0 && respondents > 1.0;
        let rmsea = if tested { ((g2 - degrees) / (degrees * (respondents - 1.0))).max(0.0).sqrt() } else { f64::NAN };
        Self { g2, x2, df, rmsea }
    }
}

/// Fit of one pair of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairFit {
    /// Correlation, status and flags.
    pub fit: Fit,
    /// Fit of the model.
    pub goodness: Goodness,
    /// Respondents of positive weight who answered both items.
    pub respondents: f64,
    /// Their effective number, (sum w)^2 / sum w^2 (Kish).
    pub effective: f64,
}

/// Fits all pairs of a sample with the thresholds of their own tables, in the order of [`pairs`].
///
/// The degrees of freedom count thresholds that are estimated from the table itself; thresholds from all valid answers
/// of an item would add the difference of the margins to the misfit.
/// Weights are scaled to sum to the respondents of the pair.
///
/// # Errors
/// When codes and weights are of different length.
pub fn polychoric_fit_pairs(
    codes: &Codes,
    replicates: &Replicates<'_>,
    zero_cells: ZeroCells,
) -> Result<Vec<PairFit>, Error> {
    let sample = Sample::new(replicates, codes.rows())?;
    let pairs: Vec<(usize, usize)> = pairs(codes.items()).collect();
    let fit = |workspace: &mut Workspace, &(a, b): &(usize, usize)| {
        fit_pair(workspace, Joint::count(codes, &sample, a, b), zero_cells)
    };
    Ok(pairs.par_iter().map_init(Workspace::default, fit).collect())
}

fn fit_pair(workspace: &mut Workspace, joint: Joint, zero_cells: ZeroCells) -> PairFit {
    let (mut table, cols, size) = (joint.shares, joint.cols, joint.size);
    let mut fit = workspace.fit(&mut table, cols, None, zero_cells, None, || size.respondents);
    if size.respondents < FEW {
        fit.flags |= flag::FEW;
    }
    let (row, col) = crate::estimate::own_thresholds(&table, cols);
    let goodness = Goodness::new(workspace, &table, &row, &col, &fit, size.respondents);
    PairFit { fit, goodness, respondents: size.respondents, effective: size.effective }
}
