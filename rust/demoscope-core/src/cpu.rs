//! The same kernel compiled for several instruction sets, chosen when the program runs.
//!
//! The only file with `unsafe`: a function that is compiled for more than the baseline may run only where the processor
//! has those instructions, and a [`Cpu`] cannot be made for anything else.

use std::sync::LazyLock;

use crate::error::Error;

/// What a kernel may know about the instruction set that it is compiled for.
pub trait Arch: Copy {
    /// Whether one instruction multiplies and adds; without it `mul_add` would be a call into the C library.
    const FMA: bool;
}

#[derive(Clone, Copy)]
struct Plain;

impl Arch for Plain {
    const FMA: bool = cfg!(target_arch = "aarch64");
}

#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Fused;

#[cfg(target_arch = "x86_64")]
impl Arch for Fused {
    const FMA: bool = true;
}

/// Work that [`Cpu::run`] compiles for every instruction set.
///
/// `run` and all that it calls in hot loops must be `#[inline(always)]`, because only inlined code is compiled for the
/// instruction set of its caller.
pub trait Kernel {
    /// What the work results in.
    type Output;

    /// Does the work.
    fn run<A: Arch>(self) -> Self::Output;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// An instruction set that this processor has.
///
/// Results of two instruction sets differ in the last digits, because only some of them fuse multiplication and
/// addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cpu(Level);

static AVAILABLE: LazyLock<Vec<Cpu>> = LazyLock::new(|| {
    let mut available = vec![Cpu(Level::Baseline)];
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("popcnt") {
            available.push(Cpu(Level::Avx2));
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                available.push(Cpu(Level::Avx512));
            }
        }
    }
    available
});

impl Cpu {
    /// The widest instruction set of this processor.
    #[must_use]
    pub fn best() -> Self {
        AVAILABLE.last().copied().unwrap_or(Self(Level::Baseline))
    }

    /// All instruction sets of this processor that kernels are compiled for, the narrowest first.
    #[must_use]
    pub fn available() -> &'static [Self] {
        &AVAILABLE
    }

    /// The instruction set of a name.
    ///
    /// # Errors
    /// When the name is unknown or this processor does not have the instructions.
    pub fn named(name: &str) -> Result<Self, Error> {
        AVAILABLE.iter().copied().find(|cpu| cpu.name() == name).ok_or_else(|| Error::Name {
            what: "instruction set of this processor",
            name: name.to_owned(),
            known: "baseline, avx2, avx512 where the processor has them",
        })
    }

    /// Name, as [`Cpu::named`] takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
        }
    }

    /// Runs the variant of a kernel that is compiled for this instruction set.
    #[inline]
    #[allow(unsafe_code, reason = "the one place that calls code for instructions beyond the baseline")]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Level::Baseline => kernel.run::<Plain>(),
            // SAFETY: a `Cpu` of this level exists only after all features of `avx2` were detected.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2(kernel) },
            // SAFETY: a `Cpu` of this level exists only after all features of `avx512` were detected.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512(kernel) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,popcnt")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Fused>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Fused>()
}
