//! How far a run, a task run and an attempt have come. Four phases with the reason as data; one function gives the word
//! that people see. Source: semantics, rule 1.

use serde::{Deserialize, Serialize};

use crate::id::ItemKey;
use crate::time::Timestamp;

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunPhase {
    /// It may not start yet.
    Queued,
    /// Its tasks run.
    Active,
    /// Its tasks have ended so; what succeeded of them is being undone.
    RollingBack(RunOutcome),
    /// Its tasks have ended so; those of `finally` run.
    Closing(RunOutcome),
    /// Everything has ended.
    Ended(RunOutcome),
}

/// How a run has ended. Source: semantics, rule 3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// All that was to be done is done.
    Succeeded,
    /// Something failed and was tolerated.
    Partial,
    /// Something failed.
    Failed,
    /// An actor stopped it.
    Cancelled,
    /// Nothing was to be done.
    Skipped,
    /// What it had done was undone.
    RolledBack,
    /// What it had done was to be undone, and something of it could not be.
    RollbackFailed,
}

impl RunOutcome {
    /// The word that people see.
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::RolledBack => "rolled_back",
            Self::RollbackFailed => "rollback_failed",
        }
    }
}

/// Every word that a run's state may be.
pub const RUN_WORDS: [&str; 13] = [
    "queued",
    "running",
    "pausing",
    "paused",
    "cancelling",
    "rolling_back",
    "succeeded",
    "partial",
    "failed",
    "cancelled",
    "skipped",
    "rolled_back",
    "rollback_failed",
];

/// Every word that a task's state may be.
pub const TASK_WORDS: [&str; 16] = [
    "waiting",
    "queued",
    "starting",
    "running",
    "stopping",
    "held",
    "awaiting_approval",
    "retry_wait",
    "succeeded",
    "failed",
    "skipped",
    "upstream_failed",
    "cancelled",
    "rolling_back",
    "rolled_back",
    "rollback_failed",
];

/// Every word that a task's outcome may be, without what stands in brackets.
pub const OUTCOME_WORDS: [&str; 17] = [
    "succeeded",
    "exit",
    "signal",
    "oom",
    "timeout",
    "lost",
    "cancelled",
    "preempted",
    "check_failed",
    "start_failed",
    "rejected",
    "expired",
    "expression_error",
    "marked",
    "items_failed",
    "skipped",
    "upstream_failed",
];

impl RunPhase {
    /// Whether nothing follows but what a person asks for.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// The word that people see. `cancelling`: an actor has stopped it, and something of it still runs.
    pub fn word(self, cancelling: bool) -> &'static str {
        match self {
            Self::Ended(outcome) => outcome.word(),
            _ if cancelling => "cancelling",
            Self::RollingBack(_) => "rolling_back",
            Self::Queued => "queued",
            Self::Active | Self::Closing(_) => "running",
        }
    }
}

/// How far a task run has come.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskPhase {
    /// Something must happen before it can be started.
    Waiting(Wait),
    /// It is ready; it waits for capacity.
    Queued,
    /// It has an attempt that has not ended, or items that have not.
    Active(Activity),
    /// It has ended.
    Finished(Outcome),
}

/// What must happen before a task run can be started.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Its needs must end.
    Needs,
    /// The wait before its next attempt must end.
    Retry {
        /// When that is.
        at: Timestamp,
    },
    /// A person must let it go on.
    Hold {
        /// Why it is held.
        reason: String,
        /// Whether a person has asked for it.
        #[serde(default)]
        by_person: bool,
    },
    /// A person must decide.
    Approval {
        /// When it expires.
        expires: Option<Timestamp>,
        /// What is asked.
        message: String,
    },
}

/// What an active task run does. Each of these holds its slots and resources.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Its start is ordered and not yet confirmed.
    Starting,
    /// It runs.
    Running,
    /// Its stop is ordered; it has not ended.
    Stopping,
}

/// How a task run has ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did what it should.
    Succeeded,
    /// It did not.
    Failed(Failure),
    /// It was not to run.
    Skipped(Skip),
    /// What it needs has failed.
    UpstreamFailed,
    /// An actor stopped it, or its run, before it could end.
    Cancelled,
}

/// Why a task run has failed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Its last attempt ended so.
    Attempt(AttemptOutcome),
    /// A person has rejected it.
    Rejected {
        /// Who.
        by: String,
        /// What they said.
        comment: String,
    },
    /// Nobody has decided in time.
    Expired,
    /// Of the tasks of a group so many have failed that may not.
    Tasks {
        /// How many have failed.
        failed: u32,
        /// How many there are.
        total: u32,
    },
    /// One of its expressions has no value.
    Expression(String),
    /// A person has said that it has.
    Marked {
        /// Who.
        by: String,
        /// What they said.
        comment: Option<String>,
    },
    /// More of its items failed than it tolerates.
    Items {
        /// How many failed.
        failed: u32,
        /// How many there are.
        total: u32,
    },
}

/// Why a task run was not to run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// Its `when` was false.
    When,
    /// Its trigger rule does not hold.
    Rule,
    /// Everything in the group was skipped.
    Tasks,
    /// Nobody answered its approval, which says to skip then.
    Expired,
    /// A person has said so.
    Person {
        /// Who.
        by: String,
        /// What they said.
        comment: Option<String>,
    },
}

/// How an attempt has ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Exit code 0, and everything promised was there.
    Succeeded,
    /// Another exit code.
    Exit(i32),
    /// A signal that nobody of us sent.
    Signal(i32),
    /// The kernel took it for want of memory.
    Oom,
    /// It took too long; of a journal that does not say by which clock, and of what nobody has answered.
    Timeout,
    /// It took too long, by this clock.
    TimedOut(Clock),
    /// Nobody knows; the text says what is known.
    Lost(String),
    /// An actor stopped it.
    Cancelled,
    /// It had to make room.
    Preempted,
    /// Exit code 0, but a check, an `expect` or a promised output was not met.
    CheckFailed(String),
    /// It could not be started.
    StartFailed(String),
    /// A person has rejected what it asked.
    Rejected,
}

