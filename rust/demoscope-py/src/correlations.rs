//! Polychoric correlations of one table, one sample, many replicates.

use demoscope_core::codes::{Codes, pair_count};
use demoscope_core::correlation::{Settings, Tables, count_replicates, fit_replicates};
use demoscope_core::demographic::Demographic;
use demoscope_core::error::Error;
use demoscope_core::estimate::{estimate_pairs, estimate_table};
use demoscope_core::exact::Exact;
use demoscope_core::sampled::Sampled;
use demoscope_core::weights::Replicates;
use pyo3::prelude::*;
use rayon::ThreadPool;

use crate::arrays::{In1, In2, Out1, Out2, array, columns, matrix, optional, rows, values};
use crate::chunks::{chunked, detached, pool};
use crate::errors::raise;

/// rho, se, loglik, (g2, x2, df, rmsea), thresholds of rows and columns, iterations, status, flags.
type TableFit<'py> = (f64, f64, f64, (f64, f64, u32, f64), Out1<'py, f64>, Out1<'py, f64>, u32, u8, u8);

/// rho, se, respondents, effective respondents, iterations, status, flags; one value per pair.
type SampleFit<'py> =
    (Out1<'py, f64>, Out1<'py, f64>, Out1<'py, f64>, Out1<'py, f64>, Out1<'py, u32>, Out1<'py, u8>, Out1<'py, u8>);

/// rho and status, (replicate, pair).
type ReplicateFits<'py> = (Out2<'py, f64>, Out2<'py, u8>);

#[pyfunction]
pub fn polychoric_table<'py>(py: Python<'py>, table: In2<'py, f64>, zero_cells: &str) -> PyResult<TableFit<'py>> {
    let policy = zero_cells.parse().map_err(|error| raise(&error))?;
    let estimate = estimate_table(values(&table)?, columns(&table), policy).map_err(|error| raise(&error))?;
    let (row, col) = (array(py, estimate.row_thresholds), array(py, estimate.col_thresholds));
    let (fit, goodness) = (estimate.fit, estimate.goodness);
    let goodness = (goodness.g2, goodness.x2, goodness.df, goodness.rmsea);
    Ok((fit.rho, estimate.se, estimate.loglik, goodness, row, col, fit.iterations, fit.status as u8, fit.flags))
}

#[pyfunction]
pub fn polychoric<'py>(
    py: Python<'py>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    weights: Option<In1<'py, f64>>,
    thresholds: &str,
    zero_cells: &str,
    threads: Option<usize>,
) -> PyResult<SampleFit<'py>> {
    let (answers, count, weights) = (values(&codes)?, rows(&codes), optional(weights.as_ref())?);
    let pool = pool(threads)?;
    let estimates = detached(py, pool.as_ref(), || {
        let codes = Codes::from_rows(answers, count, &categories)?;
        let sample = Replicates::new(count, weights, None)?;
        estimate_pairs(&codes, &sample, thresholds.parse()?, zero_cells.parse()?)
    })?;
    Ok((
        array(py, estimates.iter().map(|e| e.fit.rho).collect()),
        array(py, estimates.iter().map(|e| e.se).collect()),
        array(py, estimates.iter().map(|e| e.respondents).collect()),
        array(py, estimates.iter().map(|e| e.effective).collect()),
        array(py, estimates.iter().map(|e| e.fit.iterations).collect()),
        array(py, estimates.iter().map(|e| e.fit.status as u8).collect()),
        array(py, estimates.iter().map(|e| e.fit.flags).collect()),
    ))
}

#[pyfunction]
pub fn sampled_correlations<'py>(
    py: Python<'py>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    weights: Option<In1<'py, f64>>,
    multiplicities: Option<In2<'py, u16>>,
    pairs: Option<In1<'py, bool>>,
    thresholds: &str,
    zero_cells: &str,
    start: Option<In1<'py, f64>>,
    threads: Option<usize>,
) -> PyResult<ReplicateFits<'py>> {
    let pool = pool(threads)?;
    let codes = Codes::from_rows(values(&codes)?, rows(&codes), &categories).map_err(|error| raise(&error))?;
    let sample = replicates(codes.rows(), weights.as_ref(), multiplicities.as_ref())?;
    let tables = Sampled::new(&codes, sample).map_err(|error| raise(&error))?;
    let settings = settings(pairs.as_ref(), thresholds, zero_cells, start.as_ref())?;
    fit(py, pool.as_ref(), &tables, &settings)
}

#[pyfunction]
pub fn sampled_counts<'py>(
    py: Python<'py>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    weights: Option<In1<'py, f64>>,
    multiplicities: Option<In2<'py, u16>>,
    threads: Option<usize>,
) -> PyResult<Out2<'py, f64>> {
    let pool = pool(threads)?;
    let codes = Codes::from_rows(values(&codes)?, rows(&codes), &categories).map_err(|error| raise(&error))?;
    let sample = replicates(codes.rows(), weights.as_ref(), multiplicities.as_ref())?;
    count(py, pool.as_ref(), &Sampled::new(&codes, sample).map_err(|error| raise(&error))?)
}

