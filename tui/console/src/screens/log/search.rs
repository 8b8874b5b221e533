//! Looking for lines: the next that matches, and only those that match. The daemon looks, over the whole file.

use std::collections::BTreeSet;

use shared::request::Refusal;
use shared::snapshot::LogHits;

use super::window::{Line, Window};
use super::{Follow, State, Want};
use crate::app::App;
use crate::effect::{Effect, LogSearch};
use crate::format;
use crate::theme::Role;

/// What looks like something that went wrong.
pub(super) const ERRORS: &str = r"\b(ERROR|Error|error|FATAL|Fatal|fatal|CRITICAL|PANIC|panic|panicked|Traceback|[A-Z]\w*(Error|Exception))\b";
/// How many lines one question finds; all but the nearest only to mark them.
const HITS: u32 = 40;
/// How many lines one page of the filter holds.
const PAGE: u32 = 500;
/// How many hits are remembered.
const HITS_MAX: usize = 4_000;

/// What was searched for.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Search {
    pub(super) pattern: String,
    /// Lines that are known to match, by their offsets.
    pub(super) hits: BTreeSet<u64>,
}

/// A search that goes on.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Seek {
    pattern: String,
    from: u64,
    is_backwards: bool,
    /// Whether it looks into the other direction too.
    turns: bool,
    pub(super) scanned: u64,
    /// What is looked for, for the sentence that there is none.
    what: &'static str,
}

/// Only lines that match.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Filter {
    pub(super) pattern: String,
    pub(super) window: Window,
}

/// Lines of the filter that were asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Page {
    from: u64,
    /// Where whole lines ended when it was asked.
    to: u64,
    is_backwards: bool,
}

/// Searches for a pattern, from where the person looks: at the end of a log upwards, and the other way if there is none.
pub(super) fn start(app: &mut App, pattern: &str) {
    let state = &mut app.states.log;
    (state.seek, state.pending.seek, state.note) = (None, None, None);
    if pattern.is_empty() {
        state.search = None;
        return;
    }
    state.search = Some(Search { pattern: pattern.to_owned(), hits: BTreeSet::new() });
    let is_backwards = state.follow == Follow::Following;
    let from = if is_backwards { state.searched_to() } else { state.cursor };
    let (pattern, scanned, what) = (pattern.to_owned(), 0, "hits");
    state.seek = Some(Seek { pattern, from, is_backwards, turns: true, scanned, what });
}

/// Goes on to the next line that matches.
pub(super) fn next(app: &mut App, is_backwards: bool) {
    let state = &mut app.states.log;
    let Some(pattern) = state.search.as_ref().map(|it| it.pattern.clone()) else { return };
    seek_from_cursor(state, pattern, is_backwards, "hits");
}

/// Goes on to the next line that looks like something that went wrong.
pub(super) fn next_error(app: &mut App, is_backwards: bool) {
    seek_from_cursor(&mut app.states.log, ERRORS.to_owned(), is_backwards, "errors");
}

fn seek_from_cursor(state: &mut State, pattern: String, is_backwards: bool, what: &'static str) {
    let shown = state.shown();
    let line = shown.lines().get(shown.index(state.cursor));
    let from = match is_backwards {
        true => line.map_or(state.cursor, |it| it.offset),
        false => line.map_or(state.cursor, Line::end),
    };
    (state.pending.seek, state.note) = (None, None);
    state.seek = Some(Seek { pattern, from, is_backwards, turns: false, scanned: 0, what });
}

/// Asks on, where something is looked for.
pub(super) fn seek_on(app: &mut App) -> Option<Effect> {
    let state = &app.states.log;
    if state.pending.seek.is_some() || !state.is_opened {
        return None;
    }
    let seek = state.seek.clone()?;
    let ticket = app.log_ticket();
    app.states.log.pending.seek = Some(ticket);
    let search = ask(app, (seek.from, seek.is_backwards), seek.pattern, HITS)?;
    Some(Effect::SearchLog(ticket, search))
}

/// Asks for lines of the filter, where some are missing.
pub(super) fn page(app: &mut App) -> Option<Effect> {
    let state = &app.states.log;
    let filter = state.filter.as_ref().filter(|_| state.is_opened)?;
    if state.pending.page.is_some() {
        return None;
    }
    let (window, to) = (&filter.window, state.searched_to());
    let (line, margin) = (window.index(state.cursor), 2 * state.page);
    let page = if line < margin && window.start() > 0 {
        Page { from: window.start(), to, is_backwards: true }
    } else if line + margin >= window.lines().len() && window.end() < to {
        Page { from: window.end(), to, is_backwards: false }
    } else {
        return None;
    };
    let pattern = filter.pattern.clone();
    let ticket = app.log_ticket();
    app.states.log.pending.page = Some((ticket, page));
    let search = ask(app, (page.from, page.is_backwards), pattern, PAGE)?;
    Some(Effect::SearchLog(ticket, search))
}

fn ask(
    app: &App,
    (from, backwards): (u64, bool),
    pattern: String,
    limit: u32,
) -> Option<LogSearch> {
    let state = &app.states.log;
    let of = state.of.as_ref()?;
    let (run, task, attempt) = (of.run, of.task.to_string(), state.attempt);
    Some(LogSearch { run, task, attempt, pattern, from, backwards, limit })
}

