//! What there is to say of a workflow: what is wrong with it first.

use shared::snapshot::{RunRow, WorkflowRow};

use super::super::detail::{fact, heading, marked, padded, words};
use super::super::runs;
use super::{is_cut, window};
use crate::app::App;
use crate::format;
use crate::needs::pause_text;
use crate::theme::Role;
use crate::widgets::panel::Line;

/// The lines for a pane of `width` columns.
pub(super) fn lines(app: &App, row: &WorkflowRow, width: u16) -> Vec<Line> {
    let theme = app.theme();
    let plain = theme.style(Role::Plain);
    let mut lines = Vec::new();
    lines.extend(state(app, row, width));
    for problem in &row.problems {
        lines.extend(marked(theme.state("broken").glyph, problem, theme.style(Role::Bad), width));
    }
    if let Some(pause) = &row.pause {
        let since = format::when(pause.since, app.now, app.settings.utc_offset);
        let text = format!("since {since} {}", pause_text(app, pause));
        lines.extend(fact(theme, "paused", &text, theme.style(Role::Warn), width));
    }
    if let Some(description) = &row.description {
        lines.extend(words(description, plain, width));
    }
    let tasks = format!(
        "{}, {}",
        format::plural(u64::from(row.tasks), "task"),
        format::plural(u64::from(row.active), "active run")
    );
    let facts = [
        ("owner", row.owner.clone()),
        ("version", row.version.as_ref().map(ToString::to_string)),
        ("has", Some(tasks)),
    ];
    for (name, value) in facts {
        lines.extend(value.iter().flat_map(|it| fact(theme, name, it, plain, width)));
    }
    lines.extend(newest(app, row));
    lines
}

/// What a state other than `ok` and `paused` means for the next run.
fn state(app: &App, row: &WorkflowRow, width: u16) -> Vec<Line> {
    let theme = app.theme();
    let text = match (row.state.as_str(), &row.version) {
        ("broken", Some(version)) => {
            format!("its newest file has errors: new runs still get version {version}")
        }
        ("broken", None) => "its file has errors: it cannot run".to_owned(),
        ("gone", _) => "its file was deleted: it gets no new runs".to_owned(),
        _ => return Vec::new(),
    };
    let mark = theme.state(&row.state);
    marked(mark.glyph, &text, mark.style, width)
}

/// Its newest runs, a line each.
fn newest(app: &App, row: &WorkflowRow) -> Vec<Line> {
    let theme = app.theme();
    let ids = app.states.workflows.last.get(&row.name).map(Vec::as_slice).unwrap_or_default();
    if ids.is_empty() {
        let text = match (app.store.has_runs, is_cut(app)) {
            (false, _) => "the daemon has not told its runs yet".to_owned(),
            (true, true) => format!("none of the newest {} runs is of it", window(app)),
            (true, false) => "it has not run yet".to_owned(),
        };
        return vec![heading(theme, &text)];
    }
    let rows = ids.iter().filter_map(|it| app.store.run_row(*it)).map(|it| run_line(app, it));
    std::iter::once(heading(theme, "newest runs: started, took, cause")).chain(rows).collect()
}

fn run_line(app: &App, row: &RunRow) -> Line {
    let theme = app.theme();
    let plain = theme.style(Role::Plain);
    let mark = theme.state(runs::shown_state(row));
    let at = format::when(row.started.unwrap_or(row.created), app.now, app.settings.utc_offset);
    let took = format::took(row.started, row.ended, app.now);
    let number = padded(&format!("#{}", row.number), 8);
    let word = match runs::shown_state(row) {
        "awaiting_approval" => "approval",
        word => word,
    };
    let word = padded(word, 15);
    let cause = row.reason.as_deref().unwrap_or_default();
    vec![
        (format!("   {} ", mark.glyph), mark.style),
        (format!("{number} "), plain),
        (format!("{word} "), mark.style),
        (format!("{at:<11}  {took:>6}  "), plain),
        (cause.to_owned(), plain),
    ]
}
