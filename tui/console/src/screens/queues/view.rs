//! How the queues look.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::PoolName;
use shared::snapshot::{HolderRow, PauseView, PoolRow, QueueRow};
use shared::watch::ROWS_MAX;

use super::{Pane, State, holder_row, holders_of, layout, pool_row, queue, waiting_row};
use crate::app::App;
use crate::format;
use crate::frame;
use crate::list::List;
use crate::safe::Safe;
use crate::screens::{Titled, list_title};
use crate::text::{self, Align};
use crate::theme::Role;
use crate::widgets::bar::bar;
use crate::widgets::rule;
use crate::widgets::table::{self, Cell, Column, Look};

const POOLS: [Column; 7] = [
    Column { title: "POOL", min: 10, max: 16, align: Align::Left, rank: 0 },
    Column { title: "STATE", min: 8, max: 8, align: Align::Left, rank: 1 },
    Column { title: "SLOTS", min: 7, max: 11, align: Align::Right, rank: 2 },
    Column { title: "USE", min: 6, max: 20, align: Align::Left, rank: 6 },
    Column { title: "WAIT", min: 5, max: 7, align: Align::Right, rank: 3 },
    Column { title: "OLDEST", min: 6, max: 6, align: Align::Right, rank: 4 },
    Column { title: "", min: 20, max: 60, align: Align::Left, rank: 5 },
];

const WAITING: [Column; 5] = [
    Column { title: "#", min: 3, max: 3, align: Align::Right, rank: 2 },
    Column { title: "TASK", min: 20, max: 20, align: Align::Left, rank: 0 },
    Column { title: "WAITS", min: 5, max: 6, align: Align::Right, rank: 1 },
    Column { title: "PRIO", min: 6, max: 9, align: Align::Right, rank: 4 },
    Column { title: "BLOCKED BY", min: 16, max: 400, align: Align::Left, rank: 3 },
];

const HOLDERS: [Column; 8] = [
    Column { title: "TASK", min: 20, max: 20, align: Align::Left, rank: 0 },
    Column { title: "STATE", min: 10, max: 10, align: Align::Left, rank: 2 },
    Column { title: "HELD", min: 5, max: 6, align: Align::Right, rank: 1 },
    Column { title: "SLOTS", min: 5, max: 5, align: Align::Right, rank: 3 },
    Column { title: "LATEST END", min: 13, max: 14, align: Align::Left, rank: 4 },
    Column { title: "ATTEMPT", min: 7, max: 7, align: Align::Right, rank: 6 },
    Column { title: "PID", min: 7, max: 7, align: Align::Right, rank: 7 },
    Column { title: "ALSO HOLDS", min: 10, max: 40, align: Align::Left, rank: 5 },
];

pub(crate) fn view(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    let heights = layout::heights(app, usize::from(area.height));
    let mut y = area.y;
    for (pane, height) in Pane::ALL.into_iter().zip(heights) {
        let area = Rect { y, height, ..area };
        y += height;
        match pane {
            _ if height == 0 => {}
            Pane::Pools => pools(app, state, area, buf),
            Pane::Waiting => waiting(app, state, area, buf),
            Pane::Holders => holders(app, state, area, buf),
        }
    }
}

/// The columns with a third of the room for the one that names the task.
fn for_width<const N: usize>(mut columns: [Column; N], task: usize, width: u16) -> [Column; N] {
    columns[task].max = (width / 3).max(columns[task].min);
    columns
}

fn look<K: Ord + Clone>(list: &List<K>, focused: bool) -> impl Fn(&K) -> Look {
    move |it| Look { selected: focused && list.is_selected(it), marked: list.is_marked(it) }
}

fn pools(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let focused = Pane::of(app) == Pane::Pools;
    let titled = Titled {
        name: "POOLS",
        all: app.store.pools.len(),
        sorts: &[],
        keys: &["pool", "state"],
        height: area.height,
    };
    let (title, hint) = list_title(&state.list, &titled);
    let area = rule::rule(buf, area, theme, &title, &hint, focused);
    if state.list.rows().is_empty() {
        let why = match app.store.pools.is_empty() {
            true => "the daemon has told no pools",
            false => "no pool fits the filter: esc takes it away",
        };
        return frame::nothing(app, area, buf, why);
    }
    let rows = state.list.visible(usize::from(area.height.saturating_sub(1)));
    // Where another pane has the keys, the pool that it is about is only marked.
    let look = |it: &PoolName| Look {
        selected: focused && state.list.is_selected(it),
        marked: !focused && state.list.is_selected(it),
    };
    table::table(buf, area, theme, &POOLS, rows, look, |name, column, width| {
        match app.store.pools.get(name) {
            Some(row) => pool(app, row, column, width),
            None => Cell::new("", theme.style(Role::Plain)),
        }
    });
}

