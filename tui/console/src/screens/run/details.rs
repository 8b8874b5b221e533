//! What is known of the task or item that is selected, and the end of its log.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::TaskPath;
use shared::snapshot::{ApprovalRow, AttemptView, TaskView, UndoView};

use super::drawn::place_hint;
use super::listed::{cause, queued, seconds};
use super::panes::{Pane, Panes};
use super::{State, head, task};
use crate::app::App;
use crate::format;
use crate::frame;
use crate::safe::Safe;
use crate::screens::known_at;
use crate::target::is_failed;
use crate::text;
use crate::theme::{Glyph, Role};
use crate::widgets::panel::{self, Line};
use crate::widgets::rule;

/// The most of a list that is told.
const SHOWN_MAX: usize = 8;
/// The most attempts that are told apart.
const ATTEMPTS_MAX: usize = 12;
/// Columns of what a line is about.
const LABEL: usize = 10;

pub(super) fn view(app: &App, state: &State, panes: &Panes, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let focused = panes.focused == Pane::Details;
    let Some((path, task)) = state.subject(app) else {
        let hint = place_hint(panes, String::new());
        let area = rule::rule(buf, area, theme, "DETAILS", &hint, focused);
        frame::nothing(app, area, buf, "no task is selected");
        return;
    };
    let title = format!("{} {path}", theme.state(task::shown(task)).glyph);
    let lines = lines(app, state, &path, task, usize::from(area.width));
    let rows = usize::from(area.height.saturating_sub(1));
    let start = state.scrolled.min(lines.len().saturating_sub(rows));
    let hint = match lines.len().saturating_sub(start + rows) {
        0 if start == 0 => String::new(),
        0 => format!("{start} above"),
        below => format!("{below} more below"),
    };
    let area = rule::rule(buf, area, theme, &title, &place_hint(panes, hint), focused);
    panel::lines(buf, area, &lines[start..]);
}

/// The pane with the end of the log.
pub(super) fn log(app: &App, state: &State, panes: &Panes, area: Rect, buf: &mut Buffer) {
    let focused = panes.focused == Pane::Log;
    let subject = state.subject(app);
    let chosen = subject.as_ref().and_then(|(_, task)| state.chosen(task));
    let title = match (&subject, chosen) {
        (Some((_, task)), Some(_)) if task::is_mapped(task) => "LOG".to_owned(),
        (_, Some((true, it))) => format!("LOG end, undo, attempt {}", it.attempt),
        (_, Some((false, it))) => format!("LOG end, attempt {}", it.attempt),
        _ => "LOG".to_owned(),
    };
    let hint = match (state.tail.hint(), panes.shown.len()) {
        (hint, 1) => hint,
        (hint, _) => format!("{hint}   l: full screen").trim().to_owned(),
    };
    let area = rule::rule(buf, area, app.theme(), &title, &place_hint(panes, hint), focused);
    let empty = match &subject {
        None => "no task is selected",
        Some((_, task)) if task::is_mapped(task) => {
            "each item has a log of its own: enter lists the items"
        }
        Some((_, task)) if !task.tasks.is_empty() => "each task in it has a log of its own",
        Some((_, task)) if task.pool.is_none() => "it runs no process, so it has no log",
        Some((_, task)) if task.started.is_some() => "no attempt of it is known",
        Some(_) => "it has not started yet",
    };
    state.tail.view(app, area, buf, empty);
}

fn lines(app: &App, state: &State, path: &TaskPath, task: &TaskView, width: usize) -> Vec<Line> {
    let mut lines = vec![first(app, state, task)];
    lines.extend(approval(app, state, path, task, width));
    if task::is_mapped(task) {
        lines.extend(items(app, state, task));
    } else {
        lines.extend(attempts(app, state, task));
    }
    lines.extend(task.undo.as_ref().map(|it| undo(app, it)));
    lines.extend(neighbours(app, state, task));
    let warn = app.theme().style(Role::Warn);
    let warnings = task.warnings.iter().take(SHOWN_MAX);
    lines.extend(warnings.map(|it| labelled(app, "warning", vec![(it.clone(), warn)])));
    lines.extend(outputs(app, task));
    lines
}

fn labelled(app: &App, label: &str, mut pieces: Line) -> Line {
    let style = app.theme().style(Role::Dim);
    pieces.insert(0, (format!(" {label:<LABEL$}"), style));
    pieces
}

fn plain(app: &App, text: impl Into<String>) -> (String, ratatui::style::Style) {
    (text.into(), app.theme().style(Role::Plain))
}

