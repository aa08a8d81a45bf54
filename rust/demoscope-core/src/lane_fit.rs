//! Eight polychoric fits side by side: the fast twin of [`crate::polychoric`].
//!
//! The eight tables have one shape; a lane is a replicate of one pair, or one of eight pairs.
//! Distribution functions come from Mehler's series ([`crate::hermite`]) or from quadrature; the search is Halley's
//! method on the score in z = artanh rho, which converges with the third power of the error.
//!
//! Every lane certifies itself: the error of the distribution function, carried through the score, bounds the error of
//! rho.
//! What a lane cannot certify is fitted again by the scalar search, which knows brackets, boundaries and far tails; so
//! lanes decide how fast an estimate comes and never what it is.
#![allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]

use std::f64::consts::TAU;

use crate::cpu::{Arch, Cpu, Kernel};
use crate::hermite;
use crate::lanes::{LANES, Lanes};
use crate::quadrature::TWENTY;

/// Thresholds beyond this are infinite: the density is 0 there.
pub const FAR: f64 = 40.0;

/// Largest |rho| of the quadrature.
pub const QUADRATURE_REACH: f64 = 0.925;

/// Rounding of a distribution function that is summed from terms of order 1.
const ROUNDING: f64 = 4e-16;

/// Evaluations of the likelihood after which a lane is left to the scalar search.
const MOST_EVALUATIONS: usize = 10;

/// Longest step in z.
const LONGEST_STEP: f64 = 0.5;

/// One item of the eight tables: `K - 1` inner thresholds, at most [`FAR`] from 0, and the shares below them.
#[derive(Debug, Clone, Copy)]
pub struct Margin<'a> {
    /// Thresholds.
    pub tau: &'a [Lanes],
    /// Shares of the answers below.
    pub below: &'a [Lanes],
    /// Hermite functions (threshold, term) with `stride` terms each; unused by the quadrature.
    pub psi: &'a [Lanes],
    /// Terms per threshold in `psi`.
    pub stride: usize,
}

/// How the distribution function is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Mehler's series with this number of terms.
    Series(usize),
    /// Gauss-Legendre quadrature over the arcsine of the correlation, for |rho| up to [`QUADRATURE_REACH`].
    Quadrature,
}

/// Eight tables to fit.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// Counts, row-major.
    pub counts: &'a [Lanes],
    /// First item.
    pub row: Margin<'a>,
    /// Second item.
    pub col: Margin<'a>,
    /// How the distribution function is computed.
    pub method: Method,
    /// Where the searches begin.
    pub start: Lanes,
    /// 1 in lanes that hold a table, 0 elsewhere.
    pub active: Lanes,
    /// Largest error of rho that a lane may certify, of the search and of the distribution function alike.
    pub tolerance: f64,
}

/// Estimates of eight tables.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solution {
    /// Correlations; meaningful where certified.
    pub rho: Lanes,
    /// Lanes whose estimate is an interior maximum within the tolerance.
    pub certified: [bool; LANES],
    /// Evaluations of the likelihood.
    pub evaluations: u32,
}

/// Buffers that a series of fits shares.
#[derive(Debug, Default)]
pub struct LaneWorkspace {
    scaled: Vec<Lanes>,
    powers: Vec<Lanes>,
    upper: Vec<Corner>,
    nodes: Vec<Node>,
}

impl LaneWorkspace {
    /// Fits eight tables.
    pub fn fit(&mut self, cpu: Cpu, problem: &Problem<'_>) -> Solution {
        cpu.run(Fit { workspace: self, problem })
    }
}

struct Fit<'a> {
    workspace: &'a mut LaneWorkspace,
    problem: &'a Problem<'a>,
}

impl Kernel for Fit<'_> {
    type Output = Solution;

    #[inline(always)]
    fn run<A: Arch>(self) -> Solution {
        solve::<A>(self.workspace, self.problem)
    }
}

/// Fits eight tables, as part of a larger kernel.
#[inline(always)]
pub fn solve<A: Arch>(workspace: &mut LaneWorkspace, problem: &Problem<'_>) -> Solution {
    let LaneWorkspace { scaled, powers, upper, nodes } = workspace;
    upper.clear();
    upper.resize(problem.col.tau.len() + 1, Corner::default());
    match problem.method {
        Method::Series(terms) => {
            scaled.resize(terms, Lanes::default());
            powers.resize(terms, Lanes::default());
            search::<A, _>(problem, upper, Series { terms, scaled, powers, error: Lanes::default() })
        }
        Method::Quadrature => {
            search::<A, _>(problem, upper, Quadrature { nodes, scale: Lanes::default(), error: Lanes::default() })
        }
    }
}

/// Distribution function at the corners of a table.
trait Corners {
    /// Prepares a correlation.
    fn prepare<A: Arch>(&mut self, rho: Lanes);

