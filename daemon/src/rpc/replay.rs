//! `replay`: a run as it was, from its own events. All of it is worked out beside the driver.

use std::sync::Arc;

use engine::Stamped;
use engine::replay::{Replay, events_until};
use shared::id::{RunId, Seq};
use shared::replay::{ReplayAt, ReplayPage, Replayed};
use shared::request::{Refusal, RefusalCode};
use shared::workflow::Workflow;

use super::Connection;
use super::look::{blocking, unreadable};
use crate::driver::{Readout, no_such_run};
use crate::history::{Archive, Events};

/// How many steps one answer holds at the most.
const STEPS_MAX: usize = 2_000;

/// Where the version of a run is.
enum Version {
    Known(Arc<Workflow>),
    Archived(Archive),
}

/// The events of a run, oldest first, and the version that it runs.
type Whole = (Vec<(Seq, Stamped)>, Arc<Workflow>);

impl Connection {
    /// A run as it was at an instant.
    pub(super) async fn replayed(&self, run: RunId, at: ReplayAt) -> Result<Replayed, Refusal> {
        let (events, version) = self.find_replay(run).await?;
        blocking(move || {
            let (events, workflow) = read(events, version)?;
            let (count, instant) = events_until(&events, at)?;
            let mut replay = Replay::new(run, workflow);
            replay.apply(&events[..count])?;
            let (Some(view), Some(why)) = (replay.view(), replay.why()) else {
                return Err(Refusal::new(RefusalCode::Internal, "the run is not in its events"));
            };
            let note = match (view.ended, events.get(count)) {
                (Some(ended), None) if ended < instant => {
                    Some(format!("the run had ended by then, at {ended}"))
                }
                (Some(ended), Some(_)) if ended < instant => Some(format!(
                    "the run had ended by then, at {ended}; it was taken up again later"
                )),
                (None, None) if at != ReplayAt::Seq(view.seq) => {
                    Some("nothing has happened in the run since".to_owned())
                }
                _ => None,
            };
            Ok(Replayed { run: view, at: instant, why, note })
        })
        .await
    }

    /// Each event of a run after `after`, and how the run was after it.
    pub(super) async fn replayed_steps(
        &self,
        run: RunId,
        after: Seq,
    ) -> Result<ReplayPage, Refusal> {
        let (events, version) = self.find_replay(run).await?;
        blocking(move || {
            let (events, workflow) = read(events, version)?;
            events_until(&events, ReplayAt::Seq(Seq(u64::MAX)))?;
            let from = events.partition_point(|(seq, _)| *seq <= after);
            let to = events.len().min(from.saturating_add(STEPS_MAX));
            let mut replay = Replay::new(run, workflow);
            replay.apply(&events[..from])?;
            let mut steps = Vec::new();
            replay.steps(&events[from..to], |it| steps.push(it))?;
            Ok(ReplayPage { steps, more: to < events.len() })
        })
        .await
    }

    async fn find_replay(&self, run: RunId) -> Result<(Events, Version), Refusal> {
        let look = move |it: &Readout<'_>| {
            let events = it.history.find_events(it.store, run).map_err(|it| unreadable(&it))?;
            let events = events.ok_or_else(|| no_such_run(run))?;
            if it.state.runs.contains_key(&run) {
                let workflow = it.state.definition(run).workflow.clone();
                return Ok((events, Version::Known(workflow)));
            }
            let archive = it.history.find_archive(it.store, run).map_err(|it| unreadable(&it))?;
            Ok((events, Version::Archived(archive.ok_or_else(|| no_such_run(run))?)))
        };
        self.core.inbox.ask(look).await?
    }
}

/// The events of a run, and the version that it runs.
fn read(events: Events, version: Version) -> Result<Whole, Refusal> {
    let workflow = match version {
        Version::Known(it) => it,
        Version::Archived(it) => it.read_workflow().map_err(|it| unreadable(&it))?,
    };
    Ok((events.read().map_err(|it| unreadable(&it))?, workflow))
}
