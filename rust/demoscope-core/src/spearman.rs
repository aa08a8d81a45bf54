//! Weighted Spearman correlation of ordinal items: the Pearson correlation of weighted mid-ranks.
//!
//! The mid-rank of a category is the share of answers below it plus half its own, among the respondents who answered
//! both items; with equal weights that is the usual average rank, up to a linear map.
//! Centred at their mean 1/2 they are `r_a = (below - above) / 2`, and
//!
//! ```text
//! rho = C / sqrt(V W)   C = sum p_ab r_a s_b   V = sum p_a r_a^2   W = sum p_b s_b^2
//! ```
//!
//! A respondent in category x moves the mid-rank of category a by `K(x, a) - R_a` with K = 1 for x < a, 1/2 for x = a and
//! 0 above, so the ranks add to the influence function of the Pearson correlation:
//!
//! ```text
//! IF_C = r_x s_y + sum_ab p_ab (K(x, a) s_b + K(y, b) r_a) - 3 C
//! IF_V = r_x^2 + 2 sum_a p_a K(x, a) r_a - 3 V
//! IF   = IF_C / sqrt(V W) - rho/2 (IF_V / V + IF_W / W)
//! ```
//!
//! where the three constants cancel.

use rayon::prelude::*;

use crate::association::{Association, Joint, Sample};
use crate::codes::{Codes, pairs};
use crate::error::Error;
use crate::polychoric::Status;
use crate::weights::Replicates;

/// Spearman correlations of all pairs of items, in the order of [`pairs`].
///
/// # Errors
/// When codes and weights are of different length.
pub fn spearman_pairs(codes: &Codes, replicates: &Replicates<'_>) -> Result<Vec<Association>, Error> {
    let sample = Sample::new(replicates, codes.rows())?;
    let pairs: Vec<(usize, usize)> = pairs(codes.items()).collect();
    Ok(pairs.par_iter().map(|&(a, b)| spearman(&Joint::count(codes, &sample, a, b))).collect())
}

fn spearman(joint: &Joint) -> Association {
    let (rows, cols) = joint.used();
    if rows < 2 || cols < 2 {
        return Association::degenerate(joint.size);
    }
    let (r, s) = (centred_mid_ranks(&joint.row_shares), centred_mid_ranks(&joint.col_shares));
    let (v, w) = (mean_square(&joint.row_shares, &r), mean_square(&joint.col_shares, &s));
    // Sums over one row of p_ab s_b, and over one column of p_ab r_a.
    let (mut row_products, mut col_products) = (vec![0.0; r.len()], vec![0.0; s.len()]);
    let mut covariance = 0.0;
    joint.visit(|a, b, share, _| {
        row_products[a] += share * s[b];
        col_products[b] += share * r[a];
        covariance += share * r[a] * s[b];
    });
    let spread = v.sqrt() * w.sqrt();
    let rho = (covariance / spread).clamp(-1.0, 1.0);
    let own_products = |shares: &[f64], ranks: &[f64]| shares.iter().zip(ranks).map(|(p, r)| p * r).collect::<Vec<_>>();
    let by_row = sums_above(&row_products);
    let by_col = sums_above(&col_products);
    let by_row_alone = sums_above(&own_products(&joint.row_shares, &r));
    let by_col_alone = sums_above(&own_products(&joint.col_shares, &s));
    let mut squares = 0.0;
    joint.visit(|a, b, _, square| {
        let of_covariance = (r[a] * s[b] + by_row[a] + by_col[b]) / spread;
        let of_variances = (r[a] * r[a] + 2.0 * by_row_alone[a]) / v + (s[b] * s[b] + 2.0 * by_col_alone[b]) / w;
        squares += square * (of_covariance - 0.5 * rho * of_variances).powi(2);
    });
    Association::new(rho, joint.size.standard_error(squares), joint.size, Status::Ok)
}

/// Mid-ranks of the categories as shares, minus 1/2; reversing the categories flips their signs.
fn centred_mid_ranks(shares: &[f64]) -> Vec<f64> {
    let mut ranks = Vec::with_capacity(shares.len());
    let mut below = 0.0;
    for &share in shares {
        ranks.push(0.5 * below);
        below += share;
    }
    let mut above = 0.0;
    for (rank, &share) in ranks.iter_mut().zip(shares).rev() {
        *rank -= 0.5 * above;
        above += share;
    }
    ranks
}

fn mean_square(shares: &[f64], ranks: &[f64]) -> f64 {
    shares.iter().zip(ranks).map(|(share, rank)| share * rank * rank).sum()
}

/// `sum_a K(x, a) products_a` for every category x: the sum of what lies above it and half its own.
fn sums_above(products: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; products.len()];
    let mut above = 0.0;
    for (sum, &product) in sums.iter_mut().zip(products).rev() {
        *sum = above + 0.5 * product;
        above += product;
    }
    sums
}
