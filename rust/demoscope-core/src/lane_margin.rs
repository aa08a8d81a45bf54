//! Thresholds of one item in eight tables, ready for [`crate::lane_fit`].
#![allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]

use crate::cpu::{Arch, Cpu, Kernel};
use crate::hermite;
use crate::lane_fit::{FAR, Margin};
use crate::lanes::{LANES, Lanes};
use crate::polychoric::Thresholds;

/// Thresholds, shares below them and their Hermite functions.
#[derive(Debug, Default)]
pub struct LaneMargin {
    tau: Vec<Lanes>,
    below: Vec<Lanes>,
    psi: Vec<Lanes>,
    stride: usize,
}

impl LaneMargin {
    /// Forgets everything and makes room for an item with this number of categories, all of them below infinity.
    pub fn reset(&mut self, categories: usize) {
        self.tau.clear();
        self.tau.resize(categories.saturating_sub(1), Lanes::splat(FAR));
        self.below.clear();
        self.below.resize(categories.saturating_sub(1), Lanes::splat(1.0));
        self.stride = 0;
    }

    /// Sets the thresholds of one lane; an item with fewer categories than there is room for gets unused ones at the end.
    pub fn set_lane(&mut self, lane: usize, thresholds: &Thresholds) {
        let categories = thresholds.below.len() - 1;
        for (k, (tau, below)) in self.tau.iter_mut().zip(&mut self.below).enumerate() {
            let k = (k + 1).min(categories);
            tau.0[lane] = thresholds.tau[k].clamp(-FAR, FAR);
            below.0[lane] = thresholds.below[k];
        }
    }

    /// Sets the thresholds of all lanes, those at most [`FAR`] from 0.
    pub fn set(&mut self, tau: &[Lanes], below: &[Lanes]) {
        self.tau.clear();
        self.tau.extend_from_slice(tau);
        self.below.clear();
        self.below.extend_from_slice(below);
        self.stride = 0;
    }

    /// Writes the thresholds of one lane.
    pub fn get_lane(&self, lane: usize, thresholds: &mut Thresholds) {
        let unbounded = |tau: f64| if tau.abs() >= FAR { f64::INFINITY.copysign(tau) } else { tau };
        let inner = self.tau.iter().zip(&self.below);
        thresholds.set_inner(inner.map(|(tau, below)| (unbounded(tau.0[lane]), below.0[lane])));
    }

    /// Sets the thresholds of all lanes from category totals.
    pub fn set_totals(&mut self, totals: &[Lanes], thresholds: &mut Thresholds) {
        self.reset(totals.len());
        let mut lane_totals = vec![0.0; totals.len()];
        for lane in 0..LANES {
            for (own, totals) in lane_totals.iter_mut().zip(totals) {
                *own = totals.0[lane];
            }
            thresholds.set(&lane_totals);
            self.set_lane(lane, thresholds);
        }
    }

    /// Computes this number of Hermite functions of every threshold.
    pub fn fill(&mut self, cpu: Cpu, terms: usize) {
        self.stride = terms;
        self.psi.resize(self.tau.len() * terms, Lanes::default());
        if terms > 0 {
            cpu.run(Fill { tau: &self.tau, psi: &mut self.psi, terms });
        }
    }

    /// Computes Hermite functions unless there are this many for these thresholds already.
    pub fn fill_at_least(&mut self, cpu: Cpu, terms: usize) {
        if self.stride < terms {
            self.fill(cpu, terms);
        }
    }

    /// The item as a fit reads it.
    #[must_use]
    pub fn view(&self) -> Margin<'_> {
        Margin { tau: &self.tau, below: &self.below, psi: &self.psi, stride: self.stride }
    }
}

struct Fill<'a> {
    tau: &'a [Lanes],
    psi: &'a mut [Lanes],
    terms: usize,
}

impl Kernel for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        for (&tau, psi) in self.tau.iter().zip(self.psi.chunks_exact_mut(self.terms)) {
            hermite::fill::<A>(tau, psi);
        }
    }
}
