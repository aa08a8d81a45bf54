//! Distances between two distributions over the same ordered categories: p of people, q of a model.
//!
//! F and G are the cumulative distributions, Delta the gaps between neighbouring scores, L the range of the scores.
//! The unbiased squares take the expected contribution of sampling away (counts as independent multinomials); the
//! floors are the expected distances of two samples of the same distribution (normal approximation).

use std::f64::consts::{LN_2, PI};

use rayon::prelude::*;

use crate::error::{Error, check_length};

/// Names of the measures, in the order of [`divergences`].
pub const NAMES: [&str; 38] = [
    "tv",
    "w1_raw",
    "w1_norm",
    "w1_rank_norm",
    "cramer_sq_norm",
    "cramer_norm",
    "energy_distance_sq",
    "ks",
    "js_div_nats",
    "js_div_bits",
    "js_dist_base2",
    "js_dist_base_e_scipy_default",
    "kl_pq_nats",
    "kl_qp_nats",
    "kl_pq_jeffreys_smoothed_nats",
    "kl_qp_jeffreys_smoothed_nats",
    "hellinger",
    "chi2_sym",
    "mean_p",
    "mean_q",
    "mean_shift_norm",
    "var_p",
    "var_q",
    "var_ratio_q_over_p",
    "entropy_p_nats",
    "entropy_q_nats",
    "entropy_ratio_q_over_p",
    "normalised_entropy_q",
    "effective_categories_q",
    "mode_share_q",
    "gini_simpson_p",
    "gini_simpson_q",
    "cramer_sq_norm_unbiased",
    "l2_sq",
    "l2_sq_unbiased",
    "w1_floor",
    "tv_floor",
    "cramer2_floor",
];

/// Shares of one side with their number of respondents.
struct Side {
    shares: Vec<f64>,
    /// Respondents, effective ones when weighted; NaN when not known.
    respondents: f64,
    mean: f64,
    variance: f64,
    entropy: f64,
    gini: f64,
    mode: f64,
}

impl Side {
    fn new(counts: &[f64], scores: &[f64], respondents: f64) -> Self {
        let total: f64 = counts.iter().sum();
        // An empty side has no shares: NaN goes through everything that uses them.
        let shares: Vec<f64> = counts.iter().map(|count| if total > 0.0 { count / total } else { f64::NAN }).collect();
        let mean: f64 = sum(&shares, scores, |p, x| p * x);
        let variance = sum(&shares, scores, |p, x| p * (x - mean) * (x - mean));
        let entropy = -shares.iter().map(|&p| x_ln_y(p, p)).sum::<f64>();
        let squares: f64 = shares.iter().map(|p| p * p).sum();
        let mode = if total > 0.0 { shares.iter().copied().fold(0.0, f64::max) } else { f64::NAN };
        // -0.0 of an empty sum or of a collapsed distribution is 0.
        Self { shares, respondents, mean, variance, entropy: entropy + 0.0, gini: 1.0 - squares, mode }
    }

    /// Shares smoothed with Jeffreys' prior, half a respondent per category.
    fn smoothed(&self) -> Vec<f64> {
        let n = self.respondents;
        let categories = self.shares.len() as f64;
        self.shares.iter().map(|p| (p * n + 0.5) / (n + 0.5 * categories)).collect()
    }

    /// 1 / (n - 1), the factor of an unbiased variance; NaN for a single respondent.
    fn unbiased(&self) -> f64 {
        if self.respondents > 1.0 { 1.0 / (self.respondents - 1.0) } else { f64::NAN }
    }
}

fn sum(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| term(a, b)).sum()
}

/// x ln y with 0 ln 0 = 0.
fn x_ln_y(x: f64, y: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x * y.ln() }
}

fn kullback_leibler(p: &[f64], q: &[f64]) -> f64 {
    sum(p, q, |p, q| if p == 0.0 { 0.0 } else { p * (p / q).ln() })
}

/// Cumulative shares below every gap between neighbouring categories.
fn cumulative(shares: &[f64]) -> Vec<f64> {
    let mut below = 0.0;
    let mut cumulative = Vec::with_capacity(shares.len());
    for share in &shares[..shares.len().saturating_sub(1)] {
        below += share;
        cumulative.push(below);
    }
    cumulative
}

/// `numerator / denominator`, NaN instead of a ratio to nothing.
fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 { f64::NAN } else { numerator / denominator }
}

