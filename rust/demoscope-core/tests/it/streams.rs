//! Random streams: golden values of the slow twin `tests/reference/streams.py`, plain Python.

use demoscope_core::draw::draw_answers;
use demoscope_core::random::{generator, stream_number, unit};
use demoscope_core::replicates::{Streams, multiplicities, permutations};
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
