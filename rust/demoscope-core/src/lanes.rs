//! Eight numbers that are computed side by side.
//!
//! Plain arrays and loops of fixed length: the compiler turns every operation into one or a few vector instructions of
//! whatever instruction set the caller is compiled for ([`crate::cpu`]).
#![allow(clippy::inline_always, reason = "only inlined code is compiled for the instruction set of its caller")]

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use crate::cpu::Arch;

/// Numbers side by side.
pub const LANES: usize = 8;

/// Eight numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub struct Lanes(pub [f64; LANES]);

impl Default for Lanes {
    #[inline(always)]
    fn default() -> Self {
        Self::splat(0.0)
    }
}

impl Lanes {
    /// The same number eight times.
    #[inline(always)]
    #[must_use]
    pub fn splat(value: f64) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let mut out = [0.0; LANES];
        for (out, a) in out.iter_mut().zip(self.0) {
            *out = f(a);
        }
        Self(out)
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let mut out = [0.0; LANES];
        for (out, (a, b)) in out.iter_mut().zip(self.0.into_iter().zip(other.0)) {
            *out = f(a, b);
        }
        Self(out)
    }

    /// `self * factor + term`, rounded once where the instruction set can.
    #[inline(always)]
    #[must_use]
    pub fn mul_add<A: Arch>(self, factor: Self, term: Self) -> Self {
        let mut out = [0.0; LANES];
        for (i, out) in out.iter_mut().enumerate() {
            *out = if A::FMA { self.0[i].mul_add(factor.0[i], term.0[i]) } else { self.0[i] * factor.0[i] + term.0[i] };
        }
        Self(out)
    }

    /// `term - self * factor`, rounded once where the instruction set can.
    #[inline(always)]
    #[must_use]
    pub fn neg_mul_add<A: Arch>(self, factor: Self, term: Self) -> Self {
        (-self).mul_add::<A>(factor, term)
    }

    /// Absolute values.
    #[inline(always)]
    #[must_use]
    pub fn abs(self) -> Self {
        self.map(f64::abs)
    }

    /// Square roots.
    #[inline(always)]
    #[must_use]
    pub fn sqrt(self) -> Self {
        self.map(f64::sqrt)
    }

    /// The larger numbers.
    #[inline(always)]
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    /// The smaller numbers.
    #[inline(always)]
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    /// Where `self > bound` the number of `yes`, elsewhere that of `no`.
    #[inline(always)]
    #[must_use]
    pub fn select_above(self, bound: Self, yes: Self, no: Self) -> Self {
        let mut out = [0.0; LANES];
        for (i, out) in out.iter_mut().enumerate() {
            *out = if self.0[i] > bound.0[i] { yes.0[i] } else { no.0[i] };
        }
        Self(out)
    }

    /// Exponential of numbers up to 700; below -700 it is 0.
    ///
    /// Relative error below 1e-15: `x = n ln 2 + f`, a Taylor polynomial of degree 12 in `|f| <= 0.347`, and n added to
    /// the exponent.
    #[inline(always)]
    #[must_use]
    pub fn exp<A: Arch>(self) -> Self {
        const HIGH: f64 = 6.931_471_803_691_238e-1;
        const LOW: f64 = 1.908_214_929_270_587_7e-10;
        // 1.5 x 2^52 rounds to whole numbers; the bias of the exponent rides along.
        const SHIFT: f64 = 6_755_399_441_055_744.0 + 1_023.0;
        let x = self.max(Self::splat(-700.0));
        let shifted = x.mul_add::<A>(Self::splat(std::f64::consts::LOG2_E), Self::splat(SHIFT));
        let n = shifted - Self::splat(SHIFT);
        let f = n.neg_mul_add::<A>(Self::splat(LOW), n.neg_mul_add::<A>(Self::splat(HIGH), x));
        let mut sum = Self::splat(INVERSE_FACTORIALS[0]);
        for coefficient in &INVERSE_FACTORIALS[1..] {
            sum = sum.mul_add::<A>(f, Self::splat(*coefficient));
        }
        let mut scale = [0.0; LANES];
        for (scale, shifted) in scale.iter_mut().zip(shifted.0) {
            *scale = f64::from_bits(shifted.to_bits() << 52);
        }
        self.select_above(Self::splat(-700.0), sum * Self(scale), Self::default())
    }
}

/// 1/12!, 1/11!, ..., 1/0!.
const INVERSE_FACTORIALS: [f64; 13] = [
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

macro_rules! operator {
    ($trait:ident, $method:ident, $symbol:tt) => {
        impl $trait for Lanes {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, |a, b| a $symbol b)
            }
        }
    };
}

operator!(Add, add, +);
operator!(Sub, sub, -);
operator!(Mul, mul, *);
operator!(Div, div, /);

impl Neg for Lanes {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|a| -a)
    }
}

impl AddAssign for Lanes {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
