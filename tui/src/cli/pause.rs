//! Pauses: of everything, a workflow, a pool or a run.

use serde_json::{Map, Value, json};
use shared::request::{PauseWhat, Request};
use shared::snapshot::PauseView;
use shared::time::{Timestamp, parse_duration};

use super::{Cx, capacity, label, plan};
use crate::args::{PAUSE, Pause, PauseSpan, PoolCommand, Resume};
use crate::client::Client;
use crate::error::{Error, Exit};
use crate::format::View;

pub(super) fn pause(cx: &mut Cx, asked: Pause) -> Result<Exit, Error> {
    let of_all = asked.run.is_none().then(|| PAUSE.to_owned());
    let view = cx.view();
    let until = read_until(asked.until.or(of_all).as_deref(), view.now)?;
    let client = cx.client()?;
    let what = what(&client, asked.run.as_deref())?;
    let wanted = Wanted { what, until, comment: asked.comment.text };
    set(cx, &client, wanted, asked.dry.plan, &view)
}

pub(super) fn resume(cx: &mut Cx, asked: Resume) -> Result<Exit, Error> {
    let client = cx.client()?;
    let what = what(&client, asked.run.as_deref())?;
    lift(cx, &client, what, asked.comment.text)
}

pub(super) fn pool(cx: &mut Cx, command: PoolCommand) -> Result<Exit, Error> {
    match command {
        PoolCommand::Pause { pool, span } => {
            shared(cx, PauseWhat::Pool(pool.as_str().into()), span)
        }
        PoolCommand::Drain { pool, drain } => {
            capacity::drain(cx, PauseWhat::Pool(pool.as_str().into()), drain)
        }
        PoolCommand::Resize { pool, size } => capacity::resize(cx, &pool, size),
        PoolCommand::Resume { pool, comment } => {
            let client = cx.client()?;
            lift(cx, &client, PauseWhat::Pool(pool.as_str().into()), comment.text)
        }
    }
}

/// Pauses what many share.
pub(super) fn shared(cx: &mut Cx, what: PauseWhat, span: PauseSpan) -> Result<Exit, Error> {
    let view = cx.view();
    let until = read_until(Some(&span.until), view.now)?;
    let client = cx.client()?;
    let wanted = Wanted { what, until, comment: span.comment.text };
    set(cx, &client, wanted, span.dry.plan, &view)
}

/// Lets go on what was paused.
pub(super) fn lift(
    cx: &mut Cx,
    client: &Client,
    what: PauseWhat,
    comment: Option<String>,
) -> Result<Exit, Error> {
    client.request(Request::Resume { what: what.clone(), comment })?;
    if cx.out.json {
        cx.out.json(&document(&what))?;
        return Ok(Exit::Done);
    }
    let name = name(client, &what);
    cx.out.note(format!("{name} goes on"))?;
    Ok(Exit::Done)
}

/// Who has paused it, until when, and what waits only for the end of that; in a second line since when, and why.
pub(super) fn words(pause: &PauseView, view: &View) -> [String; 2] {
    let until = until_words(pause.until, view);
    let since = format!("since {}{}", view.time(pause.since), comment(pause));
    [format!("by {}, {until}{}", pause.by, held_back(pause)), since]
}

/// The same in as few words as tell.
pub(super) fn short(pause: &PauseView, view: &View) -> String {
    let until = pause.until.map(|it| format!(", ends {}", view.age(it))).unwrap_or_default();
    format!("paused by {}{until}{}{}", pause.by, held_back(pause), comment(pause))
}

fn held_back(pause: &PauseView) -> String {
    match pause.held_back {
        0 => String::new(),
        count => format!("; {count} held back"),
    }
}

fn comment(pause: &PauseView) -> String {
    pause.comment.as_deref().map(|it| format!(": {it}")).unwrap_or_default()
}

fn what(client: &Client, run: Option<&str>) -> Result<PauseWhat, Error> {
    run.map_or(Ok(PauseWhat::All), |it| client.find(it).map(PauseWhat::Run))
}

/// What is to be paused, until when, and why.
struct Wanted {
    what: PauseWhat,
    until: Option<Timestamp>,
    comment: Option<String>,
}

/// Pauses, or says what that would do. `view`: when it was asked.
fn set(
    cx: &mut Cx,
    client: &Client,
    wanted: Wanted,
    only_plan: bool,
    view: &View,
) -> Result<Exit, Error> {
    let Wanted { what, until, comment } = wanted;
    let request = Request::Pause { what: what.clone(), until, comment };
    if only_plan {
        return plan::execute(cx, client, request);
    }
    client.request(request)?;
    if cx.out.json {
        let mut document = document(&what);
        document.extend(until.map(|it| ("until".to_owned(), json!(it))));
        cx.out.json(&document)?;
        return Ok(Exit::Done);
    }
    let (name, until) = (name(client, &what), until_words(until, view));
    cx.out.note(format!("{name} is paused {until}; what runs goes on"))?;
    Ok(Exit::Done)
}

fn until_words(until: Option<Timestamp>, view: &View) -> String {
    match until {
        Some(it) => format!("until {} ({})", view.time(it), view.age(it)),
        None => "until it is resumed".to_owned(),
    }
}

fn document(what: &PauseWhat) -> Map<String, Value> {
    let (key, value) = match what {
        PauseWhat::All => ("all", json!(true)),
        PauseWhat::Workflow(name) => ("workflow", json!(name)),
        PauseWhat::Pool(name) => ("pool", json!(name)),
        PauseWhat::Run(run) => ("run", json!(run)),
    };
    Map::from_iter([(key.to_owned(), value)])
}

fn name(client: &Client, what: &PauseWhat) -> String {
    match what {
        PauseWhat::All => "everything".to_owned(),
        PauseWhat::Workflow(name) => format!("workflow {name}"),
        PauseWhat::Pool(name) => format!("pool {name}"),
        PauseWhat::Run(run) => {
            client.show(*run, None).map_or_else(|_| run.to_string(), |it| label(&it))
        }
    }
}

/// An instant to come, how long from now, or `never`; none where nothing is said.
pub(super) fn read_until(text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let Some(text) = text.filter(|it| *it != "never") else { return Ok(None) };
    let span = || parse_duration(text).ok().map(|it| now + it);
    let until: Option<Timestamp> = text.parse().ok().or_else(span);
    let help = "write how long, 2h; an instant, 2026-03-01T02:30:00Z; or never";
    match until {
        Some(until) if until > now => Ok(Some(until)),
        Some(_) => Err(Error::usage(format!("`{text}` is not to come"), help)),
        None => Err(Error::usage(format!("`{text}` is neither an instant nor a duration"), help)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_at_an_instant_to_come_or_never() {
        let now = Timestamp::from_millis(10_000_000);
        let until = |text| read_until(text, now).map_err(|it| it.exit_code());
        assert_eq!(until(Some("1h")), Ok(Some(Timestamp::from_millis(13_600_000))));
        assert_eq!(until(Some("1970-01-02")), Ok(Some(Timestamp::from_millis(86_400_000))));
        assert_eq!(until(Some("never")), Ok(None));
        assert_eq!(until(None), Ok(None));
        for wrong in ["1970-01-01", "0s", "soon", ""] {
            assert_eq!(until(Some(wrong)), Err(2), "{wrong}");
        }
    }
}
