//! What is around a task run: what is before it in the queue, the items of a mapped task, the tasks that are yet to end.

use std::collections::BTreeMap;

use shared::state::TaskPhase;
use shared::why::{Blocker, BlockerKind, Holder, Why};

use super::{NAMED_MAX, blocker, of_task};
use crate::snapshot::to_u32;
use crate::state::{Items, Spot, State};

/// Its place in the queue of its pool, and what is before it.
pub(super) fn ahead(state: &State, spot: Spot) -> Option<Blocker> {
    let progress = state.task_run(spot);
    if progress.phase != TaskPhase::Queued {
        return None;
    }
    let pool = &state.task(spot).pool;
    let before = state.queue(pool).position(|it| it == spot).filter(|it| *it > 0)?;
    let name = |it: Spot| format!("{} {}", state.run(it.run).label(), state.path(it));
    let mut who: Vec<String> = state.queue(pool).take(before.min(NAMED_MAX)).map(name).collect();
    if before > who.len() {
        who.push(format!("{} more", before - who.len()));
    }
    let place = before + 1;
    let text =
        format!("it is number {place} in the queue of pool `{pool}`, after {}", who.join(", "));
    Some(Blocker { who, ..blocker(BlockerKind::Queue, text, progress.since) })
}

/// Of a mapped task that has begun: of each state the first item that is not over, and how many others there are.
pub(super) fn of_items(state: &State, spot: Spot) -> (Vec<Why>, u32) {
    let Some(items) = open_items(state, spot) else { return (Vec::new(), 0) };
    let mut firsts: BTreeMap<&str, Spot> = BTreeMap::new();
    let mut count = 0_usize;
    for (place, it) in (0..).zip(items.list()).filter(|(_, it)| !it.progress.phase.is_over()) {
        count += 1;
        firsts.entry(it.progress.phase.word()).or_insert(Spot { item: Some(place), ..spot });
    }
    let whys: Vec<Why> = firsts.into_values().map(|it| of_task(state, it)).collect();
    let more = to_u32(count.saturating_sub(whys.len()));
    (whys, more)
}

/// The items of a mapped task that has begun.
pub(super) fn open_items(state: &State, spot: Spot) -> Option<&Items> {
    let progress = state.task_run(spot);
    let is_open = state.is_parent(spot) && matches!(progress.phase, TaskPhase::Active(_));
    progress.items.as_ref().filter(|_| is_open)
}

/// `1 running, 3 succeeded`.
pub(super) fn counted(items: &Items) -> String {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for it in items.list() {
        *counts.entry(it.progress.phase.word()).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(word, it)| format!("{it} {word}")).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

/// Tasks of a run that have not ended, with their states and since when.
pub(super) struct Open {
    pub(super) who: Vec<String>,
    pub(super) holders: Vec<Holder>,
}

/// Each with what it is called: nothing, or `its group `.
pub(super) fn open_tasks(state: &State, spots: impl Iterator<Item = (&'static str, Spot)>) -> Open {
    let open = spots.filter(|(_, it)| !state.task_run(*it).phase.is_over());
    let open: Vec<(&str, Spot)> = open.collect();
    let holder = |(what, spot): &(&str, Spot)| {
        let it = state.task_run(*spot);
        let name = format!("{what}{} ({})", state.path(*spot), it.phase.word());
        Holder { name, since: Some(it.since), until: None }
    };
    let holders: Vec<Holder> = open.iter().take(NAMED_MAX).map(holder).collect();
    let mut who: Vec<String> = holders.iter().map(|it| it.name.clone()).collect();
    if open.len() > who.len() {
        who.push(format!("{} more", open.len() - who.len()));
    }
    Open { who, holders }
}
