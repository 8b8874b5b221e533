//! What people have said: what is paused does not start, what is held or passed over neither, and what is sent back to
//! the queue waits there.

use engine::event::AttemptRef;
use engine::{Event, Stamped};
use shared::id::{PoolName, RunId, TaskName, TaskPath};
use shared::request::PauseWhat;
use shared::state::{AttemptOutcome, Failure, Item, Outcome};
use shared::time::Timestamp;
use shared::workflow::{Retry, RetryOn, Timeout};

use super::{Checker, RunFacts, TaskFacts};

impl Checker {
    /// The daemon has answered that it pauses something.
    ///
    /// # Errors
    /// If that is not on disk.
    pub fn pause_acknowledged(&self, what: &PauseWhat) -> Result<(), String> {
        match self.pauses.contains_key(what) {
            true => Ok(()),
            false => Err(format!("the pause of {what:?} is lost")),
        }
    }

    pub(super) fn pauses_recorded(&mut self, stamped: &Stamped) -> Result<(), String> {
        match &stamped.event {
            Event::Paused { what, until, .. } => {
                self.pauses.insert(what.clone(), *until);
            }
            Event::Resumed { what, actor, .. } => {
                let until = self.pauses.remove(what);
                let until = until.ok_or_else(|| format!("{what:?} is resumed and not paused"))?;
                let is_over = until.is_some_and(|it| it <= stamped.at);
                if actor.uid.is_none() && !is_over {
                    return Err(format!("nobody has resumed {what:?}, and its time is not over"));
                }
            }
            Event::RunCancelled { run, .. } | Event::RunEnded { run, .. } => {
                self.pauses.remove(&PauseWhat::Run(*run));
            }
            _ => {}
        }
        Ok(())
    }

    /// `pool`: of a process.
    pub(super) fn not_paused(&self, run: RunId, pool: Option<&PoolName>) -> Result<(), String> {
        match self.pause_of(run, pool) {
            Some(what) => Err(format!("something of run {run} starts, and {what:?} is paused")),
            None => Ok(()),
        }
    }

    pub(super) fn pause_of(&self, run: RunId, pool: Option<&PoolName>) -> Option<PauseWhat> {
        let workflow = self.runs.get(&run)?.workflow.name.clone();
        let of_pool = pool.map(|it| PauseWhat::Pool(it.clone()));
        let all = [PauseWhat::All, PauseWhat::Run(run), PauseWhat::Workflow(workflow)];
        all.into_iter().chain(of_pool).find(|it| self.pauses.contains_key(it))
    }

    /// No more items of a mapped group are under way than may.
    fn group_started(&mut self, run: RunId, path: &TaskPath) -> Result<(), String> {
        self.not_paused(run, None)?;
        let it = self.facts(run)?;
        let facts = it.facts(path);
        if facts.is_held || facts.ended.is_some() {
            return Err(format!("{path} begins, and is held or has ended"));
        }
        facts.is_begun = true;
        let most = it.most_items(path)?;
        let of_group = |other: &TaskPath| other.task == path.task && other.item.is_some();
        let begun = it
            .tasks
            .iter()
            .filter(|(other, facts)| of_group(other) && facts.is_begun && facts.ended.is_none());
        let begun = begun.count();
        match most.is_some_and(|it| path.item.is_some() && begun > it as usize) {
            true => Err(format!("{begun} items of {} are under way", path.task)),
            false => Ok(()),
        }
    }

