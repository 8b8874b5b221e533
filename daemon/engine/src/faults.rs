//! Deliberate faults, each what a careless change could do, so that the simulator can show that it would find it.
//!
//! Without the feature `faults` none can be selected, and every question whether one is active is answered at compile
//! time. The daemon refuses to be built with it.

use crate::state::Spot;
use shared::time::Timestamp;

/// Whether faults can be selected in this build.
pub const ARE_SELECTABLE: bool = cfg!(feature = "faults");

/// A deliberate fault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    /// A slot is free as soon as its attempt is told to stop.
    SlotFreedAtStop,
    /// What a retry has waited for happens whatever has become of the task run since.
    RetryTimerOutlivesPhase,
    /// The same, of a task run that was cancelled.
    CancelledIsRetried,
    /// What was skipped counts as a success for what needs it.
    SkippedIsSuccess,
    /// What was skipped counts as a failure for what needs it.
    SkippedIsFailure,
    /// Smaller priorities go first.
    PriorityReversed,
    /// Who has waited long enough goes before what is critical too.
    LiftsPastCritical,
    /// An item that is expanded again is who stood in its place before.
    ItemByPlace,
    /// Undos begin with what has ended first.
    UndoOldestFirst,
    /// Nobody looks whether it is still as it was shown.
    SeenUnchecked,
    /// Runs that have ended count in `max_runs`.
    EndedRunsCount,
    /// What needs something that has failed waits for ever.
    UpstreamFailedWaits,
    /// The end of an attempt gives back twice what it held.
    ReleasedTwice,
    /// Waiting for a retry holds the slot.
    RetryKeepsSlot,
    /// What a runner has lost is ordered again under the same id.
    LostIsStartedAgain,
    /// What was undone is undone again.
    UndoneTwice,
    /// A pause never ends by itself.
    PauseForgetsEnd,
    /// One more item may fail than is tolerated.
    ToleratesOneMore,
    /// A cancel leaves alone what waits in a queue.
    CancelForgetsQueue,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::SlotFreedAtStop,
        Self::RetryTimerOutlivesPhase,
        Self::CancelledIsRetried,
        Self::SkippedIsSuccess,
        Self::SkippedIsFailure,
        Self::PriorityReversed,
        Self::LiftsPastCritical,
        Self::ItemByPlace,
        Self::UndoOldestFirst,
        Self::SeenUnchecked,
        Self::EndedRunsCount,
        Self::UpstreamFailedWaits,
        Self::ReleasedTwice,
        Self::RetryKeepsSlot,
        Self::LostIsStartedAgain,
        Self::UndoneTwice,
        Self::PauseForgetsEnd,
        Self::ToleratesOneMore,
        Self::CancelForgetsQueue,
    ];
}

#[cfg(feature = "faults")]
mod selected {
    use std::cell::{Cell, RefCell};

    use super::{Fault, Spot, Timestamp};

    thread_local! {
        static SELECTED: Cell<Option<Fault>> = const { Cell::new(None) };
        static ARMED: RefCell<Vec<(Timestamp, Spot)>> = const { RefCell::new(Vec::new()) };
    }

    /// Selects the fault that engines of this thread have from here on; none of them, to begin with.
    pub fn select(fault: Option<Fault>) {
        SELECTED.set(fault);
        ARMED.take();
    }

    pub(crate) fn active(fault: Fault) -> bool {
        SELECTED.get() == Some(fault)
    }

    /// Keeps a timer that is of no phase.
    pub(crate) fn arm(at: Timestamp, spot: Spot) {
        if active(Fault::RetryTimerOutlivesPhase) || active(Fault::CancelledIsRetried) {
            ARMED.with_borrow_mut(|it| it.push((at, spot)));
        }
    }

    /// The timers of no phase that are due.
    pub(crate) fn due(now: Timestamp) -> Vec<Spot> {
        ARMED.with_borrow_mut(|it| it.extract_if(.., |it| it.0 <= now).map(|it| it.1).collect())
    }
}

#[cfg(not(feature = "faults"))]
mod selected {
    use super::{Fault, Spot, Timestamp};

    pub(crate) const fn active(_: Fault) -> bool {
        false
    }

    pub(crate) const fn arm(_: Timestamp, _: Spot) {}

    pub(crate) const fn due(_: Timestamp) -> Vec<Spot> {
        Vec::new()
    }
}

#[cfg(feature = "faults")]
pub use selected::select;
pub(crate) use selected::{active, arm, due};
