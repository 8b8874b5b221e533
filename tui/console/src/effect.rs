//! What the console asks of the shell around it.

use shared::id::{RunId, Seq, WorkflowName};
use shared::request::{Act, Request};
use shared::watch::Topics;

use crate::input::{LogTicket, Ticket};

/// Something the shell does. It decides nothing by itself; what has an answer comes back with its ticket.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Asks the daemon for news of this from now on. Where it is the same as before, it is asked anew and whole.
    Watch(Topics),
    /// Asks what a request would do: [`crate::Input::Planned`].
    Plan(Ticket, Request),
    /// Asks the daemon to do it: [`crate::Input::Answered`].
    Act(Ticket, Act),
    /// Asks why a run, or one of its task runs, does not go on or ended so: [`crate::Input::Why`].
    Why(Ticket, RunId, Option<String>),
    /// Asks for items of a mapped task: [`crate::Input::Items`].
    Items(Ticket, ItemsAsk),
    /// Asks for the graph of a workflow's newest version: [`crate::Input::Graph`].
    Graph(Ticket, WorkflowName),
    /// Asks for the events of a run after this one: [`crate::Input::Events`].
    Events(Ticket, RunId, Seq),
    /// Asks for a part of a log: [`crate::Input::Log`].
    ReadLog(LogTicket, LogAsk),
    /// Asks for lines of a log: [`crate::Input::LogFound`].
    SearchLog(LogTicket, LogSearch),
    /// Forgets every question about logs that has no answer yet.
    StopLog,
    /// Copies a text: [`crate::Input::Copied`].
    Copy(String),
    /// Rings.
    Bell,
    /// Writes a text to a file where the person keeps such things, and says where: [`crate::Input::Saved`].
    SaveText {
        /// What the file is to be called, without folders.
        name: String,
        /// What is in it.
        text: String,
    },
    /// Draws every cell anew.
    Redraw,
    /// Gives the terminal back until the shell continues the program.
    Suspend,
    /// Ends the program.
    Quit,
}

/// Which items of a mapped task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemsAsk {
    /// Of which run.
    pub run: RunId,
    /// Of which task.
    pub task: String,
    /// From the how manieth on, from 0.
    pub from: u32,
    /// At most so many.
    pub limit: u32,
}

/// Which part of which log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogAsk {
    /// Of which run.
    pub run: RunId,
    /// Of which task run: `task`, `task:item`, `undo@task`.
    pub task: String,
    /// Of which attempt; the last where absent.
    pub attempt: Option<u32>,
    /// From where on.
    pub from: LogFrom,
    /// Whether to wait for more where there is nothing there yet.
    pub follow: bool,
}

/// Where to start in a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFrom {
    /// At this byte.
    Offset(u64),
    /// At the line that is so many lines before the end.
    Tail(u32),
}

/// Which lines of which log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogSearch {
    /// Of which run.
    pub run: RunId,
    /// Of which task run.
    pub task: String,
    /// Of which attempt; the last where absent.
    pub attempt: Option<u32>,
    /// A regular expression; upper and lower case are the same where it has no upper case.
    pub pattern: String,
    /// From which byte on; backwards, from the line that ends there.
    pub from: u64,
    /// Whether to look towards the beginning.
    pub backwards: bool,
    /// At most so many lines.
    pub limit: u32,
}