    /// Prepares a row threshold.
    fn row<A: Arch>(&mut self, problem: &Problem<'_>, row: usize);

    /// `Phi2 - Phi Phi` at `W` column thresholds from `col` on.
    fn excess<A: Arch, const W: usize>(&self, problem: &Problem<'_>, row: usize, col: usize) -> [Lanes; W];

    /// Bound of the error of the distribution function at the correlation that was prepared.
    fn error(&self) -> Lanes;
}

/// Mehler's series.
struct Series<'a> {
    terms: usize,
    /// `r^(m+1)/(m+1)`.
    powers: &'a mut [Lanes],
    /// The same times psi of the row threshold.
    scaled: &'a mut [Lanes],
    error: Lanes,
}

impl Corners for Series<'_> {
    #[inline(always)]
    fn prepare<A: Arch>(&mut self, rho: Lanes) {
        let mut power = rho;
        for (value, &inverse) in self.powers.iter_mut().zip(hermite::INVERSES.iter()) {
            *value = power * Lanes::splat(inverse);
            power = power * rho;
        }
        // `hermite::truncation` with the power that is there already.
        let rest = (Lanes::splat(1.0) - rho.abs()) * Lanes::splat((self.terms + 1) as f64);
        self.error = power.abs() * Lanes::splat(hermite::PRODUCT_BOUND) / rest + Lanes::splat(ROUNDING);
    }

    #[inline(always)]
    fn row<A: Arch>(&mut self, problem: &Problem<'_>, row: usize) {
        let psi = &problem.row.psi[row * problem.row.stride..][..self.terms];
        for ((scaled, &power), &psi) in self.scaled.iter_mut().zip(self.powers.iter()).zip(psi) {
            *scaled = power * psi;
        }
    }

    #[inline(always)]
    fn excess<A: Arch, const W: usize>(&self, problem: &Problem<'_>, _row: usize, col: usize) -> [Lanes; W] {
        let mut sums = [Lanes::default(); W];
        let psi: [&[Lanes]; W] =
            std::array::from_fn(|w| &problem.col.psi[(col + w) * problem.col.stride..][..self.terms]);
        let scaled = &self.scaled[..self.terms];
        for m in 0..self.terms {
            for w in 0..W {
                sums[w] = scaled[m].mul_add::<A>(psi[w][m], sums[w]);
            }
        }
        sums
    }

    #[inline(always)]
    fn error(&self) -> Lanes {
        self.error
    }
}

/// What the quadrature needs at every node r = sin(t asin rho): weight, r / (1 - r^2), 1 / (1 - r^2).
#[derive(Debug, Clone, Copy, Default)]
struct Node {
    weight: Lanes,
    tilt: Lanes,
    spread: Lanes,
}

/// Quadrature over the arcsine of the correlation (Drezner & Wesolowsky 1990).
struct Quadrature<'a> {
    nodes: &'a mut Vec<Node>,
    scale: Lanes,
    error: Lanes,
}

impl Corners for Quadrature<'_> {
    #[inline(always)]
    fn prepare<A: Arch>(&mut self, rho: Lanes) {
        let mut angle = [0.0; LANES];
        for (angle, rho) in angle.iter_mut().zip(rho.0) {
            *angle = rho.asin();
        }
        let angle = Lanes(angle);
        self.scale = angle * Lanes::splat(1.0 / TAU);
        let (reach, never) = (Lanes::splat(QUADRATURE_REACH), Lanes::splat(f64::INFINITY));
        self.error = rho.abs().select_above(reach, never, Lanes::splat(4.0 * ROUNDING));
        // One rule for all correlations: a choice by the largest would let lanes depend on their neighbours.
        self.nodes.resize(TWENTY.points.len(), Node::default());
        for (target, &(node, weight)) in self.nodes.iter_mut().zip(&TWENTY.points) {
            let r = sine::<A>(angle * Lanes::splat(node));
            let spread = Lanes::splat(1.0) / r.neg_mul_add::<A>(r, Lanes::splat(1.0));
            *target = Node { weight: Lanes::splat(weight), tilt: r * spread, spread };
        }
    }

    #[inline(always)]
    fn row<A: Arch>(&mut self, _problem: &Problem<'_>, _row: usize) {}

    #[inline(always)]
    fn excess<A: Arch, const W: usize>(&self, problem: &Problem<'_>, row: usize, col: usize) -> [Lanes; W] {
        let h = problem.row.tau[row];
        let mut sums = [Lanes::default(); W];
        for (sum_at, &k) in sums.iter_mut().zip(&problem.col.tau[col..col + W]) {
            let product = h * k;
            let squares = h.mul_add::<A>(h, k * k) * Lanes::splat(0.5);
            let mut sum = Lanes::default();
            for node in self.nodes.iter() {
                let exponent = product.mul_add::<A>(node.tilt, -(squares * node.spread));
                sum = exponent.exp::<A>().mul_add::<A>(node.weight, sum);
            }
            *sum_at = sum * self.scale;
        }
        sums
    }

    #[inline(always)]
    fn error(&self) -> Lanes {
        self.error
    }
}

