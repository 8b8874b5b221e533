//! What a person must decide, and what there is to decide it by.

mod evidence;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use shared::id::{RunId, TaskPath};
use shared::snapshot::ApprovalRow;

use super::detail::Scroll;
use super::{Screen, Titled, list_title};
use crate::app::App;
use crate::effect::Effect;
use crate::filter;
use crate::format;
use crate::frame;
use crate::list::{List, Step};
use crate::needs;
use crate::target::{RunTarget, Target, TaskTarget};
use crate::text::Align;
use crate::theme::{Glyph, Role};
use crate::widgets::rule;
use crate::widgets::table::{self, Cell, Column, Look};

/// How many panes it has: the inbox, and the evidence.
pub(crate) const PANES: usize = 2;

const COLUMNS: [Column; 5] = [
    Column { title: "POINT", min: 24, max: 44, align: Align::Left, rank: 0 },
    Column { title: "ASKED", min: 6, max: 6, align: Align::Right, rank: 1 },
    Column { title: "EXPIRES", min: 7, max: 7, align: Align::Right, rank: 1 },
    Column { title: "WHO MAY", min: 8, max: 24, align: Align::Left, rank: 2 },
    Column { title: "LETS GO ON", min: 12, max: 400, align: Align::Left, rank: 3 },
];

/// The fields that its filter knows.
const KEYS: [&str; 2] = ["run", "task"];

/// Under so many seconds to its end an approval stands out.
const SOON: u64 = 900;

/// What this screen remembers.
#[derive(Default, Debug)]
pub(crate) struct State {
    pub(crate) list: List<(RunId, TaskPath)>,
    scroll: Scroll,
    /// The one that `scroll` is of.
    shown: Option<(RunId, TaskPath)>,
}

/// Where the panes stand; one without room has no height.
struct Panes {
    inbox: Rect,
    evidence: Rect,
}

pub(crate) fn settle(app: &mut App) {
    let panes = panes(app, frame::body(app, Rect::new(0, 0, app.size.0, app.size.1)));
    let page = usize::from(panes.inbox.height).saturating_sub(2);
    let (store, now) = (&app.store, app.now);
    let seconds = now.0.div_euclid(1_000_000);
    let state = &mut app.states.approvals;
    state.list.settle(store.revision, seconds, page, |filter, _| {
        let rows = store.approvals.iter().filter(|it| {
            filter.keeps(&filter::Row {
                words: &[&it.label, &it.task, &it.message],
                fields: &[("run", &it.label), ("task", &it.task)],
                age: Some(now.since(it.since)),
            })
        });
        rows.map(|it| (it.run, it.task.as_str().into())).collect()
    });
    if state.shown.as_ref() != state.list.selected() {
        state.shown = state.list.selected().cloned();
        state.scroll.reset();
    }
    let width = panes.evidence.width;
    let lines = selected_row(app).map_or(0, |it| evidence::lines(app, it, width).len());
    let page = usize::from(panes.evidence.height).saturating_sub(1);
    app.states.approvals.scroll.settle(lines, page);
}

/// Below each other; where there is no height for both, only the one that has the keys.
fn panes(app: &App, area: Rect) -> Panes {
    let none = Rect { height: 0, ..area };
    if app.place().zoomed || area.height < 10 {
        return match app.place().pane {
            1 => Panes { inbox: none, evidence: area },
            _ => Panes { inbox: area, evidence: none },
        };
    }
    let rows = u16::try_from(app.store.approvals.len()).unwrap_or(u16::MAX - 3).max(1);
    let height = (rows + 3).min(area.height * 2 / 5);
    let evidence = Rect { y: area.y + height, height: area.height - height, ..area };
    Panes { inbox: Rect { height, ..area }, evidence }
}

pub(crate) fn summary(app: &App) -> String {
    format!("{} waiting", format::count(app.store.approvals.len() as u64))
}

/// The row of a key.
pub(crate) fn row<'a>(app: &'a App, (run, task): &(RunId, TaskPath)) -> Option<&'a ApprovalRow> {
    app.store
        .approvals
        .iter()
        .find(|it| it.run == *run && TaskPath::from(it.task.as_str()) == *task)
}

fn selected_row(app: &App) -> Option<&ApprovalRow> {
    row(app, app.states.approvals.list.selected()?)
}

