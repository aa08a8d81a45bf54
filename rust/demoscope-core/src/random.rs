//! One stream of random numbers per purpose: same seed and label, same numbers, whatever else is drawn.

use blake2::{Blake2b512, Digest};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Number of the `ChaCha8` stream of a label: the first eight bytes of its BLAKE2b-512 digest, little endian.
#[must_use]
pub fn stream_number(label: &str) -> u64 {
    let digest = Blake2b512::digest(label.as_bytes());
    digest.iter().take(8).rev().fold(0, |number, &byte| (number << 8) | u64::from(byte))
}

/// The generator of a label: `ChaCha8` seeded with `seed_from_u64(seed)`, stream [`stream_number`].
#[must_use]
pub fn generator(seed: u64, label: &str) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream_number(label));
    generator
}

/// Label of one replicate of one country.
#[must_use]
pub fn replicate_label(purpose: &str, country: &str, replicate: usize) -> String {
    format!("{purpose}|{country}|{replicate}")
}

/// A number below `limit`, all equally likely (Lemire 2019: multiply, keep the high half, redraw the few that would be
/// favoured).
pub fn below(generator: &mut ChaCha8Rng, limit: u32) -> u32 {
    let mut product = u64::from(generator.next_u32()) * u64::from(limit);
    let low = |product: u64| product & u64::from(u32::MAX);
    if low(product) < u64::from(limit) {
        let favoured = u64::from(limit.wrapping_neg() % limit);
        while low(product) < favoured {
            product = u64::from(generator.next_u32()) * u64::from(limit);
        }
    }
    u32::try_from(product >> 32).unwrap_or(0)
}

/// Uniform on [0, 1) with 53 random bits.
#[must_use]
pub fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Probability of 0 under Poisson(1), 1 / e.
const POISSON_ZERO: f64 = 0.367_879_441_171_442_33;

/// Poisson(1) by inversion: the number of cumulative probabilities that a uniform number has reached.
#[must_use]
pub fn poisson(uniform: f64) -> u16 {
    let (mut count, mut probability, mut cumulative) = (0, POISSON_ZERO, POISSON_ZERO);
    while uniform >= cumulative {
        count += 1;
        probability /= f64::from(count);
        let next = cumulative + probability;
        if next <= cumulative {
            break;
        }
        cumulative = next;
    }
    count
}

/// Exp(1) by inversion, `-ln(1 - u)`; at least 0, at most 36.8.
#[must_use]
pub fn exponential(uniform: f64) -> f64 {
    libm::log(1.0 - uniform).abs()
}
