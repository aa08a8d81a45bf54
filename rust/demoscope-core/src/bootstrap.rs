//! Correlation matrices of many replicates, side by side: the fast twin of [`crate::correlation::fit_one`].
//!
//! A *tile* is the pairs of two short ranges of items, a *block* some replicates whose weights lie side by side.
//! For every tile and block, all tables of the tile are counted, then fitted eight replicates at a time; tables,
//! weights and Hermite functions of a tile stay in the caches.
//! Tiles are tasks: each writes the replicates of its own pairs, and no number depends on which thread wrote it or on
//! what lies in the neighbouring lanes, so results are the same bit for bit for any number of threads or replicates.
#![allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]

use std::ops::Range;
use std::sync::OnceLock;

use rayon::prelude::*;

use crate::correlation::{
    FEW, Margins, Outcomes, Path, Row, Settings, Tables, checked_pairs, fit_one, item_thresholds,
};
use crate::cpu::{Arch, Cpu, Kernel};
use crate::error::Error;
use crate::full_sample::fit_sample;
use crate::guide::Guide;
use crate::lane_fit::{LaneWorkspace, Method, Problem, Solution, solve};
use crate::lane_margin::LaneMargin;
use crate::lanes::{LANES, Lanes};
use crate::polychoric::{Fit, NOTHING, Status, Thresholds, Workspace, flag};
use crate::tiles::{Output, Pair, split, tiles};
use crate::zero_cells::ZeroCells;

/// Largest error of rho that the end of a search may leave; estimates are promised within 1e-7 of the scalar search,
/// which leaves a safe factor of 2.
pub const TOLERANCE: f64 = 3e-8;

/// Largest error of rho that errors of the distribution function may cause.
pub const NOISE: f64 = 1e-8;

/// Weights and thresholds of the blocks that are loaded at the same time take at most this many bytes.
const ROUND_BYTES: usize = 128 << 20;

/// Most replicates that are loaded at the same time.
const ROUND_REPLICATES: usize = 1024;

/// Tasks per thread, so that threads end together.
const TASKS_PER_THREAD: usize = 8;

/// Correlations of all wanted pairs in all replicates.
///
/// # Errors
/// When the settings name another number of pairs, or the work was stopped.
pub fn fit_replicates<T: Tables>(tables: &T, settings: &Settings<'_>) -> Result<Outcomes, Error> {
    let pairs = checked_pairs(tables, settings)?;
    let replicates = tables.replicates();
    let mut outcomes = Outcomes::new(settings.rows(pairs), replicates);
    if pairs == 0 || replicates == 0 {
        return Ok(outcomes);
    }
    let full = tables.sample();
    // Pairs are fitted side by side, so an estimate depends on its neighbours by a rounding error.
    let wanted = if settings.only_wanted { None } else { settings.wanted };
    let fits = fit_sample(&full, &Settings { wanted, ..*settings })?;
    if tables.is_sample() {
        for (row, fit) in outcomes.rows(0..1, settings, pairs).into_iter().zip(&fits) {
            if let Some(mut row) = row {
                row.set(0, fit);
            }
        }
        return Ok(outcomes);
    }
    match settings.path {
        Path::Scalar => one_by_one(tables, settings, &fits, &mut outcomes),
        Path::Lanes(cpu) => {
            let full_replicate = full.load(0);
            let thresholds = item_thresholds(&full, &full_replicate);
            let full = FullSample { tables: full, replicate: full_replicate, thresholds, fits };
            let bootstrap = Bootstrap { tables, settings, cpu, full };
            let step = bootstrap.round();
            for from in (0..replicates).step_by(step).take_while(|_| !settings.is_stopped()) {
                bootstrap.fit_round(from..replicates.min(from + step), &mut outcomes);
            }
        }
    }
    if settings.is_stopped() { Err(Error::Stopped) } else { Ok(outcomes) }
}