#[pyfunction]
pub fn exact_correlations<'py>(
    py: Python<'py>,
    probs: In2<'py, f64>,
    categories: Vec<usize>,
    profile: In1<'py, u32>,
    weights: Option<In1<'py, f64>>,
    multiplicities: Option<In2<'py, u16>>,
    pairs: Option<In1<'py, bool>>,
    thresholds: &str,
    zero_cells: &str,
    start: Option<In1<'py, f64>>,
    threads: Option<usize>,
) -> PyResult<ReplicateFits<'py>> {
    let pool = pool(threads)?;
    let profile = values(&profile)?;
    let sample = replicates(profile.len(), weights.as_ref(), multiplicities.as_ref())?;
    let tables = Exact::new(values(&probs)?, &categories, profile, sample).map_err(|error| raise(&error))?;
    let settings = settings(pairs.as_ref(), thresholds, zero_cells, start.as_ref())?;
    fit(py, pool.as_ref(), &tables, &settings)
}

#[pyfunction]
pub fn exact_counts<'py>(
    py: Python<'py>,
    probs: In2<'py, f64>,
    categories: Vec<usize>,
    profile: In1<'py, u32>,
    weights: Option<In1<'py, f64>>,
    multiplicities: Option<In2<'py, u16>>,
    threads: Option<usize>,
) -> PyResult<Out2<'py, f64>> {
    let pool = pool(threads)?;
    let profile = values(&profile)?;
    let sample = replicates(profile.len(), weights.as_ref(), multiplicities.as_ref())?;
    count(py, pool.as_ref(), &Exact::new(values(&probs)?, &categories, profile, sample).map_err(|error| raise(&error))?)
}

#[pyfunction]
pub fn demographic_correlations<'py>(
    py: Python<'py>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    cell: In1<'py, i64>,
    weights: Option<In1<'py, f64>>,
    multiplicities: Option<In2<'py, u16>>,
    pairs: Option<In1<'py, bool>>,
    zero_cells: &str,
    start: Option<In1<'py, f64>>,
    threads: Option<usize>,
) -> PyResult<ReplicateFits<'py>> {
    let pool = pool(threads)?;
    let sample = replicates(rows(&codes), weights.as_ref(), multiplicities.as_ref())?;
    let tables =
        Demographic::new(values(&codes)?, &categories, values(&cell)?, sample).map_err(|error| raise(&error))?;
    let settings = settings(pairs.as_ref(), "pair", zero_cells, start.as_ref())?;
    fit(py, pool.as_ref(), &tables, &settings)
}

fn replicates<'a>(
    count: usize,
    weights: Option<&'a In1<'_, f64>>,
    multiplicities: Option<&'a In2<'_, u16>>,
) -> PyResult<Replicates<'a>> {
    let respondents = multiplicities.map_or(count, columns);
    if respondents != count {
        let error = Error::Length { what: "multiplicities (per replicate)", found: respondents, expected: count };
        return Err(raise(&error));
    }
    Replicates::new(count, optional(weights)?, optional(multiplicities)?).map_err(|error| raise(&error))
}

fn settings<'a>(
    pairs: Option<&'a In1<'_, bool>>,
    thresholds: &str,
    zero_cells: &str,
    start: Option<&'a In1<'_, f64>>,
) -> PyResult<Settings<'a>> {
    Ok(Settings {
        wanted: optional(pairs)?,
        margins: thresholds.parse().map_err(|error| raise(&error))?,
        zero_cells: zero_cells.parse().map_err(|error| raise(&error))?,
        start: optional(start)?,
    })
}

fn fit<'py>(
    py: Python<'py>,
    pool: Option<&ThreadPool>,
    tables: &impl Tables,
    settings: &Settings<'_>,
) -> PyResult<ReplicateFits<'py>> {
    let (replicates, pairs) = (tables.replicates(), pair_count(tables.categories().len()));
    let mut rho = vec![f64::NAN; replicates * pairs];
    let mut status = vec![0; replicates * pairs];
    chunked(py, pool, replicates, |from, to| {
        let range = from * pairs..to * pairs;
        fit_replicates(tables, from, settings, &mut rho[range.clone()], &mut status[range])
    })?;
    Ok((matrix(py, rho, replicates, pairs)?, matrix(py, status, replicates, pairs)?))
}

fn count<'py>(py: Python<'py>, pool: Option<&ThreadPool>, tables: &impl Tables) -> PyResult<Out2<'py, f64>> {
    let (replicates, width) = (tables.replicates(), tables.categories().iter().sum::<usize>());
    let mut totals = vec![0.0; replicates * width];
    chunked(py, pool, replicates, |from, to| count_replicates(tables, from, &mut totals[from * width..to * width]))?;
    matrix(py, totals, replicates, width)
}
