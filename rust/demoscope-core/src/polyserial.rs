//! Two-step polyserial correlation of a continuous variable and an ordinal item (Olsson, Drasgow & Dorans 1982).
//!
//! The continuous variable is standardised with its weighted mean and its variance of divisor 1, the thresholds are the
//! normal quantiles of the item's cumulative shares, both over the respondents who have both values; then the
//! conditional likelihood of the answers is maximised over rho alone.
//! With rho = tanh t the probability of category k given z is
//!
//! ```text
//! P = Phi(u_k) - Phi(u_k-1)   u_k = (tau_k - rho z) / sqrt(1 - rho^2) = tau_k cosh t - z sinh t
//! u' = tau_k sinh t - z cosh t   u'' = u
//! ```
//!
//! with ' for d/dt, so that `s = P'/P` and its derivative in t need no more than u, u' and phi(u) at the two ends.
//!
//! # Standard error
//!
//! The estimate solves `S = sum p_i s_i(t, tau, z) = 0`, p the shares of the respondents, and tau and z depend on the
//! sample as well.
//! A respondent (x, y) moves `tau_k` by `(1[y <= k] - F_k) / phi(tau_k)`, the mean by `x - mean`, and the standard
//! deviation by `sd (z^2 - 1) / 2`, hence every `z_j` by `-z - z_j (z^2 - 1) / 2`.
//! Implicit differentiation gives the influence function of t,
//!
//! ```text
//! IF_t = (1/A) { s + sum_k B_k (1[y <= k] - F_k) / phi(tau_k) - z D - (z^2 - 1)/2 E }
//! A = -dS/dt   B_k = dS/dtau_k   D = sum p_j ds_j/dz_j   E = sum p_j z_j ds_j/dz_j
//! ```
//!
//! all taken at the data (observed version, infinitesimal jackknife), and that of rho is `(1 - rho^2) IF_t`.

use rayon::prelude::*;

use crate::association::{Association, Complete, Sample};
use crate::codes::Codes;
use crate::error::{Error, check_length};
use crate::normal;
use crate::polychoric::{RHO_MAX, Status, Thresholds, flag};
use crate::values::{Values, standardise};
use crate::weights::Replicates;

/// A fit has converged when rho moves less than this.
const STEP: f64 = 1e-10;

/// Steps that do not shrink any more are rounding; below this size they end the search.
const ROUNDING_STEP: f64 = 1e-7;

const MAX_ITERATIONS: u32 = 60;

/// Probabilities below this are replaced by their tail expansion.
const TINY: f64 = 1e-280;

/// Polyserial correlations of every variable with every item, variable by variable.
///
/// # Errors
/// When values, codes and weights are of different length.
pub fn polyserial_pairs(
    values: &Values,
    codes: &Codes,
    replicates: &Replicates<'_>,
) -> Result<Vec<Association>, Error> {
    check_length("values", values.rows(), codes.rows())?;
    let sample = Sample::new(replicates, codes.rows())?;
    let pairs: Vec<(usize, usize)> =
        (0..values.variables()).flat_map(|x| (0..codes.items()).map(move |y| (x, y))).collect();
    let estimate = |&(x, y): &(usize, usize)| {
        let (x, y, categories) = (values.column(x), codes.column(y), codes.categories()[y]);
        polyserial(x, y, categories, &sample.complete(|row| !x[row].is_nan() && usize::from(y[row]) < categories))
    };
    Ok(pairs.par_iter().map(estimate).collect())
}

fn polyserial(x: &[f64], y: &[u8], categories: usize, complete: &Complete) -> Association {
    let (mut z, y, size) = (complete.pick(x), complete.pick(y), complete.size);
    let mut totals = vec![0.0; categories];
    for (&category, mass) in y.iter().zip(&complete.mass) {
        totals[usize::from(category)] += mass;
    }
    let shares = complete.shares();
    if totals.iter().filter(|&&total| total > 0.0).count() < 2 || standardise(&mut z, &shares).is_none() {
        return Association::degenerate(size);
    }
    let data = Data { z: &z, y: &y, shares: &shares, thresholds: Thresholds::new(&totals) };
    if let Some(bound) = data.separated() {
        return Association::new(bound, f64::NAN, size, Status::Boundary);
    }
    match maximise(|t| data.score(t), data.start()) {
        None => Association::new(f64::NAN, f64::NAN, size, Status::NotConverged),
        Some(Maximum::Interior(t)) => {
            Association::new(t.tanh(), size.standard_error(data.influence_squares(t)), size, Status::Ok)
        }
        Some(Maximum::Clipped(sign)) => {
            let mut clipped = Association::new(RHO_MAX.copysign(sign), f64::NAN, size, Status::Ok);
            clipped.flags |= flag::CLIPPED;
            clipped
        }
    }
}