fn one_by_one<T: Tables>(tables: &T, settings: &Settings<'_>, fits: &[Fit], outcomes: &mut Outcomes) {
    let fit = |index| {
        if settings.is_stopped() {
            return vec![Fit::EXCLUDED; fits.len()];
        }
        fit_one(tables, index, settings, Some(fits))
    };
    let replicates: Vec<Vec<Fit>> = (0..tables.replicates()).into_par_iter().map(fit).collect();
    for (pair, row) in outcomes.rows(0..replicates.len(), settings, fits.len()).into_iter().enumerate() {
        let Some(mut row) = row else { continue };
        for (index, fits) in replicates.iter().enumerate() {
            row.set(index, &fits[pair]);
        }
    }
}

/// The sample that the replicates are made of.
struct FullSample<T: Tables> {
    tables: T,
    replicate: T::Replicate,
    thresholds: Vec<Thresholds>,
    fits: Vec<Fit>,
}

struct Bootstrap<'a, T: Tables> {
    tables: &'a T,
    settings: &'a Settings<'a>,
    cpu: Cpu,
    full: FullSample<T>,
}

/// A block with the thresholds of all items, (item, group of lanes).
struct LoadedBlock<T: Tables> {
    first: usize,
    block: T::Block,
    margins: Vec<LaneMargin>,
    /// The same replicates one by one, made when somebody asks for their respondents.
    replicates: OnceLock<Vec<T::Replicate>>,
}

