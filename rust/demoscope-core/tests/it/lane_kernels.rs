//! The parts of the fast path against the plain sums and functions that they stand for.

use demoscope_core::bivariate::Bivariate;
use demoscope_core::codes::{Codes, MISSING};
use demoscope_core::contingency::{complete_cells, count_pair};
use demoscope_core::cpu::{Arch, Cpu, Kernel};
use demoscope_core::hermite::{self, MOST_TERMS, terms_for, truncation};
use demoscope_core::lane_counts::{Copies, GROUPS, Sorted, WIDTH};
use demoscope_core::lane_fit::{LaneWorkspace, Method, Problem, QUADRATURE_REACH};
use demoscope_core::lane_margin::LaneMargin;
use demoscope_core::lanes::{LANES, Lanes};
use demoscope_core::normal;
use demoscope_core::planes::Planes;
use demoscope_core::polychoric::{Thresholds, Workspace};
use demoscope_core::zero_cells::ZeroCells;
use proptest::prelude::*;

use crate::lanes::{Random, SAME, config};

/// Rounding of a distribution function that is summed from terms of order 1.
const ROUNDING: f64 = 2e-15;

fn u8_below(random: &mut Random, limit: usize) -> u8 {
    u8::try_from(random.below(limit)).expect("below 256")
}

/// Codes of an item inside a column, where the number of categories stands for a missing answer.
fn column(random: &mut Random, rows: usize, categories: usize) -> Vec<u8> {
    // Most answers in one category.
    (0..rows).map(|_| if random.unit() < 0.6 { 0 } else { u8_below(random, categories + 1) }).collect()
}

fn copies(random: &mut Random, rows: usize, largest: u8) -> Vec<Copies> {
    let mut one = || {
        if random.unit() < 0.3 { largest } else { u8_below(random, usize::from(largest) + 1) }
    };
    (0..rows).map(|_| std::array::from_fn(|_| one())).collect()
}

