//! Random streams: golden values of the slow twin `tests/reference/streams.py`, plain Python.

use demoscope_core::design::Design;
use demoscope_core::draw::draw_answers;
use demoscope_core::jackknife::random_groups;
use demoscope_core::random::{exponential, generator, poisson, stream_number, unit};
use demoscope_core::rao_wu::rao_wu_factors;
use demoscope_core::replicates::{Streams, bayesian_factors, multiplicities, permutations, poisson_multiplicities};
use rand_chacha::rand_core::Rng;

const STREAMS: Streams<'_> = Streams { seed: 20_260_101, purpose: "respondent", country: "Ohio" };

#[test]
fn a_label_names_its_stream() {
    assert_eq!(stream_number("respondent|Ohio|0"), 18_385_824_047_209_434_579);
    assert_eq!(generator(20_260_101, "respondent|Ohio|0").next_u64(), 17_826_283_543_334_102_174);
    assert_eq!(generator(0, "").next_u64(), 10_497_120_086_693_197_290);
}

#[test]
fn replicates_do_not_depend_on_their_number() {
    let mut some = vec![0; 3 * 40];
    let mut many = vec![0; 30 * 40];
    multiplicities(STREAMS, 40, 0, &mut some).expect("few rows");
    multiplicities(STREAMS, 40, 0, &mut many).expect("few rows");
    assert_eq!(some, many[..3 * 40]);
    let mut later = vec![0; 40];
    multiplicities(STREAMS, 40, 29, &mut later).expect("few rows");
    assert_eq!(later, many[29 * 40..]);
    assert!(many.chunks(40).all(|row| row.iter().sum::<u16>() == 40));
}

#[test]
fn permutations_hold_every_row_once() {
    let mut orders = vec![0; 20 * 33];
    permutations(STREAMS, 33, 5, &mut orders).expect("few rows");
    for order in orders.chunks(33) {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..33));
    }
}

#[test]
fn multiplicities_are_multinomial() {
    // Mean 1 and variance 1 - 1/n of every count; 4000 replicates put the mean within 5 standard errors of .016.
    let (rows, replicates) = (25, 4000);
    let mut counts = vec![0; rows * replicates];
    multiplicities(STREAMS, rows, 0, &mut counts).expect("few rows");
    for row in 0..rows {
        let draws = counts.iter().skip(row).step_by(rows).map(|&count| f64::from(count));
        let (sum, squares) = draws.fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
        let mean = sum / 4000.0;
        assert!((mean - 1.0).abs() < 0.08, "row {row}: mean {mean}");
        assert!((squares / 4000.0 - mean * mean - 0.96).abs() < 0.15, "row {row}");
    }
}

#[test]
fn draws_are_extended_and_impossible_options_never_come() {
    let probabilities = [0.0, 0.3, 0.0, 0.7, 0.0, f64::NAN, f64::NAN, f64::NAN, f64::NAN, f64::NAN];
    let streams = ["p1|q1|given".to_owned(), "p2|q1|given".to_owned(), "p3|q1|given".to_owned()];
    let few = draw_answers(&probabilities, 5, &[0, 1, 0], &streams, 7, 0, 20).expect("valid");
    let many = draw_answers(&probabilities, 5, &[0, 1, 0], &streams, 7, 0, 5000).expect("valid");
    let later = draw_answers(&probabilities, 5, &[0, 1, 0], &streams, 7, 11, 9).expect("valid");
    for persona in 0..3 {
        assert_eq!(few[persona * 20..][..20], many[persona * 5000..][..20]);
        assert_eq!(later[persona * 9..][..9], few[persona * 20 + 11..][..9]);
    }
    assert!(many[..5000].iter().all(|&code| code == 1 || code == 3));
    assert!(many[5000..10_000].iter().all(|&code| code == 255));
    // 1500 expected, standard deviation 32.
    let ones = many[..5000].iter().map(|&code| usize::from(code == 1)).sum::<usize>();
    assert!((1300..1700).contains(&ones), "{ones}");
}

#[test]
fn unit_numbers_stay_below_one() {
    assert!(unit(u64::MAX) < 1.0);
    assert!(unit(0) == 0.0);
}

#[test]
fn replicate_weights_follow_the_slow_twin() {
    let streams = |purpose| Streams { seed: 1, purpose, country: "Ohio" };
    let mut counts = [9; 16];
    poisson_multiplicities(streams("poisson"), 8, 0, &mut counts);
    assert_eq!(counts, [0, 1, 0, 1, 0, 2, 1, 1, 1, 3, 0, 1, 0, 0, 0, 2]);
    let mut weights = [9.0; 3];
    bayesian_factors(streams("bayes"), 3, 0, &mut weights);
    for (found, expected) in
        weights.iter().zip([2.775_363_642_950_481, 0.196_437_020_390_751_48, 0.509_086_030_517_191_8])
    {
        assert!((found - expected).abs() <= 1e-15 * expected, "{found} is not {expected}");
    }
    // Rows of units 0 to 8 in three strata of three.
    let unit = [5, 0, 1, 5, 3, 1, 6, 8, 2, 4, 8, 7];
    let design = Design::new(&unit, &[0, 3, 6, 9]).expect("three units each");
    let mut factors = [9.0; 24];
    rao_wu_factors(streams("psu"), &design, 0, &mut factors).expect("two replicates");
    let draws = [0, 1, 1, 0, 0, 1, 1, 0, 0, 2, 0, 1, 0, 0, 1, 0, 2, 1, 1, 0, 1, 0, 0, 1];
    let expected = draws.map(|draws| 1.5 * f64::from(draws));
    assert_eq!(factors.map(f64::to_bits), expected.map(f64::to_bits));
    let groups = random_groups(streams("jackknife"), &[0, 5, 8], 2).expect("enough units");
    assert_eq!(groups, [1, 1, 0, 0, 0, 2, 3, 2]);
}

#[test]
fn inversions_are_those_of_their_distributions() {
    // Cumulative Poisson(1) probabilities: .3679, .7358, .9197, .9810, .9963, .9994.
    let cases = [(0.0, 0), (0.3678, 0), (0.3679, 1), (0.7357, 1), (0.7358, 2), (0.9196, 2), (0.92, 3), (0.9995, 6)];
    for (uniform, count) in cases {
        assert_eq!(poisson(uniform), count, "{uniform}");
    }
    assert!((15..20).contains(&poisson(unit(u64::MAX))));
    assert!(exponential(0.0) == 0.0 && exponential(0.0).is_sign_positive());
    assert!((exponential(0.5) - std::f64::consts::LN_2).abs() < 1e-16);
    assert!(exponential(unit(u64::MAX)) < 36.8);
}
