//! Who waits for what, and who holds it: the pools, what waits for the selected one, and who holds its slots.

mod layout;
#[cfg(test)]
mod tests;
mod view;

use shared::id::{PoolName, RunId, TaskPath};
use shared::snapshot::{HolderRow, PoolRow, QueueRow};

use super::{AnyList, Screen, body_rows};
use crate::app::App;
use crate::command::Command;
use crate::effect::Effect;
use crate::filter;
use crate::list::{List, Step};
use crate::store::Store;
use crate::target::{RunTarget, Target, TaskTarget};

pub(crate) use view::view;

/// How many panes it has.
pub(crate) const PANES: usize = 3;

/// Commands that only this screen has.
pub(crate) const COMMANDS: &[Command] = &[];

/// What this screen remembers.
#[derive(Default, Debug)]
pub(crate) struct State {
    /// The pools.
    pub(crate) list: List<PoolName>,
    waiting: List<Key>,
    holders: List<Key>,
    /// What the lists of the selected pool were made of: the revision of the data, and the pool.
    made_of: (u64, Option<PoolName>),
    /// Counts the changes of that.
    revision: u64,
    /// The task that is to be selected once its run is told.
    goal: Option<Key>,
}

/// A task run of some run.
type Key = (RunId, TaskPath);

/// A part of the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pane {
    Pools,
    Waiting,
    Holders,
}

impl Pane {
    const ALL: [Self; PANES] = [Self::Pools, Self::Waiting, Self::Holders];

    fn of(app: &App) -> Self {
        Self::ALL[app.place().pane.min(PANES - 1)]
    }
}

/// The list of the pane that has the keys.
pub(crate) fn list(state: &mut State, pane: usize) -> &mut dyn AnyList {
    match Pane::ALL[pane.min(PANES - 1)] {
        Pane::Pools => &mut state.list,
        Pane::Waiting => &mut state.waiting,
        Pane::Holders => &mut state.holders,
    }
}

pub(crate) fn settle(app: &mut App) {
    settle_pools(app, 1);
    settle_pool(app, 1, 1);
    let heights = layout::heights(app, body_rows(app));
    // Rule and titles.
    let [pools, waiting, holders] = heights.map(|it| usize::from(it).saturating_sub(2));
    settle_pools(app, pools);
    settle_pool(app, waiting, holders);
}

fn settle_pools(app: &mut App, page: usize) {
    let (store, state) = (&app.store, &mut app.states.queues);
    state.list.settle(store.revision, 0, page, |filter, _| {
        let rows = store.pools.values().filter(|it| {
            filter.keeps(&filter::Row {
                words: &[it.name.as_str(), &it.state],
                fields: &[("pool", it.name.as_str()), ("state", &it.state)],
                age: None,
            })
        });
        rows.map(|it| it.name.clone()).collect()
    });
}

fn settle_pool(app: &mut App, waiting: usize, holders: usize) {
    let (store, now) = (&app.store, app.now);
    let seconds = now.0.div_euclid(1_000_000);
    let state = &mut app.states.queues;
    let made_of = (store.revision, state.list.selected().cloned());
    if state.made_of != made_of {
        state.made_of = made_of;
        state.revision += 1;
    }
    let pool = state.list.selected();
    state.waiting.settle(state.revision, seconds, waiting, |filter, _| {
        let rows = queue(store).iter().filter(|it| Some(&it.pool) == pool).filter(|it| {
            filter.keeps(&filter::Row {
                words: &[&it.label, &it.task, it.item.as_deref().unwrap_or_default()],
                fields: &[("run", &it.label), ("task", &it.task)],
                age: Some(now.since(it.since)),
            })
        });
        rows.map(waiting_key).collect()
    });
    state.holders.settle(state.revision, seconds, holders, |filter, _| {
        let rows = holders_of(store).iter().filter(|it| Some(&it.pool) == pool).filter(|it| {
            filter.keeps(&filter::Row {
                words: &[&it.label, &it.task, &it.state],
                fields: &[("run", &it.label), ("task", &it.task), ("state", &it.state)],
                age: Some(now.since(it.since)),
            })
        });
        rows.map(holder_key).collect()
    });
}

fn queue(store: &Store) -> &[QueueRow] {
    store.queue.as_ref().map(|it| it.queue.as_slice()).unwrap_or_default()
}

