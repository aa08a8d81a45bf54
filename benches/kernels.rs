//! Times of every stage of a bootstrapped correlation matrix, on answers made here.
//!
//! `cargo bench` runs all stages, `cargo bench -- fit` those with `fit` in their name, `cargo bench -- --test` every
//! stage once.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};
use demoscope_core::bootstrap::{NOISE, TOLERANCE, fit_replicates};
use demoscope_core::codes::{Codes, MISSING, pair_count};
use demoscope_core::correlation::{Margins, Settings};
use demoscope_core::cpu::{Arch, Cpu, Kernel};
use demoscope_core::full_sample::fit_sample;
use demoscope_core::guide::Guide;
use demoscope_core::lane_counts::{GROUPS, Sorted, WIDTH};
use demoscope_core::lane_fit::{LaneWorkspace, Method, Problem};
use demoscope_core::lane_margin::LaneMargin;
use demoscope_core::lanes::{LANES, Lanes};
use demoscope_core::normal;
use demoscope_core::planes::Planes;
use demoscope_core::polychoric::{Fit, Thresholds, Workspace};
use demoscope_core::replicates::{Streams, multiplicities};
use demoscope_core::sampled::Sampled;
use demoscope_core::weights::{Block, Factors, Replicates};
use demoscope_core::zero_cells::ZeroCells;

/// Respondents of all stages but the wide survey.
const RESPONDENTS: usize = 1500;

/// Items of the whole matrices.
const ITEMS: usize = 50;

/// Replicates of the whole bootstraps, a multiple of [`WIDTH`].
const REPLICATES: usize = 960;

/// Times that criterion takes of every stage.
const SAMPLES: usize = 10;

const PAIR: &str = "pair and replicate";

fn main() {
    if cfg!(debug_assertions) {
        eprintln!("a debug build is not timed; `cargo bench` builds with optimisation");
        std::process::exit(2);
    }
    let criterion = Criterion::default()
        .sample_size(SAMPLES)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .configure_from_args();
    let mut bench = Bench { criterion, rows: Vec::new() };
    draw(&mut bench);
    tables(&mut bench);
    planes(&mut bench);
    for (categories, rho) in [(2, 0.4), (5, 0.4), (10, 0.4), (5, 0.85)] {
        fits(&mut bench, categories, rho);
    }
    samples(&mut bench);
    bootstraps(&mut bench);
    bench.criterion.final_summary();
    bench.print();
}

/// Criterion, and the times that make the table at the end.
struct Bench {
    criterion: Criterion,
    rows: Vec<(String, f64, &'static str)>,
}

impl Bench {
    /// Times some work that serves `elements` of a unit.
    fn stage(&mut self, group: &str, name: &str, (elements, unit): (usize, &'static str), mut work: impl FnMut()) {
        let mut times: Vec<f64> = Vec::new();
        let mut criterion_group = self.criterion.benchmark_group(group);
        criterion_group.throughput(Throughput::Elements(elements as u64)).sampling_mode(SamplingMode::Flat);
        criterion_group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let start = Instant::now();
                for _ in 0..iterations {
                    work();
                }
                let elapsed = start.elapsed();
                times.push(elapsed.as_secs_f64() / iterations as f64);
                elapsed
            });
        });
        criterion_group.finish();
        // `--test` calls once; of a measurement the first calls warm up.
        let Some(warm) = times.len().checked_sub(SAMPLES) else { return };
        let mut times = times.split_off(warm);
        times.sort_by(f64::total_cmp);
        self.rows.push((format!("{group}/{name}"), 1e9 * times[SAMPLES / 2] / elements as f64, unit));
    }

    fn print(&self) {
        if self.rows.is_empty() {
            return;
        }
        println!("\n| stage | ns | per |\n|---|---:|---|");
        for (stage, time, unit) in &self.rows {
            println!("| {stage} | {time:.1} | {unit} |");
        }
    }
}

/// `SplitMix64` (Steele, Lea & Flood 2014).
struct Random(u64);

impl Random {
    /// Uniform on (0, 1).
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 12) as f64 / (1_u64 << 52) as f64 + 0.5_f64.powi(53)
    }

    fn normal(&mut self) -> f64 {
        normal::quantile(self.uniform())
    }
}

