//! Gauss-Legendre rules on (0, 1).

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Nodes and weights on (0, 1); the weights sum to 1.
pub struct Rule {
    /// Pairs (node, weight).
    pub points: Vec<(f64, f64)>,
}

/// Six points.
pub static SIX: LazyLock<Rule> = LazyLock::new(|| gauss_legendre(6));
/// Twelve points.
pub static TWELVE: LazyLock<Rule> = LazyLock::new(|| gauss_legendre(12));
/// Twenty points.
pub static TWENTY: LazyLock<Rule> = LazyLock::new(|| gauss_legendre(20));
/// Thirty-two points.
pub static THIRTY_TWO: LazyLock<Rule> = LazyLock::new(|| gauss_legendre(32));

/// Roots of the Legendre polynomial of order `order` by Newton's method from the usual cosine start.
fn gauss_legendre(order: u32) -> Rule {
    let n = f64::from(order);
    let points = (1..=order)
        .map(|index| {
            let mut x = (PI * (f64::from(index) - 0.25) / (n + 0.5)).cos();
            let mut slope = 0.0;
            for _ in 0..100 {
                let (value, derivative) = legendre(order, x);
                slope = derivative;
                let step = value / slope;
                x -= step;
                if step.abs() < 1e-16 {
                    break;
                }
            }
            let weight = 1.0 / ((1.0 - x * x) * slope * slope);
            (0.5 * (1.0 - x), weight)
        })
        .collect();
    Rule { points }
}

/// Legendre polynomial and its derivative.
fn legendre(order: u32, x: f64) -> (f64, f64) {
    let (mut previous, mut value) = (1.0, x);
    for degree in 2..=order {
        let d = f64::from(degree);
        (previous, value) = (value, ((2.0 * d - 1.0) * x * value - (d - 1.0) * previous) / d);
    }
    (value, f64::from(order) * (x * value - previous) / (x * x - 1.0))
}
