//! Long loops: threads, and Ctrl-C while they run or between chunks of replicates.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use demoscope_core::Error;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder, current_num_threads};

use crate::errors::raise;

/// Replicates that every thread computes between two looks at the signals.
const REPLICATES_PER_THREAD: usize = 8;

/// Time between two looks at the signals.
const LOOK: Duration = Duration::from_millis(50);

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

/// Runs `work` on a thread of its own while this one looks at the signals; a Ctrl-C makes the flag that `work` reads true.
pub fn interruptible<T: Send>(
    py: Python<'_>,
    pool: Option<&ThreadPool>,
    work: impl FnOnce(&AtomicBool) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let (stop, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let waiting = thread::current();
    let mut signals = Ok(());
    let result = thread::scope(|scope| {
        let (stop, done) = (&stop, &done);
        let worker = scope.spawn(move || {
            let result = match pool {
                None => work(stop),
                Some(pool) => pool.install(|| work(stop)),
            };
            done.store(true, Ordering::Release);
            waiting.unpark();
            result
        });
        // A worker that panicked is finished without being done.
        while !(done.load(Ordering::Acquire) || worker.is_finished()) {
            py.detach(|| thread::park_timeout(LOOK));
            if signals.is_ok() {
                signals = py.check_signals();
                stop.store(signals.is_err(), Ordering::Relaxed);
            }
        }
        worker.join()
    });
    signals?;
    match result {
        Ok(result) => result.map_err(|error| raise(&error)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
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
