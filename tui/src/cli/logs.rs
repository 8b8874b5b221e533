//! `logs`: what tasks have printed. Bytes as they are where no terminal reads them, made safe where one does.

use std::time::Duration;

use serde_json::json;
use shared::id::{RunId, TaskPath};
use shared::request::RefusalCode;
use shared::rpc::{LogAsk, LogFrom, WAIT_MS_MAX};
use shared::snapshot::{RunView, TaskView};

use super::grep::{self, Wanted};
use super::{Cx, items, label};
use crate::args::Logs;
use crate::client::Client;
use crate::error::{Error, Exit};
use console::safe::LogFilter;

pub(super) fn execute(cx: &mut Cx, asked: &Logs) -> Result<Exit, Error> {
    let mut client = cx.client()?;
    let run = client.find(&asked.run)?;
    if let Some(pattern) = &asked.grep {
        let wanted = Wanted { run, attempt: asked.attempt, pattern, tail: asked.tail };
        search(cx, &mut client, &wanted, asked.task.as_deref())?;
        return Ok(Exit::Done);
    }
    let from = asked.tail.map_or(LogFrom::Offset(0), LogFrom::Tail);
    match &asked.task {
        Some(task) => {
            let task = TaskPath::from(task.as_str()).to_string();
            if asked.follow {
                follow(cx, &mut client, run, &task, asked.attempt, from)?;
            } else {
                one(
                    cx,
                    &mut client,
                    &LogAsk { run, task, attempt: asked.attempt, from, wait_ms: 0 },
                )?;
            }
        }
        None => all(cx, &mut client, run, from, asked.follow)?,
    }
    Ok(Exit::Done)
}

/// The lines that match: of one task, or of every task that has a log.
fn search(
    cx: &mut Cx,
    client: &mut Client,
    wanted: &Wanted<'_>,
    task: Option<&str>,
) -> Result<(), Error> {
    if let Some(task) = task {
        return grep::one(cx, client, wanted, &TaskPath::from(task).to_string(), None);
    }
    let view = client.show(wanted.run, None)?;
    let tasks = with_log(client, &view)?;
    for task in &tasks {
        let head = (tasks.len() > 1).then(|| head(task));
        pass_over_missing(grep::one(cx, client, wanted, task, head))?;
    }
    Ok(())
}

/// The logs of every task that has one, each under its name.
fn all(
    cx: &mut Cx,
    client: &mut Client,
    run: RunId,
    from: LogFrom,
    follow: bool,
) -> Result<(), Error> {
    let view = client.show(run, None)?;
    if follow {
        let task = the_only_task(client, &view)?;
        return self::follow(cx, client, run, &task, None, from);
    }
    let tasks = with_log(client, &view)?;
    for task in &tasks {
        if tasks.len() > 1 && !cx.out.json {
            cx.out.line(head(task))?;
        }
        let ask = LogAsk { run, task: task.clone(), attempt: None, from, wait_ms: 0 };
        pass_over_missing(one(cx, client, &ask).map(drop))?;
    }
    Ok(())
}

fn head(task: &str) -> String {
    format!("==> {task} <==")
}

/// A log may be gone, or not be there yet: the others are shown all the same.
fn pass_over_missing(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::Refused(refusal)) if refusal.code == RefusalCode::NotFound => Ok(()),
        other => other,
    }
}

/// The tasks and items of a run whose attempts are processes.
fn with_process(client: &Client, view: &RunView) -> Result<Vec<TaskView>, Error> {
    let mut tasks = Vec::new();
    for task in view.tasks.iter().filter(|it| it.pool.is_some()) {
        if task.items.is_empty() {
            tasks.push(task.clone());
        } else {
            tasks.extend(items(client, view.id, &task.task)?.tasks);
        }
    }
    Ok(tasks)
}

/// The paths of all that has a log: each task, and its undo after it.
fn with_log(client: &Client, view: &RunView) -> Result<Vec<String>, Error> {
    let mut paths = Vec::new();
    for task in with_process(client, view)? {
        let path = path(&task);
        if !task.attempts.is_empty() {
            paths.push(path.to_string());
        }
        if task.undo.is_some_and(|it| !it.attempts.is_empty()) {
            paths.push(path.undo().to_string());
        }
    }
    Ok(paths)
}

fn the_only_task(client: &Client, view: &RunView) -> Result<String, Error> {
    match with_process(client, view)?.as_slice() {
        [task] => Ok(path(task).to_string()),
        _ => Err(Error::usage(
            format!("{} has more than one task that can be followed", label(view)),
            format!("name one: `runyard logs {} TASK -f`", label(view)),
        )),
    }
}

