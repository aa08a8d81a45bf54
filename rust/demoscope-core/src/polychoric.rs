//! Two-step polychoric correlation of one table (Olsson 1979): thresholds from the margins, then maximum likelihood
//! over rho.

use crate::bivariate::Bivariate;
use crate::contingency::margins;
use crate::normal;
use crate::zero_cells::ZeroCells;

/// Interior estimates lie within this bound.
pub const RHO_MAX: f64 = 1.0 - 1e-6;

/// A fit has converged when rho moves less than this.
const STEP: f64 = 1e-10;

/// Steps that do not shrink any more are rounding; below this size they end the search.
const ROUNDING_STEP: f64 = 1e-7;

const MAX_ITERATIONS: u32 = 60;

/// Cells that hold less than this share of the table are below the rounding of its total and count as empty.
pub(crate) const NOTHING: f64 = 1e-15;

/// Cells of smaller probability are integrated on their own: the error of a difference of distribution functions, a
/// few 1e-16, would show in the tenth digit of rho.
const TINY: f64 = 1e-7;

/// How an estimate came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Interior maximum of the likelihood.
    Ok = 0,
    /// The table equals a Frechet bound: the likelihood rises up to rho = 1 or -1, which is the estimate.
    Boundary = 1,
    /// Fewer than two used categories on a side: no correlation exists.
    Degenerate = 2,
    /// The search did not end, or ended between two equal maxima; no estimate.
    NotConverged = 3,
    /// The pair was not asked for.
    Excluded = 4,
}

impl Status {
    /// Names in the order of the numeric values.
    pub const NAMES: [&'static str; 5] = ["ok", "boundary", "degenerate", "not_converged", "excluded"];
}

/// Things to know about an estimate, as bits.
pub mod flag {
    /// The policy for empty cells changed the table.
    pub const ZERO_CORRECTED: u8 = 1;
    /// The likelihood still rises at the bound for interior estimates, which is the value given.
    pub const CLIPPED: u8 = 2;
    /// Fewer than 50 respondents.
    pub const FEW: u8 = 4;
    /// Names, lowest bit first.
    pub const NAMES: [&str; 3] = ["zero_corrected", "clipped", "few"];
}

/// Estimate of one table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Correlation; NaN unless the status is ok or boundary.
    pub rho: f64,
    /// Evaluations of the likelihood.
    pub iterations: u32,
    /// How the estimate came about.
    pub status: Status,
    /// Bits of [`flag`].
    pub flags: u8,
}

impl Fit {
    /// A pair that was not asked for.
    pub const EXCLUDED: Self = Self { rho: f64::NAN, iterations: 0, status: Status::Excluded, flags: 0 };

    fn without(status: Status, rho: f64, flags: u8) -> Self {
        Self { rho, iterations: 0, status, flags }
    }
}

/// Thresholds of one item: `K + 1` values from minus to plus infinity, with the share of answers below each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds {
    /// Normal quantiles of the shares.
    pub tau: Vec<f64>,
    /// Shares below.
    pub below: Vec<f64>,
}

impl Thresholds {
    /// Thresholds from category totals; all NaN inside when the totals are zero.
    #[must_use]
    pub fn new(totals: &[f64]) -> Self {
        let mut thresholds = Self::default();
        thresholds.set(totals);
        thresholds
    }

    /// Replaces the thresholds; every tail is summed from its own end, so reversing the categories flips the signs.
    pub fn set(&mut self, totals: &[f64]) {
        let categories = totals.len();
        let all: f64 = totals.iter().sum();
        self.tau.clear();
        self.below.clear();
        let mut below = 0.0;
        for &total in totals {
            self.below.push(below);
            below += total;
        }
        self.below.push(below);
        self.tau.resize(categories + 1, f64::INFINITY);
        let mut above = 0.0;
        for k in (0..=categories).rev() {
            let share = self.below[k] / all;
            self.tau[k] = if self.below[k] <= above { normal::quantile(share) } else { -normal::quantile(above / all) };
            self.below[k] = share;
            if k > 0 {
                above += totals[k - 1];
            }
        }
    }

    /// Replaces the thresholds by inner ones that were computed before, with the shares below them.
    pub fn set_inner(&mut self, inner: impl Iterator<Item = (f64, f64)>) {
        self.tau.clear();
        self.below.clear();
        self.tau.push(f64::NEG_INFINITY);
        self.below.push(0.0);
        for (tau, below) in inner {
            self.tau.push(tau);
            self.below.push(below);
        }
        self.tau.push(f64::INFINITY);
        self.below.push(1.0);
    }

