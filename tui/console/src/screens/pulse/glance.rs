//! The panes that only tell: pools, the last hour, the daemon.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::PoolName;
use shared::snapshot::{PoolRow, RunRow};

use super::super::runs;
use crate::app::App;
use crate::format;
use crate::needs;
use crate::target::is_over;
use crate::text::{self, Align};
use crate::theme::{Glyph, Role, Theme};
use crate::widgets::bar::bar;
use crate::widgets::panel::Line;
use crate::widgets::rule;
use crate::widgets::spark::spark;
use crate::widgets::table::{self, Cell, Column, Look};

const POOLS: [Column; 5] = [
    Column { title: "", min: 8, max: 16, align: Align::Left, rank: 0 },
    Column { title: "", min: 6, max: 24, align: Align::Left, rank: 2 },
    Column { title: "", min: 7, max: 9, align: Align::Right, rank: 0 },
    Column { title: "", min: 9, max: 9, align: Align::Left, rank: 0 },
    Column { title: "", min: 14, max: 14, align: Align::Left, rank: 1 },
];
/// The span that is looked back over, and its parts.
const HOUR: u64 = 3_600;
const PARTS: u64 = 20;

/// The pools; where not all fit, those first that are in trouble.
pub(super) fn pools(app: &App, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = app.theme();
    let fit = usize::from(area.height - 1);
    let mut rows: Vec<&PoolRow> = app.store.pools.values().collect();
    let (all, hidden) = (rows.len(), rows.len().saturating_sub(fit));
    if hidden > 0 {
        rows.sort_by_key(|it| trouble(app, it));
        rows.truncate(fit);
    }
    let title = format!("POOLS {}", format::count(all as u64));
    let hint = match hidden {
        0 => "4 queues".to_owned(),
        more => format!("{more} more: 4 queues"),
    };
    let area = rule::rule(buf, area, theme, &title, &hint, false);
    if rows.is_empty() {
        let room = area.width.saturating_sub(3);
        text::say(buf, area.x + 3, area.y, room, "there are no pools", theme.style(Role::Dim));
        return;
    }
    let keys: Vec<&PoolName> = rows.iter().map(|it| &it.name).collect();
    let columns = table::fitted(POOLS, 0, keys.iter().map(|it| it.to_string()));
    table::rows(
        buf,
        area,
        theme,
        &columns,
        &keys,
        |_| Look::default(),
        |key, column, width| match app.store.pools.get(*key) {
            Some(row) => pool_cell(app, row, column, width),
            None => Cell::new("", theme.style(Role::Plain)),
        },
    );
}

/// Down first, then paused, then where something waits long, then the fullest.
fn trouble(app: &App, row: &PoolRow) -> (u8, u64) {
    let rank = match row.state.as_str() {
        "down" => 0,
        "paused" => 1,
        _ if needs::waits_long(row, app.now) => 2,
        _ => 3,
    };
    let free = u64::from(row.slots.saturating_sub(row.used)) * 1_000 / u64::from(row.slots.max(1));
    (rank, free)
}

fn pool_cell(app: &App, row: &PoolRow, column: usize, width: u16) -> Cell {
    let theme = app.theme();
    let plain = theme.style(Role::Plain);
    let growing = needs::waits_long(row, app.now);
    let warn = if growing { theme.style(Role::Warn) } else { plain };
    match column {
        0 => Cell::new(row.name.as_str(), plain),
        1 if row.state != "up" => {
            let mark = theme.state(&row.state);
            Cell::new(&format!("{} {}", mark.glyph, row.state), mark.style)
        }
        1 => {
            let (used, slots) = (u64::from(row.used), u64::from(row.slots));
            Cell::new(&bar(theme, used, slots, usize::from(width)), plain)
        }
        2 => Cell::new(&format!("{}/{}", row.used, row.slots), plain),
        3 => Cell::new(&format!("wait {}", format::count(u64::from(row.queued))), plain),
        _ => match row.oldest {
            Some(at) => {
                let arrow = if growing { theme.glyph(Glyph::Growing) } else { "" };
                Cell::new(&format!("oldest {} {arrow}", format::span(app.now.since(at))), warn)
            }
            None => Cell::new("", plain),
        },
    }
}

/// What the runs of the last hour have come to.
struct Hour {
    succeeded: Vec<u64>,
    failed: Vec<u64>,
    other: u64,
    /// How far back all runs are known, where that is not the whole hour.
    known_for: Option<Duration>,
}

/// Counts the runs that ended within an hour, among those that were told.
fn hour(app: &App) -> Hour {
    let ended = |it: &&RunRow| is_over(&it.state);
    let rows = app.store.order.iter().filter_map(|it| app.store.run_row(*it)).filter(ended);
    let parts = PARTS as usize;
    let mut hour =
        Hour { succeeded: vec![0; parts], failed: vec![0; parts], other: 0, known_for: None };
    let (mut told, mut oldest) = (0, None);
    for row in rows {
        told += 1;
        oldest = Some(row.created);
        let Some(at) = row.ended else { continue };
        let ago = app.now.since(at).as_secs();
        if ago >= HOUR {
            continue;
        }
        let part = parts - 1 - (ago * PARTS / HOUR) as usize;
        match row.state.as_str() {
            "succeeded" | "partial" => hour.succeeded[part] += 1,
            "failed" | "rollback_failed" => hour.failed[part] += 1,
            _ => hour.other += 1,
        }
    }
    // In whole minutes: seconds would be drawn anew each second.
    let minutes = |it| Duration::from_secs(app.now.since(it).as_secs().div_euclid(60).max(1) * 60);
    let known_for = oldest.map(minutes);
    let is_cut = told >= runs::window(app).limit as usize;
    hour.known_for = known_for.filter(|it| is_cut && it.as_secs() < HOUR);
    hour
}

