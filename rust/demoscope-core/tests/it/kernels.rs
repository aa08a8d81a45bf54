//! Tables of replicates against the plain sums that define them.

use demoscope_core::bootstrap::fit_replicates;
use demoscope_core::codes::{Codes, MISSING};
use demoscope_core::correlation::{Margins, Outcomes, Settings, Tables, count_replicates};
use demoscope_core::demographic::Demographic;
use demoscope_core::divergence::divergences;
use demoscope_core::error::Error;
use demoscope_core::exact::Exact;
use demoscope_core::polychoric::Status;
use demoscope_core::random::generator;
use demoscope_core::sampled::Sampled;
use demoscope_core::weights::{Factors, Replicates};
use demoscope_core::zero_cells::ZeroCells;
use rand_chacha::rand_core::Rng;

const ROWS: usize = 60;
const CATEGORIES: [usize; 3] = [3, 2, 4];

struct Survey {
    codes: Vec<u8>,
    weights: Vec<f64>,
    multiplicities: Vec<u16>,
    cell: Vec<i64>,
}

/// Answers with missing ones, weights, two replicates and cells, some of one person only.
fn survey() -> Survey {
    let mut random = generator(3, "test survey");
    let mut next = |limit: u32| random.next_u32() % limit;
    let mut codes = Vec::new();
    for _ in 0..ROWS {
        for k in CATEGORIES {
            let code = next(u32::try_from(k).expect("small") * 2);
            codes.push(if code == 0 {
                MISSING
            } else {
                u8::try_from(code).expect("small") % u8::try_from(k).expect("small")
            });
        }
    }
    let weights = (0..ROWS).map(|_| 0.25 + f64::from(next(100)) / 50.0).collect();
    let multiplicities = (0..2 * ROWS).map(|_| u16::try_from(next(4)).expect("small")).collect();
    let cell = (0..ROWS)
        .map(|row| if row < 3 { 100 + i64::try_from(row).expect("small") } else { i64::from(next(7)) - 1 })
        .collect();
    Survey { codes, weights, multiplicities, cell }
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found} is not {expected}");
    }
}

fn pair_table(tables: &impl Tables, replicate: usize, a: usize, b: usize) -> Vec<f64> {
    let loaded = tables.load(replicate);
    let mut table = vec![-1.0; tables.categories()[a] * tables.categories()[b]];
    tables.pair_table(a, b, &loaded, &mut table);
    table
}

#[test]
fn sampled_tables_are_weighted_counts() {
    let survey = survey();
    let codes = Codes::from_rows(&survey.codes, ROWS, &CATEGORIES).expect("codes");
    let replicates =
        Replicates::new(ROWS, Some(&survey.weights), Factors::Counts(&survey.multiplicities)).expect("weights");
    let tables = Sampled::new(&codes, replicates).expect("same rows");
    let (a, b) = (0, 2);
    let mut expected = vec![0.0; 12];
    let mut respondents = 0.0;
    for row in 0..ROWS {
        let (x, y) = (survey.codes[row * 3 + a], survey.codes[row * 3 + b]);
        let copies = f64::from(survey.multiplicities[ROWS + row]);
        if x != MISSING && y != MISSING {
            expected[usize::from(x) * 4 + usize::from(y)] += survey.weights[row] * copies;
            respondents += copies;
        }
    }
    assert_close(&pair_table(&tables, 1, a, b), &expected);
    let loaded = tables.load(1);
    assert_close(&[tables.respondents(a, b, &loaded)], &[respondents]);
}

#[test]
fn demographic_tables_count_pairs_of_distinct_persons() {
    let survey = survey();
    let replicates =
        Replicates::new(ROWS, Some(&survey.weights), Factors::Counts(&survey.multiplicities)).expect("weights");
    let tables = Demographic::new(&survey.codes, &CATEGORIES, &survey.cell, replicates).expect("valid");
    for replicate in 0..2 {
        let mass: Vec<f64> = (0..ROWS)
            .map(|row| survey.weights[row] * f64::from(survey.multiplicities[replicate * ROWS + row]))
            .collect();
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let (rows, cols) = (CATEGORIES[a], CATEGORIES[b]);
            let mut expected = vec![0.0; rows * cols];
            let mut cells = survey.cell.clone();
            cells.sort_unstable();
            cells.dedup();
            for cell in cells.into_iter().filter(|&cell| cell >= 0) {
                let members: Vec<usize> = (0..ROWS).filter(|&row| survey.cell[row] == cell).collect();
                let mut table = vec![0.0; rows * cols];
                for &first in &members {
                    for &second in &members {
                        let (x, y) = (survey.codes[first * 3 + a], survey.codes[second * 3 + b]);
                        if first != second && x != MISSING && y != MISSING {
                            table[usize::from(x) * cols + usize::from(y)] += mass[first] * mass[second];
                        }
                    }
                }
                let total: f64 = table.iter().sum();
                let weight: f64 = members.iter().map(|&row| mass[row]).sum();
                if total > 0.0 {
                    expected.iter_mut().zip(&table).for_each(|(sum, count)| *sum += count * weight / total);
                }
            }
            assert_close(&pair_table(&tables, replicate, a, b), &expected);
        }
    }
}

