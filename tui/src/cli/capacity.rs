//! Commands that change how much there is, and what it is for: drain, resize, deadline.

use serde_json::json;
use shared::request::{PauseWhat, Request};

use super::pause::read_until;
use super::{Cx, act, plan};
use crate::args::{DrainBy, ResourceCommand, Size};
use crate::error::{Error, Exit};

/// Starts nothing more, and says what will have ended by then.
pub(super) fn drain(cx: &mut Cx, what: PauseWhat, asked: DrainBy) -> Result<Exit, Error> {
    let view = cx.view();
    let by = read_until(asked.by.as_deref(), view.now)?;
    let client = cx.client()?;
    let request = Request::Drain { what, by, comment: asked.comment.text };
    if asked.dry.plan {
        return plan::execute(cx, &client, request);
    }
    let plan = client.plan(request.clone())?;
    client.request(request)?;
    cx.answer(&plan, plan::lines)
}

pub(super) fn resize(cx: &mut Cx, pool: &str, size: Size) -> Result<Exit, Error> {
    let client = cx.client()?;
    let (slots, comment) = (size.size, size.comment.text);
    client.request(Request::ResizePool { pool: pool.into(), slots, comment })?;
    if cx.out.json {
        cx.out.json(&json!({ "pool": pool, "slots": slots }))?;
        return Ok(Exit::Done);
    }
    cx.out.note(match slots {
        Some(slots) => format!("pool {pool} has {slots} slots; what runs goes on"),
        None => format!("pool {pool} has as many slots as its configuration says"),
    })?;
    Ok(Exit::Done)
}

pub(super) fn resource(cx: &mut Cx, command: ResourceCommand) -> Result<Exit, Error> {
    let ResourceCommand::Set { resource, size } = command;
    let client = cx.client()?;
    let (amount, comment) = (size.size, size.comment.text);
    let name = resource.as_str().into();
    client.request(Request::ResizeResource { resource: name, amount, comment })?;
    if cx.out.json {
        cx.out.json(&json!({ "resource": resource, "amount": amount }))?;
        return Ok(Exit::Done);
    }
    cx.out.note(match amount {
        Some(amount) => format!("there is {amount} of {resource}; what holds it goes on"),
        None => format!("there is as much of {resource} as the configuration says"),
    })?;
    Ok(Exit::Done)
}

pub(super) fn deadline(
    cx: &mut Cx,
    run: &str,
    by: &str,
    comment: Option<String>,
) -> Result<Exit, Error> {
    let view = cx.view();
    let by = read_until(Some(by), view.now)?;
    let client = cx.client()?;
    let run = client.find(run)?;
    client.request(Request::SetDeadline { run, by, comment })?;
    let words = match by {
        Some(by) => format!("is to have ended by {} ({})", view.time(by), view.age(by)),
        None => "has no deadline".to_owned(),
    };
    act::done(cx, &client, run, &words)
}
