//! What the console is told.

use shared::plan::Plan;
use shared::request::{Answer, Refusal};
use shared::snapshot::{EventsPage, Graph, LogChunk, LogHits, RunView};
use shared::time::Timestamp;
use shared::watch::News;
use shared::why::Why;

use crate::key::Key;

/// Names a question, so that its answer finds back; an answer that nobody waits for is dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ticket(
    /// Counted up by the console.
    pub u64,
);

/// Names a question about a log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LogTicket(
    /// Counted up by the console.
    pub u64,
);

/// How the connection to the daemon is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Link {
    /// It is being made for the first time.
    Connecting,
    /// It stands.
    Up {
        /// The daemon's version.
        version: String,
    },
    /// It broke; it is being made again.
    Lost {
        /// When the daemon was heard of the last time.
        since: Timestamp,
        /// What went wrong, a lower-case fragment.
        reason: String,
    },
    /// The daemon does not talk to this console: it is of another version, or this user may not use it.
    Refused {
        /// Why, a lower-case fragment.
        reason: String,
        /// What to do about it: which side to upgrade.
        help: String,
    },
}

/// Something that happened outside.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// A text was pasted.
    Paste(String),
    /// The terminal has so many columns and rows.
    Resize(u16, u16),
    /// The terminal's window has the keys, or has them no more.
    Focus(bool),
    /// Time has passed.
    Tick,
    /// The connection has changed.
    Link(Link),
    /// The daemon told what has changed.
    News(Box<News>),
    /// Answers [`crate::Effect::Plan`].
    Planned(Ticket, Result<Plan, Refusal>),
    /// Answers [`crate::Effect::Act`].
    Answered(Ticket, Result<Answer, Refusal>),
    /// Answers [`crate::Effect::Why`].
    Why(Ticket, Result<Why, Refusal>),
    /// Answers [`crate::Effect::Items`].
    Items(Ticket, Result<RunView, Refusal>),
    /// Answers [`crate::Effect::Graph`].
    Graph(Ticket, Result<Graph, Refusal>),
    /// Answers [`crate::Effect::Events`].
    Events(Ticket, Result<EventsPage, Refusal>),
    /// Answers [`crate::Effect::ReadLog`].
    Log(LogTicket, Result<LogChunk, Refusal>),
    /// Answers [`crate::Effect::SearchLog`].
    LogFound(LogTicket, Result<LogHits, Refusal>),
    /// Whether [`crate::Effect::Copy`] was sent to the terminal; it was not if it was too long.
    Copied(bool),
    /// Answers [`crate::Effect::SaveText`]: the path of the file, or why there is none, a lower-case fragment.
    Saved(Result<String, String>),
}
