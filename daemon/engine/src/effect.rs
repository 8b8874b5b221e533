//! Everything that can go out.

use std::time::Duration;

use shared::id::{AttemptId, PoolName, RunId};
use shared::request::{Answer, Refusal};

use crate::input::Ticket;

/// Something a shell must now do. Carried out only after the step's events are on disk. Each may come again after a
/// restart: to do it twice is to do it once.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Start this attempt in its pool.
    StartAttempt(Box<Launch>),
    /// Stop this attempt; it still reports its end.
    StopAttempt(PoolName, AttemptId),
    /// The end of this attempt is on disk: its runner may forget it.
    ReleaseAttempt(PoolName, AttemptId),
    /// Look for a file until it is there and grows no more, or until [`Effect::StopWatch`].
    WatchFile(Watch),
    /// Look for it no more.
    StopWatch(AttemptId),
    /// Answer an actor.
    Answer(Ticket, Result<Answer, Refusal>),
}

/// All that a runner needs to know of an attempt.
#[derive(Clone, PartialEq, Debug)]
pub struct Launch {
    /// The attempt.
    pub attempt: AttemptId,
    /// The run, whose folder its tasks share.
    pub run: RunId,
    /// Where it runs.
    pub pool: PoolName,
    /// What runs.
    pub program: Program,
    /// What its environment has beside that of the pool; of two with one name the later wins.
    pub env: Vec<(String, String)>,
    /// Where it starts.
    pub working_dir: String,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// How long it may give no sign of life.
    pub idle: Option<Duration>,
    /// How long its processes have between SIGTERM and SIGKILL.
    pub kill_grace: Duration,
}

/// What runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Program {
    /// A program and its arguments.
    Argv(Vec<String>),
    /// Several, one after the other, whose exit codes and outputs are all wanted.
    Checks(Vec<Vec<String>>),
    /// Moves something into place, and keeps what was there.
    Publish(Publication),
    /// Puts back what a publication has replaced.
    Withdraw(Publication),
}

/// Something that is moved into place. Done again, or begun and broken off by a crash and done again, it is done once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publication {
    /// Names it: the run and the task run that it is of. A name that a file can have.
    pub update: String,
    /// A file or a folder, relative to the run's folder.
    pub from: String,
    /// The absolute path of its place.
    pub to: String,
    /// How many versions are kept that it has replaced.
    pub keep: u32,
}

/// A file to look for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Watch {
    /// For which attempt.
    pub attempt: AttemptId,
    /// Its absolute path; `*` and `?` in the last part match any name.
    pub path: String,
    /// How long its size and time of change must have stayed the same.
    pub stable_for: Duration,
}