/// Its state and why, how long it took, and where it runs.
fn first(app: &App, state: &State, task: &TaskView) -> Line {
    let theme = app.theme();
    let word = task::shown(task);
    let mark = theme.state(word);
    let mut line = vec![(word.to_owned(), mark.style)];
    let since = match task.state.as_str() {
        "queued" => queued(app, state, task).map(|it| it.since),
        "waiting" => None,
        _ => task.started,
    };
    if since.is_some() {
        let took = format::took(since, task.ended, known_at(app));
        line.push(plain(app, format!("   {took}")));
    }
    line.push(plain(app, format!("   {}", task.kind)));
    line.extend(task.pool.as_ref().map(|it| plain(app, format!("   pool {it}"))));
    let can_undo = task.can_undo && task.undo.is_none();
    line.extend(can_undo.then(|| plain(app, "   can be undone")));
    let cause = cause(app, state, task);
    // What an approval asks has a line of its own.
    if !cause.is_empty() && word != "awaiting_approval" {
        let role = if is_failed(word) { Role::Bad } else { Role::Plain };
        // Before what matters less: a narrow pane cuts the end.
        line.insert(1, (format!(": {cause}"), theme.style(role)));
    }
    labelled(app, "state", line)
}

/// What a person is asked, until when, and how to answer.
fn approval(app: &App, state: &State, path: &TaskPath, task: &TaskView, width: usize) -> Vec<Line> {
    let room = width.saturating_sub(LABEL + 2);
    let name = path.to_string();
    let is_it = |it: &&ApprovalRow| Some(it.run) == state.run && it.task == name;
    let theme = app.theme();
    let Some(row) = app.store.approvals.iter().find(is_it) else {
        let asks = task.reason.as_ref().filter(|_| task.state == "awaiting_approval");
        return asks.map(|it| asked(app, it, room)).unwrap_or_default();
    };
    let mut lines = asked(app, &row.message, room);
    let mut keys = Line::new();
    for (key, verb) in [("a", " approve…  "), ("x", " reject…")] {
        keys.push((key.to_owned(), theme.style(Role::Key)));
        keys.push(plain(app, verb));
    }
    let columns =
        |line: &Line| -> usize { line.iter().map(|it| text::width(&Safe::line(&it.0))).sum() };
    match lines.last_mut() {
        Some(last) if columns(last) + 3 + columns(&keys) <= width => {
            last.push(plain(app, "   "));
            last.extend(keys);
        }
        _ => lines.push(labelled(app, "", keys)),
    }
    let mut terms = format!("waits {}", format::span(app.now.since(row.since)));
    if let Some(at) = row.expires {
        let left = format::span(at.since(app.now));
        let when = format::when(at, app.now, app.settings.utc_offset);
        terms.push_str(&format!(", expires in {left} ({when})"));
    }
    if row.needed > 1 {
        terms.push_str(&format!(", {} of {} decided", row.decisions.len(), row.needed));
    }
    if !row.approvers.is_empty() {
        let who: Vec<&str> = row.approvers.iter().map(|it| head::person(it)).collect();
        terms.push_str(&format!("   may: {}", some(&who)));
    }
    lines.push(labelled(app, "", vec![plain(app, terms)]));
    lines
}

/// What is asked, in as many lines as it takes.
fn asked(app: &App, message: &str, room: usize) -> Vec<Line> {
    let pieces = message.lines().flat_map(|it| text::wrap(&Safe::line(it), room));
    let line = |(at, it): (usize, Safe)| {
        labelled(app, if at == 0 { "asks" } else { "" }, vec![plain(app, it.to_string())])
    };
    pieces.enumerate().map(line).collect()
}

/// Its items by state, and the failed ones by reason.
fn items(app: &App, state: &State, task: &TaskView) -> Vec<Line> {
    let theme = app.theme();
    let mut counts: Vec<(&String, &u32)> = task.items.iter().filter(|it| *it.1 > 0).collect();
    counts.sort_by_key(|it| (!is_failed(it.0), task::is_ended(it.0)));
    let mut line: Line = counts
        .into_iter()
        .map(|(word, count)| {
            let mark = theme.state(word);
            let count = format::count(u64::from(*count));
            (format!("{} {count} {word}   ", mark.glyph), mark.style)
        })
        .collect();
    line.push((theme.glyph(Glyph::Enter).to_owned(), theme.style(Role::Key)));
    line.push(plain(app, " list"));
    let mut lines = vec![labelled(app, "items", line)];
    let groups = &state.items.groups;
    for (at, (why, count)) in groups.iter().take(SHOWN_MAX).enumerate() {
        let label = if at == 0 { "failures" } else { "" };
        let why = if why.is_empty() { "failed" } else { why };
        let cross = if theme.unicode { '×' } else { 'x' };
        let text = format!("{count} {cross} {why}");
        lines.push(labelled(app, label, vec![(text, theme.style(Role::Bad))]));
    }
    let more = groups.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        let more = format!("and {}", format::plural(more as u64, "more reason"));
        lines.push(labelled(app, "", vec![plain(app, more)]));
    }
    lines
}

