//! Whether what became of a task is what its needs, its items and its queue allow; judged anew, by the definition of
//! each rule. Source: semantics, rules 2, 6 and 10.

use shared::id::{RunId, TaskPath};
use shared::state::{Outcome, Skip};
use shared::workflow::{Kind, OnFailure, Priority, Task, Tolerate, TriggerRule};

use super::{Checker, RunFacts, task_of};

/// From here on a priority goes before every other.
const CRITICAL: Priority = Priority(750);

/// How the needs of a task have ended, counted.
#[derive(Default)]
struct Ends {
    all: usize,
    successes: usize,
    failures: usize,
    skips: usize,
}

impl Ends {
    fn of(run: &RunFacts, task: &Task) -> Self {
        let mut ends = Self { all: task.needs.len(), ..Self::default() };
        for need in &task.needs {
            let Some((outcome, _)) = run.ended(&TaskPath::task(need.clone())) else { continue };
            let goes_on =
                task_of(&run.workflow, need).is_some_and(|it| it.on_failure == OnFailure::Continue);
            match outcome {
                Outcome::Succeeded => ends.successes += 1,
                Outcome::Failed(_) if goes_on => ends.successes += 1,
                Outcome::Failed(_) | Outcome::UpstreamFailed | Outcome::Cancelled => {
                    ends.failures += 1;
                }
                Outcome::Skipped(_) => ends.skips += 1,
            }
        }
        ends
    }

    /// `None`: it is not judged here.
    fn lets_run(&self, rule: &TriggerRule) -> Option<bool> {
        let done = self.successes + self.failures + self.skips;
        let is_over = done == self.all;
        Some(match rule {
            TriggerRule::Always => true,
            TriggerRule::AllDone => is_over,
            TriggerRule::AllSuccess => self.successes == self.all,
            TriggerRule::AllFailed => self.failures == self.all,
            TriggerRule::AllSkipped => self.skips == self.all,
            TriggerRule::OneFailed => self.failures > 0,
            TriggerRule::OneSuccess => self.successes > 0,
            TriggerRule::NoneFailed => is_over && self.failures == 0,
            TriggerRule::NoneFailedMinOneSuccess => {
                is_over && self.failures == 0 && self.successes > 0
            }
            TriggerRule::Expr(_) => return None,
        })
    }

    /// Whether a task that its rule does not let run is passed over, and has not failed with its needs.
    fn are_only_skipped(&self, rule: &TriggerRule) -> bool {
        match rule {
            TriggerRule::AllSuccess
            | TriggerRule::NoneFailed
            | TriggerRule::NoneFailedMinOneSuccess
            | TriggerRule::OneSuccess => self.failures == 0,
            _ => true,
        }
    }
}

impl Checker {
    /// A task run begins: its needs let it.
    pub(super) fn rule_lets_run(&self, run: &RunFacts, path: &TaskPath) -> Result<(), String> {
        let task = run.task(path)?;
        if path.undo || path.item.is_some() {
            return Ok(());
        }
        match Ends::of(run, task).lets_run(&task.trigger_rule) {
            Some(false) => Err(format!("{path} begins, and its needs do not let it")),
            Some(true) | None => Ok(()),
        }
    }

    /// A task run ends without having run, or with what its items have come to.
    pub(super) fn end_is_allowed(
        &self,
        run: RunId,
        path: &TaskPath,
        outcome: &Outcome,
    ) -> Result<(), String> {
        let run = self.runs.get(&run).ok_or("a task run is of no run")?;
        let task = run.task(path)?;
        if path.undo || path.item.is_some() {
            return Ok(());
        }
        let ends = Ends::of(run, task);
        // What is in a group ends with it.
        let by_rule = matches!(outcome, Outcome::UpstreamFailed | Outcome::Skipped(Skip::Rule))
            && task.group.is_none()
            && task.kind != Kind::Group;
        if by_rule && ends.lets_run(&task.trigger_rule) == Some(true) {
            return Err(format!("{path} does not run, and its needs let it"));
        }
        let says_skipped = matches!(outcome, Outcome::Skipped(Skip::Rule));
        if by_rule && says_skipped != ends.are_only_skipped(&task.trigger_rule) {
            return Err(format!("{path} ends as {outcome:?}, and its needs have not ended so"));
        }
        match outcome {
            Outcome::Succeeded => tolerates(run, task),
            _ => Ok(()),
        }
    }

    /// Nothing starts before something critical that has waited for the same pool and fits.
    pub(super) fn critical_goes_first(
        &self,
        run: &RunFacts,
        path: &TaskPath,
    ) -> Result<(), String> {
        let task = run.task(path)?;
        if priority(run, task) >= CRITICAL {
            return Ok(());
        }
        let taken: u32 =
            self.ordered_tasks().filter(|it| it.pool == task.pool).map(|it| it.slots).sum();
        let free = self.slots.get(&task.pool).copied().unwrap_or(0).saturating_sub(taken);
        for (id, other) in &self.runs {
            for (waiting, facts) in &other.tasks {
                if !facts.is_queued || waiting == path && std::ptr::eq(run, other) {
                    continue;
                }
                let it = other.task(waiting)?;
                let fits = it.slots <= free && it.resources.is_empty() && it.map.is_none();
                let is_free = self.pause_of(*id, Some(&it.pool)).is_none();
                if it.pool == task.pool && fits && is_free && priority(other, it) >= CRITICAL {
                    return Err(format!(
                        "{path} starts, and {waiting} is critical, waits and fits"
                    ));
                }
            }
        }
        Ok(())
    }
}

fn priority(run: &RunFacts, task: &Task) -> Priority {
    task.priority.unwrap_or(run.priority)
}

/// A mapped task that has succeeded has no more failed items than it tolerates.
fn tolerates(run: &RunFacts, task: &Task) -> Result<(), String> {
    let Some(map) = &task.map else { return Ok(()) };
    let items = || {
        run.tasks
            .iter()
            .filter(|(path, _)| path.task == task.name && path.item.is_some() && !path.undo)
    };
    let failed = items().filter(|it| it.1.ended.as_ref().is_some_and(|it| it.0.is_failure()));
    let failed = failed.count();
    let most = match map.tolerate {
        Tolerate::Count(count) => count as usize,
        Tolerate::Percent(percent) => {
            run.items.get(&task.name).copied().unwrap_or(0) * percent as usize / 100
        }
        Tolerate::Expr(_) => return Ok(()),
    };
    match failed > most {
        true => {
            Err(format!("{} succeeds with {failed} failed items, {most} are tolerated", task.name))
        }
        false => Ok(()),
    }
}
