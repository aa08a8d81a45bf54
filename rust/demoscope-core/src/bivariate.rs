//! The standard bivariate normal distribution with correlation rho.
//!
//! One [`Bivariate`] serves all corners of a table: everything that depends on rho alone is computed once.
//! Distribution function: Drezner & Wesolowsky (1990) with the treatment of large correlations of Genz (2004),
//! absolute error below 1e-15. Rectangles of tiny probability: one-dimensional integral with small relative error,
//! because differences of distribution functions are pure rounding error there.

use std::f64::consts::{PI, TAU};

use crate::normal;
use crate::quadrature::{Rule, SIX, TWELVE, TWENTY};

/// From here on the integral over the correlation is taken from 1 downwards.
const LARGE: f64 = 0.925;

/// Density, distribution function and rectangles for one correlation inside (-1, 1).
#[derive(Debug, Clone)]
pub struct Bivariate {
    rho: f64,
    /// 1 - rho^2.
    rest: f64,
    nodes: Nodes,
}

/// What the quadrature needs at every node.
#[derive(Debug, Clone)]
enum Nodes {
    /// Integral over r = sin(t asin rho): weight, r / (1 - r^2), 1 / (1 - r^2).
    Moderate { scale: f64, points: [[f64; 3]; 20], count: usize },
    /// Integral over x = sqrt(1 - r^2): weight, x^2, sqrt(1 - x^2).
    Large { width: f64, points: [[f64; 3]; 20] },
}

impl Bivariate {
    /// Prepares a correlation; it must lie strictly between -1 and 1.
    #[must_use]
    pub fn new(rho: f64) -> Self {
        let rest = (1.0 - rho) * (1.0 + rho);
        let nodes = if rho.abs() < LARGE { Nodes::moderate(rho) } else { Nodes::large(rest.sqrt()) };
        Self { rho, rest, nodes }
    }

    /// Density at (h, k), also the derivative of the distribution function in rho (Plackett 1954).
    #[must_use]
    pub fn pdf(&self, h: f64, k: f64) -> f64 {
        // (h - rho k)^2 + (1 - rho^2) k^2 does not cancel where h^2 - 2 rho h k + k^2 does.
        let residual = h - self.rho * k;
        (-0.5 * (residual * residual / self.rest + k * k)).exp() / (TAU * self.rest.sqrt())
    }

    /// Derivative of the density in rho at (h, k), from the density there.
    #[must_use]
    pub fn pdf_slope(&self, h: f64, k: f64, pdf: f64) -> f64 {
        let (rho, rest) = (self.rho, self.rest);
        // rho/q + [hk(1+rho^2) - rho(h^2+k^2)]/q^2, the bracket written as (h - rho k)(k - rho h).
        pdf * (rho + (h - rho * k) * (k - rho * h) / rest) / rest
    }

    /// P(X < h, Y < k) from h, k and the marginal probabilities of the two.
    #[must_use]
    pub fn cdf(&self, h: f64, k: f64, below_h: f64, below_k: f64) -> f64 {
        match &self.nodes {
            Nodes::Moderate { scale, points, count } => {
                let product = h * k;
                let squares = 0.5 * (h * h + k * k);
                let integral: f64 = points[..*count]
                    .iter()
                    .map(|[weight, tilt, spread]| weight * (product * tilt - squares * spread).exp())
                    .sum();
                below_h * below_k + scale * integral
            }
            Nodes::Large { width, points } if self.rho > 0.0 => below_h.min(below_k) - gap(h, k, *width, points),
            // P(X < h, Y < k) = P(X < h) - P(X < h, -Y < -k), and (X, -Y) has the correlation -rho.
            Nodes::Large { width, points } => (below_h + below_k - 1.0).max(0.0) + gap(h, -k, *width, points),
        }
    }

    /// P(low.0 < X < high.0, low.1 < Y < high.1) with small relative error, for rectangles of tiny probability.
    ///
    /// The integrand phi(x) P(low.1 < Y < high.1 | x) is log-concave, so panels are added outwards from its densest
    /// point until they stop to count.
    #[must_use]
    pub fn rectangle(&self, low: (f64, f64), high: (f64, f64)) -> f64 {
        let spread = self.rest.sqrt();
        let inner = |x: f64| ((low.1 - self.rho * x) / spread, (high.1 - self.rho * x) / spread);
        let integrand = |x: f64| {
            let (below, above) = inner(x);
            normal::pdf(x) * normal::interval(below, above)
        };
        let (densest, _) = self.nearest_point(low, high);
        let scale = spread / self.rho.abs();
        // Over a panel phi falls by at most e^2; the inner probability is flat where 0 is well inside of its interval,
        // an error function near the ends of the interval, and falls like exp(-u^2 / 2) at a distance u outside.
        let width_at = |x: f64| {
            let (below, above) = inner(x);
            let (distance, inside) = (below.abs().min(above.abs()), below < 0.0 && above > 0.0);
            let steps = match (inside, distance > 12.0) {
                (true, true) => 0.5 * distance,
                (false, true) => 12.0 / distance,
                (_, false) => 1.0,
            };
            (scale * steps).min(2.0 / x.abs().max(1.0))
        };
        let mut total = 0.0;
        for (end, direction) in [(high.0, 1.0), (low.0, -1.0)] {
            let mut start = densest;
            while (end - start) * direction > 0.0 {
                let reach = start + direction * width_at(start);
                let stop = if (end - reach) * direction > 0.0 { reach } else { end };
                let panel = integrate(&TWENTY, start, stop, integrand).abs();
                total += panel;
                if panel <= 1e-17 * total {
                    break;
                }
                start = stop;
            }
        }
        total
    }

