//! What a command is about: the selection of a screen, or what is marked on it.

use shared::id::{PoolName, RunId, TaskPath, WorkflowName};

use crate::app::App;

/// The most things that are asked about at once.
pub(crate) const AT_ONCE_MAX: usize = 50;

/// What is selected. Everything that is known of it: a task has its run too.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Target {
    /// The run; where runs are marked, these, in the order of the list.
    pub(crate) runs: Vec<RunTarget>,
    pub(crate) task: Option<TaskTarget>,
    pub(crate) workflow: Option<WorkflowName>,
    pub(crate) pool: Option<PoolName>,
    /// How many runs are marked; `runs` are the first [`AT_ONCE_MAX`] of them and one more. 0 where none is.
    pub(crate) marked: usize,
}

/// A run, as the person saw it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct RunTarget {
    pub(crate) id: RunId,
    /// `workflow#412`.
    pub(crate) label: String,
    pub(crate) number: Option<u64>,
    /// The word of its state; absent where it is not known here.
    pub(crate) state: Option<String>,
    pub(crate) priority: Option<u16>,
    pub(crate) is_paused: bool,
}

/// A task run, as the person saw it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct TaskTarget {
    pub(crate) path: TaskPath,
    /// The word of its state.
    pub(crate) state: String,
}

impl RunTarget {
    /// A run of which at least the label is known.
    pub(crate) fn new(app: &App, id: RunId, label: &str) -> Self {
        let unknown = Self {
            id,
            label: label.to_owned(),
            number: label.rsplit_once('#').and_then(|(_, it)| it.parse().ok()),
            state: None,
            priority: None,
            is_paused: false,
        };
        Self::of(app, id).unwrap_or(unknown)
    }

    /// A run that the store knows.
    pub(crate) fn of(app: &App, id: RunId) -> Option<Self> {
        let row = app.store.run_row(id).map(|it| (it.number, &it.state, it.priority, &it.pause));
        let open = app.store.open_run(id);
        let open = open.map(|it| (it.number, &it.state, it.priority, &it.pause));
        let (number, state, priority, pause) = open.or(row)?;
        Some(Self {
            id,
            label: app.store.label(id),
            number: Some(number),
            state: Some(state.clone()),
            priority: Some(priority),
            is_paused: pause.is_some(),
        })
    }

    /// Whether nothing follows but what a person asks for.
    pub(crate) fn is_over(&self) -> bool {
        self.state.as_deref().is_some_and(is_over)
    }
}

impl Target {
    /// The run that is selected.
    pub(crate) fn of_run(run: Option<RunTarget>) -> Self {
        Self { runs: run.into_iter().collect(), ..Self::default() }
    }

    /// The one run, where it is one.
    pub(crate) fn run(&self) -> Result<&RunTarget, String> {
        match self.runs.as_slice() {
            [] => Err("no run is selected".to_owned()),
            [run] => Ok(run),
            _ => Err(format!("this is for one run, and {} are marked", self.marked)),
        }
    }

    /// The task, with its run.
    pub(crate) fn task(&self) -> Result<(&RunTarget, &TaskTarget), String> {
        let task = self.task.as_ref().ok_or("no task is selected")?;
        Ok((self.run()?, task))
    }
}

/// Whether a run in this state has ended.
pub(crate) fn is_over(state: &str) -> bool {
    matches!(
        state,
        "succeeded"
            | "partial"
            | "failed"
            | "cancelled"
            | "skipped"
            | "rolled_back"
            | "rollback_failed"
    )
}

/// Whether something in this state calls for a person.
pub(crate) fn is_failed(state: &str) -> bool {
    matches!(state, "failed" | "rollback_failed" | "upstream_failed" | "broken" | "down")
}
