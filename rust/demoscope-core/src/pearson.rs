//! Weighted Pearson correlation.

use rayon::prelude::*;

use crate::association::{Association, Sample};
use crate::codes::pairs;
use crate::error::Error;
use crate::polychoric::Status;
use crate::values::{Values, standardise};
use crate::weights::Replicates;

/// Pearson correlations of all pairs of variables, in the order of [`pairs`].
///
/// Means, variances and covariance are those of the respondents who have both numbers.
/// The influence function is `zx zy - r (zx^2 + zy^2) / 2`, z the standardised numbers (Devlin, Gnanadesikan &
/// Kettenring 1975); the standard error from it asks for no normal distribution.
///
/// # Errors
/// When values and weights are of different length.
pub fn pearson_pairs(values: &Values, replicates: &Replicates<'_>) -> Result<Vec<Association>, Error> {
    let sample = Sample::new(replicates, values.rows())?;
    let pairs: Vec<(usize, usize)> = pairs(values.variables()).collect();
    Ok(pairs.par_iter().map(|&(a, b)| pearson(values.column(a), values.column(b), &sample)).collect())
}

fn pearson(x: &[f64], y: &[f64], sample: &Sample) -> Association {
    let complete = sample.complete(|row| !(x[row].is_nan() || y[row].is_nan()));
    let (mut x, mut y, shares, size) = (complete.pick(x), complete.pick(y), complete.shares(), complete.size);
    if standardise(&mut x, &shares).is_none() || standardise(&mut y, &shares).is_none() {
        return Association::degenerate(size);
    }
    let points = || x.iter().zip(&y).zip(&shares);
    let r = points().map(|((x, y), share)| share * x * y).sum::<f64>().clamp(-1.0, 1.0);
    let squares = points().map(|((x, y), share)| (share * (x * y - 0.5 * r * (x * x + y * y))).powi(2)).sum();
    Association::new(r, size.standard_error(squares), size, Status::Ok)
}
