//! The correlation matrix of one sample, eight pairs side by side.

use rayon::prelude::*;

use crate::correlation::{FEW, Margins, Path, Settings, Tables, checked_pairs, fit_one, item_thresholds};
use crate::cpu::Cpu;
use crate::error::Error;
use crate::hermite::terms_for;
use crate::lane_fit::{LaneWorkspace, Method, Problem};
use crate::lane_margin::LaneMargin;
use crate::lanes::{LANES, Lanes};
use crate::normal;
use crate::polychoric::{Fit, Status, Thresholds, Workspace, flag, pearson};

/// Largest error of rho that a lane may certify.
const TOLERANCE: f64 = 1e-10;

/// Error of the distribution function that series are cut at.
const TRUNCATION: f64 = 1e-12;

/// Where a search begins at most; the estimate may lie beyond.
const FARTHEST_START: f64 = 0.95;

/// How much larger than its first approximation an estimate may be for the series to be long enough.
const MARGIN: f64 = 0.08;

/// Correlations of the first replicate, pair by pair in the order of [`crate::codes::pairs`].
///
/// # Errors
/// When the settings name another number of pairs, or the work was stopped.
pub fn fit_sample<T: Tables>(tables: &T, settings: &Settings<'_>) -> Result<Vec<Fit>, Error> {
    checked_pairs(tables, settings)?;
    let Path::Lanes(cpu) = settings.path else {
        return Ok(fit_one(tables, 0, settings, None));
    };
    let replicate = tables.load(0);
    let thresholds = item_thresholds(tables, &replicate);
    let strength = thresholds.iter().map(strength).collect();
    let sample = Sample { tables, settings, cpu, replicate, thresholds, strength };
    let items = tables.categories().len();
    let rows: Vec<Vec<Fit>> =
        (0..items).into_par_iter().map_init(Buffers::default, |buffers, item| sample.fit_row(buffers, item)).collect();
    if settings.is_stopped() { Err(Error::Stopped) } else { Ok(rows.concat()) }
}

struct Sample<'a, T: Tables> {
    tables: &'a T,
    settings: &'a Settings<'a>,
    cpu: Cpu,
    replicate: T::Replicate,
    thresholds: Vec<Thresholds>,
    strength: Vec<f64>,
}

/// Correlation of the category numbers of an item with the normal variable behind them:
/// `sum of phi(tau_k) / standard deviation of the numbers`.
fn strength(thresholds: &Thresholds) -> f64 {
    let shares = thresholds.below.windows(2).map(|two| two[1] - two[0]).enumerate();
    let (mean, square) = shares
        .fold((0.0, 0.0), |(mean, square), (k, share)| (mean + k as f64 * share, square + (k * k) as f64 * share));
    let slope: f64 = thresholds.inner().iter().map(|&tau| normal::pdf(tau)).sum();
    slope / (square - mean * mean).sqrt()
}

/// What one thread needs.
#[derive(Default)]
struct Buffers {
    scalar: Workspace,
    lanes: LaneWorkspace,
    tables: Vec<Lane>,
    counts: Vec<Lanes>,
    row: LaneMargin,
    /// Item whose own thresholds are in all lanes of `row`.
    row_item: Option<usize>,
    col: LaneMargin,
}

/// One pair of the eight.
#[derive(Default)]
struct Lane {
    second: usize,
    table: Vec<f64>,
    flags: u8,
    start: f64,
}