/// Sine of angles below pi/2: Taylor polynomial of degree 23.
#[inline(always)]
fn sine<A: Arch>(x: Lanes) -> Lanes {
    let square = x * x;
    let mut sum = Lanes::splat(1.0);
    let mut n = 23.0;
    while n > 1.0 {
        let factor = square * Lanes::splat(-1.0 / (n * (n - 1.0)));
        sum = sum.mul_add::<A>(factor, Lanes::splat(1.0));
        n -= 2.0;
    }
    sum * x
}

/// Distribution function, density and its first two derivatives in rho at one corner of the grid of thresholds.
#[derive(Debug, Clone, Copy, Default)]
struct Corner {
    below: Lanes,
    pdf: Lanes,
    pdf_slope: Lanes,
    pdf_bend: Lanes,
}

impl Corner {
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self {
            below: self.below - other.below,
            pdf: self.pdf - other.pdf,
            pdf_slope: self.pdf_slope - other.pdf_slope,
            pdf_bend: self.pdf_bend - other.pdf_bend,
        }
    }

    #[inline(always)]
    fn edge(below: Lanes) -> Self {
        Self { below, ..Self::default() }
    }
}

/// What all densities at one correlation share.
#[derive(Clone, Copy)]
struct Density {
    rho: Lanes,
    /// 1 / (1 - rho^2).
    inverse: Lanes,
    /// 1 / (2 pi sqrt(1 - rho^2)).
    scale: Lanes,
}

impl Density {
    #[inline(always)]
    fn new(rho: Lanes) -> Self {
        let one = Lanes::splat(1.0);
        let inverse = one / ((one - rho) * (one + rho));
        Self { rho, inverse, scale: inverse.sqrt() * Lanes::splat(1.0 / TAU) }
    }

    /// Density phi2 = e^E with its derivatives in rho: `phi2 g` and `phi2 (g^2 + g')`, where
    /// `g = (rho + u/q)/q`, `u = (h - rho k)(k - rho h)`, `q = 1 - rho^2`.
    #[inline(always)]
    fn corner<A: Arch>(&self, h: Lanes, k: Lanes, below: Lanes) -> Corner {
        let (rho, inverse) = (self.rho, self.inverse);
        let a = rho.neg_mul_add::<A>(k, h);
        let b = rho.neg_mul_add::<A>(h, k);
        let exponent = (a * inverse).mul_add::<A>(a, k * k) * Lanes::splat(-0.5);
        let pdf = exponent.exp::<A>() * self.scale;
        let ratio = a * b * inverse;
        let g = (rho + ratio) * inverse;
        // g' = (1 + rho^2 - (k b + h a) + 4 rho u / q) / q^2.
        let turn = k.mul_add::<A>(b, h * a);
        let rest = rho.mul_add::<A>(rho.mul_add::<A>(Lanes::splat(1.0), ratio * Lanes::splat(4.0)), Lanes::splat(1.0));
        let g_slope = (rest - turn) * inverse * inverse;
        Corner { below, pdf, pdf_slope: pdf * g, pdf_bend: pdf * g.mul_add::<A>(g, g_slope) }
    }
}

/// Derivatives of the log-likelihood in rho, and how errors of the distribution function add up in the first.
#[derive(Clone, Copy, Default)]
struct Sums {
    first: Lanes,
    second: Lanes,
    third: Lanes,
    /// Sum of `(n pi' / pi^2)^2`.
    noise: Lanes,
}

impl Sums {
    #[inline(always)]
    fn add<A: Arch>(&mut self, count: Lanes, cell: Corner) {
        let (zero, one) = (Lanes::default(), Lanes::splat(1.0));
        // An empty cell adds nothing, also where its probability is 0 or pure rounding.
        let inverse = one / count.select_above(zero, cell.below, one);
        let s = cell.pdf * inverse;
        let c = cell.pdf_slope * inverse;
        let t = s.neg_mul_add::<A>(s, c);
        let d = cell.pdf_bend * inverse;
        let ns = count * s;
        self.first += ns;
        self.second = count.mul_add::<A>(t, self.second);
        // (log pi)''' = pi'''/pi - 3 s pi''/pi + 2 s^3.
        self.third = count.mul_add::<A>(s.neg_mul_add::<A>(c + t + t, d), self.third);
        let weight = ns * inverse;
        self.noise = weight.mul_add::<A>(weight, self.noise);
    }
}

