//! What needs a person now, in order of harm; and at a glance, how the pools, the runs and the daemon are.

mod glance;
mod panes;
mod running;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use shared::id::RunId;

use super::{AnyList, Screen};
use crate::app::App;
use crate::command::go;
use crate::effect::Effect;
use crate::filter;
use crate::format;
use crate::frame;
use crate::list::{List, Step};
use crate::needs::{self, Need, NeedOf};
use crate::target::{RunTarget, Target, TaskTarget};
use crate::text::Align;
use crate::theme::{Glyph, Role};
use crate::widgets::rule;
use crate::widgets::table::{self, Cell, Column, Look};

/// How many panes have the keys in turn: what needs a person, and what runs.
pub(crate) const PANES: usize = 2;

const COLUMNS: [Column; 3] = [
    Column { title: "", min: 9, max: 9, align: Align::Left, rank: 0 },
    Column { title: "", min: 18, max: 36, align: Align::Left, rank: 0 },
    Column { title: "", min: 20, max: 400, align: Align::Left, rank: 1 },
];

/// What this screen remembers.
#[derive(Default, Debug)]
pub(crate) struct State {
    pub(crate) list: List<NeedOf>,
    pub(crate) running: List<RunId>,
    needs: Vec<Need>,
    /// Counts how often other things need a person than before.
    revision: u64,
    /// The revision of the data and the second that `needs` is of.
    made_of: Option<(u64, i64)>,
}

pub(crate) fn settle(app: &mut App) {
    let seconds = app.now.0.div_euclid(1_000_000);
    let made_of = Some((app.store.revision, seconds));
    if app.states.pulse.made_of != made_of {
        let needs = needs::all(app);
        let state = &mut app.states.pulse;
        if !needs.iter().map(|it| &it.of).eq(state.needs.iter().map(|it| &it.of)) {
            state.revision += 1;
        }
        (state.needs, state.made_of) = (needs, made_of);
    }
    let panes = panes::of(app, frame::body(app, Rect::new(0, 0, app.size.0, app.size.1)));
    running::settle(app, usize::from(panes.running.height).saturating_sub(2));
    let (now, state) = (app.now, &mut app.states.pulse);
    let page = usize::from(panes.needs.height).saturating_sub(1);
    let needs = &state.needs;
    state.list.settle(state.revision, seconds, page, |filter, _| {
        let row = |it: &&Need| {
            filter.keeps(&filter::Row {
                words: &[&it.what, &it.text, it.word],
                fields: &[("state", it.state), ("kind", it.word)],
                age: it.since.map(|at| now.since(at)),
            })
        };
        needs.iter().filter(row).map(|it| it.of.clone()).collect()
    });
}

pub(crate) fn summary(app: &App) -> String {
    let runs = app.store.daemon.as_ref().map(|it| it.runs).unwrap_or_default();
    let needs = app.states.pulse.needs.len();
    let need = if needs == 1 { "needs" } else { "need" };
    match app.size.0 < 80 {
        true => format!("{needs} {need} you  {} active", runs.active),
        false => format!("{needs} {need} you  {} active  {} queued", runs.active, runs.queued),
    }
}

/// The list that has the keys.
pub(crate) fn list(state: &mut State, in_running: bool) -> &mut dyn AnyList {
    if in_running { &mut state.running } else { &mut state.list }
}

/// Whether the pane of what runs has the keys: it was given them, or the other has no use for them.
pub(crate) fn is_in_running(app: &App) -> bool {
    let state = &app.states.pulse;
    let is_empty = state.needs.is_empty() && state.list.filter().is_empty();
    let runs = !state.running.rows().is_empty();
    app.place().pane == 1 || (is_empty && runs && !app.place().zoomed)
}

pub(crate) fn selected(app: &App) -> Target {
    if is_in_running(app) {
        let run = app.states.pulse.running.selected();
        return Target::of_run(run.and_then(|it| RunTarget::of(app, *it)));
    }
    match app.states.pulse.list.selected() {
        Some(NeedOf::Run(run)) => Target::of_run(RunTarget::of(app, *run)),
        Some(NeedOf::Approval(run, path)) => {
            let task = TaskTarget { path: path.clone(), state: "awaiting_approval".to_owned() };
            let label = app.store.approvals.iter().find(|it| it.run == *run).map(|it| &it.label);
            let run = label.map(|it| RunTarget::new(app, *run, it));
            Target { task: Some(task), ..Target::of_run(run) }
        }
        Some(NeedOf::Pool(pool) | NeedOf::Queue(pool)) => {
            Target { pool: Some(pool.clone()), ..Target::default() }
        }
        Some(NeedOf::Workflow(workflow)) => {
            Target { workflow: Some(workflow.clone()), ..Target::default() }
        }
        Some(NeedOf::Store | NeedOf::All) | None => Target::default(),
    }
}

pub(crate) fn step(app: &mut App, step: Step) {
    if is_in_running(app) {
        app.states.pulse.running.step(step, |_| false);
    } else {
        app.states.pulse.list.step(step, |it| matches!(it, NeedOf::Run(_)));
    }
}

