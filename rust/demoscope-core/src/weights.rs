//! Replicate weights: survey weight times the factor that a replicate gives to the respondent.

use crate::error::{Error, check_length};
use crate::lane_counts::{Copies, WIDTH};
use crate::lanes::{LANES, Lanes};

/// Factors of the survey weights, (replicate, respondent).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Factors<'a> {
    /// The sample itself: one replicate, every factor 1.
    #[default]
    Once,
    /// How many times every respondent was drawn.
    Counts(&'a [u16]),
    /// Real factors, finite and at least 0: replicate weights of a design, Bayesian weights.
    Real(&'a [f64]),
}

impl Factors<'_> {
    /// Number of replicates of `rows` respondents; fails when the length is no multiple of `rows`.
    fn replicates(self, rows: usize) -> Result<usize, Error> {
        let length = match self {
            Self::Once => return Ok(1),
            Self::Counts(counts) => counts.len(),
            Self::Real(factors) => factors.len(),
        };
        let count = length.checked_div(rows).unwrap_or(0);
        check_length("multiplicities", length, count * rows)?;
        Ok(count)
    }
}

/// Weights of a sample and of its replicates.
#[derive(Debug, Clone, Copy)]
pub struct Replicates<'a> {
    rows: usize,
    weights: Option<&'a [f64]>,
    factors: Factors<'a>,
    count: usize,
    /// Largest multiplicity, where weights are whole and fit a byte.
    whole: Option<u8>,
    /// Most respondents that a replicate leaves out.
    left_out: usize,
}

/// Weights of some replicates side by side.
#[derive(Debug, Clone)]
pub enum Block {
    /// Whole multiplicities of [`WIDTH`] replicates for every respondent, and a bound of them.
    Whole(Vec<Copies>, u8),
    /// Real weights of [`LANES`] replicates for every respondent.
    Real(Vec<Lanes>),
}

impl<'a> Replicates<'a> {
    /// Weights of `rows` respondents (`None`: all 1) and the factors of their replicates.
    ///
    /// # Errors
    /// When a length disagrees with `rows`, a weight or factor is negative, infinite or NaN, or the sum of a replicate
    /// could be infinite.
    pub fn new(rows: usize, weights: Option<&'a [f64]>, factors: Factors<'a>) -> Result<Self, Error> {
        if let Some(weights) = weights {
            check_length("weights", weights.len(), rows)?;
            check_values("weights", weights)?;
        }
        let count = factors.replicates(rows)?;
        if let Factors::Real(factors) = factors {
            check_values("multiplicities", factors)?;
        }
        check_sum(rows, weights, factors)?;
        let whole = match factors {
            Factors::Once => Some(1),
            Factors::Counts(counts) => u8::try_from(counts.iter().copied().max().unwrap_or(0)).ok(),
            Factors::Real(_) => None,
        };
        let left_out = match factors {
            Factors::Once => 0,
            Factors::Counts(counts) => most_zeros(counts, rows, |&count| count == 0),
            Factors::Real(factors) => most_zeros(factors, rows, |&factor| factor == 0.0),
        };
        Ok(Self { rows, weights, factors, count, whole: whole.filter(|_| weights.is_none()), left_out })
    }

    /// The sample itself, without its replicates.
    #[must_use]
    pub fn sample(&self) -> Self {
        let whole = if self.weights.is_none() { Some(1) } else { None };
        Self { factors: Factors::Once, count: 1, whole, left_out: 0, ..*self }
    }

    /// True when there are no replicates but the sample itself.
    #[must_use]
    pub fn is_sample(&self) -> bool {
        matches!(self.factors, Factors::Once)
    }

