//! `show`: a run, one of its tasks, or the items of one.

use shared::id::TaskPath;
use shared::snapshot::{AttemptView, RollbackView, RunView, TaskView, UndoView};

use super::{Cx, items, label, pause};
use crate::error::{Error, Exit};
use crate::format::{View, size, value};
use crate::text::{Align, Line, Style, Table};
use crate::theme;

pub(super) fn execute(cx: &mut Cx, run: &str, task: Option<&str>) -> Result<Exit, Error> {
    let client = cx.client()?;
    let id = client.find(run)?;
    let Some(task) = task else {
        let view = client.show(id, None)?;
        return cx.answer(&view, run_lines);
    };
    let path = TaskPath::from(task);
    let mut view = match &path.item {
        None => client.show(id, None)?,
        Some(_) => items(&client, id, path.task.as_str())?,
    };
    let wanted = path.item.as_ref().map(|it| it.as_str());
    let names = view.tasks.iter().map(|it| it.task.as_str());
    let near = shared::diagnostic::nearest(path.task.as_str(), names).map(str::to_owned);
    view.tasks.retain(|it| match wanted {
        Some("*") => true,
        Some(_) => it.item.as_deref() == wanted,
        None => it.task == path.task.as_str(),
    });
    if view.tasks.is_empty() {
        return Err(Error::not_found(
            format!("{} has no task `{path}`", label(&view)),
            match near {
                Some(near) if path.item.is_none() => format!("did you mean `{near}`?"),
                _ => format!("`runyard show {}` lists its tasks", label(&view)),
            },
        ));
    }
    if path.undo && wanted != Some("*") && view.tasks.iter().all(|it| it.undo.is_none()) {
        let can = view.tasks.iter().any(|it| it.can_undo);
        return Err(Error::not_found(
            format!("{}: there is no `{path}`", label(&view)),
            match can {
                true => {
                    format!("it has not been undone: `runyard rollback {} --plan`", label(&view))
                }
                false => "the task has no `rollback` in its workflow".to_owned(),
            },
        ));
    }
    match wanted {
        Some("*") => cx.answer(&view, task_table),
        _ if path.undo => cx.answer(&view, |run, view| {
            run.tasks.iter().flat_map(|it| undo_lines(it, view)).collect()
        }),
        _ => cx.answer(&view, |run, view| {
            run.tasks.iter().flat_map(|it| task_lines(it, view)).collect()
        }),
    }
}

/// The page of a run, and what would move it on.
pub(super) fn run_lines(run: &RunView, view: &View) -> Vec<Line> {
    let mut lines = page(run, view);
    let next = next_steps(run);
    if !next.is_empty() {
        lines.push(Line::new());
        lines.extend(next);
    }
    let width = view.width.unwrap_or(usize::MAX);
    lines.into_iter().map(|it| it.cut(width)).collect()
}

/// The page of a run.
pub(super) fn page(run: &RunView, view: &View) -> Vec<Line> {
    let mut lines = vec![title(run, view)];
    let mut fact = |name: &str, text: String| {
        lines.push(Line::new().styled(Style::Dim, format!("  {name:<9}")).and(text));
    };
    fact("id", format!("{}, version {:.12}", run.id, run.version));
    let causes = format!("by {} ({}), priority {}", run.actor, run.trigger, run.priority);
    fact("made", format!("{}, {}", view.time(run.created), causes));
    if let Some(ended) = run.ended {
        fact("ended", format!("{}, {}", view.time(ended), view.age(ended)));
    }
    if let Some(owner) = &run.owner {
        fact("owner", owner.clone());
    }
    if let Some(interval) = run.interval {
        fact("interval", format!("{}/{}", view.time(interval.start), view.time(interval.end)));
    }
    let is_told = |reason: &&String| run.pause.is_some() && reason.starts_with("paused by");
    if let Some(reason) = run.reason.as_ref().filter(|it| !is_told(it)) {
        fact("reason", reason.clone());
    }
    if let Some(at) = run.times_out {
        let left = std::time::Duration::from_secs(at.since(view.now).as_secs());
        let left = shared::time::format_duration(left);
        fact("timeout", format!("run timeout in {left}, {}", view.time(at)));
    }
    if let Some(it) = &run.pause {
        let [until, since] = pause::words(it, view);
        fact("paused", until);
        fact("", since);
    }
    if let Some(it) = &run.rollback {
        let [counts, by] = rollback(it, view);
        fact("rollback", counts);
        fact("", by);
    }
    for (at, (name, given)) in run.params.iter().enumerate() {
        fact(if at == 0 { "params" } else { "" }, format!("{name}={}", value(given)));
    }
    lines.push(Line::new());
    lines.extend(task_table(run, view));
    let width = view.width.unwrap_or(usize::MAX);
    lines.into_iter().map(|it| it.cut(width)).collect()
}