/// One pair after the first step.
struct Data<'a> {
    /// Standardised numbers.
    z: &'a [f64],
    /// Categories.
    y: &'a [u8],
    /// Shares of the respondents.
    shares: &'a [f64],
    thresholds: Thresholds,
}

/// One end of the interval of a respondent.
#[derive(Clone, Copy)]
struct End {
    /// Sign of its part in `P = Phi(u_k) - Phi(u_k-1)`.
    sign: f64,
    /// phi(u) / P.
    ratio: f64,
    u: f64,
    /// du/dt.
    slope: f64,
}

impl End {
    /// Part of d ln P / dt.
    fn score(self) -> f64 {
        self.part(self.slope)
    }

    /// Part of P'' / P.
    fn bend(self) -> f64 {
        self.part(self.u * (1.0 - self.slope * self.slope))
    }

    /// Part of the derivative of P' in a parameter that moves u by `u_by` and u' by `slope_by`, over P.
    fn mixed(self, u_by: f64, slope_by: f64) -> f64 {
        self.part(slope_by - self.u * self.slope * u_by)
    }

    /// 0 at infinity.
    fn part(self, factor: f64) -> f64 {
        if self.ratio > 0.0 { self.sign * self.ratio * factor } else { 0.0 }
    }
}

impl Data<'_> {
    /// 1 or -1 when every number lies strictly inside the interval of its category, or of its mirror image: the
    /// likelihood then rises up to that bound, where every answer is certain.
    fn separated(&self) -> Option<f64> {
        [1.0, -1.0].into_iter().find(|sign| {
            let tau = &self.thresholds.tau;
            self.z.iter().zip(self.y).all(|(z, &y)| {
                let (z, k) = (sign * z, usize::from(y));
                tau[k] < z && z < tau[k + 1]
            })
        })
    }

    /// Correlation with the category numbers, kept away from 1: where the search begins.
    fn start(&self) -> f64 {
        let mut categories: Vec<f64> = self.y.iter().map(|&category| f64::from(category)).collect();
        if standardise(&mut categories, self.shares).is_none() {
            return 0.0;
        }
        let products = self.z.iter().zip(&categories).zip(self.shares).map(|((z, y), share)| share * z * y);
        products.sum::<f64>().clamp(-0.9, 0.9).atanh()
    }

    /// The two ends of a respondent's interval at one t.
    fn ends(&self, respondent: usize, (cosh, sinh): (f64, f64)) -> [End; 2] {
        let (z, k) = (self.z[respondent], usize::from(self.y[respondent]));
        let [low, high] = [k, k + 1].map(|k| self.thresholds.tau[k]);
        let place = |tau: f64| if tau.is_finite() { tau * cosh - z * sinh } else { tau };
        let (low_ratio, high_ratio) = density_ratios(place(low), place(high));
        let end = |tau: f64, sign: f64, ratio: f64| End { sign, ratio, u: place(tau), slope: tau * sinh - z * cosh };
        [end(low, -1.0, low_ratio), end(high, 1.0, high_ratio)]
    }

    /// First derivative of the mean log-likelihood in t and minus the second.
    fn score(&self, t: f64) -> (f64, f64) {
        let turn = (t.cosh(), t.sinh());
        let (mut score, mut information) = (0.0, 0.0);
        for (respondent, share) in self.shares.iter().enumerate() {
            let ends = self.ends(respondent, turn);
            let slope: f64 = ends.iter().map(|end| end.score()).sum();
            let bend: f64 = ends.iter().map(|end| end.bend()).sum();
            score += share * slope;
            information += share * (slope * slope - bend);
        }
        (score, information)
    }

    /// Sum of squares of `p_i IF_i` for rho.
    fn influence_squares(&self, t: f64) -> f64 {
        let (cosh, sinh) = (t.cosh(), t.sinh());
        let thresholds = &self.thresholds;
        let (mut information, mut on_mean, mut on_deviation) = (0.0, 0.0, 0.0);
        let mut on_threshold = vec![0.0; thresholds.tau.len()];
        let mut scores = Vec::with_capacity(self.z.len());
        for (respondent, (&share, &z)) in self.shares.iter().zip(self.z).enumerate() {
            let ends = self.ends(respondent, (cosh, sinh));
            let score: f64 = ends.iter().map(|end| end.score()).sum();
            let bend: f64 = ends.iter().map(|end| end.bend()).sum();
            information += share * (score * score - bend);
            let density: f64 = ends.iter().map(|end| end.part(1.0)).sum();
            let mixed: f64 = ends.iter().map(|end| end.mixed(-sinh, -cosh)).sum();
            let by_z = mixed + score * sinh * density;
            on_mean += share * by_z;
            on_deviation += share * z * by_z;
            for (end, k) in ends.iter().zip(usize::from(self.y[respondent])..) {
                on_threshold[k] += share * (end.mixed(cosh, sinh) - score * cosh * end.part(1.0));
            }
            scores.push(score);
        }
        let by_category = self.threshold_parts(&on_threshold);
        let to_rho = (1.0 / cosh).powi(2) / information;
        let respondents = scores.iter().zip(self.z).zip(self.y).zip(self.shares);
        let influence = respondents.map(|(((score, z), &y), share)| {
            let standardisation = z * on_mean + 0.5 * (z * z - 1.0) * on_deviation;
            share * to_rho * (score + by_category[usize::from(y)] - standardisation)
        });
        influence.map(|influence| influence * influence).sum()
    }

    /// `sum_k B_k (1[y <= k] - F_k) / phi(tau_k)` for every category y.
    fn threshold_parts(&self, on_threshold: &[f64]) -> Vec<f64> {
        let Thresholds { tau, below } = &self.thresholds;
        let finite = || (0..tau.len()).filter(|&k| tau[k].is_finite());
        let part = |y: usize| {
            let moved = |k: usize| (if y < k { 1.0 } else { 0.0 }) - below[k];
            finite().map(|k| on_threshold[k] * moved(k) / normal::pdf(tau[k])).sum()
        };
        (0..tau.len() - 1).map(part).collect()
    }
}

