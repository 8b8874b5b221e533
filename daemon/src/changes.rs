//! What has changed, and when last: of each thing that a reader can be shown only its newest change is kept. However long
//! a reader was away, what it missed is the things that are different, and not all that happened to them.

use std::collections::{BTreeMap, BTreeSet};

use engine::describe::run_of;
use engine::{Event, Stamped};
use shared::id::{RunId, TaskName, WorkflowName};
use shared::request::PauseWhat;

/// The most things that are remembered; a reader that was away longer is shown everything.
const KEYS_MAX: usize = 100_000;

/// Something that a reader can be shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Key {
    /// How the daemon is, and how many runs there are.
    Daemon,
    /// The pools, and what waits for them and holds them.
    Pools,
    /// The approvals that wait.
    Approvals,
    /// A workflow.
    Workflow(WorkflowName),
    /// A run.
    Run(RunId),
    /// A task of a run, its items and its undo.
    Task(RunId, TaskName),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Names this life of the daemon: what was counted in another means nothing here.
    pub(crate) epoch: u64,
    /// Counts the turns in which something changed.
    count: u64,
    /// Whatever changed up to here is forgotten.
    floor: u64,
    newest: BTreeMap<Key, u64>,
    by_count: BTreeSet<(u64, Key)>,
}

impl Changes {
    /// Nothing has changed yet. `epoch`: not 0.
    pub(crate) fn new(epoch: u64) -> Self {
        let (newest, by_count) = (BTreeMap::new(), BTreeSet::new());
        Self { epoch, count: 1, floor: 1, newest, by_count }
    }

    /// How far it has come.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// What has changed since; `None` if that is no longer known, and everything may have.
    pub(crate) fn since(&self, count: u64) -> Option<impl Iterator<Item = &Key>> {
        let known = self.floor <= count && count <= self.count;
        // The smallest key of the next count: all that is larger changed later.
        let from = (count.saturating_add(1), Key::Daemon);
        known.then(|| self.by_count.range(from..).map(|(_, key)| key))
    }

    /// The events of a turn have become true.
    pub(crate) fn note(&mut self, events: &[Stamped]) {
        self.count += 1;
        for Stamped { event, .. } in events {
            self.note_event(event);
        }
        if self.newest.len() > KEYS_MAX {
            self.forget_older_half();
        }
    }

    /// The daemon itself is otherwise than it was.
    pub(crate) fn note_daemon(&mut self) {
        self.count += 1;
        self.put(Key::Daemon);
        self.put(Key::Pools);
    }

    fn note_event(&mut self, event: &Event) {
        if let Some(run) = run_of(event) {
            self.put(Key::Run(run));
        }
        match event {
            Event::Incarnated { .. } | Event::PlanConfirmed(_) | Event::RequestRefused(_) => {}
            Event::Configured(_)
            | Event::PoolResized { .. }
            | Event::ResourceResized { .. }
            | Event::GuardClosed { .. }
            | Event::GuardOpened { .. }
            | Event::PoolUp { .. }
            | Event::PoolDown { .. } => {
                self.put(Key::Pools);
            }
            Event::WorkflowLoaded { workflow } => self.put(Key::Workflow(workflow.name.clone())),
            Event::WorkflowBroken { name, .. } | Event::WorkflowGone { name } => {
                self.put(Key::Workflow(name.clone()));
            }
            Event::Paused { what, .. }
            | Event::Draining { what, .. }
            | Event::Resumed { what, .. } => match what {
                PauseWhat::Run(_) | PauseWhat::Pool(_) => self.put(Key::Pools),
                // Every run of it reads otherwise.
                PauseWhat::All | PauseWhat::Workflow(_) => self.forget_all(),
            },
            Event::RunCreated(_) | Event::RunStarted { .. } | Event::RunReopened { .. } => {
                self.put(Key::Daemon);
            }
            Event::RunEnded { .. } => {
                self.put(Key::Daemon);
                self.put(Key::Approvals);
            }
            Event::RunCancelled { .. }
            | Event::RunTimedOut { .. }
            | Event::RunReleased { .. }
            | Event::VersionTaken { .. }
            | Event::ParamsEdited { .. }
            | Event::RunClosing { .. }
            | Event::RunPrioritized { .. }
            | Event::RunDeadlineSet { .. }
            | Event::RollbackAsked { .. }
            | Event::RollbackCalledOff { .. } => self.put(Key::Pools),
            Event::RollbackBegun { run, tasks, .. } | Event::TasksReset { run, tasks, .. } => {
                tasks.iter().for_each(|it| self.put_task(*run, &it.task));
                self.put(Key::Approvals);
            }
            Event::WidthChanged { run, task, .. } => {
                self.put_task(*run, task);
                self.put(Key::Pools);
            }
            Event::ItemsExpanded { run, task, inner, .. } => {
                self.put_task(*run, task);
                inner.iter().for_each(|it| self.put_task(*run, it));
            }
            Event::GroupStarted { run, task } => self.put_task(*run, &task.task),
            Event::TaskQueued { run, task }
            | Event::TaskLifted { run, task }
            | Event::TaskHeld { run, task, .. }
            | Event::TaskReleased { run, task, .. }
            | Event::TaskMarked { run, task, .. }
            | Event::TaskRequeued { run, task, .. }
            | Event::RetryScheduled { run, task, .. }
            | Event::StartsFailing { run, task, .. }
            | Event::TaskFinished { run, task, .. } => {
                self.put_task(*run, &task.task);
                self.put(Key::Pools);
            }
            Event::AttemptStarting { attempt, .. }
            | Event::AttemptPreempted { attempt, .. }
            | Event::AttemptStarted { attempt, .. }
            | Event::AttemptStopping { attempt } => {
                self.put_task(attempt.run, &attempt.task.task);
                self.put(Key::Pools);
            }
            Event::AttemptEnded(ended) => {
                let attempt = &ended.attempt;
                self.put_task(attempt.run, &attempt.task.task);
                self.put(Key::Pools);
                // Of an approval no start is told with its end.
                if ended.started_at.is_none() {
                    self.put(Key::Approvals);
                }
            }
            Event::ApprovalAsked { attempt, .. } => {
                self.put_task(attempt.run, &attempt.task.task);
                self.put(Key::Approvals);
            }
            Event::ApprovalDecided { run, task, .. } => {
                self.put_task(*run, &task.task);
                self.put(Key::Approvals);
            }
        }
    }

