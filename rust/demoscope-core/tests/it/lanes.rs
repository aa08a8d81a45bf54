//! The fast path against its slow twin: the same status and flags, and rho within [`SAME`], for every survey.

use std::sync::atomic::AtomicBool;

use demoscope_core::bootstrap::fit_replicates;
use demoscope_core::codes::{Codes, MISSING};
use demoscope_core::correlation::{Margins, Outcomes, Path, Settings, Tables, count_replicates};
use demoscope_core::cpu::Cpu;
use demoscope_core::demographic::Demographic;
use demoscope_core::error::Error;
use demoscope_core::exact::Exact;
use demoscope_core::normal;
use demoscope_core::polychoric::Status;
use demoscope_core::random::{generator, poisson, unit};
use demoscope_core::sampled::Sampled;
use demoscope_core::weights::{Factors, Replicates};
use demoscope_core::zero_cells::ZeroCells;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Largest difference of rho between the two paths.
pub const SAME: f64 = 1e-7;

pub struct Random(ChaCha8Rng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(generator(seed, "lanes"))
    }

    pub fn unit(&mut self) -> f64 {
        unit(self.0.next_u64())
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.0.next_u64() % limit as u64).expect("below a usize")
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    fn normal(&mut self) -> f64 {
        normal::quantile(self.unit().clamp(1e-12, 1.0 - 1e-12))
    }

    /// Poisson multiplicities, (replicate, respondent).
    pub fn multiplicities(&mut self, size: usize) -> Vec<u16> {
        (0..size).map(|_| poisson(self.unit())).collect()
    }

    /// Answers (respondent, item) that one factor is behind; `skew` moves the thresholds away from the middle.
    pub fn answers(&mut self, rows: usize, categories: &[usize], loading: f64, skew: f64) -> Vec<u8> {
        let cuts: Vec<Vec<f64>> = categories
            .iter()
            .map(|&k| {
                let shift = skew * (2.0 * self.unit() - 1.0);
                (1..k).map(|cut| normal::quantile(cut as f64 / k as f64) + shift).collect()
            })
            .collect();
        let noise = (1.0 - loading * loading).sqrt();
        let mut answers = Vec::with_capacity(rows * categories.len());
        for _ in 0..rows {
            let factor = self.normal();
            for (item, cuts) in cuts.iter().enumerate() {
                let sign = if item == 1 { -1.0 } else { 1.0 };
                let latent = sign * loading * factor + noise * self.normal();
                answers.push(u8::try_from(cuts.iter().filter(|&&cut| cut < latent).count()).expect("few categories"));
            }
        }
        answers
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Weighting {
    None,
    Uniform,
    /// Exponentials of normal numbers, some of them 0.
    Tailed,
    /// 1e-300, 1e300, 0 and numbers between.
    Extreme,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Drawing {
    Once,
    Poisson,
    /// Some respondents are drawn several hundred times.
    Many,
    /// A replicate holds three respondents at most.
    Three,
    Exponential,
    /// 0 or a number of any size.
    Tailed,
}

/// What a survey is made from; shrinks towards few respondents and plain weights.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each switches one oddity on")]
struct Plan {
    rows: usize,
    categories: Vec<usize>,
    replicates: usize,
    loading: f64,
    skew: f64,
    missing: f64,
    weighting: Weighting,
    drawing: Drawing,
    /// Item without any answer, with one answer for all, and pair of items with few complete respondents, if any.
    silent: bool,
    constant: bool,
    nearly_disjoint: bool,
    mask: bool,
    margins: Margins,
    zero_cells: ZeroCells,
    seed: u64,
}

fn plans() -> impl Strategy<Value = Plan> {
    let shape = (1..=400_usize, proptest::collection::vec(2..=11_usize, 2..=4), 0..=75_usize);
    let data = (0.0..0.99_f64, prop_oneof![Just(0.0), 0.0..2.5_f64], prop_oneof![Just(0.0), 0.0..0.6_f64]);
    let weighting =
        prop_oneof![Just(Weighting::None), Just(Weighting::Uniform), Just(Weighting::Tailed), Just(Weighting::Extreme)];
    let drawing = prop_oneof![
        4 => Just(Drawing::Poisson),
        1 => Just(Drawing::Once),
        1 => Just(Drawing::Many),
        1 => Just(Drawing::Three),
        2 => Just(Drawing::Exponential),
        1 => Just(Drawing::Tailed),
    ];
    let rare = || prop_oneof![5 => Just(false), 1 => Just(true)];
    let margins = prop_oneof![Just(Margins::Item), Just(Margins::Pair)];
    let zero_cells = prop_oneof![
        Just(ZeroCells::KeepMargins),
        Just(ZeroCells::AddHalf),
        Just(ZeroCells::AddHalfAll),
        Just(ZeroCells::OneOverN),
        Just(ZeroCells::None)
    ];
    (shape, data, weighting, drawing, (rare(), rare(), rare(), rare()), margins, zero_cells, any::<u64>()).prop_map(
        |(shape, data, weighting, drawing, (silent, constant, nearly_disjoint, mask), margins, zero_cells, seed)| {
            let (rows, categories, replicates) = shape;
            let (loading, skew, missing) = data;
            Plan {
                rows,
                categories,
                replicates,
                loading,
                skew,
                missing,
                weighting,
                drawing,
                silent,
                constant,
                nearly_disjoint,
                mask,
                margins,
                zero_cells,
                seed,
            }
        },
    )
}

#[derive(Debug)]
struct Survey {
    rows: usize,
    categories: Vec<usize>,
    answers: Vec<u8>,
    weights: Option<Vec<f64>>,
    counts: Option<Vec<u16>>,
    factors: Option<Vec<f64>>,
    wanted: Option<Vec<bool>>,
    margins: Margins,
    zero_cells: ZeroCells,
    seed: u64,
}

impl Survey {
    fn new(plan: &Plan) -> Self {
        let Plan { rows, ref categories, replicates, .. } = *plan;
        let mut random = Random::new(plan.seed);
        let items = categories.len();
        let mut answers = random.answers(rows, categories, plan.loading, plan.skew);
        for (row, answers) in answers.chunks_exact_mut(items).enumerate() {
            for (item, answer) in answers.iter_mut().enumerate() {
                let last = item + 1 == items;
                if plan.constant && item == 0 {
                    *answer = 1;
                }
                let away = plan.nearly_disjoint && row >= 3 && item < 2 && row % 2 == item;
                if random.chance(plan.missing) || (plan.silent && last) || away {
                    *answer = MISSING;
                }
            }
        }
        let weights = (plan.weighting != Weighting::None)
            .then(|| (0..rows).map(|_| weight(&mut random, plan.weighting)).collect::<Vec<f64>>());
        let size = replicates * rows;
        let (mut counts, mut factors) = (None, None);
        match plan.drawing {
            Drawing::Once => {}
            Drawing::Poisson => counts = Some(random.multiplicities(size)),
            Drawing::Many => {
                let many = |count: u16, rare: bool| if rare { 250 * count } else { count };
                let draws = random.multiplicities(size);
                counts = Some(draws.into_iter().map(|count| many(count, random.chance(0.05))).collect());
            }
            Drawing::Three => {
                let mut three = vec![0; size];
                for replicate in three.chunks_exact_mut(rows) {
                    for _ in 0..3 {
                        replicate[random.below(rows)] += 1;
                    }
                }
                counts = Some(three);
            }
            Drawing::Exponential => factors = Some((0..size).map(|_| -(1.0 - random.unit()).ln()).collect()),
            Drawing::Tailed => factors = Some((0..size).map(|_| weight(&mut random, Weighting::Tailed)).collect()),
        }
        let pairs = items * (items - 1) / 2;
        let wanted = plan.mask.then(|| (0..pairs).map(|_| random.chance(0.6)).collect());
        let Plan { margins, zero_cells, seed, .. } = *plan;
        let categories = categories.clone();
        Self { rows, categories, answers, weights, counts, factors, wanted, margins, zero_cells, seed }
    }

    fn replicates(&self) -> Replicates<'_> {
        let factors = match (&self.counts, &self.factors) {
            (Some(counts), _) => Factors::Counts(counts),
            (None, Some(factors)) => Factors::Real(factors),
            (None, None) => Factors::Once,
        };
        Replicates::new(self.rows, self.weights.as_deref(), factors).expect("weights")
    }

    fn settings(&self) -> Settings<'_> {
        Settings {
            wanted: self.wanted.as_deref(),
            margins: self.margins,
            zero_cells: self.zero_cells,
            ..Settings::default()
        }
    }

    /// Exact probabilities of some profiles, some of them missing, and the profile of every persona.
    fn probabilities(&self, profiles: usize) -> (Vec<f64>, Vec<u32>) {
        let mut random = Random::new(self.seed ^ 1);
        let mut probabilities = Vec::new();
        for _ in 0..profiles {
            for &k in &self.categories {
                let masses: Vec<f64> = (0..k).map(|_| random.normal().exp().powi(2)).collect();
                let silent = random.chance(0.1);
                let total: f64 = masses.iter().sum();
                probabilities.extend(masses.iter().map(|mass| if silent { f64::NAN } else { mass / total }));
            }
        }
        let profile = (0..self.rows).map(|_| u32::try_from(random.below(profiles)).expect("few profiles")).collect();
        (probabilities, profile)
    }

    fn cells(&self) -> Vec<i64> {
        let mut random = Random::new(self.seed ^ 2);
        let cells = i64::try_from(1 + random.below(8)).expect("few cells");
        (0..self.rows).map(|_| i64::try_from(random.below(9)).expect("few cells").min(cells) - 1).collect()
    }
}