fn pool(app: &App, row: &PoolRow, column: usize, width: u16) -> Cell {
    let theme = app.theme();
    let plain = theme.style(Role::Plain);
    let waits = if row.queued > 0 { theme.style(Role::Warn) } else { plain };
    match column {
        0 => Cell::new(row.name.as_str(), plain),
        1 => frame::state_cell(theme, &row.state),
        2 => Cell::new(&format!("{}/{}", row.used, row.slots), plain),
        3 => {
            let (used, slots) = (u64::from(row.used), u64::from(row.slots));
            Cell::new(&bar(theme, used, slots, usize::from(width)), plain)
        }
        4 => Cell::new(&row.queued.to_string(), waits),
        5 => Cell::new(&format::took(row.oldest, None, app.now), waits),
        _ => match (row.state.as_str(), &row.pause) {
            ("down", _) => Cell::new("runner unreachable", theme.style(Role::Bad)),
            (_, Some(pause)) => Cell::new(&paused(app, pause), theme.style(Role::Warn)),
            _ if row.used >= row.slots && row.queued > 0 => Cell::new("full", waits),
            _ => Cell::new("", plain),
        },
    }
}

/// `alice, until 14:00: checking dq, 2 held back`.
fn paused(app: &App, pause: &PauseView) -> String {
    let by = pause.by.strip_prefix("user:").unwrap_or(&pause.by);
    let until = match pause.until {
        Some(at) => format!("until {}", format::when(at, app.now, app.settings.utc_offset)),
        None => "until it is resumed".to_owned(),
    };
    let comment = pause.comment.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
    let held = match pause.held_back {
        0 => String::new(),
        count => format!(", {} held back", format::count(u64::from(count))),
    };
    format!("{by}, {until}{comment}{held}")
}

fn waiting(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let row = pool_row(app);
    let all = row.map_or(0, |it| it.queued as usize);
    let name = format!("WAITING IN {}", row.map_or("no pool", |it| it.name.as_str()));
    let shown = format::count(state.waiting.rows().len() as u64);
    let title = match state.waiting.rows().len() == all {
        true => format!("{name} {shown}"),
        false => format!("{name} {shown} of {}", format::count(all as u64)),
    };
    let hint = match hint(&state.waiting, &["run", "task"], queue(&app.store).len()) {
        hint if hint.is_empty() => stands_still(app, row, area.width, &title),
        hint => hint,
    };
    let focused = Pane::of(app) == Pane::Waiting;
    let area = rule::rule(buf, area, theme, &title, &hint, focused);
    if state.waiting.rows().is_empty() {
        let why = match all {
            _ if app.store.queue.is_none() => "the daemon has not told yet who waits",
            _ if !state.waiting.filter().is_empty() => "nothing that waits fits the filter",
            0 => "nothing waits for this pool",
            _ => "what waits here is not among the first 500 of all pools",
        };
        return frame::nothing(app, area, buf, why);
    }
    let rows = state.waiting.visible(usize::from(area.height.saturating_sub(1)));
    let look = look(&state.waiting, focused);
    let columns = for_width(WAITING, 1, area.width);
    table::table(buf, area, theme, &columns, rows, look, |key, column, _| {
        match waiting_row(app, key) {
            Some(row) => waits(app, row, column),
            None => Cell::new("", theme.style(Role::Plain)),
        }
    });
}

/// Why nothing of the pool starts, as much of it as has room beside the title.
fn stands_still(app: &App, row: Option<&PoolRow>, width: u16, title: &str) -> String {
    let Some(row) = row else { return String::new() };
    let text = match (row.state.as_str(), &row.pause) {
        ("down", _) => "its runner cannot be reached".to_owned(),
        (_, Some(pause)) => format!("paused by {}", paused(app, pause)),
        _ => return String::new(),
    };
    let text = Safe::line(&text);
    let room = usize::from(width).saturating_sub(text::width(&Safe::line(title)) + 10);
    let text = if text::width(&text) > room { text.cut(room) } else { text };
    text.to_string()
}