    /// A task is otherwise, and so is what a group says that it is in.
    fn put_task(&mut self, run: RunId, task: &TaskName) {
        let name = task.as_str();
        let around = name.match_indices('/').map(|(at, _)| Key::Task(run, name[..at].into()));
        around.for_each(|it| self.put(it));
        self.put(Key::Task(run, task.clone()));
    }

    fn put(&mut self, key: Key) {
        let before = self.newest.insert(key.clone(), self.count);
        if before == Some(self.count) {
            return;
        }
        if let Some(before) = before {
            self.by_count.remove(&(before, key.clone()));
        }
        self.by_count.insert((self.count, key));
    }

    /// Everything may be otherwise: the state was read from the disk anew.
    pub(crate) fn note_everything(&mut self) {
        self.count += 1;
        self.forget_all();
    }

    fn forget_all(&mut self) {
        self.newest.clear();
        self.by_count.clear();
        self.floor = self.count;
    }

    fn forget_older_half(&mut self) {
        let half = self.by_count.len() / 2;
        let Some((floor, _)) = self.by_count.iter().nth(half).cloned() else { return };
        self.by_count = self.by_count.split_off(&(floor + 1, Key::Daemon));
        self.newest.retain(|_, count| *count > floor);
        self.floor = floor;
    }
}

#[cfg(test)]
mod tests {
    use shared::state::RunOutcome;
    use shared::time::Timestamp;

    use super::*;

    fn queued(run: u64, task: &str) -> Stamped {
        let event = Event::TaskQueued { run: RunId(run), task: task.into() };
        Stamped { at: Timestamp(0), event }
    }

    fn since(changes: &Changes, count: u64) -> Option<Vec<Key>> {
        changes.since(count).map(|keys| keys.cloned().collect())
    }

    #[test]
    fn of_many_changes_of_one_thing_a_reader_is_told_one() {
        let mut changes = Changes::new(7);
        let start = changes.count();
        (0..1_000).for_each(|_| changes.note(&[queued(1, "a")]));
        let keys = since(&changes, start).expect("it is known");
        assert_eq!(keys, [Key::Pools, Key::Run(RunId(1)), Key::Task(RunId(1), "a".into())]);
        assert_eq!(since(&changes, changes.count()), Some(Vec::new()));
    }

    #[test]
    fn who_comes_from_another_life_or_was_away_too_long_is_shown_everything() {
        let mut changes = Changes::new(7);
        let start = changes.count();
        assert_eq!(since(&changes, start + 1), None, "it has not come so far");
        (0..120_000).for_each(|run| changes.note(&[queued(run, "a")]));
        assert_eq!(since(&changes, start), None);
        assert!(changes.newest.len() <= KEYS_MAX);
        assert_eq!(changes.newest.len(), changes.by_count.len());
    }

    #[test]
    fn the_end_of_a_run_is_news_of_the_run_and_of_the_daemon() {
        let mut changes = Changes::new(7);
        let start = changes.count();
        let event = Event::RunEnded { run: RunId(1), outcome: RunOutcome::Failed };
        changes.note(&[Stamped { at: Timestamp(0), event }]);
        let keys = since(&changes, start).expect("it is known");
        assert_eq!(keys, [Key::Daemon, Key::Approvals, Key::Run(RunId(1))]);
    }
}