    /// The finite thresholds between the categories.
    #[must_use]
    pub fn inner(&self) -> &[f64] {
        if self.tau.len() < 2 { &[] } else { &self.tau[1..self.tau.len() - 1] }
    }
}

/// One occupied cell at the current rho.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// Row.
    pub row: usize,
    /// Column.
    pub col: usize,
    /// Mass.
    pub count: f64,
    /// Probability; 0 where it underflows.
    pub probability: f64,
    /// First derivative of its logarithm in rho.
    pub slope: f64,
    /// Second derivative of its logarithm in rho.
    pub curvature: f64,
}

/// Buffers that a series of fits shares.
#[derive(Debug, Default)]
pub struct Workspace {
    used_rows: Vec<usize>,
    used_cols: Vec<usize>,
    row_totals: Vec<f64>,
    col_totals: Vec<f64>,
    row: Thresholds,
    col: Thresholds,
    upper: Vec<Corner>,
    lower: Vec<Corner>,
}

/// Distribution function, density and its derivative in rho at one corner of the grid of thresholds.
#[derive(Debug, Clone, Copy, Default)]
struct Corner {
    below: f64,
    pdf: f64,
    pdf_slope: f64,
}

impl Workspace {
    /// The correlation of a dense table of `cols` columns, which the policy for empty cells may change.
    ///
    /// `thresholds` are those of the two items, or `None` to take them from the margins of the (corrected) table.
    /// `start` is where the search begins. `respondents` is the number of respondents in the table, asked for only
    /// when a cell is corrected.
    pub fn fit(
        &mut self,
        table: &mut [f64],
        cols: usize,
        thresholds: Option<(&Thresholds, &Thresholds)>,
        policy: ZeroCells,
        start: Option<f64>,
        respondents: impl FnOnce() -> f64,
    ) -> Fit {
        let flags = match self.prepare(table, cols, policy, respondents) {
            Ok(flags) => flags,
            Err(fit) => return fit,
        };
        let fit = self.search(table, cols, thresholds, start);
        Fit { flags: fit.flags | flags, ..fit }
    }

    /// The search for the maximum in a table that [`Workspace::prepare`] let through.
    pub fn search(
        &mut self,
        table: &[f64],
        cols: usize,
        thresholds: Option<(&Thresholds, &Thresholds)>,
        start: Option<f64>,
    ) -> Fit {
        if thresholds.is_none() {
            self.set_own_thresholds(table, cols);
        }
        let mut buffers = Buffers { upper: &mut self.upper, lower: &mut self.lower };
        let (row, col) = thresholds.unwrap_or((&self.row, &self.col));
        let start = start.filter(|rho| rho.is_finite()).unwrap_or_else(|| pearson(table, cols));
        maximise(|rho| buffers.score(table, row, col, rho), start)
    }

    /// Empties cells below the rounding of the total and applies the policy for empty cells.
    ///
    /// # Errors
    /// The estimate, when the table has no interior one.
    pub fn prepare(
        &mut self,
        table: &mut [f64],
        cols: usize,
        policy: ZeroCells,
        respondents: impl FnOnce() -> f64,
    ) -> Result<u8, Fit> {
        self.find_used(table, cols);
        if self.used_rows.len() < 2 || self.used_cols.len() < 2 {
            return Err(Fit::without(Status::Degenerate, f64::NAN, 0));
        }
        let corrected = policy.correct(table, cols, &self.used_rows, &self.used_cols, respondents);
        let flags = if corrected { flag::ZERO_CORRECTED } else { 0 };
        match frechet_bound(table, cols) {
            Some(bound) => Err(Fit::without(Status::Boundary, bound, flags)),
            None => Ok(flags),
        }
    }

    /// Takes thresholds from the margins of a table.
    pub fn set_own_thresholds(&mut self, table: &[f64], cols: usize) {
        self.row_totals.resize(table.len() / cols, 0.0);
        self.col_totals.resize(cols, 0.0);
        margins(table, cols, &mut self.row_totals, &mut self.col_totals);
        self.row.set(&self.row_totals);
        self.col.set(&self.col_totals);
    }

    /// Thresholds of the last table whose own margins were used.
    #[must_use]
    pub fn own_thresholds(&self) -> (&Thresholds, &Thresholds) {
        (&self.row, &self.col)
    }

