//! One run: what needs what, how far each task is, what is known of the one that is selected, and the end of its log.
//!
//! - `plan` and `chart` hold the graph, which only other tasks or needs change; `panes` says what stands where.
//! - `drawn`, `listed`, `timeline` and `details` draw; `items` and `tail` ask for what is not in the news.

mod chart;
mod commands;
mod details;
mod drawn;
mod head;
mod items;
mod listed;
mod panes;
mod plan;
mod tail;
mod task;
#[cfg(test)]
mod tests;
mod timeline;
mod walk;

pub(crate) use commands::COMMANDS;
pub(crate) use head::summary;
pub(crate) use task::path;
pub(crate) use walk::step;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::{RunId, TaskPath};
use shared::snapshot::{AttemptView, RunView, TaskView};

use super::{AnyList, Kind, Screen};
use crate::app::App;
use crate::effect::Effect;
use crate::frame;
use crate::graph::{View, Viewport};
use crate::input::Input;
use crate::list::List;
use crate::target::{RunTarget, Target, TaskTarget};
use crate::text;
use crate::theme::{Glyph, Role};
use items::Items;
use panes::{Pane, Panes, Want};
use plan::Plan;
use tail::{Tail, TailOf};

pub(crate) const SORTS: [&str; 3] = ["file", "state", "longest"];

/// Columns kept free in each box of the graph, and those where there is much room.
const ROOM: usize = 4;
const ROOM_WIDE: usize = 7;

/// What this screen remembers.
#[derive(Default, Debug)]
pub(crate) struct State {
    pub(crate) run: Option<RunId>,
    /// The tasks that the filter keeps. Its selection is that of all panes.
    pub(crate) list: List<TaskPath>,
    /// What was chosen; by the size of the run where nothing was.
    view: Option<View>,
    /// Whether the list is a timeline.
    is_timeline: bool,
    /// How far the focus reaches, less one.
    more_hops: usize,
    hides_path: bool,
    plan: Plan,
    /// What the run is shown as at first.
    first_view: Option<View>,
    /// The corner of the viewport.
    corner: (usize, usize),
    path: Vec<usize>,
    /// Whether it is of the undo, and its number; the last one where absent.
    attempt: Option<(bool, u32)>,
    /// What `attempt` and `scrolled` are about.
    about: Option<TaskPath>,
    /// How far the details are scrolled.
    scrolled: usize,
    items: Items,
    tail: Tail,
    revision: u64,
}

impl State {
    fn view(&self) -> View {
        let chosen = self.view.or(self.first_view).unwrap_or(View::Graph);
        // A filter narrows lists; a graph without some of its tasks would lie.
        let lists = self.items.open || !self.list.filter().is_empty();
        if lists { View::Table } else { chosen }
    }

    /// What the graph pane shows, where it stands beside the list.
    fn drawing(&self) -> View {
        match self.view.or(self.first_view) {
            Some(View::Graph) if self.plan.can_be_whole() => View::Graph,
            Some(View::Table) if self.first_view == Some(View::Graph) => View::Graph,
            _ => View::Focus,
        }
    }

    /// The list that a filter is about.
    pub(crate) fn any_list(&mut self) -> &mut dyn AnyList {
        if self.items.open { &mut self.items.list } else { &mut self.list }
    }

    fn hops(&self) -> usize {
        self.more_hops + 1
    }

    fn panes(&self, app: &App, body: Rect) -> Panes {
        let place = app.place();
        let area = head::below(app, self, body);
        let graph = self.drawing() == View::Graph;
        let whole = self.plan.whole().and_then(|it| it.as_ref().ok()).filter(|_| graph);
        panes::panes(Want {
            area,
            pane: place.pane,
            zoomed: place.zoomed,
            lists: self.view() == View::Table,
            rows: whole.map(|it| it.size().1),
        })
    }

