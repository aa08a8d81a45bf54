//! Kernels of demoscope: weighted contingency tables, polychoric correlations, their neighbours and their replicates,
//! divergences of marginals.
//!
//! Slices in, values out; no Python, no input or output.
//! Every statistic is a function of answers and weights, and a replicate is nothing but another set of weights.

pub mod association;
pub mod bivariate;
pub mod codes;
pub mod contingency;
pub mod correlation;
pub mod cramer_v;
pub mod demographic;
pub mod divergence;
pub mod draw;
pub mod eigen;
pub mod error;
pub mod estimate;
pub mod exact;
pub mod influence;
pub mod nearest_correlation;
pub mod normal;
pub mod pearson;
pub mod polychoric;
pub mod polychoric_fit;
pub mod polyserial;
pub mod quadrature;
pub mod random;
pub mod replicates;
pub mod sampled;
pub mod spearman;
pub mod values;
pub mod weights;
pub mod zero_cells;

pub use error::Error;
