//! Commands that change a task of a run: hold, release, skip, mark, requeue.

use shared::id::{RunId, TaskPath};
use shared::request::{Mark, Request};

use super::run::read_pairs;
use super::{Cx, act, plan};
use crate::args::{self, OnTask};
use crate::error::{Error, Exit};

pub(super) fn hold(cx: &mut Cx, on: OnTask) -> Result<Exit, Error> {
    execute(cx, on, "is held until it is released", |run, task, comment| Request::Hold {
        run,
        task,
        comment,
    })
}

pub(super) fn release(
    cx: &mut Cx,
    run: &str,
    task: &str,
    comment: Option<String>,
) -> Result<Exit, Error> {
    let client = cx.client()?;
    let run = client.find(run)?;
    client.request(Request::Release { run, task: task.into(), comment })?;
    act::done(cx, &client, run, &format!("{task} is released"))
}

pub(super) fn skip(cx: &mut Cx, on: OnTask) -> Result<Exit, Error> {
    execute(cx, on, "is skipped", |run, task, comment| Request::Skip { run, task, comment })
}

pub(super) fn mark(cx: &mut Cx, asked: args::Mark) -> Result<Exit, Error> {
    let outputs = read_pairs(&asked.outputs, "output")?;
    let (mark, said) = match (asked.failed, asked.undone) {
        (true, _) => (Mark::Failed, "is marked as failed"),
        (_, true) => (Mark::Undone, "is marked as undone"),
        _ => (Mark::Success { outputs }, "is marked as succeeded"),
    };
    execute(cx, asked.on, said, |run, task, comment| Request::Mark { run, task, mark, comment })
}

pub(super) fn requeue(cx: &mut Cx, on: OnTask) -> Result<Exit, Error> {
    execute(cx, on, "is stopped, and waits in the queue again", |run, task, comment| {
        Request::Requeue { run, task, comment }
    })
}

fn execute(
    cx: &mut Cx,
    on: OnTask,
    said: &str,
    request: impl FnOnce(RunId, TaskPath, Option<String>) -> Request,
) -> Result<Exit, Error> {
    let client = cx.client()?;
    let run = client.find(&on.run)?;
    let request = request(run, on.task.as_str().into(), on.comment.text);
    if on.dry.plan {
        return plan::execute(cx, &client, request);
    }
    client.request(request)?;
    act::done(cx, &client, run, &format!("{} {said}", on.task))
}
