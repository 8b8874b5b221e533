//! Commands that change a task of a run: hold, release, skip, mark, requeue, map-width.

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

pub(super) fn release(cx: &mut Cx, asked: args::Release) -> Result<Exit, Error> {
    let client = cx.client()?;
    let run = client.find(&asked.run)?;
    let comment = asked.comment.text;
    let (request, said) = match asked.task {
        Some(task) => {
            let said = format!("{task} is released");
            (Request::Release { run, task: task.as_str().into(), comment }, said)
        }
        None => (Request::ReleaseRun { run, comment }, "is released".to_owned()),
    };
    if asked.dry.plan {
        return plan::execute(cx, &client, request);
    }
    client.request(request)?;
    act::done(cx, &client, run, &said)
}

pub(super) fn map_width(cx: &mut Cx, asked: args::MapWidth) -> Result<Exit, Error> {
    let width = match asked.width.as_str() {
        "auto" => None,
        text => Some(text.parse().map_err(|_| {
            let help = "write a whole number of at least 1, or auto";
            Error::usage(format!("`{text}` is not a number of items"), help)
        })?),
    };
    let client = cx.client()?;
    let run = client.find(&asked.run)?;
    let task = asked.task.as_str().into();
    let request = Request::MapWidth { run, task, width, comment: asked.comment.text };
    if asked.dry.plan {
        return plan::execute(cx, &client, request);
    }
    client.request(request)?;
    let said = width.map_or_else(|| "as many items as fit".to_owned(), |it| format!("{it} items"));
    act::done(cx, &client, run, &format!("{} may run {said} at once", asked.task))
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
