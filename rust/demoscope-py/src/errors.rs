//! The only file that maps errors: what the core rejects becomes `demoscope.errors.DataError`.

use demoscope_core::Error;
use pyo3::prelude::*;

/// Raises an error of the core in Python.
pub fn raise(error: &Error) -> PyErr {
    let message = error.to_string();
    Python::attach(|py| {
        let build = || py.import("demoscope.errors")?.getattr("DataError")?.call1((message,));
        build().map_or_else(|error| error, PyErr::from_value)
    })
}
