//! The story: a run is asked for, the day's file arrives, a person approves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;
use shared::id::{RunId, Seq};
use shared::request::{Answer, Decision, Request};
use shared::rpc::RunsFilter;
use shared::snapshot::{EventView, RunView};

use super::home::Home;
use super::signals::Signals;
use super::{DAY, LIMIT, say};
use crate::cli::{Cx, approval, event, why_lines};
use crate::client::Client;
use crate::error::Error;

const WORKFLOW: &str = "retail-daily-sales";
/// How long the run waits for its file.
const BEFORE_FILE: Duration = Duration::from_secs(1);
/// How often signals and approvals are looked for.
const STEP: Duration = Duration::from_millis(200);
/// How long a run may take to be cancelled.
const CANCEL: Duration = Duration::from_secs(5);

/// Plays until the run is over.
pub(super) fn play(
    cx: &mut Cx,
    client: &Client,
    home: &Home,
    signals: &Signals,
    until: Instant,
) -> Result<RunView, Error> {
    let run = start(client, home)?;
    let mut file_due = Some(Instant::now() + BEFORE_FILE);
    let mut decided = BTreeSet::new();
    let mut after = Seq::default();
    loop {
        signals.check()?;
        if Instant::now() >= until {
            return Err(too_long(cx, client, run));
        }
        let page = client.events(run, after, STEP)?;
        print(cx, &page.events)?;
        after = page.events.last().map_or(after, |it| it.seq);
        if page.over && !page.more {
            return client.show(run, None);
        }
        if file_due.is_some_and(|it| Instant::now() >= it) {
            file_due = None;
            let file = home.deliver()?;
            say(cx, &format!("the sales of the day arrive: {file}"))?;
        }
        approve(cx, client, run, &mut decided)?;
    }
}

/// Stops every run there is, as well as that goes: the demo has failed already.
pub(super) fn give_up(client: &Client) {
    let runs = client.runs(RunsFilter { limit: 100, ..RunsFilter::default() }).unwrap_or_default();
    let until = Instant::now() + CANCEL;
    for run in runs.iter().filter(|it| it.ended.is_none()) {
        let comment = Some("the demo has ended".to_owned());
        let _ = client.request(Request::Cancel { run: run.id, now: true, comment });
        let mut after = Seq::default();
        while Instant::now() < until {
            match client.events(run.id, after, STEP) {
                Ok(page) if page.over && !page.more => break,
                Ok(page) => after = page.events.last().map_or(after, |it| it.seq),
                Err(_) => return,
            }
        }
    }
}

fn start(client: &Client, home: &Home) -> Result<RunId, Error> {
    let text = |path: std::path::PathBuf| Value::from(path.display().to_string());
    let params = BTreeMap::from([
        ("business_date".to_owned(), Value::from(DAY)),
        ("pos_dir".to_owned(), text(home.pos())),
        ("out_dir".to_owned(), text(home.dashboards())),
    ]);
    let workflow = WORKFLOW.into();
    match client.request(Request::Run { workflow, params, interval: None, priority: None })? {
        Answer::RunCreated { run, .. } => Ok(run),
        _ => Err(Error::Server("it made no run and refused none".to_owned())),
    }
}

fn print(cx: &mut Cx, events: &[EventView]) -> Result<(), Error> {
    let view = cx.view();
    for it in events {
        if cx.out.json {
            cx.out.json_line(it)?;
        } else {
            cx.out.line(event(it, &view))?;
        }
    }
    cx.out.flush()
}

/// Decides what waits, each once, as the person of the story.
fn approve(
    cx: &mut Cx,
    client: &Client,
    run: RunId,
    decided: &mut BTreeSet<String>,
) -> Result<(), Error> {
    for row in client.approvals()?.into_iter().filter(|it| it.run == run) {
        if !decided.insert(row.task.clone()) {
            continue;
        }
        let view = cx.view();
        for line in approval(&row, &view) {
            cx.out.note(line)?;
        }
        say(cx, "approves it for you")?;
        client.request(Request::Decide {
            run,
            task: row.task.as_str().into(),
            decision: Decision::Approve,
            comment: Some("approved by the demo".to_owned()),
        })?;
    }
    Ok(())
}

/// Says what is waited for still.
fn too_long(cx: &mut Cx, client: &Client, run: RunId) -> Error {
    let told = client.why(run, None).and_then(|why| {
        let view = cx.view();
        why_lines(&why, &view).into_iter().try_for_each(|it| cx.out.note(it))
    });
    told.err().unwrap_or(Error::DemoTooLong(LIMIT.as_secs()))
}
