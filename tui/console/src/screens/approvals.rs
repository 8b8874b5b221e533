//! What a person must decide.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::{RunId, TaskPath};
use shared::snapshot::ApprovalRow;

use super::{body_rows, plain_list};
use crate::app::App;
use crate::filter;
use crate::list::{List, Step};
use crate::target::{RunTarget, Target, TaskTarget};

/// How many panes it has.
pub(crate) const PANES: usize = 1;

/// What this screen remembers.
#[derive(Default, Debug)]
pub(crate) struct State {
    pub(crate) list: List<(RunId, TaskPath)>,
}

pub(crate) fn settle(app: &mut App) {
    let page = body_rows(app).saturating_sub(2);
    let (store, now) = (&app.store, app.now);
    let seconds = now.0.div_euclid(1_000_000);
    app.states.approvals.list.settle(store.revision, seconds, page, |filter, _| {
        let rows = store.approvals.iter().filter(|it| {
            filter.keeps(&filter::Row {
                words: &[&it.label, &it.task, &it.message],
                fields: &[("run", &it.label), ("task", &it.task)],
                age: Some(now.since(it.since)),
            })
        });
        rows.map(|it| (it.run, it.task.as_str().into())).collect()
    });
}

pub(crate) fn summary(app: &App) -> String {
    format!("{} waiting", app.store.approvals.len())
}

/// The row of a key.
pub(crate) fn row<'a>(app: &'a App, (run, task): &(RunId, TaskPath)) -> Option<&'a ApprovalRow> {
    app.store
        .approvals
        .iter()
        .find(|it| it.run == *run && TaskPath::from(it.task.as_str()) == *task)
}

pub(crate) fn selected(app: &App) -> Target {
    let key = app.states.approvals.list.selected();
    let Some(row) = key.and_then(|it| row(app, it)) else { return Target::default() };
    let task = TaskTarget { path: row.task.as_str().into(), state: row.state.clone() };
    let run = RunTarget::new(app, row.run, &row.label);
    Target { task: Some(task), ..Target::of_run(Some(run)) }
}

pub(crate) fn step(app: &mut App, step: Step) {
    app.states.approvals.list.step(step, |_| false);
}

pub(crate) fn view(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    plain_list(app, area, buf, ("INBOX", &state.list), |key| {
        let row = row(app, key);
        row.map(|it| (it.state.clone(), format!("{} / {}  {}", it.label, it.task, it.message)))
            .unwrap_or_default()
    });
}