/// The filter, and that there may be more than is told.
fn hint<K: Ord + Clone>(list: &List<K>, keys: &[&str], told: usize) -> String {
    let mut hints = Vec::new();
    if !list.filter().is_empty() {
        hints.push(list.filter().told(keys));
    }
    if told >= ROWS_MAX {
        hints.push(format!("first {ROWS_MAX} of all pools"));
    }
    hints.join("   ")
}

fn waits(app: &App, row: &QueueRow, column: usize) -> Cell {
    let plain = app.theme().style(Role::Plain);
    match column {
        0 => Cell::new(&row.position.to_string(), plain),
        1 => {
            let item = row.item.as_ref().map(|it| format!(":{it}")).unwrap_or_default();
            Cell::new(&format!("{} {}{item}", row.label, row.task), plain)
        }
        2 => Cell::new(&format::took(Some(row.since), None, app.now), plain),
        3 => match row.effective_priority.checked_sub(row.priority) {
            Some(aged) if aged > 0 => Cell::new(&format!("{}+{aged}", row.priority), plain),
            _ => Cell::new(&row.effective_priority.to_string(), plain),
        },
        _ => match row.blockers.as_slice() {
            [] => Cell::new("nothing in its way", plain),
            [only] => Cell::new(&only.text, plain),
            [first, more @ ..] => Cell::new(&format!("{} (+{})", first.text, more.len()), plain),
        },
    }
}

fn holders(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let row = pool_row(app);
    let name = format!("HOLDERS OF {}", row.map_or("no pool", |it| it.name.as_str()));
    let title = format!("{name} {}", format::count(state.holders.rows().len() as u64));
    let hint = hint(&state.holders, &["run", "task", "state"], holders_of(&app.store).len());
    let focused = Pane::of(app) == Pane::Holders;
    let area = rule::rule(buf, area, theme, &title, &hint, focused);
    if state.holders.rows().is_empty() {
        let why = match row.map_or(0, |it| it.used) {
            _ if app.store.queue.is_none() => "the daemon has not told yet who holds slots",
            _ if !state.holders.filter().is_empty() => "no holder fits the filter",
            0 => "all slots of this pool are free",
            _ => "who holds its slots is not among the first 500 of all pools",
        };
        return frame::nothing(app, area, buf, why);
    }
    let rows = state.holders.visible(usize::from(area.height.saturating_sub(1)));
    let look = look(&state.holders, focused);
    let columns = for_width(HOLDERS, 0, area.width);
    table::table(buf, area, theme, &columns, rows, look, |key, column, _| {
        match holder_row(app, key) {
            Some(row) => holds(app, row, column),
            None => Cell::new("", theme.style(Role::Plain)),
        }
    });
}

fn holds(app: &App, row: &HolderRow, column: usize) -> Cell {
    let theme = app.theme();
    let plain = theme.style(Role::Plain);
    match column {
        0 => Cell::new(&format!("{} {}", row.label, row.task), plain),
        1 => frame::state_cell(theme, &row.state),
        2 => Cell::new(&format::took(Some(row.since), None, app.now), plain),
        3 => Cell::new(&row.slots.to_string(), plain),
        4 => latest_end(app, row),
        5 => Cell::new(&row.attempt.to_string(), plain),
        6 => Cell::new(&row.pid.map_or_else(|| "-".to_owned(), |it| it.to_string()), plain),
        _ => {
            let all = row.resources.iter().map(|(name, count)| format!("{count} {name}"));
            Cell::new(&all.collect::<Vec<_>>().join(", "), plain)
        }
    }
}

/// When its timeout ends it at the latest: `in 10m`.
fn latest_end(app: &App, row: &HolderRow) -> Cell {
    let theme = app.theme();
    match row.until {
        None => Cell::new("no timeout", theme.style(Role::Dim)),
        Some(at) if at < app.now => {
            let text = format!("{} ago", format::span(app.now.since(at)));
            Cell::new(&text, theme.style(Role::Warn))
        }
        Some(at) => {
            let clock = format::when(at, app.now, app.settings.utc_offset);
            let text = format!("in {} ({clock})", format::span(at.since(app.now)));
            Cell::new(&text, theme.style(Role::Plain))
        }
    }
}