/// All measures for one pair of distributions given as counts or shares, in the order of [`NAMES`].
///
/// `human_n` and `model_n` are (effective) numbers of respondents, NaN when not known: what needs them is NaN then.
/// A side without any answer makes everything that compares NaN; a single category makes every distance 0.
fn measures(human: &[f64], model: &[f64], scores: &[f64], human_n: f64, model_n: f64) -> [f64; NAMES.len()] {
    let p = Side::new(human, scores, human_n);
    let q = Side::new(model, scores, model_n);
    let gaps: Vec<f64> = scores.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let range: f64 = gaps.iter().sum();
    let (f, g) = (cumulative(&p.shares), cumulative(&q.shares));
    let distances: Vec<f64> = f.iter().zip(&g).map(|(f, g)| (f - g).abs()).collect();
    let per_range = |value: f64| if range > 0.0 { value / range } else { value * 0.0 };

    let tv = 0.5 * sum(&p.shares, &q.shares, |p, q| (p - q).abs());
    let w1 = sum(&distances, &gaps, |d, gap| d * gap);
    let ranks = distances.len() as f64;
    let w1_ranks = distances.iter().sum::<f64>() / ranks.max(1.0);
    let cramer = per_range(sum(&distances, &gaps, |d, gap| d * d * gap));
    let ks = distances.iter().fold(0.0, |largest: f64, &d| if d.is_nan() { d } else { largest.max(d) });
    let middle: Vec<f64> = p.shares.iter().zip(&q.shares).map(|(p, q)| 0.5 * (p + q)).collect();
    let js = 0.5 * (kullback_leibler(&p.shares, &middle) + kullback_leibler(&q.shares, &middle)).max(0.0);
    let hellinger = (0.5 * sum(&p.shares, &q.shares, |p, q| (p.sqrt() - q.sqrt()).powi(2))).sqrt();
    let chi2 = 0.5 * sum(&p.shares, &q.shares, |p, q| if p + q == 0.0 { 0.0 } else { (p - q).powi(2) / (p + q) });
    let (smooth_p, smooth_q) = (p.smoothed(), q.smoothed());
    let l2 = sum(&p.shares, &q.shares, |p, q| (p - q).powi(2));

    let (a, b) = (p.unbiased(), q.unbiased());
    let noise = |p: f64, q: f64| p * (1.0 - p) * a + q * (1.0 - q) * b;
    let cramer_noise: f64 = f.iter().zip(&g).zip(&gaps).map(|((&f, &g), gap)| noise(f, g) * gap).sum();
    let l2_noise = sum(&p.shares, &q.shares, noise);

    // Under equality the two samples share the pooled distribution, and a difference has variance s x (1 - x).
    let s = 1.0 / p.respondents + 1.0 / q.respondents;
    let pool = |p_share: f64, q_share: f64| {
        (p.respondents * p_share + q.respondents * q_share) / (p.respondents + q.respondents)
    };
    let variance = |p: f64, q: f64| s * pool(p, q) * (1.0 - pool(p, q)).max(0.0);
    let mean_absolute = |p: f64, q: f64| (2.0 * variance(p, q) / PI).sqrt();
    let w1_floor: f64 = f.iter().zip(&g).zip(&gaps).map(|((&f, &g), gap)| mean_absolute(f, g) * gap).sum();
    let cramer_floor: f64 = f.iter().zip(&g).zip(&gaps).map(|((&f, &g), gap)| variance(f, g) * gap).sum();

    let missing = if p.mode.is_nan() || q.mode.is_nan() { f64::NAN } else { 0.0 };
    let categories = human.len() as f64;
    [
        tv,
        w1 + missing,
        per_range(w1) + missing,
        w1_ranks + missing,
        cramer + missing,
        cramer.sqrt() + missing,
        2.0 * range * cramer + missing,
        ks + missing,
        js + missing,
        js / LN_2 + missing,
        (js / LN_2).sqrt() + missing,
        js.sqrt() + missing,
        kullback_leibler(&p.shares, &q.shares),
        kullback_leibler(&q.shares, &p.shares),
        kullback_leibler(&smooth_p, &smooth_q),
        kullback_leibler(&smooth_q, &smooth_p),
        hellinger,
        chi2,
        p.mean,
        q.mean,
        per_range(q.mean - p.mean),
        p.variance,
        q.variance,
        ratio(q.variance, p.variance),
        p.entropy,
        q.entropy,
        ratio(q.entropy, p.entropy),
        if categories > 1.0 { q.entropy / categories.ln() } else { f64::NAN },
        q.entropy.exp(),
        q.mode,
        p.gini,
        q.gini,
        cramer - per_range(cramer_noise) + missing,
        l2,
        l2 - l2_noise,
        per_range(w1_floor) + missing,
        0.5 * sum(&p.shares, &q.shares, mean_absolute),
        per_range(cramer_floor) + missing,
    ]
}

/// All measures for every row of two tables of counts; `values` is (row, measure) with the measures in the order of
/// [`NAMES`].
///
/// # Errors
/// When lengths disagree, a count is negative or infinite, or the scores are not finite and strictly ascending.
pub fn divergences(
    human: &[f64],
    model: &[f64],
    scores: &[f64],
    human_n: &[f64],
    model_n: &[f64],
) -> Result<Vec<f64>, Error> {
    let categories = scores.len();
    let rows = human.len().checked_div(categories).unwrap_or(0);
    check_length("human", human.len(), rows * categories)?;
    check_length("model", model.len(), human.len())?;
    check_length("n_human", human_n.len(), rows)?;
    check_length("n_model", model_n.len(), rows)?;
    for (what, counts) in [("human", human), ("model", model)] {
        if let Some(position) = counts.iter().position(|count| !(count.is_finite() && *count >= 0.0)) {
            return Err(Error::Value { what, position, value: counts[position], rule: "a finite count of at least 0" });
        }
    }
    let ascending =
        |position: usize| scores[position].is_finite() && (position == 0 || scores[position] > scores[position - 1]);
    if let Some(position) = (0..categories).position(|position| !ascending(position)) {
        let rule = "finite and above the score before it";
        return Err(Error::Value { what: "scores", position, value: scores[position], rule });
    }
    let mut values = vec![0.0; rows * NAMES.len()];
    values.par_chunks_mut(NAMES.len()).enumerate().for_each(|(row, values)| {
        let cells = row * categories..(row + 1) * categories;
        values.copy_from_slice(&measures(&human[cells.clone()], &model[cells], scores, human_n[row], model_n[row]));
    });
    Ok(values)
}
