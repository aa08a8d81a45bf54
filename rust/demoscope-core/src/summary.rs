//! Replicates of pairs reduced to numbers per pair: moments, quantiles, counts, covariances.
//!
//! Replicates are (pair, replicate); those that are not finite are undefined and left out.
//! Pairs are tasks and every sum runs over the replicates in a fixed order, so results are the same bit for bit for any
//! number of threads.

use rayon::prelude::*;

use crate::error::{Error, check_length};
use crate::polychoric::{Status, flag};

/// Columns of [`tally`]: the statuses that a wanted pair can have, then the flags.
pub const TALLIES: usize = Status::Excluded as usize + flag::NAMES.len();

/// Partial sums of a dot product; each takes every eighth term.
const SUMS: usize = 8;

/// Moments of the replicates of one pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Mean of the defined replicates; NaN without any.
    pub mean: f64,
    /// Their standard deviation with divisor m - 1; NaN with fewer than 2.
    pub sd: f64,
    /// Their number m.
    pub defined: usize,
}

/// What the squared deviation of each replicate from the full sample counts in a variance, as in a jackknife.
#[derive(Debug, Clone, Copy)]
pub struct Deviations<'a> {
    /// Estimate of the full sample (pair).
    pub centres: &'a [f64],
    /// Factor of every replicate.
    pub scales: &'a [f64],
}

/// Pairs of a table of replicates.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    rho: &'a [f64],
    pairs: usize,
    replicates: usize,
}

impl<'a> Table<'a> {
    /// Takes (pair, replicate) in row-major order.
    ///
    /// # Errors
    /// When the length is not the product of the two numbers.
    pub fn new(rho: &'a [f64], pairs: usize, replicates: usize) -> Result<Self, Error> {
        check_length("rho", rho.len(), pairs * replicates)?;
        Ok(Self { rho, pairs, replicates })
    }

    fn pair(&self, pair: usize) -> &'a [f64] {
        &self.rho[pair * self.replicates..][..self.replicates]
    }

    /// Moments of every pair.
    #[must_use]
    pub fn moments(&self) -> Vec<Moments> {
        (0..self.pairs).into_par_iter().map(|pair| moments(self.pair(pair))).collect()
    }

    /// Quantiles of the defined replicates, (pair, level), by linear interpolation (Hyndman & Fan 1996, type 7).
    ///
    /// They are NaN with fewer than 2 defined replicates.
    ///
    /// # Errors
    /// When a level is not between 0 and 1.
    pub fn quantiles(&self, levels: &[f64]) -> Result<Vec<f64>, Error> {
        for (position, &value) in levels.iter().enumerate() {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::Value { what: "levels", position, value, rule: "between 0 and 1" });
            }
        }
        let mut quantiles = vec![f64::NAN; self.pairs * levels.len()];
        quantiles.par_chunks_mut(levels.len().max(1)).enumerate().for_each_init(Vec::new, |sorted, (pair, own)| {
            sorted.clear();
            sorted.extend(self.pair(pair).iter().copied().filter(|rho| rho.is_finite()));
            if sorted.len() >= 2 {
                for (quantile, &level) in own.iter_mut().zip(levels) {
                    *quantile = linear_quantile(sorted, level);
                }
            }
        });
        Ok(quantiles)
    }

    /// Sum of scale x squared deviation of every pair; NaN where a replicate is undefined, because a term is missing.
    ///
    /// # Errors
    /// When there is not one centre per pair and one scale per replicate.
    pub fn deviations(&self, from: Deviations<'_>) -> Result<Vec<f64>, Error> {
        self.check(from)?;
        let sum = |pair: usize| {
            let terms = self.pair(pair).iter().zip(from.scales);
            terms.map(|(rho, scale)| scale * (rho - from.centres[pair]).powi(2)).sum()
        };
        Ok((0..self.pairs).into_par_iter().map(sum).collect())
    }

    /// Covariance matrix of some pairs, row-major.
    ///
    /// Without `from` it is that of the replicates in which all of them are defined, divisor m - 1, and NaN with fewer
    /// than 2; with `from` the sum of scale x product of deviations, and NaN where a replicate of one is undefined.
    ///
    /// # Errors
    /// When a pair is not in the table, or there is not one centre per pair and one scale per replicate.
    pub fn covariance(&self, pairs: &[usize], from: Option<Deviations<'_>>) -> Result<Vec<f64>, Error> {
        for (position, &pair) in pairs.iter().enumerate() {
            if pair >= self.pairs {
                let index = i64::try_from(pair).unwrap_or(i64::MAX);
                return Err(Error::Index { what: "pairs", position, index, limit: self.pairs });
            }
        }
        from.map_or(Ok(()), |from| self.check(from))?;
        let kept: Vec<bool> = (0..self.replicates)
            .into_par_iter()
            .map(|replicate| pairs.iter().all(|&pair| self.rho[pair * self.replicates + replicate].is_finite()))
            .collect();
        let count = kept.iter().filter(|&&kept| kept).count();
        let size = pairs.len();
        let mut matrix = vec![f64::NAN; size * size];
        if from.map_or(count < 2, |_| count < self.replicates) {
            return Ok(matrix);
        }
        let centre = |&pair: &usize| match from {
            Some(from) => from.centres[pair],
            None => mean(self.pair(pair).iter().zip(&kept).filter_map(|(&rho, &kept)| kept.then_some(rho)), count),
        };
        let centres: Vec<f64> = pairs.par_iter().map(centre).collect();
        let divisor = if from.is_some() { 1.0 } else { (count - 1) as f64 };
        matrix.par_chunks_mut(size.max(1)).enumerate().for_each_init(Vec::new, |left, (row, own)| {
            left.clear();
            left.extend(self.pair(pairs[row]).iter().zip(&kept).enumerate().map(|(replicate, (rho, &kept))| {
                let scale = from.map_or(1.0, |from| from.scales[replicate]);
                if kept { scale * (rho - centres[row]) } else { 0.0 }
            }));
            for (column, entry) in own.iter_mut().enumerate().skip(row) {
                *entry = product(left, self.pair(pairs[column]), centres[column], &kept) / divisor;
            }
        });
        for row in 1..size {
            for column in 0..row {
                matrix[row * size + column] = matrix[column * size + row];
            }
        }
        Ok(matrix)
    }

    fn check(&self, from: Deviations<'_>) -> Result<(), Error> {
        check_length("centres", from.centres.len(), self.pairs)?;
        check_length("scales", from.scales.len(), self.replicates)
    }
}