/// phi(low) / P and phi(high) / P for P = Phi(high) - Phi(low).
///
/// Where P is too small for a number, `phi(u) / (1 - Phi(u)) = u + 1/u - ...` at the end nearer to 0.
fn density_ratios(low: f64, high: f64) -> (f64, f64) {
    let probability = normal::interval(low, high);
    if probability > TINY {
        return (normal::pdf(low) / probability, normal::pdf(high) / probability);
    }
    let mirrored = low + high < 0.0;
    let (near, far) = if mirrored { (-high, -low) } else { (low, high) };
    // phi(far) / phi(near), and the hazard of the interval from the hazards of the tails at its ends.
    let decay = (0.5 * (near - far) * (near + far)).exp();
    let hazard = (near + 1.0 / near) / -(0.5 * (near - far) * (near + far)).exp_m1();
    let far_hazard = if decay > 0.0 { hazard * decay } else { 0.0 };
    if mirrored { (far_hazard, hazard) } else { (hazard, far_hazard) }
}

/// Where the likelihood is largest.
enum Maximum {
    /// artanh of an interior estimate.
    Interior(f64),
    /// The likelihood still rises at the bound for interior estimates of this sign.
    Clipped(f64),
}

/// Root of the score by Newton's method in t = artanh rho inside a bracket of the sign change; `None` when the search
/// does not end.
///
/// `score` returns derivative and minus second derivative of the log-likelihood in t.
fn maximise(score: impl Fn(f64) -> (f64, f64), start: f64) -> Option<Maximum> {
    let bound = RHO_MAX.atanh();
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut t = start;
    let mut last_step = f64::INFINITY;
    for _ in 0..MAX_ITERATIONS {
        let (slope, information) = score(t);
        if !slope.is_finite() {
            return None;
        }
        if slope == 0.0 {
            // A minimum between two equal maxima: none of them is the estimate.
            return (information > 0.0).then_some(Maximum::Interior(t));
        }
        if t.abs() >= bound && slope * t > 0.0 {
            return Some(Maximum::Clipped(t));
        }
        if slope > 0.0 {
            low = t;
        } else {
            high = t;
        }
        let newton = if information > 0.0 { (slope / information).clamp(-1.0, 1.0) } else { 0.5_f64.copysign(slope) };
        let mut next = t + newton;
        // The step goes away from the end that was just set, so only the other end can be in the way.
        if (slope > 0.0 && next >= high) || (slope < 0.0 && next <= low) {
            next = 0.5 * (low + high);
        }
        next = next.clamp(-bound, bound);
        let step = (next.tanh() - t.tanh()).abs();
        let settled = step < STEP || (step < ROUNDING_STEP && step >= 0.5 * last_step);
        if settled && next.abs() < bound {
            return Some(Maximum::Interior(next));
        }
        last_step = step;
        t = next;
    }
    None
}
