//! Replicate weights of the bootstrap of Rao, Wu and Yue (1992): units drawn with replacement within strata.

use crate::design::Design;
use crate::error::{Error, check_length};
use crate::random::below;
use crate::replicates::Streams;

/// Factors of the survey weights for the replicates from `first` on, (replicate, respondent).
///
/// Of the n units of a stratum n - 1 are drawn, and a unit that was drawn r times has the factor r n/(n-1): the
/// variance over replicates is then that of the design without a correction.
/// Strata follow each other in the stream of a replicate.
///
/// # Errors
/// When the length is no multiple of the number of respondents.
pub fn rao_wu_factors(
    streams: Streams<'_>,
    design: &Design<'_>,
    first: usize,
    factors: &mut [f64],
) -> Result<(), Error> {
    let rows = design.rows();
    let count = factors.len().checked_div(rows).unwrap_or(0);
    check_length("factors", factors.len(), count * rows)?;
    streams.fill(rows, first, factors, |generator, factors| {
        let mut draws = vec![0_u32; design.units()];
        let mut scaled = vec![0.0; design.units()];
        for units in design.strata() {
            let (n, draws) = (units.len(), &mut draws[units.clone()]);
            let limit = u32::try_from(n).unwrap_or(u32::MAX);
            for _ in 1..n {
                draws[below(generator, limit) as usize] += 1;
            }
            let scale = n as f64 / (n as f64 - 1.0);
            for (factor, &draws) in scaled[units].iter_mut().zip(draws.iter()) {
                *factor = scale * f64::from(draws);
            }
        }
        for (factor, &unit) in factors.iter_mut().zip(design.unit()) {
            *factor = scaled[unit as usize];
        }
    });
    Ok(())
}