fn holders_of(store: &Store) -> &[HolderRow] {
    store.queue.as_ref().map(|it| it.holders.as_slice()).unwrap_or_default()
}

fn waiting_key(row: &QueueRow) -> Key {
    let path = TaskPath::from(row.task.as_str());
    let item = row.item.as_deref().map(Into::into).or(path.item.clone());
    (row.run, TaskPath { item, ..path })
}

fn holder_key(row: &HolderRow) -> Key {
    (row.run, row.task.as_str().into())
}

fn pool_row(app: &App) -> Option<&PoolRow> {
    app.store.pools.get(app.states.queues.list.selected()?)
}

fn waiting_row<'a>(app: &'a App, key: &Key) -> Option<&'a QueueRow> {
    queue(&app.store).iter().find(|it| it.run == key.0 && waiting_key(it) == *key)
}

fn holder_row<'a>(app: &'a App, key: &Key) -> Option<&'a HolderRow> {
    holders_of(&app.store).iter().find(|it| it.run == key.0 && holder_key(it) == *key)
}

pub(crate) fn summary(app: &App) -> String {
    let waiting: u64 = app.store.pools.values().map(|it| u64::from(it.queued)).sum();
    format!("{} waiting", crate::format::count(waiting))
}

/// What is selected in the pane that has the keys.
pub(crate) fn selected(app: &App) -> Target {
    let state = &app.states.queues;
    match Pane::of(app) {
        Pane::Pools => Target { pool: state.list.selected().cloned(), ..Target::default() },
        Pane::Waiting => {
            let key = state.waiting.selected();
            let row = key.and_then(|key| Some((key, waiting_row(app, key)?)));
            row.map(|(key, it)| of_task(app, key, &it.label, &it.state)).unwrap_or_default()
        }
        Pane::Holders => {
            let key = state.holders.selected();
            let row = key.and_then(|key| Some((key, holder_row(app, key)?)));
            row.map(|(key, it)| of_task(app, key, &it.label, &it.state)).unwrap_or_default()
        }
    }
}

fn of_task(app: &App, (run, path): &Key, label: &str, state: &str) -> Target {
    let task = TaskTarget { path: path.clone(), state: state.to_owned() };
    Target { task: Some(task), ..Target::of_run(Some(RunTarget::new(app, *run, label))) }
}

pub(crate) fn step(app: &mut App, step: Step) {
    let pane = Pane::of(app);
    let (store, state) = (&app.store, &mut app.states.queues);
    match pane {
        Pane::Pools => {
            let down = |it: &PoolName| store.pools.get(it).is_some_and(|it| it.state == "down");
            state.list.step(step, down);
        }
        Pane::Waiting => state.waiting.step(step, |_| false),
        Pane::Holders => state.holders.step(step, |_| false),
    }
}

pub(crate) fn can_open(app: &App) -> Result<(), String> {
    match Pane::of(app) {
        Pane::Pools => pool_row(app).map(drop).ok_or_else(|| "no pool is selected".to_owned()),
        Pane::Waiting | Pane::Holders => selected(app).run().map(drop),
    }
}

/// Goes from a pool to what waits for it, else to who holds it; from there to the run, at the task.
pub(crate) fn open(app: &mut App) -> Vec<Effect> {
    if Pane::of(app) == Pane::Pools {
        let nobody_waits = app.states.queues.waiting.rows().is_empty();
        let to = if nobody_waits { Pane::Holders } else { Pane::Waiting };
        app.place_mut().pane = to as usize;
        return Vec::new();
    }
    let target = selected(app);
    let Ok((run, task)) = target.task() else { return Vec::new() };
    // There a mapped task is one row, and so is a task with its undo.
    app.states.queues.goal = Some((run.id, TaskPath::task(task.path.task.clone())));
    app.open(Screen::Run(run.id))
}

/// Selects the task that was gone to, as soon as its run is there.
pub(crate) fn arrive(app: &mut App) {
    let Some((run, task)) = app.states.queues.goal.clone() else { return };
    let is_there = app.place().screen == Screen::Run(run);
    if is_there && app.store.open_run(run).is_some() {
        app.states.run.list.select(task);
    }
    if !is_there || app.store.open_run(run).is_some() {
        app.states.queues.goal = None;
    }
}