impl<T: Tables> Sample<'_, T> {
    /// Pairs of one item with all later ones.
    fn fit_row(&self, buffers: &mut Buffers, first: usize) -> Vec<Fit> {
        let items = self.tables.categories().len();
        let pair = crate::codes::pair_count(items) - crate::codes::pair_count(items - first);
        let mut fits = vec![Fit::EXCLUDED; items - first - 1];
        if self.settings.is_stopped() {
            return fits;
        }
        let mut waiting = 0;
        for second in first + 1..items {
            let place = second - first - 1;
            if self.settings.is_wanted(pair + place) {
                if buffers.tables.len() == waiting {
                    buffers.tables.push(Lane::default());
                }
                match self.prepare(&mut buffers.scalar, &mut buffers.tables[waiting], first, second) {
                    Ok(()) => waiting += 1,
                    Err(fit) => fits[place] = fit,
                }
            }
            if waiting == LANES || second + 1 == items {
                self.fit_lanes(buffers, first, waiting, |second, fit| fits[second - first - 1] = fit);
                waiting = 0;
            }
        }
        fits
    }

    /// Counts the table of a pair; `Err` is the estimate of a table without an interior one.
    fn prepare(&self, workspace: &mut Workspace, lane: &mut Lane, first: usize, second: usize) -> Result<(), Fit> {
        let (rows, cols) = (self.tables.categories()[first], self.tables.categories()[second]);
        lane.second = second;
        lane.table.resize(rows * cols, 0.0);
        self.tables.sample_table(self.cpu, first, second, &self.replicate, &mut lane.table);
        let respondents = if self.tables.counts_respondents() {
            lane.table.iter().sum()
        } else {
            self.tables.respondents(first, second, &self.replicate)
        };
        let few = if respondents < FEW { flag::FEW } else { 0 };
        let prepared = workspace.prepare(&mut lane.table, cols, self.settings.zero_cells, || respondents);
        lane.flags = few | prepared.map_err(|fit| Fit { flags: fit.flags | few, ..fit })?;
        // To first order in rho, category numbers correlate by rho times the strengths of both items.
        let start = pearson(&lane.table, cols) / (self.strength[first] * self.strength[second]);
        lane.start = if start.is_finite() { start.clamp(-FARTHEST_START, FARTHEST_START) } else { 0.0 };
        Ok(())
    }

    /// Fits up to eight pairs of one item.
    fn fit_lanes(&self, buffers: &mut Buffers, first: usize, used: usize, mut set: impl FnMut(usize, Fit)) {
        let Buffers { scalar, lanes, tables, counts, row, row_item, col } = buffers;
        let tables = &tables[..used];
        let rows = self.tables.categories()[first];
        let Some(cols) = tables.iter().map(|lane| self.tables.categories()[lane.second]).max() else { return };
        counts.clear();
        counts.resize(rows * cols, Lanes::default());
        col.reset(cols);
        match self.settings.margins {
            Margins::Item if *row_item == Some(first) => {}
            Margins::Item => {
                row.reset(rows);
                (0..LANES).for_each(|lane| row.set_lane(lane, &self.thresholds[first]));
                *row_item = Some(first);
            }
            Margins::Pair => row.reset(rows),
        }
        let mut start = Lanes::default();
        let mut active = Lanes::default();
        let mut reach = 0.0_f64;
        for (number, lane) in tables.iter().enumerate() {
            let own = self.tables.categories()[lane.second];
            // Shares instead of masses: estimates are the same, and no weight is too large or too small.
            let scale = 1.0 / lane.table.iter().sum::<f64>();
            for (target, source) in counts.chunks_exact_mut(cols).zip(lane.table.chunks_exact(own)) {
                for (target, &source) in target.iter_mut().zip(source) {
                    target.0[number] = scale * source;
                }
            }
            match self.settings.margins {
                Margins::Item => col.set_lane(number, &self.thresholds[lane.second]),
                Margins::Pair => {
                    scalar.set_own_thresholds(&lane.table, own);
                    let (row_thresholds, col_thresholds) = scalar.own_thresholds();
                    row.set_lane(number, row_thresholds);
                    col.set_lane(number, col_thresholds);
                }
            }
            start.0[number] = lane.start;
            active.0[number] = 1.0;
            reach = reach.max(lane.start.abs() + MARGIN);
        }
        let method = terms_for(reach, TRUNCATION).map_or_else(|| Method::quadrature(reach), Method::Series);
        if let Method::Series(terms) = method {
            row.fill_at_least(self.cpu, terms);
            col.fill(self.cpu, terms);
        }
        let problem = Problem {
            counts,
            row: row.view(),
            col: col.view(),
            method,
            start,
            active,
            tolerance: TOLERANCE,
            noise: TOLERANCE,
        };
        let solution = lanes.fit(self.cpu, &problem);
        for (number, lane) in tables.iter().enumerate() {
            let fit = if solution.certified[number] {
                Fit {
                    rho: solution.rho.0[number],
                    iterations: solution.evaluations,
                    status: Status::Ok,
                    flags: lane.flags,
                }
            } else {
                let own = self.tables.categories()[lane.second];
                let margins = match self.settings.margins {
                    Margins::Item => Some((&self.thresholds[first], &self.thresholds[lane.second])),
                    Margins::Pair => None,
                };
                let fit = scalar.search(&lane.table, own, margins, None);
                Fit { flags: fit.flags | lane.flags, ..fit }
            };
            set(lane.second, fit);
        }
    }
}