fn path(task: &TaskView) -> TaskPath {
    let item = task.item.as_deref().map(Into::into);
    TaskPath { task: task.task.as_str().into(), item, undo: false }
}

/// The log of one attempt, to its end where `wait_ms` lets it wait, else as far as it is there. Gives the attempt's number.
fn one(cx: &mut Cx, client: &mut Client, ask: &LogAsk) -> Result<u32, Error> {
    let mut filter = LogFilter::default();
    let mut ask = ask.clone();
    loop {
        let chunk = client.patiently(|it| it.log(ask.clone()))?;
        ask.attempt = Some(chunk.attempt);
        ask.from = LogFrom::Offset(chunk.offset + chunk.bytes.len() as u64);
        if cx.out.json {
            if !chunk.bytes.is_empty() {
                let text = String::from_utf8_lossy(&chunk.bytes);
                cx.out.json_line(&json!({
                    "task": ask.task, "attempt": chunk.attempt, "offset": chunk.offset, "text": text,
                }))?;
            }
        } else if cx.out.terminal {
            cx.out.log(&filter.push(&chunk.bytes))?;
        } else {
            cx.out.raw(&chunk.bytes)?;
        }
        cx.out.flush()?;
        if chunk.end || (chunk.bytes.is_empty() && ask.wait_ms == 0) {
            cx.out.log(&filter.finish())?;
            return Ok(chunk.attempt);
        }
    }
}

/// The log of an attempt as it grows; without a given one, of each attempt as it comes, until the task is over.
fn follow(
    cx: &mut Cx,
    client: &mut Client,
    run: RunId,
    task: &str,
    attempt: Option<u32>,
    from: LogFrom,
) -> Result<(), Error> {
    let ask =
        |attempt, from| LogAsk { run, task: task.to_owned(), attempt, from, wait_ms: WAIT_MS_MAX };
    if attempt.is_some() {
        return one(cx, client, &ask(attempt, from)).map(drop);
    }
    let mut next = later_attempt(client, run, task, None)?;
    let mut from = from;
    while let Some(attempt) = next {
        let shown = one(cx, client, &ask(Some(attempt), from))?;
        from = LogFrom::Offset(0);
        next = later_attempt(client, run, task, Some(shown))?;
    }
    Ok(())
}

/// Waits for the next attempt of a task after `shown`: the newest where none was shown, none where the task is over.
fn later_attempt(
    client: &mut Client,
    run: RunId,
    task: &str,
    shown: Option<u32>,
) -> Result<Option<u32>, Error> {
    let wait = Duration::from_millis(WAIT_MS_MAX.into());
    loop {
        let (state, numbers, seq) = client.patiently(|it| attempts(it, run, task))?;
        let later = match shown {
            None => numbers.last().copied(),
            Some(shown) => numbers.into_iter().find(|it| *it > shown),
        };
        if later.is_some() || is_over(&state) {
            return Ok(later);
        }
        let page = client.patiently(|it| it.events(run, seq, wait))?;
        if page.over && page.events.is_empty() {
            return Ok(None);
        }
    }
}

fn is_over(state: &str) -> bool {
    matches!(state, "succeeded" | "failed" | "skipped" | "upstream_failed" | "cancelled")
        || matches!(state, "rolling_back" | "rolled_back" | "rollback_failed")
}

type Attempts = (String, Vec<u32>, shared::id::Seq);

fn attempts(client: &Client, run: RunId, task: &str) -> Result<Attempts, Error> {
    let path = TaskPath::from(task);
    let view = match &path.item {
        None => client.show(run, None)?,
        Some(_) => items(client, run, path.task.as_str())?,
    };
    let item = path.item.as_ref().map(|it| it.as_str());
    let found =
        view.tasks.iter().find(|it| it.task == path.task.as_str() && it.item.as_deref() == item);
    let found = found.ok_or_else(|| {
        Error::not_found(
            format!("{} has no task `{task}`", label(&view)),
            format!("`runyard show {}` lists its tasks", label(&view)),
        )
    })?;
    let (state, attempts) = match (&found.undo, path.undo) {
        (Some(undo), true) => (undo.state.as_str(), undo.attempts.as_slice()),
        (None, true) => ("pending", [].as_slice()),
        (_, false) => (found.state.as_str(), found.attempts.as_slice()),
    };
    let numbers = attempts.iter().map(|it| it.attempt).collect();
    Ok((state.to_owned(), numbers, view.seq))
}
