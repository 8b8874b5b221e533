//! What must come of a test.

use std::time::Duration;

use serde_json::Value;

use crate::expr::Expr;
use crate::id::TaskPath;

/// One thing that must be so in the end.
#[derive(Clone, PartialEq, Debug)]
pub struct Expectation {
    /// The line where it stands, from 1.
    pub line: u32,
    /// What.
    pub what: What,
}

/// What must be so.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// The word of the run's state.
    Run(String),
    /// Something of a task run, or of an undo.
    Task(TaskPath, TaskPart),
    /// How many tasks are in a state; of a mapped task its items count.
    Count(String, u32),
    /// The first has ended before the second started.
    Order(TaskPath, TaskPath),
    /// How long the run has taken.
    Duration(Duration),
    /// How long the run has taken at most.
    Within(Duration),
    /// An expression is true.
    True(Expr),
}

/// Something of a task run.
#[derive(Clone, PartialEq, Debug)]
pub enum TaskPart {
    /// The word of its state.
    State(String),
    /// The word of its outcome: `exit` or `exit(1)`.
    Outcome(String),
    /// A part of why it ended so.
    Reason(String),
    /// The exit code of its last attempt.
    Exit(i32),
    /// How many attempts it has had.
    Attempts(u32),
    /// How many of its items have failed.
    FailedItems(u32),
    /// An output.
    Output(String, Value),
    /// How long after the run was made its first attempt started.
    StartedAt(Duration),
    /// How long after the run was made it ended.
    EndedAt(Duration),
    /// How long it has taken from its first start to its end, at most.
    Within(Duration),
}
