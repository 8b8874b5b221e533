//! One run: its tasks, and why it is not done.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::{RunId, TaskPath};
use shared::snapshot::TaskView;

use super::{Screen, body_rows, plain_list};
use crate::app::App;
use crate::command::Command;
use crate::effect::Effect;
use crate::filter;
use crate::frame;
use crate::input::Input;
use crate::list::{List, Step};
use crate::target::{RunTarget, Target, TaskTarget, is_failed};

/// How many panes it has.
pub(crate) const PANES: usize = 1;

/// Commands that only this screen has.
pub(crate) const COMMANDS: &[Command] = &[];

/// What this screen remembers.
#[derive(Default, Debug)]
pub(crate) struct State {
    pub(crate) run: Option<RunId>,
    pub(crate) list: List<TaskPath>,
}

/// Another run begins anew; the same one is as it was.
pub(crate) fn entered(app: &mut App, run: RunId) -> Vec<Effect> {
    if app.states.run.run != Some(run) {
        app.states.run = State { run: Some(run), ..State::default() };
    }
    Vec::new()
}

pub(crate) fn told(_: &mut App, _: Input) -> Vec<Effect> {
    Vec::new()
}

/// The path of a row.
pub(crate) fn path(task: &TaskView) -> TaskPath {
    match &task.item {
        Some(item) => TaskPath::item(task.task.as_str().into(), item.as_str().into()),
        None => TaskPath::task(task.task.as_str().into()),
    }
}

fn task<'a>(app: &'a App, run: RunId, key: &TaskPath) -> Option<&'a TaskView> {
    app.store.open_run(run)?.tasks.iter().find(|it| path(it) == *key)
}

pub(crate) fn settle(app: &mut App) {
    let page = body_rows(app).saturating_sub(2);
    let Some(run) = app.states.run.run else { return };
    let (store, state) = (&app.store, &mut app.states.run);
    state.list.settle(store.revision, 0, page, |filter, _| {
        let tasks = store.open_run(run).map(|it| it.tasks.as_slice()).unwrap_or_default();
        let kept = tasks.iter().filter(|it| {
            filter.keeps(&filter::Row {
                words: &[&it.task, &it.state, it.reason.as_deref().unwrap_or_default()],
                fields: &[("state", &it.state), ("kind", &it.kind)],
                age: None,
            })
        });
        kept.map(path).collect()
    });
}

pub(crate) fn summary(app: &App, run: RunId) -> String {
    app.store.open_run(run).map(|it| it.state.clone()).unwrap_or_default()
}

pub(crate) fn selected(app: &App, run: RunId) -> Target {
    let key = app.states.run.list.selected();
    let task = key.and_then(|key| Some((key, task(app, run, key)?)));
    let task = task.map(|(key, it)| TaskTarget { path: key.clone(), state: it.state.clone() });
    let label = app.store.label(run);
    Target { task, ..Target::of_run(Some(RunTarget::new(app, run, &label))) }
}

pub(crate) fn step(app: &mut App, step: Step) {
    let Some(run) = app.states.run.run else { return };
    let tasks = app.store.open_run(run).map(|it| it.tasks.as_slice()).unwrap_or_default();
    let failed: std::collections::BTreeSet<TaskPath> = match step {
        Step::NextFailed | Step::PreviousFailed => {
            tasks.iter().filter(|it| is_failed(&it.state)).map(path).collect()
        }
        _ => Default::default(),
    };
    app.states.run.list.step(step, |it| failed.contains(it));
}

pub(crate) fn can_open(app: &App) -> Result<(), String> {
    super::log::of(app).map(drop)
}

/// Shows the log of the task.
pub(crate) fn open(app: &mut App) -> Vec<Effect> {
    match super::log::of(app) {
        Ok(log) => app.open(Screen::Log(log)),
        Err(_) => Vec::new(),
    }
}

pub(crate) fn view(app: &App, run: RunId, state: &State, area: Rect, buf: &mut Buffer) {
    if app.store.run_is_gone {
        frame::nothing(app, area, buf, "there is no such run any more");
        return;
    }
    if app.store.open_run(run).is_none() {
        frame::nothing(app, area, buf, "the daemon has not told this run yet");
        return;
    }
    plain_list(app, area, buf, ("TASKS", &state.list), |key| {
        let task = task(app, run, key);
        let text = |it: &TaskView| format!("{key}  {}", it.reason.as_deref().unwrap_or_default());
        task.map(|it| (it.state.clone(), text(it))).unwrap_or_default()
    });
}