fn title(run: &RunView, view: &View) -> Line {
    let title =
        Line::new().styled(Style::Bold, label(run)).and("  ").join(theme::state(&run.state));
    let took = view.took(run.started, run.ended);
    match (took.is_empty(), run.ended.is_some()) {
        (true, _) => title,
        (_, true) => title.and(format!(" in {took}")),
        (_, false) => title.and(format!(" for {took}")),
    }
}

/// How far a rollback is; in a second line who has asked for it, when and why.
fn rollback(rollback: &RollbackView, view: &View) -> [String; 2] {
    let comment = rollback.comment.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
    let counts: Vec<String> =
        rollback.counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let counts = if counts.is_empty() { "nothing to undo".to_owned() } else { counts.join(", ") };
    [counts, format!("by {}, {}{comment}", rollback.by, view.time(rollback.at))]
}

/// The tasks of a run, or the items of a task.
fn task_table(run: &RunView, view: &View) -> Vec<Line> {
    if run.tasks.is_empty() {
        return vec!["no tasks".into()];
    }
    let mut table = Table::new(&[
        ("TASK", Align::Left, 30),
        ("STATE", Align::Left, 20),
        ("TOOK", Align::Right, 7),
        ("ATTEMPTS", Align::Right, 8),
        ("NOTE", Align::Left, 200),
    ]);
    for task in &run.tasks {
        let tries = task.attempts.len();
        table.row([
            name(task).into(),
            theme::state(&task.state),
            view.took(task.started, task.ended).into(),
            if tries == 0 { Line::new() } else { tries.to_string().into() },
            note(task),
        ]);
    }
    table.lines(view.width)
}

fn name(task: &TaskView) -> String {
    let item = task.item.as_deref().map(|it| format!(":{it}")).unwrap_or_default();
    format!("{}{item}", task.task)
}

fn note(task: &TaskView) -> Line {
    let mut notes = Vec::new();
    if !task.items.is_empty() {
        notes.push(theme::counts(&task.items));
    }
    if !task.tasks.is_empty() {
        notes.push(theme::counts(&task.tasks));
    }
    match (&task.reason, &task.outcome) {
        (Some(reason), _) => notes.push(reason.as_str().into()),
        (None, Some(outcome)) if *outcome != task.state && task.undo.is_none() => {
            notes.push(outcome.as_str().into())
        }
        _ => {}
    }
    notes.extend(task.undo.as_ref().and_then(|it| undo(it, &task.state)));
    notes.extend(
        task.warnings.iter().map(|it| Line::new().styled(Style::Warn, format!("warning: {it}"))),
    );
    if task.finally {
        notes.push(Line::new().styled(Style::Dim, "finally"));
    }
    notes.into_iter().reduce(|all, it| all.and("; ").join(it)).unwrap_or_default()
}

/// How far the undo of a task in this state is, and why, where the state does not say it.
fn undo(undo: &UndoView, state: &str) -> Option<Line> {
    let word = match undo.state == state {
        true => Line::from("undo"),
        false => Line::from("undo ").join(theme::state(&undo.state)),
    };
    match &undo.reason {
        Some(reason) => Some(word.and(": ").and(reason)),
        None => (undo.state != state).then_some(word),
    }
}

/// The page of the undo of a task.
pub(super) fn undo_lines(task: &TaskView, view: &View) -> Vec<Line> {
    let Some(undo) = &task.undo else { return Vec::new() };
    let head = Line::new().styled(Style::Bold, format!("undo@{}", name(task)));
    let mut lines = vec![head.and("  ").join(theme::state(&undo.state))];
    let took = view.took(undo.started, undo.ended);
    let facts = [("took", Some(took).filter(|it| !it.is_empty())), ("note", undo.reason.clone())];
    for (name, text) in facts {
        let line = Line::new().styled(Style::Dim, format!("  {name:<9}"));
        lines.extend(text.map(|it| line.and(it)));
    }
    // Of a mapped task it is one of many.
    if !task.items.is_empty() {
        let line = Line::new().styled(Style::Dim, format!("  {:<9}", "items"));
        lines.push(line.join(theme::counts(&task.items)));
    } else if !undo.attempts.is_empty() {
        lines.push(Line::new());
        lines.extend(attempt_table(&undo.attempts, view));
    }
    lines
}