#[test]
fn exact_tables_are_sums_over_personas() {
    let probabilities = [
        0.2,
        0.5,
        0.3,
        0.9,
        0.1,
        0.25,
        0.25,
        0.25,
        0.25, //
        0.7,
        0.2,
        0.1,
        0.4,
        0.6,
        0.0,
        0.1,
        0.2,
        0.7, //
        f64::NAN,
        f64::NAN,
        f64::NAN,
        0.5,
        0.5,
        0.4,
        0.3,
        0.2,
        0.1,
    ];
    let profile = [0, 1, 2, 1, 0, 2, 2, 1];
    let weights = [1.0, 0.5, 2.0, 1.5, 1.0, 0.25, 3.0, 0.0];
    let multiplicities = [1, 1, 1, 1, 1, 1, 1, 1, 2, 0, 1, 3, 0, 0, 1, 1];
    let replicates = Replicates::new(8, Some(&weights), Factors::Counts(&multiplicities)).expect("weights");
    let tables = Exact::new(&probabilities, &CATEGORIES, &profile, replicates).expect("valid");
    let totals = count_replicates(&tables, &Settings::default()).expect("two replicates");
    for replicate in 0..2 {
        let mut expected_totals = [0.0; 9];
        let mut expected = [0.0; 12];
        for persona in 0..8 {
            let mass = weights[persona] * f64::from(multiplicities[replicate * 8 + persona]);
            let row = &probabilities[profile[persona] as usize * 9..][..9];
            for (total, p) in expected_totals.iter_mut().zip(row) {
                *total += if p.is_nan() { 0.0 } else { mass * p };
            }
            if !row[0].is_nan() {
                for (place, cell) in expected.iter_mut().enumerate() {
                    *cell += mass * row[place / 4] * row[5 + place % 4];
                }
            }
        }
        assert_close(&totals[replicate * 9..][..9], &expected_totals);
        assert_close(&pair_table(&tables, replicate, 0, 2), &expected);
    }
}

#[test]
fn real_factors_multiply_weights_and_hold_a_respondent_once() {
    let weights = [2.0, 0.5, 1.0, 0.0];
    let factors = [1.0, 1.0, 1.0, 1.0, 0.25, 0.0, 4.0 / 3.0, 7.0];
    let (mut mass, mut copies) = ([9.0; 4], [9.0; 4]);
    let weighted = Replicates::new(4, Some(&weights), Factors::Real(&factors)).expect("valid");
    assert_eq!((weighted.rows(), weighted.count(), weighted.unweighted()), (4, 2, false));
    weighted.mass(1, &mut mass);
    weighted.copies(1, &mut copies);
    assert_close(&mass, &[0.5, 0.0, 4.0 / 3.0, 0.0]);
    assert_close(&copies, &[1.0, 0.0, 1.0, 0.0]);
    let plain = Replicates::new(4, None, Factors::Real(&factors)).expect("valid");
    plain.mass(1, &mut mass);
    plain.copies(1, &mut copies);
    assert!(!plain.unweighted(), "mass and copies differ");
    assert_close(&mass, &factors[4..]);
    assert_close(&copies, &[1.0, 0.0, 1.0, 1.0]);
}