    fn run<'a>(&self, app: &'a App) -> Option<&'a RunView> {
        app.store.open_run(self.run?)
    }

    /// A task of the run by its name.
    fn task<'a>(&self, app: &'a App, name: &str) -> Option<&'a TaskView> {
        self.run(app)?.tasks.get(self.plan.place(name)?)
    }

    /// The task that is selected.
    fn selected<'a>(&self, app: &'a App) -> Option<&'a TaskView> {
        self.task(app, self.list.selected()?.task.as_str())
    }

    /// The place of the task that is selected.
    fn place(&self) -> Option<usize> {
        self.plan.place(self.list.selected()?.task.as_str())
    }

    /// What details, log and acts are about: the item where items are shown, else the task.
    fn subject<'a>(&'a self, app: &'a App) -> Option<(TaskPath, &'a TaskView)> {
        let item = self.items.list.selected().filter(|_| self.items.open);
        if let Some((key, item)) = item.and_then(|key| Some((key, self.items.get(key)?))) {
            return Some((key.clone(), item));
        }
        let task = self.selected(app)?;
        Some((path(task), task))
    }

    /// The attempt that is chosen, and whether it is one of the undo.
    fn chosen<'a>(&self, task: &'a TaskView) -> Option<(bool, &'a AttemptView)> {
        let is_chosen = |it: &(bool, &AttemptView)| self.attempt == Some((it.0, it.1.attempt));
        task::attempts(task).find(is_chosen).or_else(|| task::attempts(task).last())
    }

    /// Whose log stands below the details: the task run or its undo, and the attempt where one was chosen.
    fn shown_log(&self, app: &App) -> Option<(TaskPath, Option<u32>)> {
        let of = self.tail_of(app)?;
        Some((of.path, self.attempt.map(|it| it.1)))
    }

    fn tail_of(&self, app: &App) -> Option<TailOf> {
        let (path, task) = self.subject(app)?;
        if task::is_mapped(task) {
            return None;
        }
        let (undo, attempt) = self.chosen(task)?;
        if task.kind == "wait" && !undo {
            return None;
        }
        let path = if undo { path.undo() } else { path };
        let grows = attempt.ended.is_none() && attempt.outcome.is_none();
        Some(TailOf { run: self.run?, path, attempt: attempt.attempt, grows })
    }
}

/// Another run begins anew; the same one is as it was.
pub(crate) fn entered(app: &mut App, run: RunId) -> Vec<Effect> {
    if app.states.run.run != Some(run) {
        app.states.run = State { run: Some(run), ..State::default() };
    }
    Vec::new()
}

/// Asks no more about what is not shown any more.
pub(crate) fn left(app: &mut App) -> Vec<Effect> {
    let state = &mut app.states.run;
    state.items.forget();
    state.tail.forget().then_some(Effect::StopLog).into_iter().collect()
}

