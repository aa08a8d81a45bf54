//! Numbers: one per respondent and variable.

use crate::error::{Error, check_length};

/// Numbers of `rows` respondents, one column per variable; NaN stands for a missing one.
#[derive(Debug, Clone)]
pub struct Values {
    rows: usize,
    variables: usize,
    columns: Vec<f64>,
}

impl Values {
    /// Takes a row-major array (respondent, variable) with NaN for missing numbers.
    ///
    /// # Errors
    /// When the length disagrees or a number is infinite.
    pub fn from_rows(values: &[f64], rows: usize, variables: usize) -> Result<Self, Error> {
        check_length("values", values.len(), rows * variables)?;
        if let Some(position) = values.iter().position(|value| value.is_infinite()) {
            let rule = "a finite number or NaN";
            return Err(Error::Value { what: "values", position, value: values[position], rule });
        }
        let columns = (0..variables).flat_map(|variable| values.iter().skip(variable).step_by(variables).copied());
        Ok(Self { rows, variables, columns: columns.collect() })
    }

    /// Number of respondents.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of variables.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.variables
    }

    /// Numbers of one variable.
    #[must_use]
    pub fn column(&self, variable: usize) -> &[f64] {
        &self.columns[variable * self.rows..(variable + 1) * self.rows]
    }
}

/// Brings numbers to weighted mean 0 and weighted variance 1 (divisor 1, maximum likelihood); `None` when they do not
/// vary.
///
/// `shares` are positive and sum to 1.
/// Numbers are first mapped to an interval of length about 1, so that none is too large or too small to be squared.
pub(crate) fn standardise(values: &mut [f64], shares: &[f64]) -> Option<()> {
    let (low, high) =
        values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    if low >= high {
        return None;
    }
    let unit = crate::association::unit_scale([low, high].into_iter());
    let width = crate::association::unit_scale([high * unit - low * unit].into_iter());
    let mean = |values: &[f64]| values.iter().zip(shares).map(|(value, share)| value * share).sum::<f64>();
    for value in values.iter_mut() {
        *value = (*value * unit - low * unit) * width;
    }
    let centre = mean(values);
    let variance: f64 =
        values.iter().zip(shares).map(|(value, share)| share * (value - centre) * (value - centre)).sum();
    let deviation = variance.sqrt();
    for value in values.iter_mut() {
        *value = (*value - centre) / deviation;
    }
    (deviation > 0.0).then_some(())
}
