//! `replay`: a run as it was at an instant, or event by event.

use serde::Serialize;
use shared::id::Seq;
use shared::replay::{ReplayAt, ReplayStep, Replayed};
use shared::snapshot::RunView;
use shared::time::{Timestamp, parse_duration};
use shared::why::Why;

use super::{Cx, list, show, why_lines};
use crate::args::Replay;
use crate::error::{Error, Exit};
use crate::format::View;
use crate::text::{Align, Line, Style, Table};
use crate::theme;

/// The same as of `show`, with the instant.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    run: &'a RunView,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    why: &'a Why,
}

pub(super) fn execute(cx: &mut Cx, asked: &Replay) -> Result<Exit, Error> {
    let at = asked.at.as_deref().map(|it| instant(it, cx.view().now)).transpose()?;
    let client = cx.client()?;
    let run = client.find(&asked.run)?;
    let Some(at) = at else {
        let mut after = Seq::default();
        let mut is_first = true;
        loop {
            let page = client.replay_steps(run, after)?;
            print(cx, &page.steps, is_first)?;
            is_first = false;
            match page.steps.last() {
                Some(last) if page.more => after = last.seq,
                _ => return Ok(Exit::Done),
            }
        }
    };
    let it = client.replay(run, at)?;
    let note = it.note.as_deref();
    let document = Document { run: &it.run, at: it.at, note, why: &it.why };
    cx.answer(&document, |_, view| lines(&it, view))
}

/// An instant, a span since the run was made, how long ago, or the number of an event.
fn instant(text: &str, now: Timestamp) -> Result<ReplayAt, Error> {
    if let Some(span) = text.strip_prefix('+') {
        let span = parse_duration(span).map_err(|problem| {
            Error::usage(problem.to_string(), "write how long after the run was made: +10m")
        })?;
        return Ok(ReplayAt::After(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)));
    }
    match text.parse() {
        Ok(seq) => Ok(ReplayAt::Seq(Seq(seq))),
        Err(_) => list::since(text, now).map(ReplayAt::Instant),
    }
}

/// The page of the run as it was then, and what was in its way.
pub(super) fn lines(it: &Replayed, view: &View) -> Vec<Line> {
    let at = format!("as it was at {}, after event {}", view.time(it.at), it.run.seq.0);
    let mut lines = vec![Line::new().styled(Style::Dim, at)];
    lines.extend(it.note.iter().map(|it| Line::new().styled(Style::Warn, it)));
    // How long something had taken is told as of then.
    let then = View { now: it.at, ..view.clone() };
    lines.extend(show::page(&it.run, &then));
    if it.why.blockers.iter().chain(it.why.tasks.iter().flat_map(|it| &it.blockers)).count() > 0 {
        lines.push(Line::new());
        lines.extend(why_lines(&it.why, &then));
    }
    lines
}

fn print(cx: &mut Cx, steps: &[ReplayStep], is_first: bool) -> Result<(), Error> {
    if cx.out.json {
        return steps.iter().try_for_each(|it| cx.out.json_line(it));
    }
    let view = cx.view();
    let mut lines = step_lines(steps, &view);
    if !is_first {
        lines.remove(0);
    }
    cx.out.lines(lines)
}

/// The events as a table, with how the run was after each.
pub(super) fn step_lines(steps: &[ReplayStep], view: &View) -> Vec<Line> {
    let mut table = Table::new(&[
        ("EVENT", Align::Right, 8),
        ("TIME", Align::Left, 12),
        ("RUN", Align::Left, 14),
        ("WHAT", Align::Left, 48),
        ("TASKS", Align::Left, list::ANY),
    ]);
    for step in steps {
        table.row([
            step.seq.0.to_string().into(),
            view.clock(step.at).into(),
            theme::state(&step.state),
            step.text.as_str().into(),
            theme::counts(&step.counts),
        ]);
    }
    table.lines(view.width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_a_time_a_span_since_the_beginning_or_an_event() {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().expect("an instant");
        let read = |text: &str| instant(text, now).expect("it is right");
        assert_eq!(read("42"), ReplayAt::Seq(Seq(42)));
        assert_eq!(read("+10m"), ReplayAt::After(600_000));
        let ten: Timestamp = "2026-01-01T10:00:00Z".parse().expect("an instant");
        assert_eq!(read("2h"), ReplayAt::Instant(ten));
        assert_eq!(read("2026-01-01T10:00:00Z"), ReplayAt::Instant(ten));
        assert!(instant("+soon", now).is_err());
        assert!(instant("yesterday", now).is_err());
    }
}
