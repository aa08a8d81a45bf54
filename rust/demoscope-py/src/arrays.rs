//! The only file that knows numpy: views of arrays that come in, arrays that go out.

use demoscope_core::weights::Factors;
use numpy::{
    Element, IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// One-dimensional input.
pub type In1<'py, T> = PyReadonlyArray1<'py, T>;
/// Two-dimensional input, row-major.
pub type In2<'py, T> = PyReadonlyArray2<'py, T>;
/// One-dimensional output.
pub type Out1<'py, T> = Bound<'py, PyArray1<T>>;
/// Two-dimensional output, row-major.
pub type Out2<'py, T> = Bound<'py, PyArray2<T>>;

/// Factors of replicates, (replicate, respondent): numbers of draws, or real numbers.
#[derive(FromPyObject)]
pub enum FactorArray<'py> {
    /// How many times every respondent was drawn.
    #[pyo3(annotation = "uint16")]
    Counts(In2<'py, u16>),
    /// Factors of the survey weights.
    #[pyo3(annotation = "float64")]
    Real(In2<'py, f64>),
}

impl FactorArray<'_> {
    /// Number of respondents.
    pub fn columns(&self) -> usize {
        match self {
            Self::Counts(array) => columns(array),
            Self::Real(array) => columns(array),
        }
    }

    /// The factors as the core takes them.
    pub fn factors(&self) -> PyResult<Factors<'_>> {
        match self {
            Self::Counts(array) => values(array).map(Factors::Counts),
            Self::Real(array) => values(array).map(Factors::Real),
        }
    }
}

/// The values of an array in row-major order.
pub fn values<'a, T: Element, D: numpy::ndarray::Dimension>(array: &'a PyReadonlyArray<'_, T, D>) -> PyResult<&'a [T]> {
    if !array.is_c_contiguous() {
        return Err(PyValueError::new_err("arrays must be row-major and contiguous"));
    }
    Ok(array.as_slice()?)
}

/// The values of an array that may be absent.
pub fn optional<'a, T: Element, D: numpy::ndarray::Dimension>(
    array: Option<&'a PyReadonlyArray<'_, T, D>>,
) -> PyResult<Option<&'a [T]>> {
    array.map(values).transpose()
}

/// Number of columns.
pub fn columns<T: Element>(array: &In2<'_, T>) -> usize {
    array.shape()[1]
}

/// Number of rows.
pub fn rows<T: Element>(array: &In2<'_, T>) -> usize {
    array.shape()[0]
}

/// A one-dimensional array.
pub fn array<T: Element>(py: Python<'_>, values: Vec<T>) -> Out1<'_, T> {
    values.into_pyarray(py)
}

/// A two-dimensional array of `rows` x `columns` values in row-major order.
pub fn matrix<T: Element>(py: Python<'_>, values: Vec<T>, rows: usize, columns: usize) -> PyResult<Out2<'_, T>> {
    values.into_pyarray(py).reshape([rows, columns])
}

/// The transpose of a two-dimensional array of `rows` x `columns` values in row-major order.
pub fn transposed<T: Element>(py: Python<'_>, values: Vec<T>, rows: usize, columns: usize) -> PyResult<Out2<'_, T>> {
    matrix(py, values, rows, columns)?.transpose()
}