/// How many runs ended within the hour, and how; and how many have not.
pub(super) fn last_hour(app: &App, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = app.theme();
    if !app.store.has_runs {
        let area = rule::rule(buf, area, theme, "LAST 60 MIN", "", false);
        let text = "the daemon has not told its runs yet";
        text::say(buf, area.x + 3, area.y, area.width - 3, text, theme.style(Role::Dim));
        return;
    }
    let hour = hour(app);
    let (title, hint) = match hour.known_for {
        None => ("LAST 60 MIN".to_owned(), String::new()),
        Some(span) => {
            let limit = format::count(u64::from(runs::window(app).limit));
            (format!("LAST {}", format::span(span)), format!("of the newest {limit} runs"))
        }
    };
    let area = rule::rule(buf, area, theme, &title, &hint, false);
    let lines = if area.height == 1 {
        vec![in_one_line(app, theme, &hour, usize::from(area.width))]
    } else {
        in_lines(app, theme, &hour)
    };
    crate::widgets::panel::lines(buf, area, &lines);
}

fn in_one_line(app: &App, theme: Theme, hour: &Hour, width: usize) -> Line {
    let runs = app.store.daemon.as_ref().map(|it| it.runs).unwrap_or_default();
    let plain = theme.style(Role::Plain);
    let (done, failed) = (sum(&hour.succeeded), sum(&hour.failed));
    let ended: Vec<u64> = hour.succeeded.iter().zip(&hour.failed).map(|it| it.0 + it.1).collect();
    let mut line = vec![
        ("   runs     ".to_owned(), theme.style(Role::Dim)),
        (format!("done {}  ", format::count(done)), plain),
        (format!("failed {}", format::count(failed)), failed_style(theme, failed)),
        (format!("  active {}  queued {}   ", runs.active, runs.queued), plain),
    ];
    let used: usize = line.iter().map(|it| it.0.len()).sum();
    // A part of it would look like a shorter span.
    if used + PARTS as usize <= width {
        line.push((spark(theme, &ended, PARTS as usize), plain));
    }
    line
}

fn in_lines(app: &App, theme: Theme, hour: &Hour) -> Vec<Line> {
    let runs = app.store.daemon.as_ref().map(|it| it.runs).unwrap_or_default();
    let (dim, plain) = (theme.style(Role::Dim), theme.style(Role::Plain));
    let failed = sum(&hour.failed);
    let line = |name: &str, count: u64, style, parts: &[u64]| -> Line {
        vec![
            (format!("   {name:<11}"), dim),
            (format!("{:>7}  ", format::count(count)), style),
            (spark(theme, parts, PARTS as usize), style),
        ]
    };
    vec![
        line("done", sum(&hour.succeeded), plain, &hour.succeeded),
        line("failed", failed, failed_style(theme, failed), &hour.failed),
        line("other ends", hour.other, plain, &[]),
        line("active", u64::from(runs.active), plain, &[]),
        line("queued", u64::from(runs.queued), plain, &[]),
    ]
}

fn sum(parts: &[u64]) -> u64 {
    parts.iter().sum()
}

fn failed_style(theme: Theme, failed: u64) -> ratatui::style::Style {
    theme.style(if failed > 0 { Role::Bad } else { Role::Plain })
}

/// Which daemon it is, since when it runs, and whether it can write.
pub(super) fn daemon(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(daemon) = app.store.daemon.as_ref().filter(|_| area.height > 0) else { return };
    let theme = app.theme();
    let (dim, plain) = (theme.style(Role::Dim), theme.style(Role::Plain));
    let ok = daemon.store == "ok" || daemon.store.is_empty();
    let style = theme.style(if ok { Role::Good } else { Role::Bad });
    let store = if daemon.store.is_empty() { "ok" } else { &daemon.store };
    // An instant and not a span: a span would be drawn anew each second.
    let since = format::when(daemon.since, app.now, app.settings.utc_offset);
    if area.height < 3 {
        let (version, pid) = (&daemon.version, daemon.pid);
        let text = format!("{}  pid {pid}  version {version}  since {since}  store ", daemon.host);
        let name = ("   daemon   ".to_owned(), dim);
        let line = vec![name, (text, plain), (store.to_owned(), style)];
        text::pieces(buf, (area.x, area.y), area.width, &line);
        return;
    }
    let area = rule::rule(buf, area, theme, "DAEMON", "", false);
    let line =
        |name: &str, value: String, style| vec![(format!("   {name:<11}"), dim), (value, style)];
    let lines = [
        line("host", daemon.host.clone(), plain),
        line("version", daemon.version.clone(), plain),
        line("process", format!("{}, since {since}", daemon.pid), plain),
        line("store", store.to_owned(), style),
    ];
    crate::widgets::panel::lines(buf, area, &lines);
}