fn weight(random: &mut Random, weighting: Weighting) -> f64 {
    match weighting {
        Weighting::None => 1.0,
        Weighting::Uniform => 0.3 + 2.0 * random.unit(),
        Weighting::Tailed => {
            if random.chance(0.1) {
                0.0
            } else {
                (2.0 * random.normal()).exp()
            }
        }
        Weighting::Extreme => match random.below(40) {
            0 => 1e300,
            1 | 2 => 1e-300,
            3 => 0.0,
            _ if random.chance(0.5) => 1e299 * random.unit(),
            _ => 1e300 * random.unit(),
        },
    }
}

fn same(found: f64, expected: f64) -> bool {
    (found.is_nan() && expected.is_nan()) || (found - expected).abs() <= SAME
}

/// Status, flags and rho of all pairs and replicates by every instruction set and by the slow twin.
fn check<T: Tables>(tables: &T, settings: &Settings<'_>) -> Result<(), TestCaseError> {
    let run = |path: Path| fit_replicates(tables, &Settings { path, ..*settings }).expect("nobody stops it");
    let expected = run(Path::Scalar);
    for &cpu in Cpu::available() {
        let found = run(Path::Lanes(cpu));
        for place in 0..expected.rho.len() {
            let (pair, replicate) = (place / expected.replicates, place % expected.replicates);
            let one = |outcomes: &Outcomes| (outcomes.status[place], outcomes.flags[place], outcomes.rho[place]);
            let (found, expected) = (one(&found), one(&expected));
            prop_assert!(
                found.0 == expected.0 && found.1 == expected.1 && same(found.2, expected.2),
                "{}, pair {pair}, replicate {replicate}: (status, flags, rho) is {found:?}, not {expected:?}",
                cpu.name()
            );
        }
    }
    Ok(())
}

