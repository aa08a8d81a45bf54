//! What happens to empty cells before a table is fitted.
//!
//! All policies look at the grid of *used* rows and columns only, so that a declared but unused category changes
//! nothing.

use std::str::FromStr;

use crate::error::Error;

/// Policy for empty cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZeroCells {
    /// Two used rows and columns, one empty cell or two on a diagonal: half a respondent goes there and the margins
    /// stay (Savalei 2011; lavaan's `zero.keep.margins`). Larger tables stay as they are.
    #[default]
    KeepMargins,
    /// The same tables, half a respondent added, the other cells untouched.
    AddHalf,
    /// Half a respondent in every empty cell of a table of any size.
    AddHalfAll,
    /// One respondent divided by their number in every empty cell of a table of any size.
    OneOverN,
    /// Empty cells stay empty.
    None,
}

impl FromStr for ZeroCells {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "keep_margins" => Ok(Self::KeepMargins),
            "add_half" => Ok(Self::AddHalf),
            "add_half_all" => Ok(Self::AddHalfAll),
            "one_over_n" => Ok(Self::OneOverN),
            "none" => Ok(Self::None),
            _ => Err(Error::Name {
                what: "zero_cells",
                name: name.to_owned(),
                known: "keep_margins, add_half, add_half_all, one_over_n, none",
            }),
        }
    }
}

impl ZeroCells {
    /// Corrects a table of `cols` columns in place and says whether it changed.
    ///
    /// `used_rows` and `used_cols` are the indices of rows and columns that hold something, `respondents` the number of
    /// respondents in the table; it is asked for only when a cell is corrected.
    pub fn correct(
        self,
        table: &mut [f64],
        cols: usize,
        used_rows: &[usize],
        used_cols: &[usize],
        respondents: impl FnOnce() -> f64,
    ) -> bool {
        let empty = |table: &[f64]| {
            used_rows
                .iter()
                .flat_map(|&a| used_cols.iter().map(move |&b| (a, b)))
                .any(|(a, b)| table[a * cols + b] == 0.0)
        };
        let two_by_two = used_rows.len() == 2 && used_cols.len() == 2;
        let concerned = match self {
            Self::None => false,
            Self::KeepMargins | Self::AddHalf => two_by_two,
            Self::AddHalfAll | Self::OneOverN => true,
        };
        if !concerned || !empty(table) {
            return false;
        }
        // A table of pairs of distinct persons may have nobody who answered both items.
        let respondents = respondents().max(1.0);
        let total: f64 = table.iter().sum();
        let one = total / respondents;
        match self {
            Self::KeepMargins => keep_margins(table, cols, used_rows, used_cols, 0.5 * one),
            Self::AddHalf | Self::AddHalfAll => add(table, cols, used_rows, used_cols, 0.5 * one),
            Self::OneOverN => add(table, cols, used_rows, used_cols, one / respondents),
            Self::None => {}
        }
        true
    }
}

fn add(table: &mut [f64], cols: usize, used_rows: &[usize], used_cols: &[usize], amount: f64) {
    for &a in used_rows {
        for &b in used_cols {
            let cell = &mut table[a * cols + b];
            if *cell == 0.0 {
                *cell = amount;
            }
        }
    }
}

/// Moves `half` from the two neighbours of the empty diagonal to that diagonal, less when a neighbour does not hold
/// that much: a neighbour that became empty would be the next table without an interior estimate.
fn keep_margins(table: &mut [f64], cols: usize, used_rows: &[usize], used_cols: &[usize], half: f64) {
    let (a, c, b, d) = (used_rows[0], used_rows[1], used_cols[0], used_cols[1]);
    let main = [a * cols + b, c * cols + d];
    let other = [a * cols + d, c * cols + b];
    let (empty, full) = if main.iter().any(|&cell| table[cell] == 0.0) { (main, other) } else { (other, main) };
    let smallest = table[full[0]].min(table[full[1]]);
    let moved = if smallest > half { half } else { 0.5 * smallest };
    for cell in empty {
        table[cell] += moved;
    }
    for cell in full {
        table[cell] -= moved;
    }
}