/// What a search has found.
pub(super) fn sought(app: &mut App, answer: Result<LogHits, Refusal>) {
    let state = &mut app.states.log;
    let Some(mut seek) = state.seek.take() else { return };
    let hits = match answer {
        Ok(hits) if state.attempt.is_none_or(|it| it == hits.attempt) => hits,
        Ok(_) => return,
        Err(refusal) => {
            app.say(Role::Warn, refusal.message);
            return;
        }
    };
    if let Some(search) = state.search.as_mut().filter(|it| it.pattern == seek.pattern) {
        if search.hits.len() > HITS_MAX {
            search.hits.clear();
        }
        search.hits.extend(hits.lines.iter().map(|it| it.offset));
    }
    let nearest = if seek.is_backwards { hits.lines.last() } else { hits.lines.first() };
    seek.scanned += hits.scanned;
    match (nearest, hits.next) {
        (Some(line), _) => go(state, line.offset),
        (None, Some(next)) if next != seek.from => state.seek = Some(Seek { from: next, ..seek }),
        (None, _) if seek.turns => {
            let from = state.cursor;
            let is_backwards = !seek.is_backwards;
            state.seek = Some(Seek { from, is_backwards, turns: false, ..seek });
        }
        (None, _) => {
            let way = if seek.is_backwards { "above" } else { "below" };
            let none = state.search.as_ref().is_some_and(|it| it.hits.is_empty());
            state.note = Some(match seek.what {
                "hits" if none => "nothing matches".to_owned(),
                what => format!("no more {what} {way}"),
            });
        }
    }
}

/// Shows the line at a place.
fn go(state: &mut State, place: u64) {
    if state.follow == Follow::Following {
        state.follow = Follow::Scrolled { new: 0 };
    }
    state.cursor = place;
    match &mut state.filter {
        Some(filter) if !filter.window.holds(place) => {
            filter.window = Window::at(place);
            state.pending.page = None;
        }
        None if !state.window.holds(place) => state.want = Some(Want::Around(place)),
        _ => {
            let shown = state.shown();
            let (line, half) = (shown.index(place), state.page / 2);
            let top = shown.lines().get(line.saturating_sub(half)).map_or(place, |it| it.offset);
            // A hit that is in view already does not move the view.
            if !(shown.index(state.top)..shown.index(state.top) + state.page).contains(&line) {
                state.top = top;
            }
        }
    }
}

/// A page of the filter has come.
pub(super) fn turned(app: &mut App, page: Page, answer: Result<LogHits, Refusal>) {
    let state = &mut app.states.log;
    let Some(filter) = &mut state.filter else { return };
    let hits = match answer {
        Ok(hits) if state.attempt.is_none_or(|it| it == hits.attempt) => hits,
        Ok(_) => return,
        Err(refusal) => {
            state.filter = None;
            app.say(Role::Warn, refusal.message);
            return;
        }
    };
    // A line that still grows is taken once it is whole.
    let lines = hits.lines.iter().filter(|it| it.offset < page.to).map(Line::found);
    match page.is_backwards {
        true => {
            let start = hits.next.filter(|it| *it < page.from).unwrap_or(0);
            filter.window.found_before(lines, start);
        }
        false => {
            let end = hits.next.filter(|it| *it > page.from).unwrap_or(page.to).min(page.to);
            filter.window.found_after(lines, end);
        }
    }
}

/// Shows only lines that match a pattern; all where it is empty.
pub(super) fn narrow(app: &mut App, pattern: &str) {
    let state = &mut app.states.log;
    if pattern.is_empty() {
        close(app);
        return;
    }
    let place = match state.follow {
        Follow::Following => state.searched_to(),
        Follow::Scrolled { .. } => state.cursor,
    };
    state.pending.page = None;
    state.filter = Some(Filter { pattern: pattern.to_owned(), window: Window::at(place) });
    (state.cursor, state.top, state.side, state.note) = (place, place, 0, None);
}

/// Stops the search that goes on, else shows all lines again; whether there was either.
pub(crate) fn close(app: &mut App) -> bool {
    let state = &mut app.states.log;
    let was_seeking = state.seek.take().is_some();
    if was_seeking {
        state.pending.seek = None;
        state.note = Some("the search was stopped".to_owned());
        return true;
    }
    if state.filter.take().is_none() {
        return false;
    }
    state.pending.page = None;
    state.note = None;
    if state.follow == Follow::Following && state.window.end() < state.size {
        state.want = Some(Want::End);
    } else if state.follow != Follow::Following && !state.window.holds(state.cursor) {
        state.want = Some(Want::Around(state.cursor));
    }
    true
}

/// What is said of a search: that it goes on, what it came to, what is searched for.
pub(super) fn status(state: &State) -> String {
    match (&state.seek, &state.note, &state.search) {
        (Some(seek), _, _) if seek.scanned > 0 => {
            format!("searching, {} looked through (esc stops)", format::size(seek.scanned))
        }
        (Some(_), _, _) => "searching".to_owned(),
        (None, Some(note), _) => note.clone(),
        (None, None, Some(search)) => format!("search: {}", search.pattern),
        (None, None, None) => String::new(),
    }
}

/// Where in a text what was searched for stands, as ranges of bytes. Only words and choices of words are found here; of
/// other patterns nothing, and only the line is marked.
pub(super) fn places(pattern: &str, text: &str) -> Vec<std::ops::Range<usize>> {
    if pattern.contains(|it: char| r"\.+*?()[]{}^$".contains(it)) {
        return Vec::new();
    }
    let small = !pattern.chars().any(char::is_uppercase);
    let text = if small { text.to_ascii_lowercase() } else { text.to_owned() };
    let words = pattern.split('|').filter(|it| !it.is_empty());
    words
        .flat_map(|word| {
            text.match_indices(word).map(|(at, it)| at..at + it.len()).collect::<Vec<_>>()
        })
        .collect()
}
