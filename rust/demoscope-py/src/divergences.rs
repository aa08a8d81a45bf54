//! Distances between marginal distributions.

use demoscope_core::divergence;
use pyo3::prelude::*;

use crate::arrays::{In1, In2, Out2, matrix, rows, values};
use crate::chunks::detached;

#[pyfunction]
pub fn divergences<'py>(
    py: Python<'py>,
    human: In2<'py, f64>,
    model: In2<'py, f64>,
    scores: In1<'py, f64>,
    n_human: In1<'py, f64>,
    n_model: In1<'py, f64>,
) -> PyResult<Out2<'py, f64>> {
    let (human_counts, model_counts, scores) = (values(&human)?, values(&model)?, values(&scores)?);
    let (n_human, n_model) = (values(&n_human)?, values(&n_model)?);
    let measures =
        detached(py, None, || divergence::divergences(human_counts, model_counts, scores, n_human, n_model))?;
    matrix(py, measures, rows(&human), divergence::NAMES.len())
}