/// Answers with one factor behind each item, cut at thresholds of all skews.
struct Model {
    rows: usize,
    items: usize,
    categories: usize,
    factors: usize,
    /// Correlation of the factors.
    between: f64,
    /// Smallest and largest loading.
    loadings: (f64, f64),
    /// Share of missing answers.
    missing: f64,
}

impl Model {
    /// Five correlated factors; `|rho|` up to .64.
    fn survey(rows: usize, items: usize, categories: usize) -> Self {
        Self { rows, items, categories, factors: 5, between: 0.3, loadings: (0.45, 0.8), missing: 0.0 }
    }

    /// Two items with a latent correlation.
    fn pair(categories: usize, rho: f64) -> Self {
        let loadings = (rho.sqrt(), rho.sqrt());
        Self { rows: RESPONDENTS, items: 2, categories, factors: 1, between: 0.0, loadings, missing: 0.0 }
    }

    fn codes(&self) -> Codes {
        let mut random = Random(1);
        let (least, most) = self.loadings;
        let items: Vec<(f64, Vec<f64>)> = (0..self.items)
            .map(|_| {
                let shift = random.uniform() - 0.5;
                let cut = |k| shift - 1.8 + 3.6 * f64::from(k) / self.categories as f64;
                let cuts = (1..u32::try_from(self.categories).unwrap()).map(cut).collect();
                (least + (most - least) * random.uniform(), cuts)
            })
            .collect();
        let mut codes = Vec::with_capacity(self.rows * self.items);
        for _ in 0..self.rows {
            let shared = self.between.sqrt() * random.normal();
            let factors: Vec<f64> =
                (0..self.factors).map(|_| shared + (1.0 - self.between).sqrt() * random.normal()).collect();
            for (item, (loading, cuts)) in items.iter().enumerate() {
                let noise = (1.0 - loading * loading).sqrt() * random.normal();
                let latent = loading * factors[item % self.factors] + noise;
                let code = cuts.iter().filter(|&&cut| cut < latent).count();
                let is_missing = random.uniform() < self.missing;
                codes.push(if is_missing { MISSING } else { u8::try_from(code).unwrap() });
            }
        }
        Codes::from_rows(&codes, self.rows, &vec![self.categories; self.items]).unwrap()
    }
}

fn streams() -> Streams<'static> {
    Streams { seed: 1, purpose: "bench", country: "" }
}

/// Multiplicities of some replicates.
fn drawn(rows: usize, replicates: usize) -> Vec<u16> {
    let mut counts = vec![0; rows * replicates];
    multiplicities(streams(), rows, 0, &mut counts).unwrap();
    counts
}

fn made_weights(rows: usize) -> Vec<f64> {
    let mut random = Random(2);
    (0..rows).map(|_| 0.3 + 2.7 * random.uniform()).collect()
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// Who is drawn how often, and the same side by side.
fn draw(bench: &mut Bench) {
    let one = pool(1);
    let mut counts = drawn(RESPONDENTS, WIDTH);
    bench.stage("multiplicities", "draw n=1500", (WIDTH, "replicate"), || {
        one.install(|| multiplicities(streams(), RESPONDENTS, 0, black_box(&mut counts)).unwrap());
    });
    let counts = drawn(RESPONDENTS, WIDTH);
    let weights = made_weights(RESPONDENTS);
    for (name, weights) in [("block, whole", None), ("block, real", Some(weights.as_slice()))] {
        let replicates = Replicates::new(RESPONDENTS, weights, Factors::Counts(&counts)).unwrap();
        bench.stage("multiplicities", name, (replicates.block_width(), "replicate"), || {
            black_box(replicates.block(0));
        });
    }
}

/// Respondents sorted by cell, and the tables of a block.
fn tables(bench: &mut Bench) {
    let cpu = Cpu::best();
    let counts = drawn(RESPONDENTS, WIDTH);
    let weights = made_weights(RESPONDENTS);
    let whole = Replicates::new(RESPONDENTS, None, Factors::Counts(&counts)).unwrap().block(0);
    let real = Replicates::new(RESPONDENTS, Some(&weights), Factors::Counts(&counts)).unwrap().block(0);
    for categories in [2, 5, 10] {
        let codes = Model::pair(categories, 0.4).codes();
        let sort = || Sorted::by_pair(codes.column(0), codes.column(1), categories, categories);
        let sorted = sort();
        let mut totals = vec![Lanes::default(); GROUPS * sorted.cells()];
        let name = format!("k={categories}");
        bench.stage("sort by cell", &name, (1, "pair"), || {
            black_box(sort());
        });
        bench.stage("count whole multiplicities", &name, (WIDTH, PAIR), || {
            sorted.add_up(cpu, black_box(&whole), &mut totals);
        });
        bench.stage("sum real weights", &name, (LANES, PAIR), || {
            sorted.add_up(cpu, black_box(&real), &mut totals[..sorted.cells()]);
        });
    }
}

/// The unweighted sample itself as bits.
fn planes(bench: &mut Bench) {
    for categories in [2, 5, 10] {
        let codes = Model::survey(RESPONDENTS, ITEMS, categories).codes();
        let planes = Planes::new(&codes);
        let mut table = vec![0.0; categories * categories];
        let name = format!("k={categories}");
        bench.stage("bit planes, make", &name, (ITEMS, "item"), || {
            black_box(Planes::new(black_box(&codes)));
        });
        bench.stage("bit planes, count", &name, (1, "pair"), || {
            planes.count(Cpu::best(), 0, 1, black_box(&mut table));
        });
    }
}

/// Where the searches of eight replicates begin.
struct Start<'a> {
    guide: &'a Guide,
    counts: &'a [Lanes],
    row: &'a LaneMargin,
    col: &'a LaneMargin,
}

