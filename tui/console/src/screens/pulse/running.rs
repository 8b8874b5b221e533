//! What is not over: how far each run is, and what of it is busy or waits.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use shared::id::RunId;
use shared::snapshot::RunRow;

use super::super::{below, known_at, now, runs};
use super::is_in_running;
use crate::app::App;
use crate::format;
use crate::frame;
use crate::list::List;
use crate::target::is_over;
use crate::text::Align;
use crate::theme::{Role, Theme};
use crate::widgets::rule;
use crate::widgets::table::{self, Cell, Column, Look};

const COLUMNS: [Column; 5] = [
    Column { title: "RUN", min: 20, max: 40, align: Align::Left, rank: 0 },
    Column { title: "STATE", min: 14, max: 14, align: Align::Left, rank: 1 },
    Column { title: "DONE", min: 10, max: 15, align: Align::Left, rank: 3 },
    Column { title: "ELAPSED", min: 7, max: 7, align: Align::Right, rank: 2 },
    Column { title: "NOW", min: 10, max: 400, align: Align::Left, rank: 1 },
];
pub(super) fn settle(app: &mut App, page: usize) {
    let seconds = app.now.0.div_euclid(1_000_000);
    let (store, at) = (&app.store, app.now);
    app.states.pulse.running.settle(store.revision, seconds, page, |filter, _| {
        let all = store.order.iter().filter_map(|it| store.run_row(*it));
        let active = all.filter(|it| !is_over(&it.state) && runs::keeps(filter, it, at));
        let mut rows: Vec<&RunRow> = active.collect();
        rows.sort_by_key(|it| (rank(&it.state), it.started.unwrap_or(it.created), it.id));
        rows.into_iter().map(|it| it.id).collect()
    });
}

/// What runs first, longest first; then what is paused; then what waits for its turn.
fn rank(state: &str) -> u8 {
    match state {
        "queued" => 2,
        "paused" | "pausing" => 1,
        _ => 0,
    }
}

pub(super) fn view(app: &App, list: &List<RunId>, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = app.theme();
    let focused = is_in_running(app);
    let shown = list.rows().len();
    let row = |it: &RunId| app.store.run_row(*it);
    let queued = list.rows().iter().filter(|it| row(it).is_some_and(|it| it.state == "queued"));
    let queued = queued.count();
    let title = match queued {
        0 => format!("RUNNING {}", format::count(shown as u64)),
        many => format!(
            "RUNNING {}  QUEUED {}",
            format::count((shown - many) as u64),
            format::count(many as u64)
        ),
    };
    let title = match below(list, usize::from(area.height.saturating_sub(2))) {
        0 => title,
        more => format!("{title}, {} below", format::count(more as u64)),
    };
    let hint = match (list.filter().is_empty(), focused) {
        (false, _) => list.filter().told(&runs::KEYS),
        _ if shown == 0 => "3 all runs".to_owned(),
        _ if app.place().zoomed => "longest first   _ all panes".to_owned(),
        (true, true) => "longest first   3 all runs".to_owned(),
        (true, false) => "longest first   tab goes here   3 all runs".to_owned(),
    };
    let area = rule::rule(buf, area, theme, &title, &hint, focused);
    if shown == 0 {
        let text = match (app.store.has_runs, list.filter().is_empty()) {
            (false, _) => "the daemon has not told its runs yet",
            (true, true) => "nothing runs: press 2, choose a workflow, and t runs it",
            (true, false) => "nothing fits the filter: esc takes it away",
        };
        let room = area.width.saturating_sub(3);
        crate::text::say(buf, area.x + 3, area.y, room, text, theme.style(Role::Dim));
        return;
    }
    let rows = list.visible(usize::from(area.height.saturating_sub(1)));
    let look = |it: &RunId| Look { selected: focused && list.is_selected(it), marked: false };
    let labels = rows.iter().filter_map(row).map(|it| format!("{}#{}", it.workflow, it.number));
    let columns = table::fitted(COLUMNS, 0, labels);
    table::table(buf, area, theme, &columns, rows, look, |id, column, width| {
        match app.store.run_row(*id) {
            Some(row) => cell(app, theme, row, column, width),
            None => Cell::new("", Style::new()),
        }
    });
}

fn cell(app: &App, theme: Theme, row: &RunRow, column: usize, width: u16) -> Cell {
    let plain = theme.style(Role::Plain);
    match column {
        0 => Cell::new(&format!("{}#{}", row.workflow, row.number), plain),
        1 => frame::state_cell(theme, runs::shown_state(row)),
        // What was done is being taken back: how much of it was done says nothing.
        2 if row.state == "rolling_back" => Cell::new("", plain),
        2 => Cell::new(&runs::done(theme, row, width), plain),
        3 => Cell::new(&format::took(row.started, row.ended, known_at(app)), plain),
        _ => Cell::new(&now::busy_with(app, row), plain),
    }
}
