//! A run as it was. Source: cli, `replay`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::Seq;
use crate::snapshot::RunView;
use crate::time::Timestamp;
use crate::why::Why;

/// When.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayAt {
    /// At this instant.
    Instant(Timestamp),
    /// So many milliseconds after the run was made.
    After(u64),
    /// After this event of the journal.
    Seq(Seq),
}

/// A run as it was at an instant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Replayed {
    /// The run; its `seq` is the last event of it until then.
    pub run: RunView,
    /// The instant.
    pub at: Timestamp,
    /// What was in the way then, as far as the run's own events tell it.
    pub why: Why,
    /// What there is to know of the instant: that it is after the run's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An event of a run, and how the run was after it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ReplayStep {
    /// The event's place in the journal.
    pub seq: Seq,
    /// When it happened.
    pub at: Timestamp,
    /// Who or what has caused it.
    pub actor: String,
    /// A stable word for what happened.
    pub kind: String,
    /// The task, or `task:item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// What happened, for people.
    pub text: String,
    /// The word of the run's state after it.
    pub state: String,
    /// How many task runs were in each state after it; of a mapped task its items count.
    pub counts: BTreeMap<String, u32>,
}

/// A part of the events of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ReplayPage {
    /// The events, oldest first.
    pub steps: Vec<ReplayStep>,
    /// Whether there are more.
    pub more: bool,
}
