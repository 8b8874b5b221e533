//! The run in one line, and what must be known before anything else: that it is paused, being undone, or why it failed.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::RunId;
use shared::snapshot::{PauseView, RollbackView, RunView, TaskView};

use super::State;
use super::task::{is_ended, items_done};
use crate::app::App;
use crate::format;
use crate::screens::known_at;
use crate::target::is_failed;
use crate::text;
use crate::theme::Role;
use crate::widgets::panel::Line;

/// `◆ approval  71%  48m  prio 250  schedule`.
pub(crate) fn summary(app: &App, run: RunId) -> String {
    let Some(run) = app.store.open_run(run) else { return String::new() };
    let theme = app.theme();
    let word = shown(run);
    let glyph = theme.state(word).glyph;
    let word = if word == "awaiting_approval" { "approval" } else { word };
    let mut parts = vec![format!("{glyph} {word}")];
    parts.extend(match &run.rollback {
        // What was done says nothing about a run that is being undone.
        Some(it) => undone(&it.counts).map(|it| format!("{it}% undone")),
        None => percent(&run.counts).map(|it| format!("{it}%")),
    });
    parts.push(format::took(run.started, run.ended, known_at(app)));
    parts.push(format!("prio {}", run.priority));
    parts.push(match run.trigger.as_str() {
        "manual" => format!("by {}", person(&run.actor)),
        trigger => trigger.to_owned(),
    });
    parts.join("  ")
}

/// A run in which nothing goes on but that a person is asked shows that.
fn shown(run: &RunView) -> &str {
    let has = |word: &str| run.counts.get(word).is_some_and(|it| *it > 0);
    let busy = ["running", "starting", "stopping", "queued", "retry_wait"];
    match run.state.as_str() {
        "running" if has("awaiting_approval") && !busy.into_iter().any(has) => "awaiting_approval",
        state => state,
    }
}

/// How much of it is over; rounded down, so that 100 is all.
fn percent(counts: &BTreeMap<String, u32>) -> Option<u64> {
    let all: u64 = counts.values().map(|it| u64::from(*it)).sum();
    let over = counts.iter().filter(|it| is_ended(it.0)).map(|it| u64::from(*it.1)).sum::<u64>();
    (over * 100).checked_div(all)
}

fn undone(counts: &BTreeMap<String, u32>) -> Option<u64> {
    let all: u64 = counts.values().map(|it| u64::from(*it)).sum();
    let undone = counts.get("rolled_back").copied().map_or(0, u64::from);
    (undone * 100).checked_div(all)
}

pub(super) fn person(actor: &str) -> &str {
    actor.strip_prefix("user:").unwrap_or(actor)
}

/// The rows that are left for the panes.
pub(super) fn below(app: &App, state: &State, body: Rect) -> Rect {
    let notes = state.run(app).map_or(0, |it| u16::from(it.pause.is_some()) + rows(it));
    let notes = notes.min(body.height / 4);
    Rect { y: body.y + notes, height: body.height - notes, ..body }
}

fn rows(run: &RunView) -> u16 {
    u16::from(run.rollback.is_some()) + u16::from(reason(run).is_some())
}

/// Why the run is as it is, where that is no other note.
fn reason(run: &RunView) -> Option<&str> {
    run.reason.as_deref().filter(|it| !it.is_empty() && run.pause.is_none())
}

pub(super) fn view(app: &App, state: &State, body: Rect, buf: &mut Buffer) {
    let Some(run) = state.run(app) else { return };
    let pause = run.pause.as_ref().map(|it| pause(app, it));
    let rollback = run.rollback.as_ref().map(|it| rollback(app, run, it));
    let reason = reason(run).map(|it| because(app, run, it));
    let bottom = below(app, state, body).y;
    for (y, line) in (body.y..bottom).zip(pause.into_iter().chain(rollback).chain(reason)) {
        text::pieces(buf, (body.x + 1, y), body.width.saturating_sub(1), &line);
    }
}

fn because(app: &App, run: &RunView, reason: &str) -> Line {
    let theme = app.theme();
    let role = if is_failed(&run.state) { Role::Bad } else { Role::Plain };
    let mark = theme.state(&run.state);
    let several = several(run).map(|it| format!("{it}, first: ")).unwrap_or_default();
    let reason = format::with_clocks(reason, app.now, app.settings.utc_offset);
    vec![
        (format!("{} ", mark.glyph), mark.style),
        (format!("{several}{reason}"), theme.style(role)),
    ]
}

/// `load: 4 of 30 items failed`, `3 tasks failed`: where the reason names one of several.
fn several(run: &RunView) -> Option<String> {
    let failed = |it: &&TaskView| it.state == "failed" || it.failed_items.is_some_and(|it| it > 0);
    let mut all = run.tasks.iter().filter(failed);
    let first = all.next()?;
    match (first.failed_items, all.count()) {
        (None | Some(0..=1), 0) => None,
        (Some(items), 0) => {
            Some(format!("{}: {items} of {} items failed", first.task, items_done(first).1))
        }
        (_, more) => Some(format!("{} failed", format::plural(more as u64 + 1, "task"))),
    }
}

fn pause(app: &App, pause: &PauseView) -> Line {
    let theme = app.theme();
    let until = match pause.until {
        Some(at) => format!(" until {}", format::when(at, app.now, app.settings.utc_offset)),
        None => " until it is resumed".to_owned(),
    };
    let held = match pause.held_back {
        0 => String::new(),
        held => format!("   {} held back", format::plural(u64::from(held), "task")),
    };
    let said = pause.comment.as_deref().map(|it| format!("   “{it}”")).unwrap_or_default();
    let mark = theme.state("paused");
    vec![
        (format!("{} PAUSED", mark.glyph), mark.style),
        (
            format!(" by {}{until}{held}{}", person(&pause.by), quoted(app, &said)),
            theme.style(Role::Plain),
        ),
    ]
}

fn rollback(app: &App, run: &RunView, it: &RollbackView) -> Line {
    let theme = app.theme();
    let count =
        |words: &[&str]| -> u32 { words.iter().filter_map(|word| it.counts.get(*word)).sum() };
    let mark = theme.state(match run.state.as_str() {
        state @ ("rolled_back" | "rollback_failed") => state,
        _ => "rolling_back",
    });
    let mut line = vec![
        (format!("{} ROLLBACK", mark.glyph), mark.style),
        (
            format!(" by {}, {} ago:", person(&it.by), format::span(app.now.since(it.at))),
            theme.style(Role::Plain),
        ),
    ];
    let counts = [
        ("rollback_failed", "failed", count(&["rollback_failed"])),
        (
            "rolling_back",
            "at work",
            count(&["queued", "starting", "running", "stopping", "retry_wait"]),
        ),
        ("held", "held", count(&["held"])),
        ("pending", "pending", count(&["pending"])),
        ("rolled_back", "undone", count(&["rolled_back"])),
    ];
    for (state, word, count) in counts.into_iter().filter(|it| it.2 > 0) {
        line.push((format!("  {count} {word}"), theme.state(state).style));
    }
    if let Some(said) = &it.comment {
        line.push((quoted(app, &format!("   “{said}”")), theme.style(Role::Plain)));
    }
    line
}

fn quoted(app: &App, text: &str) -> String {
    match app.settings.unicode {
        true => text.to_owned(),
        false => text.replace(['“', '”'], "\""),
    }
}
