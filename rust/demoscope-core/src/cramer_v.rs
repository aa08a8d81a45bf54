//! Bias-corrected Cramer's V of nominal items (Bergsma 2013).

use rayon::prelude::*;

use crate::association::{Association, Joint, Sample};
use crate::codes::{Codes, pairs};
use crate::error::Error;
use crate::polychoric::Status;
use crate::weights::Replicates;

/// Cramer's V of all pairs of items, in the order of [`pairs`].
///
/// There is no standard error: at independence V is 0 more than half of the time, and no influence function describes that.
///
/// # Errors
/// When codes and weights are of different length.
pub fn cramer_v_pairs(codes: &Codes, replicates: &Replicates<'_>) -> Result<Vec<Association>, Error> {
    let sample = Sample::new(replicates, codes.rows())?;
    let pairs: Vec<(usize, usize)> = pairs(codes.items()).collect();
    Ok(pairs.par_iter().map(|&(a, b)| cramer_v(&Joint::count(codes, &sample, a, b))).collect())
}

/// `V = sqrt(phi2~ / min(I~ - 1, J~ - 1))` with `phi2~ = max(0, phi2 - (I-1)(J-1)/(n-1))` and
/// `I~ = I - (I-1)^2/(n-1)`, I and J the numbers of used categories and n the effective number of respondents.
///
/// Degenerate without two used categories on both sides, and where the correction leaves nothing to divide by.
fn cramer_v(joint: &Joint) -> Association {
    let (rows, cols) = joint.used();
    if rows < 2 || cols < 2 {
        return Association::degenerate(joint.size);
    }
    // phi2 = sum (p - e)^2 / e = sum over occupied cells of that, plus the e of the empty ones.
    let (mut phi2, mut expected_of_occupied) = (0.0, 0.0);
    joint.visit(|a, b, share, _| {
        let expected = joint.row_shares[a] * joint.col_shares[b];
        phi2 += (share - expected) * (share - expected) / expected;
        expected_of_occupied += expected;
    });
    phi2 += (1.0 - expected_of_occupied).max(0.0);
    let (i, j) = ((rows - 1) as f64, (cols - 1) as f64);
    let rest = joint.size.effective - 1.0;
    let corrected = (phi2 - i * j / rest).max(0.0);
    let most = (i - i * i / rest).min(j - j * j / rest);
    if rest > 0.0 && most > 0.0 {
        let value = (corrected / most).sqrt().min(1.0);
        Association::new(value, f64::NAN, joint.size, Status::Ok)
    } else {
        Association::degenerate(joint.size)
    }
}
