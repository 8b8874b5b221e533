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
pub(super) const BEFORE_FILE: Duration = Duration::from_secs(1);
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

/// Makes the run of the day.
pub(super) fn start(client: &Client, home: &Home) -> Result<RunId, Error> {
    // It answers only when the files have been taken in, which may be after the daemon's first answer.
    client.reload()?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Global;
    use crate::cli::tests::fake::{Running, Script};
    use crate::cli::tests::fixture;
    use crate::out::Out;

    fn events(texts: &[&str], over: bool) -> Option<shared::snapshot::EventsPage> {
        let events = texts.iter().map(|it| fixture::event(1, it)).collect();
        Some(shared::snapshot::EventsPage { events, more: false, over })
    }

    #[test]
    fn the_day_is_delivered_and_approved_once() {
        // Six polls without news last longer than the wait before the file comes.
        let quiet = || events(&[], false);
        let daemon = Running::start(Script {
            view: Some(fixture::run("succeeded", Vec::new())),
            events: [
                events(&["the run is made"], false),
                quiet(),
                quiet(),
                quiet(),
                quiet(),
                quiet(),
                quiet(),
                events(&["the run has succeeded"], true),
            ]
            .into(),
            ..Script::default()
        });
        let home = Home::make(false).expect("a folder can be made");
        let signals = Signals::none();
        let client = Client::connect(&daemon.socket()).expect("it listens");
        let out = Out::to(Box::new(std::io::sink()), false);
        let mut cx = Cx { out, global: Global::of_wrong_line(&[]) };
        let until = Instant::now() + LIMIT;
        let view = play(&mut cx, &client, &home, &signals, until).expect("it plays to its end");
        assert_eq!(view.state, "succeeded");
        assert!(home.pos().join("2017-12-22.csv").exists());
        let requests = daemon.requests();
        let [Request::Run { params, .. }, Request::Decide { decision, comment, .. }] =
            requests.as_slice()
        else {
            panic!("one run and one decision: {requests:?}");
        };
        assert_eq!(params["business_date"], Value::from("2017-12-22"));
        assert_eq!(*decision, Decision::Approve);
        assert_eq!(comment.as_deref(), Some("approved by the demo"));
        home.close().expect("it can be removed");
    }

    #[test]
    fn too_long_is_a_failure_that_says_what_was_waited_for() {
        let daemon = Running::start(Script::default());
        let home = Home::make(false).expect("a folder can be made");
        let signals = Signals::none();
        let client = Client::connect(&daemon.socket()).expect("it listens");
        let out = Out::to(Box::new(std::io::sink()), false);
        let mut cx = Cx { out, global: Global::of_wrong_line(&[]) };
        let result = play(&mut cx, &client, &home, &signals, Instant::now());
        assert_eq!(result.map_err(|it| it.exit_code()).err(), Some(1));
        give_up(&client);
        home.close().expect("it can be removed");
    }
}