pub(crate) fn can_open(app: &App) -> Result<(), String> {
    if is_in_running(app) {
        return selected(app).run().map(drop);
    }
    match app.states.pulse.list.selected() {
        None => Err("nothing is selected".to_owned()),
        Some(NeedOf::Store | NeedOf::All) => Err("this screen is where it is shown".to_owned()),
        Some(_) => Ok(()),
    }
}

/// Goes to the thing that needs a person, or down into the run.
pub(crate) fn open(app: &mut App) -> Vec<Effect> {
    let run = app.states.pulse.running.selected().copied();
    match (is_in_running(app), app.states.pulse.list.selected().cloned(), run) {
        (true, _, Some(run)) => app.open(Screen::Run(run)),
        (false, Some(need), _) => go::open_need(app, &need),
        _ => Vec::new(),
    }
}

pub(crate) fn view(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    if is_new(app, state) {
        first_steps(app, area, buf);
        return;
    }
    let panes = panes::of(app, area);
    panes::wall(app, &panes, buf);
    needs_pane(app, state, panes.needs, buf);
    running::view(app, &state.running, panes.running, buf);
    glance::pools(app, panes.pools, buf);
    glance::last_hour(app, panes.last, buf);
    glance::daemon(app, panes.daemon, buf);
}

fn needs_pane(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = app.theme();
    let focused = !is_in_running(app);
    let (shown, all) = (state.list.rows().len(), state.needs.len());
    let title = match (state.list.filter().is_empty(), all) {
        (true, 0) => "NEEDS YOU".to_owned(),
        (true, _) => format!("NEEDS YOU {}", format::count(all as u64)),
        (false, _) => format!("NEEDS YOU {shown} of {all}"),
    };
    let visible = state.list.visible(usize::from(area.height.saturating_sub(1)));
    let mut hints = Vec::new();
    if !state.list.filter().is_empty() {
        hints.push(state.list.filter().told(&["state", "kind"]));
    }
    if app.place().zoomed {
        hints.push("_ all panes".to_owned());
    } else if shown > visible.len() {
        hints.push(format!("{} do not fit: + shows all", shown - visible.len()));
    }
    let area = rule::rule(buf, area, theme, &title, &hints.join("   "), focused);
    if visible.is_empty() {
        let (text, role) = match state.needs.is_empty() {
            true => ("nothing needs you", Role::Good),
            false => ("nothing fits the filter: esc takes it away", Role::Dim),
        };
        crate::text::say(buf, area.x + 3, area.y, area.width - 3, text, theme.style(role));
        return;
    }
    let look =
        |it: &NeedOf| Look { selected: focused && state.list.is_selected(it), marked: false };
    let need = |key: &NeedOf| state.needs.iter().find(|it| it.of == *key);
    let texts = visible.iter().filter_map(need).map(|it| it.what.clone());
    let columns = table::fitted(COLUMNS, 1, texts);
    table::rows(buf, area, theme, &columns, visible, look, |key, column, _| match need(key) {
        Some(need) => cell(app, need, column),
        None => Cell::new("", Style::new()),
    });
}

fn cell(app: &App, need: &Need, column: usize) -> Cell {
    let theme = app.theme();
    match (column, &need.of) {
        (0, NeedOf::Queue(_)) => {
            let glyph = theme.glyph(Glyph::Growing);
            Cell::new(&format!("{glyph} {}", need.word), theme.style(Role::Warn))
        }
        (0, _) => {
            let mark = theme.state(need.state);
            Cell::new(&format!("{} {}", mark.glyph, need.word), mark.style)
        }
        (1, _) => Cell::new(&need.what, theme.style(Role::Plain)),
        _ => Cell::new(&need.text, theme.style(Role::Plain)),
    }
}

/// Whether this daemon has nothing to show: no workflow, no run, and nothing that needs a person.
fn is_new(app: &App, state: &State) -> bool {
    let store = &app.store;
    let is_empty = store.workflows.is_empty() && store.runs.is_empty() && state.needs.is_empty();
    is_empty && store.has_runs && state.list.filter().is_empty()
}

/// What to do with a daemon that has nothing yet.
fn first_steps(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let (dim, key, plain) =
        (theme.style(Role::Dim), theme.style(Role::Key), theme.style(Role::Plain));
    let area = rule::rule(buf, area, theme, "NOTHING HERE YET", "", true);
    let lines: [(&str, &str); 6] = [
        ("This daemon has no workflows and no runs. What to do next:", ""),
        ("", ""),
        ("runyard demo", "runs the retail example on a daemon of its own"),
        ("runyard status", "names the folder for workflows: put a YAML file there"),
        ("runyard reload", "reads that folder again, and says what is wrong with it"),
        ("2, then t", "once there is a workflow: chooses it here, and runs it"),
    ];
    for (y, (left, right)) in (area.y + 1..area.bottom()).zip(lines) {
        let width = area.width.saturating_sub(3);
        if right.is_empty() {
            crate::text::say(buf, area.x + 3, y, width, left, plain);
            continue;
        }
        crate::text::say(buf, area.x + 3, y, width, left, key);
        crate::text::say(buf, area.x + 20, y, area.width.saturating_sub(20), right, dim);
    }
    let rest = area.y + 2 + lines.len() as u16;
    let rest = Rect { y: rest, height: area.bottom().saturating_sub(rest), ..area };
    glance::daemon(app, Rect { height: rest.height.min(2), ..rest }, buf);
}
