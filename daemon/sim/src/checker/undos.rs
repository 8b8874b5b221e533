//! Undos: after what they undo and after what was built on it, each once, and as the end of the run says. Source:
//! semantics, rule 12.

use std::collections::BTreeSet;

use shared::id::{AttemptId, RunId, TaskName, TaskPath};
use shared::request::RollbackWhat;
use shared::state::{Outcome, RunOutcome};
use shared::workflow::{Section, Task, UndoPolicy, Workflow};

use super::{Checker, RunFacts, Stage};

/// A rollback that has begun.
#[derive(Clone, Debug)]
pub(super) struct Rollback {
    /// What it undoes; paths of task runs.
    tasks: BTreeSet<TaskPath>,
    policy: UndoPolicy,
}

impl Checker {
    pub(super) fn rollback_begun(
        &mut self,
        run: RunId,
        tasks: &[TaskPath],
        policy: UndoPolicy,
    ) -> Result<(), String> {
        if let Some(path) = self.open(run).next() {
            return Err(format!("a rollback begins, and {path} has not ended"));
        }
        let it = self.facts(run)?;
        if it.stage != Stage::Active {
            return Err(format!("a rollback begins of a run that is {:?}", it.stage));
        }
        if let Some(wrong) = tasks.iter().find(|path| !can_be_undone(it, path)) {
            return Err(format!("{wrong} is to be undone, and has done nothing, or was undone"));
        }
        if let Some(foreseen) = it.foreseen.take() {
            foreseen.begins(tasks)?;
        }
        if matches!(it.asked, None | Some(RollbackWhat::All)) {
            let missing = it
                .tasks
                .keys()
                .find(|path| !path.undo && can_be_undone(it, path) && !tasks.contains(path));
            if let Some(missing) = missing {
                return Err(format!("all is to be undone, and {missing} is not among it"));
            }
        }
        for path in tasks {
            let undo = it.facts(&path.clone().undo());
            let newest = undo.newest;
            *undo = super::TaskFacts { newest, is_planned: true, ..Default::default() };
        }
        let tasks = tasks.iter().cloned().collect();
        it.rollback = Some(Rollback { tasks, policy });
        (it.stage, it.asked, it.cancelled, it.is_stopped) = (Stage::RollingBack, None, None, false);
        Ok(())
    }

    /// An undo waits for capacity: its turn has come.
    pub(super) fn undo_may_begin(&self, run: RunId, path: &TaskPath) -> Result<(), String> {
        self.undo_may_start(run, path)?;
        let it = &self.runs[&run];
        let Some(rollback) = &it.rollback else { return Ok(()) };
        // One that has begun waits for capacity once more.
        if it.tasks.get(path).is_some_and(|it| it.is_begun) {
            return Ok(());
        }
        let begun =
            it.tasks.iter().filter(|(other, facts)| other.undo && facts.is_begun && *other != path);
        let begun = begun.count();
        if begun >= rollback.policy.parallel as usize {
            return Err(format!("{path} begins beside {begun} undos"));
        }
        if rollback.policy.parallel > 1 {
            return Ok(());
        }
        let ended = |path: &TaskPath| it.ended(path).map(|it| it.1);
        let mine = ended(&path.clone().forward());
        let later = rollback.tasks.iter().find(|other| {
            let undo = it.tasks.get(&(*other).clone().undo());
            let waits = undo.is_some_and(|it| it.ended.is_none() && !it.is_held);
            waits && ended(other) > mine && self.in_the_way(it, rollback, other).is_none()
        });
        match later {
            Some(later) => Err(format!("{path} begins, and {later} ended later and waits")),
            None => Ok(()),
        }
    }

    pub(super) fn undo_may_start(&self, run: RunId, path: &TaskPath) -> Result<(), String> {
        let it = self.runs.get(&run).ok_or("an undo is of no run")?;
        let forward = path.clone().forward();
        if !can_be_undone(it, &forward) {
            return Err(format!("{path} starts, and there is nothing to undo, or it was undone"));
        }
        if let Some(open) = self.open(run).find(|it| !it.undo) {
            return Err(format!("{path} starts, and {open} has not ended"));
        }
        let is_planned = it.tasks.get(path).is_some_and(|it| it.is_planned);
        let rollback = it.rollback.as_ref().filter(|_| is_planned);
        let rollback = rollback.ok_or_else(|| format!("{path} starts, and nobody wants it"))?;
        // With `on_undo_failure: continue` it began after another had failed; that one may be tried again meanwhile.
        let goes_on = rollback.policy.goes_on && it.tasks.get(path).is_some_and(|it| it.is_begun);
        match self.in_the_way(it, rollback, &forward) {
            Some(_) if goes_on => Ok(()),
            Some(other) => Err(format!("{path} starts before {other} was undone")),
            None => Ok(()),
        }
    }