/// Which limit of time was reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// That of one attempt.
    Attempt,
    /// That of all attempts of the task.
    Total,
    /// That of silence.
    Idle,
    /// That of the run.
    Run,
}

impl Clock {
    /// Which it is, in words.
    pub fn said(self) -> &'static str {
        match self {
            Self::Attempt => "the time for one attempt was over",
            Self::Total => "the time for all its attempts was over",
            Self::Idle => "it was idle for too long: no output, and no change of its files",
            Self::Run => "the time for the run was over",
        }
    }
}

impl AttemptOutcome {
    /// The word that people see.
    pub fn word(&self) -> String {
        match self {
            Self::Succeeded => "succeeded".to_owned(),
            Self::Exit(code) => format!("exit({code})"),
            Self::Signal(number) => format!("signal({number})"),
            Self::Oom => "oom".to_owned(),
            Self::Timeout | Self::TimedOut(_) => "timeout".to_owned(),
            Self::Lost(_) => "lost".to_owned(),
            Self::Cancelled => "cancelled".to_owned(),
            Self::Preempted => "preempted".to_owned(),
            Self::CheckFailed(_) => "check_failed".to_owned(),
            Self::StartFailed(reason) => format!("start_failed({reason})"),
            Self::Rejected => "rejected".to_owned(),
        }
    }

    /// What there is to say beyond the word.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Lost(text) | Self::CheckFailed(text) | Self::StartFailed(text) => Some(text),
            Self::TimedOut(clock) => Some(clock.said()),
            _ => None,
        }
    }
}

impl TaskPhase {
    /// Whether nothing follows but what a person asks for.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Finished(_))
    }

    /// The outcome, of one that is over.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Finished(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// The word that people see.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting(Wait::Needs) => "waiting",
            Self::Waiting(Wait::Retry { .. }) => "retry_wait",
            Self::Waiting(Wait::Hold { .. }) => "held",
            Self::Waiting(Wait::Approval { .. }) => "awaiting_approval",
            Self::Queued => "queued",
            Self::Active(Activity::Starting) => "starting",
            Self::Active(Activity::Running) => "running",
            Self::Active(Activity::Stopping) => "stopping",
            Self::Finished(outcome) => outcome.word(),
        }
    }
}

impl Outcome {
    /// Whether what needs it sees a success.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Succeeded)
    }

    /// Whether what needs it sees a failure.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::UpstreamFailed | Self::Cancelled)
    }

    /// The word that people see as its state.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
            Self::UpstreamFailed => "upstream_failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Why it ended so, where that is not plain from the word.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Failed(failure) => Some(failure.reason()),
            Self::Skipped(Skip::When) => Some("its `when` was false".to_owned()),
            Self::Skipped(Skip::Rule) => Some("its trigger rule does not hold".to_owned()),
            Self::Skipped(Skip::Tasks) => Some("everything in it was skipped".to_owned()),
            Self::Skipped(Skip::Expired) => Some("nobody answered in time".to_owned()),
            Self::Skipped(Skip::Person { by, comment }) => {
                Some(said(format!("skipped by {by}"), comment.as_deref()))
            }
            Self::Succeeded | Self::UpstreamFailed | Self::Cancelled => None,
        }
    }
}

impl Failure {
    /// In a few words.
    pub fn reason(&self) -> String {
        match self {
            Self::Attempt(outcome) => match outcome.detail() {
                Some(detail) if !matches!(outcome, AttemptOutcome::StartFailed(_)) => {
                    format!("{}: {detail}", outcome.word())
                }
                _ => outcome.word(),
            },
            Self::Rejected { by, comment } => format!("rejected by {by}: {comment}"),
            Self::Expired => "expired: nobody answered in time".to_owned(),
            Self::Expression(problem) => problem.clone(),
            Self::Marked { by, comment } => {
                said(format!("marked as failed by {by}"), comment.as_deref())
            }
            Self::Items { failed, total } => format!("{failed} of {total} items failed"),
            Self::Tasks { failed, total } => format!("{failed} of {total} tasks failed"),
        }
    }

    /// The outcome's word, which says more than `failed`.
    pub fn outcome_word(&self) -> String {
        match self {
            Self::Attempt(outcome) => outcome.word(),
            Self::Rejected { .. } => "rejected".to_owned(),
            Self::Expired => "expired".to_owned(),
            Self::Expression(_) => "expression_error".to_owned(),
            Self::Marked { .. } => "marked".to_owned(),
            Self::Items { .. } => "items_failed".to_owned(),
            Self::Tasks { .. } => "tasks_failed".to_owned(),
        }
    }
}

/// What somebody did, and what they said about it.
pub fn said(what: String, comment: Option<&str>) -> String {
    match comment {
        Some(comment) => format!("{what}: {comment}"),
        None => what,
    }
}

/// An item of a mapped task: its key, and its value as it was when the task became ready.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// What it is addressed by.
    pub key: ItemKey,
    /// What it stands for.
    pub value: serde_json::Value,
}

/// What an attempt has used.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Usage {
    /// The largest resident size of one of its processes, in bytes.
    pub max_rss: u64,
    /// Processor time, in microseconds.
    pub cpu_us: u64,
    /// What it has printed, in bytes.
    pub log_bytes: u64,
    /// How much of that was not kept.
    pub log_dropped: u64,
    /// Processes that it left running, which were killed.
    pub left_behind: u32,
}