/// The same cases every time; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` look for new ones.
pub fn config(cases: u32) -> ProptestConfig {
    let set = |name: &str| std::env::var_os(name).is_some();
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: if set("PROPTEST_CASES") { default.cases } else { cases },
        rng_seed: if set("PROPTEST_RNG_SEED") { default.rng_seed } else { RngSeed::Fixed(1) },
        failure_persistence: None,
        ..default
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn answers(plan in plans()) {
        let survey = Survey::new(&plan);
        let codes = Codes::from_rows(&survey.answers, survey.rows, &survey.categories).expect("codes");
        check(&Sampled::new(&codes, survey.replicates()).expect("same rows"), &survey.settings())?;
    }

    #[test]
    fn exact_tables(plan in plans(), profiles in 1..60_usize) {
        let survey = Survey::new(&plan);
        let (probabilities, profile) = survey.probabilities(profiles);
        let tables = Exact::new(&probabilities, &survey.categories, &profile, survey.replicates()).expect("valid");
        check(&tables, &survey.settings())?;
    }

    #[test]
    fn pairs_of_distinct_persons(plan in plans()) {
        let survey = Survey::new(&plan);
        let cells = survey.cells();
        let tables =
            Demographic::new(&survey.answers, &survey.categories, &cells, survey.replicates()).expect("valid");
        check(&tables, &Settings { margins: Margins::Pair, ..survey.settings() })?;
    }
}

/// Outcomes of a survey in a pool of some threads.
fn in_pool(threads: usize, run: impl FnOnce() -> Outcomes + Send) -> Outcomes {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(run)
}

fn bits(outcomes: &Outcomes, pair: usize, replicates: usize) -> Vec<(u64, u8, u8)> {
    let from = pair * outcomes.replicates;
    (from..from + replicates)
        .map(|place| (outcomes.rho[place].to_bits(), outcomes.status[place], outcomes.flags[place]))
        .collect()
}

