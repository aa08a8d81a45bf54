//! Polychoric correlations of one table, one sample, many replicates.

use std::sync::atomic::AtomicBool;

use demoscope_core::bootstrap::fit_replicates;
use demoscope_core::codes::{Codes, pair_count};
use demoscope_core::correlation::{Path, Settings, Tables, count_replicates};
use demoscope_core::demographic::Demographic;
use demoscope_core::error::Error;
use demoscope_core::estimate::{self, estimate_pairs, estimate_table};
use demoscope_core::exact::Exact;
use demoscope_core::sampled::Sampled;
use demoscope_core::weights::{Factors, Replicates};
use pyo3::prelude::*;
use rayon::ThreadPool;

use crate::arrays::{FactorArray, In1, In2, Out1, Out2, array, columns, matrix, optional, rows, transposed, values};
use crate::chunks::{detached, interruptible, pool};
use crate::designs::design;
use crate::errors::raise;

/// rho, se, loglik, (g2, x2, df, rmsea), thresholds of rows and columns, iterations, status, flags.
type TableFit<'py> = (f64, f64, f64, (f64, f64, u32, f64), Out1<'py, f64>, Out1<'py, f64>, u32, u8, u8);

/// rho, se, respondents, effective respondents, iterations, status, flags; one value per pair.
type SampleFit<'py> =
    (Out1<'py, f64>, Out1<'py, f64>, Out1<'py, f64>, Out1<'py, f64>, Out1<'py, u32>, Out1<'py, u8>, Out1<'py, u8>);

/// rho, status and flags, (replicate, pair).
type ReplicateFits<'py> = (Out2<'py, f64>, Out2<'py, u8>, Out2<'py, u8>);

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
    unit: Option<In1<'py, u32>>,
    strata: Option<In1<'py, u32>>,
    thresholds: &str,
    zero_cells: &str,
    threads: Option<usize>,
) -> PyResult<SampleFit<'py>> {
    let (answers, count, weights) = (values(&codes)?, rows(&codes), optional(weights.as_ref())?);
    let design = design(unit.as_ref(), strata.as_ref())?;
    let pool = pool(threads)?;
    let estimates = detached(py, pool.as_ref(), || {
        let codes = Codes::from_rows(answers, count, &categories)?;
        let sample = Replicates::new(count, weights, Factors::Once)?;
        estimate_pairs(&codes, &sample, design.as_ref(), thresholds.parse()?, zero_cells.parse()?)
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
pub fn influence_values<'py>(
    py: Python<'py>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    weights: Option<In1<'py, f64>>,
    thresholds: &str,
    zero_cells: &str,
    threads: Option<usize>,
) -> PyResult<Out2<'py, f64>> {
    let (answers, count, weights) = (values(&codes)?, rows(&codes), optional(weights.as_ref())?);
    let pool = pool(threads)?;
    let z = detached(py, pool.as_ref(), || {
        let codes = Codes::from_rows(answers, count, &categories)?;
        let sample = Replicates::new(count, weights, Factors::Once)?;
        estimate::influence_values(&codes, &sample, thresholds.parse()?, zero_cells.parse()?)
    })?;
    matrix(py, z, count, pair_count(categories.len()))
}

#[pyfunction]
pub fn sampled_correlations<'py>(
    py: Python<'py>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    weights: Option<In1<'py, f64>>,
    multiplicities: Option<FactorArray<'py>>,
    pairs: Option<In1<'py, bool>>,
    only_wanted: bool,
    thresholds: &str,
    zero_cells: &str,
    path: &str,
    threads: Option<usize>,
) -> PyResult<ReplicateFits<'py>> {
    let pool = pool(threads)?;
    let codes = Codes::from_rows(values(&codes)?, rows(&codes), &categories).map_err(|error| raise(&error))?;
    let sample = replicates(codes.rows(), weights.as_ref(), multiplicities.as_ref())?;
    let tables = Sampled::new(&codes, sample).map_err(|error| raise(&error))?;
    let settings = Settings { only_wanted, ..settings(pairs.as_ref(), thresholds, zero_cells, path)? };
    fit(py, pool.as_ref(), &tables, &settings)
}

#[pyfunction]
pub fn sampled_counts<'py>(
    py: Python<'py>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    weights: Option<In1<'py, f64>>,
    multiplicities: Option<FactorArray<'py>>,
    path: &str,
    threads: Option<usize>,
) -> PyResult<Out2<'py, f64>> {
    let pool = pool(threads)?;
    let codes = Codes::from_rows(values(&codes)?, rows(&codes), &categories).map_err(|error| raise(&error))?;
    let sample = replicates(codes.rows(), weights.as_ref(), multiplicities.as_ref())?;
    count(py, pool.as_ref(), &Sampled::new(&codes, sample).map_err(|error| raise(&error))?, path)
}

