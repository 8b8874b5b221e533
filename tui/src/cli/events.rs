//! `events`: what has happened in a run.

use std::time::Duration;

use shared::id::{RunId, Seq};
use shared::rpc::WAIT_MS_MAX;
use shared::snapshot::EventView;

use super::Cx;
use crate::client::Client;
use crate::error::{Error, Exit};
use crate::format::View;
use crate::text::{Line, Style};

pub(super) fn execute(cx: &mut Cx, run: &str, follow: bool) -> Result<Exit, Error> {
    let mut client = cx.client()?;
    let run = client.find(run)?;
    if follow {
        self::follow(cx, &mut client, run)?;
        return Ok(Exit::Done);
    }
    let mut after = Seq::default();
    loop {
        let page = client.events(run, after, Duration::ZERO)?;
        print(cx, &page.events)?;
        match page.events.last() {
            Some(last) if page.more => after = last.seq,
            _ => return Ok(Exit::Done),
        }
    }
}

/// Prints what happens in a run until it is over. A daemon that goes away is waited for.
pub(super) fn follow(cx: &mut Cx, client: &mut Client, run: RunId) -> Result<(), Error> {
    let wait = Duration::from_millis(WAIT_MS_MAX.into());
    let mut after = Seq::default();
    loop {
        let page = client.patiently(|it| it.events(run, after, wait))?;
        print(cx, &page.events)?;
        cx.out.flush()?;
        after = page.events.last().map_or(after, |it| it.seq);
        if page.over && !page.more {
            return Ok(());
        }
    }
}

/// Waits until a run is over, in silence.
pub(super) fn wait(client: &mut Client, run: RunId) -> Result<(), Error> {
    let wait = Duration::from_millis(WAIT_MS_MAX.into());
    let mut after = Seq::default();
    loop {
        let page = client.patiently(|it| it.events(run, after, wait))?;
        after = page.events.last().map_or(after, |it| it.seq);
        if page.over && !page.more {
            return Ok(());
        }
    }
}

fn print(cx: &mut Cx, events: &[EventView]) -> Result<(), Error> {
    if cx.out.json {
        return events.iter().try_for_each(|it| cx.out.json_line(it));
    }
    let view = cx.view();
    cx.out.lines(events.iter().map(|it| event(it, &view)))
}

/// An event as a line: `02:30:00.250  load has succeeded`.
pub(crate) fn event(event: &EventView, view: &View) -> Line {
    Line::new().styled(Style::Dim, view.clock(event.at)).and("  ").and(&event.text)
}
