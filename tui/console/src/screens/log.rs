//! What a task has printed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::{RunId, TaskPath};

use super::Kind;
use crate::app::App;
use crate::command::Command;
use crate::effect::Effect;
use crate::frame;
use crate::input::Input;
use crate::list::Step;
use crate::target::{RunTarget, Target, TaskTarget, is_failed};

/// Commands that only this screen has.
pub(crate) const COMMANDS: &[Command] = &[];

/// Of what a log is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LogOf {
    pub(crate) run: RunId,
    /// The run as people say it.
    pub(crate) label: String,
    pub(crate) task: TaskPath,
    /// Which attempt; the last where absent.
    pub(crate) attempt: Option<u32>,
}

/// What this screen remembers.
#[derive(Default, Debug)]
pub(crate) struct State {}

/// The log of what is selected: of the task; of a run, of the first of its tasks that has failed, where it is known.
pub(crate) fn of(app: &App) -> Result<LogOf, String> {
    if app.kind() == Kind::Log {
        return Err("this is the log".to_owned());
    }
    let target = super::target(app);
    let run = target.run()?;
    let failed = || {
        let tasks = &app.store.open_run(run.id)?.tasks;
        let failed = tasks.iter().find(|it| is_failed(&it.state))?;
        Some(super::run::path(failed))
    };
    let task = target.task.as_ref().map(|it| it.path.clone()).or_else(failed);
    let task = task.ok_or("no task is selected: open the run first")?;
    Ok(LogOf { run: run.id, label: run.label.clone(), task, attempt: None })
}

pub(crate) fn entered(_: &mut App, _: &LogOf) -> Vec<Effect> {
    Vec::new()
}

pub(crate) fn left(_: &mut App) -> Vec<Effect> {
    vec![Effect::StopLog]
}

pub(crate) fn told(_: &mut App, _: Input) -> Vec<Effect> {
    Vec::new()
}

pub(crate) fn settle(_: &mut App) {}

pub(crate) fn crumb(_: &App, of: &LogOf) -> String {
    format!("{} log", of.task)
}

pub(crate) fn summary(_: &App, _: &LogOf) -> String {
    String::new()
}

pub(crate) fn selected(app: &App, of: &LogOf) -> Target {
    let state = String::new();
    let task = TaskTarget { path: of.task.clone(), state };
    Target { task: Some(task), ..Target::of_run(Some(RunTarget::new(app, of.run, &of.label))) }
}

pub(crate) fn step(_: &mut App, _: Step) -> Vec<Effect> {
    Vec::new()
}

pub(crate) fn view(app: &App, of: &LogOf, _: &State, area: Rect, buf: &mut Buffer) {
    let text = format!("the log of {} / {}", of.label, of.task);
    frame::nothing(app, area, buf, &text);
}
