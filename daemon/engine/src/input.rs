//! Everything that can come in.

use std::sync::Arc;

use shared::capacity::Capacity;
use shared::id::{AttemptId, PoolName, WorkflowName};
use shared::request::{Actor, Request};
use shared::state::Usage;
use shared::time::Timestamp;
use shared::workflow::Workflow;

use crate::event::RequestRefused;
use crate::state::Run;

/// Something that happened outside.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// The instant has come that was asked for.
    Wake,
    /// The daemon has started on this state: what had been ordered outside of pools must be ordered again.
    Resumed {
        /// The store's incarnation, drawn at its creation and at each restore.
        incarnation: u64,
    },
    /// What the configuration says of capacity.
    Configured(Box<Capacity>),
    /// What was measured of a pool's machine. No fact in itself: only that a guard closes or opens by it is.
    Measured {
        /// The pool.
        pool: PoolName,
        /// What was measured.
        measured: Measured,
    },
    /// What the workflows folder holds, all of it.
    LibraryRead(Vec<Shelf>),
    /// An actor asks for something.
    Request {
        /// Whom to answer.
        ticket: Ticket,
        /// Who asks.
        actor: Actor,
        /// What is asked.
        request: Request,
        /// What the actor saw when they decided on it.
        seen: Seen,
        /// The run it is about, where that has ended and so is not in the state.
        archived: Option<Box<Archived>>,
    },
    /// An actor was refused what they asked for; to be kept.
    RequestRefused(Box<RequestRefused>),
    /// A pool's runner can be reached, and this is all it knows.
    PoolConnected {
        /// The pool.
        pool: PoolName,
        /// Which journal the runner has: another one has lost what the old one knew.
        lineage: u64,
        /// Its attempts that have not been released.
        known: Vec<(AttemptId, Known)>,
    },
    /// A pool's runner cannot be reached. Says nothing of its attempts.
    PoolLost {
        /// The pool.
        pool: PoolName,
    },
    /// An attempt's program runs.
    AttemptStarted {
        /// Where it runs.
        pool: PoolName,
        /// The attempt.
        attempt: AttemptId,
        /// Its process.
        pid: u32,
        /// When it started.
        at: Timestamp,
    },
    /// An attempt has ended, and none of its processes is left.
    AttemptEnded {
        /// Where it ran.
        pool: PoolName,
        /// The attempt.
        attempt: AttemptId,
        /// How.
        end: Box<AttemptEnd>,
    },
    /// The file is there that an attempt waits for, and grows no more.
    FileArrived {
        /// The attempt.
        attempt: AttemptId,
        /// The file.
        file: FoundFile,
    },
}

/// What was measured of a pool's machine; absent what cannot be measured there.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Measured {
    /// Its load: how many processes want to run, averaged over a minute.
    pub load: Option<f64>,
    /// How much memory could be taken, in bytes.
    pub memory_free: Option<u64>,
    /// For which part of the last ten seconds something waited for memory, in percent.
    pub pressure: Option<f64>,
}

/// What an actor saw when they decided on a request. Where it is so no more, the request is refused.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Seen {
    /// The word of the state of its target.
    pub state: Option<String>,
    /// The digest of the plan that was shown.
    pub plan: Option<String>,
}

/// Names who waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ticket(pub u64);

/// A file of the workflows folder.
#[derive(Clone, PartialEq, Debug)]
pub enum Shelf {
    /// It holds a workflow.
    Good(Arc<Workflow>),
    /// It does not.
    Broken {
        /// Its stem.
        name: WorkflowName,
        /// What is wrong, a line each.
        problems: Vec<String>,
    },
}

/// A run that has ended, from the store.
#[derive(Clone, PartialEq, Debug)]
pub struct Archived {
    /// The run.
    pub run: Run,
    /// The version of its workflow.
    pub workflow: Arc<Workflow>,
}

/// How far a runner says an attempt has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// Its program runs, or is about to.
    Running {
        /// Its process, once it has one.
        pid: u32,
        /// When it started.
        at: Timestamp,
    },
    /// It has ended; how is told by an [`Input::AttemptEnded`] of its own.
    Ended,
}

/// How an attempt has ended, as its runner saw it.
#[derive(Clone, PartialEq, Debug)]
pub struct AttemptEnd {
    /// How its program ended.
    pub how: How,
    /// When its program started; where it did.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it used.
    pub usage: Usage,
    /// The bytes of its outputs file.
    pub outputs: Vec<u8>,
    /// What the programs of a check gave, in their order.
    pub checks: Vec<CheckResult>,
}

/// How an attempt's program ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum How {
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal that the runner did not send.
    Signalled(i32),
    /// By the kernel, for want of memory.
    Oom,
    /// Because it was to be stopped.
    Killed,
    /// Because its time was over.
    TimedOut,
    /// Because it gave no sign of life for too long.
    Idle,
    /// It could not be started: what the kernel said.
    ExecFailed(String),
    /// There was no room for it; nothing of it ran.
    Refused(String),
    /// Nothing of it ran: the runner died before.
    Never,
    /// Nobody knows; what is known.
    Lost(String),
}

impl AttemptEnd {
    /// An end of which nothing is known but how.
    pub fn of(how: How) -> Self {
        Self {
            how,
            started_at: None,
            ended_at: None,
            usage: Usage::default(),
            outputs: Vec::new(),
            checks: Vec::new(),
        }
    }
}

/// What a program of a check gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckResult {
    /// Its exit code; 128 and the signal, where one ended it.
    pub exit: i32,
    /// What it printed.
    pub output: String,
}

/// A file that was waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundFile {
    /// Its path.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last changed.
    pub modified: Timestamp,
}
