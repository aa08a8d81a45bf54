//! Eigenvalues and eigenvectors of a small symmetric matrix: cyclic Jacobi rotations (Golub & Van Loan 2013, 8.5).
//!
//! A fixed order of plain arithmetic and square roots: the same bits on every machine and for any number of threads,
//! which no BLAS promises.

/// Sweeps after which every matrix of finite numbers has long converged; quadratic convergence needs about 10.
const MAX_SWEEPS: u32 = 60;

/// Eigenvalues with their eigenvectors, in no particular order.
#[derive(Debug, Clone, PartialEq)]
pub struct Eigen {
    /// Eigenvalues.
    pub values: Vec<f64>,
    /// Orthonormal eigenvectors, one row each.
    pub vectors: Vec<f64>,
}

impl Eigen {
    /// Decomposes a symmetric matrix of `order` rows.
    #[must_use]
    pub fn new(matrix: &[f64], order: usize) -> Self {
        let mut matrix = matrix.to_vec();
        let mut vectors = vec![0.0; order * order];
        vectors.iter_mut().step_by(order + 1).for_each(|diagonal| *diagonal = 1.0);
        let norm = matrix.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
        let nothing = 0.5 * f64::EPSILON * norm / (order.max(1) as f64);
        for _ in 0..MAX_SWEEPS {
            let mut rotated = false;
            for p in 0..order {
                for q in p + 1..order {
                    if matrix[p * order + q].abs() > nothing {
                        let (cos, sin) = annul(&mut matrix, order, p, q);
                        rotate(&mut vectors, order, (p, q), (cos, sin));
                        rotated = true;
                    }
                }
            }
            if !rotated {
                break;
            }
        }
        Self { values: matrix.into_iter().step_by(order + 1).collect(), vectors }
    }

    /// The smallest eigenvalue; infinite for the matrix without rows.
    #[must_use]
    pub fn smallest(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Eigenvalues with their vectors.
    pub fn pairs(&self) -> impl Iterator<Item = (f64, &[f64])> {
        self.values.iter().copied().zip(self.vectors.chunks_exact(self.values.len().max(1)))
    }
}

/// Makes the entries (p, q) and (q, p) zero and returns cosine and sine of the rotation.
fn annul(matrix: &mut [f64], order: usize, p: usize, q: usize) -> (f64, f64) {
    let (pp, pq, qq) = (matrix[p * order + p], matrix[p * order + q], matrix[q * order + q]);
    let ratio = 0.5 * (qq - pp) / pq;
    // The smaller root of tan^2 + 2 ratio tan - 1 = 0, the rotation by at most 45 degrees.
    let tan = 1.0_f64.copysign(ratio) / (ratio.abs() + (ratio * ratio + 1.0).sqrt());
    let cos = 1.0 / (tan * tan + 1.0).sqrt();
    let sin = tan * cos;
    rotate(matrix, order, (p, q), (cos, sin));
    for k in 0..order {
        matrix[k * order + p] = matrix[p * order + k];
        matrix[k * order + q] = matrix[q * order + k];
    }
    matrix[p * order + p] = pp - tan * pq;
    matrix[q * order + q] = qq + tan * pq;
    matrix[p * order + q] = 0.0;
    matrix[q * order + p] = 0.0;
    (cos, sin)
}

/// Rotates the rows p < q.
fn rotate(matrix: &mut [f64], order: usize, (p, q): (usize, usize), (cos, sin): (f64, f64)) {
    let (head, tail) = matrix.split_at_mut(q * order);
    for (x, y) in head[p * order..(p + 1) * order].iter_mut().zip(&mut tail[..order]) {
        (*x, *y) = (cos * *x - sin * *y, sin * *x + cos * *y);
    }
}
