//! The runs, newest first: what runs, what ran, what failed and why.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::{RunId, WorkflowName};
use shared::snapshot::RunRow;
use shared::time::Timestamp;
use shared::watch::{RUNS_MAX, RunsWindow};

use super::{Screen, Titled, body_rows, known_at, list_title, now};
use crate::app::{App, Place};
use crate::filter::{self, Filter};
use crate::format;
use crate::frame;
use crate::list::{List, Step};
use crate::store::Store;
use crate::target::{AT_ONCE_MAX, RunTarget, Target, is_failed, is_over};
use crate::text::Align;
use crate::theme::{Role, Theme};
use crate::widgets::bar::bar;
use crate::widgets::rule;
use crate::widgets::table::{self, Cell, Column, Look, REST};

/// How many ended runs are asked for at first, and again each time the end of the list is reached.
const WINDOW: u32 = 200;

pub(crate) const SORTS: [&str; 4] = ["newest", "state", "workflow", "longest"];

const COLUMNS: [Column; 7] = [
    Column { title: "RUN", min: 20, max: 36, align: Align::Left, rank: 0 },
    Column { title: "STATE", min: 17, max: 17, align: Align::Left, rank: 1 },
    Column { title: "DONE", min: 9, max: 15, align: Align::Left, rank: 3 },
    Column { title: "ELAPSED", min: 7, max: 7, align: Align::Right, rank: 2 },
    Column { title: "STARTED", min: 10, max: 11, align: Align::Left, rank: 5 },
    Column { title: "BY", min: 8, max: 14, align: Align::Left, rank: 6 },
    Column { title: "CAUSE", min: 13, max: REST, align: Align::Left, rank: 4 },
];

/// The place of the column with how much of a run is done.
const DONE: usize = 2;
/// Below so many columns that has no bar.
const NARROW: u16 = 100;

/// The fields that its filter knows.
pub(super) const KEYS: [&str; 4] = ["state", "workflow", "by", "cause"];

/// What this screen remembers.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) list: List<RunId>,
    /// How many ended runs are asked for.
    limit: u32,
    /// The workflow whose runs alone are shown, for as long as this screen stands above the workflows.
    of: Option<WorkflowName>,
    /// Counts how often that changes.
    visits: u64,
}

impl State {
    /// Shows the runs of one workflow, until one goes back.
    pub(super) fn visit(&mut self, workflow: WorkflowName) {
        self.list.set_filter(Filter::default());
        self.of = Some(workflow);
        self.visits += 1;
    }
}

impl Default for State {
    fn default() -> Self {
        Self { list: List::default(), limit: WINDOW, of: None, visits: 0 }
    }
}

/// The runs that are to be told.
pub(crate) fn window(app: &App) -> RunsWindow {
    RunsWindow { limit: app.states.runs.limit, ..RunsWindow::default() }
}

/// Brings rows and selection up to date; asks for older runs where the end of those that are known is reached.
pub(crate) fn settle(app: &mut App) {
    // Rule and titles.
    let page = body_rows(app).saturating_sub(2);
    let is_visit = |it: &[Place]| it[0].screen == Screen::Workflows && it[1].screen == Screen::Runs;
    if app.states.runs.of.is_some() && !app.places.windows(2).any(is_visit) {
        app.states.runs.of = None;
        app.states.runs.visits += 1;
    }
    let (store, now) = (&app.store, app.now);
    let state = &mut app.states.runs;
    let seconds = now.0.div_euclid(1_000_000);
    let of = state.of.clone();
    let revision = store.revision.wrapping_add(state.visits << 40);
    state.list.settle(revision, seconds, page, |filter, sort| {
        let mut rows = rows(store, now, filter, sort);
        rows.retain(|it| of.is_none() || store.run_row(*it).map(|it| &it.workflow) == of.as_ref());
        rows
    });
    state.list.keep_marks(|it| store.runs.contains_key(it));
}

fn rows(store: &Store, now: Timestamp, filter: &Filter, sort: usize) -> Vec<RunId> {
    let all = store.order.iter().filter_map(|it| store.run_row(*it));
    let mut rows: Vec<&RunRow> = all.filter(|it| keeps(filter, it, now)).collect();
    match sort {
        1 => rows.sort_by_key(|it| (rank(&it.state), Reverse(it.created))),
        2 => rows.sort_by(|a, b| (&a.workflow, b.number).cmp(&(&b.workflow, a.number))),
        3 => rows.sort_by_key(|it| Reverse(elapsed(it, now))),
        _ => {}
    }
    rows.into_iter().map(|it| it.id).collect()
}

/// What is wrong first, then what runs, then what waits, then what is over.
fn rank(state: &str) -> u8 {
    match state {
        _ if is_failed(state) => 0,
        _ if is_over(state) => 3,
        "queued" => 2,
        _ => 1,
    }
}

fn elapsed(row: &RunRow, now: Timestamp) -> std::time::Duration {
    row.started.map_or_else(Default::default, |it| row.ended.unwrap_or(now).since(it))
}

pub(super) fn keeps(filter: &Filter, row: &RunRow, now: Timestamp) -> bool {
    if filter.is_empty() {
        return true;
    }
    let label = format!("{}#{}", row.workflow, row.number);
    filter.keeps(&filter::Row {
        words: &[&label, &row.state, cause(row), &row.actor],
        fields: &[
            ("state", &row.state),
            ("workflow", row.workflow.as_str()),
            ("by", &row.actor),
            ("cause", cause(row)),
        ],
        age: Some(now.since(row.created)),
    })
}

pub(crate) fn summary(app: &App) -> String {
    let counts = app.store.daemon.as_ref().map(|it| it.runs).unwrap_or_default();
    format!("{} active  {} queued", counts.active, counts.queued)
}