impl<T: Tables> Bootstrap<'_, T> {
    fn groups(&self) -> usize {
        self.tables.block_width() / LANES
    }

    /// Number of replicates that are loaded at the same time, a multiple of the block width.
    fn round(&self) -> usize {
        let width = self.tables.block_width();
        let thresholds = 2 * self.tables.categories().iter().sum::<usize>() * self.groups() * size_of::<Lanes>();
        let blocks = ROUND_BYTES / (self.tables.block_size() + thresholds).max(1);
        width * blocks.clamp(1, (ROUND_REPLICATES / width).max(1))
    }

    fn fit_round(&self, range: Range<usize>, outcomes: &mut Outcomes) {
        let width = self.tables.block_width();
        let firsts: Vec<usize> = range.clone().step_by(width).collect();
        let blocks: Vec<LoadedBlock<T>> = firsts.into_par_iter().map(|first| self.load(first)).collect();
        let mut rows = outcomes.rows(range, self.settings, self.full.fits.len());
        let tiles: Vec<Vec<Output<'_>>> = tiles(self.tables, self.settings)
            .into_iter()
            .map(|tile| {
                let output = |pair: Pair| rows[pair.number].take().map(|row| Output { pair, row });
                tile.into_iter().filter_map(output).collect()
            })
            .collect();
        // Few tiles are split along the replicates.
        let parts = (TASKS_PER_THREAD * rayon::current_num_threads()).div_ceil(tiles.len().max(1));
        let blocks_per_part = blocks.len().div_ceil(parts.max(1)).max(1);
        let tasks: Vec<(Vec<Output<'_>>, &[LoadedBlock<T>])> =
            tiles.into_iter().flat_map(|tile| split(tile, &blocks, blocks_per_part, width)).collect();
        tasks.into_par_iter().for_each_init(Buffers::default, |buffers, (outputs, blocks)| {
            self.fit_tile(buffers, outputs, blocks);
        });
    }

    /// A block and the thresholds of its replicates.
    fn load(&self, first: usize) -> LoadedBlock<T> {
        let block = self.tables.block(first);
        let mut margins = Vec::new();
        let mut totals = Vec::new();
        let mut thresholds = Thresholds::default();
        if self.settings.margins == Margins::Item || self.any_complete() {
            for (item, &categories) in self.tables.categories().iter().enumerate() {
                totals.resize(self.groups() * categories, Lanes::default());
                self.tables.block_totals(self.cpu, item, &block, &mut totals);
                margins.extend((0..self.groups()).map(|group| {
                    let mut margin = LaneMargin::default();
                    margin.set_totals(&totals[group * categories..][..categories], &mut thresholds);
                    margin
                }));
            }
        }
        LoadedBlock { first, block, margins, replicates: OnceLock::new() }
    }

    fn any_complete(&self) -> bool {
        let items = self.tables.categories().len();
        (0..items).any(|item| self.tables.is_complete(item, item))
    }

    /// Whether the thresholds of a pair are those of its items.
    fn shares_margins(&self, pair: Pair) -> bool {
        self.settings.margins == Margins::Item || self.tables.is_complete(pair.first, pair.second)
    }

    fn fit_tile(&self, buffers: &mut Buffers, outputs: Vec<Output<'_>>, blocks: &[LoadedBlock<T>]) {
        if self.settings.is_stopped() {
            return;
        }
        let pairs: Vec<(usize, usize)> = outputs.iter().map(|output| (output.pair.first, output.pair.second)).collect();
        let plan = self.tables.plan(&pairs);
        let mut fits: Vec<PairFits<'_>> =
            outputs.into_iter().map(|output| self.pair_fits(&mut buffers.scalar, output)).collect();
        let first_replicate = blocks.first().map_or(0, |block| block.first);
        for block in blocks {
            let mut tables = std::mem::take(&mut buffers.tables);
            let sizes: Vec<usize> = fits.iter().map(|fit| fit.cells * self.groups()).collect();
            tables.resize(sizes.iter().sum(), Lanes::default());
            let mut rest = tables.as_mut_slice();
            for (pair, &size) in sizes.iter().enumerate() {
                let (own, next) = rest.split_at_mut(size);
                self.tables.block_table(self.cpu, &plan, pair, &block.block, own);
                rest = next;
            }
            let used = self.tables.block_width().min(self.tables.replicates() - block.first);
            for group in 0..used.div_ceil(LANES) {
                self.load_margins(buffers, &fits, block, group);
                let mut rest = tables.as_mut_slice();
                for (fit, &size) in fits.iter_mut().zip(&sizes) {
                    let (own, next) = rest.split_at_mut(size);
                    let counts = &mut own[group * fit.cells..][..fit.cells];
                    let lanes = LANES.min(used - group * LANES);
                    let index = block.first - first_replicate + group * LANES;
                    self.fit_group(buffers, fit, counts, &Place { block, group, lanes, index });
                    rest = next;
                }
            }
            buffers.tables = tables;
        }
    }

    /// What is known of a pair before its replicates are fitted.
    fn pair_fits<'b>(&self, workspace: &mut Workspace, output: Output<'b>) -> PairFits<'b> {
        let Output { pair, row } = output;
        let (rows, cols) = (self.tables.categories()[pair.first], self.tables.categories()[pair.second]);
        let full = &self.full;
        let mut table = vec![0.0; rows * cols];
        full.tables.sample_table(self.cpu, pair.first, pair.second, &full.replicate, &mut table);
        let respondents = if self.tables.counts_respondents() {
            table.iter().sum()
        } else {
            full.tables.respondents(pair.first, pair.second, &full.replicate)
        };
        let may_be_few = respondents - (self.tables.left_out() as f64) < FEW;
        let fit = full.fits[pair.number];
        let shared = self.shares_margins(pair);
        let guide = workspace.prepare(&mut table, cols, self.settings.zero_cells, || respondents).ok().and_then(|_| {
            let margins = if shared { Margins::Item } else { Margins::Pair };
            let own;
            let thresholds = if shared {
                (&full.thresholds[pair.first], &full.thresholds[pair.second])
            } else {
                workspace.set_own_thresholds(&table, cols);
                let (row, col) = workspace.own_thresholds();
                own = (row.clone(), col.clone());
                (&own.0, &own.1)
            };
            Guide::new(workspace, &table, thresholds, margins, &fit, respondents, NOISE)
        });
        // More cells than a staircase has: neither at the boundary nor degenerate.
        let staircase = (rows + cols).saturating_sub(1);
        let least_occupied = match self.settings.zero_cells {
            ZeroCells::None | ZeroCells::KeepMargins | ZeroCells::AddHalf => staircase,
            ZeroCells::AddHalfAll | ZeroCells::OneOverN => staircase.max((rows * cols).saturating_sub(1)),
        };
        PairFits { pair, row, cells: rows * cols, cols, guide, may_be_few, shared, least_occupied, start: fit.rho }
    }

    /// Thresholds and Hermite functions of the items of a tile in one group of lanes.
    fn load_margins(&self, buffers: &mut Buffers, fits: &[PairFits<'_>], block: &LoadedBlock<T>, group: usize) {
        let items = self.tables.categories().len();
        buffers.terms.clear();
        buffers.terms.resize(items, None);
        for fit in fits.iter().filter(|fit| fit.shared) {
            let terms = match fit.guide.as_ref().map(|guide| guide.method) {
                Some(Method::Series(terms)) => terms,
                _ => 0,
            };
            for item in [fit.pair.first, fit.pair.second] {
                let most = buffers.terms[item].unwrap_or(0).max(terms);
                buffers.terms[item] = Some(most);
            }
        }
        buffers.margins.resize_with(items, LaneMargin::default);
        for (item, terms) in buffers.terms.iter().enumerate() {
            if let Some(terms) = *terms {
                let margin = block.margins[item * self.groups() + group].view();
                buffers.margins[item].set(margin.tau, margin.below);
                buffers.margins[item].fill(self.cpu, terms);
            }
        }
    }

    /// Fits eight replicates of one pair; what the lanes do not certify goes to the scalar search.
    fn fit_group(&self, buffers: &mut Buffers, fits: &mut PairFits<'_>, counts: &mut [Lanes], place: &Place<'_, T>) {
        let Buffers { scalar, lane, margins, own_row, own_col, table, thresholds, totals, .. } = buffers;
        if !fits.shared {
            own_margins(counts, fits.cols, totals, &mut thresholds.0, own_row, own_col);
            if let Some(Method::Series(terms)) = fits.guide.as_ref().map(|guide| guide.method) {
                own_row.fill(self.cpu, terms);
                own_col.fill(self.cpu, terms);
            }
        }
        let (row, col) =
            if fits.shared { (&margins[fits.pair.first], &margins[fits.pair.second]) } else { (&*own_row, &*own_col) };
        let total = counts.iter().fold(Lanes::default(), |sum, &count| sum + count);
        let solution = fits.guide.as_ref().map(|guide| {
            let least_occupied = fits.least_occupied;
            self.cpu.run(Group { workspace: lane, guide, counts, total, row, col, least_occupied })
        });
        for index in 0..place.lanes {
            let respondents = || {
                if self.tables.counts_respondents() {
                    total.0[index]
                } else {
                    self.respondents(fits.pair, place.block, place.group * LANES + index)
                }
            };
            let mut fit = if let Some(solution) = solution.as_ref().filter(|solution| solution.certified[index]) {
                Fit { rho: solution.rho.0[index], iterations: solution.evaluations, status: Status::Ok, flags: 0 }
            } else {
                table.clear();
                table.extend(counts.iter().map(|count| count.0[index]));
                let own = if self.settings.margins == Margins::Item {
                    row.get_lane(index, &mut thresholds.0);
                    col.get_lane(index, &mut thresholds.1);
                    Some((&thresholds.0, &thresholds.1))
                } else {
                    None
                };
                scalar.fit(table, fits.cols, own, self.settings.zero_cells, Some(fits.start), respondents)
            };
            if fits.may_be_few && respondents() < FEW {
                fit.flags |= flag::FEW;
            }
            fits.row.set(place.index + index, &fit);
        }
    }

    /// Number of respondents in one replicate of a pair.
    fn respondents(&self, pair: Pair, block: &LoadedBlock<T>, index: usize) -> f64 {
        let replicates = block.replicates.get_or_init(|| {
            let end = self.tables.replicates().min(block.first + self.tables.block_width());
            (block.first..end).map(|index| self.tables.load(index)).collect()
        });
        self.tables.respondents(pair.first, pair.second, &replicates[index])
    }
}