    /// Something has become of a task run or an undo.
    pub(super) fn task_changed(&mut self, stamped: &Stamped) -> Result<(), String> {
        match &stamped.event {
            Event::VersionTaken { run, removed, .. } => {
                self.facts(*run)?.tasks.retain(|path, _| !removed.contains(&path.task));
            }
            Event::TasksReset { run, tasks, .. } => {
                let facts = self.facts(*run)?;
                tasks.iter().for_each(|it| reset(facts, it));
            }
            Event::ItemsExpanded { run, task, inner, items } => {
                let facts = self.facts(*run)?;
                for it in [task].into_iter().chain(inner) {
                    facts.items.insert(it.clone(), items.len());
                    expanded(facts, it, items);
                }
            }
            Event::GroupStarted { run, task } => self.group_started(*run, task)?,
            Event::TaskQueued { run, task } => {
                if task.undo {
                    self.undo_may_begin(*run, task)?;
                }
                let facts = self.facts(*run)?.facts(task);
                if facts.not_before.take().is_some_and(|it| it > stamped.at) {
                    return Err(format!("{task} goes on before its wait for a retry is over"));
                }
                facts.is_queued = true;
                (facts.is_begun, facts.must_queue, facts.requeued) = (true, false, None);
            }
            Event::RetryScheduled { run, task, counts, at, .. } => {
                self.retry_scheduled(*run, task, *counts)?;
                self.facts(*run)?.facts(task).not_before = Some(*at);
            }
            Event::TaskHeld { run, task, .. } => {
                let facts = self.facts(*run)?.facts(task);
                if facts.must_queue {
                    return Err(format!("{task} was sent back to the queue, and is held"));
                }
                (facts.is_held, facts.is_begun, facts.is_queued) = (true, false, false);
                facts.not_before = None;
            }
            Event::TaskReleased { run, task, .. } => {
                let facts = self.facts(*run)?.facts(task);
                if facts.ended.as_ref().is_some_and(|it| !task.undo || it.0.is_success()) {
                    return Err(format!("{task} is released, and has ended"));
                }
                (facts.is_held, facts.is_begun, facts.ended) = (false, false, None);
            }
            Event::TaskRequeued { run, task, .. } => {
                let facts = self.facts(*run)?.facts(task);
                let (id, _) = facts.newest.ok_or("a task run is requeued that has not begun")?;
                facts.requeued = Some(id);
            }
            Event::TaskMarked { run, task, outcome, .. } => {
                self.ended(*run, task, outcome, stamped.at, true)?;
            }
            Event::TaskFinished { run, task, outcome } => {
                self.limit_was_used(*run, task, outcome)?;
                self.end_is_allowed(*run, task, outcome)?;
                self.ended(*run, task, outcome, stamped.at, false)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn ended(
        &mut self,
        run: RunId,
        path: &TaskPath,
        outcome: &Outcome,
        at: Timestamp,
        is_marked: bool,
    ) -> Result<(), String> {
        let is_open = self.open(run).any(|it| it == path);
        let it = self.facts(run)?;
        let is_stopped = it.is_stopped;
        let facts = it.facts(path);
        if is_open {
            return Err(format!("{path} has ended ({outcome:?}), and its attempt has not"));
        }
        if facts.must_queue && !is_stopped {
            return Err(format!("{path} was sent back to the queue, and ends: {outcome:?}"));
        }
        (facts.is_held, facts.is_begun, facts.must_queue) = (false, false, false);
        (facts.is_queued, facts.not_before) = (false, None);
        (facts.ended, facts.is_marked) = (Some((outcome.clone(), at)), is_marked);
        if path.undo && outcome.is_success() {
            it.facts(&path.clone().forward()).is_undone = true;
        }
        // What a task run is part of is judged again when that was marked.
        if is_marked && !path.undo {
            wholes(path).iter().for_each(|whole| it.facts(whole).ended = None);
        }
        Ok(())
    }

    fn retry_scheduled(&mut self, run: RunId, path: &TaskPath, counts: bool) -> Result<(), String> {
        let it = self.facts(run)?;
        let limit = rules(it, path)?.0.limit;
        let facts = it.facts(path);
        if facts.must_queue {
            return Err(format!("{path} was sent back to the queue, and waits for a retry"));
        }
        facts.retries += u32::from(counts);
        match facts.retries > limit {
            true => Err(format!("{path} is retried {} times, {limit} are allowed", facts.retries)),
            false => Ok(()),
        }
    }

    /// An attempt that was sent back to the queue has ended: its task run waits there, and no retry is used up.
    pub(super) fn may_queue_again(
        &mut self,
        attempt: &AttemptRef,
        outcome: &AttemptOutcome,
    ) -> Result<(), String> {
        let facts = self.facts(attempt.run)?.facts(&attempt.task);
        let is_requeued = facts.requeued == Some(attempt.id);
        facts.must_queue = is_requeued && *outcome == AttemptOutcome::Cancelled;
        Ok(())
    }

    /// What fails for good has no retry left.
    fn limit_was_used(&self, run: RunId, path: &TaskPath, outcome: &Outcome) -> Result<(), String> {
        let Outcome::Failed(Failure::Attempt(outcome)) = outcome else { return Ok(()) };
        let it = self.runs.get(&run).ok_or("a task run is of no run")?;
        let (retry, timeout) = rules(it, path)?;
        let is_retried = match outcome {
            AttemptOutcome::Exit(code) => {
                let is_listed = retry.exit_codes.is_empty() || retry.exit_codes.contains(code);
                is_listed && retry.on.contains(&RetryOn::Exit)
            }
            AttemptOutcome::Signal(_) => retry.on.contains(&RetryOn::Signal),
            _ => false,
        };
        let used = it.tasks.get(path).map_or(0, |it| it.retries);
        match is_retried && timeout.total.is_none() && used < retry.limit {
            true => Err(format!("{path} fails after {used} retries of {}", retry.limit)),
            false => Ok(()),
        }
    }
}

/// What its file says of attempts.
fn rules<'a>(run: &'a RunFacts, path: &TaskPath) -> Result<(&'a Retry, &'a Timeout), String> {
    let task = run.task(path)?;
    match (&task.rollback, path.undo) {
        (Some(rollback), true) => Ok((&rollback.retry, &rollback.timeout)),
        (None, true) => Err(format!("{path} is the undo of what has none")),
        (_, false) => Ok((&task.retry, &task.timeout)),
    }
}

/// What runs again has not ended, and neither has its undo begun. Its attempts go on being numbered.
fn reset(run: &mut RunFacts, path: &TaskPath) {
    for (it, facts) in &mut run.tasks {
        let is_meant = path.item.is_none() || it.item == path.item;
        if it.task == path.task && is_meant {
            let (newest, is_undone) = (facts.newest, facts.is_undone);
            *facts = TaskFacts { newest, is_undone, ..TaskFacts::default() };
        }
    }
    wholes(path).iter().for_each(|whole| run.facts(whole).ended = None);
}

/// What a task run is part of: the task that it is an item of, and the groups around it, of a mapped one its item too.
pub(super) fn wholes(path: &TaskPath) -> Vec<TaskPath> {
    let name = path.task.as_str();
    let around = name.match_indices('/').map(|(at, _)| TaskName::from(&name[..at]));
    let around = around.flat_map(|group| {
        [TaskPath { task: group.clone(), ..path.clone() }, TaskPath::task(group)]
    });
    let whole = path.item.as_ref().map(|_| TaskPath::task(path.task.clone()));
    around.chain(whole).collect()
}

/// An item that is not among them is another one when it comes again.
fn expanded(run: &mut RunFacts, task: &TaskName, items: &[Item]) {
    run.tasks.retain(|path, _| {
        let stays = |key: &shared::id::ItemKey| items.iter().any(|it| it.key == *key);
        path.task != *task || path.item.as_ref().is_none_or(stays)
    });
}
