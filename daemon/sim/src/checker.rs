//! Judges the world, not the engine's opinion of it. Source: reliability, 3.2.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::input::How;
use engine::{Event, Stamped};
use shared::id::{AttemptId, PoolName, ResourceName, RunId, TaskName, TaskPath, Version};
use shared::state::AttemptOutcome;
use shared::workflow::{Section, Task, TriggerRule, WhenFull, Workflow};

use crate::world::Fact;

/// What the checker knows: what the journal says was ordered, and what really happened.
#[derive(Clone, Default, Debug)]
pub struct Checker {
    slots: BTreeMap<PoolName, u32>,
    resources: BTreeMap<ResourceName, u32>,
    workflows: BTreeMap<Version, Arc<Workflow>>,
    runs: BTreeMap<RunId, RunFacts>,
    attempts: BTreeMap<AttemptId, Ordered>,
    newest: BTreeMap<(RunId, TaskPath), (AttemptId, u32)>,
    started: BTreeSet<AttemptId>,
    live: BTreeSet<AttemptId>,
    strays: BTreeSet<AttemptId>,
    ends: BTreeMap<AttemptId, How>,
    forgotten: BTreeSet<AttemptId>,
    stopped: BTreeSet<AttemptId>,
    recorded: BTreeSet<AttemptId>,
}

#[derive(Clone, Debug)]
struct RunFacts {
    workflow: Arc<Workflow>,
    lane: Option<String>,
    /// A cancel of it was acknowledged; `true`: of its `finally` too.
    cancelled: Option<bool>,
}

/// An attempt whose start was ordered.
#[derive(Clone, Debug)]
struct Ordered {
    run: RunId,
    path: TaskPath,
    has_process: bool,
}

