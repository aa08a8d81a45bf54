//! Answers drawn from stored option probabilities by keyed random numbers.

use rand_chacha::rand_core::Rng;
use rayon::prelude::*;

use crate::codes::{MISSING, check_categories};
use crate::error::{Error, check_length};
use crate::exact::check_probabilities;
use crate::random::{generator, unit};

/// Stream words that one draw uses.
const WORDS_PER_DRAW: u128 = 2;

/// Draws answers of personas, (persona, draw).
///
/// `probabilities` is (cell, option) with `options` columns, `cell` the row of every persona, `streams` its label.
/// Draw d uses the d-th 64-bit number of the stream, u = (x >> 11) 2^-53, and takes the first option whose cumulative
/// probability exceeds u; so more draws keep the ones there are, and an option of probability 0 is never drawn.
/// A cell of NaN gives [`MISSING`].
///
/// # Errors
/// When lengths disagree, a row does not exist, a cell is no probability vector, or there are too many options.
pub fn draw_answers(
    probabilities: &[f64],
    options: usize,
    cell: &[i64],
    streams: &[String],
    seed: u64,
    first: u64,
    draws: usize,
) -> Result<Vec<u8>, Error> {
    check_categories(&[options])?;
    check_length("streams", streams.len(), cell.len())?;
    let cells = probabilities.len().checked_div(options).unwrap_or(0);
    check_length("probs", probabilities.len(), cells * options)?;
    for (row, cell) in probabilities.chunks_exact(options.max(1)).enumerate() {
        check_probabilities(cell, row * options)?;
    }
    let rows: Vec<usize> = cell
        .iter()
        .enumerate()
        .map(|(position, &index)| {
            let row = usize::try_from(index).ok().filter(|&row| row < cells);
            row.ok_or(Error::Index { what: "row", position, index, limit: cells })
        })
        .collect::<Result<_, _>>()?;
    let mut answers = vec![MISSING; cell.len() * draws];
    if draws == 0 {
        return Ok(answers);
    }
    answers.par_chunks_mut(draws).zip(&rows).zip(streams).for_each(|((answers, &row), stream)| {
        let probabilities = &probabilities[row * options..][..options];
        if probabilities.iter().any(|p| p.is_nan()) {
            return;
        }
        let mut generator = generator(seed, stream);
        generator.set_word_pos(WORDS_PER_DRAW * u128::from(first));
        for answer in answers {
            *answer = choose(probabilities, unit(generator.next_u64()));
        }
    });
    Ok(answers)
}

/// The option that a uniform number falls on; rounding beyond the last cumulative sum goes to the last possible option.
fn choose(probabilities: &[f64], uniform: f64) -> u8 {
    let mut cumulative = 0.0;
    let mut last = MISSING;
    for (option, &p) in (0_u8..).zip(probabilities) {
        if p > 0.0 {
            cumulative += p;
            last = option;
            if uniform < cumulative {
                break;
            }
        }
    }
    last
}
