//! Why a run or a task does not go on or ended so, over any screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::request::Refusal;
use shared::why::{Blocker, BlockerKind, Why};

use crate::app::{App, Overlay};
use crate::effect::Effect;
use crate::format;
use crate::input::Ticket;
use crate::key::Key;
use crate::safe::Safe;
use crate::screens;
use crate::target::TaskTarget;
use crate::text;
use crate::theme::{Role, Theme};
use crate::widgets::panel::{self, Line};

/// The question, and its answer once that has come.
#[derive(Debug)]
pub(crate) struct WhyBox {
    ticket: Ticket,
    label: String,
    answer: Option<Result<Why, Refusal>>,
    scrolled: usize,
}

/// Asks about what is selected.
pub(crate) fn ask(app: &mut App) -> Vec<Effect> {
    let target = screens::target(app);
    let Ok(run) = target.run() else { return Vec::new() };
    let task = target.task.as_ref().map(asked);
    let label = match &task {
        Some(task) => format!("{} / {task}", run.label),
        None => run.label.clone(),
    };
    let ticket = app.ticket();
    app.overlay = Some(Overlay::Why(WhyBox { ticket, label, answer: None, scrolled: 0 }));
    vec![Effect::Why(ticket, run.id, task)]
}

/// The task run; its undo where that is what its state is about.
fn asked(task: &TaskTarget) -> String {
    match task.state.as_str() {
        "rolling_back" | "rolled_back" | "rollback_failed" => task.path.clone().undo().to_string(),
        _ => task.path.to_string(),
    }
}

/// Whether an answer is to the question that is open.
pub(crate) fn is_asked(app: &App, ticket: Ticket) -> bool {
    matches!(&app.overlay, Some(Overlay::Why(it)) if it.ticket == ticket)
}

pub(crate) fn told(app: &mut App, answer: Result<Why, Refusal>) -> Vec<Effect> {
    if let Some(Overlay::Why(it)) = &mut app.overlay {
        it.answer = Some(answer);
    }
    Vec::new()
}

pub(crate) fn key(app: &mut App, mut why: WhyBox, key: Key) -> Vec<Effect> {
    match key {
        Key::Down | Key::Char('j') => why.scrolled = why.scrolled.saturating_add(1).min(10_000),
        Key::Up | Key::Char('k') => why.scrolled = why.scrolled.saturating_sub(1),
        Key::PageDown => why.scrolled = why.scrolled.saturating_add(10).min(10_000),
        Key::PageUp => why.scrolled = why.scrolled.saturating_sub(10),
        _ => return Vec::new(),
    }
    app.overlay = Some(Overlay::Why(why));
    Vec::new()
}

pub(crate) fn view(app: &App, why: &WhyBox, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let width = area.width.saturating_sub(8).min(100);
    let lines = match &why.answer {
        None => vec![vec![("asking the daemon…".to_owned(), theme.style(Role::Dim))]],
        Some(Err(refusal)) => {
            let help = refusal.help.clone().unwrap_or_default();
            vec![
                vec![(format!("refused: {}", refusal.message), theme.style(Role::Bad))],
                vec![(help, theme.style(Role::Plain))],
            ]
        }
        Some(Ok(answer)) => lines(app, answer, usize::from(width)),
    };
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height.saturating_sub(4));
    let title = format!("WHY {}", why.label);
    let inner = panel::panel(buf, area, theme, &title, (width, height));
    let last = lines.len().saturating_sub(usize::from(inner.height));
    panel::lines(buf, inner, &lines[why.scrolled.min(last)..]);
}

/// An answer as lines: its state, what is in the way, the same of its tasks, and the end of the log.
pub(crate) fn lines(app: &App, why: &Why, width: usize) -> Vec<Line> {
    let theme = app.theme();
    let mut lines = vec![state(theme, &why.state)];
    lines.extend(why.blockers.iter().flat_map(|it| blocker(app, it, 2, width)));
    for task in &why.tasks {
        let name = task.task.clone().unwrap_or_default();
        let mut head = vec![(format!("  {name}  "), theme.style(Role::Strong))];
        head.extend(state(theme, &task.state));
        lines.push(head);
        lines.extend(task.blockers.iter().flat_map(|it| blocker(app, it, 4, width)));
    }
    if why.more > 0 {
        lines.push(vec![(format!("  and {} more", why.more), theme.style(Role::Dim))]);
    }
    if !why.log_tail.is_empty() {
        lines.push(vec![("  log".to_owned(), theme.style(Role::Strong))]);
        let log = why.log_tail.iter().map(|it| vec![(format!("    {it}"), theme.style(Role::Dim))]);
        lines.extend(log);
    }
    lines
}

fn state(theme: Theme, word: &str) -> Line {
    let mark = theme.state(word);
    vec![(format!("{} {word}", mark.glyph), mark.style)]
}

fn blocker(app: &App, blocker: &Blocker, indent: usize, width: usize) -> Vec<Line> {
    let theme = app.theme();
    let mut text = format::with_clocks(&blocker.text, app.now, app.settings.utc_offset);
    if let Some(since) = blocker.since {
        let span = format::span(app.now.since(since));
        text.push_str(&match blocker.kind {
            BlockerKind::Ended | BlockerKind::Cause => format!(", {span} ago"),
            _ => format!(", for {span}"),
        });
    }
    if let Some(until) = blocker.until {
        let when = format::when(until, app.now, app.settings.utc_offset);
        text.push_str(&format!(", until {when}"));
    }
    let lines = text::wrap(&Safe::line(&text), width.saturating_sub(indent));
    let mut lines: Vec<Line> = lines
        .into_iter()
        .map(|it| vec![(format!("{:indent$}{it}", ""), theme.style(Role::Plain))])
        .collect();
    if !blocker.holders.is_empty() {
        for it in &blocker.holders {
            let since = it.since.map(|at| format!(", for {}", format::span(app.now.since(at))));
            let until = it.until.map(|at| {
                format!(
                    ", until {} at the latest",
                    format::when(at, app.now, app.settings.utc_offset)
                )
            });
            let text =
                format!("{}{}{}", it.name, since.unwrap_or_default(), until.unwrap_or_default());
            let text = format!("{:indent$}  {}", "", Safe::line(&text));
            lines.push(vec![(text, theme.style(Role::Dim))]);
        }
    } else if !blocker.who.is_empty() {
        let who = format!("{:indent$}  {}", "", blocker.who.join(", "));
        lines.push(vec![(who, theme.style(Role::Dim))]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_was_undone_is_asked_about_by_its_undo() {
        let asked = |path: &str, state: &str| {
            super::asked(&TaskTarget { path: path.into(), state: state.to_owned() })
        };
        assert_eq!(asked("load", "rollback_failed"), "undo@load");
        assert_eq!(asked("load:7", "rolled_back"), "undo@load:7");
        assert_eq!(asked("load", "failed"), "load");
    }

    #[test]
    fn what_is_over_is_told_by_when_it_was() {
        let app = crate::fixtures::app(crate::fixtures::busy());
        let told = |kind| {
            let blocker = Blocker {
                kind,
                text: "it failed".to_owned(),
                who: Vec::new(),
                holders: Vec::new(),
                since: Some(crate::fixtures::ago(300)),
                until: None,
            };
            super::blocker(&app, &blocker, 0, 80)[0][0].0.clone()
        };
        assert_eq!(told(BlockerKind::Ended), "it failed, 5m ago");
        assert_eq!(told(BlockerKind::Slots), "it failed, for 5m");
    }
}
