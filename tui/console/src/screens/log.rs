//! What a task has printed. Of a log of any size only the lines around where the person looks are held; it is followed,
//! searched and narrowed where it is, by the daemon.

mod command;
mod line;
mod load;
mod prompt;
mod scroll;
mod search;
#[cfg(test)]
mod tests;
mod view;
mod window;

use shared::id::{RunId, TaskPath};
use shared::request::{Refusal, RefusalCode};
use shared::snapshot::{AttemptView, TaskView};

use super::Kind;
use crate::app::App;
use crate::effect::Effect;
use crate::format;
use crate::target::{RunTarget, Target, TaskTarget, is_failed};

pub(crate) use command::COMMANDS;
pub(crate) use line::Printed;
pub(crate) use load::{told, wants};
pub(crate) use prompt::{Prompt, prompt_key, prompt_line};
pub(crate) use scroll::{settle, step};
pub(crate) use search::close;
pub(crate) use view::{copies, view};

use load::Pending;
use search::{Filter, Search, Seek};
use window::Window;

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
pub(crate) struct State {
    of: Option<LogOf>,
    /// Which attempt is shown; the last, until the daemon has said which that is.
    attempt: Option<u32>,
    pending: Pending,
    window: Window,
    /// How long the log is, as far as is known.
    size: u64,
    /// Where the line begins that may still grow.
    open_at: u64,
    is_opened: bool,
    /// Whether the log grows no more and its end is known.
    is_ended: bool,
    follow: Follow,
    /// The line that is selected, by its offset.
    cursor: u64,
    /// The line at the top, by its offset.
    top: u64,
    want: Option<Want>,
    /// How much is read at once towards the beginning; more where lines are long.
    back: u64,
    wraps: bool,
    /// How many columns of each line are left out.
    side: usize,
    /// How many rows and columns the lines have.
    page: usize,
    columns: usize,
    search: Option<Search>,
    seek: Option<Seek>,
    filter: Option<Filter>,
    problem: Option<Problem>,
    /// What the last movement came to.
    note: Option<String>,
}

/// Whether the end of the log is kept in view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Follow {
    Following,
    /// The person looks elsewhere; so many lines have come since.
    Scrolled {
        new: u64,
    },
}

/// Where the window shall be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Want {
    Around(u64),
    End,
}

/// Why there is nothing more to read.
#[derive(Clone, PartialEq, Debug)]
struct Problem {
    refusal: Refusal,
    /// The revision of what the daemon had told: it is asked again once it has told more.
    revision: u64,
}

impl Default for Follow {
    fn default() -> Self {
        Self::Scrolled { new: 0 }
    }
}

impl Problem {
    fn is_final(&self) -> bool {
        self.refusal.code == RefusalCode::Invalid
    }
}

impl State {
    fn new(of: LogOf, attempt: Option<u32>, wraps: bool) -> Self {
        let (follow, page) = (Follow::Following, 1);
        Self { of: Some(of), attempt, wraps, follow, page, columns: 80, ..Self::default() }
    }

    /// The lines that are shown: all, or those that the filter keeps.
    fn shown(&self) -> &Window {
        self.filter.as_ref().map_or(&self.window, |it| &it.window)
    }

    /// Up to where whole lines can be looked for.
    fn searched_to(&self) -> u64 {
        if self.is_ended { self.size } else { self.open_at }
    }

    /// Whether the window reaches to the end of what is known of the log.
    fn is_at_end(&self) -> bool {
        match &self.filter {
            Some(filter) => filter.window.end() >= self.searched_to(),
            None => self.window.end() >= self.size,
        }
    }
}

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
    let shown = (app.kind() == Kind::Run).then(|| super::run::shown_log(app)).flatten();
    let shown = shown.filter(|(path, _)| path.clone().forward() == task);
    let (task, attempt) = shown.unwrap_or((task, None));
    Ok(LogOf { run: run.id, label: run.label.clone(), task, attempt })
}

/// Another log begins at its end; the same one is as it was.
pub(crate) fn entered(app: &mut App, of: &LogOf) -> Vec<Effect> {
    let state = &mut app.states.log;
    if state.of.as_ref() != Some(of) {
        *state = State::new(of.clone(), of.attempt, state.wraps);
    }
    Vec::new()
}

pub(crate) fn left(app: &mut App) -> Vec<Effect> {
    let state = &mut app.states.log;
    state.pending = Pending::default();
    state.seek = None;
    vec![Effect::StopLog]
}

pub(crate) fn crumb(_: &App, of: &LogOf) -> String {
    format!("{} log", of.task)
}

pub(crate) fn summary(app: &App, _: &LogOf) -> String {
    match app.states.log.is_opened {
        true => format::size(app.states.log.size),
        false => String::new(),
    }
}

pub(crate) fn selected(app: &App, of: &LogOf) -> Target {
    let state = task(app, of).map(|it| it.state.clone()).unwrap_or_default();
    let task = TaskTarget { path: of.task.clone(), state };
    Target { task: Some(task), ..Target::of_run(Some(RunTarget::new(app, of.run, &of.label))) }
}

/// The task, where the daemon has told of it.
fn task<'a>(app: &'a App, of: &LogOf) -> Option<&'a TaskView> {
    let path = of.task.clone().forward();
    app.store.open_run(of.run)?.tasks.iter().find(|it| super::run::path(it) == path)
}

/// The attempts of the task, or of its undo; none where they are not known.
fn attempts<'a>(app: &'a App, of: &LogOf) -> &'a [AttemptView] {
    let Some(task) = task(app, of) else { return &[] };
    match (of.task.undo, &task.undo) {
        (false, _) => &task.attempts,
        (true, Some(undo)) => &undo.attempts,
        (true, None) => &[],
    }
}