#[test]
fn real_factors_that_are_whole_give_the_bits_of_counts() {
    let survey = survey();
    let real: Vec<f64> = survey.multiplicities.iter().map(|&count| f64::from(count)).collect();
    let codes = Codes::from_rows(&survey.codes, ROWS, &CATEGORIES).expect("codes");
    let fit = |factors| {
        let replicates = Replicates::new(ROWS, Some(&survey.weights), factors).expect("weights");
        let tables = Sampled::new(&codes, replicates).expect("same rows");
        let settings = Settings { zero_cells: ZeroCells::None, ..Settings::default() };
        let Outcomes { rho, status, .. } = fit_replicates(&tables, &settings).expect("nothing is wrong");
        (rho.iter().map(|rho| rho.to_bits()).collect::<Vec<_>>(), status)
    };
    assert_eq!(fit(Factors::Counts(&survey.multiplicities)), fit(Factors::Real(&real)));
}

#[test]
fn broken_factors_are_named() {
    let error = |factors: Factors<'_>| Replicates::new(2, Some(&[1.0, 1e300]), factors).expect_err("broken");
    for bad in [-0.5, f64::NAN, f64::INFINITY] {
        let found = error(Factors::Real(&[1.0, 1.0, bad, 1.0]));
        assert!(matches!(found, Error::Value { what: "multiplicities", position: 2, .. }), "{found}");
    }
    let found = error(Factors::Real(&[1.0, 1e10]));
    assert!(matches!(found, Error::Value { what: "weights", position: 1, .. }), "{found}");
    let found = Replicates::new(2, None, Factors::Real(&[1.0, f64::MAX])).expect_err("no finite sum");
    assert!(matches!(found, Error::Value { what: "multiplicities", position: 1, .. }), "{found}");
    assert!(matches!(error(Factors::Real(&[1.0; 3])), Error::Length { found: 3, expected: 2, .. }));
    assert!(Replicates::new(2, Some(&[1e-300, 1e300]), Factors::Counts(&[u16::MAX; 2])).is_ok());
}

#[test]
fn replicates_do_not_depend_on_threads() {
    let survey = survey();
    let codes = Codes::from_rows(&survey.codes, ROWS, &CATEGORIES).expect("codes");
    let replicates = Replicates::new(ROWS, None, Factors::Counts(&survey.multiplicities)).expect("weights");
    let tables = Sampled::new(&codes, replicates).expect("same rows");
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let settings = Settings { margins: Margins::Pair, ..Settings::default() };
        let fitted = pool.install(|| fit_replicates(&tables, &settings));
        let Outcomes { rho, status, .. } = fitted.expect("nothing is wrong");
        (rho.iter().map(|rho| rho.to_bits()).collect::<Vec<_>>(), status)
    };
    assert_eq!(fit(1), fit(2));
    assert_eq!(fit(1), fit(4));
}

#[test]
fn unwanted_pairs_are_excluded_and_constant_items_degenerate() {
    let codes = Codes::from_rows(&[0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 1], 4, &CATEGORIES).expect("codes");
    let tables = Sampled::new(&codes, Replicates::new(4, None, Factors::Once).expect("weights")).expect("same rows");
    let settings = Settings { wanted: Some(&[true, false, true]), ..Settings::default() };
    let Outcomes { rho, status, .. } = fit_replicates(&tables, &settings).expect("nothing is wrong");
    let code = |status: Status| status as u8;
    assert_eq!(status, [code(Status::Degenerate), code(Status::Excluded), code(Status::Degenerate)]);
    assert!(rho.iter().all(|rho| rho.is_nan()));
}

#[test]
fn broken_input_is_named() {
    let codes = Codes::from_rows(&[0, 1, 2, 3], 2, &[3, 3]);
    assert_eq!(codes.expect_err("3 is no category"), Error::Code { row: 1, item: 1, code: 3, categories: 3 });
    let weights = Replicates::new(2, Some(&[1.0, -1.0]), Factors::Once);
    assert!(matches!(weights, Err(Error::Value { position: 1, .. })));
    let replicates = Replicates::new(1, None, Factors::Once).expect("one row");
    let sum = Exact::new(&[0.5, 0.4], &[2], &[0], replicates);
    assert!(matches!(sum, Err(Error::Value { position: 0, .. })));
    let profile = Exact::new(&[0.5, 0.5], &[2], &[1], replicates);
    assert!(matches!(profile, Err(Error::Index { index: 1, limit: 1, .. })));
    let scores = divergences(&[1.0, 1.0], &[1.0, 1.0], &[2.0, 2.0], &[2.0], &[2.0]);
    assert!(matches!(scores, Err(Error::Value { what: "scores", position: 1, .. })));
}
