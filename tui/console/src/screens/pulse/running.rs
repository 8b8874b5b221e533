//! What is not over: how far each run is, and what of it is busy or waits.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use shared::id::RunId;
use shared::snapshot::RunRow;

use super::super::runs;
use super::is_in_running;
use crate::app::App;
use crate::format;
use crate::frame;
use crate::list::List;
use crate::needs;
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
/// The most tasks of a run that are named.
const NAMED_MAX: usize = 4;

pub(super) fn settle(app: &mut App, page: usize) {
    let seconds = app.now.0.div_euclid(1_000_000);
    let (store, now) = (&app.store, app.now);
    app.states.pulse.running.settle(store.revision, seconds, page, |filter, _| {
        let all = store.order.iter().filter_map(|it| store.run_row(*it));
        let active = all.filter(|it| !is_over(&it.state) && runs::keeps(filter, it, now));
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
    let hint = match (list.filter().is_empty(), focused) {
        (false, _) => format!("filter: {}", list.filter().text()),
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
        3 => Cell::new(&format::took(row.started, row.ended, app.now), plain),
        _ => Cell::new(&busy_with(app, row), plain),
    }
}

/// Why it stands still, else what of it runs, asks and waits for a slot: `asks: approve; parse ×2`.
fn busy_with(app: &App, row: &RunRow) -> String {
    let mut facts = Vec::new();
    if let Some(pause) = &row.pause {
        facts.push(format!("paused {}", needs::pause_text(app, pause)));
    }
    facts.extend(row.reason.clone());
    let approvals = app.store.approvals.iter().filter(|it| it.run == row.id);
    facts.extend(named(app, "asks: ", approvals.map(|it| it.task.as_str())));
    if let Some(queue) = &app.store.queue {
        let holders = queue.holders.iter().filter(|it| it.run == row.id);
        facts.extend(named(app, "", holders.map(|it| it.task.as_str())));
        let waiting = queue.queue.iter().filter(|it| it.run == row.id);
        facts.extend(named(app, "waits for a slot: ", waiting.map(|it| it.task.as_str())));
    }
    match facts.is_empty() {
        true if row.state == "rolling_back" => "undoes what it has done".to_owned(),
        true => counts(row),
        false => facts.join("; "),
    }
}

/// Tasks by name, the items of one as a number: `parse ×64, fit`.
fn named<'a>(app: &App, before: &str, paths: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut tasks: BTreeMap<&str, u64> = BTreeMap::new();
    for path in paths {
        *tasks.entry(path.split(':').next().unwrap_or(path)).or_default() += 1;
    }
    let times = if app.settings.unicode { '×' } else { 'x' };
    let mut names: Vec<String> = tasks
        .iter()
        .take(NAMED_MAX)
        .map(|(task, many)| match many {
            1 => (*task).to_owned(),
            many => format!("{task} {times}{many}"),
        })
        .collect();
    if tasks.len() > NAMED_MAX {
        names.push(format!("{} more", tasks.len() - NAMED_MAX));
    }
    (!names.is_empty()).then(|| format!("{before}{}", names.join(", ")))
}

/// `2 running, 5 waiting`: of what is not over.
fn counts(row: &RunRow) -> String {
    let open = ["running", "starting", "stopping", "retry_wait", "held", "queued", "waiting"];
    let count = |word: &&str| {
        let many = row.counts.get(*word).copied().filter(|it| *it > 0)?;
        Some(format!("{} {}", format::count(u64::from(many)), word.replace('_', " ")))
    };
    open.iter().filter_map(count).collect::<Vec<_>>().join(", ")
}