    /// Visits the occupied cells of a table at one rho, row by row.
    pub fn visit(&mut self, table: &[f64], row: &Thresholds, col: &Thresholds, rho: f64, visit: impl FnMut(Cell)) {
        Buffers { upper: &mut self.upper, lower: &mut self.lower }.visit(table, row, col, rho, visit);
    }

    /// Empties cells below the rounding of the total and lists the rows and columns that hold something.
    fn find_used(&mut self, table: &mut [f64], cols: usize) {
        let least = NOTHING * table.iter().sum::<f64>();
        for cell in table.iter_mut() {
            if *cell <= least {
                *cell = 0.0;
            }
        }
        self.used_rows.clear();
        self.used_cols.clear();
        if cols == 0 {
            return;
        }
        let used_row = |row: &[f64]| row.iter().any(|&count| count > 0.0);
        self.used_rows.extend(table.chunks_exact(cols).enumerate().filter(|(_, row)| used_row(row)).map(|(a, _)| a));
        let used_col = |b: usize| table.iter().skip(b).step_by(cols).any(|&count| count > 0.0);
        self.used_cols.extend((0..cols).filter(|&b| used_col(b)));
    }
}

/// Two rows of corners, the only memory that an evaluation of the likelihood needs.
struct Buffers<'a> {
    upper: &'a mut Vec<Corner>,
    lower: &'a mut Vec<Corner>,
}

impl Buffers<'_> {
    /// Derivative of the log-likelihood in rho and minus its second derivative.
    fn score(&mut self, table: &[f64], row: &Thresholds, col: &Thresholds, rho: f64) -> (f64, f64) {
        let (mut score, mut information) = (0.0, 0.0);
        self.visit(table, row, col, rho, |cell| {
            score += cell.count * cell.slope;
            information -= cell.count * cell.curvature;
        });
        (score, information)
    }

    fn visit(&mut self, table: &[f64], row: &Thresholds, col: &Thresholds, rho: f64, mut visit: impl FnMut(Cell)) {
        let normal = Bivariate::new(rho);
        let cols = col.tau.len() - 1;
        self.upper.clear();
        self.upper.resize(cols + 1, Corner::default());
        self.lower.clear();
        self.lower.resize(cols + 1, Corner::default());
        for (a, counts) in table.chunks_exact(cols).enumerate() {
            fill_corners(&normal, row.tau[a + 1], row.below[a + 1], col, self.lower);
            for (b, &count) in counts.iter().enumerate() {
                if count > 0.0 {
                    let corners = [self.lower[b + 1], self.upper[b + 1], self.lower[b], self.upper[b]];
                    let rectangle = ((row.tau[a], col.tau[b]), (row.tau[a + 1], col.tau[b + 1]));
                    visit(cell_at(&normal, corners, rectangle, (a, b), count));
                }
            }
            std::mem::swap(self.upper, self.lower);
        }
    }
}

/// Corners of one row threshold with all column thresholds.
fn fill_corners(normal: &Bivariate, tau: f64, below: f64, col: &Thresholds, corners: &mut [Corner]) {
    for (corner, (&kappa, &below_kappa)) in corners.iter_mut().zip(col.tau.iter().zip(&col.below)) {
        *corner = if tau.is_finite() && kappa.is_finite() {
            let pdf = normal.pdf(tau, kappa);
            Corner {
                below: normal.cdf(tau, kappa, below, below_kappa),
                pdf,
                pdf_slope: normal.pdf_slope(tau, kappa, pdf),
            }
        } else {
            Corner { below: below.min(below_kappa), pdf: 0.0, pdf_slope: 0.0 }
        };
    }
}

type Rectangle = ((f64, f64), (f64, f64));

fn cell_at(normal: &Bivariate, corners: [Corner; 4], rectangle: Rectangle, place: (usize, usize), count: f64) -> Cell {
    let [high, left, down, low] = corners;
    let mut probability = (high.below - left.below) - (down.below - low.below);
    if probability < TINY {
        probability = normal.rectangle(rectangle.0, rectangle.1);
    }
    let (slope, curvature) = if probability > f64::MIN_POSITIVE {
        let slope = ((high.pdf - left.pdf) - (down.pdf - low.pdf)) / probability;
        let second = ((high.pdf_slope - left.pdf_slope) - (down.pdf_slope - low.pdf_slope)) / probability;
        (slope, second - slope * slope)
    } else {
        probability = 0.0;
        normal.far_log_slopes(rectangle.0, rectangle.1)
    };
    Cell { row: place.0, col: place.1, count, probability, slope, curvature }
}