/// All attempts in a line, and what is known of the chosen one.
fn attempts(app: &App, state: &State, task: &TaskView) -> Vec<Line> {
    let theme = app.theme();
    let Some((undo, chosen)) = state.chosen(task) else { return Vec::new() };
    let mut lines = Vec::new();
    let all: Vec<(bool, &AttemptView)> = task::attempts(task).collect();
    if all.len() > 1 {
        let mut line: Line = Vec::new();
        let left_out = all.len().saturating_sub(ATTEMPTS_MAX);
        line.extend((left_out > 0).then(|| plain(app, format!("… {left_out} before  "))));
        for (of_undo, it) in all.into_iter().skip(left_out) {
            let is_chosen = (of_undo, it.attempt) == (undo, chosen.attempt);
            let mark = theme.state(word(it));
            let took = format::took(it.started, it.ended, known_at(app));
            let of = if of_undo { "undo " } else { "" };
            let text = format!("{of}{} {} {took}", it.attempt, mark.glyph);
            let style = if is_chosen { theme.style(Role::Selected) } else { mark.style };
            line.push((text, style));
            line.push(plain(app, "  "));
        }
        line.push(("[ ]".to_owned(), theme.style(Role::Key)));
        lines.push(labelled(app, "attempts", line));
    }
    let of = if undo { "undo " } else { "attempt " };
    lines.push(labelled(app, &format!("{of}{}", chosen.attempt), attempt(app, chosen)));
    lines
}

/// The word of a state that an attempt is shown with.
fn word(it: &AttemptView) -> &str {
    match it.outcome.as_deref() {
        None if it.ended.is_some() => "failed",
        None => "running",
        Some("succeeded" | "cancelled") => it.outcome.as_deref().unwrap_or_default(),
        Some("lost" | "preempted") => "retry_wait",
        Some(_) => "failed",
    }
}

fn attempt(app: &App, it: &AttemptView) -> Line {
    let theme = app.theme();
    let mark = theme.state(word(it));
    let outcome = it.outcome.as_deref().unwrap_or("running");
    let mut line = vec![(format!("{} {outcome}", mark.glyph), mark.style)];
    let says = |it: &str| outcome.contains(it);
    let exit = it.exit.filter(|it| *it != 0 && !says(&format!("exit({it})")));
    line.extend(exit.map(|it| plain(app, format!(" exit {it}"))));
    let signal = it.signal.filter(|it| !says(&format!("signal({it})")));
    line.extend(signal.map(|it| plain(app, format!(" signal {it}"))));
    line.extend(it.reason.as_ref().map(|it| plain(app, format!(": {it}"))));
    if it.started.is_some() {
        line.push(plain(app, format!("   {}", format::took(it.started, it.ended, known_at(app)))));
    }
    line.extend(it.cpu_s.map(|it| plain(app, format!("   cpu {}", seconds(it)))));
    line.extend(it.max_rss.map(|it| plain(app, format!("   rss {}", format::size(it)))));
    line.extend(it.log_bytes.map(|it| plain(app, format!("   log {}", format::size(it)))));
    let dropped = it.log_dropped.filter(|it| *it > 0).map(format::size);
    let warn = theme.style(Role::Warn);
    line.extend(dropped.map(|it| (format!(", {it} not kept"), warn)));
    let pid = it.pid.filter(|_| it.outcome.is_none());
    line.extend(pid.map(|it| plain(app, format!("   pid {it}"))));
    line
}

fn undo(app: &App, undo: &UndoView) -> Line {
    let mark = app.theme().state(&undo.state);
    let mut line = vec![(format!("{} {}", mark.glyph, undo.state), mark.style)];
    line.extend(undo.reason.as_ref().map(|it| plain(app, format!(": {it}"))));
    if undo.started.is_some() {
        let took = format::took(undo.started, undo.ended, known_at(app));
        line.push(plain(app, format!("   {took}")));
    }
    let count = undo.attempts.len();
    if count > 0 {
        line.push(plain(app, format!("   {}", format::plural(count as u64, "attempt"))));
    }
    labelled(app, "undo", line)
}

/// What it needs and what needs it, each with its state.
fn neighbours(app: &App, state: &State, task: &TaskView) -> Vec<Line> {
    let Some(place) = state.plan.place(&task.task) else { return Vec::new() };
    let feeds = state.plan.feeds(place);
    let feeds: Vec<&str> = feeds.iter().map(|it| state.plan.name(*it)).collect();
    let needs: Vec<&str> = task.needs.iter().map(String::as_str).collect();
    let line = |label, names: &[&str]| {
        (!names.is_empty()).then(|| labelled(app, label, tasks(app, state, names)))
    };
    line("needs", &needs).into_iter().chain(line("feeds", &feeds)).collect()
}

