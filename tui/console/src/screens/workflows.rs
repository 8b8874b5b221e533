//! What is defined, whether it is paused or broken, and how its newest runs went.

mod detail;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use shared::id::{RunId, WorkflowName};
use shared::snapshot::WorkflowRow;

use super::detail::Scroll;
use super::{Screen, Titled, list_title, runs};
use crate::app::App;
use crate::effect::Effect;
use crate::filter;
use crate::format;
use crate::frame;
use crate::list::{List, Step};
use crate::store::Store;
use crate::target::Target;
use crate::text::{self, Align};
use crate::theme::{Role, Theme};
use crate::widgets::rule;
use crate::widgets::table::{self, Cell, Column, Look};

/// How many panes it has: the list, and what there is to say of the selected one.
pub(crate) const PANES: usize = 2;

/// How many runs of each workflow are looked at.
const LAST: usize = 10;
/// The place of their column.
const LAST_COLUMN: usize = 3;

const COLUMNS: [Column; 7] = [
    Column { title: "NAME", min: 18, max: 36, align: Align::Left, rank: 0 },
    Column { title: "STATE", min: 8, max: 8, align: Align::Left, rank: 0 },
    Column { title: "ACTIVE", min: 6, max: 6, align: Align::Right, rank: 1 },
    Column { title: "LAST 10", min: 10, max: 10, align: Align::Right, rank: 2 },
    Column { title: "TASKS", min: 5, max: 5, align: Align::Right, rank: 5 },
    Column { title: "OWNER", min: 7, max: 14, align: Align::Left, rank: 4 },
    Column { title: "DESCRIPTION", min: 12, max: 400, align: Align::Left, rank: 6 },
];

/// The fields that its filter knows.
const KEYS: [&str; 2] = ["state", "owner"];

/// What this screen remembers.
#[derive(Default, Debug)]
pub(crate) struct State {
    pub(crate) list: List<WorkflowName>,
    scroll: Scroll,
    /// The one that `scroll` is of.
    shown: Option<WorkflowName>,
    /// The newest runs of each, newest first.
    last: BTreeMap<WorkflowName, Vec<RunId>>,
    /// The revision of the data that `last` is of.
    last_of: Option<u64>,
}

/// Where the panes stand; one without room has no height.
struct Panes {
    list: Rect,
    detail: Rect,
}

pub(crate) fn settle(app: &mut App) {
    let panes = panes(app, frame::body(app, Rect::new(0, 0, app.size.0, app.size.1)));
    let (store, state) = (&app.store, &mut app.states.workflows);
    if state.last_of != Some(store.revision) {
        state.last = newest(store);
        state.last_of = Some(store.revision);
    }
    let page = usize::from(panes.list.height).saturating_sub(2);
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
    if state.shown.as_ref() != state.list.selected() {
        state.shown = state.list.selected().cloned();
        state.scroll.reset();
    }
    let lines = selected_row(app).map_or(0, |it| detail::lines(app, it, panes.detail.width).len());
    let page = usize::from(panes.detail.height).saturating_sub(1);
    app.states.workflows.scroll.settle(lines, page);
}

fn newest(store: &Store) -> BTreeMap<WorkflowName, Vec<RunId>> {
    let mut last: BTreeMap<WorkflowName, Vec<RunId>> = BTreeMap::new();
    for row in store.order.iter().filter_map(|id| store.run_row(*id)) {
        match last.get_mut(&row.workflow) {
            Some(runs) if runs.len() < LAST => runs.push(row.id),
            Some(_) => {}
            None => {
                last.insert(row.workflow.clone(), vec![row.id]);
            }
        }
    }
    last
}

/// Beside each other where it is wide, below each other where it is high, else only the one that has the keys.
fn panes(app: &App, area: Rect) -> Panes {
    let none = Rect { height: 0, ..area };
    let in_detail = app.place().pane == 1;
    if app.store.workflows.is_empty() {
        return Panes { list: area, detail: none };
    }
    if app.place().zoomed || (area.height < 16 && area.width < 120) {
        return match in_detail {
            true => Panes { list: none, detail: area },
            false => Panes { list: area, detail: none },
        };
    }
    if area.width >= 120 {
        let width = area.width * 5 / 8;
        let list = Rect { width: width - 1, ..area };
        return Panes {
            list,
            detail: Rect { x: area.x + width, width: area.width - width, ..area },
        };
    }
    let rows = u16::try_from(app.store.workflows.len()).unwrap_or(u16::MAX - 3).max(1);
    let height = (rows + 3).min(area.height / 2);
    let detail = Rect { y: area.y + height, height: area.height - height, ..area };
    Panes { list: Rect { height, ..area }, detail }
}

pub(crate) fn summary(app: &App) -> String {
    let count = |state: &str| app.store.workflows.values().filter(|it| it.state == state).count();
    let mut parts = Vec::new();
    for state in ["paused", "broken"] {
        let many = count(state);
        if many > 0 {
            parts.push(format!("{many} {state}"));
        }
    }
    match parts.is_empty() {
        true => format::plural(app.store.workflows.len() as u64, "workflow"),
        false => parts.join("  "),
    }
}

pub(crate) fn selected(app: &App) -> Target {
    Target { workflow: app.states.workflows.list.selected().cloned(), ..Target::default() }
}

fn selected_row(app: &App) -> Option<&WorkflowRow> {
    app.store.workflows.get(app.states.workflows.list.selected()?)
}