/// +1 or -1 when the occupied cells form a rising or falling staircase, which is when the joint cumulative table
/// equals its upper or lower Frechet bound.
fn frechet_bound(table: &[f64], cols: usize) -> Option<f64> {
    let (mut rising, mut falling) = (true, true);
    let (mut last_rising, mut last_falling) = (0, cols);
    for row in table.chunks_exact(cols) {
        let Some(first) = row.iter().position(|&count| count > 0.0) else { continue };
        let last = row.iter().rposition(|&count| count > 0.0).unwrap_or(first);
        rising &= first >= last_rising;
        falling &= last <= last_falling;
        last_rising = last_rising.max(last);
        last_falling = last_falling.min(first);
    }
    match (rising, falling) {
        (true, _) => Some(1.0),
        (_, true) => Some(-1.0),
        _ => None,
    }
}

/// Pearson correlation of the category numbers, kept away from 1: where a search without a better idea begins.
pub(crate) fn pearson(table: &[f64], cols: usize) -> f64 {
    let (mut total, mut x, mut y, mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (a, row) in table.chunks_exact(cols).enumerate() {
        for (b, &count) in row.iter().enumerate() {
            let (a, b) = (a as f64, b as f64);
            total += count;
            x += count * a;
            y += count * b;
            xx += count * a * a;
            yy += count * b * b;
            xy += count * a * b;
        }
    }
    let covariance = xy / total - (x / total) * (y / total);
    let variances = (xx / total - (x / total).powi(2)) * (yy / total - (y / total).powi(2));
    let correlation = covariance / variances.sqrt();
    if correlation.is_finite() { correlation.clamp(-0.9, 0.9) } else { 0.0 }
}

/// Root of the score by Newton's method in z = artanh rho inside a bracket of the sign change.
///
/// `score` returns derivative and minus second derivative of the log-likelihood in rho.
/// In z the likelihood of strong correlations is close to a parabola where in rho it is a cliff.
fn maximise(mut score: impl FnMut(f64) -> (f64, f64), start: f64) -> Fit {
    let bound = RHO_MAX.atanh();
    let (mut low, mut high) = (-bound, bound);
    // Whether the score was seen to point inwards at the end of the bracket.
    let (mut low_known, mut high_known) = (false, false);
    let mut z = start.clamp(-RHO_MAX, RHO_MAX).atanh();
    let mut last_step = f64::INFINITY;
    for iteration in 1..=MAX_ITERATIONS {
        let rho = if z.abs() >= bound { RHO_MAX.copysign(z) } else { z.tanh() };
        let (slope, information) = score(rho);
        if !slope.is_finite() {
            break;
        }
        if slope > 0.0 {
            if z >= bound {
                return Fit { rho, iterations: iteration, status: Status::Ok, flags: flag::CLIPPED };
            }
            (low, low_known) = (z, true);
        } else if slope < 0.0 {
            if z <= -bound {
                return Fit { rho, iterations: iteration, status: Status::Ok, flags: flag::CLIPPED };
            }
            (high, high_known) = (z, true);
        } else if information > 0.0 {
            return Fit { rho, iterations: iteration, status: Status::Ok, flags: 0 };
        } else {
            // A minimum between two equal maxima, as in a table that is its own mirror image: none of them is the estimate.
            break;
        }
        let rest = (1.0 - rho) * (1.0 + rho);
        let bend = rest * information + 2.0 * rho * slope;
        let newton = if bend > 0.0 { (slope / bend).clamp(-1.0, 1.0) } else { 0.5_f64.copysign(slope) };
        // The step goes where the score points, away from the end that was just set, so only the other end can be in
        // the way.
        let mut next = z + newton;
        if (slope > 0.0 && high_known && next >= high) || (slope < 0.0 && low_known && next <= low) {
            next = 0.5 * (low + high);
        }
        next = next.clamp(-bound, bound);
        let step = (next.tanh() - rho).abs();
        let settled = step < STEP || (step < ROUNDING_STEP && step >= 0.5 * last_step);
        if settled && next.abs() < bound {
            return Fit { rho: next.tanh(), iterations: iteration, status: Status::Ok, flags: 0 };
        }
        last_step = step;
        z = next;
    }
    Fit { rho: f64::NAN, iterations: MAX_ITERATIONS, status: Status::NotConverged, flags: 0 }
}
