//! The bivariate normal distribution function as a series in rho, for many tables that share their thresholds.
//!
//! Mehler's expansion: `Phi2(h, k; r) = Phi(h) Phi(k) + sum over m >= 0 of r^(m+1)/(m+1) psi_m(h) psi_m(k)` with
//! `psi_m = He_m phi / sqrt(m!)`.
//! The psi of a threshold are computed once and serve all pairs of its item, so a corner of a table costs one
//! multiplication and addition per term and no exponential.
#![allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]

use std::sync::LazyLock;

use crate::cpu::Arch;
use crate::lanes::Lanes;

/// Longest series that is used; beyond it quadrature is cheaper.
pub const MOST_TERMS: usize = 128;

/// Largest product of two psi: Cramer's bound `|He_m(x)| <= 1.0865 sqrt(m!) exp(x^2/4)`, squared, over 2 pi.
pub(crate) const PRODUCT_BOUND: f64 = 0.188;

/// Bound of what the terms from `terms` on add to the distribution function.
#[inline(always)]
#[must_use]
pub fn truncation(rho: f64, terms: usize) -> f64 {
    let r = rho.abs();
    PRODUCT_BOUND * r.powi(i32::try_from(terms).unwrap_or(i32::MAX) + 1) / ((terms + 1) as f64 * (1.0 - r))
}

/// Smallest number of terms with a truncation error of at most `error`, `None` when more than [`MOST_TERMS`] would be
/// needed.
#[must_use]
pub fn terms_for(rho: f64, error: f64) -> Option<usize> {
    let r = rho.abs();
    if r >= 1.0 {
        return None;
    }
    let mut power = PRODUCT_BOUND * r / (1.0 - r);
    for terms in 0..=MOST_TERMS {
        if power / (terms + 1) as f64 <= error {
            return Some(terms);
        }
        power *= r;
    }
    None
}

/// 1 / (m + 1).
pub(crate) static INVERSES: LazyLock<[f64; MOST_TERMS]> =
    LazyLock::new(|| std::array::from_fn(|m| 1.0 / (m as f64 + 1.0)));

/// 1 / sqrt(m + 1) and sqrt(m) / sqrt(m + 1).
static RECURRENCE: LazyLock<[(f64, f64); MOST_TERMS]> = LazyLock::new(|| {
    std::array::from_fn(|m| {
        let m = m as f64;
        (1.0 / (m + 1.0).sqrt(), (m / (m + 1.0)).sqrt())
    })
});

/// Writes the first psi of eight thresholds.
///
/// `psi_(m+1) = h psi_m / sqrt(m+1) - psi_(m-1) sqrt(m/(m+1))`; infinite thresholds must have been replaced by such
/// that the density underflows.
#[inline(always)]
pub fn fill<A: Arch>(threshold: Lanes, psi: &mut [Lanes]) {
    let inverse_root = Lanes::splat(1.0 / std::f64::consts::TAU.sqrt());
    let mut previous = Lanes::default();
    let mut current = (threshold * threshold * Lanes::splat(-0.5)).exp::<A>() * inverse_root;
    for (psi, &(step, back)) in psi.iter_mut().zip(RECURRENCE.iter()) {
        *psi = current;
        // Only one operation waits for the term before.
        let next = (threshold * Lanes::splat(step)).mul_add::<A>(current, -(previous * Lanes::splat(back)));
        (previous, current) = (current, next);
    }
}