fn check_counts(first: &[u8], second: &[u8], sizes: (usize, usize), copies: &[Copies], largest: u8) {
    let (rows, cols) = sizes;
    let sorted = Sorted::by_pair(first, second, rows, cols);
    let cells = rows * cols;
    let mut expected = vec![0_u64; WIDTH * cells];
    for ((&a, &b), copies) in first.iter().zip(second).zip(copies) {
        if usize::from(a) < rows && usize::from(b) < cols {
            for (lane, &count) in copies.iter().enumerate() {
                expected[lane * cells + usize::from(a) * cols + usize::from(b)] += u64::from(count);
            }
        }
    }
    let complete = first.iter().zip(second).filter(|(a, b)| usize::from(**a) < rows && usize::from(**b) < cols);
    assert_eq!((sorted.cells(), sorted.len()), (cells, complete.count()));
    for &cpu in Cpu::available() {
        let mut totals = vec![Lanes::splat(-1.0); GROUPS * cells];
        sorted.count(cpu, copies, largest, &mut totals);
        for (place, &expected) in expected.iter().enumerate() {
            let (lane, cell) = (place / cells, place % cells);
            let found = totals[lane / LANES * cells + cell].0[lane % LANES];
            assert_eq!(found.to_bits(), (expected as f64).to_bits(), "{}, lane {lane}, cell {cell}", cpu.name());
        }
    }
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn counts_are_plain_sums(
        rows in 0..2000_usize, sizes in (1..8_usize, 1..8_usize), largest in 1..=255_u8, seed in any::<u64>()
    ) {
        let mut random = Random::new(seed);
        let (first, second) = (column(&mut random, rows, sizes.0), column(&mut random, rows, sizes.1));
        let copies = copies(&mut random, rows, largest);
        check_counts(&first, &second, sizes, &copies, largest);
    }

    #[test]
    fn sums_are_plain_sums(rows in 0..2000_usize, categories in 1..12_usize, seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let codes = column(&mut random, rows, categories);
        let weights: Vec<Lanes> = (0..rows).map(|_| Lanes(std::array::from_fn(|_| random.unit()))).collect();
        let sorted = Sorted::by_item(&codes, categories);
        for &cpu in Cpu::available() {
            let mut totals = vec![Lanes::splat(-1.0); categories];
            sorted.sum(cpu, &weights, &mut totals);
            for (category, total) in totals.iter().enumerate() {
                for (lane, &found) in total.0.iter().enumerate() {
                    let own = codes.iter().zip(&weights).filter(|(code, _)| usize::from(**code) == category);
                    let expected: f64 = own.map(|(_, weights)| weights.0[lane]).sum();
                    prop_assert!((found - expected).abs() <= 1e-12 * expected, "{} is not {}", found, expected);
                }
            }
        }
    }

    #[test]
    fn planes_count_pairs(rows in 0..600_usize, sizes in (1..=16_usize, 1..=16_usize), seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let (first, second) = (column(&mut random, rows, sizes.0), column(&mut random, rows, sizes.1));
        let stored = |code: u8, categories: usize| if usize::from(code) < categories { code } else { MISSING };
        let answers: Vec<u8> =
            first.iter().zip(&second).flat_map(|(&a, &b)| [stored(a, sizes.0), stored(b, sizes.1)]).collect();
        let codes = Codes::from_rows(&answers, rows, &[sizes.0, sizes.1]).expect("codes");
        let planes = Planes::new(&codes);
        let mut counts = vec![0.0; (sizes.0 + 1) * (sizes.1 + 1)];
        count_pair(codes.column(0), codes.column(1), &vec![1.0; rows], sizes.1 + 1, &mut counts);
        let mut expected = vec![0.0; sizes.0 * sizes.1];
        complete_cells(&counts, sizes.0, sizes.1, &mut expected);
        for &cpu in Cpu::available() {
            let mut found = vec![-1.0; sizes.0 * sizes.1];
            planes.count(cpu, 0, 1, &mut found);
            prop_assert_eq!(&found, &expected, "{}", cpu.name());
        }
    }

    #[test]
    fn the_series_is_the_distribution_function(
        h in -9.0..9.0_f64, k in -9.0..9.0_f64, rho in -0.95..0.95_f64, digits in 3..14_i32
    ) {
        let error = 10_f64.powi(-digits);
        if let Some(terms) = terms_for(rho, error) {
            let bound = truncation(rho, terms);
            prop_assert!(bound <= error * (1.0 + 1e-9), "{} terms: {} is above {}", terms, bound, error);
            prop_assert!(terms == 0 || truncation(rho, terms - 1) > error * (1.0 - 1e-9), "{} terms too many", terms);
            let expected = Bivariate::new(rho).cdf(h, k, normal::cdf(h), normal::cdf(k));
            for &cpu in Cpu::available() {
                let psi = [h, k].map(|threshold| cpu.run(Psi(threshold)));
                let mut power = rho;
                let mut found = normal::cdf(h) * normal::cdf(k);
                for (m, (first, second)) in psi[0].iter().zip(&psi[1]).enumerate().take(terms) {
                    found += power / (m + 1) as f64 * first.0[3] * second.0[3];
                    power *= rho;
                }
                prop_assert!((found - expected).abs() <= bound + ROUNDING, "{}: {} is not {}", cpu.name(), found, expected);
            }
        }
    }

    #[test]
    fn exponentials(x in -745.0..700.0_f64) {
        check_exponential(x)?;
    }

    /// Eight tables of one shape, by series and by quadrature, against the scalar search.
    #[test]
    fn certified_fits_are_those_of_the_scalar_search(
        rows in 2..=7_usize, cols in 2..=7_usize, loading in 0.0..0.99_f64, skew in 0.0..1.5_f64,
        terms in prop_oneof![Just(None), (4..=MOST_TERMS).prop_map(Some)], seed in any::<u64>()
    ) {
        let mut random = Random::new(seed);
        let mut scalar = Workspace::default();
        let mut counts = vec![Lanes::default(); rows * cols];
        let (mut row, mut col) = (LaneMargin::default(), LaneMargin::default());
        row.reset(rows);
        col.reset(cols);
        let mut tables = Vec::new();
        for lane in 0..LANES {
            let answers = random.answers(300, &[rows, cols], loading, skew);
            let mut table = vec![0.0; rows * cols];
            answers.chunks_exact(2).for_each(|pair| table[usize::from(pair[0]) * cols + usize::from(pair[1])] += 1.0);
            counts.iter_mut().zip(&table).for_each(|(count, &own)| count.0[lane] = own / 300.0);
            let total = |a: usize, b: usize| table[a * cols + b];
            let row_totals: Vec<f64> = (0..rows).map(|a| (0..cols).map(|b| total(a, b)).sum()).collect();
            let col_totals: Vec<f64> = (0..cols).map(|b| (0..rows).map(|a| total(a, b)).sum()).collect();
            row.set_lane(lane, &Thresholds::new(&row_totals));
            col.set_lane(lane, &Thresholds::new(&col_totals));
            tables.push(table);
        }
        for &cpu in Cpu::available() {
            let method = terms.map_or_else(|| Method::quadrature(QUADRATURE_REACH), Method::Series);
            row.fill(cpu, terms.unwrap_or(0));
            col.fill(cpu, terms.unwrap_or(0));
            let start = Lanes::splat(-(loading * loading).min(QUADRATURE_REACH - 0.01));
            let active = Lanes(std::array::from_fn(|lane| f64::from(u8::from(lane != 5))));
            let (row, col) = (row.view(), col.view());
            let problem = Problem { counts: &counts, row, col, method, start, active, tolerance: 1e-9, noise: 1e-9 };
            let solution = LaneWorkspace::default().fit(cpu, &problem);
            prop_assert!(!solution.certified[5], "nobody asked for it");
            for (lane, table) in tables.iter().enumerate().filter(|(lane, _)| solution.certified[*lane]) {
                let start = Some(start.0[lane]);
                let expected = scalar.fit(&mut table.clone(), cols, None, ZeroCells::None, start, || 300.0);
                let found = solution.rho.0[lane];
                prop_assert!((found - expected.rho).abs() <= SAME, "{}: {} is not {:?}", cpu.name(), found, expected);
            }
        }
    }
}

