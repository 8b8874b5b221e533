//! Capacity, the order of tasks, and the truth of recorded ends; by what processes there really are.

use std::collections::BTreeSet;

use engine::input::How;
use shared::id::{AttemptId, PoolName, RunId, TaskPath};
use shared::state::{AttemptOutcome, Clock, Outcome};
use shared::workflow::{OnFailure, TriggerRule, WhenFull};

use super::undos::{around, chain_of};
use super::{Checker, Ordered, RunFacts, task_of};

impl Checker {
    pub(super) fn capacity(&self, pool: &PoolName) -> Result<(), String> {
        let of_pool = self.live().filter(|it| it.2.pool == *pool);
        let taken: u32 = of_pool.map(|it| it.2.slots).sum();
        let slots = self.slots.get(pool).copied().unwrap_or(0);
        if taken > slots {
            return Err(format!("processes take {taken} of {slots} slots of pool {pool}"));
        }
        for (resource, amount) in &self.resources {
            let taken = self.live().filter_map(|it| it.2.resources.get(resource)).sum::<u32>();
            if taken > *amount {
                return Err(format!("processes take {taken} of {amount} of {resource}"));
            }
        }
        Ok(())
    }

    pub(super) fn run_limits(&self, attempt: AttemptId) -> Result<(), String> {
        let ordered = self.attempts.get(&attempt).ok_or("a process is of no attempt on disk")?;
        let run = self.runs.get(&ordered.run).ok_or("an attempt is of no run")?;
        let task = run.task(&ordered.path)?;
        let same_task = |it: &Ordered| {
            it.run == ordered.run && it.path.task == ordered.path.task && !it.path.undo
        };
        let items = self.live().filter(|it| same_task(it.0)).count();
        let most = run.most_items(&ordered.path)?.unwrap_or(u32::MAX);
        if items > most as usize {
            return Err(format!("{items} items of {} run, {most} may", task.name));
        }
        let same_lane =
            |it: &RunFacts| it.workflow.name == run.workflow.name && it.lane == run.lane;
        let runs: BTreeSet<RunId> =
            self.live().filter(|it| same_lane(it.1)).map(|it| it.0.run).collect();
        // Runs of several versions may be there: the most generous counts, since the others came first.
        let limits = runs.iter().filter_map(|it| Some(&self.runs.get(it)?.workflow.concurrency));
        let most = limits.map(|it| match it.when_full {
            WhenFull::Allow => usize::MAX,
            _ => it.max_runs as usize,
        });
        let most = most.max().unwrap_or(usize::MAX);
        if runs.len() > most {
            return Err(format!("{} runs of {} run, {most} may", runs.len(), run.workflow.name));
        }
        Ok(())
    }

    /// Whether what the task of a process needs has really ended, and well where it must have.
    pub(super) fn needs(&self, attempt: AttemptId) -> Result<(), String> {
        let ordered = &self.attempts[&attempt];
        let run = &self.runs[&ordered.run];
        let task = run.task(&ordered.path)?;
        if ordered.path.undo {
            return Ok(());
        }
        let early = [TriggerRule::Always, TriggerRule::OneFailed, TriggerRule::OneSuccess];
        for need in &task.needs {
            // Within a mapped group each item waits for its own.
            let chain = chain_of(&run.workflow, &task.name);
            let item = match chain.is_some() && chain == chain_of(&run.workflow, need) {
                true => ordered.path.item.clone(),
                false => None,
            };
            let of_need = |it: &Ordered| {
                let is_inside = around(&it.path.task).contains(need);
                let is_item = item.is_none() || it.path.item == item;
                it.run == ordered.run && (it.path.task == *need || is_inside) && is_item
            };
            if !early.contains(&task.trigger_rule) && self.live().any(|it| of_need(it.0)) {
                return Err(format!("{} starts while {need} runs", task.name));
            }
            let Some(needed) = task_of(&run.workflow, need) else { continue };
            let must_succeed = task.trigger_rule == TriggerRule::AllSuccess
                && needed.on_failure == OnFailure::Fail
                && (needed.map.is_none() || item.is_some());
            let path = TaskPath { item, ..TaskPath::task(need.clone()) };
            if !must_succeed {
                continue;
            }
            if let Some((Outcome::Succeeded, _)) = run.ended(&path.clone().undo()) {
                return Err(format!("{} starts, and {need} was undone", task.name));
            }
            let facts = run.tasks.get(&path);
            if !needed.has_process() || facts.is_some_and(|it| it.is_marked) {
                continue;
            }
            let end = facts.and_then(|it| self.ends.get(&it.newest?.0));
            if end != Some(&How::Exited(0)) {
                return Err(format!("{} starts, and {need} ended so: {end:?}", task.name));
            }
        }
        Ok(())
    }

