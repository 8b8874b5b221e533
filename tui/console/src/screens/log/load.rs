//! What is asked of the daemon, and what becomes of its answers. Nothing is asked where it is needed: after every input,
//! [`wants`] looks at what is missing.

use shared::request::Refusal;
use shared::snapshot::{LogChunk, LogHits};

use super::search::{self, Page};
use super::window::{Take, Window};
use super::{Follow, Problem, State, Want};
use crate::app::App;
use crate::effect::{Effect, LogAsk, LogFrom};
use crate::input::{Input, Link, LogTicket};

/// How many lines are asked for when a log is opened, and when its end is gone to.
const TAIL_LINES: u32 = 300;
/// How much is read towards the beginning at first.
const BACK_BYTES: u64 = 128 << 10;
/// How much one answer holds at most.
const CHUNK_BYTES_MAX: u64 = 1 << 20;
/// How much before a place is read with it.
const AROUND_BYTES: u64 = 32 << 10;

/// What has no answer yet.
#[derive(Default, Debug)]
pub(super) struct Pending {
    read: Option<(LogTicket, Read)>,
    follow: Option<LogTicket>,
    pub(super) seek: Option<LogTicket>,
    pub(super) page: Option<(LogTicket, Page)>,
}

/// What a part of the log is read for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Read {
    Tail,
    Around(u64),
    /// From this byte up to the beginning of the window.
    Before(u64),
    After,
}

/// What is missing for what is shown.
pub(crate) fn wants(app: &mut App) -> Vec<Effect> {
    if !matches!(app.link, Link::Up { .. }) {
        // What was asked over a connection that is gone has no answer.
        app.states.log.pending = Pending::default();
        app.states.log.problem = None;
        return Vec::new();
    }
    let revision = app.store.revision;
    let is_blocked = |it: &Problem| it.is_final() || it.revision == revision;
    if app.states.log.problem.as_ref().is_some_and(is_blocked) {
        return Vec::new();
    }
    let mut effects = Vec::new();
    effects.extend(read(app));
    effects.extend(follow(app));
    effects.extend(search::seek_on(app));
    effects.extend(search::page(app));
    effects
}

fn read(app: &mut App) -> Option<Effect> {
    let state = &app.states.log;
    if state.pending.read.is_some() {
        return None;
    }
    let (what, from) = missing(state)?;
    let ticket = app.log_ticket();
    app.states.log.pending.read = Some((ticket, what));
    ask(app, ticket, from, false)
}

fn missing(state: &State) -> Option<(Read, LogFrom)> {
    if !state.is_opened {
        return Some((Read::Tail, LogFrom::Tail(TAIL_LINES)));
    }
    match state.want {
        Some(Want::End) => return Some((Read::Tail, LogFrom::Tail(TAIL_LINES))),
        Some(Want::Around(place)) => {
            let from = place.saturating_sub(AROUND_BYTES);
            return Some((Read::Around(place), LogFrom::Offset(from)));
        }
        None if state.filter.is_some() => return None,
        None => {}
    }
    let window = &state.window;
    let (line, margin) = (window.index(state.cursor), 2 * state.page);
    if line < margin && window.start() > 0 {
        let from = window.start().saturating_sub(state.back.clamp(BACK_BYTES, CHUNK_BYTES_MAX));
        return Some((Read::Before(from), LogFrom::Offset(from)));
    }
    let is_near = line + margin >= window.lines().len();
    (is_near && state.follow != Follow::Following && window.end() < state.size)
        .then_some((Read::After, LogFrom::Offset(window.end())))
}

fn follow(app: &mut App) -> Option<Effect> {
    let state = &app.states.log;
    let waits = state.pending.follow.is_some() || !state.is_opened || state.is_ended;
    if waits || app.frozen.is_some() {
        return None;
    }
    let from = LogFrom::Offset(state.size);
    let ticket = app.log_ticket();
    app.states.log.pending.follow = Some(ticket);
    ask(app, ticket, from, true)
}

fn ask(app: &App, ticket: LogTicket, from: LogFrom, follow: bool) -> Option<Effect> {
    let state = &app.states.log;
    let of = state.of.as_ref()?;
    let (run, task, attempt) = (of.run, of.task.to_string(), state.attempt);
    Some(Effect::ReadLog(ticket, LogAsk { run, task, attempt, from, follow }))
}

/// Takes in an answer; one that nobody waits for is dropped.
pub(crate) fn told(app: &mut App, answer: Input) -> Vec<Effect> {
    match answer {
        Input::Log(ticket, answer) => log(app, ticket, answer),
        Input::LogFound(ticket, answer) => found(app, ticket, answer),
        _ => {}
    }
    Vec::new()
}

