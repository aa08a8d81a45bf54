//! Sampling designs: respondents in primary sampling units (PSU), units in strata.

use std::ops::Range;

use crate::error::{Error, check_length};

/// Fewest units of a stratum: one unit shows no variation.
const FEWEST: u32 = 2;

/// The unit of every respondent and the stratum of every unit.
///
/// Units are numbered so that those of one stratum follow each other.
#[derive(Debug, Clone, Copy)]
pub struct Design<'a> {
    unit: &'a [u32],
    bounds: &'a [u32],
}

impl<'a> Design<'a> {
    /// Joins the unit of every respondent with the first unit of every stratum; the last bound is the number of units.
    ///
    /// A unit without respondents is a unit all the same.
    ///
    /// # Errors
    /// When the bounds do not begin at 0, a stratum has fewer than two units, or a unit does not exist.
    pub fn new(unit: &'a [u32], bounds: &'a [u32]) -> Result<Self, Error> {
        check_strata(bounds)?;
        let units = bounds[bounds.len() - 1];
        if let Some(position) = unit.iter().position(|&unit| unit >= units) {
            let (index, limit) = (i64::from(unit[position]), units as usize);
            return Err(Error::Index { what: "unit", position, index, limit });
        }
        Ok(Self { unit, bounds })
    }

    /// Number of respondents.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.unit.len()
    }

    /// Number of units.
    #[must_use]
    pub fn units(&self) -> usize {
        self.bounds[self.bounds.len() - 1] as usize
    }

    /// Unit of every respondent.
    #[must_use]
    pub fn unit(&self) -> &'a [u32] {
        self.unit
    }

    /// Units of every stratum.
    pub fn strata(&self) -> impl Iterator<Item = Range<usize>> {
        strata(self.bounds)
    }

    /// Variance of the sum of a linearised variable over respondents, drawn with replacement within strata:
    /// `sum_h n_h/(n_h-1) sum_c (z_hc - mean_h)^2` over the totals `z_hc` of the units (Woodruff 1971; Binder 1983).
    ///
    /// `z` gives the respondents in the order of their rows.
    #[must_use]
    pub fn variance(&self, z: impl Iterator<Item = f64>) -> f64 {
        let mut totals = vec![0.0; self.units()];
        for (&unit, z) in self.unit.iter().zip(z) {
            totals[unit as usize] += z;
        }
        self.strata()
            .map(|units| {
                let n = units.len() as f64;
                let totals = &totals[units];
                let mean = totals.iter().sum::<f64>() / n;
                n / (n - 1.0) * totals.iter().map(|total| (total - mean).powi(2)).sum::<f64>()
            })
            .sum()
    }
}

/// Units of every stratum.
pub(crate) fn strata(bounds: &[u32]) -> impl Iterator<Item = Range<usize>> {
    bounds.windows(2).map(|bound| bound[0] as usize..bound[1] as usize)
}

/// Fails unless the bounds begin at 0 and every stratum has two units.
pub(crate) fn check_strata(bounds: &[u32]) -> Result<(), Error> {
    check_length("strata", bounds.len(), bounds.len().max(FEWEST as usize))?;
    let rule = "0, where the first stratum begins";
    if bounds[0] != 0 {
        return Err(Error::Value { what: "strata", position: 0, value: f64::from(bounds[0]), rule });
    }
    let thin = |bound: &[u32]| bound[1] < bound[0].saturating_add(FEWEST);
    match bounds.windows(2).position(thin) {
        Some(stratum) => Err(Error::Value {
            what: "strata",
            position: stratum + 1,
            value: f64::from(bounds[stratum + 1]),
            rule: "at least two units after the bound before it",
        }),
        None => Ok(()),
    }
}
