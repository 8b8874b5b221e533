//! What is defined, and whether it is paused or broken.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::WorkflowName;

use super::{Screen, body_rows, plain_list, set_filter};
use crate::app::App;
use crate::effect::Effect;
use crate::filter;
use crate::list::{List, Step};
use crate::target::Target;

/// How many panes it has.
pub(crate) const PANES: usize = 1;

/// What this screen remembers.
#[derive(Default, Debug)]
pub(crate) struct State {
    pub(crate) list: List<WorkflowName>,
}

pub(crate) fn settle(app: &mut App) {
    let page = body_rows(app).saturating_sub(2);
    let (store, state) = (&app.store, &mut app.states.workflows);
    state.list.settle(store.revision, 0, page, |filter, _| {
        let rows = store.workflows.values().filter(|it| {
            filter.keeps(&filter::Row {
                words: &[it.name.as_str(), it.description.as_deref().unwrap_or_default()],
                fields: &[("state", &it.state), ("owner", it.owner.as_deref().unwrap_or_default())],
                age: None,
            })
        });
        rows.map(|it| it.name.clone()).collect()
    });
}

pub(crate) fn summary(app: &App) -> String {
    let broken = app.store.workflows.values().filter(|it| it.state == "broken").count();
    format!("{} workflows  {broken} broken", app.store.workflows.len())
}

pub(crate) fn selected(app: &App) -> Target {
    Target { workflow: app.states.workflows.list.selected().cloned(), ..Target::default() }
}

pub(crate) fn step(app: &mut App, step: Step) {
    let store = &app.store;
    let broken = |it: &WorkflowName| store.workflows.get(it).is_some_and(|it| it.state == "broken");
    app.states.workflows.list.step(step, broken);
}

pub(crate) fn can_open(app: &App) -> Result<(), String> {
    let selected = app.states.workflows.list.selected();
    selected.map(drop).ok_or_else(|| "no workflow is selected".to_owned())
}

/// Shows the runs of the workflow.
pub(crate) fn open(app: &mut App) -> Vec<Effect> {
    let Some(workflow) = app.states.workflows.list.selected().cloned() else { return Vec::new() };
    let effects = app.open(Screen::Runs);
    set_filter(app, &format!("workflow:{workflow}"));
    effects
}

pub(crate) fn view(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    plain_list(app, area, buf, ("WORKFLOWS", &state.list), |key| {
        let row = app.store.workflows.get(key);
        row.map(|it| (it.state.clone(), format!("{}  {} active", it.name, it.active)))
            .unwrap_or_default()
    });
}