    /// What is recorded of an end is how it really was; or that nobody knows, where that is so.
    pub(super) fn end_recorded(
        &mut self,
        id: AttemptId,
        outcome: &AttemptOutcome,
    ) -> Result<(), String> {
        self.open.remove(&id);
        if !self.recorded.insert(id) {
            return Err(format!("attempt {id} ended twice"));
        }
        let ordered = self.attempts.get(&id).ok_or("an attempt ended that never began")?;
        if !ordered.has_process {
            return Ok(());
        }
        if self.live.contains(&id) {
            return Err(format!("attempt {id} is recorded as ended ({outcome:?}), and runs"));
        }
        let end = self.ends.get(&id);
        let is_true = match (outcome, end) {
            (AttemptOutcome::Succeeded | AttemptOutcome::CheckFailed(_), Some(How::Exited(0))) => {
                true
            }
            (AttemptOutcome::Exit(code), Some(How::Exited(real))) => code == real && *code != 0,
            (AttemptOutcome::Signal(number), Some(How::Signalled(real))) => number == real,
            (AttemptOutcome::TimedOut(Clock::Idle), Some(How::Idle)) => true,
            (AttemptOutcome::TimedOut(Clock::Attempt | Clock::Total), Some(How::TimedOut)) => true,
            (AttemptOutcome::TimedOut(Clock::Run), Some(_)) => true,
            (AttemptOutcome::TimedOut(Clock::Run), None) => !self.started.contains(&id),
            (
                AttemptOutcome::StartFailed(_),
                Some(How::ExecFailed(_) | How::Refused(_) | How::Never),
            ) => true,
            // Also one whose start never arrived at its runner.
            (AttemptOutcome::Cancelled | AttemptOutcome::Preempted, Some(_)) => true,
            (AttemptOutcome::Cancelled | AttemptOutcome::Preempted, None) => {
                !self.started.contains(&id)
            }
            (AttemptOutcome::Lost(evidence), _) => {
                // The runner may have been replaced before it heard of the attempt.
                let replaced = evidence.contains("replaced") && !self.started.contains(&id);
                !evidence.is_empty() && (replaced || self.forgotten.contains(&id))
            }
            _ => false,
        };
        let cancelled = matches!(outcome, AttemptOutcome::Cancelled | AttemptOutcome::Preempted);
        if !is_true || (cancelled && end == Some(&How::Killed) && !self.stopped.contains(&id)) {
            return Err(format!("attempt {id} ended so: {end:?}; recorded is {outcome:?}"));
        }
        Ok(())
    }
}

impl RunFacts {
    /// How many items of a mapped task may run at once.
    pub(super) fn most_items(&self, path: &TaskPath) -> Result<Option<u32>, String> {
        let task = self.task(path)?;
        let of_file = task.map.as_ref().and_then(|it| it.max_parallel);
        let Some((limit, running)) = self.widths.get(&task.name).copied() else {
            return Ok(of_file);
        };
        // What ran when it was said that fewer may goes on.
        Ok(limit.map(|it| it.max(running)))
    }
}
