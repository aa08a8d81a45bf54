//! The module `demoscope._native`: conversions and nothing else.
#![allow(clippy::needless_pass_by_value, reason = "pyo3 hands arguments over by value")]
#![allow(clippy::too_many_arguments, reason = "a function has the arguments of its Python caller")]

mod arrays;
mod chunks;
mod correlations;
mod designs;
mod divergences;
mod errors;
mod neighbours;
mod random;
mod summary;

use demoscope_core::divergence;
use demoscope_core::polychoric::{Status, flag};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("STATUSES", PyTuple::new(py, Status::NAMES)?)?;
    module.add("FLAGS", PyTuple::new(py, flag::NAMES)?)?;
    module.add("DIVERGENCES", PyTuple::new(py, divergence::NAMES)?)?;
    module.add("DEBUG_BUILD", cfg!(debug_assertions))?;
    module.add_function(wrap_pyfunction!(correlations::polychoric_table, module)?)?;
    module.add_function(wrap_pyfunction!(correlations::polychoric, module)?)?;
    module.add_function(wrap_pyfunction!(correlations::influence_values, module)?)?;
    module.add_function(wrap_pyfunction!(correlations::sampled_correlations, module)?)?;
    module.add_function(wrap_pyfunction!(correlations::sampled_counts, module)?)?;
    module.add_function(wrap_pyfunction!(correlations::exact_correlations, module)?)?;
    module.add_function(wrap_pyfunction!(correlations::exact_counts, module)?)?;
    module.add_function(wrap_pyfunction!(correlations::demographic_correlations, module)?)?;
    module.add_function(wrap_pyfunction!(neighbours::pearson, module)?)?;
    module.add_function(wrap_pyfunction!(neighbours::spearman, module)?)?;
    module.add_function(wrap_pyfunction!(neighbours::cramer_v, module)?)?;
    module.add_function(wrap_pyfunction!(neighbours::polyserial, module)?)?;
    module.add_function(wrap_pyfunction!(neighbours::polychoric_fit, module)?)?;
    module.add_function(wrap_pyfunction!(neighbours::nearest_correlation, module)?)?;
    module.add_function(wrap_pyfunction!(divergences::divergences, module)?)?;
    module.add_function(wrap_pyfunction!(random::multiplicities, module)?)?;
    module.add_function(wrap_pyfunction!(random::poisson_multiplicities, module)?)?;
    module.add_function(wrap_pyfunction!(random::bayesian_factors, module)?)?;
    module.add_function(wrap_pyfunction!(designs::rao_wu_factors, module)?)?;
    module.add_function(wrap_pyfunction!(designs::jackknife_factors, module)?)?;
    module.add_function(wrap_pyfunction!(designs::jackknife_scales, module)?)?;
    module.add_function(wrap_pyfunction!(designs::random_groups, module)?)?;
    module.add_function(wrap_pyfunction!(summary::replicate_moments, module)?)?;
    module.add_function(wrap_pyfunction!(summary::replicate_quantiles, module)?)?;
    module.add_function(wrap_pyfunction!(summary::replicate_deviations, module)?)?;
    module.add_function(wrap_pyfunction!(summary::replicate_covariance, module)?)?;
    module.add_function(wrap_pyfunction!(summary::replicate_tally, module)?)?;
    module.add_function(wrap_pyfunction!(random::permutations, module)?)?;
    module.add_function(wrap_pyfunction!(random::draw_answers, module)?)?;
    Ok(())
}
