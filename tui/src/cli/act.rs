//! Commands that change a run: cancel, retry, approve, reject.

use serde_json::json;
use shared::id::{RunId, TaskPath};
use shared::request::{Answer, Decision, Request, RetryWhat};

use super::{Cx, label};
use crate::args::Retry;
use crate::client::Client;
use crate::error::{Error, Exit};
use crate::text::Line;

pub(super) fn cancel(
    cx: &mut Cx,
    run: &str,
    now: bool,
    comment: Option<String>,
) -> Result<Exit, Error> {
    let client = cx.client()?;
    let run = client.find(run)?;
    client.request(Request::Cancel { run, now, comment })?;
    done(cx, &client, run, "is being cancelled")
}

pub(super) fn retry(cx: &mut Cx, retry: Retry) -> Result<Exit, Error> {
    let client = cx.client()?;
    let run = client.find(&retry.run)?;
    let tasks: Vec<TaskPath> = retry.tasks.iter().map(|it| it.as_str().into()).collect();
    let what = match retry.from {
        Some(task) => RetryWhat::From(task.as_str().into()),
        None if tasks.is_empty() => RetryWhat::Failed,
        None => RetryWhat::Tasks(tasks),
    };
    let answer = client.request(Request::Retry { run, what, comment: retry.comment })?;
    let Answer::Retried { tasks } = answer else {
        return done(cx, &client, run, "runs again");
    };
    if cx.out.json {
        cx.out.json(&json!({ "run": run, "tasks": tasks }))?;
        return Ok(Exit::Done);
    }
    cx.out.note(Line::from("these run again:"))?;
    cx.out.lines(tasks.iter().map(|it| Line::from("  ").and(it)))?;
    Ok(Exit::Done)
}

pub(super) fn approve(
    cx: &mut Cx,
    run: &str,
    task: &str,
    comment: Option<String>,
) -> Result<Exit, Error> {
    decide(cx, run, task, Decision::Approve, comment)
}

pub(super) fn reject(cx: &mut Cx, run: &str, task: &str, comment: String) -> Result<Exit, Error> {
    if comment.trim().is_empty() {
        return Err(Error::usage("the comment is empty", "say why: --comment \"the sums differ\""));
    }
    decide(cx, run, task, Decision::Reject, Some(comment))
}

fn decide(
    cx: &mut Cx,
    run: &str,
    task: &str,
    decision: Decision,
    comment: Option<String>,
) -> Result<Exit, Error> {
    let client = cx.client()?;
    let run = client.find(run)?;
    client.request(Request::Decide { run, task: task.into(), decision, comment })?;
    let word = match decision {
        Decision::Approve => "approved",
        Decision::Reject => "rejected",
    };
    done(cx, &client, run, &format!("{task} is {word}"))
}

/// Says that it is done: it is on disk, whatever becomes of the sentence.
fn done(cx: &mut Cx, client: &Client, run: RunId, what: &str) -> Result<Exit, Error> {
    if cx.out.json {
        cx.out.json(&json!({ "run": run }))?;
        return Ok(Exit::Done);
    }
    let name = client.show(run, None).map_or_else(|_| run.to_string(), |it| label(&it));
    cx.out.note(format!("{name}: {what}"))?;
    Ok(Exit::Done)
}
