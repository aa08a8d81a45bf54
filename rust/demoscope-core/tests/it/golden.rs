//! Golden values of `tests/reference/golden`, computed with 40 digits by an independent program.

use std::path::Path;

use demoscope_core::bivariate::Bivariate;
use demoscope_core::estimate::estimate_table;
use demoscope_core::normal;
use demoscope_core::polychoric::Status;
use demoscope_core::zero_cells::ZeroCells;
use serde_json::Value;

/// Absolute error of the distribution function.
const CDF_TOLERANCE: f64 = 2e-15;
/// Relative error of a rectangle of tiny probability.
const RECTANGLE_TOLERANCE: f64 = 1e-12;
/// Relative error of standard errors and the log-likelihood, absolute error of thresholds.
const FIT_TOLERANCE: f64 = 1e-10;

pub fn golden() -> Value {
    read("polychoric.json")
}

pub fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/golden").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).expect("the golden file is part of the repository"))
        .expect("JSON")
}

pub fn number(value: &Value) -> f64 {
    value.as_str().map_or_else(|| value.as_f64().expect("a number"), |text| text.parse().expect("a number"))
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().expect("a list")
}

#[test]
fn bivariate_normal_distribution_function() {
    let golden = golden();
    for case in list(&golden, "bivariate_normal_cdf") {
        let [h, k, rho, cdf, pdf] = ["h", "k", "rho", "cdf", "pdf"].map(|key| number(&case[key]));
        let normal = Bivariate::new(rho);
        let found = normal.cdf(h, k, normal::cdf(h), normal::cdf(k));
        assert!((found - cdf).abs() < CDF_TOLERANCE, "cdf({h}, {k}; {rho}) = {found}, not {cdf}");
        let density = normal.pdf(h, k);
        assert!((density - pdf).abs() <= 1e-12 * pdf, "pdf({h}, {k}; {rho}) = {density}, not {pdf}");
        // Smaller golden values have an absolute accuracy only: those below 1e-46 are off by 1e-4 and more.
        if (1e-46..1e-7).contains(&cdf) {
            let low = (f64::NEG_INFINITY, f64::NEG_INFINITY);
            let tail = normal.rectangle(low, (h, k));
            assert!((tail / cdf - 1.0).abs() < 1e-10, "lower tail ({h}, {k}; {rho}) = {tail}, not {cdf}");
        }
    }
}

#[test]
fn bivariate_normal_rectangles() {
    let golden = golden();
    for case in list(&golden, "bivariate_normal_rectangles") {
        let [a0, a1, b0, b1, rho, expected] = ["a0", "a1", "b0", "b1", "rho", "prob"].map(|key| number(&case[key]));
        let found = Bivariate::new(rho).rectangle((a0, b0), (a1, b1));
        assert!(
            (found / expected - 1.0).abs() < RECTANGLE_TOLERANCE,
            "({a0}, {a1}) x ({b0}, {b1}), rho {rho}: {found}, not {expected}"
        );
    }
}

#[test]
fn slopes_of_underflowing_rectangles() {
    // At probabilities from 1e-80 down the leading term, from the nearest point, is good to a few percent.
    for (low, high, rho) in
        [((3.0, -3.5), (3.5, -3.0), 0.95), ((-14.0, 13.5), (-13.0, 14.0), 0.3), ((2.0, 2.0), (2.5, 3.0), -0.99)]
    {
        let log_probability = |rho: f64| Bivariate::new(rho).rectangle(low, high).ln();
        let step = 1e-4 * (1.0 - f64::abs(rho));
        let (up, down, middle) = (log_probability(rho + step), log_probability(rho - step), log_probability(rho));
        let (slope, curvature) = Bivariate::new(rho).far_log_slopes(low, high);
        assert!((slope / ((up - down) / (2.0 * step)) - 1.0).abs() < 0.05, "slope {slope}");
        assert!((curvature / ((up - 2.0 * middle + down) / (step * step)) - 1.0).abs() < 0.1, "curvature {curvature}");
    }
}

#[test]
fn two_step_estimates() {
    let golden = golden();
    for case in list(&golden, "cases") {
        let id = case["id"].as_str().expect("an id");
        let rows = list(case, "table");
        let table: Vec<f64> = rows.iter().flat_map(numbers).collect();
        let found = estimate_table(&table, table.len() / rows.len(), ZeroCells::None).expect("a table");
        if let Some(boundary) = case["boundary"].as_f64() {
            assert_eq!((found.fit.status, found.fit.rho), (Status::Boundary, boundary), "{id}");
            assert!(found.se.is_nan(), "{id}");
            continue;
        }
        assert_eq!(found.fit.status, Status::Ok, "{id}");
        let (rho, tolerance) = (number(&case["rho"]), number(&case["suggested_abs_tol_f64_rho"]));
        assert!((found.fit.rho - rho).abs() <= tolerance, "{id}: rho {}, not {rho}", found.fit.rho);
        let se = number(&case["se_twostep_delta_observed"]);
        assert!((found.se / se - 1.0).abs() < FIT_TOLERANCE, "{id}: se {}, not {se}", found.se);
        let loglik = number(&case["loglik"]);
        assert!((found.loglik / loglik - 1.0).abs() < FIT_TOLERANCE, "{id}: loglik {}, not {loglik}", found.loglik);
        for (key, thresholds) in [("row_thresholds", &found.row_thresholds), ("col_thresholds", &found.col_thresholds)]
        {
            let expected = numbers(&case[key]);
            assert_eq!(thresholds.len(), expected.len(), "{id}");
            for (found, expected) in thresholds.iter().zip(expected) {
                assert!((found - expected).abs() < FIT_TOLERANCE, "{id}: threshold {found}, not {expected}");
            }
        }
    }
}

#[test]
fn empty_cells_are_corrected_with_margins_kept() {
    let golden = golden();
    let case = |id: &str| list(&golden, "cases").iter().find(|case| case["id"] == id).expect("a case").clone();
    for (counts, policy, id) in [
        ([10.0, 0.0, 5.0, 85.0], ZeroCells::KeepMargins, "zero_2x2_half_keep_margins"),
        ([10.0, 0.0, 5.0, 85.0], ZeroCells::AddHalf, "zero_2x2_half_add_only"),
        ([44268.0, 193.0, 14.0, 0.0], ZeroCells::KeepMargins, "rare_2x2_psych_2_zero_keep_margins"),
        ([44268.0, 193.0, 14.0, 0.0], ZeroCells::AddHalf, "rare_2x2_psych_2_zero_plus_half"),
        ([62503.0, 105.0, 768.0, 0.0], ZeroCells::AddHalfAll, "rare_2x2_psych_3_zero_plus_half"),
    ] {
        let found = estimate_table(&counts, 2, policy).expect("a table");
        let rho = number(&case(id)["rho"]);
        assert!((found.fit.rho - rho).abs() < 1e-9, "{id}: {} instead of {rho}", found.fit.rho);
    }
}
