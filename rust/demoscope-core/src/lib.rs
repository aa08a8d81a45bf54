//! Kernels of demoscope: weighted contingency tables, polychoric correlations and their replicates, divergences of
//! marginals.
//!
//! Slices in, values out; no Python, no input or output.
//! Every statistic is a function of answers and weights, and a replicate is nothing but another set of weights.

pub mod bivariate;
pub mod codes;
pub mod contingency;
pub mod correlation;
pub mod demographic;
pub mod design;
pub mod divergence;
pub mod draw;
pub mod error;
pub mod estimate;
pub mod exact;
pub mod influence;
pub mod jackknife;
pub mod linearised;
pub mod normal;
pub mod polychoric;
pub mod quadrature;
pub mod random;
pub mod rao_wu;
pub mod replicates;
pub mod sampled;
pub mod weights;
pub mod zero_cells;

pub use error::Error;
