//! Replicate weights of sampling designs.

use demoscope_core::design::Design;
use demoscope_core::jackknife::{self, Jackknife};
use demoscope_core::rao_wu;
use demoscope_core::replicates::Streams;
use pyo3::prelude::*;

use crate::arrays::{In1, Out1, Out2, array, values};
use crate::errors::raise;
use crate::random::fill;

/// A design where units and strata are given.
pub fn design<'a>(unit: Option<&'a In1<'_, u32>>, strata: Option<&'a In1<'_, u32>>) -> PyResult<Option<Design<'a>>> {
    let Some((unit, strata)) = unit.zip(strata) else { return Ok(None) };
    Design::new(values(unit)?, values(strata)?).map(Some).map_err(|error| raise(&error))
}

fn required<'a>(unit: &'a In1<'_, u32>, strata: &'a In1<'_, u32>) -> PyResult<Design<'a>> {
    Design::new(values(unit)?, values(strata)?).map_err(|error| raise(&error))
}

#[pyfunction]
pub fn rao_wu_factors<'py>(
    py: Python<'py>,
    unit: In1<'py, u32>,
    strata: In1<'py, u32>,
    count: usize,
    first: usize,
    seed: u64,
    purpose: &str,
    country: &str,
    threads: Option<usize>,
) -> PyResult<Out2<'py, f64>> {
    let streams = Streams { seed, purpose, country };
    let design = required(&unit, &strata)?;
    let size = (design.rows(), count);
    fill(py, threads, size, |from, table| rao_wu::rao_wu_factors(streams, &design, first + from, table))
}

#[pyfunction]
pub fn jackknife_factors<'py>(
    py: Python<'py>,
    unit: In1<'py, u32>,
    strata: In1<'py, u32>,
    sizes: In1<'py, u32>,
    count: usize,
    first: usize,
    threads: Option<usize>,
) -> PyResult<Out2<'py, f64>> {
    let design = required(&unit, &strata)?;
    let jackknife = Jackknife::new(&design, values(&sizes)?).map_err(|error| raise(&error))?;
    fill(py, threads, (design.rows(), count), |from, table| jackknife.factors(first + from, table))
}

#[pyfunction]
pub fn jackknife_scales<'py>(py: Python<'py>, strata: In1<'py, u32>, sizes: In1<'py, u32>) -> PyResult<Out1<'py, f64>> {
    let design = Design::new(&[], values(&strata)?).map_err(|error| raise(&error))?;
    let jackknife = Jackknife::new(&design, values(&sizes)?).map_err(|error| raise(&error))?;
    Ok(array(py, jackknife.scales().to_vec()))
}

#[pyfunction]
pub fn random_groups<'py>(
    py: Python<'py>,
    strata: In1<'py, u32>,
    groups: u32,
    seed: u64,
    purpose: &str,
    country: &str,
) -> PyResult<Out1<'py, u32>> {
    let streams = Streams { seed, purpose, country };
    let group = jackknife::random_groups(streams, values(&strata)?, groups).map_err(|error| raise(&error))?;
    Ok(array(py, group))
}