/// The marked runs, else the selected one.
pub(crate) fn selected(app: &App) -> Target {
    let list = &app.states.runs.list;
    if list.marks().is_empty() {
        return Target::of_run(list.selected().and_then(|it| RunTarget::of(app, *it)));
    }
    let marked = app.store.order.iter().filter(|it| list.is_marked(it));
    let runs = marked.filter_map(|it| RunTarget::of(app, *it)).take(AT_ONCE_MAX + 1).collect();
    Target { runs, marked: list.marks().len(), ..Target::default() }
}

pub(crate) fn step(app: &mut App, step: Step) {
    let (store, state) = (&app.store, &mut app.states.runs);
    let failed = |it: &RunId| store.run_row(*it).is_some_and(|it| is_failed(&it.state));
    state.list.step(step, failed);
    let asks = matches!(step, Step::Down | Step::PageDown | Step::HalfDown | Step::Last);
    let full = store.runs.len() >= state.limit as usize;
    if asks && full && state.list.is_at_end() && state.list.filter().is_empty() {
        state.limit = (state.limit + WINDOW).min(RUNS_MAX);
    }
}

/// The selected row as text.
pub(crate) fn row_text(app: &App) -> Option<String> {
    let id = app.states.runs.list.selected()?;
    let row = app.store.run_row(*id)?;
    let cells = (0..COLUMNS.len()).map(|it| cell(app, row, it, 10).text.to_string());
    Some(cells.collect::<Vec<_>>().join("  "))
}

pub(crate) fn view(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let titled = Titled {
        name: "RUNS",
        all: app.store.runs.len(),
        sorts: &SORTS,
        keys: &KEYS,
        height: area.height,
    };
    let (title, hint) = list_title(&state.list, &titled);
    let title = match &state.of {
        Some(workflow) => title.replacen("RUNS", &format!("RUNS of {workflow}"), 1),
        None => title,
    };
    let area = rule::rule(buf, area, theme, &title, &hint, true);
    if state.list.rows().is_empty() {
        let text = match (app.store.has_runs, state.list.filter().is_empty()) {
            (false, _) => "the daemon has not told its runs yet",
            (true, true) if state.of.is_some() => {
                "it has no runs yet: esc goes back, and t runs it"
            }
            (true, true) => "no runs yet: press 2, choose a workflow, and t runs it",
            (true, false) => "no run fits the filter: esc takes it away",
        };
        frame::nothing(app, area, buf, text);
        return;
    }
    let rows = state.list.visible(usize::from(area.height.saturating_sub(1)));
    let look = |it: &RunId| Look {
        selected: state.list.is_selected(it),
        marked: state.list.is_marked(it),
    };
    let labels = rows.iter().filter_map(|it| app.store.run_row(*it));
    let labels = labels.map(|it| format!("{}#{}", it.workflow, it.number));
    let mut columns = table::fitted(COLUMNS, 0, labels);
    // Where it is narrow the cause matters more than a picture of the percentage.
    if area.width < NARROW {
        (columns[DONE].min, columns[DONE].max) = (4, 4);
    }
    table::table(buf, area, theme, &columns, rows, look, |id, column, width| {
        match app.store.run_row(*id) {
            Some(row) => cell(app, row, column, width),
            None => Cell::new("", theme.style(Role::Plain)),
        }
    });
}

fn cell(app: &App, row: &RunRow, column: usize, width: u16) -> Cell {
    let theme = app.theme();
    let plain = theme.style(Role::Plain);
    match column {
        0 => Cell::new(&format!("{}#{}", row.workflow, row.number), plain),
        1 => frame::state_cell(theme, shown_state(row)),
        2 => Cell::new(&done(theme, row, width), plain),
        3 => Cell::new(&format::took(row.started, row.ended, known_at(app)), plain),
        4 => match row.started {
            Some(at) => Cell::new(&format::when(at, app.now, app.settings.utc_offset), plain),
            None => Cell::new("-", theme.style(Role::Dim)),
        },
        5 => Cell::new(row.actor.strip_prefix("user:").unwrap_or(&row.actor), plain),
        _ => Cell::new(
            &now::cause(app, row),
            if is_failed(&row.state) { theme.style(Role::Bad) } else { plain },
        ),
    }
}

/// A run that asks shows that it asks.
pub(super) fn shown_state(row: &RunRow) -> &str {
    match row.state.as_str() {
        "running" if row.counts.get("awaiting_approval").is_some_and(|it| *it > 0) => {
            let busy = ["running", "starting", "queued"];
            let is_busy = busy.iter().any(|it| row.counts.get(*it).is_some_and(|it| *it > 0));
            if is_busy { "running" } else { "awaiting_approval" }
        }
        state => state,
    }
}

/// `63% ████░░`: how many of its task runs are over.
pub(super) fn done(theme: Theme, row: &RunRow, width: u16) -> String {
    let over = |it: &str| {
        matches!(it, "succeeded" | "failed" | "skipped" | "upstream_failed" | "cancelled")
            || is_over(it)
    };
    let all: u64 = row.counts.values().map(|it| u64::from(*it)).sum();
    let ended = row.counts.iter().filter(|it| over(it.0)).map(|it| u64::from(*it.1)).sum::<u64>();
    if all == 0 {
        return "-".to_owned();
    }
    let percent = format!("{:>3}%", ended * 100 / all);
    match usize::from(width).checked_sub(5) {
        Some(cells) if cells >= 4 => format!("{percent} {}", bar(theme, ended, all, cells)),
        _ => percent,
    }
}

fn cause(row: &RunRow) -> &str {
    let pause = row.pause.as_ref().map(|it| it.comment.as_deref().unwrap_or(&it.by));
    row.reason.as_deref().or(pause).unwrap_or_default()
}
