//! Replicate weights of the jackknife: one unit, or one random group of units, deleted at a time within strata.
//!
//! With n units in a stratum and d of them in the group that is deleted, the others have the factor n/(n-d) and the
//! squared deviation of the replicate counts (n-d)/n times.
//! For single units these are the n/(n-1) and (n-1)/n of the stratified jackknife (Wolter 2007, section 4.5); for groups
//! of different sizes they keep the variance of a mean unbiased.

use rayon::prelude::*;

use crate::design::{Design, check_strata, strata};
use crate::error::{Error, check_length};
use crate::replicates::{Streams, shuffle};

/// Deletes one group of units after the other.
#[derive(Debug, Clone)]
pub struct Jackknife<'a> {
    design: &'a Design<'a>,
    /// n/(n-d) for every group.
    factors: Vec<f64>,
    /// (n-d)/n for every group.
    scales: Vec<f64>,
}

impl<'a> Jackknife<'a> {
    /// A design whose units are groups; `sizes` is the number of sampling units in each, 1 without grouping.
    ///
    /// # Errors
    /// When there is not one size per group, or a group is empty.
    pub fn new(design: &'a Design<'a>, sizes: &[u32]) -> Result<Self, Error> {
        check_length("sizes", sizes.len(), design.units())?;
        if let Some(position) = sizes.iter().position(|&size| size == 0) {
            return Err(Error::Value { what: "sizes", position, value: 0.0, rule: "at least 1" });
        }
        let (mut factors, mut scales) = (vec![], vec![]);
        for groups in design.strata() {
            let total: f64 = sizes[groups.clone()].iter().map(|&size| f64::from(size)).sum();
            for &size in &sizes[groups] {
                let rest = total - f64::from(size);
                factors.push(total / rest);
                scales.push(rest / total);
            }
        }
        Ok(Self { design, factors, scales })
    }

    /// What the squared deviation of every replicate counts, (replicate).
    #[must_use]
    pub fn scales(&self) -> &[f64] {
        &self.scales
    }

    /// Factors of the survey weights for the replicates from `first` on, (replicate, respondent).
    ///
    /// # Errors
    /// When the length is no multiple of the number of respondents or names replicates that do not exist.
    pub fn factors(&self, first: usize, factors: &mut [f64]) -> Result<(), Error> {
        let (rows, units) = (self.design.rows(), self.design.units());
        let count = factors.len().checked_div(rows).unwrap_or(0);
        check_length("factors", factors.len(), count * rows)?;
        if first + count > units {
            return Err(Error::Length { what: "factors", found: first + count, expected: units });
        }
        if rows == 0 {
            return Ok(());
        }
        factors.par_chunks_mut(rows).enumerate().for_each(|(index, factors)| {
            let deleted = first + index;
            let stratum = self.design.strata().find(|units| units.contains(&deleted)).unwrap_or_default();
            for (factor, &unit) in factors.iter_mut().zip(self.design.unit()) {
                let unit = unit as usize;
                *factor = if unit == deleted {
                    0.0
                } else if stratum.contains(&unit) {
                    self.factors[deleted]
                } else {
                    1.0
                };
            }
        });
        Ok(())
    }
}

/// Puts the units of every stratum into `groups` random groups of sizes as equal as can be, a stratum of fewer units
/// into groups of one; returns the group of every unit, numbered within strata in their order.
///
/// # Errors
/// When a stratum has fewer than two units or fewer than two groups are asked for.
pub fn random_groups(streams: Streams<'_>, bounds: &[u32], groups: u32) -> Result<Vec<u32>, Error> {
    check_strata(bounds)?;
    if groups < 2 {
        return Err(Error::Value { what: "groups", position: 0, value: f64::from(groups), rule: "at least 2" });
    }
    let mut generator = streams.replicate(0);
    let mut group = vec![0; bounds[bounds.len() - 1] as usize];
    let mut begin = 0;
    for units in strata(bounds) {
        let mut order: Vec<usize> = units.collect();
        shuffle(&mut generator, &mut order);
        let end = begin + groups.min(u32::try_from(order.len()).unwrap_or(u32::MAX));
        for (unit, number) in order.into_iter().zip((begin..end).cycle()) {
            group[unit] = number;
        }
        begin = end;
    }
    Ok(group)
}