/// The widening from bytes to 16 and to 32 bits is crossed, with remainders on the way.
#[test]
fn long_cells_are_counted_without_overflow() {
    let mut random = Random::new(9);
    for (rows, largest) in [(1100, 255), (5000, 255), (70_003, 1), (66_000, 3), (33_001, 100)] {
        let copies = vec![[largest; WIDTH]; rows];
        check_counts(&vec![0; rows], &vec![0; rows], (1, 1), &copies, largest);
        let (first, second) = (column(&mut random, rows, 2), column(&mut random, rows, 2));
        check_counts(&first, &second, (2, 2), &copies, largest);
    }
}

struct Psi(f64);

impl Kernel for Psi {
    type Output = Vec<Lanes>;

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]
    fn run<A: Arch>(self) -> Vec<Lanes> {
        let mut psi = vec![Lanes::default(); MOST_TERMS];
        hermite::fill::<A>(Lanes::splat(self.0), &mut psi);
        psi
    }
}

struct Exp(Lanes);

impl Kernel for Exp {
    type Output = Lanes;

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]
    fn run<A: Arch>(self) -> Lanes {
        self.0.exp::<A>()
    }
}

fn check_exponential(x: f64) -> Result<(), TestCaseError> {
    for &cpu in Cpu::available() {
        for found in cpu.run(Exp(Lanes::splat(x))).0 {
            let expected = if x > -700.0 { x.exp() } else { 0.0 };
            prop_assert!((found - expected).abs() <= 1e-15 * expected, "{}: exp({}) = {}", cpu.name(), x, found);
        }
    }
    Ok(())
}

#[test]
fn exponentials_near_multiples_of_half_a_logarithm() {
    for half in -2020..2020 {
        let x = f64::from(half) * 0.5 * std::f64::consts::LN_2;
        for x in [x, x + 1e-9, x - 1e-9] {
            check_exponential(x).expect("close");
        }
    }
    for x in [0.0, -0.0, 700.0, -700.0, -699.999_999, -745.0, -1e300, f64::NEG_INFINITY] {
        check_exponential(x).expect("close");
    }
}
