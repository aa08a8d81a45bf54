//! Replicates reduced to numbers per pair.

use demoscope_core::summary::{Deviations, TALLIES, Table, tally};
use pyo3::prelude::*;

use crate::arrays::{In1, In2, Out1, Out2, array, columns, matrix, optional, rows, values};
use crate::chunks::{detached, pool};
use crate::errors::raise;

/// mean, standard deviation, number of defined replicates; one value per pair.
type Moments<'py> = (Out1<'py, f64>, Out1<'py, f64>, Out1<'py, i64>);

fn table<'a>(rho: &'a In2<'_, f64>) -> PyResult<Table<'a>> {
    Table::new(values(rho)?, rows(rho), columns(rho)).map_err(|error| raise(&error))
}

#[pyfunction]
pub fn replicate_moments<'py>(py: Python<'py>, rho: In2<'py, f64>, threads: Option<usize>) -> PyResult<Moments<'py>> {
    let (table, pool) = (table(&rho)?, pool(threads)?);
    let moments = detached(py, pool.as_ref(), || Ok(table.moments()))?;
    Ok((
        array(py, moments.iter().map(|m| m.mean).collect()),
        array(py, moments.iter().map(|m| m.sd).collect()),
        array(py, moments.iter().map(|m| i64::try_from(m.defined).unwrap_or(i64::MAX)).collect()),
    ))
}

#[pyfunction]
pub fn replicate_quantiles<'py>(
    py: Python<'py>,
    rho: In2<'py, f64>,
    levels: In1<'py, f64>,
    threads: Option<usize>,
) -> PyResult<Out2<'py, f64>> {
    let (table, levels, pool) = (table(&rho)?, values(&levels)?, pool(threads)?);
    let quantiles = detached(py, pool.as_ref(), || table.quantiles(levels))?;
    matrix(py, quantiles, rows(&rho), levels.len())
}

#[pyfunction]
pub fn replicate_deviations<'py>(
    py: Python<'py>,
    rho: In2<'py, f64>,
    centres: In1<'py, f64>,
    scales: In1<'py, f64>,
    threads: Option<usize>,
) -> PyResult<Out1<'py, f64>> {
    let (table, pool) = (table(&rho)?, pool(threads)?);
    let from = Deviations { centres: values(&centres)?, scales: values(&scales)? };
    Ok(array(py, detached(py, pool.as_ref(), || table.deviations(from))?))
}

#[pyfunction]
pub fn replicate_covariance<'py>(
    py: Python<'py>,
    rho: In2<'py, f64>,
    pairs: Vec<usize>,
    centres: Option<In1<'py, f64>>,
    scales: Option<In1<'py, f64>>,
    threads: Option<usize>,
) -> PyResult<Out2<'py, f64>> {
    let (table, pool) = (table(&rho)?, pool(threads)?);
    let from = optional(centres.as_ref())?.zip(optional(scales.as_ref())?);
    let from = from.map(|(centres, scales)| Deviations { centres, scales });
    let covariance = detached(py, pool.as_ref(), || table.covariance(&pairs, from))?;
    matrix(py, covariance, pairs.len(), pairs.len())
}

#[pyfunction]
pub fn replicate_tally<'py>(
    py: Python<'py>,
    status: In2<'py, u8>,
    flags: In2<'py, u8>,
    threads: Option<usize>,
) -> PyResult<Out2<'py, i64>> {
    let (pairs, replicates, pool) = (rows(&status), columns(&status), pool(threads)?);
    let (status, flags) = (values(&status)?, values(&flags)?);
    let counts = detached(py, pool.as_ref(), || tally(status, flags, pairs, replicates))?;
    matrix(py, counts, pairs, TALLIES)
}
