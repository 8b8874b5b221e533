//! What came of histories.

use std::fmt;
use std::time::Duration;

use engine::Event;
use shared::state::RunOutcome;
use shared::time::Timestamp;

use crate::course::Choice;

/// How much a history was.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Totals {
    /// Histories.
    pub histories: u64,
    /// Steps of the engine that were kept.
    pub steps: u64,
    /// Events.
    pub events: u64,
    /// Deaths of the daemon.
    pub crashes: u64,
    /// Steps that the disk did not take, or of which nobody knew whether it had.
    pub disk_faults: u64,
    /// Runs that were made.
    pub runs: u64,
    /// Rollbacks that undid all they should.
    pub rolled_back: u64,
    /// Rollbacks that did not.
    pub rollback_failed: u64,
    /// Requests that were carried out.
    pub done: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Virtual time.
    pub time: Duration,
}

impl Totals {
    /// Counts what the event is the end of.
    pub(crate) fn count(&mut self, event: &Event) {
        let Event::RunEnded { outcome, .. } = event else { return };
        self.rolled_back += u64::from(*outcome == RunOutcome::RolledBack);
        self.rollback_failed += u64::from(*outcome == RunOutcome::RollbackFailed);
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.histories += other.histories;
        self.steps += other.steps;
        self.events += other.events;
        self.crashes += other.crashes;
        self.disk_faults += other.disk_faults;
        self.runs += other.runs;
        self.rolled_back += other.rolled_back;
        self.rollback_failed += other.rollback_failed;
        self.done += other.done;
        self.refused += other.refused;
        self.time += other.time;
    }
}

/// Something that should hold does not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// The seed, which gives the same again.
    pub seed: u64,
    /// After so many steps.
    pub step: u64,
    /// What does not hold.
    pub problem: String,
    /// When it was noticed.
    pub at: Timestamp,
    /// What was done, went wrong and became true, oldest first: the last of it.
    pub recent: Vec<String>,
    /// What could be left out, in the order of the history.
    pub choices: Vec<Choice>,
}

impl Failed {
    /// The problem without the names and numbers that differ from one history to another.
    pub fn kind(&self) -> String {
        let words = self.problem.split_whitespace().filter(|word| {
            word.len() > 1 && word.chars().all(|it| it.is_ascii_lowercase() || it == ',')
        });
        words.take(8).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, step {}: {}", self.seed, self.step, self.problem)?;
        self.recent.iter().try_for_each(|it| writeln!(f, "  {it}"))
    }
}
