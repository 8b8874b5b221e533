//! Looks at a run, for the calls that show a part of one.

use engine::input::Archived;
use engine::state::Run;
use shared::id::{RunId, Seq};
use shared::request::{Refusal, RefusalCode};
use shared::snapshot::EventsPage;
use shared::workflow::Workflow;

use crate::driver::{Readout, no_such_run};
use crate::history::HistoryError;

/// How many rows one answer holds at the most.
pub(super) const ROWS_MAX: usize = 1_000;

/// Looks at a run, whether it is active or has ended.
pub(super) fn with_run<T>(
    readout: &Readout<'_>,
    run: RunId,
    look: impl FnOnce(&Run, &Workflow) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    if let Some(it) = readout.state.runs.get(&run) {
        return look(it, &readout.state.definition(run).workflow);
    }
    match readout.history.archived(readout.store, run) {
        Ok(Some(Archived { run, workflow })) => look(&run, &workflow),
        Ok(None) => Err(no_such_run(run)),
        Err(problem) => Err(unreadable(&problem)),
    }
}

pub(super) fn unreadable(problem: &HistoryError) -> Refusal {
    let message = crate::driver::with_sources(problem);
    Refusal::new(RefusalCode::Internal, message).help("the daemon's log may say more")
}

/// The place of a task in its workflow.
pub(super) fn place(workflow: &Workflow, task: &str) -> Result<usize, Refusal> {
    workflow.tasks.iter().position(|it| it.name.as_str() == task).ok_or_else(|| {
        let names = workflow.tasks.iter().map(|it| it.name.as_str());
        let message = format!("`{}` has no task `{task}`", workflow.name);
        let refusal = Refusal::new(RefusalCode::NotFound, message);
        match shared::diagnostic::nearest(task, names) {
            Some(near) => refusal.help(format!("did you mean `{near}`?")),
            None => refusal.help("`runyard show` lists them"),
        }
    })
}

/// There is no such workflow.
pub(super) fn no_such_workflow(readout: &Readout<'_>, name: &str) -> Refusal {
    let refusal = Refusal::new(RefusalCode::NotFound, format!("there is no workflow `{name}`"));
    let names = readout.state.library.keys().map(|it| it.as_str());
    match shared::diagnostic::nearest(name, names) {
        Some(near) => refusal.help(format!("did you mean `{near}`?")),
        None => refusal.help("`runyard workflows` lists them"),
    }
}

/// A run has no such task.
pub(super) fn no_such_task(run: &Run, task: &str) -> Refusal {
    let message = format!("{} has no task `{task}`", run.label());
    Refusal::new(RefusalCode::NotFound, message).help("`runyard show` lists them")
}

/// The events of a run after `after`, oldest first.
pub(super) fn page_of_events(
    readout: &Readout<'_>,
    run: RunId,
    after: Seq,
) -> Result<EventsPage, Refusal> {
    let over = !readout.state.runs.contains_key(&run);
    let view = |(seq, stamped): &(Seq, engine::Stamped)| engine::describe::view(*seq, stamped);
    // Whoever follows an active run asks for its newest events: no need to read what came before.
    if let Some(events) = readout.history.active_events(run)
        && events.first().is_some_and(|(first, _)| *first <= Seq(after.0 + 1))
    {
        let from = events.partition_point(|(seq, _)| *seq <= after);
        let page = events[from..].iter().take(ROWS_MAX).map(view).collect();
        return Ok(EventsPage { events: page, more: events.len() - from > ROWS_MAX, over });
    }
    let events = readout.history.events(readout.store, run).map_err(|it| unreadable(&it))?;
    let events = events.ok_or_else(|| no_such_run(run))?;
    let from = events.partition_point(|(seq, _)| *seq <= after);
    let page = events[from..].iter().take(ROWS_MAX).map(view).collect();
    Ok(EventsPage { events: page, more: events.len() - from > ROWS_MAX, over })
}
