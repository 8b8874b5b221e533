//! Who waits for what, and who holds it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::PoolName;

use super::{body_rows, plain_list};
use crate::app::App;
use crate::command::Command;
use crate::filter;
use crate::list::{List, Step};
use crate::target::Target;

/// How many panes it has.
pub(crate) const PANES: usize = 1;

/// Commands that only this screen has.
pub(crate) const COMMANDS: &[Command] = &[];

/// What this screen remembers.
#[derive(Default, Debug)]
pub(crate) struct State {
    pub(crate) list: List<PoolName>,
}

pub(crate) fn settle(app: &mut App) {
    let page = body_rows(app).saturating_sub(2);
    let (store, state) = (&app.store, &mut app.states.queues);
    state.list.settle(store.revision, 0, page, |filter, _| {
        let rows = store.pools.values().filter(|it| {
            filter.keeps(&filter::Row {
                words: &[it.name.as_str()],
                fields: &[("state", &it.state)],
                age: None,
            })
        });
        rows.map(|it| it.name.clone()).collect()
    });
}

pub(crate) fn summary(app: &App) -> String {
    let waiting: u64 = app.store.pools.values().map(|it| u64::from(it.queued)).sum();
    format!("{waiting} waiting")
}

pub(crate) fn selected(app: &App) -> Target {
    Target { pool: app.states.queues.list.selected().cloned(), ..Target::default() }
}

pub(crate) fn step(app: &mut App, step: Step) {
    let store = &app.store;
    let down = |it: &PoolName| store.pools.get(it).is_some_and(|it| it.state == "down");
    app.states.queues.list.step(step, down);
}

pub(crate) fn view(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    plain_list(app, area, buf, ("POOLS", &state.list), |key| {
        let row = app.store.pools.get(key);
        row.map(|it| {
            let text =
                format!("{}  {}/{} slots  {} waiting", it.name, it.used, it.slots, it.queued);
            (it.state.clone(), text)
        })
        .unwrap_or_default()
    });
}
