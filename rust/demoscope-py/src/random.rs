//! Keyed random numbers: replicates, permutations, drawn answers.

use demoscope_core::replicates::{self, Streams};
use demoscope_core::{draw, error::Error};
use pyo3::prelude::*;

use crate::arrays::{In1, In2, Out2, columns, matrix, values};
use crate::chunks::{chunked, detached, pool};

/// Fills (replicate, row) in chunks.
pub fn fill<T: numpy::Element + Default + Copy>(
    py: Python<'_>,
    threads: Option<usize>,
    (rows, count): (usize, usize),
    work: impl Fn(usize, &mut [T]) -> Result<(), Error> + Sync,
) -> PyResult<Out2<'_, T>> {
    let pool = pool(threads)?;
    let mut table = vec![T::default(); rows * count];
    chunked(py, pool.as_ref(), count, |from, to| work(from, &mut table[from * rows..to * rows]))?;
    matrix(py, table, count, rows)
}

#[pyfunction]
pub fn multiplicities<'py>(
    py: Python<'py>,
    rows: usize,
    count: usize,
    first: usize,
    seed: u64,
    purpose: &str,
    country: &str,
    threads: Option<usize>,
) -> PyResult<Out2<'py, u16>> {
    let streams = Streams { seed, purpose, country };
    fill(py, threads, (rows, count), |from, table| replicates::multiplicities(streams, rows, first + from, table))
}

#[pyfunction]
pub fn poisson_multiplicities<'py>(
    py: Python<'py>,
    rows: usize,
    count: usize,
    first: usize,
    seed: u64,
    purpose: &str,
    country: &str,
    threads: Option<usize>,
) -> PyResult<Out2<'py, u16>> {
    let streams = Streams { seed, purpose, country };
    fill(py, threads, (rows, count), |from, table| {
        replicates::poisson_multiplicities(streams, rows, first + from, table);
        Ok(())
    })
}

#[pyfunction]
pub fn bayesian_factors<'py>(
    py: Python<'py>,
    rows: usize,
    count: usize,
    first: usize,
    seed: u64,
    purpose: &str,
    country: &str,
    threads: Option<usize>,
) -> PyResult<Out2<'py, f64>> {
    let streams = Streams { seed, purpose, country };
    fill(py, threads, (rows, count), |from, table| {
        replicates::bayesian_factors(streams, rows, first + from, table);
        Ok(())
    })
}

#[pyfunction]
pub fn permutations<'py>(
    py: Python<'py>,
    rows: usize,
    count: usize,
    first: usize,
    seed: u64,
    purpose: &str,
    country: &str,
    threads: Option<usize>,
) -> PyResult<Out2<'py, i64>> {
    let streams = Streams { seed, purpose, country };
    fill(py, threads, (rows, count), |from, table| replicates::permutations(streams, rows, first + from, table))
}

#[pyfunction]
pub fn draw_answers<'py>(
    py: Python<'py>,
    probs: In2<'py, f64>,
    row: In1<'py, i64>,
    streams: Vec<String>,
    seed: u64,
    first: u64,
    draws: usize,
) -> PyResult<Out2<'py, u8>> {
    let (probabilities, options, cells) = (values(&probs)?, columns(&probs), values(&row)?);
    let answers =
        detached(py, None, || draw::draw_answers(probabilities, options, cells, &streams, seed, first, draws))?;
    matrix(py, answers, cells.len(), draws)
}