impl Kernel for Start<'_> {
    type Output = Lanes;

    #[allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]
    #[inline(always)]
    fn run<A: Arch>(self) -> Lanes {
        self.guide.start::<A>(self.counts, self.row.view().below, self.col.view().below)
    }
}

/// Eight replicates of one pair, and the sample that they are made of.
struct Eight {
    categories: usize,
    sample: Fit,
    /// Shares, row-major.
    counts: Vec<Lanes>,
    row: LaneMargin,
    col: LaneMargin,
    start: Lanes,
    method: Method,
}

impl Eight {
    fn new(categories: usize, rho: f64) -> Self {
        let codes = Model::pair(categories, rho).codes();
        let item = |item| Sorted::by_item(codes.column(item), categories);
        let sorted = Sorted::by_pair(codes.column(0), codes.column(1), categories, categories);
        let multiplicities = drawn(RESPONDENTS, LANES);
        let block = Replicates::new(RESPONDENTS, None, Factors::Counts(&multiplicities)).unwrap().block(0);

        let once = Block::Real(vec![Lanes::splat(1.0); RESPONDENTS]);
        let sum = |sorted: &Sorted| -> Vec<f64> {
            let mut totals = vec![Lanes::default(); sorted.cells()];
            sorted.add_up(Cpu::best(), &once, &mut totals);
            totals.iter().map(|total| total.0[0]).collect()
        };
        let mut table = sum(&sorted);
        let thresholds = [0, 1].map(|number| Thresholds::new(&sum(&item(number))));
        let margins = (&thresholds[0], &thresholds[1]);
        let mut workspace = Workspace::default();
        let respondents = RESPONDENTS as f64;
        let policy = ZeroCells::default();
        let sample = workspace.fit(&mut table, categories, Some(margins), policy, None, || respondents);
        let guide = Guide::new(&mut workspace, &table, margins, Margins::Item, &sample, respondents, NOISE);
        let guide = guide.expect("a pair with an interior estimate");

        let count = |sorted: &Sorted| {
            let mut totals = vec![Lanes::default(); GROUPS * sorted.cells()];
            sorted.add_up(Cpu::best(), &block, &mut totals);
            totals.truncate(sorted.cells());
            totals
        };
        let share = Lanes::splat(1.0 / respondents);
        let counts: Vec<Lanes> = count(&sorted).into_iter().map(|count| count * share).collect();
        let (mut row, mut col) = (LaneMargin::default(), LaneMargin::default());
        row.set_totals(&count(&item(0)), &mut Thresholds::default());
        col.set_totals(&count(&item(1)), &mut Thresholds::default());
        let start = Cpu::best().run(Start { guide: &guide, counts: &counts, row: &row, col: &col });
        let method = if rho < 0.75 { guide.method } else { Method::quadrature(rho) };
        Self { categories, sample, counts, row, col, start, method }
    }