/// The page of one task.
pub(super) fn task_lines(task: &TaskView, view: &View) -> Vec<Line> {
    let head =
        Line::new().styled(Style::Bold, name(task)).and("  ").join(theme::state(&task.state));
    let mut lines = vec![head];
    let mut fact = |name: &str, text: Line| {
        lines.push(Line::new().styled(Style::Dim, format!("  {name:<9}")).join(text));
    };
    fact("kind", task.kind.as_str().into());
    if let Some(pool) = &task.pool {
        fact("pool", pool.as_str().into());
    }
    if !task.needs.is_empty() {
        fact("needs", task.needs.join(", ").into());
    }
    let note = note(task);
    if note != Line::new() {
        fact("note", note);
    }
    for (at, (name, given)) in task.outputs.iter().enumerate() {
        fact(if at == 0 { "outputs" } else { "" }, format!("{name}={}", value(given)).into());
    }
    if !task.attempts.is_empty() {
        lines.push(Line::new());
        lines.extend(attempt_table(&task.attempts, view));
    }
    lines
}

fn attempt_table(attempts: &[AttemptView], view: &View) -> Vec<Line> {
    let mut table = Table::new(&[
        ("TRY", Align::Right, 5),
        ("OUTCOME", Align::Left, 24),
        ("STARTED", Align::Left, 26),
        ("TOOK", Align::Right, 7),
        ("MEMORY", Align::Right, 10),
        ("LOG", Align::Right, 10),
        ("REASON", Align::Left, 200),
    ]);
    for attempt in attempts {
        table.row([
            attempt.attempt.to_string().into(),
            attempt.outcome.as_deref().map_or_else(|| theme::state("running"), Line::from),
            attempt.started.map(|it| view.time(it)).unwrap_or_default().into(),
            view.took(attempt.started, attempt.ended).into(),
            attempt.max_rss.map(size).unwrap_or_default().into(),
            attempt.log_bytes.map(size).unwrap_or_default().into(),
            attempt.reason.as_deref().unwrap_or_default().into(),
        ]);
    }
    table.lines(view.width)
}

/// The commands that would move it on.
fn next_steps(run: &RunView) -> Vec<Line> {
    let label = label(run);
    let step = |text: String| Line::new().styled(Style::Bold, "next: ").and(text);
    let mut steps: Vec<Line> = run
        .tasks
        .iter()
        .filter(|it| it.state == "awaiting_approval")
        .map(|it| step(format!("runyard approve {label} {}", name(it))))
        .collect();
    let held = run.tasks.iter().filter(|it| it.state == "held");
    steps.extend(held.map(|it| match it.attempts.is_empty() {
        true => step(format!("runyard release {label} {}", name(it))),
        false => step(format!("runyard retry {label} --task {}", name(it))),
    }));
    if run.pause.is_some() {
        steps.push(step(format!("runyard resume {label}")));
    }
    for task in run.tasks.iter().filter(|it| undo_failed(it)) {
        let name = name(task);
        if task.items.is_empty() {
            steps.push(step(format!("runyard why {label} undo@{name}")));
            steps.push(step(format!("runyard rollback {label} --retry {name}")));
        } else {
            steps.push(step(format!("runyard show {label} '{name}:*'")));
        }
    }
    if run.state == "failed" {
        steps.push(step(format!("runyard why {label}")));
        steps.push(step(format!("runyard retry {label}")));
        if run.tasks.iter().any(|it| it.can_undo && it.state == "succeeded") {
            steps.push(step(format!("runyard rollback {label} --plan")));
        }
    } else if run.state == "queued" {
        steps.push(step(format!("runyard why {label}")));
    }
    steps
}

fn undo_failed(task: &TaskView) -> bool {
    task.undo.as_ref().is_some_and(|it| it.state == "rollback_failed")
}
