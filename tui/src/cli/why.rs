//! `why`: everything in the way, or why it ended so.

use shared::why::{Blocker, BlockerKind, Why};

use super::Cx;
use crate::error::{Error, Exit};
use crate::format::View;
use crate::text::{Line, Style};
use crate::theme;

pub(super) fn execute(cx: &mut Cx, run: &str, task: Option<String>) -> Result<Exit, Error> {
    let client = cx.client()?;
    let id = client.find(run)?;
    let why = client.why(id, task)?;
    cx.answer(&why, lines)
}

/// The answer as a list, with the tasks beneath.
pub(crate) fn lines(why: &Why, view: &View) -> Vec<Line> {
    let mut lines = part(why, view, "");
    // What only waits for others is named, so that what holds them all up stays on the screen.
    let (behind, ahead): (Vec<&Why>, Vec<&Why>) =
        why.tasks.iter().partition(|it| waits_for_needs(it));
    for task in ahead {
        lines.push(Line::new());
        lines.extend(part(task, view, "  "));
    }
    if !behind.is_empty() {
        let names: Vec<&str> = behind.iter().filter_map(|it| it.task.as_deref()).collect();
        lines.push(Line::new());
        lines.push(Line::from("  behind these: ").and(names.join(", ")));
    }
    if !why.log_tail.is_empty() {
        lines.push(Line::new());
        lines.push(Line::new().styled(Style::Dim, "the last lines of its log:"));
        lines.extend(why.log_tail.iter().map(|it| Line::new().styled(Style::Dim, "  │ ").and(it)));
    }
    lines
}

fn waits_for_needs(why: &Why) -> bool {
    !why.blockers.is_empty() && why.blockers.iter().all(|it| it.kind == BlockerKind::Needs)
}

fn part(why: &Why, view: &View, indent: &str) -> Vec<Line> {
    let name = why.task.clone().unwrap_or_else(|| why.label.clone());
    let head =
        Line::from(indent).styled(Style::Bold, name).and("  ").join(theme::state(&why.state));
    let mut lines = vec![head];
    if why.blockers.is_empty() && why.tasks.is_empty() {
        lines.push(Line::from(indent).and("  nothing is in its way"));
    }
    for blocker in &why.blockers {
        lines.push(
            Line::from(indent)
                .and("  · ")
                .and(&blocker.text)
                .styled(Style::Dim, times(blocker, view)),
        );
        // Mostly the sentence names them already.
        let who: Vec<&str> = blocker
            .who
            .iter()
            .map(String::as_str)
            .filter(|it| !blocker.text.contains(it))
            .collect();
        if !who.is_empty() {
            lines.push(Line::from(indent).and("    ").and(who.join(", ")));
        }
    }
    lines
}

fn times(blocker: &Blocker, view: &View) -> String {
    let since = blocker.since.map(|it| format!("since {}", view.time(it)));
    let until = blocker.until.map(|it| format!("until {}, {}", view.time(it), view.age(it)));
    match (since, until) {
        (None, None) => String::new(),
        (Some(one), None) | (None, Some(one)) => format!(" ({one})"),
        (Some(since), Some(until)) => format!(" ({since}, {until})"),
    }
}
