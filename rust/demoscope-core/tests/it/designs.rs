//! Designs against the sums that define them.

use demoscope_core::design::Design;
use demoscope_core::error::Error;
use demoscope_core::jackknife::Jackknife;

const UNIT: [u32; 7] = [3, 0, 1, 0, 4, 2, 3];
const STRATA: [u32; 3] = [0, 3, 5];

fn design() -> Design<'static> {
    Design::new(&UNIT, &STRATA).expect("two strata")
}

#[test]
fn the_variance_of_a_total_is_that_of_the_totals_of_units() {
    let z = [0.5, 1.0, -2.0, 3.0, 0.25, 1.5, -0.75];
    // Totals 4, -2, 1.5 around 3.5 / 3, and -.25, .25 around 0.
    let first = 1.5 * [4.0, -2.0, 1.5].map(|total: f64| (total - 3.5 / 3.0).powi(2)).iter().sum::<f64>();
    let expected = first + 2.0 * 2.0 * 0.0625;
    assert!((design().variance(z.into_iter()) - expected).abs() < 1e-12);
}

#[test]
fn the_jackknife_deletes_one_unit_at_a_time() {
    let design = design();
    let single = Jackknife::new(&design, &[1; 5]).expect("five units");
    let mut factors = [9.0; 2 * 7];
    single.factors(2, &mut factors).expect("replicates 2 and 3");
    assert_eq!(factors[..7], [1.0, 1.5, 1.5, 1.5, 1.0, 0.0, 1.0]);
    assert_eq!(factors[7..], [0.0, 1.0, 1.0, 1.0, 2.0, 1.0, 0.0]);
    assert!(single.factors(4, &mut factors).is_err(), "there are five");
    let grouped = Jackknife::new(&design, &[2, 1, 1, 3, 1]).expect("five groups of eight units");
    assert_eq!(grouped.scales(), [0.5, 0.75, 0.75, 0.25, 0.75]);
    grouped.factors(3, &mut factors).expect("replicates 3 and 4");
    assert_eq!(factors[..7], [0.0, 1.0, 1.0, 1.0, 4.0, 1.0, 0.0]);
}

#[test]
fn broken_designs_are_named() {
    let error = |unit: &[u32], strata: &[u32]| Design::new(unit, strata).expect_err("broken");
    assert!(matches!(error(&[0, 5], &STRATA), Error::Index { position: 1, index: 5, limit: 5, .. }));
    assert!(matches!(error(&UNIT, &[0, 3, 4]), Error::Value { what: "strata", position: 2, .. }));
    assert!(matches!(error(&UNIT, &[1, 5]), Error::Value { what: "strata", position: 0, .. }));
    assert!(matches!(error(&UNIT, &[]), Error::Length { what: "strata", .. }));
    let design = design();
    assert!(matches!(Jackknife::new(&design, &[1; 4]), Err(Error::Length { what: "sizes", .. })));
    assert!(matches!(Jackknife::new(&design, &[1, 0, 1, 1, 1]), Err(Error::Value { what: "sizes", position: 1, .. })));
}