/// Where eight replicates stand.
struct Place<'a, T: Tables> {
    block: &'a LoadedBlock<T>,
    group: usize,
    /// Number of lanes that hold a replicate.
    lanes: usize,
    /// Number of the first replicate in the rows of the task.
    index: usize,
}

/// One pair of a tile with all that its replicates share.
struct PairFits<'a> {
    pair: Pair,
    row: Row<'a>,
    cells: usize,
    cols: usize,
    guide: Option<Guide>,
    /// Whether a replicate can have fewer respondents than [`FEW`].
    may_be_few: bool,
    /// Whether the thresholds are those of the items.
    shared: bool,
    /// Tables with more occupied cells go to the lanes.
    least_occupied: usize,
    start: f64,
}

/// What one thread needs.
#[derive(Default)]
struct Buffers {
    scalar: Workspace,
    lane: LaneWorkspace,
    /// All tables of a tile in one block.
    tables: Vec<Lanes>,
    /// Thresholds of the items of a tile in one group of lanes, and how many Hermite functions they need.
    margins: Vec<LaneMargin>,
    terms: Vec<Option<usize>>,
    own_row: LaneMargin,
    own_col: LaneMargin,
    totals: Vec<Lanes>,
    table: Vec<f64>,
    thresholds: (Thresholds, Thresholds),
}