pub(crate) fn step(app: &mut App, step: Step) {
    let (pane, store, state) = (app.place().pane, &app.store, &mut app.states.workflows);
    let broken = |it: &WorkflowName| store.workflows.get(it).is_some_and(|it| it.state == "broken");
    match (pane, step) {
        (1, step) if !matches!(step, Step::NextFailed | Step::PreviousFailed) => {
            state.scroll.step(step);
        }
        _ => state.list.step(step, broken),
    }
}

pub(crate) fn can_open(app: &App) -> Result<(), String> {
    let selected = app.states.workflows.list.selected();
    selected.map(drop).ok_or_else(|| "no workflow is selected".to_owned())
}

/// Shows the runs of the workflow.
pub(crate) fn open(app: &mut App) -> Vec<Effect> {
    let Some(workflow) = app.states.workflows.list.selected().cloned() else { return Vec::new() };
    app.states.runs.visit(workflow);
    app.open(Screen::Runs)
}

pub(crate) fn view(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    let panes = panes(app, area);
    if panes.list.height > 0 {
        list_pane(app, state, &panes, buf);
    }
    if panes.detail.height > 0 {
        detail_pane(app, state, panes.detail, buf);
    }
}

fn list_pane(app: &App, state: &State, panes: &Panes, buf: &mut Buffer) {
    let theme = app.theme();
    let titled = Titled {
        name: "WORKFLOWS",
        all: app.store.workflows.len(),
        sorts: &[],
        keys: &KEYS,
        height: panes.list.height,
    };
    let (title, filter) = list_title(&state.list, &titled);
    let enter = format!("{} its runs", theme.glyph(crate::theme::Glyph::Enter));
    let mut hints = vec![filter];
    hints.extend(is_cut(app).then(|| format!("last: of the newest {} runs", window(app))));
    hints.push(enter);
    let alone = panes.detail.height == 0 && !app.store.workflows.is_empty();
    hints.extend(alone.then(|| "tab details".to_owned()));
    hints.retain(|it| !it.is_empty());
    let focused = app.place().pane == 0;
    let area = rule::rule(buf, panes.list, theme, &title, &hints.join("   "), focused);
    if state.list.rows().is_empty() {
        let text = match state.list.filter().is_empty() {
            true => {
                "no workflows yet: put a YAML file into the folder that `runyard status` names, then `runyard reload`"
            }
            false => "no workflow fits the filter: esc takes it away",
        };
        frame::nothing(app, area, buf, text);
        return;
    }
    let rows = state.list.visible(usize::from(area.height.saturating_sub(1)));
    let look = |it: &WorkflowName| Look { selected: state.list.is_selected(it), marked: false };
    let columns = table::fitted(COLUMNS, 0, rows.iter().map(ToString::to_string));
    let owner = |it: &WorkflowName| app.store.workflows.get(it)?.owner.clone();
    let columns = table::fitted(columns, 5, rows.iter().filter_map(owner));
    table::table(buf, area, theme, &columns, rows, look, |key, column, _| {
        match app.store.workflows.get(key) {
            Some(row) => cell(theme, row, column),
            None => Cell::new("", Style::new()),
        }
    });
    last_column(app, state, &columns, area, buf);
}

fn cell(theme: Theme, row: &WorkflowRow, column: usize) -> Cell {
    let plain = theme.style(Role::Plain);
    match column {
        0 => Cell::new(row.name.as_str(), plain),
        1 => frame::state_cell(theme, &row.state),
        2 => Cell::new(&some(row.active), plain),
        LAST_COLUMN => Cell::new("", plain),
        4 => Cell::new(&format::count(u64::from(row.tasks)), plain),
        5 => Cell::new(row.owner.as_deref().unwrap_or_default(), plain),
        _ => Cell::new(row.description.as_deref().unwrap_or_default(), plain),
    }
}

fn some(number: u32) -> String {
    match number {
        0 => String::new(),
        number => format::count(u64::from(number)),
    }
}

/// The newest runs of each visible row as glyphs, each in its colour, the newest at the right end.
fn last_column(app: &App, state: &State, columns: &[Column], area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let rows = state.list.visible(usize::from(area.height.saturating_sub(1)));
    let placed = table::place(columns, area.width);
    let Some(placed) = placed.into_iter().find(|it| it.column == LAST_COLUMN) else { return };
    for (y, name) in (area.y + 1..area.bottom()).zip(rows) {
        let runs = state.last.get(name).map(Vec::as_slice).unwrap_or_default();
        let x = area.x + placed.x + placed.width.saturating_sub(runs.len() as u16);
        for (x, run) in (x..).zip(runs.iter().rev()) {
            let Some(row) = app.store.run_row(*run) else { continue };
            let mark = theme.state(&row.state);
            // The colours of the selected row are reversed; single cells of another ground would hide it.
            let plain = state.list.is_selected(name);
            let style = if plain { Style::new() } else { mark.style };
            text::say(buf, x, y, 1, mark.glyph, style);
        }
    }
}

fn window(app: &App) -> String {
    format::count(u64::from(runs::window(app).limit))
}

/// Whether there may be older runs than those that were told.
fn is_cut(app: &App) -> bool {
    app.store.runs.len() >= runs::window(app).limit as usize
}

fn detail_pane(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let focused = app.place().pane == 1;
    let Some(row) = selected_row(app) else {
        rule::rule(buf, area, theme, "DETAILS", "", focused);
        return;
    };
    let hint = match (state.scroll.hint(), focused) {
        (hint, false) if !hint.is_empty() => format!("{hint}: tab scrolls"),
        (hint, _) => hint,
    };
    let below = rule::rule(buf, area, theme, row.name.as_str(), &hint, focused);
    state.scroll.view(below, buf, &detail::lines(app, row, area.width));
}
