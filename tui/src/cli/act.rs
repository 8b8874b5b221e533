//! Commands that change a run: cancel, retry, priority, approve, reject.

use serde_json::json;
use shared::id::{RunId, TaskPath};
use shared::request::{Answer, Decision, Request, RetryWhat};

use super::run::{read_pairs, read_priority};
use super::{Cx, label, plan};
use crate::args::{Cancel, Edit, Retry};
use crate::client::Client;
use crate::error::{Error, Exit};
use crate::text::Line;

pub(super) fn cancel(cx: &mut Cx, asked: Cancel) -> Result<Exit, Error> {
    let client = cx.client()?;
    let run = client.find(&asked.run)?;
    let request = Request::Cancel { run, now: asked.now, comment: asked.comment.text };
    if asked.dry.plan {
        return plan::execute(cx, &client, request);
    }
    client.request(request)?;
    done(cx, &client, run, "is being cancelled")
}

pub(super) fn retry(cx: &mut Cx, asked: Retry) -> Result<Exit, Error> {
    let client = cx.client()?;
    let run = client.find(&asked.run)?;
    let tasks: Vec<TaskPath> = asked.tasks.iter().map(|it| it.as_str().into()).collect();
    let what = match asked.from {
        Some(task) => RetryWhat::From(task.as_str().into()),
        None if tasks.is_empty() => RetryWhat::Failed,
        None => RetryWhat::Tasks(tasks),
    };
    let (params, comment) = (read_pairs(&asked.params, "param")?, asked.comment.text);
    let request = match asked.latest || !params.is_empty() {
        true => Request::RetryWith { run, what, latest: asked.latest, params, comment },
        false => Request::Retry { run, what, comment },
    };
    if asked.dry.plan {
        return plan::execute(cx, &client, request);
    }
    let Answer::Retried { tasks } = client.request(request)? else {
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

pub(super) fn edit(cx: &mut Cx, asked: Edit) -> Result<Exit, Error> {
    let params = read_pairs(&asked.params, "param")?;
    let client = cx.client()?;
    let run = client.find(&asked.run)?;
    let request = Request::Edit { run, params, comment: asked.comment.text };
    if asked.dry.plan {
        return plan::execute(cx, &client, request);
    }
    client.request(request)?;
    done(cx, &client, run, "its next attempts see the new values")
}

pub(super) fn priority(
    cx: &mut Cx,
    run: &str,
    priority: &str,
    comment: Option<String>,
) -> Result<Exit, Error> {
    let priority = read_priority(priority)?;
    let client = cx.client()?;
    let run = client.find(run)?;
    client.request(Request::Prioritize { run, priority, comment })?;
    done(cx, &client, run, &format!("its priority is {}", priority.0))
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
pub(super) fn done(cx: &mut Cx, client: &Client, run: RunId, what: &str) -> Result<Exit, Error> {
    if cx.out.json {
        cx.out.json(&json!({ "run": run }))?;
        return Ok(Exit::Done);
    }
    let name = client.show(run, None).map_or_else(|_| run.to_string(), |it| label(&it));
    cx.out.note(format!("{name}: {what}"))?;
    Ok(Exit::Done)
}
