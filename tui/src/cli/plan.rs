//! `--plan`: what would follow from a request, without carrying it out. Source: semantics, rule 11.

use shared::plan::{Plan, Tasks};
use shared::request::Request;

use super::Cx;
use crate::client::Client;
use crate::error::{Error, Exit};
use crate::format::{View, plural};
use crate::text::{Line, Style};

/// Prints the plan of a request, and changes nothing.
pub(super) fn execute(cx: &mut Cx, client: &Client, request: Request) -> Result<Exit, Error> {
    let plan = client.plan(request)?;
    cx.answer(&plan, lines)
}

/// A plan as a list: what it would do with how many, and which.
pub(super) fn lines(plan: &Plan, view: &View) -> Vec<Line> {
    let count = |tasks: &Tasks, noun| plural(tasks.count.into(), noun);
    let parts = [
        (format!("would stop {}", plan.stop.count), &plan.stop, Style::Warn),
        (format!("would undo {}", plan.undo.count), &plan.undo, Style::Warn),
        (format!("cannot undo {}", plan.not_undone.count), &plan.not_undone, Style::Bad),
        (format!("would run {}", plan.run.count), &plan.run, Style::Busy),
        (format!("would not start {}", plan.drop.count), &plan.drop, Style::Warn),
        (format!("would void {}", count(&plan.void, "approval")), &plan.void, Style::Warn),
        (format!("would have {} wait", plan.wait.count), &plan.wait, Style::Plain),
        (format!("{} will have ended", plan.finish.count), &plan.finish, Style::Plain),
        (
            format!("{} will not have ended, as far as is known", plan.outlast.count),
            &plan.outlast,
            Style::Bad,
        ),
        (format!("would have {} wait", count(&plan.runs, "run")), &plan.runs, Style::Plain),
        (format!("would keep {}", plan.keep.count), &plan.keep, Style::Dim),
    ];
    let mut lines = Vec::new();
    if let Some(label) = &plan.label {
        lines.push(Line::new().styled(Style::Bold, label));
    }
    let there = parts.iter().filter(|(_, tasks, _)| tasks.count > 0);
    lines.extend(there.flat_map(|(head, tasks, style)| part(head, tasks, *style, view.width)));
    if plan.size() == 0 && plan.void.count == 0 {
        lines.push("would change nothing that runs or is to run".into());
    }
    lines.extend(plan.notes.iter().map(|it| Line::new().styled(Style::Bold, "note: ").and(it)));
    lines
}

/// `would undo 4: publish, dashboards:East …`, in as many lines as the names take.
fn part(head: &str, tasks: &Tasks, style: Style, width: Option<usize>) -> Vec<Line> {
    const INDENT: &str = "  ";
    let mut names = tasks.names.clone();
    let unnamed = tasks.count.saturating_sub(u32::try_from(names.len()).unwrap_or(u32::MAX));
    if unnamed > 0 {
        names.push(format!("and {unnamed} more"));
    }
    let last = names.len().saturating_sub(1);
    let mut lines = Vec::new();
    let mut line = Line::new().styled(style, format!("{head}:"));
    for (at, name) in names.iter().enumerate() {
        let word = Line::from(format!("{name}{}", if at == last { "" } else { "," }));
        if width.is_some_and(|it| line.width() + 1 + word.width() > it) && line.width() > 2 {
            lines.push(std::mem::replace(&mut line, Line::from(INDENT).join(word)));
        } else {
            line = line.and(" ").join(word);
        }
    }
    lines.push(line);
    lines
}
