//! How runs start, close and end.

use shared::id::RunId;
use shared::state::{Outcome, RunOutcome, RunPhase, TaskPhase};
use shared::workflow::{Kind, OnFailure, Section, Task, WhenFull};

use crate::event::Event;
use crate::faults::{self, Fault};
use crate::index::Unfinished;
use crate::scope::failed_items;
use crate::state::{Run, Spot, State, TaskRun};
use crate::step::Turn;

impl Turn<'_> {
    /// Starts the runs that may start, in order of their priority and age.
    pub(crate) fn start_runs(&mut self) {
        let lanes = self.state.index.lanes.iter();
        let open = lanes.filter(|((workflow, _), _)| !self.state.is_workflow_paused(workflow));
        let starting = open.flat_map(|((workflow, _), lane)| {
            let active = match faults::active(Fault::EndedRunsCount) {
                true => self
                    .state
                    .library
                    .get(workflow)
                    .map_or(0, |it| it.newest as usize)
                    .saturating_sub(lane.queued.len()),
                false => lane.active.len(),
            };
            let places = active..;
            let may_start =
                lane.queued.iter().filter(|(_, _, run)| self.state.run(*run).pause.is_none());
            let may_start =
                may_start.filter(|(_, _, run)| self.state.waits_for_previous(*run).is_none());
            let fits =
                |(place, (_, _, run)): &(usize, &(_, _, RunId))| has_room(self.state, *run, *place);
            places.zip(may_start).take_while(fits).map(|(_, key)| *key)
        });
        let mut starting: Vec<_> = starting.collect();
        starting.sort_unstable();
        for (_, _, run) in starting {
            self.emit(Event::RunStarted { run });
            self.look_at_section(run, Section::Main);
            self.touched.insert(run);
        }
    }

    /// Has the needs of every task of a section looked at.
    pub(crate) fn look_at_section(&mut self, run: RunId, section: Section) {
        let definition = self.state.definition(run).clone();
        let places = definition.places().filter(|it| definition.task(*it).section == section);
        self.todo.extend(places.map(|task| Spot::task(run, task)));
        // What has ended in them while nobody looked.
        let begun =
            self.state.run(run).spots().filter(|spot| {
                spot.item.is_some() && definition.task(spot.task).kind == Kind::Group
            });
        let begun: Vec<Spot> = begun.collect();
        self.todo.extend(begun);
    }

    /// Closes the runs whose tasks have all ended, and ends those whose `finally` has too.
    pub(crate) fn close_and_end_runs(&mut self) {
        for run in std::mem::take(&mut self.touched) {
            let Some(it) = self.state.runs.get(&run) else { continue };
            let left = |section| self.state.index.unfinished(run, Unfinished::Section(section));
            let (main, finally) = (left(Section::Main), left(Section::Finally));
            match it.phase {
                RunPhase::Active if main == 0 => {
                    let outcome = outcome(self.state, it);
                    match self.begin_rollback(run, outcome) {
                        true => drop(self.touched.insert(run)),
                        false => self.close(run, outcome),
                    }
                }
                RunPhase::RollingBack(_) => {
                    if let Some(outcome) = self.go_on_undoing(run) {
                        self.close(run, outcome);
                    }
                }
                RunPhase::Closing(outcome) if finally == 0 => {
                    let outcome = with_finally(self.state, it, outcome);
                    self.emit(Event::RunEnded { run, outcome });
                }
                RunPhase::Queued | RunPhase::Active | RunPhase::Closing(_) | RunPhase::Ended(_) => {
                }
            }
        }
    }

    /// Ends a run, or has its `finally` run.
    fn close(&mut self, run: RunId, outcome: RunOutcome) {
        let finally = self.state.index.unfinished(run, Unfinished::Section(Section::Finally));
        if finally == 0 {
            return self.emit(Event::RunEnded { run, outcome });
        }
        self.emit(Event::RunClosing { run, outcome });
        self.look_at_section(run, Section::Finally);
        self.touched.insert(run);
    }

    /// Ends a task run, and has what needs it looked at.
    pub(crate) fn finish(&mut self, spot: Spot, outcome: Outcome) {
        let task = self.state.path(spot);
        self.emit(Event::TaskFinished { run: spot.run, task, outcome });
        self.after_finish(spot);
    }

    /// What may follow from the end of a task run.
    pub(crate) fn after_finish(&mut self, spot: Spot) {
        if spot.undo {
            self.touched.insert(spot.run);
            return;
        }
        self.end_members(spot);
        let definition = self.state.definition(spot.run).clone();
        if spot.item.is_some() {
            return match definition.chain(spot.task) {
                Some(chain) => self.after_chain_item(spot, chain),
                None => self.todo.push(spot.parent()),
            };
        }
        let next = definition.dependents(spot.task);
        self.todo.extend(next.iter().map(|task| Spot::task(spot.run, *task)));
        let group = definition.groups().group(spot.task);
        self.todo.extend(group.map(|task| Spot::task(spot.run, task)));
        self.touched.insert(spot.run);
    }
}