pub(crate) fn told(app: &mut App, answer: Input) -> Vec<Effect> {
    let Some(run) = app.states.run.run else { return Vec::new() };
    match answer {
        Input::Items(ticket, answer) => {
            let next = app.ticket();
            let effect = app.states.run.items.told(ticket, run, answer, || next);
            effect.into_iter().collect()
        }
        Input::Log(ticket, answer) => {
            app.states.run.tail.told(ticket, answer);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// What [`State::shown_log`] says of this screen.
pub(crate) fn shown_log(app: &App) -> Option<(TaskPath, Option<u32>)> {
    app.states.run.shown_log(app)
}

/// What the screen asks for because of what is selected.
pub(crate) fn wants(app: &mut App) -> Vec<Effect> {
    let mut state = std::mem::take(&mut app.states.run);
    let mut effects = Vec::new();
    if app.can_act().is_err() {
        state.items.forget();
        state.tail.forget();
    } else if let Some(run) = state.run {
        let now = app.now;
        let next = app.ticket();
        let mapped = state.selected(app).filter(|it| task::is_mapped(it));
        effects.extend(state.items.wants(now, (run, mapped), || next));
        let (of, next) = (state.tail_of(app), app.log_ticket());
        effects.extend(state.tail.wants(now, of, || next));
    }
    app.states.run = state;
    effects
}

/// Brings everything that is derived up to date: rows, graph, scrolling.
pub(crate) fn settle(app: &mut App) {
    let mut state = std::mem::take(&mut app.states.run);
    let body = frame::body(app, Rect::new(0, 0, app.size.0, app.size.1));
    settle_plan(app, &mut state, body);
    let panes = state.panes(app, body);
    settle_lists(app, &mut state, &panes);
    settle_drawing(&mut state, &panes);
    settle_path(app, &mut state);
    let about = state.subject(app).map(|it| it.0);
    if state.about != about {
        (state.about, state.attempt, state.scrolled) = (about, None, 0);
    }
    app.states.run = state;
}

fn settle_plan(app: &App, state: &mut State, body: Rect) {
    let Some(run) = state.run(app) else { return };
    let room = room(app);
    let known = state.revision == app.store.revision && state.plan.has_room(room);
    if !known && !state.plan.is_of(run, room) {
        state.plan = Plan::new(run, room);
        state.path.clear();
        state.first_view = None;
    }
    if state.first_view.is_none() {
        let rows = if panes::is_wide(body) { body.height / 3 } else { body.height / 2 };
        let size = (usize::from(body.width), usize::from(rows));
        state.first_view = Some(state.plan.first_view(size));
    }
    if state.list.selected().is_none()
        && state.list.filter().is_empty()
        && let Some(first) = run.tasks.iter().min_by_key(|it| first_rank(it))
    {
        state.list.select(path(first));
    }
    if state.items.open && state.selected(app).is_none_or(|it| !task::is_mapped(it)) {
        state.items.open = false;
    }
}

/// What is selected first: what needs a person, else what runs, else the first.
fn first_rank(task: &TaskView) -> u8 {
    match task::rank(task) {
        rank @ (0 | 1 | 3) => rank,
        _ => 9,
    }
}

fn settle_lists(app: &App, state: &mut State, panes: &Panes) {
    let page = panes.shown.iter().find(|it| it.0 == Pane::Listed).map_or(10, |it| it.1.height);
    // Rule and titles.
    let page = usize::from(page).saturating_sub(2);
    let run = state.run(app);
    let now = app.now;
    state.list.settle(app.store.revision, 0, page, |filter, sort| {
        let tasks = run.map(|it| it.tasks.as_slice()).unwrap_or_default();
        let mut kept: Vec<&TaskView> = tasks.iter().filter(|it| task::keeps(filter, it)).collect();
        match sort {
            1 => kept.sort_by_key(|it| task::rank(it)),
            2 => kept.sort_by_key(|it| std::cmp::Reverse(task::lasted(it, now))),
            _ => {}
        }
        kept.into_iter().map(path).collect()
    });
    if state.items.open {
        state.items.settle(page);
    }
}

/// Makes the chart that is shown, and keeps what is selected in view.
fn settle_drawing(state: &mut State, panes: &Panes) {
    let Some((_, pane)) = panes.shown.iter().find(|it| it.0 == Pane::Drawn) else { return };
    let size = drawn::picture(*pane);
    let Some(place) = state.place() else { return };
    let (chart, corner) = match state.drawing() {
        View::Graph => {
            state.plan.make_whole();
            (state.plan.whole(), state.corner)
        }
        View::Focus | View::Table => {
            state.plan.make_near(place, state.more_hops + 1);
            (state.plan.near().map(|it| it.0), (0, 0))
        }
    };
    let Some(Ok(chart)) = chart else { return };
    let (width, height) = (usize::from(size.width), usize::from(size.height));
    let view = Viewport { x: corner.0, y: corner.1, width, height };
    let view = chart.scroll_to(place, view);
    state.corner = (view.x, view.y);
}

fn settle_path(app: &App, state: &mut State) {
    let revision = app.store.revision;
    let known = state.revision == revision && !state.path.is_empty();
    state.revision = revision;
    if state.hides_path || known || state.view() == View::Table && !panes::is_wide(full(app)) {
        return;
    }
    let Some(run) = state.run(app) else { return };
    let weight = |place: usize| {
        let lasted = run.tasks.get(place).and_then(|it| task::lasted(it, app.now));
        lasted.map_or(1, |it| it.as_secs().max(1))
    };
    state.path = state.plan.critical_path(&weight);
}

/// Columns kept free in each box.
fn room(app: &App) -> usize {
    if panes::is_wide(full(app)) { ROOM_WIDE } else { ROOM }
}

/// Whether graph and list stand side by side.
fn is_wide(app: &App) -> bool {
    panes::is_wide(head::below(app, &app.states.run, full(app)))
}

fn full(app: &App) -> Rect {
    frame::body(app, Rect::new(0, 0, app.size.0, app.size.1))
}

/// The run, and the task or item that is selected.
pub(crate) fn selected(app: &App, run: RunId) -> Target {
    let subject = app.states.run.subject(app);
    let task = subject.map(|(path, it)| TaskTarget { path, state: task::shown(it).to_owned() });
    let label = app.store.label(run);
    Target { task, ..Target::of_run(Some(RunTarget::new(app, run, &label))) }
}

/// How many panes there are.
pub(crate) fn panes(app: &App) -> usize {
    let state = &app.states.run;
    let area = head::below(app, state, full(app));
    panes::order(area, state.view() == View::Table).len()
}

pub(crate) fn can_open(app: &App) -> Result<(), String> {
    if has_items(app) {
        return Ok(());
    }
    super::log::of(app).map(drop)
}

/// Shows the items of a mapped task, or the log of one that is not.
pub(crate) fn open(app: &mut App) -> Vec<Effect> {
    if has_items(app) {
        app.states.run.items.open = true;
        // The list of items has the keys.
        app.place_mut().pane = usize::from(is_wide(app));
        return Vec::new();
    }
    match super::log::of(app) {
        Ok(log) => app.open(Screen::Log(log)),
        Err(_) => Vec::new(),
    }
}

/// Whether there is a list of items to go down into.
fn has_items(app: &App) -> bool {
    let state = &app.states.run;
    let mapped = state.selected(app).is_some_and(task::is_mapped);
    app.kind() == Kind::Run && !state.items.open && mapped
}

/// Closes the list of items; whether it was open.
pub(crate) fn close(app: &mut App) -> bool {
    let state = &mut app.states.run;
    if state.items.open && state.items.list.filter().is_empty() {
        state.items.open = false;
        return true;
    }
    false
}

pub(crate) fn view(app: &App, run: RunId, state: &State, area: Rect, buf: &mut Buffer) {
    if app.store.run_is_gone {
        frame::nothing(app, area, buf, "there is no such run any more: esc goes back");
        return;
    }
    let Some(run) = app.store.open_run(run) else {
        frame::nothing(app, area, buf, "the daemon has not told this run yet");
        return;
    };
    head::view(app, state, area, buf);
    if run.tasks.is_empty() {
        frame::nothing(app, area, buf, "this run has no tasks");
        return;
    }
    let panes = state.panes(app, area);
    for (pane, area) in &panes.shown {
        match pane {
            Pane::Drawn => drawn::view(app, state, &panes, *area, buf),
            Pane::Listed if state.is_timeline && !state.items.open => {
                timeline::view(app, state, &panes, *area, buf);
            }
            Pane::Listed => listed::view(app, state, &panes, *area, buf),
            Pane::Details => details::view(app, state, &panes, *area, buf),
            Pane::Log => details::log(app, state, &panes, *area, buf),
        }
    }
    if let Some(wall) = panes.wall {
        let theme = app.theme();
        for y in wall.top()..wall.bottom() {
            text::say(buf, wall.x, y, 1, theme.glyph(Glyph::Wall), theme.style(Role::Dim));
        }
    }
}
