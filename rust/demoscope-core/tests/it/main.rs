//! Tests of the core against numbers from elsewhere and against its own laws.

mod designs;
mod golden;
mod kernels;
mod lane_kernels;
mod lanes;
mod neighbours;
mod properties;
mod streams;
mod summary;
