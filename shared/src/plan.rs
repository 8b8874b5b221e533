//! What a request would do, worked out by the engine before it is confirmed. Source: semantics, rule 11.

use serde::{Deserialize, Serialize};

/// What would follow from a request, without carrying it out.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// Names this plan: a request that carries it is refused where the plan is another one by then.
    pub digest: String,
    /// The run that it hits, as people say it: `workflow#412`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Task runs that run, or run again.
    pub run: Tasks,
    /// Task runs that are undone, in this order.
    pub undo: Tasks,
    /// Task runs that have succeeded and have no undo.
    pub not_undone: Tasks,
    /// Task runs whose attempt is stopped.
    pub stop: Tasks,
    /// Task runs that will not start any more: cancelled, skipped, or without what they need.
    pub drop: Tasks,
    /// Task runs that wait, as long as it lasts.
    pub wait: Tasks,
    /// Task runs that have succeeded and stay as they are.
    pub keep: Tasks,
    /// Approvals that were given and are asked anew, or that nobody is asked any more.
    pub void: Tasks,
    /// Task runs that run, and have ended by then as far as their history and their timeouts tell.
    pub finish: Tasks,
    /// Task runs that run, and will not have ended by then, or of which nobody knows.
    pub outlast: Tasks,
    /// Runs that wait, as long as it lasts.
    pub runs: Tasks,
    /// What else there is to know, a sentence each.
    pub notes: Vec<String>,
}

/// Some task runs or runs: all are counted, the first of them named.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Tasks {
    /// How many.
    pub count: u32,
    /// Their names, at most [`NAMED_MAX`].
    pub names: Vec<String>,
}

/// At most so many are named.
pub const NAMED_MAX: usize = 100;

impl FromIterator<String> for Tasks {
    fn from_iter<T: IntoIterator<Item = String>>(all: T) -> Self {
        let mut tasks = Self::default();
        for name in all {
            tasks.count = tasks.count.saturating_add(1);
            if tasks.names.len() < NAMED_MAX {
                tasks.names.push(name);
            }
        }
        tasks
    }
}

impl Plan {
    /// How many task runs and runs it changes.
    pub fn size(&self) -> u32 {
        [&self.run, &self.undo, &self.stop, &self.drop, &self.wait, &self.runs]
            .iter()
            .fold(0, |sum, it| sum.saturating_add(it.count))
    }
}
