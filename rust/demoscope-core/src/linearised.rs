//! The linearised variable of a pair: what every respondent adds to the error of rho.
//!
//! `z_i = w_i IF_i / sum w`, with the parts of the influence function that the respondent's answers enter.
//! It depends on a respondent through the weight and the two answers only, so a table over the answers holds all of it.

use crate::correlation::Margins;
use crate::influence::Influence;

/// Total masses that the three parts of an influence function are shares of.
#[derive(Debug, Clone, Copy)]
pub struct Totals {
    /// Those who answered both items.
    pub pair: f64,
    /// Those who answered the first item.
    pub first: f64,
    /// Those who answered the second item.
    pub second: f64,
}

/// z per unit of weight for every pair of answers, a missing answer being the last of its item.
#[derive(Debug, Clone)]
pub struct Linearised {
    stride: usize,
    z: Vec<f64>,
}

/// Sums over respondents.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    /// Sum of z.
    pub sum: f64,
    /// Sum of z^2.
    pub squares: f64,
    /// Respondents whose answers enter.
    pub respondents: f64,
}

impl Linearised {
    /// Joins the parts of an influence function.
    ///
    /// With the thresholds of the pair only complete answers enter; with those of the items, the part of an item counts
    /// for everybody who answered it, and the part of the cell for those who answered both.
    #[must_use]
    pub fn new(influence: &Influence, totals: Totals, margins: Margins) -> Self {
        let (rows, cols) = (influence.row.len(), influence.col.len());
        let part = |values: &[f64], place: usize, total: f64| values.get(place).map_or(0.0, |value| value / total);
        let stride = cols + 1;
        let z = (0..(rows + 1) * stride).map(|place| {
            let (a, b) = (place / stride, place % stride);
            let complete = a < rows && b < cols;
            if margins == Margins::Pair && !complete {
                return 0.0;
            }
            let cell = if complete { influence.cell[a * cols + b] / totals.pair } else { 0.0 };
            // A cell without respondents has no influence function.
            let cell = if cell.is_nan() { 0.0 } else { cell };
            cell + part(&influence.row, a, totals.first) + part(&influence.col, b, totals.second)
        });
        Self { stride, z: z.collect() }
    }

    /// z of a respondent per unit of weight; `K_j` is the code of a missing answer.
    #[must_use]
    pub fn at(&self, first: u8, second: u8) -> f64 {
        self.z[usize::from(first) * self.stride + usize::from(second)]
    }

    /// Sums over the respondents of positive weight, from the sums of their weights, of the squares of these, and of
    /// their numbers for every pair of answers.
    #[must_use]
    pub fn moments(&self, mass: &[f64], squares: &[f64], copies: &[f64], margins: Margins) -> Moments {
        let missing = (self.z.len() / self.stride - 1, self.stride - 1);
        let mut moments = Moments::default();
        for (place, &z) in self.z.iter().enumerate() {
            let (a, b) = (place / self.stride, place % self.stride);
            let enters = match margins {
                Margins::Pair => a < missing.0 && b < missing.1,
                Margins::Item => a < missing.0 || b < missing.1,
            };
            if enters && mass[place] > 0.0 {
                moments.sum += mass[place] * z;
                moments.squares += squares[place] * z * z;
                moments.respondents += copies[place];
            }
        }
        moments
    }
}

impl Moments {
    /// `n/(n-1) sum (z_i - mean z)^2`: respondents drawn independently with their weights.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let n = self.respondents;
        n / (n - 1.0) * (self.squares - self.sum * self.sum / n).max(0.0)
    }
}