    /// What was built on a task run and is to be undone before it.
    fn in_the_way<'a>(
        &self,
        run: &RunFacts,
        rollback: &'a Rollback,
        path: &TaskPath,
    ) -> Option<&'a TaskPath> {
        let built = |it: &&TaskPath| is_built_on(&run.workflow, it, path);
        rollback.tasks.iter().filter(built).find(|it| match run.ended(&(*it).clone().undo()) {
            Some((Outcome::Succeeded, _)) => false,
            Some(_) => !rollback.policy.goes_on,
            None => true,
        })
    }

    /// No task runs while an undo does, and no more undos run than may.
    pub(super) fn undo_runs_alone(&self, attempt: AttemptId) -> Result<(), String> {
        let ordered = self.attempts.get(&attempt).ok_or("a process is of no attempt on disk")?;
        let same_run = || self.live().filter(|it| it.0.run == ordered.run);
        if let Some((other, ..)) = same_run().find(|it| it.0.path.undo != ordered.path.undo) {
            return Err(format!("{} starts while {} runs", ordered.path, other.path));
        }
        let undos = same_run().filter(|it| it.0.path.undo).count();
        let policy = self.runs[&ordered.run].rollback.as_ref().map(|it| it.policy);
        match policy.is_some_and(|it| undos > it.parallel as usize) {
            true => Err(format!("{undos} undos run at once")),
            false => Ok(()),
        }
    }

    /// A run ends as its undos have.
    pub(super) fn end_word(&self, run: RunId, outcome: RunOutcome) -> Result<(), String> {
        let it = self.runs.get(&run).ok_or("a run ends that never was")?;
        let planned = || it.tasks.iter().filter(|(path, facts)| path.undo && facts.is_planned);
        let is_done = planned()
            .all(|(path, _)| it.ended(path).is_some_and(|(outcome, _)| outcome.is_success()));
        let says_so = matches!(outcome, RunOutcome::RolledBack | RunOutcome::RollbackFailed);
        // One that waited to be undone, and was cancelled, ends as it had.
        let as_before = it.stage == Stage::Queued;
        if says_so != it.rollback.is_some() && !as_before {
            return Err(format!("run {run} is {outcome:?}, with the rollback {:?}", it.rollback));
        }
        if says_so && (planned().count() == 0 || is_done != (outcome == RunOutcome::RolledBack)) {
            return Err(format!("run {run} is {outcome:?}, and its undos are not"));
        }
        Ok(())
    }
}

/// Whether a task run has done something since it was last undone that its undo takes back.
fn can_be_undone(run: &RunFacts, path: &TaskPath) -> bool {
    let (Ok(task), Some(facts)) = (run.task(path), run.tasks.get(path)) else { return false };
    let Some(rollback) = &task.rollback else { return false };
    let is_done = match &facts.ended {
        Some((Outcome::Succeeded, _)) => true,
        Some((Outcome::Failed(_) | Outcome::Cancelled, _)) => rollback.also_failed,
        _ => false,
    };
    task.section == Section::Main && is_done && facts.newest.is_some() && !facts.is_undone
}

/// Whether a task run is built on another, however far: it needs that, or what that is in; itself, or for what it is in.
/// Within one mapped group that holds item by item.
pub(super) fn is_built_on(workflow: &Workflow, it: &TaskPath, on: &TaskPath) -> bool {
    let chain = chain_of(workflow, &it.task);
    if chain.is_some() && chain == chain_of(workflow, &on.task) && it.item != on.item {
        return false;
    }
    let needs = |task: &Task| {
        let around = around(&task.name);
        let groups = workflow.tasks.iter().filter(|it| around.contains(&it.name));
        let groups = groups.flat_map(|it| it.needs.clone()).collect::<Vec<_>>();
        task.needs.iter().cloned().chain(groups).collect::<Vec<TaskName>>()
    };
    let mut found = BTreeSet::from([on.task.clone()]);
    let mut before = 0;
    while found.len() > before {
        before = found.len();
        let is_met = |need: &TaskName| {
            found.contains(need) || found.iter().any(|it| around(it).contains(need))
        };
        let next = workflow.tasks.iter().filter(|it| needs(it).iter().any(is_met));
        let next: Vec<TaskName> = next.map(|it| it.name.clone()).collect();
        found.extend(next);
    }
    it.task != on.task && found.contains(&it.task)
}

/// The groups around a task.
pub(super) fn around(task: &TaskName) -> Vec<TaskName> {
    let name = task.as_str();
    name.match_indices('/').map(|(at, _)| TaskName::from(&name[..at])).collect()
}

/// The mapped group whose items a task has.
pub(super) fn chain_of(workflow: &Workflow, task: &TaskName) -> Option<TaskName> {
    let is_mapped =
        |name: &TaskName| workflow.tasks.iter().any(|it| it.name == *name && it.map.is_some());
    around(task).into_iter().find(is_mapped)
}
