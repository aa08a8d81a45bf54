//! The one error type of the crate: input that breaks a contract.
//!
//! A correlation that cannot be computed is a [`crate::polychoric::Status`], never an error.

/// Input that breaks the contract of a function; the message names position and value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An array has the wrong number of values.
    #[error("{what} has {found} values, {expected} are needed")]
    Length {
        /// Which array.
        what: &'static str,
        /// Its number of values.
        found: usize,
        /// The number that the other arguments ask for.
        expected: usize,
    },
    /// A code is neither a category of its item nor [`crate::codes::MISSING`].
    #[error("row {row}, item {item}: code {code} is not below the {categories} categories of the item")]
    Code {
        /// Row, from 0.
        row: usize,
        /// Item, from 0.
        item: usize,
        /// The code.
        code: u8,
        /// Number of categories of the item.
        categories: usize,
    },
    /// An item has more categories than a code can tell apart from a missing answer.
    #[error("item {item} has {categories} categories, at most {limit} are supported")]
    Categories {
        /// Item, from 0.
        item: usize,
        /// Its number of categories.
        categories: usize,
        /// The limit.
        limit: usize,
    },
    /// A number is outside of its range.
    #[error("{what}, position {position}: {value} is not {rule}")]
    Value {
        /// Which array.
        what: &'static str,
        /// Position in the flattened array, from 0.
        position: usize,
        /// The value.
        value: f64,
        /// What it must be.
        rule: &'static str,
    },
    /// An entry of a matrix is not what it must be.
    #[error("{what}, row {row}, column {column} (from 0): {value} is not {rule}")]
    Entry {
        /// Which matrix.
        what: &'static str,
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The entry.
        value: f64,
        /// What it must be.
        rule: &'static str,
    },
    /// An index points past its table.
    #[error("{what}, position {position}: {index} is not below {limit}")]
    Index {
        /// Which array.
        what: &'static str,
        /// Position, from 0.
        position: usize,
        /// The index.
        index: i64,
        /// The number of rows of the table.
        limit: usize,
    },
    /// The caller asked for the work to end.
    #[error("stopped before the end")]
    Stopped,
    /// A name is none of the known ones.
    #[error("unknown {what} '{name}'; known: {known}")]
    Name {
        /// Kind of the name.
        what: &'static str,
        /// The name.
        name: String,
        /// The known names.
        known: &'static str,
    },
}

/// Fails unless `found` equals `expected`.
pub(crate) fn check_length(what: &'static str, found: usize, expected: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Length { what, found, expected }) }
}
