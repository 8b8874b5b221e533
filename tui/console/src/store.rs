//! What the daemon has told, by key. Only [`Store::apply`] changes it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use shared::id::{PoolName, RunId, WorkflowName};
use shared::snapshot::{ApprovalRow, PoolRow, RunRow, RunView, WorkflowRow};
use shared::time::Timestamp;
use shared::watch::{ACTIVE_MAX, DaemonView, News, QueueNews, RUNS_MAX, RunNews};

/// The most runs that are kept: what the daemon tells at most at once.
const KEPT_MAX: usize = RUNS_MAX as usize + ACTIVE_MAX;

/// The newest of everything.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Store {
    /// Counts the changes, for whoever derives something from it.
    pub(crate) revision: u64,
    /// The daemon's time of the newest news.
    pub(crate) at: Timestamp,
    pub(crate) daemon: Option<DaemonView>,
    pub(crate) runs: BTreeMap<RunId, RunRow>,
    /// The keys of `runs`, newest first.
    pub(crate) order: Vec<RunId>,
    /// Whether the runs have been told.
    pub(crate) has_runs: bool,
    pub(crate) workflows: BTreeMap<WorkflowName, WorkflowRow>,
    pub(crate) pools: BTreeMap<PoolName, PoolRow>,
    /// Those that wait, oldest first.
    pub(crate) approvals: Vec<ApprovalRow>,
    /// What waits for capacity and who holds it; absent where it was not asked for.
    pub(crate) queue: Option<QueueNews>,
    /// The run that is open, with its tasks.
    pub(crate) run: Option<Box<RunView>>,
    /// Whether the daemon knows no such run.
    pub(crate) run_is_gone: bool,
}

impl Store {
    /// Whether the daemon has told anything yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.daemon.is_none()
    }

    /// Takes in what has changed.
    pub(crate) fn apply(&mut self, news: News) {
        if news.whole {
            *self = Self { revision: self.revision, ..Self::default() };
        }
        self.revision += 1;
        self.at = news.at;
        if let Some(daemon) = news.daemon {
            self.daemon = Some(daemon);
        }
        for row in news.workflows {
            self.workflows.insert(row.name.clone(), row);
        }
        if let Some(pools) = news.pools {
            self.pools = pools.into_iter().map(|it| (it.name.clone(), it)).collect();
        }
        if let Some(approvals) = news.approvals {
            self.approvals = approvals;
        }
        if let Some(queue) = news.queue {
            self.queue = Some(queue);
        }
        self.apply_runs(news.all_runs, news.runs);
        if let Some(run) = news.run {
            self.apply_run(run);
        }
    }

    /// Forgets the run that was open, unless it is this one.
    pub(crate) fn keep_run(&mut self, run: Option<RunId>) {
        self.run_is_gone = false;
        if self.run.as_ref().map(|it| it.id) != run {
            self.run = None;
            self.revision += 1;
        }
    }

    /// A run of this id: its row, if it is among those that were told.
    pub(crate) fn run_row(&self, id: RunId) -> Option<&RunRow> {
        self.runs.get(&id)
    }

    /// The run that is open, if it is this one.
    pub(crate) fn open_run(&self, id: RunId) -> Option<&RunView> {
        self.run.as_deref().filter(|it| it.id == id)
    }

    /// The run as people say it: `workflow#412`; its id where nothing more is known of it.
    pub(crate) fn label(&self, id: RunId) -> String {
        let row = self.run_row(id).map(|it| (&it.workflow, it.number));
        let open = || self.open_run(id).map(|it| (&it.workflow, it.number));
        match row.or_else(open) {
            Some((workflow, number)) => format!("{workflow}#{number}"),
            None => id.to_string(),
        }
    }

    fn apply_runs(&mut self, all: bool, runs: Vec<RunRow>) {
        if all {
            self.runs.clear();
            self.has_runs = true;
        } else if runs.is_empty() {
            return;
        }
        self.runs.extend(runs.into_iter().map(|it| (it.id, it)));
        self.order = self.runs.keys().copied().collect();
        self.order.sort_by_key(|id| (Reverse(self.runs[id].created), *id));
        for id in self.order.drain(KEPT_MAX.min(self.order.len())..) {
            self.runs.remove(&id);
        }
    }

    fn apply_run(&mut self, news: RunNews) {
        self.run_is_gone = matches!(news, RunNews::Gone);
        match news {
            RunNews::Gone => self.run = None,
            RunNews::Whole(run) => self.run = Some(run),
            RunNews::Part(mut head, changed) => {
                // A part of a run that was never told whole has nowhere to go; the whole is on its way.
                let Some(known) = self.run.take().filter(|it| it.id == head.id) else { return };
                head.tasks = known.tasks;
                for (place, task) in changed {
                    if let Some(known) = head.tasks.get_mut(place as usize) {
                        *known = task;
                    } else if place as usize == head.tasks.len() {
                        head.tasks.push(task);
                    }
                }
                self.run = Some(head);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn rows_are_replaced_by_key_and_the_newest_come_first() {
        let mut store = fixtures::store(fixtures::busy());
        let first = store.order[0];
        assert!(store.order.is_sorted_by_key(|it| Reverse(store.runs[it].created)));
        let mut row = store.runs[&first].clone();
        row.state = "cancelled".to_owned();
        let before = store.runs.len();
        store.apply(News { runs: vec![row], ..News::default() });
        assert_eq!((store.runs.len(), store.runs[&first].state.as_str()), (before, "cancelled"));
    }

    #[test]
    fn what_is_whole_forgets_what_was_told_before() {
        let mut store = fixtures::store(fixtures::busy());
        store.apply(News { whole: true, ..News::default() });
        assert!(store.is_empty() && store.runs.is_empty() && store.pools.is_empty());
    }

    #[test]
    fn a_part_of_a_run_changes_its_tasks_by_place() {
        let run = fixtures::run_view(1, 3);
        let mut store = Store::default();
        let news = |run| News { run: Some(run), ..News::default() };
        let mut task = run.tasks[1].clone();
        task.state = "failed".to_owned();
        let head = shared::snapshot::RunView { tasks: Vec::new(), ..run.clone() };
        let part = RunNews::Part(Box::new(head), vec![(1, task.clone()), (99, task.clone())]);
        store.apply(news(part.clone()));
        assert_eq!(store.run, None, "nothing to put it into");
        store.apply(news(RunNews::Whole(Box::new(run))));
        store.apply(news(part));
        let run = store.run.as_ref().expect("it was told");
        assert_eq!((run.tasks.len(), run.tasks[1].state.as_str()), (3, "failed"));
        store.apply(news(RunNews::Gone));
        assert!(store.run.is_none() && store.run_is_gone);
    }
}
