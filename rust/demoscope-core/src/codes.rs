//! Answers as codes: one byte per respondent and item.

use crate::error::{Error, check_length};

/// Code of a missing answer in the arrays that enter the crate.
pub const MISSING: u8 = 255;

/// Most categories that one item can have.
pub const MAX_CATEGORIES: usize = 254;

/// Answers of `rows` respondents to some items, one column per item.
///
/// Inside a column a missing answer has the code `K_j`, the number of categories of its item: tables then get one
/// extra row and column that nobody reads, and counting needs no branch.
#[derive(Debug, Clone)]
pub struct Codes {
    rows: usize,
    categories: Vec<usize>,
    columns: Vec<u8>,
    /// Items that everybody answered.
    complete: Vec<bool>,
}

impl Codes {
    /// Takes a row-major array (respondent, item) with [`MISSING`] for missing answers.
    ///
    /// # Errors
    /// When the lengths disagree, an item has more than [`MAX_CATEGORIES`] categories, or a code is not below them.
    pub fn from_rows(codes: &[u8], rows: usize, categories: &[usize]) -> Result<Self, Error> {
        let items = categories.len();
        check_length("codes", codes.len(), rows * items)?;
        check_categories(categories)?;
        let mut columns = vec![0; codes.len()];
        let mut complete = vec![true; items];
        for (row, answers) in codes.chunks_exact(items.max(1)).enumerate() {
            for (item, &code) in answers.iter().enumerate() {
                let limit = categories[item];
                columns[item * rows + row] = if code == MISSING {
                    complete[item] = false;
                    u8::try_from(limit).unwrap_or(MISSING)
                } else if usize::from(code) < limit {
                    code
                } else {
                    return Err(Error::Code { row, item, code, categories: limit });
                };
            }
        }
        Ok(Self { rows, categories: categories.to_vec(), columns, complete })
    }

    /// Number of respondents.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of items.
    #[must_use]
    pub fn items(&self) -> usize {
        self.categories.len()
    }

    /// Number of categories of every item.
    #[must_use]
    pub fn categories(&self) -> &[usize] {
        &self.categories
    }

    /// True when nobody left the item unanswered.
    #[must_use]
    pub fn is_complete(&self, item: usize) -> bool {
        self.complete[item]
    }

    /// Codes of one item; `K_j` stands for a missing answer.
    #[must_use]
    pub fn column(&self, item: usize) -> &[u8] {
        &self.columns[item * self.rows..(item + 1) * self.rows]
    }
}

/// Fails when an item has more categories than [`MAX_CATEGORIES`].
pub(crate) fn check_categories(categories: &[usize]) -> Result<(), Error> {
    match categories.iter().position(|&k| k > MAX_CATEGORIES) {
        Some(item) => Err(Error::Categories { item, categories: categories[item], limit: MAX_CATEGORIES }),
        None => Ok(()),
    }
}

/// Number of pairs of `items` items.
#[must_use]
pub fn pair_count(items: usize) -> usize {
    items * items.saturating_sub(1) / 2
}

/// Pairs (a, b), a < b, in the order of the upper triangle read row by row: the order of every array of correlations.
pub fn pairs(items: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..items).flat_map(move |a| (a + 1..items).map(move |b| (a, b)))
}
