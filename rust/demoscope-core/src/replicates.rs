//! Resampled respondents and permuted rows, one random stream per replicate.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use rayon::prelude::*;

use crate::error::Error;
use crate::random::{below, exponential, generator, poisson, replicate_label, unit};

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

impl Streams<'_> {
    /// The generator of one replicate.
    #[must_use]
    pub fn replicate(self, index: usize) -> ChaCha8Rng {
        generator(self.seed, &replicate_label(self.purpose, self.country, index))
    }

    /// Writes the replicates from `first` on, (replicate, row), each with its own generator.
    pub(crate) fn fill<T: Send>(
        self,
        rows: usize,
        first: usize,
        table: &mut [T],
        write: impl Fn(&mut ChaCha8Rng, &mut [T]) + Sync,
    ) {
        if rows > 0 {
            table
                .par_chunks_mut(rows)
                .enumerate()
                .for_each(|(index, row)| write(&mut self.replicate(first + index), row));
        }
    }
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
    streams.fill(rows, first, counts, |generator, counts| {
        counts.fill(0);
        for _ in 0..rows {
            let count = &mut counts[below(generator, limit) as usize];
            *count = count.saturating_add(1);
        }
    });
    Ok(())
}

/// Poisson(1) multiplicities of the replicates from `first` on, (replicate, respondent): one uniform number per
/// respondent, in the order of the rows.
///
/// The limit of the multinomial bootstrap that needs no total (Chamandy et al. 2012).
pub fn poisson_multiplicities(streams: Streams<'_>, rows: usize, first: usize, counts: &mut [u16]) {
    streams.fill(rows, first, counts, |generator, counts| {
        for count in counts {
            *count = poisson(unit(generator.next_u64()));
        }
    });
}

/// Factors of the Bayesian bootstrap (Rubin 1981) from replicate `first` on, (replicate, respondent): Exp(1), one
/// uniform number per respondent, in the order of the rows; not normalised, because every statistic divides by the sum.
pub fn bayesian_factors(streams: Streams<'_>, rows: usize, first: usize, factors: &mut [f64]) {
    streams.fill(rows, first, factors, |generator, factors| {
        for factor in factors {
            *factor = exponential(unit(generator.next_u64()));
        }
    });
}

/// Random permutations of the rows (Fisher-Yates) for the replicates from `first` on, (replicate, row).
///
/// # Errors
/// When there are more than 2^32 - 1 rows.
pub fn permutations(streams: Streams<'_>, rows: usize, first: usize, orders: &mut [i64]) -> Result<(), Error> {
    row_count(rows)?;
    streams.fill(rows, first, orders, |generator, order| {
        for (row, place) in (0..).zip(order.iter_mut()) {
            *place = row;
        }
        shuffle(generator, order);
    });
    Ok(())
}

/// Fisher-Yates from the last place down; at most 2^32 - 1 places.
pub(crate) fn shuffle<T>(generator: &mut ChaCha8Rng, order: &mut [T]) {
    let count = u32::try_from(order.len()).unwrap_or(u32::MAX);
    for last in (1..count).rev() {
        order.swap(last as usize, below(generator, last + 1) as usize);
    }
}
