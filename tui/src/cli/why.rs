//! `why`: everything in the way, or why it ended so.

use shared::why::{Blocker, BlockerKind, Holder, Why};

use super::Cx;
use crate::error::{Error, Exit};
use crate::format::{View, plural};
use crate::text::{Line, Style};
use crate::theme;

/// What has something else in its way than others, so many times; then it is counted, so that all fits on a screen.
const GROUPS_MAX: usize = 6;
/// So many names of those that have the same in their way.
const NAMES_MAX: usize = 8;

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
    let groups = groups(&ahead);
    for (task, names) in groups.iter().take(GROUPS_MAX) {
        lines.push(Line::new());
        lines.extend(part(task, view, "  "));
        if !names.is_empty() {
            lines.push(Line::from("    the same: ").and(listed(names)));
        }
    }
    let left: usize = groups.iter().skip(GROUPS_MAX).map(|(_, names)| 1 + names.len()).sum();
    let left = left + why.more as usize;
    if left > 0 {
        lines.push(Line::new());
        let noun = if why.task.is_some() { "item" } else { "task" };
        lines.push(Line::from("  and ").and(plural(left as u64, noun)).and(" more"));
    }
    if !behind.is_empty() {
        let names: Vec<&str> = behind.iter().filter_map(|it| it.task.as_deref()).collect();
        lines.push(Line::new());
        lines.push(Line::from("  behind these: ").and(listed(&names)));
    }
    if !why.log_tail.is_empty() {
        lines.push(Line::new());
        lines.push(Line::new().styled(Style::Dim, "the last lines of its log:"));
        lines.extend(why.log_tail.iter().map(|it| Line::new().styled(Style::Dim, "  │ ").and(it)));
    }
    lines
}

/// Tasks with the same in their way are told once, with the names of the others.
fn groups<'a>(tasks: &[&'a Why]) -> Vec<(&'a Why, Vec<&'a str>)> {
    let mut groups: Vec<(&Why, Vec<&str>)> = Vec::new();
    for task in tasks {
        let is_same = |(other, _): &&mut (&Why, Vec<&str>)| {
            let texts = |it: &Why| {
                it.blockers
                    .iter()
                    .filter(|it| it.kind != BlockerKind::Queue)
                    .map(|it| it.text.clone())
                    .collect::<Vec<_>>()
            };
            other.state == task.state && task.tasks.is_empty() && texts(other) == texts(task)
        };
        match (groups.iter_mut().find(is_same), task.task.as_deref()) {
            (Some((_, names)), Some(name)) => names.push(name),
            _ => groups.push((task, Vec::new())),
        }
    }
    groups
}

/// The first of some names, and how many more there are.
fn listed(names: &[&str]) -> String {
    match names.len() {
        0..=NAMES_MAX => names.join(", "),
        all => format!("{} and {} more", names[..NAMES_MAX].join(", "), all - NAMES_MAX),
    }
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
        if !blocker.holders.is_empty() {
            let held = blocker.holders.iter().map(|it| held(it, view));
            lines.extend(held.map(|it| Line::from(indent).and("      ").styled(Style::Dim, it)));
        }
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

/// `load#412 extract, for 3m, until 02:30 at the latest`.
fn held(holder: &Holder, view: &View) -> String {
    let since = holder.since.map(|it| format!(", for {}", view.took(Some(it), None)));
    let until = holder.until.map(|it| format!(", until {} at the latest", view.clock(it)));
    format!("{}{}{}", holder.name, since.unwrap_or_default(), until.unwrap_or_default())
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
