//! The neighbours of the polychoric correlation: golden values, closed forms, and laws of the eigen-decomposition.

use demoscope_core::codes::{Codes, MISSING};
use demoscope_core::cramer_v::cramer_v_pairs;
use demoscope_core::eigen::Eigen;
use demoscope_core::error::Error;
use demoscope_core::estimate::estimate_table;
use demoscope_core::nearest_correlation::{Method, nearest_correlation};
use demoscope_core::pearson::pearson_pairs;
use demoscope_core::polychoric::{Status, flag};
use demoscope_core::polychoric_fit::polychoric_fit_pairs;
use demoscope_core::polyserial::polyserial_pairs;
use demoscope_core::spearman::spearman_pairs;
use demoscope_core::values::Values;
use demoscope_core::weights::{Factors, Replicates};
use demoscope_core::zero_cells::ZeroCells;
use proptest::prelude::*;
use serde_json::Value;

use crate::golden::{golden, list, number, numbers, read};

/// Relative error of G2, X2 and RMSEA; G2 is a small remainder of terms as large as the table.
const FIT_TOLERANCE: f64 = 1e-10;

fn unweighted(rows: usize) -> Replicates<'static> {
    Replicates::new(rows, None, Factors::Once).expect("no weights")
}

#[test]
fn golden_polyserial() {
    let golden = golden();
    let case = &golden["polyserial"];
    let x = numbers(&case["x"]);
    let code = |y: &Value| u8::try_from(y.as_u64().expect("a category") - 1).expect("few categories");
    let y: Vec<u8> = list(case, "y").iter().map(code).collect();
    let values = Values::from_rows(&x, x.len(), 1).expect("values");
    let codes = Codes::from_rows(&y, y.len(), &[3]).expect("codes");
    let found = polyserial_pairs(&values, &codes, &unweighted(x.len())).expect("same rows")[0];
    assert!((found.value - number(&case["rho"])).abs() < 1e-12, "{found:?}");
    assert_eq!((found.status, found.flags), (Status::Ok, flag::FEW));
}

#[test]
fn golden_fit_of_tables() {
    let golden = golden();
    for case in list(&golden, "cases").iter().filter(|case| case["boundary"].is_null()) {
        let table: Vec<f64> = case["table"].as_array().expect("rows").iter().flat_map(numbers).collect();
        let cols = case["table"][0].as_array().expect("a row").len();
        let found = estimate_table(&table, cols, ZeroCells::None).expect("a table").goodness;
        let total: f64 = table.iter().sum();
        let close = |found: f64, expected: f64| (found - expected).abs() <= FIT_TOLERANCE * expected + 1e-13 * total;
        assert!(close(found.g2, number(&case["G2"])), "{}: {found:?}", case["id"]);
        assert!(close(found.x2, number(&case["X2"])), "{}: {found:?}", case["id"]);
        assert!((f64::from(found.df) - number(&case["df"])).abs() < 0.5, "{}: {found:?}", case["id"]);
        if found.df == 0 {
            assert!(found.rmsea.is_nan());
        } else {
            assert!((found.rmsea - number(&case["rmsea_G2"])).abs() < FIT_TOLERANCE, "{}: {found:?}", case["id"]);
        }
    }
}

#[test]
fn golden_nearest_correlation() {
    let case = read("structure.json")["nearest_correlation"].clone();
    let matrix: Vec<f64> = case["input"].as_array().expect("rows").iter().flat_map(numbers).collect();
    let found = nearest_correlation(&matrix, 3, Method::Higham, 0.0).expect("a matrix");
    for (key, place) in [("a12", 1), ("a13", 2), ("a23", 5)] {
        let expected = number(&case["nearest_offdiag"][key]);
        assert!((found.matrix[place] - expected).abs() < 1e-10, "{key}: {} instead of {expected}", found.matrix[place]);
    }
    assert!(found.converged && found.changed);
    assert!((found.smallest_eigenvalue - (1.0 - 2.0_f64.sqrt())).abs() < 1e-14);
}

