//! `rollback`: undoes what a run has done. A person sees what would be undone and types the run's number first.

use std::fmt;
use std::io::{self, BufRead, IsTerminal};

use serde_json::json;
use shared::id::{RunId, TaskPath};
use shared::request::{Act, Answer, Request, RollbackWhat};
use shared::snapshot::RunView;

use super::{Cx, act, label, plan};
use crate::args::Rollback;
use crate::client::Client;
use crate::error::{Error, Exit};
use crate::text::{Line, Style};

/// Whoever can be asked something.
pub(super) struct Person {
    /// Where the answer comes from.
    pub(super) answers: Box<dyn BufRead>,
    /// Whether somebody sits there.
    pub(super) there: bool,
}

impl Person {
    /// At the process's own terminal.
    pub(super) fn of_process(cx: &Cx) -> Self {
        let there = io::stdin().is_terminal() && cx.out.terminal;
        Self { answers: Box::new(io::stdin().lock()), there }
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("there", &self.there).finish_non_exhaustive()
    }
}

pub(super) fn execute(
    cx: &mut Cx,
    asked: Rollback,
    person: impl FnOnce(&Cx) -> Person,
) -> Result<Exit, Error> {
    let client = cx.client()?;
    let run = client.find(&asked.run)?;
    let tasks: Vec<TaskPath> = asked.tasks.iter().map(|it| forward(it)).collect();
    let what = match asked.retry {
        Some(task) => RollbackWhat::Retry(forward(&task)),
        None if tasks.is_empty() => RollbackWhat::All,
        None => RollbackWhat::Tasks(tasks),
    };
    let request = Request::Rollback { run, what, comment: asked.comment.text };
    if asked.dry.plan {
        return plan::execute(cx, &client, request);
    }
    let answer = if asked.yes {
        client.request(request)?
    } else {
        let digest = confirm(cx, &client, run, &request, person)?;
        client.act(Act { request, seen: None, plan: Some(digest) })?
    };
    match answer {
        Answer::RollingBack { tasks, not_undone } => started(cx, run, &tasks, &not_undone),
        _ => act::done(cx, &client, run, "is being undone"),
    }
}

/// The undo of a task is named by the task here: both ways to write it mean the same.
fn forward(text: &str) -> TaskPath {
    TaskPath::from(text).forward()
}

/// Shows the plan and asks for the run's number. Gives the digest of what was confirmed.
fn confirm(
    cx: &mut Cx,
    client: &Client,
    run: RunId,
    request: &Request,
    person: impl FnOnce(&Cx) -> Person,
) -> Result<String, Error> {
    let mut person = person(cx);
    if cx.out.json || !person.there {
        return Err(Error::usage(
            "a rollback asks for the run's number, and nobody is there to type it",
            "look with --plan first, then say --yes",
        ));
    }
    let plan = client.plan(request.clone())?;
    let run = client.show(run, None)?;
    let view = cx.view();
    cx.out.lines(plan::lines(&plan, &view))?;
    ask(cx, &mut person, &run)?;
    Ok(plan.digest)
}

fn ask(cx: &mut Cx, person: &mut Person, run: &RunView) -> Result<(), Error> {
    let number = run.number.to_string();
    cx.out.line(
        Line::new()
            .styled(Style::Bold, format!("type {number} to undo this of {}", label(run)))
            .and(", anything else to leave it"),
    )?;
    cx.out.flush()?;
    let mut answer = String::new();
    person.answers.read_line(&mut answer).map_err(Error::system("read the answer"))?;
    if answer.trim() == number {
        return Ok(());
    }
    Err(Error::usage(
        "not confirmed: nothing was undone",
        format!("type the run's number, {number}, or say --yes"),
    ))
}

fn started(
    cx: &mut Cx,
    run: RunId,
    tasks: &[String],
    not_undone: &[String],
) -> Result<Exit, Error> {
    if cx.out.json {
        cx.out.json(&json!({ "run": run, "tasks": tasks, "not_undone": not_undone }))?;
        return Ok(Exit::Done);
    }
    let names = |names: &[String]| -> Vec<Line> {
        names.iter().map(|it| Line::from("  ").and(it)).collect()
    };
    cx.out.note(Line::from("these are undone, in this order:"))?;
    cx.out.lines(names(tasks))?;
    if !not_undone.is_empty() {
        cx.out.note(Line::from("these have no undo, and stay:"))?;
        cx.out.lines(names(not_undone))?;
    }
    Ok(Exit::Done)
}