    /// True for the unweighted sample itself: every respondent counts once.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.weights.is_none() && self.is_sample()
    }

    /// Number of replicates of a [`Block`].
    #[must_use]
    pub fn block_width(&self) -> usize {
        if self.whole.is_some() { WIDTH } else { LANES }
    }

    /// Weights of the replicates from `first` on, side by side; what lies past the last replicate is 0.
    #[must_use]
    pub fn block(&self, first: usize) -> Block {
        let used = self.block_width().min(self.count - first);
        if let Some(largest) = self.whole {
            let mut copies = vec![[0; WIDTH]; self.rows];
            for lane in 0..used {
                match self.factors {
                    Factors::Counts(counts) => {
                        for (copies, &count) in copies.iter_mut().zip(self.row(first + lane, counts)) {
                            copies[lane] = u8::try_from(count).unwrap_or(u8::MAX);
                        }
                    }
                    Factors::Once | Factors::Real(_) => copies.iter_mut().for_each(|copies| copies[lane] = 1),
                }
            }
            return Block::Whole(copies, largest);
        }
        let mut weights = vec![Lanes::default(); self.rows];
        let mut mass = vec![0.0; self.rows];
        for lane in 0..used {
            self.mass(first + lane, &mut mass);
            for (weights, &mass) in weights.iter_mut().zip(&mass) {
                weights.0[lane] = mass;
            }
        }
        Block::Real(weights)
    }

    /// Most respondents that one of the replicates leaves out.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Number of respondents.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of replicates.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// True when every respondent counts as often as it is held, so that mass and copies are the same.
    #[must_use]
    pub fn unweighted(&self) -> bool {
        self.weights.is_none() && !matches!(self.factors, Factors::Real(_))
    }

    /// Writes `weight x factor` of every respondent in one replicate.
    pub fn mass(&self, replicate: usize, mass: &mut [f64]) {
        match self.factors {
            Factors::Once => mass.fill(1.0),
            Factors::Counts(counts) => convert(self.row(replicate, counts), mass, f64::from),
            Factors::Real(factors) => mass.copy_from_slice(self.row(replicate, factors)),
        }
        if let Some(weights) = self.weights {
            for (mass, &w) in mass.iter_mut().zip(weights) {
                *mass *= w;
            }
        }
    }

    /// Writes how many times the replicate holds every respondent of positive weight; a positive real factor holds it
    /// once.
    pub fn copies(&self, replicate: usize, copies: &mut [f64]) {
        match self.factors {
            Factors::Once => copies.fill(1.0),
            Factors::Counts(counts) => convert(self.row(replicate, counts), copies, f64::from),
            Factors::Real(factors) => {
                convert(self.row(replicate, factors), copies, |factor| if factor > 0.0 { 1.0 } else { 0.0 });
            }
        }
        if let Some(weights) = self.weights {
            for (copies, &w) in copies.iter_mut().zip(weights) {
                if w == 0.0 {
                    *copies = 0.0;
                }
            }
        }
    }

    fn row<T>(&self, replicate: usize, factors: &'a [T]) -> &'a [T] {
        &factors[replicate * self.rows..][..self.rows]
    }
}

/// Divides weights by a power of two, so that their squares neither overflow nor vanish; nothing that does not depend on
/// the unit of the weights changes by a bit.
pub(crate) fn scale(mass: &mut [f64]) {
    let largest = mass.iter().copied().fold(0.0, f64::max);
    if largest > 0.0 {
        let exponent = libm::ilogb(largest);
        for mass in mass {
            *mass = libm::scalbn(*mass, -exponent);
        }
    }
}

fn most_zeros<T>(values: &[T], rows: usize, is_zero: impl Fn(&T) -> bool) -> usize {
    values.chunks_exact(rows.max(1)).map(|row| row.iter().filter(|value| is_zero(value)).count()).max().unwrap_or(0)
}

fn convert<T: Copy>(from: &[T], to: &mut [f64], value: impl Fn(T) -> f64) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = value(from);
    }
}

fn check_values(what: &'static str, values: &[f64]) -> Result<(), Error> {
    match values.iter().position(|value| !(value.is_finite() && *value >= 0.0)) {
        Some(position) => {
            Err(Error::Value { what, position, value: values[position], rule: "a finite number of at least 0" })
        }
        None => Ok(()),
    }
}

/// Fails when all respondents together could weigh more than a number can hold.
fn check_sum(rows: usize, weights: Option<&[f64]>, factors: Factors<'_>) -> Result<(), Error> {
    let (heaviest, weight) = largest(weights.unwrap_or_default());
    let (greatest, factor) = match factors {
        Factors::Once => (0, 1.0),
        Factors::Counts(_) => (0, f64::from(u16::MAX)),
        Factors::Real(factors) => largest(factors),
    };
    if (rows as f64 * weight * factor).is_finite() {
        return Ok(());
    }
    let (what, position, value) =
        if weight > factor { ("weights", heaviest, weight) } else { ("multiplicities", greatest, factor) };
    Err(Error::Value { what, position, value, rule: "small enough for a finite sum of weight x multiplicity" })
}

/// Position and value of the largest number above 1, or (0, 1).
fn largest(values: &[f64]) -> (usize, f64) {
    values.iter().copied().enumerate().fold((0, 1.0), |best, next| if next.1 > best.1 { next } else { best })
}
