//! Laws of the estimator and of the divergences over random input.

use demoscope_core::divergence::{NAMES, divergences};
use demoscope_core::estimate::{TableEstimate, estimate_table};
use demoscope_core::normal;
use demoscope_core::polychoric::{Status, flag};
use demoscope_core::zero_cells::ZeroCells;
use proptest::prelude::*;

/// Two searches for the same root end within this.
const SAME: f64 = 1e-8;

#[derive(Debug, Clone)]
struct Table {
    counts: Vec<f64>,
    rows: usize,
    cols: usize,
}

impl Table {
    fn estimate(&self, policy: ZeroCells) -> TableEstimate {
        estimate_table(&self.counts, self.cols, policy).expect("counts are valid")
    }

    fn at(&self, a: usize, b: usize) -> f64 {
        self.counts[a * self.cols + b]
    }

    fn build(rows: usize, cols: usize, cell: impl Fn(usize, usize) -> f64) -> Self {
        let counts = (0..rows * cols).map(|place| cell(place / cols, place % cols)).collect();
        Self { counts, rows, cols }
    }
}

fn table(most: usize, cells: std::ops::Range<u32>) -> impl Strategy<Value = Table> {
    (2..=most, 2..=most).prop_flat_map(move |(rows, cols)| {
        proptest::collection::vec(cells.clone(), rows * cols).prop_map(move |counts| Table {
            counts: counts.into_iter().map(f64::from).collect(),
            rows,
            cols,
        })
    })
}

/// Tables with many empty cells, so that boundary and degenerate ones are among them.
fn sparse() -> impl Strategy<Value = Table> {
    (table(5, 0..40), proptest::collection::vec(any::<bool>(), 25)).prop_map(|(mut table, kept)| {
        table.counts.iter_mut().zip(kept).for_each(|(count, kept)| *count *= f64::from(u8::from(kept)));
        table
    })
}

fn policy() -> impl Strategy<Value = ZeroCells> {
    prop_oneof![
        Just(ZeroCells::KeepMargins),
        Just(ZeroCells::AddHalf),
        Just(ZeroCells::AddHalfAll),
        Just(ZeroCells::OneOverN),
        Just(ZeroCells::None)
    ]
}

/// Standard errors of the same fit.
fn same_size(found: f64, expected: f64) -> bool {
    (found.is_nan() && expected.is_nan()) || (found / expected - 1.0).abs() <= 1e-6
}