/// Even margins and 40 % of the answers in each of the two cells of the diagonal: phi = .6 whatever it is called, and
/// X2 / n = .36.
#[test]
fn two_binary_items() {
    let cells = [(0, 0, 40), (1, 1, 40), (0, 1, 10), (1, 0, 10)];
    let mut answers: Vec<u8> = cells.iter().flat_map(|&(a, b, n)| [a, b].repeat(n)).collect();
    answers.extend([0, MISSING, MISSING, 1]);
    let codes = Codes::from_rows(&answers, 102, &[2, 2]).expect("codes");
    let numbers: Vec<f64> = answers.iter().map(|&a| if a == MISSING { f64::NAN } else { f64::from(a) }).collect();
    let values = Values::from_rows(&numbers, 102, 2).expect("values");
    let se = (0.64_f64 / 100.0).sqrt();
    for found in [pearson_pairs(&values, &unweighted(102)), spearman_pairs(&codes, &unweighted(102))] {
        let found = found.expect("same rows")[0];
        assert!((found.value - 0.6).abs() < 1e-15 && (found.se - se).abs() < 1e-15, "{found:?}");
        assert!((found.respondents - 100.0).abs() + (found.effective - 100.0).abs() < 1e-9, "{found:?}");
    }
    let v = cramer_v_pairs(&codes, &unweighted(102)).expect("same rows")[0];
    assert!((v.value - ((0.36 - 1.0 / 99.0) / (1.0 - 1.0 / 99.0_f64)).sqrt()).abs() < 1e-14, "{v:?}");
    let fit = polychoric_fit_pairs(&codes, &unweighted(102), ZeroCells::KeepMargins).expect("same rows")[0];
    assert!((fit.fit.rho - (0.3 * std::f64::consts::PI).sin()).abs() < 1e-12, "{fit:?}");
    assert!(fit.goodness.df == 0 && fit.goodness.rmsea.is_nan() && fit.goodness.g2 < 1e-11, "{fit:?}");
}

/// One respondent outweighs all others by more than a number can hold.
#[test]
fn weights_of_any_size() {
    let weights = [1e300, 1e-300, f64::MIN_POSITIVE * f64::EPSILON, 2e307, 1e-300, 0.0];
    let numbers = [1.0, 2.0, 2.0, 1.0, 3.0, 5.0, 4.0, 4.0, 5.0, 3.0, 6.0, 6.0];
    let answers = [0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 0];
    let sample = Replicates::new(6, Some(&weights), Factors::Once).expect("weights");
    let values = Values::from_rows(&numbers, 6, 2).expect("values");
    let codes = Codes::from_rows(&answers, 6, &[2, 2]).expect("codes");
    for found in [
        pearson_pairs(&values, &sample),
        spearman_pairs(&codes, &sample),
        cramer_v_pairs(&codes, &sample),
        polyserial_pairs(&values, &codes, &sample),
    ] {
        for found in found.expect("same rows") {
            assert!((found.respondents - 5.0).abs() < 0.5 && (1.0..=2.0).contains(&found.effective), "{found:?}");
            assert!(found.value.is_nan() == (found.status == Status::Degenerate), "{found:?}");
        }
    }
}

#[test]
fn numbers_of_any_size() {
    let numbers = [1e308, -5e-324, -1.7e308, 5e-324, 0.0, 0.0, 1e308, 5e-324, f64::NAN, 1.0];
    let values = Values::from_rows(&numbers, 5, 2).expect("values");
    let found = pearson_pairs(&values, &unweighted(5)).expect("same rows")[0];
    assert_eq!(found.status, Status::Ok);
    assert!(found.value.abs() < 1.0 && found.se > 0.0, "{found:?}");
}

#[test]
fn matrices_that_are_none() {
    let error = |matrix: &[f64]| nearest_correlation(matrix, 2, Method::Clip, 1e-4).expect_err("no correlation matrix");
    for (matrix, row, column) in [
        ([1.0, f64::NAN, f64::NAN, 1.0], 0, 1),
        ([1.0, 0.5, 0.4, 1.0], 0, 1),
        ([1.0, 0.5, 0.5, 0.9], 1, 1),
        ([1.0, 1.1, 1.1, 1.0], 0, 1),
    ] {
        let found = error(&matrix);
        assert!(matches!(found, Error::Entry { row: a, column: b, .. } if (a, b) == (row, column)), "{found}");
    }
    assert!(matches!(error(&[1.0; 3]), Error::Length { found: 3, expected: 4, .. }));
}

/// A symmetric matrix of any scale, with entries that are 0 and rows that repeat.
fn symmetric() -> impl Strategy<Value = (Vec<f64>, usize)> {
    (1..=12_usize, -60..60_i32).prop_flat_map(|(order, scale)| {
        let entry = prop_oneof![3 => -1.0..1.0_f64, 1 => Just(0.0), 1 => Just(1.0)];
        proptest::collection::vec(entry, order * order).prop_map(move |mut matrix| {
            for place in 0..order * order {
                let (a, b) = (place / order, place % order);
                matrix[place] = if a > b { matrix[b * order + a] } else { matrix[place] * 10.0_f64.powi(scale) };
            }
            (matrix, order)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn eigenvectors_are_orthonormal_and_make_the_matrix((matrix, order) in symmetric()) {
        let eigen = Eigen::new(&matrix, order);
        let norm = matrix.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
        for a in 0..order {
            for b in 0..order {
                let dot: f64 = (0..order).map(|k| eigen.vectors[a * order + k] * eigen.vectors[b * order + k]).sum();
                prop_assert!((dot - f64::from(u8::from(a == b))).abs() < 1e-13);
                let entry: f64 = eigen.pairs().map(|(value, vector)| value * vector[a] * vector[b]).sum();
                prop_assert!((entry - matrix[a * order + b]).abs() <= 1e-13 * norm);
            }
        }
    }
}