impl Checker {
    /// A checker of a world with these capacities.
    pub fn new(slots: Vec<(PoolName, u32)>, resources: Vec<(ResourceName, u32)>) -> Self {
        Self {
            slots: slots.into_iter().collect(),
            resources: resources.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The task of an attempt.
    pub fn task(&self, attempt: AttemptId) -> Option<&Task> {
        let ordered = self.attempts.get(&attempt)?;
        task_of(&self.runs.get(&ordered.run)?.workflow, &ordered.path.task)
    }

    /// Something is on disk.
    ///
    /// # Errors
    /// What it contradicts, as a sentence.
    pub fn recorded(&mut self, stamped: &Stamped) -> Result<(), String> {
        match &stamped.event {
            Event::WorkflowLoaded { workflow } => {
                self.workflows.insert(workflow.version.clone(), workflow.clone());
            }
            Event::RunCreated(it) => {
                let workflow = self.workflows.get(&it.version).cloned();
                let workflow = workflow.ok_or("a run is of a version that never was")?;
                let facts = RunFacts { workflow, lane: it.lane.clone(), cancelled: None };
                if self.runs.insert(it.run, facts).is_some() {
                    return Err(format!("two runs have the id {}", it.run));
                }
            }
            Event::RunReopened { run, .. } => {
                if let Some(it) = self.runs.get_mut(&run.id) {
                    it.cancelled = None;
                }
            }
            Event::ItemsExpanded { run, task, items } => {
                // An item that is not among them is another one when it comes again.
                self.newest.retain(|(of_run, path), _| {
                    let is_of_task = of_run == run && path.task == *task;
                    let stays = |key: &shared::id::ItemKey| items.iter().any(|it| it.key == *key);
                    !is_of_task || path.item.as_ref().is_none_or(stays)
                });
            }
            Event::AttemptStarting(it) => {
                let facts = self.runs.get(&it.run).ok_or("an attempt is of no run")?;
                let task =
                    task_of(&facts.workflow, &it.task.task).ok_or("there is no such task")?;
                self.not_after_cancel(facts, task, it.id)?;
                let has_process = task.has_process();
                let ordered = Ordered { run: it.run, path: it.task.clone(), has_process };
                if self.attempts.insert(it.id, ordered).is_some() {
                    return Err(format!("two attempts have the id {}", it.id));
                }
                let newest = self.newest.insert((it.run, it.task.clone()), (it.id, it.number));
                let before = newest.map_or(0, |it| it.1);
                if it.number != before + 1 {
                    return Err(format!("attempt {} of {} follows {before}", it.number, it.task));
                }
            }
            Event::AttemptEnded(it) => self.end_recorded(it.attempt.id, &it.outcome)?,
            _ => {}
        }
        Ok(())
    }

    /// The daemon has answered that it cancels a run.
    pub fn cancel_acknowledged(&mut self, run: RunId, now: bool) {
        if let Some(it) = self.runs.get_mut(&run) {
            it.cancelled = Some(now || it.cancelled.is_some());
        }
    }

    /// The daemon has told a runner to start an attempt.
    ///
    /// # Errors
    /// If it should not have.
    pub fn start_sent(&self, attempt: AttemptId) -> Result<(), String> {
        let ordered = self.attempts.get(&attempt).ok_or("a start was sent that is not on disk")?;
        let facts = self.runs.get(&ordered.run).ok_or("an attempt is of no run")?;
        let task = task_of(&facts.workflow, &ordered.path.task).ok_or("there is no such task")?;
        if self.recorded.contains(&attempt) {
            return Err(format!("attempt {attempt} has ended and is started"));
        }
        self.not_after_cancel(facts, task, attempt)
    }

    /// The daemon has told a runner to stop an attempt.
    pub fn stop_sent(&mut self, attempt: AttemptId) {
        self.stopped.insert(attempt);
    }

    /// The daemon has told a runner to forget an attempt.
    ///
    /// # Errors
    /// If its end is not on disk.
    pub fn release_sent(&self, attempt: AttemptId) -> Result<(), String> {
        match self.attempts.contains_key(&attempt) && !self.recorded.contains(&attempt) {
            true => Err(format!("attempt {attempt} is forgotten, and its end is not on disk")),
            false => Ok(()),
        }
    }

    fn not_after_cancel(&self, run: &RunFacts, task: &Task, id: AttemptId) -> Result<(), String> {
        let is_stopped = run.cancelled.is_some_and(|now| now || task.section == Section::Main);
        match is_stopped {
            true => {
                Err(format!("attempt {id} of {} starts after a cancel was acknowledged", task.name))
            }
            false => Ok(()),
        }
    }

    /// Something has really happened.
    ///
    /// # Errors
    /// If it should not have.
    pub fn happened(&mut self, fact: Fact) -> Result<(), String> {
        match fact {
            Fact::Started(pool, attempt) => {
                if !self.started.insert(attempt) {
                    return Err(format!("attempt {attempt} was started twice"));
                }
                if self.recorded.contains(&attempt) {
                    return Err(format!("attempt {attempt} started after its end was recorded"));
                }
                self.live.insert(attempt);
                self.capacity(&pool)?;
                self.run_limits(attempt)?;
                self.needs(attempt)
            }
            Fact::Strayed(attempt) => {
                self.strays.insert(attempt);
                Ok(())
            }
            Fact::Ended(attempt, how) => {
                self.live.remove(&attempt);
                self.strays.remove(&attempt);
                self.ends.insert(attempt, how);
                Ok(())
            }
            Fact::Forgotten(attempt) => {
                self.forgotten.insert(attempt);
                Ok(())
            }
        }
    }

    fn live(&self) -> impl Iterator<Item = (&Ordered, &RunFacts, &Task)> {
        self.live.iter().filter_map(|it| {
            let ordered = self.attempts.get(it)?;
            let run = self.runs.get(&ordered.run)?;
            Some((ordered, run, task_of(&run.workflow, &ordered.path.task)?))
        })
    }

    fn capacity(&self, pool: &PoolName) -> Result<(), String> {
        let taken: u32 = self.live().filter(|it| it.2.pool == *pool).map(|it| it.2.slots).sum();
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

    fn run_limits(&self, attempt: AttemptId) -> Result<(), String> {
        let ordered = self.attempts.get(&attempt).ok_or("a process is of no attempt on disk")?;
        let run = self.runs.get(&ordered.run).ok_or("an attempt is of no run")?;
        let task = task_of(&run.workflow, &ordered.path.task).ok_or("there is no such task")?;
        let same_task = |it: &Ordered| it.run == ordered.run && it.path.task == ordered.path.task;
        let items = self.live().filter(|it| same_task(it.0)).count();
        let most = task.map.as_ref().and_then(|it| it.max_parallel).unwrap_or(u32::MAX);
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
    fn needs(&self, attempt: AttemptId) -> Result<(), String> {
        let ordered = &self.attempts[&attempt];
        let run = &self.runs[&ordered.run];
        let task = task_of(&run.workflow, &ordered.path.task).ok_or("there is no such task")?;
        let early = [TriggerRule::Always, TriggerRule::OneFailed, TriggerRule::OneSuccess];
        for need in &task.needs {
            let of_need = |it: &Ordered| it.run == ordered.run && it.path.task == *need;
            if !early.contains(&task.trigger_rule) && self.live().any(|it| of_need(it.0)) {
                return Err(format!("{} starts while {need} runs", task.name));
            }
            let Some(needed) = task_of(&run.workflow, need) else { continue };
            let must_succeed = task.trigger_rule == TriggerRule::AllSuccess
                && needed.on_failure == shared::workflow::OnFailure::Fail
                && needed.has_process()
                && needed.map.is_none();
            if must_succeed {
                let newest = self.newest.get(&(ordered.run, TaskPath::task(need.clone())));
                let end = newest.and_then(|it| self.ends.get(&it.0));
                if end != Some(&How::Exited(0)) {
                    return Err(format!("{} starts, and {need} ended so: {end:?}", task.name));
                }
            }
        }
        Ok(())
    }

    /// What is recorded of an end is how it really was; or that nobody knows, where that is so.
    fn end_recorded(&mut self, id: AttemptId, outcome: &AttemptOutcome) -> Result<(), String> {
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
            (AttemptOutcome::Timeout, Some(How::TimedOut)) => true,
            (
                AttemptOutcome::StartFailed(_),
                Some(How::ExecFailed(_) | How::Refused(_) | How::Never),
            ) => true,
            // Also one whose start never arrived at its runner.
            (AttemptOutcome::Cancelled, Some(_)) => true,
            (AttemptOutcome::Cancelled, None) => !self.started.contains(&id),
            (AttemptOutcome::Lost(evidence), _) => {
                // The runner may have been replaced before it heard of the attempt.
                let replaced = evidence.contains("replaced") && !self.started.contains(&id);
                !evidence.is_empty() && (replaced || self.forgotten.contains(&id))
            }
            _ => false,
        };
        let cancelled = *outcome == AttemptOutcome::Cancelled;
        if !is_true || (cancelled && end == Some(&How::Killed) && !self.stopped.contains(&id)) {
            return Err(format!("attempt {id} ended so: {end:?}; recorded is {outcome:?}"));
        }
        Ok(())
    }

    /// The runs that were made.
    pub fn runs(&self) -> impl Iterator<Item = RunId> {
        self.runs.keys().copied()
    }

    /// What is not at rest, now that everything should be.
    ///
    /// # Errors
    /// The first thing that is not.
    pub fn at_rest(&self) -> Result<(), String> {
        if let Some(id) = self.live.first() {
            return Err(format!("attempt {id} still runs"));
        }
        if let Some(id) = self.strays.first() {
            return Err(format!("nobody waits for attempt {id}, and it still runs"));
        }
        match self.attempts.keys().find(|it| !self.recorded.contains(it)) {
            Some(id) => Err(format!("the end of attempt {id} was never recorded")),
            None => Ok(()),
        }
    }
}

fn task_of<'a>(workflow: &'a Workflow, name: &TaskName) -> Option<&'a Task> {
    workflow.tasks.iter().find(|it| it.name == *name)
}

#[cfg(test)]
mod tests {
    use engine::event::{AttemptRef, RunCreated};
    use shared::request::Actor;
    use shared::time::Timestamp;
    use shared::workflow::Priority;