#[inline(always)]
fn evaluate<A: Arch, C: Corners>(problem: &Problem<'_>, upper: &mut [Corner], corners: &mut C, rho: Lanes) -> Sums {
    let density = Density::new(rho);
    corners.prepare::<A>(rho);
    let (rows, cols) = (problem.row.tau.len() + 1, problem.col.tau.len() + 1);
    for corner in upper.iter_mut() {
        *corner = Corner::default();
    }
    let mut sums = Sums::default();
    for row in 0..rows - 1 {
        corners.row::<A>(problem, row);
        let (h, below) = (problem.row.tau[row], problem.row.below[row]);
        let counts = &problem.counts[row * cols..][..cols];
        let mut left = Corner::default();
        let mut col = 0;
        while col < cols - 1 {
            let mut excess = [Lanes::default(); 4];
            let width = (cols - 1 - col).min(4);
            match width {
                4 => excess = corners.excess::<A, 4>(problem, row, col),
                3 => excess[..3].copy_from_slice(&corners.excess::<A, 3>(problem, row, col)),
                2 => excess[..2].copy_from_slice(&corners.excess::<A, 2>(problem, row, col)),
                _ => excess[..1].copy_from_slice(&corners.excess::<A, 1>(problem, row, col)),
            }
            for excess in &excess[..width] {
                let joint = below.mul_add::<A>(problem.col.below[col], *excess);
                let corner = density.corner::<A>(h, problem.col.tau[col], joint);
                let right = corner.minus(upper[col]);
                upper[col] = corner;
                sums.add::<A>(counts[col], right.minus(left));
                left = right;
                col += 1;
            }
        }
        let corner = Corner::edge(below);
        let right = corner.minus(upper[col]);
        upper[col] = corner;
        sums.add::<A>(counts[col], right.minus(left));
    }
    // Below the last row threshold lies everything: the corners are the shares of the columns.
    let counts = &problem.counts[(rows - 1) * cols..][..cols];
    let mut left = Corner::default();
    for (col, &count) in counts.iter().enumerate() {
        let corner = Corner::edge(problem.col.below.get(col).copied().unwrap_or(Lanes::splat(1.0)));
        let right = corner.minus(upper[col]);
        sums.add::<A>(count, right.minus(left));
        left = right;
    }
    sums
}

/// Root of the score in all lanes; a lane that has settled stays as it is, so it does not depend on its neighbours.
#[inline(always)]
fn search<A: Arch, C: Corners>(problem: &Problem<'_>, upper: &mut [Corner], mut corners: C) -> Solution {
    let (zero, one, two) = (Lanes::default(), Lanes::splat(1.0), Lanes::splat(2.0));
    let tolerance = Lanes::splat(problem.tolerance);
    let mut rho = problem.start;
    // 1 where the search goes on.
    let mut open = problem.active;
    let mut certified = zero;
    let mut evaluations = 0;
    for _ in 0..MOST_EVALUATIONS {
        evaluations += 1;
        let sums = evaluate::<A, C>(problem, upper, &mut corners, rho);
        let q = (one - rho) * (one + rho);
        // Derivatives in z = artanh rho, all divided by q.
        let f = sums.first;
        let f1 = q.mul_add::<A>(sums.second, -(two * rho * f));
        let f2 = (q * q).mul_add::<A>(
            sums.third,
            -(Lanes::splat(6.0) * rho * q).mul_add::<A>(sums.second, two * (q - two * rho * rho) * f),
        );
        let newton = -(f / f1);
        let turn = f * f2 / (two * f1 * f1);
        // Halley's factor where it is trustworthy, Newton's elsewhere.
        let factor = Lanes::splat(0.5).select_above(turn.abs(), one / (one - turn), one);
        let longest = Lanes::splat(LONGEST_STEP);
        let step = (newton * factor).min(longest).max(-longest);
        // tanh, exact to the seventh power.
        let square = step * step;
        let turned = step * (square + Lanes::splat(15.0)) / (square * Lanes::splat(6.0) + Lanes::splat(15.0));
        let next = (rho + turned) / (one + rho * turned);
        let second_order = (factor - one) * (factor - one);
        let left = (step.abs() * (second_order + square)) * q;
        let noise = two * corners.error() * sums.noise.sqrt() / -sums.second;
        // Comparisons with NaN are false: such a lane closes without certificate.
        let concave = zero.select_above(f1, open, zero);
        let settled = tolerance.select_above(left, concave, zero);
        rho = open.select_above(zero, next, rho);
        certified += tolerance.select_above(noise, settled, zero);
        open = concave - settled;
        if open == zero {
            break;
        }
    }
    Solution { rho, certified: certified.0.map(|lane| lane > 0.0), evaluations }
}
