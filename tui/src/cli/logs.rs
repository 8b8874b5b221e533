//! `logs`: what tasks have printed. Bytes as they are where no terminal reads them, made safe where one does.

use std::time::Duration;

use serde_json::json;
use shared::id::{RunId, TaskPath};
use shared::request::RefusalCode;
use shared::rpc::{LogAsk, LogFrom, WAIT_MS_MAX};
use shared::snapshot::TaskView;

use super::{Cx, items, label};
use crate::args::Logs;
use crate::client::Client;
use crate::error::{Error, Exit};
use crate::safe::LogFilter;

pub(super) fn execute(cx: &mut Cx, asked: &Logs) -> Result<Exit, Error> {
    let mut client = cx.client()?;
    let run = client.find(&asked.run)?;
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

/// The logs of every task that has one, each under its name.
fn all(
    cx: &mut Cx,
    client: &mut Client,
    run: RunId,
    from: LogFrom,
    follow: bool,
) -> Result<(), Error> {
    let view = client.show(run, None)?;
    let mut tasks = Vec::new();
    for task in view.tasks.iter().filter(|it| it.pool.is_some()) {
        if task.items.is_empty() {
            tasks.push((task.task.clone(), !task.attempts.is_empty()));
            continue;
        }
        let page = items(client, run, &task.task)?;
        tasks.extend(page.tasks.iter().map(|it| (path(it), !it.attempts.is_empty())));
    }
    if follow {
        let [(task, _)] = tasks.as_slice() else {
            return Err(Error::usage(
                format!("{} has more than one task that can be followed", label(&view)),
                format!("name one: `runyard logs {} TASK -f`", label(&view)),
            ));
        };
        return self::follow(cx, client, run, task, None, from);
    }
    let with_log: Vec<String> =
        tasks.into_iter().filter(|(_, has)| *has).map(|(task, _)| task).collect();
    for task in &with_log {
        if with_log.len() > 1 && !cx.out.json {
            cx.out.line(format!("==> {task} <=="))?;
        }
        let ask = LogAsk { run, task: task.clone(), attempt: None, from, wait_ms: 0 };
        match one(cx, client, &ask) {
            Err(Error::Refused(refusal)) if refusal.code == RefusalCode::NotFound => {}
            other => other.map(drop)?,
        }
    }
    Ok(())
}

fn path(task: &TaskView) -> String {
    let item = task.item.as_deref().map(|it| format!(":{it}")).unwrap_or_default();
    format!("{}{item}", task.task)
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
    let numbers = found.attempts.iter().map(|it| it.attempt).collect();
    Ok((found.state.clone(), numbers, view.seq))
}