/// Correlations for which both Gauss rules and the series are used, as multiplicities and as real weights.
#[test]
fn bits_depend_neither_on_the_number_of_replicates_nor_on_threads() {
    let (rows, categories) = (400, [3, 2, 4, 3, 5]);
    for loading in [0.6, 0.83, 0.87, 0.9] {
        let mut random = Random::new(7);
        let mut answers = random.answers(rows, &categories, loading, 0.4);
        for answer in &mut answers {
            if random.chance(0.02) {
                *answer = MISSING;
            }
        }
        let codes = Codes::from_rows(&answers, rows, &categories).expect("codes");
        let counts = random.multiplicities(200 * rows);
        let factors: Vec<f64> = counts.iter().map(|&count| f64::from(count)).collect();
        let weights: Vec<f64> = (0..rows).map(|_| 0.5 + random.unit()).collect();
        for margins in [Margins::Item, Margins::Pair] {
            for real in [false, true] {
                let run = |threads: usize, replicates: usize| {
                    let (factors, weights) = if real {
                        (Factors::Real(&factors[..replicates * rows]), Some(weights.as_slice()))
                    } else {
                        (Factors::Counts(&counts[..replicates * rows]), None)
                    };
                    let weights = Replicates::new(rows, weights, factors).expect("weights");
                    let tables = Sampled::new(&codes, weights).expect("same rows");
                    let settings = Settings { margins, ..Settings::default() };
                    in_pool(threads, || fit_replicates(&tables, &settings).expect("nobody stops it"))
                };
                let base = run(1, 200);
                for (threads, replicates) in [(2, 200), (4, 200), (1, 70), (3, 70), (2, 5)] {
                    let found = run(threads, replicates);
                    for pair in 0..10 {
                        assert_eq!(
                            bits(&found, pair, replicates),
                            bits(&base, pair, replicates),
                            "pair {pair}, {replicates} replicates, {threads} threads, loading {loading}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_stopped_run_has_no_result() {
    let answers = Random::new(1).answers(100, &[3, 4, 2], 0.5, 0.0);
    let codes = Codes::from_rows(&answers, 100, &[3, 4, 2]).expect("codes");
    let counts = vec![1; 500];
    for factors in [Factors::Once, Factors::Counts(&counts)] {
        let tables = Sampled::new(&codes, Replicates::new(100, None, factors).expect("weights")).expect("same rows");
        let stop = AtomicBool::new(true);
        for &cpu in Cpu::available() {
            let settings = Settings { path: Path::Lanes(cpu), stop: Some(&stop), ..Settings::default() };
            assert!(matches!(fit_replicates(&tables, &settings), Err(Error::Stopped)));
            assert!(matches!(count_replicates(&tables, &settings), Err(Error::Stopped)));
        }
    }
}

#[test]
fn many_categories() {
    let (rows, categories) = (3000, [250, 4, 250]);
    let mut random = Random::new(3);
    let answers = random.answers(rows, &categories, 0.7, 0.5);
    let codes = Codes::from_rows(&answers, rows, &categories).expect("codes");
    let counts = random.multiplicities(3 * rows);
    for factors in [Factors::Once, Factors::Counts(&counts)] {
        let tables = Sampled::new(&codes, Replicates::new(rows, None, factors).expect("weights")).expect("same rows");
        check(&tables, &Settings::default()).expect("the same");
    }
}

/// A replicate may hold few of many respondents: draws of whole clusters, the jackknife.
#[test]
fn replicates_of_few_among_many_respondents() {
    let (rows, categories) = (900, [3, 4]);
    let mut random = Random::new(5);
    let answers = random.answers(rows, &categories, 0.5, 0.0);
    let codes = Codes::from_rows(&answers, rows, &categories).expect("codes");
    let counts: Vec<u16> = (0..16 * rows).map(|place| u16::from(place % rows < 10 * (1 + place / rows))).collect();
    let factors: Vec<f64> = counts.iter().map(|&count| 1.25 * f64::from(count)).collect();
    let weights = vec![0.75; rows];
    let cell = vec![0; rows];
    for (weights, factors) in [
        (None, Factors::Counts(&counts)),
        (Some(weights.as_slice()), Factors::Counts(&counts)),
        (None, Factors::Real(&factors)),
    ] {
        let replicates = Replicates::new(rows, weights, factors).expect("weights");
        check(&Sampled::new(&codes, replicates).expect("same rows"), &Settings::default()).expect("the same");
        let tables = Demographic::new(&answers, &categories, &cell, replicates).expect("valid");
        check(&tables, &Settings { margins: Margins::Pair, ..Settings::default() }).expect("the same");
        let profile: Vec<u32> = (0..900).map(|row| u32::from(row % 3 == 0)).collect();
        let probabilities = [0.2, 0.5, 0.3, 0.1, 0.2, 0.3, 0.4, 0.6, 0.3, 0.1, 0.4, 0.3, 0.2, 0.1];
        let tables = Exact::new(&probabilities, &categories, &profile, replicates).expect("valid");
        check(&tables, &Settings::default()).expect("the same");
    }
}

#[test]
fn weights_of_any_unit() {
    let (rows, categories) = (200, [3, 4, 2]);
    let mut random = Random::new(8);
    let answers = random.answers(rows, &categories, 0.7, 0.3);
    let codes = Codes::from_rows(&answers, rows, &categories).expect("codes");
    let counts = random.multiplicities(9 * rows);
    for unit in [1e-312, 1e-308, 1e-300, 1.0, 1e300] {
        let weights: Vec<f64> = (0..rows).map(|_| unit * f64::from(1 + u8::from(random.chance(0.5)))).collect();
        let replicates = Replicates::new(rows, Some(&weights), Factors::Counts(&counts)).expect("weights");
        for margins in [Margins::Item, Margins::Pair] {
            let settings = Settings { margins, ..Settings::default() };
            check(&Sampled::new(&codes, replicates).expect("same rows"), &settings).expect("the same");
        }
    }
}

/// Pairs of distinct persons exist where nobody answered both items.
#[test]
fn nobody_answered_both_items() {
    let mut answers = Random::new(2).answers(120, &[3, 3], 0.6, 0.0);
    for (row, pair) in answers.chunks_exact_mut(2).enumerate() {
        pair[row % 2] = MISSING;
    }
    // Few pairs of answers, so that cells are empty.
    answers.iter_mut().filter(|answer| **answer == 1).for_each(|answer| *answer = MISSING);
    let cell: Vec<i64> = (0..120).map(|row| row / 4).collect();
    let counts = Random::new(3).multiplicities(9 * 120);
    let replicates = Replicates::new(120, None, Factors::Counts(&counts)).expect("weights");
    let tables = Demographic::new(&answers, &[3, 3], &cell, replicates).expect("valid");
    for zero_cells in [ZeroCells::KeepMargins, ZeroCells::AddHalf, ZeroCells::AddHalfAll, ZeroCells::OneOverN] {
        let settings = Settings { margins: Margins::Pair, zero_cells, ..Settings::default() };
        check(&tables, &settings).expect("the same");
    }
}

#[test]
fn a_million_respondents() {
    let (rows, categories) = (1_000_000, [5, 4]);
    let mut random = Random::new(4);
    let few = random.answers(10_000, &categories, 0.7, 0.5);
    let answers = few.repeat(100);
    let codes = Codes::from_rows(&answers, rows, &categories).expect("codes");
    let counts: Vec<u16> = (0..3 * rows).map(|_| u16::from(random.0.next_u32().is_multiple_of(4)) * 4).collect();
    let replicates = Replicates::new(rows, None, Factors::Counts(&counts)).expect("weights");
    check(&Sampled::new(&codes, replicates).expect("same rows"), &Settings::default()).expect("the same");
}

/// Largest difference of rho over the replicates of surveys of 1,500 people.
#[test]
fn the_largest_difference_at_scale() {
    let (rows, replicates) = (1500, 64);
    let mut largest = 0.0_f64;
    for k in 2..=11 {
        for (number, loading) in [0.0, 0.5, 0.8, 0.9, 0.95, 0.985].into_iter().enumerate() {
            for skew in [0.0, 1.6] {
                let categories = [k, k, 13 - k];
                let mut random = Random::new(100 * k as u64 + number as u64);
                let answers = random.answers(rows, &categories, loading, skew);
                let codes = Codes::from_rows(&answers, rows, &categories).expect("codes");
                let counts = random.multiplicities(replicates * rows);
                let weights = Replicates::new(rows, None, Factors::Counts(&counts)).expect("weights");
                let tables = Sampled::new(&codes, weights).expect("same rows");
                let run = |path| fit_replicates(&tables, &Settings { path, ..Settings::default() }).expect("valid");
                let (found, expected) = (run(Path::default()), run(Path::Scalar));
                assert_eq!((&found.status, &found.flags), (&expected.status, &expected.flags));
                let ok = found.status.iter().map(|&status| status == Status::Ok as u8);
                for ((found, expected), _) in found.rho.iter().zip(&expected.rho).zip(ok).filter(|(_, ok)| *ok) {
                    largest = largest.max((found - expected).abs());
                }
            }
        }
    }
    println!("largest difference of rho: {largest:e}");
    assert!(largest < SAME, "{largest}");
}