    use super::*;
    use crate::generate;
    use crate::rng::Rng;

    const RUN: RunId = RunId(1);

    fn stamped(event: Event) -> Stamped {
        Stamped { at: Timestamp(0), event }
    }

    /// A checker that knows of a run with one task of two slots, in a pool of three.
    fn checker() -> Checker {
        let mut workflow = (*generate::workflow(&mut Rng::new(1), "flow", 1)).clone();
        workflow.tasks.truncate(1);
        workflow.tasks[0] = Task {
            kind: shared::workflow::Kind::Run { shell: Vec::new(), script: String::new() },
            pool: "batch".into(),
            slots: 2,
            map: None,
            needs: Vec::new(),
            resources: BTreeMap::new(),
            ..workflow.tasks[0].clone()
        };
        let version = workflow.version.clone();
        let mut checker = Checker::new(generate::pools(), generate::resources());
        let loaded = Event::WorkflowLoaded { workflow: Arc::new(workflow) };
        let created = Event::RunCreated(Box::new(RunCreated {
            run: RUN,
            number: 1,
            workflow: "flow".into(),
            version,
            params: BTreeMap::new(),
            interval: None,
            actor: Actor::daemon(),
            priority: Priority::NORMAL,
            lane: None,
        }));
        for event in [loaded, created, order(1, 1)] {
            checker.recorded(&stamped(event)).expect("nothing is wrong yet");
        }
        checker
    }

