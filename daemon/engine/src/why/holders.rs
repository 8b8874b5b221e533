//! Who holds a capacity, since when, and until when at the latest.

use shared::time::Timestamp;
use shared::why::Holder;

use super::NAMED_MAX;
use crate::state::{Spot, State};

/// The holders of a capacity.
pub(super) struct Held {
    /// At most eight by name, then a count.
    pub(super) who: Vec<String>,
    /// Those eight, with their times.
    pub(super) holders: Vec<Holder>,
    /// When enough of it is free at the latest, where their timeouts say so.
    pub(super) until: Option<Timestamp>,
}

/// When a task run that has an attempt is expected to have ended: as those before it did, or stopped at the latest.
pub(super) fn released(state: &State, spot: Spot) -> Option<Timestamp> {
    state.expected_end(spot)
}

fn began(state: &State, spot: Spot) -> Timestamp {
    let attempt = state.task_run(spot).open_attempt();
    attempt.map_or(state.now, |it| it.started_at.unwrap_or(it.ordered_at))
}

/// Of the task runs with a process that has not ended, those that hold something; only those that are named are written out.
pub(super) fn of(state: &State, missing: u64, holds: impl Fn(Spot) -> Option<u64>) -> Held {
    let open = state.index.open.values().copied().filter(|it| state.task(*it).has_process());
    let holding: Vec<(Spot, u64)> =
        open.filter_map(|it| Some((it, holds(it).filter(|it| *it > 0)?))).collect();
    let name = |spot: Spot| format!("{} {}", state.run(spot.run).label(), state.path(spot));
    let named = || holding.iter().take(NAMED_MAX).map(|(spot, _)| *spot);
    let mut who: Vec<String> = named().map(name).collect();
    if holding.len() > who.len() {
        who.push(format!("{} more", holding.len() - who.len()));
    }
    let holder = |spot| {
        let (since, until) = (Some(began(state, spot)), released(state, spot));
        Holder { name: name(spot), since, until }
    };
    let mut freed: Vec<(Timestamp, u64)> = holding
        .iter()
        .filter_map(|(spot, amount)| Some((released(state, *spot)?, *amount)))
        .collect();
    freed.sort_unstable();
    let mut sum = 0_u64;
    let until = freed.into_iter().find_map(|(at, amount)| {
        sum = sum.saturating_add(amount);
        (sum >= missing).then_some(at)
    });
    Held { who, holders: named().map(holder).collect(), until }
}
