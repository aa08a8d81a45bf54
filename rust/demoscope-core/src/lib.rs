//! Kernels of demoscope: weighted contingency tables, polychoric correlations, their neighbours and their replicates,
//! divergences of marginals.
//!
//! Slices in, values out; no Python, no input or output.
//! Every statistic is a function of answers and weights, and a replicate is nothing but another set of weights.

pub mod association;
pub mod bivariate;
pub mod bootstrap;
pub mod codes;
pub mod contingency;
pub mod correlation;
pub mod cpu;
pub mod cramer_v;
pub mod demographic;
pub mod design;
pub mod divergence;
pub mod draw;
pub mod eigen;
pub mod error;
pub mod estimate;
pub mod exact;
pub mod full_sample;
pub mod guide;
pub mod hermite;
pub mod influence;
pub mod jackknife;
pub mod lane_counts;
pub mod lane_fit;
pub mod lane_margin;
pub mod lanes;
pub mod linearised;
pub mod nearest_correlation;
pub mod normal;
pub mod pearson;
pub mod planes;
pub mod polychoric;
pub mod polychoric_fit;
pub mod polyserial;
pub mod quadrature;
pub mod random;
pub mod rao_wu;
pub mod replicates;
pub mod sampled;
pub mod spearman;
pub mod summary;
mod tiles;
pub mod values;
pub mod weights;
pub mod zero_cells;

pub use error::Error;