    fn order(id: u64, number: u32) -> Event {
        let id = AttemptId(id);
        Event::AttemptStarting(AttemptRef { id, number, run: RUN, task: "t0".into() })
    }

    fn started(id: u64) -> Fact {
        Fact::Started("batch".into(), AttemptId(id))
    }

    #[test]
    fn an_attempt_that_is_started_twice_is_noticed() {
        let mut checker = checker();
        assert_eq!(checker.happened(started(1)), Ok(()));
        assert_eq!(checker.happened(Fact::Ended(AttemptId(1), How::Exited(0))), Ok(()));
        let twice = checker.happened(started(1)).expect_err("it started twice");
        assert!(twice.contains("was started twice"), "{twice}");
    }

    #[test]
    fn more_processes_than_slots_are_noticed() {
        let mut checker = checker();
        checker.recorded(&stamped(order(2, 2))).expect("a second attempt may be ordered");
        assert_eq!(checker.happened(started(1)), Ok(()));
        let full = checker.happened(started(2)).expect_err("four of three slots are taken");
        assert_eq!(full, "processes take 4 of 3 slots of pool batch");
    }

    #[test]
    fn an_attempt_number_that_repeats_is_noticed() {
        let repeats = checker().recorded(&stamped(order(2, 1))).expect_err("it repeats");
        assert_eq!(repeats, "attempt 1 of t0 follows 1");
    }

    #[test]
    fn a_start_after_an_acknowledged_cancel_is_noticed() {
        let mut checker = checker();
        checker.cancel_acknowledged(RUN, false);
        let late = checker.start_sent(AttemptId(1)).expect_err("the run is cancelled");
        assert!(late.contains("after a cancel was acknowledged"), "{late}");
    }

    #[test]
    fn a_process_that_nobody_waits_for_and_nobody_stops_is_noticed() {
        let mut checker = Checker::default();
        assert_eq!(checker.happened(Fact::Strayed(AttemptId(9))), Ok(()));
        assert!(checker.at_rest().expect_err("it runs").contains("nobody waits for"));
        assert_eq!(checker.happened(Fact::Ended(AttemptId(9), How::Killed)), Ok(()));
        assert_eq!(checker.at_rest(), Ok(()));
    }

    #[test]
    fn an_end_that_is_not_as_it_was_is_noticed() {
        let mut checker = checker();
        assert_eq!(checker.happened(started(1)), Ok(()));
        let early = checker.end_recorded(AttemptId(1), &AttemptOutcome::Succeeded);
        assert!(early.expect_err("it still runs").contains("and runs"));
        let mut checker = self::checker();
        assert_eq!(checker.happened(started(1)), Ok(()));
        assert_eq!(checker.happened(Fact::Ended(AttemptId(1), How::Exited(3))), Ok(()));
        let wrong = checker.end_recorded(AttemptId(1), &AttemptOutcome::Succeeded);
        assert!(wrong.expect_err("it ended with 3").contains("Exited(3)"));
    }
}
