//! Replicate weights: survey weight times the number of times that a replicate holds the respondent.

use crate::error::{Error, check_length};

/// Weights of a sample and of its replicates.
#[derive(Debug, Clone, Copy)]
pub struct Replicates<'a> {
    rows: usize,
    weights: Option<&'a [f64]>,
    multiplicities: Option<&'a [u16]>,
    count: usize,
}

impl<'a> Replicates<'a> {
    /// Weights of `rows` respondents (`None`: all 1) and multiplicities (replicate, respondent) (`None`: the sample
    /// itself, once).
    ///
    /// # Errors
    /// When a length disagrees with `rows`, or a weight is negative, infinite or NaN.
    pub fn new(rows: usize, weights: Option<&'a [f64]>, multiplicities: Option<&'a [u16]>) -> Result<Self, Error> {
        if let Some(weights) = weights {
            check_length("weights", weights.len(), rows)?;
            if let Some(position) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
                let value = weights[position];
                return Err(Error::Value { what: "weights", position, value, rule: "a finite number of at least 0" });
            }
        }
        let count = match multiplicities {
            None => 1,
            Some(m) => {
                let count = m.len().checked_div(rows).unwrap_or(0);
                check_length("multiplicities", m.len(), count * rows)?;
                count
            }
        };
        Ok(Self { rows, weights, multiplicities, count })
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

    /// True when every respondent of the sample has weight 1, so that mass and copies are the same.
    #[must_use]
    pub fn unweighted(&self) -> bool {
        self.weights.is_none()
    }

    /// Writes `weight x multiplicity` of every respondent in one replicate.
    pub fn mass(&self, replicate: usize, mass: &mut [f64]) {
        match (self.weights, self.multiplicities) {
            (None, None) => mass.fill(1.0),
            (Some(weights), None) => mass.copy_from_slice(weights),
            (None, Some(_)) => self.copies(replicate, mass),
            (Some(weights), Some(m)) => {
                let m = &m[replicate * self.rows..][..self.rows];
                for ((mass, &w), &m) in mass.iter_mut().zip(weights).zip(m) {
                    *mass = w * f64::from(m);
                }
            }
        }
    }

    /// Writes how many times the replicate holds every respondent of positive weight.
    pub fn copies(&self, replicate: usize, copies: &mut [f64]) {
        match self.multiplicities {
            None => copies.fill(1.0),
            Some(m) => {
                for (copies, &m) in copies.iter_mut().zip(&m[replicate * self.rows..][..self.rows]) {
                    *copies = f64::from(m);
                }
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
}