/// Number of replicates of every status but excluded, then with every flag, (pair, [`TALLIES`]).
///
/// # Errors
/// When an array has not `pairs` x `replicates` values.
pub fn tally(status: &[u8], flags: &[u8], pairs: usize, replicates: usize) -> Result<Vec<i64>, Error> {
    check_length("status", status.len(), pairs * replicates)?;
    check_length("flags", flags.len(), pairs * replicates)?;
    let mut counts = vec![0; pairs * TALLIES];
    counts.par_chunks_mut(TALLIES).enumerate().for_each(|(pair, counts)| {
        let range = pair * replicates..(pair + 1) * replicates;
        let (statuses, bits) = counts.split_at_mut(Status::Excluded as usize);
        for &status in &status[range.clone()] {
            if let Some(count) = statuses.get_mut(usize::from(status)) {
                *count += 1;
            }
        }
        for &flags in &flags[range] {
            for (bit, count) in bits.iter_mut().enumerate() {
                *count += i64::from(flags >> bit & 1);
            }
        }
    });
    Ok(counts)
}

fn moments(rho: &[f64]) -> Moments {
    let values = || rho.iter().copied().filter(|rho| rho.is_finite());
    let defined = values().count();
    let mean = mean(values(), defined);
    let squares: f64 = values().map(|rho| (rho - mean).powi(2)).sum();
    let sd = if defined < 2 { f64::NAN } else { (squares / (defined - 1) as f64).sqrt() };
    Moments { mean, sd, defined }
}

fn mean(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    values.sum::<f64>() / count as f64
}

/// Quantile of at least one finite value; reorders them.
fn linear_quantile(values: &mut [f64], level: f64) -> f64 {
    let position = level * (values.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the number of values")]
    let below = (position.floor() as usize).min(values.len() - 1);
    let share = position - below as f64;
    let (_, &mut low, rest) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = rest.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    // Exact at both ends, and rising in between.
    if share < 0.5 { low + (high - low) * share } else { high - (high - low) * (1.0 - share) }
}

/// Sum of left x (right - centre) over the kept replicates.
fn product(left: &[f64], right: &[f64], centre: f64, kept: &[bool]) -> f64 {
    let mut sums = [0.0; SUMS];
    let term = |replicate: usize| if kept[replicate] { left[replicate] * (right[replicate] - centre) } else { 0.0 };
    let whole = left.len() / SUMS * SUMS;
    for first in (0..whole).step_by(SUMS) {
        for (offset, sum) in sums.iter_mut().enumerate() {
            *sum += term(first + offset);
        }
    }
    sums.iter().sum::<f64>() + (whole..left.len()).map(term).sum::<f64>()
}
