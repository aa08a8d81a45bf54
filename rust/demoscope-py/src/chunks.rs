//! Long loops: threads, and Ctrl-C between chunks of replicates.

use demoscope_core::Error;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder, current_num_threads};

use crate::errors::raise;

/// Replicates that every thread computes between two looks at the signals.
const REPLICATES_PER_THREAD: usize = 8;

/// A pool of its own when a number of threads is asked for.
pub fn pool(threads: Option<usize>) -> PyResult<Option<ThreadPool>> {
    match threads {
        None => Ok(None),
        Some(0) => Err(PyValueError::new_err("threads must be at least 1")),
        Some(threads) => {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            pool.map(Some).map_err(|error| PyRuntimeError::new_err(error.to_string()))
        }
    }
}

/// Runs `work` without the interpreter lock, on `pool` or on the global one.
pub fn detached<T: Send>(
    py: Python<'_>,
    pool: Option<&ThreadPool>,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    let result = py.detach(|| match pool {
        None => work(),
        Some(pool) => pool.install(work),
    });
    result.map_err(|error| raise(&error))
}

/// Calls `work(from, to)` for consecutive ranges of replicates and looks at the signals in between.
pub fn chunked(
    py: Python<'_>,
    pool: Option<&ThreadPool>,
    replicates: usize,
    mut work: impl FnMut(usize, usize) -> Result<(), Error> + Send,
) -> PyResult<()> {
    let threads = pool.map_or_else(current_num_threads, ThreadPool::current_num_threads);
    let step = threads * REPLICATES_PER_THREAD;
    for from in (0..replicates).step_by(step) {
        let to = replicates.min(from + step);
        detached(py, pool, || work(from, to))?;
        py.check_signals()?;
    }
    Ok(())
}
