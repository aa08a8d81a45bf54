//! Resampled respondents and permuted rows, one random stream per replicate.

use rayon::prelude::*;

use crate::error::Error;
use crate::random::{below, generator, replicate_label};

/// Names the streams of a family of replicates.
#[derive(Debug, Clone, Copy)]
pub struct Streams<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// What the numbers are for.
    pub purpose: &'a str,
    /// Country, so that a subset of countries gets the same draws.
    pub country: &'a str,
}

fn row_count(rows: usize) -> Result<u32, Error> {
    u32::try_from(rows).map_err(|_| Error::Length { what: "rows", found: rows, expected: u32::MAX as usize })
}

/// Multinomial multiplicities of the replicates from `first` on, (replicate, respondent): `rows` draws with
/// replacement each.
///
/// # Errors
/// When there are more than 2^32 - 1 rows.
pub fn multiplicities(streams: Streams<'_>, rows: usize, first: usize, counts: &mut [u16]) -> Result<(), Error> {
    let limit = row_count(rows)?;
    if rows == 0 {
        return Ok(());
    }
    counts.par_chunks_mut(rows).enumerate().for_each(|(index, counts)| {
        let label = replicate_label(streams.purpose, streams.country, first + index);
        let mut generator = generator(streams.seed, &label);
        counts.fill(0);
        for _ in 0..rows {
            let count = &mut counts[below(&mut generator, limit) as usize];
            *count = count.saturating_add(1);
        }
    });
    Ok(())
}

/// Random permutations of the rows (Fisher-Yates) for the replicates from `first` on, (replicate, row).
///
/// # Errors
/// When there are more than 2^32 - 1 rows.
pub fn permutations(streams: Streams<'_>, rows: usize, first: usize, orders: &mut [i64]) -> Result<(), Error> {
    let count = row_count(rows)?;
    if rows == 0 {
        return Ok(());
    }
    orders.par_chunks_mut(rows).enumerate().for_each(|(index, order)| {
        let label = replicate_label(streams.purpose, streams.country, first + index);
        let mut generator = generator(streams.seed, &label);
        for (row, place) in (0..).zip(order.iter_mut()) {
            *place = row;
        }
        for last in (1..count).rev() {
            order.swap(last as usize, below(&mut generator, last + 1) as usize);
        }
    });
    Ok(())
}