/// Whether a run may not start because of a pause.
pub(crate) fn is_paused(state: &State, run: RunId) -> bool {
    state.held_back(state.run(run)).is_some()
}

/// Whether a run may be active beside `others`.
pub(crate) fn has_room(state: &State, run: RunId, others: usize) -> bool {
    let concurrency = &state.definition(run).workflow.concurrency;
    others < concurrency.max_runs as usize || concurrency.when_full == WhenFull::Allow
}

/// How the tasks of a run have ended, all of them counted, never only the last. Source: semantics, rule 3.
pub(crate) fn outcome(state: &State, run: &Run) -> RunOutcome {
    if run.cancel.is_some() {
        return RunOutcome::Cancelled;
    }
    if run.clock.over.is_some() {
        return RunOutcome::Failed;
    }
    let definition = state.definition(run.id);
    let tasks = || definition.workflow.tasks.iter().zip(&run.tasks);
    let main = || tasks().filter(|(task, _)| task.section == Section::Main);
    // How what is in a group has ended is in how the group has.
    if main().any(|(task, it)| task.group.is_none() && has_failed(task, it)) {
        RunOutcome::Failed
    } else if main().any(|(_, it)| was_tolerated(it)) {
        RunOutcome::Partial
    } else if main().all(|(_, it)| matches!(it.phase, TaskPhase::Finished(Outcome::Skipped(_)))) {
        RunOutcome::Skipped
    } else {
        RunOutcome::Succeeded
    }
}

/// `finally` can turn a success into a failure, never the other way.
fn with_finally(state: &State, run: &Run, outcome: RunOutcome) -> RunOutcome {
    let definition = state.definition(run.id);
    let failed = definition.workflow.tasks.iter().zip(&run.tasks).any(|(task, it)| {
        let is_last = task.section == Section::Finally && task.group.is_none();
        is_last && has_failed(task, it)
    });
    match outcome {
        RunOutcome::RolledBack | RunOutcome::RollbackFailed => outcome,
        _ if run.cancel.is_some() => RunOutcome::Cancelled,
        RunOutcome::Succeeded | RunOutcome::Partial | RunOutcome::Skipped if failed => {
            RunOutcome::Failed
        }
        outcome => outcome,
    }
}

pub(crate) fn has_failed(task: &Task, it: &TaskRun) -> bool {
    let failed = matches!(&it.phase, TaskPhase::Finished(outcome) if outcome.is_failure());
    failed && task.on_failure == OnFailure::Fail
}

/// Something went wrong in it, and the workflow says that this may be.
fn was_tolerated(it: &TaskRun) -> bool {
    let failed = matches!(&it.phase, TaskPhase::Finished(outcome) if outcome.is_failure());
    let warned = it
        .items
        .as_ref()
        .is_some_and(|items| items.list.iter().any(|it| !it.progress.warnings.is_empty()));
    failed || failed_items(it) > 0 || !it.warnings.is_empty() || warned
}

/// Whether what needs a task sees it as a success: also one whose failure the workflow goes on from.
pub(crate) fn counts_as_success(task: &Task, outcome: &Outcome) -> bool {
    outcome.is_success()
        || (matches!(outcome, Outcome::Skipped(_)) && faults::active(Fault::SkippedIsSuccess))
        || (task.on_failure == OnFailure::Continue && matches!(outcome, Outcome::Failed(_)))
}