fn log(app: &mut App, ticket: LogTicket, answer: Result<LogChunk, Refusal>) {
    let (revision, is_frozen) = (app.store.revision, app.frozen.is_some());
    let state = &mut app.states.log;
    let read = state.pending.read.take_if(|it| it.0 == ticket).map(|it| it.1);
    let is_follow = state.pending.follow.take_if(|it| *it == ticket).is_some();
    if read.is_none() && !is_follow {
        return;
    }
    let chunk = match answer {
        Ok(chunk) => chunk,
        Err(refusal) => {
            state.problem = Some(Problem { refusal, revision });
            return;
        }
    };
    if state.attempt.is_some_and(|it| it != chunk.attempt) {
        return;
    }
    state.problem = None;
    state.attempt = Some(chunk.attempt);
    match read {
        Some(Read::Tail) => tail(state, &chunk),
        Some(Read::Around(place)) => around(state, &chunk, place),
        Some(Read::Before(from)) => before(state, &chunk, from),
        Some(Read::After) => state.window.append(chunk.offset, &chunk.bytes, Take::Half),
        None if is_frozen => return,
        None => grown(state, &chunk),
    }
    learn(state, &chunk);
}

/// How far the log goes, from a part of it.
fn learn(state: &mut State, chunk: &LogChunk) {
    let end = chunk.offset + chunk.bytes.len() as u64;
    let known = usize::try_from(state.size.saturating_sub(chunk.offset)).unwrap_or(usize::MAX);
    if let Some(new) = chunk.bytes.get(known..) {
        let last = new.iter().rposition(|it| *it == b'\n');
        if let Some(last) = last {
            state.open_at = chunk.offset + (known + last) as u64 + 1;
        }
    }
    state.size = state.size.max(end);
    state.is_ended |= chunk.end;
}

fn tail(state: &mut State, chunk: &LogChunk) {
    // A log that cannot be reached from its end in one part is read on by following it.
    if !state.is_opened {
        (state.size, state.open_at) = (chunk.offset, chunk.offset);
    }
    state.is_opened = true;
    state.want = None;
    state.back = BACK_BYTES;
    state.window = Window::at(chunk.offset);
    state.window.append(chunk.offset, &chunk.bytes, Take::All);
    state.cursor = state.window.lines().back().map_or(chunk.offset, |it| it.offset);
}

fn around(state: &mut State, chunk: &LogChunk, place: u64) {
    let skipped = match chunk.offset {
        0 => 0,
        _ => chunk.bytes.iter().position(|it| *it == b'\n').map_or(0, |it| it + 1),
    };
    // A line that is longer than what is read before the place is shown from its middle.
    let skipped = if chunk.offset + skipped as u64 > place { 0 } else { skipped };
    let start = chunk.offset + skipped as u64;
    state.want = None;
    state.back = BACK_BYTES;
    state.window = Window::at(start);
    state.window.append(start, &chunk.bytes[skipped..], Take::Half);
    state.cursor = place;
}

fn before(state: &mut State, chunk: &LogChunk, from: u64) {
    let is_longest = state.back >= CHUNK_BYTES_MAX;
    let is_whole = from == 0 || is_longest;
    let taken = state.window.prepend(chunk.offset, &chunk.bytes, from == 0)
        || (is_whole && state.window.prepend(chunk.offset, &chunk.bytes, true));
    state.back = match taken {
        true => BACK_BYTES,
        false => (state.back.max(BACK_BYTES) * 2).min(CHUNK_BYTES_MAX),
    };
    if !taken && is_longest {
        // The log has become shorter than it was: nothing is before what is shown.
        state.window = Window::at(0);
        state.want = Some(Want::End);
    }
}

/// New bytes at the end.
fn grown(state: &mut State, chunk: &LogChunk) {
    if chunk.offset < state.size && chunk.bytes.is_empty() {
        state.note = Some("the log has become shorter than it was".to_owned());
        return;
    }
    let take = match (state.follow, &state.filter) {
        (Follow::Following, None) => Take::All,
        _ => Take::Room,
    };
    state.window.append(chunk.offset, &chunk.bytes, take);
    if let Follow::Scrolled { new } = &mut state.follow {
        *new += chunk.bytes.iter().filter(|it| **it == b'\n').count() as u64;
    }
}

fn found(app: &mut App, ticket: LogTicket, answer: Result<LogHits, Refusal>) {
    let state = &mut app.states.log;
    if state.pending.seek.take_if(|it| *it == ticket).is_some() {
        search::sought(app, answer);
    } else if let Some((_, page)) = state.pending.page.take_if(|it| it.0 == ticket) {
        search::turned(app, page, answer);
    }
}