fn assert_same(found: &TableEstimate, expected: &TableEstimate, sign: f64) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.fit.status, expected.fit.status);
    prop_assert_eq!(found.fit.flags, expected.fit.flags);
    let (found, expected) = (found.fit.rho, sign * expected.fit.rho);
    prop_assert!(
        (found.is_nan() && expected.is_nan()) || (found - expected).abs() <= SAME,
        "{} is not {}",
        found,
        expected
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_table_has_a_status(table in sparse(), policy in policy()) {
        let found = table.estimate(policy);
        match found.fit.status {
            Status::Ok => {
                prop_assert!(found.fit.rho.abs() < 1.0 && found.loglik.is_finite());
                prop_assert!(found.fit.flags & flag::CLIPPED > 0 || found.se > 0.0, "{:?}", found);
            }
            Status::Boundary => prop_assert!((found.fit.rho.abs() - 1.0).abs() == 0.0 && found.se.is_nan()),
            Status::Degenerate => prop_assert!(found.fit.rho.is_nan() && found.se.is_nan()),
            Status::NotConverged | Status::Excluded => prop_assert!(false, "{:?}", found),
        }
    }

    #[test]
    fn transposition_keeps_rho(table in sparse(), policy in policy()) {
        let transposed = Table::build(table.cols, table.rows, |a, b| table.at(b, a));
        assert_same(&transposed.estimate(policy), &table.estimate(policy), 1.0)?;
    }

    #[test]
    fn reversed_categories_flip_the_sign(table in sparse(), policy in policy()) {
        let reversed = Table::build(table.rows, table.cols, |a, b| table.at(table.rows - 1 - a, b));
        assert_same(&reversed.estimate(policy), &table.estimate(policy), -1.0)?;
    }

    #[test]
    fn an_unused_category_changes_nothing(table in sparse(), policy in policy(), at in 0..6_usize) {
        let at = at.min(table.rows);
        let wider = Table::build(table.rows + 1, table.cols, |a, b| match a.cmp(&at) {
            std::cmp::Ordering::Less => table.at(a, b),
            std::cmp::Ordering::Equal => 0.0,
            std::cmp::Ordering::Greater => table.at(a - 1, b),
        });
        let (wide, narrow) = (wider.estimate(policy), table.estimate(policy));
        assert_same(&wide, &narrow, 1.0)?;
        prop_assert!(same_size(wide.se, narrow.se));
        prop_assert_eq!(wide.row_thresholds.len(), narrow.row_thresholds.len());
    }

    #[test]
    fn scaled_weights_keep_rho(table in sparse(), scale in 0.01..100.0_f64) {
        let scaled = Table::build(table.rows, table.cols, |a, b| scale * table.at(a, b));
        let (mut found, expected) = (scaled.estimate(ZeroCells::None), table.estimate(ZeroCells::None));
        // Scaling changes how many respondents the table stands for, and nothing else.
        found.fit.flags = found.fit.flags & !flag::FEW | expected.fit.flags & flag::FEW;
        assert_same(&found, &expected, 1.0)?;
        prop_assert!(same_size(found.se * scale.sqrt(), expected.se));
    }

    #[test]
    fn independent_items_have_no_correlation(
        rows in proptest::collection::vec(1..50_u32, 2..6),
        cols in proptest::collection::vec(1..50_u32, 2..6),
    ) {
        let product = Table::build(rows.len(), cols.len(), |a, b| f64::from(rows[a] * cols[b]));
        let found = product.estimate(ZeroCells::None);
        prop_assert!(found.fit.rho.abs() < 1e-10, "{}", found.fit.rho);
    }

    #[test]
    fn mass_moved_to_the_diagonal_raises_rho(table in table(5, 2..40), a in 0..4_usize, b in 0..4_usize) {
        let (a, b) = (a % (table.rows - 1), b % (table.cols - 1));
        let moved = Table::build(table.rows, table.cols, |row, col| {
            let sign = match (row == a || row == a + 1, col == b || col == b + 1) {
                (true, true) if (row == a) == (col == b) => 1.0,
                (true, true) => -1.0,
                _ => 0.0,
            };
            table.at(row, col) + sign
        });
        let (before, after) = (table.estimate(ZeroCells::None).fit.rho, moved.estimate(ZeroCells::None).fit.rho);
        prop_assert!(after > before, "{} after {}", after, before);
    }

    #[test]
    fn quantiles_invert_the_distribution_function(x in -8.0..8.0_f64) {
        let tail = normal::cdf(-x.abs());
        prop_assert!((normal::quantile(tail) + x.abs()).abs() < 1e-13 * x.abs().max(1.0), "{}", x);
    }

    #[test]
    fn divergences_obey_their_bounds(
        cells in proptest::collection::vec((0..50_u32, 0..50_u32), 2..8).prop_filter("both sides answer", |cells| {
            cells.iter().any(|cell| cell.0 > 0) && cells.iter().any(|cell| cell.1 > 0)
        })
    ) {
        let human: Vec<f64> = cells.iter().map(|cell| f64::from(cell.0)).collect();
        let model: Vec<f64> = cells.iter().map(|cell| f64::from(cell.1)).collect();
        let scores: Vec<f64> = (1_u32..).take(cells.len()).map(f64::from).collect();
        let measure = |p: &[f64], q: &[f64], scores: &[f64]| {
            let values = divergences(p, q, scores, &[p.iter().sum()], &[q.iter().sum()]).expect("valid");
            move |name: &str| values[NAMES.iter().position(|known| *known == name).expect("a name")]
        };
        let found = measure(&human, &model, &scores);
        let swapped = measure(&model, &human, &scores);
        let same = measure(&human, &human, &scores);
        for name in ["tv", "w1_norm", "cramer_sq_norm", "js_div_bits", "js_dist_base2", "hellinger", "chi2_sym", "ks"] {
            prop_assert!((-1e-15..=1.0 + 1e-12).contains(&found(name)), "{} = {}", name, found(name));
            prop_assert!((found(name) - swapped(name)).abs() < 1e-12, "{} is not symmetric", name);
            // Square roots of rounding.
            prop_assert!(same(name).abs() < 1e-7, "{} of a distribution with itself is {}", name, same(name));
        }
        prop_assert!(found("w1_norm") + 1e-12 >= found("mean_shift_norm").abs());
        prop_assert!(found("tv") + 1e-12 >= found("w1_norm"));
        prop_assert!(found("cramer_sq_norm") <= found("w1_norm") + 1e-12);
        let unbiased = found("cramer_sq_norm_unbiased");
        prop_assert!(unbiased <= found("cramer_sq_norm") || unbiased.is_nan());
        // Merging the first two categories.
        if cells.len() > 2 {
            let merge = |counts: &[f64]| {
                let mut merged = counts[1..].to_vec();
                merged[0] += counts[0];
                merged
            };
            let merged = measure(&merge(&human), &merge(&model), &scores[1..]);
            for name in ["tv", "hellinger", "kl_pq_nats"] {
                prop_assert!(merged(name) <= found(name) + 1e-12, "{} grew by merging", name);
            }
        }
    }
}