/// Thresholds of eight tables from their own margins.
fn own_margins(
    counts: &[Lanes],
    cols: usize,
    totals: &mut Vec<Lanes>,
    thresholds: &mut Thresholds,
    row: &mut LaneMargin,
    col: &mut LaneMargin,
) {
    totals.clear();
    totals.extend(counts.chunks_exact(cols.max(1)).map(|cells| cells.iter().fold(Lanes::default(), |a, &b| a + b)));
    row.set_totals(totals, thresholds);
    totals.clear();
    totals.resize(cols, Lanes::default());
    for cells in counts.chunks_exact(cols.max(1)) {
        for (total, &cell) in totals.iter_mut().zip(cells) {
            *total += cell;
        }
    }
    col.set_totals(totals, thresholds);
}

/// Eight replicates of one pair.
struct Group<'a> {
    workspace: &'a mut LaneWorkspace,
    guide: &'a Guide,
    counts: &'a mut [Lanes],
    total: Lanes,
    row: &'a LaneMargin,
    col: &'a LaneMargin,
    least_occupied: usize,
}

impl Kernel for Group<'_> {
    type Output = Solution;

    #[inline(always)]
    fn run<A: Arch>(self) -> Solution {
        let (zero, one) = (Lanes::default(), Lanes::splat(1.0));
        let least = self.total * Lanes::splat(NOTHING);
        // The smallest totals have no reciprocal; estimates do not depend on the scale.
        let scale = (one / self.total).min(Lanes::splat(f64::MAX));
        let mut occupied = zero;
        for count in self.counts.iter_mut() {
            occupied += count.select_above(least, one, zero);
            *count = count.select_above(least, *count * scale, zero);
        }
        let (row, col) = (self.row.view(), self.col.view());
        let problem = Problem {
            counts: self.counts,
            row,
            col,
            method: self.guide.method,
            start: self.guide.start::<A>(self.counts, row.below, col.below),
            active: occupied.select_above(Lanes::splat(self.least_occupied as f64), one, zero),
            tolerance: TOLERANCE,
            noise: NOISE,
        };
        solve::<A>(self.workspace, &problem)
    }
}
