//! Replicates reduced to numbers per pair, against plain sums.

use demoscope_core::Error;
use demoscope_core::summary::{Deviations, TALLIES, Table, tally};

const NAN: f64 = f64::NAN;

/// Three pairs with five replicates each.
const RHO: [f64; 15] = [0.1, 0.5, NAN, 0.3, 0.2, 0.4, NAN, NAN, NAN, NAN, -1.0, 1.0, 0.0, 0.5, 0.25];

fn table() -> Table<'static> {
    Table::new(&RHO, 3, 5).expect("3 x 5")
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-15 || (found.is_nan() && expected.is_nan()), "{found} {expected}");
    }
}

#[test]
fn moments_leave_undefined_replicates_out() {
    let moments = table().moments();
    assert_eq!(moments.iter().map(|m| m.defined).collect::<Vec<_>>(), [4, 1, 5]);
    assert_close(&moments.iter().map(|m| m.mean).collect::<Vec<_>>(), &[0.275, 0.4, 0.15]);
    let first = ((0.175_f64.powi(2) + 0.225_f64.powi(2) + 0.025_f64.powi(2) + 0.075_f64.powi(2)) / 3.0).sqrt();
    assert_close(&[moments[0].sd, moments[1].sd], &[first, NAN]);
}

#[test]
fn quantiles_interpolate() {
    let found = table().quantiles(&[0.0, 0.5, 0.9, 1.0]).expect("levels");
    assert_close(&found, &[0.1, 0.25, 0.44, 0.5, NAN, NAN, NAN, NAN, -1.0, 0.25, 0.8, 1.0]);
    assert!(matches!(table().quantiles(&[0.5, NAN]), Err(Error::Value { position: 1, .. })));
}

#[test]
fn covariance_and_deviations() {
    let found = table().covariance(&[2, 0], None).expect("two pairs");
    // Replicates 0, 1, 3, 4; means 0.275 and 0.1875.
    let (x, y) = ([-0.175, 0.225, 0.025, -0.075], [-1.1875, 0.8125, 0.3125, 0.0625]);
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / 3.0;
    assert_close(&found, &[sum(&y, &y), sum(&x, &y), sum(&x, &y), sum(&x, &x)]);
    let from = Deviations { centres: &[0.3, 0.4, 0.0], scales: &[0.5, 0.5, 0.5, 0.5, 2.0] };
    let deviations = table().deviations(from).expect("three pairs");
    let third = 0.5 + 0.5 + 0.125 + 0.125;
    assert_close(&deviations, &[NAN, NAN, third]);
    assert_close(&table().covariance(&[2], Some(from)).expect("a pair"), &[third]);
    assert!(table().covariance(&[0, 2], Some(from)).expect("two pairs").iter().all(|value| value.is_nan()));
    assert!(matches!(table().covariance(&[3], None), Err(Error::Index { index: 3, limit: 3, .. })));
    assert!(matches!(table().deviations(Deviations { centres: &[0.0], scales: &[] }), Err(Error::Length { .. })));
}

#[test]
fn statuses_and_flags_are_counted() {
    let counts = tally(&[0, 1, 3, 0, 4, 2], &[1, 0, 6, 4, 7, 0], 2, 3).expect("2 x 3");
    assert_eq!(counts, [1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 2]);
    assert_eq!(counts.len(), 2 * TALLIES);
    assert!(tally(&[0], &[0], 1, 2).is_err());
}
