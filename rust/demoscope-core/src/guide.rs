//! What the full sample knows about the replicates of a pair: where their searches begin and how precise the
//! distribution function must be.
//!
//! Replicates start from the linearised estimate `rho + sum of (share of the replicate) x IF`, which is within a few
//! thousandths of the estimate for tables that are not sparse.
#![allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]

use crate::correlation::Margins;
use crate::cpu::Arch;
use crate::hermite::terms_for;
use crate::influence::influence;
use crate::lane_fit::{Method, QUADRATURE_REACH};
use crate::lanes::Lanes;
use crate::polychoric::{Fit, Status, Thresholds, Workspace, flag};

/// Part of the tolerance that cutting the series may use up in the full sample; replicates differ.
const CAUTION: f64 = 0.2;

/// How many standard errors beyond the estimate the distribution function is prepared for.
const REACH: f64 = 4.5;

/// Below this number of respondents a likelihood can have several maxima, and the scalar search decides.
const LEAST_RESPONDENTS: f64 = 30.0;

/// From so many cells on the linearisation costs more than it saves.
const MOST_CELLS: usize = 1024;

/// Guide of the replicates of one pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Guide {
    /// How the distribution function is computed.
    pub method: Method,
    rho: f64,
    /// Weight of the share of every cell, row-major; empty without linearisation.
    cell: Vec<f64>,
    /// Weight of the share below every inner threshold.
    row: Vec<f64>,
    col: Vec<f64>,
}

impl Guide {
    /// Guide from the (corrected) table, the thresholds and the estimate of the full sample; `None` where the scalar
    /// search has to do the work.
    #[must_use]
    pub fn new(
        workspace: &mut Workspace,
        table: &[f64],
        (row, col): (&Thresholds, &Thresholds),
        margins: Margins,
        fit: &Fit,
        respondents: f64,
        tolerance: f64,
    ) -> Option<Self> {
        let interior = fit.status == Status::Ok && fit.flags & flag::CLIPPED == 0;
        if !interior || respondents < LEAST_RESPONDENTS {
            return None;
        }
        let total: f64 = table.iter().sum();
        let (mut information, mut noise) = (0.0, 0.0);
        workspace.visit(table, row, col, fit.rho, |cell| {
            let share = cell.count / total;
            information -= share * cell.curvature;
            noise += (share * cell.slope / cell.probability).powi(2);
        });
        let error = CAUTION * tolerance * information / (2.0 * noise.sqrt());
        if error.is_nan() || error <= 0.0 {
            return None;
        }
        let linear = Linear::new(workspace, table, (row, col), margins, fit.rho);
        let deviation = linear.as_ref().map_or(0.0, |linear| linear.deviation) / respondents.sqrt();
        let deviation = if deviation > 0.0 { deviation } else { 0.02 };
        let reach = fit.rho.abs() + REACH * deviation;
        let method = match terms_for(reach, error) {
            Some(terms) => Method::Series(terms),
            // Some replicates may lie beyond; they are left to the scalar search.
            None if fit.rho.abs() + deviation < QUADRATURE_REACH => Method::quadrature(reach),
            None => return None,
        };
        let Linear { rho, cell, row, col, .. } = linear.unwrap_or(Linear { rho: fit.rho, ..Linear::default() });
        Some(Self { method, rho, cell, row, col })
    }

    /// Where the searches of eight replicates begin, from their tables of sum 1.
    #[inline(always)]
    #[must_use]
    pub fn start<A: Arch>(&self, shares: &[Lanes], below_rows: &[Lanes], below_cols: &[Lanes]) -> Lanes {
        // Two sums, so that an addition does not wait for the one before.
        let mut sums = [Lanes::splat(self.rho), Lanes::default()];
        for (i, (&weight, &share)) in self.cell.iter().zip(shares).enumerate() {
            sums[i % 2] = share.mul_add::<A>(Lanes::splat(weight), sums[i % 2]);
        }
        for (&weight, &below) in self.row.iter().zip(below_rows).chain(self.col.iter().zip(below_cols)) {
            sums[0] = below.mul_add::<A>(Lanes::splat(weight), sums[0]);
        }
        let largest = Lanes::splat(QUADRATURE_REACH - 0.01);
        (sums[0] + sums[1]).min(largest).max(-largest)
    }
}

/// The linearised estimate as a function of shares of cells and shares below thresholds.
#[derive(Default)]
struct Linear {
    rho: f64,
    cell: Vec<f64>,
    row: Vec<f64>,
    col: Vec<f64>,
    /// Standard deviation of the influence of one respondent.
    deviation: f64,
}

impl Linear {
    fn new(
        workspace: &mut Workspace,
        table: &[f64],
        (row, col): (&Thresholds, &Thresholds),
        margins: Margins,
        rho: f64,
    ) -> Option<Self> {
        if table.len() > MOST_CELLS {
            return None;
        }
        let influence = influence(workspace, table, row, col, rho)?;
        let cols = influence.col.len();
        let total: f64 = table.iter().sum();
        let occupied = table.iter().enumerate().filter(|(_, count)| **count > 0.0);
        let variance: f64 =
            occupied.map(|(place, count)| count / total * influence.at(place / cols, place % cols).powi(2)).sum();
        let value = |value: f64| if value.is_finite() { value } else { 0.0 };
        match margins {
            Margins::Pair => Some(Self {
                rho,
                cell: (0..table.len()).map(|place| value(influence.at(place / cols, place % cols))).collect(),
                row: Vec::new(),
                col: Vec::new(),
                deviation: variance.sqrt(),
            }),
            Margins::Item => {
                // The share of category a is the difference of the shares below its two thresholds.
                let below = |part: &[f64]| part.windows(2).map(|two| value(two[0] - two[1])).collect();
                let last = |part: &[f64]| part.last().map_or(0.0, |&last| value(last));
                Some(Self {
                    rho: rho + last(&influence.row) + last(&influence.col),
                    cell: influence.cell.iter().map(|&part| value(part)).collect(),
                    row: below(&influence.row),
                    col: below(&influence.col),
                    deviation: variance.sqrt(),
                })
            }
        }
    }
}