fn tasks(app: &App, state: &State, names: &[&str]) -> Line {
    let mut line = Vec::new();
    for name in names.iter().take(SHOWN_MAX) {
        let word = state.task(app, name).map(task::shown).unwrap_or_default();
        let mark = app.theme().state(word);
        line.push((format!("{} ", mark.glyph), mark.style));
        line.push(plain(app, format!("{name}   ")));
    }
    let more = names.len().saturating_sub(SHOWN_MAX);
    line.extend((more > 0).then(|| plain(app, format!("and {} more", format::count(more as u64)))));
    line
}

fn outputs(app: &App, task: &TaskView) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, (name, value)) in task.outputs.iter().take(SHOWN_MAX).enumerate() {
        let label = if at == 0 { "outputs" } else { "" };
        let value = match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let value: String = value.chars().take(200).collect();
        lines.push(labelled(app, label, vec![plain(app, format!("{name} = {value}"))]));
    }
    let more = task.outputs.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        lines.push(labelled(app, "", vec![plain(app, format!("and {more} more"))]));
    }
    lines
}

fn some(names: &[&str]) -> String {
    let more = names.len().saturating_sub(SHOWN_MAX);
    let shown = names.iter().take(SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

#[cfg(test)]
mod tests {
    use shared::id::RunId;
    use shared::snapshot::QueueRow;
    use shared::watch::RunNews;

    use super::*;
    use crate::fixtures;
    use crate::screens::Screen;

    #[test]
    fn long_lists_end_in_a_count() {
        assert_eq!(some(&["a", "b"]), "a, b");
        assert!(some(&["a"; 12]).ends_with("a and 4 more"));
    }

    /// The details of the only task of run 2.
    fn told(task: TaskView, width: usize) -> Vec<String> {
        let mut news = fixtures::busy();
        let mut run = fixtures::run_view(2, 0);
        run.tasks = vec![task.clone()];
        if let Some(queue) = &mut news.queue {
            let row = queue.queue[0].clone();
            queue.queue.push(QueueRow { run: run.id, task: "load".to_owned(), item: None, ..row });
        }
        let mut row = fixtures::approval(2, "nightly-etl#4812", "load");
        row.message = "load 18.2M rows into the warehouse that all reports read?".to_owned();
        news.approvals = Some(Vec::from_iter((task.state == "awaiting_approval").then_some(row)));
        news.run = Some(RunNews::Whole(Box::new(run)));
        let mut app = fixtures::app(news);
        app.open(Screen::Run(RunId(2)));
        let lines = lines(&app, &app.states.run, &task::path(&task), &task, width);
        lines.iter().map(|it| it.iter().map(|it| it.0.as_str()).collect()).collect()
    }

    #[test]
    fn what_waits_for_a_slot_says_so_and_since_when() {
        let mut task = fixtures::task("load", "queued", Vec::new());
        task.started = Some(fixtures::ago(7_200));
        task.ended = None;
        let first = &told(task, 80)[0];
        assert!(first.contains("queued: waits for a slot   26m   run"), "{first}");
    }

    #[test]
    fn what_is_asked_is_told_whole() {
        let task = fixtures::task("load", "awaiting_approval", Vec::new());
        let lines = told(task, 50);
        assert!(lines[1].contains("asks      load 18.2M rows"), "{lines:?}");
        assert!(lines[2].contains("reports read?"), "{lines:?}");
    }

    #[test]
    fn what_was_undone_cannot_be_undone_and_did_not_succeed() {
        let undo = UndoView {
            state: "rolled_back".to_owned(),
            reason: None,
            started: None,
            ended: None,
            attempts: Vec::new(),
        };
        let mut task = fixtures::task("load", "rolled_back", Vec::new());
        (task.can_undo, task.undo) = (true, Some(undo));
        task.outcome = Some("succeeded".to_owned());
        let first = &told(task, 80)[0];
        assert!(!first.contains("can be undone") && !first.contains("succeeded"), "{first}");
    }

    #[test]
    fn a_cause_does_not_say_its_state_twice_and_a_wait_says_how_to_learn_its_file() {
        let mut task = fixtures::task("load", "held", Vec::new());
        task.reason = Some("held by alice".to_owned());
        assert!(told(task, 80)[0].contains("held: by alice"));
        let mut task = fixtures::task("load", "running", Vec::new());
        (task.kind, task.pool) = ("wait".to_owned(), None);
        assert!(told(task, 80)[0].contains("waits for its file: w says which"));
    }
}