    fn problem(&self) -> Problem<'_> {
        Problem {
            counts: &self.counts,
            row: self.row.view(),
            col: self.col.view(),
            method: self.method,
            start: self.start,
            active: Lanes::splat(1.0),
            tolerance: TOLERANCE,
            noise: NOISE,
        }
    }

    /// Table and thresholds of one replicate.
    fn lane(&self, lane: usize) -> (Vec<f64>, [Thresholds; 2]) {
        let mut thresholds = [Thresholds::default(), Thresholds::default()];
        self.row.get_lane(lane, &mut thresholds[0]);
        self.col.get_lane(lane, &mut thresholds[1]);
        let counts = self.counts.iter().map(|count| count.0[lane] * RESPONDENTS as f64);
        (counts.collect(), thresholds)
    }
}

/// Hermite functions, fits of eight replicates side by side and one by one.
fn fits(bench: &mut Bench, categories: usize, rho: f64) {
    let mut eight = Eight::new(categories, rho);
    let name = format!("k={categories} rho={rho}");
    if let Method::Series(terms) = eight.method {
        for &cpu in Cpu::available() {
            let name = format!("{name}, {terms} terms, {}", cpu.name());
            bench.stage("hermite functions", &name, (LANES, "item and replicate"), || {
                black_box(&mut eight.row).fill(cpu, terms);
            });
        }
        eight.row.fill(Cpu::best(), terms);
        eight.col.fill(Cpu::best(), terms);
    }
    let method = match eight.method {
        Method::Series(terms) => format!("{terms} terms"),
        Method::Quadrature(_) => "quadrature".to_owned(),
    };
    let problem = eight.problem();
    let mut lanes = LaneWorkspace::default();
    for &cpu in Cpu::available() {
        assert_eq!(lanes.fit(cpu, &problem).certified, [true; LANES], "what is not certified is not worth timing");
        bench.stage("lane fit", &format!("{name}, {method}, {}", cpu.name()), (LANES, PAIR), || {
            black_box(lanes.fit(cpu, black_box(&problem)));
        });
    }
    let mut replicates: Vec<_> = (0..LANES).map(|lane| eight.lane(lane)).collect();
    let mut workspace = Workspace::default();
    let start = Some(eight.sample.rho);
    bench.stage("scalar fit", &name, (LANES, PAIR), || {
        for (table, [row, col]) in &mut replicates {
            let margins = Some((&*row, &*col));
            let respondents = || RESPONDENTS as f64;
            black_box(workspace.fit(table, eight.categories, margins, ZeroCells::default(), start, respondents));
        }
    });
}

/// Matrices of samples, counting included.
fn samples(bench: &mut Bench) {
    for (items, categories, rows) in [(ITEMS, 5, RESPONDENTS), (135, 6, 4000)] {
        let codes = Model::survey(rows, items, categories).codes();
        let one = pool(1);
        let name = format!("p={items} k={categories} n={rows}, 1 thread");
        bench.stage("matrix of a sample", &name, (pair_count(items), "pair"), || {
            let replicates = Replicates::new(rows, None, Factors::Once).unwrap();
            let sampled = Sampled::new(&codes, replicates).unwrap();
            black_box(one.install(|| fit_sample(&sampled, &Settings::default())).unwrap());
        });
    }
}

/// Matrices of all replicates of a sample, from multiplicities that are there.
fn bootstraps(bench: &mut Bench) {
    let counts = drawn(RESPONDENTS, REPLICATES);
    let weights = made_weights(RESPONDENTS);
    let five = Model::survey(RESPONDENTS, ITEMS, 5);
    let cases = [
        ("k=5", five.codes(), None),
        ("k=5 weighted", five.codes(), Some(weights.as_slice())),
        ("k=5 with 5 % missing", Model { missing: 0.05, ..five }.codes(), None),
        ("k=10", Model::survey(RESPONDENTS, ITEMS, 10).codes(), None),
    ];
    for (name, codes, weights) in &cases {
        for threads in [1, 2] {
            let name = format!("{name}, {threads} thread{}", if threads == 1 { "" } else { "s" });
            let pool = pool(threads);
            bench.stage("bootstrap p=50 n=1500 B=960", &name, (pair_count(ITEMS) * REPLICATES, PAIR), || {
                let replicates = Replicates::new(RESPONDENTS, *weights, Factors::Counts(&counts)).unwrap();
                let sampled = Sampled::new(codes, replicates).unwrap();
                black_box(pool.install(|| fit_replicates(&sampled, &Settings::default())).unwrap());
            });
        }
    }
}