#[pyfunction]
pub fn exact_correlations<'py>(
    py: Python<'py>,
    probs: In2<'py, f64>,
    categories: Vec<usize>,
    profile: In1<'py, u32>,
    weights: Option<In1<'py, f64>>,
    multiplicities: Option<FactorArray<'py>>,
    pairs: Option<In1<'py, bool>>,
    thresholds: &str,
    zero_cells: &str,
    path: &str,
    threads: Option<usize>,
) -> PyResult<ReplicateFits<'py>> {
    let pool = pool(threads)?;
    let profile = values(&profile)?;
    let sample = replicates(profile.len(), weights.as_ref(), multiplicities.as_ref())?;
    let tables = Exact::new(values(&probs)?, &categories, profile, sample).map_err(|error| raise(&error))?;
    let settings = settings(pairs.as_ref(), thresholds, zero_cells, path)?;
    fit(py, pool.as_ref(), &tables, &settings)
}

#[pyfunction]
pub fn exact_counts<'py>(
    py: Python<'py>,
    probs: In2<'py, f64>,
    categories: Vec<usize>,
    profile: In1<'py, u32>,
    weights: Option<In1<'py, f64>>,
    multiplicities: Option<FactorArray<'py>>,
    path: &str,
    threads: Option<usize>,
) -> PyResult<Out2<'py, f64>> {
    let pool = pool(threads)?;
    let profile = values(&profile)?;
    let sample = replicates(profile.len(), weights.as_ref(), multiplicities.as_ref())?;
    let tables = Exact::new(values(&probs)?, &categories, profile, sample).map_err(|error| raise(&error))?;
    count(py, pool.as_ref(), &tables, path)
}

#[pyfunction]
pub fn demographic_correlations<'py>(
    py: Python<'py>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    cell: In1<'py, i64>,
    weights: Option<In1<'py, f64>>,
    multiplicities: Option<FactorArray<'py>>,
    pairs: Option<In1<'py, bool>>,
    zero_cells: &str,
    path: &str,
    threads: Option<usize>,
) -> PyResult<ReplicateFits<'py>> {
    let pool = pool(threads)?;
    let sample = replicates(rows(&codes), weights.as_ref(), multiplicities.as_ref())?;
    let tables =
        Demographic::new(values(&codes)?, &categories, values(&cell)?, sample).map_err(|error| raise(&error))?;
    let settings = settings(pairs.as_ref(), "pair", zero_cells, path)?;
    fit(py, pool.as_ref(), &tables, &settings)
}

fn replicates<'a>(
    count: usize,
    weights: Option<&'a In1<'_, f64>>,
    multiplicities: Option<&'a FactorArray<'_>>,
) -> PyResult<Replicates<'a>> {
    let respondents = multiplicities.map_or(count, FactorArray::columns);
    if respondents != count {
        let error = Error::Length { what: "multiplicities (per replicate)", found: respondents, expected: count };
        return Err(raise(&error));
    }
    let factors = multiplicities.map_or(Ok(Factors::Once), FactorArray::factors)?;
    Replicates::new(count, optional(weights)?, factors).map_err(|error| raise(&error))
}

fn settings<'a>(
    pairs: Option<&'a In1<'_, bool>>,
    thresholds: &str,
    zero_cells: &str,
    path: &str,
) -> PyResult<Settings<'a>> {
    Ok(Settings {
        wanted: optional(pairs)?,
        only_wanted: false,
        margins: thresholds.parse().map_err(|error| raise(&error))?,
        zero_cells: zero_cells.parse().map_err(|error| raise(&error))?,
        path: path.parse().map_err(|error| raise(&error))?,
        stop: None,
    })
}

fn fit<'py>(
    py: Python<'py>,
    pool: Option<&ThreadPool>,
    tables: &impl Tables,
    settings: &Settings<'_>,
) -> PyResult<ReplicateFits<'py>> {
    let replicates = tables.replicates();
    let outcomes = interruptible(py, pool, |stop| fit_replicates(tables, &Settings { stop: Some(stop), ..*settings }))?;
    let pairs = settings.rows(pair_count(tables.categories().len()));
    Ok((
        transposed(py, outcomes.rho, pairs, replicates)?,
        transposed(py, outcomes.status, pairs, replicates)?,
        transposed(py, outcomes.flags, pairs, replicates)?,
    ))
}

fn count<'py>(
    py: Python<'py>,
    pool: Option<&ThreadPool>,
    tables: &impl Tables,
    path: &str,
) -> PyResult<Out2<'py, f64>> {
    let path: Path = path.parse().map_err(|error| raise(&error))?;
    let (replicates, width) = (tables.replicates(), tables.categories().iter().sum::<usize>());
    let work =
        |stop: &AtomicBool| count_replicates(tables, &Settings { path, stop: Some(stop), ..Settings::default() });
    let totals = interruptible(py, pool, work)?;
    matrix(py, totals, replicates, width)
}