    fn squared_distance(&self, (x, y): (f64, f64)) -> f64 {
        let residual = x - self.rho * y;
        residual * residual / self.rest + y * y
    }

    /// Point of the rectangle that is nearest to the origin in the metric of the distribution.
    fn nearest_point(&self, low: (f64, f64), high: (f64, f64)) -> (f64, f64) {
        let inside = |x: f64, low: f64, high: f64| x.clamp(low, high);
        if low.0 < 0.0 && 0.0 < high.0 && low.1 < 0.0 && 0.0 < high.1 {
            return (0.0, 0.0);
        }
        let on_first = [low.0, high.0].map(|x| (x, inside(self.rho * x, low.1, high.1)));
        let on_second = [low.1, high.1].map(|y| (inside(self.rho * y, low.0, high.0), y));
        let mut best = ((0.0, 0.0), f64::INFINITY);
        for point in on_first.into_iter().chain(on_second) {
            if point.0.is_finite() && point.1.is_finite() {
                let distance = self.squared_distance(point);
                if distance < best.1 {
                    best = (point, distance);
                }
            }
        }
        best.0
    }

    /// First and second derivative in rho of the logarithm of the probability of a rectangle so far out that the
    /// probability itself underflows: those of minus half the squared distance of its nearest point.
    #[must_use]
    pub fn far_log_slopes(&self, low: (f64, f64), high: (f64, f64)) -> (f64, f64) {
        let (x, y) = self.nearest_point(low, high);
        let (rho, rest) = (self.rho, self.rest);
        let numerator = (x - rho * y) * (rho * x - y);
        let slope = x * x + y * y - 2.0 * rho * x * y;
        (-numerator / (rest * rest), -(slope + 4.0 * rho * numerator / rest) / (rest * rest))
    }
}

impl Nodes {
    fn moderate(rho: f64) -> Self {
        let rule: &Rule = if rho.abs() < 0.3 {
            &SIX
        } else if rho.abs() < 0.75 {
            &TWELVE
        } else {
            &TWENTY
        };
        let angle = rho.asin();
        let mut points = [[0.0; 3]; 20];
        for (point, &(node, weight)) in points.iter_mut().zip(&rule.points) {
            let r = (angle * node).sin();
            let spread = 1.0 / ((1.0 - r) * (1.0 + r));
            *point = [weight, r * spread, spread];
        }
        Self::Moderate { scale: angle / TAU, points, count: rule.points.len() }
    }

    fn large(width: f64) -> Self {
        let mut points = [[0.0; 3]; 20];
        for (point, &(node, weight)) in points.iter_mut().zip(&TWENTY.points) {
            let square = (width * node) * (width * node);
            *point = [weight, square, (1.0 - square).sqrt()];
        }
        Self::Large { width, points }
    }
}

/// Integral of the density over the correlations from |rho| to 1, i.e. how far the distribution function is below its
/// upper bound.
///
/// With x = sqrt(1 - r^2) it is the integral over (0, width) of
/// `exp(-b^2 / 2x^2 - hk/2) exp(-hk x^2 / (2 (1 + s)^2)) / s / 2 pi`, b = h - k, s = sqrt(1 - x^2).
/// The second factor is 1 + c x^2 + c d x^4 + O(x^6); that part is integrated in closed form, the remainder by
/// quadrature.
fn gap(h: f64, k: f64, width: f64, points: &[[f64; 3]; 20]) -> f64 {
    let product = h * k;
    let distance = (h - k).abs();
    let square = distance * distance;
    let (c, d) = ((4.0 - product) / 8.0, (12.0 - product) / 16.0);
    let variance = width * width;
    let edge = exp_or_zero(-0.5 * (square / variance + product));
    let tail = if -product < 100.0 {
        (-0.5 * product).exp() * TAU.sqrt() * distance * normal::cdf(-distance / width)
    } else {
        0.0
    };
    // moment_n is the integral of x^2n exp(-b^2 / 2x^2 - hk/2), by parts from the one before.
    let moment_0 = width * edge - tail;
    let moment_1 = (width * variance * edge - square * moment_0) / 3.0;
    let moment_2 = (width * variance * variance * edge - square * moment_1) / 5.0;
    let mut integral = moment_0 + c * (moment_1 + d * moment_2);
    for &[weight, x2, root] in points {
        let envelope = exp_or_zero(-0.5 * (square / x2 + product));
        if envelope > 0.0 {
            let one_plus = 1.0 + root;
            let smooth = (-0.5 * product * x2 / (one_plus * one_plus)).exp() / root;
            integral += width * weight * envelope * (smooth - (1.0 + c * x2 * (1.0 + d * x2)));
        }
    }
    integral / (2.0 * PI)
}

fn exp_or_zero(exponent: f64) -> f64 {
    if exponent > -100.0 { exponent.exp() } else { 0.0 }
}

fn integrate(rule: &Rule, low: f64, high: f64, integrand: impl Fn(f64) -> f64) -> f64 {
    let width = high - low;
    width * rule.points.iter().map(|&(node, weight)| weight * integrand(low + width * node)).sum::<f64>()
}
