//! What goes wrong, from a seed.

use std::time::Duration;

use crate::rng::Rng;

/// Where in its work the daemon dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Death {
    /// Before the step was on disk: it has not happened.
    BeforeAppend,
    /// After that, and before anything was done.
    BeforeEffects,
    /// After so many of the effects.
    AfterEffects(usize),
    /// It lives, and does not know whether the disk has the step: it has not.
    SyncFailed,
    /// It lives, and does not know whether the disk has the step: it has.
    SyncFailedLate,
}

/// Something that goes wrong outside of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A connection breaks.
    Disconnect,
    /// A runner dies and comes back.
    RunnerDies,
    /// A runner comes back with an empty journal.
    JournalReplaced,
    /// A runner is told to start something by a daemon whose store is gone.
    Stray,
    /// The disk is full for a while.
    DiskFull,
    /// The daemon's clock jumps; by milliseconds, forwards where positive.
    ClockJump(i64),
    /// The daemon dies between two steps.
    DaemonDies,
}

/// Whether and where the daemon dies in a step with so many effects.
pub fn death(rng: &mut Rng, effects: usize) -> Option<Death> {
    if !rng.once_in(60) {
        return None;
    }
    Some(match rng.below(8) {
        0..=1 => Death::BeforeAppend,
        2..=3 => Death::BeforeEffects,
        4 => Death::SyncFailed,
        5 => Death::SyncFailedLate,
        _ => Death::AfterEffects(usize::try_from(rng.below(effects as u64 + 1)).unwrap_or(0)),
    })
}

/// The next fault.
pub fn fault(rng: &mut Rng) -> Fault {
    match rng.below(12) {
        0..=2 => Fault::Disconnect,
        3..=4 => Fault::RunnerDies,
        5 => Fault::JournalReplaced,
        6..=7 => {
            // Minutes, hours, a day and a little.
            let longest = *rng.pick(&[600_000, 600_000, 14_400_000, 90_000_000]).unwrap_or(&0);
            let millis = i64::from(rng.between(0, longest));
            Fault::ClockJump(if rng.percent(50) { millis } else { -millis })
        }
        8 => Fault::Stray,
        9 => Fault::DiskFull,
        _ => Fault::DaemonDies,
    }
}

/// How long until the next fault.
pub fn pause(rng: &mut Rng) -> Duration {
    match rng.once_in(10) {
        true => rng.span(Duration::from_secs(4 * 3_600)),
        false => rng.span(Duration::from_secs(240)),
    }
}
