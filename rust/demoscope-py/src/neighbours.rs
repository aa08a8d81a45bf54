//! The neighbours of the polychoric correlation.

use demoscope_core::association::Association;
use demoscope_core::codes::Codes;
use demoscope_core::cramer_v::cramer_v_pairs;
use demoscope_core::error::Error;
use demoscope_core::pearson::pearson_pairs;
use demoscope_core::polychoric_fit::polychoric_fit_pairs;
use demoscope_core::polyserial::polyserial_pairs;
use demoscope_core::spearman::spearman_pairs;
use demoscope_core::values::Values;
use demoscope_core::weights::{Factors, Replicates};
use demoscope_core::{nearest_correlation as nearest, nearest_correlation::Nearest};
use pyo3::prelude::*;

use crate::arrays::{In1, In2, Out1, Out2, array, columns, matrix, optional, rows, values};
use crate::chunks::{detached, pool};

/// value, se, respondents, effective respondents, status, flags; one value per pair.
type Associations<'py> = (Out1<'py, f64>, Out1<'py, f64>, Out1<'py, f64>, Out1<'py, f64>, Out1<'py, u8>, Out1<'py, u8>);

/// g2, x2, df, rmsea, respondents, effective respondents, status, flags; one value per pair.
type PairFits<'py> = (
    Out1<'py, f64>,
    Out1<'py, f64>,
    Out1<'py, u32>,
    Out1<'py, f64>,
    Out1<'py, f64>,
    Out1<'py, f64>,
    Out1<'py, u8>,
    Out1<'py, u8>,
);

/// matrix, changed, smallest eigenvalue before, Frobenius shift, iterations, converged.
type NearestMatrix<'py> = (Out2<'py, f64>, bool, f64, f64, u32, bool);

#[pyfunction]
pub fn pearson<'py>(
    py: Python<'py>,
    numbers: In2<'py, f64>,
    weights: Option<In1<'py, f64>>,
    threads: Option<usize>,
) -> PyResult<Associations<'py>> {
    let (cells, count, variables) = (values(&numbers)?, rows(&numbers), columns(&numbers));
    associations(py, count, weights.as_ref(), threads, |sample| {
        pearson_pairs(&Values::from_rows(cells, count, variables)?, sample)
    })
}

#[pyfunction]
pub fn spearman<'py>(
    py: Python<'py>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    weights: Option<In1<'py, f64>>,
    threads: Option<usize>,
) -> PyResult<Associations<'py>> {
    let (answers, count) = (values(&codes)?, rows(&codes));
    associations(py, count, weights.as_ref(), threads, |sample| {
        spearman_pairs(&Codes::from_rows(answers, count, &categories)?, sample)
    })
}

#[pyfunction]
pub fn cramer_v<'py>(
    py: Python<'py>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    weights: Option<In1<'py, f64>>,
    threads: Option<usize>,
) -> PyResult<Associations<'py>> {
    let (answers, count) = (values(&codes)?, rows(&codes));
    associations(py, count, weights.as_ref(), threads, |sample| {
        cramer_v_pairs(&Codes::from_rows(answers, count, &categories)?, sample)
    })
}

#[pyfunction]
pub fn polyserial<'py>(
    py: Python<'py>,
    numbers: In2<'py, f64>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    weights: Option<In1<'py, f64>>,
    threads: Option<usize>,
) -> PyResult<Associations<'py>> {
    let (cells, variables) = (values(&numbers)?, columns(&numbers));
    let (answers, count) = (values(&codes)?, rows(&codes));
    associations(py, count, weights.as_ref(), threads, |sample| {
        let continuous = Values::from_rows(cells, count, variables)?;
        polyserial_pairs(&continuous, &Codes::from_rows(answers, count, &categories)?, sample)
    })
}

#[pyfunction]
pub fn polychoric_fit<'py>(
    py: Python<'py>,
    codes: In2<'py, u8>,
    categories: Vec<usize>,
    weights: Option<In1<'py, f64>>,
    zero_cells: &str,
    threads: Option<usize>,
) -> PyResult<PairFits<'py>> {
    let (answers, count, weights) = (values(&codes)?, rows(&codes), optional(weights.as_ref())?);
    let fits = detached(py, pool(threads)?.as_ref(), || {
        let codes = Codes::from_rows(answers, count, &categories)?;
        polychoric_fit_pairs(&codes, &Replicates::new(count, weights, Factors::Once)?, zero_cells.parse()?)
    })?;
    Ok((
        array(py, fits.iter().map(|f| f.goodness.g2).collect()),
        array(py, fits.iter().map(|f| f.goodness.x2).collect()),
        array(py, fits.iter().map(|f| f.goodness.df).collect()),
        array(py, fits.iter().map(|f| f.goodness.rmsea).collect()),
        array(py, fits.iter().map(|f| f.respondents).collect()),
        array(py, fits.iter().map(|f| f.effective).collect()),
        array(py, fits.iter().map(|f| f.fit.status as u8).collect()),
        array(py, fits.iter().map(|f| f.fit.flags).collect()),
    ))
}

#[pyfunction]
pub fn nearest_correlation<'py>(
    py: Python<'py>,
    correlations: In2<'py, f64>,
    method: &str,
    floor: f64,
) -> PyResult<NearestMatrix<'py>> {
    let (entries, order) = (values(&correlations)?, rows(&correlations));
    let found = detached(py, None, || nearest::nearest_correlation(entries, order, method.parse()?, floor))?;
    let Nearest { matrix: entries, changed, smallest_eigenvalue, shift, iterations, converged } = found;
    Ok((matrix(py, entries, order, order)?, changed, smallest_eigenvalue, shift, iterations, converged))
}

fn associations<'py>(
    py: Python<'py>,
    count: usize,
    weights: Option<&In1<'py, f64>>,
    threads: Option<usize>,
    estimate: impl FnOnce(&Replicates<'_>) -> Result<Vec<Association>, Error> + Send,
) -> PyResult<Associations<'py>> {
    let weights = optional(weights)?;
    let found = detached(py, pool(threads)?.as_ref(), || estimate(&Replicates::new(count, weights, Factors::Once)?))?;
    Ok((
        array(py, found.iter().map(|a| a.value).collect()),
        array(py, found.iter().map(|a| a.se).collect()),
        array(py, found.iter().map(|a| a.respondents).collect()),
        array(py, found.iter().map(|a| a.effective).collect()),
        array(py, found.iter().map(|a| a.status as u8).collect()),
        array(py, found.iter().map(|a| a.flags).collect()),
    ))
}
