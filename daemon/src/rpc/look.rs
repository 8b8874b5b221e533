//! Looks at a run, for the calls that show a part of one.

use engine::state::Run;
use shared::id::{RunId, Seq};
use shared::request::{Refusal, RefusalCode};
use shared::snapshot::EventsPage;
use shared::workflow::Workflow;

use super::Connection;
use crate::driver::{Readout, no_such_run};
use crate::history::{Archive, Events, HistoryError};

/// How many rows one answer holds at the most.
pub(super) const ROWS_MAX: usize = 1_000;

/// How many events one answer holds at the most.
const EVENTS_MAX: usize = 10_000;

impl Connection {
    /// Looks at a run. One that is active is looked at between two turns; one that has ended is read from the disk here,
    /// so that the driver need not wait for it.
    pub(super) async fn look_at<T: Send + 'static>(
        &self,
        run: RunId,
        look: impl FnOnce(&Run, &Workflow, Seq) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        enum Found<T, L> {
            Active(Result<T, Refusal>),
            Ended(Archive, L, Seq),
        }
        let ask = move |it: &Readout<'_>| match it.state.runs.get(&run) {
            Some(active) => {
                let workflow = &it.state.definition(run).workflow;
                Ok(Found::Active(look(active, workflow, it.seq)))
            }
            None => match it.history.find_archive(it.store, run) {
                Ok(Some(archive)) => Ok(Found::Ended(archive, look, it.seq)),
                Ok(None) => Err(no_such_run(run)),
                Err(problem) => Err(unreadable(&problem)),
            },
        };
        match self.core.inbox.ask(ask).await?? {
            Found::Active(seen) => seen,
            Found::Ended(archive, look, seq) => {
                blocking(move || {
                    let archived = archive.read().map_err(|it| unreadable(&it))?;
                    look(&archived.run, &archived.workflow, seq)
                })
                .await
            }
        }
    }

    /// The events of a run after `after`, oldest first.
    pub(super) async fn events_after(&self, run: RunId, after: Seq) -> Result<EventsPage, Refusal> {
        enum Found {
            Page(EventsPage),
            Parts(Events, bool),
        }
        let ask = move |it: &Readout<'_>| {
            let over = !it.state.runs.contains_key(&run);
            // Whoever follows an active run asks for its newest events: no need to read what came before.
            if let Some(events) = it.history.active_events(run)
                && events.first().is_some_and(|(first, _)| first.0 <= after.0.saturating_add(1))
            {
                return Ok(Found::Page(page(events, after, over)));
            }
            match it.history.find_events(it.store, run) {
                Ok(Some(events)) => Ok(Found::Parts(events, over)),
                Ok(None) => Err(no_such_run(run)),
                Err(problem) => Err(unreadable(&problem)),
            }
        };
        match self.core.inbox.ask(ask).await?? {
            Found::Page(page) => Ok(page),
            Found::Parts(events, over) => {
                blocking(move || {
                    let events = events.read().map_err(|it| unreadable(&it))?;
                    Ok(page(&events, after, over))
                })
                .await
            }
        }
    }
}

/// Does something that waits for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| {
        let refusal = Refusal::new(RefusalCode::Internal, "a fault of the daemon");
        Err(refusal.help("its log says more"))
    })
}

fn page(events: &[(Seq, engine::Stamped)], after: Seq, over: bool) -> EventsPage {
    let from = events.partition_point(|(seq, _)| *seq <= after);
    let view = |(seq, stamped): &(Seq, engine::Stamped)| engine::describe::view(*seq, stamped);
    let views = events[from..].iter().take(EVENTS_MAX).map(view).collect();
    EventsPage { events: views, more: events.len() - from > EVENTS_MAX, over }
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