pub(crate) fn selected(app: &App) -> Target {
    let Some(row) = selected_row(app) else { return Target::default() };
    let task = TaskTarget { path: row.task.as_str().into(), state: row.state.clone() };
    let run = RunTarget::new(app, row.run, &row.label);
    Target { task: Some(task), ..Target::of_run(Some(run)) }
}

pub(crate) fn step(app: &mut App, step: Step) {
    let pane = app.place().pane;
    let state = &mut app.states.approvals;
    if pane == 1 { state.scroll.step(step) } else { state.list.step(step, |_| false) }
}

/// Shows the run, at the task that asks.
pub(crate) fn open(app: &mut App) -> Vec<Effect> {
    let Some((run, task)) = app.states.approvals.list.selected().cloned() else {
        return Vec::new();
    };
    let effects = app.open(Screen::Run(run));
    app.states.run.list.want(task);
    effects
}

pub(crate) fn view(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    if app.store.approvals.is_empty() {
        let area = rule::rule(buf, area, app.theme(), "INBOX", "", true);
        frame::nothing(app, area, buf, "nothing waits for a decision");
        return;
    }
    let panes = panes(app, area);
    if panes.inbox.height > 0 {
        inbox(app, state, &panes, buf);
    }
    if panes.evidence.height > 0 {
        evidence_pane(app, state, panes.evidence, buf);
    }
}

fn inbox(app: &App, state: &State, panes: &Panes, buf: &mut Buffer) {
    let theme = app.theme();
    let titled = Titled {
        name: "INBOX",
        all: app.store.approvals.len(),
        sorts: &[],
        keys: &KEYS,
        height: panes.inbox.height,
    };
    let (title, filter) = list_title(&state.list, &titled);
    let mut hints = vec![filter, "oldest first".to_owned()];
    hints.push(format!("{} its run", theme.glyph(Glyph::Enter)));
    hints.extend((panes.evidence.height == 0).then(|| "tab evidence".to_owned()));
    hints.retain(|it| !it.is_empty());
    let focused = app.place().pane == 0;
    let area = rule::rule(buf, panes.inbox, theme, &title, &hints.join("   "), focused);
    if state.list.rows().is_empty() {
        frame::nothing(app, area, buf, "no approval fits the filter: esc takes it away");
        return;
    }
    let rows = state.list.visible(usize::from(area.height.saturating_sub(1)));
    let look =
        |it: &(RunId, TaskPath)| Look { selected: state.list.is_selected(it), marked: false };
    let rows_of = || rows.iter().filter_map(|it| row(app, it));
    let points = rows_of().map(|it| format!("{} / {}", it.label, it.task));
    let columns = table::fitted(COLUMNS, 0, points);
    let columns = table::fitted(columns, 3, rows_of().map(needs::approvers));
    table::table(buf, area, theme, &columns, rows, look, |key, column, _| match row(app, key) {
        Some(row) => cell(app, row, column),
        None => Cell::new("", Style::new()),
    });
}

fn cell(app: &App, row: &ApprovalRow, column: usize) -> Cell {
    let theme = app.theme();
    let plain = theme.style(Role::Plain);
    match column {
        0 => Cell::new(&format!("{} / {}", row.label, row.task), plain),
        1 => Cell::new(&format::span(app.now.since(row.since)), plain),
        2 => match row.expires {
            Some(at) => {
                let left = at.since(app.now);
                let role = if left.as_secs() < SOON { Role::Warn } else { Role::Plain };
                Cell::new(&format::span(left), theme.style(role))
            }
            None => Cell::new("never", theme.style(Role::Dim)),
        },
        3 => Cell::new(&needs::approvers(row), plain),
        _ => Cell::new(&row.then.join(", "), plain),
    }
}

fn evidence_pane(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let focused = app.place().pane == 1;
    let Some(row) = selected_row(app) else {
        rule::rule(buf, area, theme, "EVIDENCE", "", focused);
        return;
    };
    let hint = match (state.scroll.hint(), focused) {
        (hint, false) if !hint.is_empty() => format!("{hint}: tab scrolls"),
        (hint, _) => hint,
    };
    let title = format!("EVIDENCE {} / {}", row.label, row.task);
    let below = rule::rule(buf, area, theme, &title, &hint, focused);
    state.scroll.view(below, buf, &evidence::lines(app, row, area.width));
}
