//! Which lines are in view, and how the person moves through them. Lines are known by where they begin in the log, so that
//! what arrives at either side moves nothing.

use super::line::SafeLine;
use super::window::{Line, Window};
use super::{Follow, State, Want, search};
use crate::app::App;
use crate::effect::Effect;
use crate::list::Step;
use crate::safe::Safe;
use crate::screens::body_rows;
use crate::text;

/// Columns left of the lines.
pub(super) const GUTTER: usize = 3;
/// The most rows that a wrapped line takes.
const WRAPPED_ROWS_MAX: usize = 10;
/// How far one step sideways goes.
const SIDE_COLUMNS: usize = 16;

/// What stands before a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gap {
    None,
    /// So many lines that the filter hides.
    Lines(u64),
    /// So many bytes of them: too far off to be counted.
    Bytes(u64),
}

impl State {
    /// How many rows the lines have; one fewer where what follows the last line is told.
    pub(super) fn rows(&self) -> usize {
        self.page.saturating_sub(usize::from(self.has_tail())).max(1)
    }

    /// Whether a row below the lines tells what follows them.
    pub(super) fn has_tail(&self) -> bool {
        self.is_ended || self.filter.is_some()
    }

    /// How many rows a line takes, with what is hidden before it.
    pub(super) fn height(&self, at: usize) -> usize {
        let hidden = usize::from(self.gap(at) != Gap::None);
        let line = match self.wraps {
            true => self.shown().lines().get(at).map_or(1, |it| self.wrapped(it)),
            false => 1,
        };
        hidden + line
    }

    fn wrapped(&self, line: &Line) -> usize {
        let width = text::width(&Safe::line(&SafeLine::new(&line.bytes).text()));
        // A wide character that does not fit at an end leaves a column free.
        let columns = if width > self.columns { self.columns.saturating_sub(1) } else { width };
        width.div_ceil(columns.max(1)).clamp(1, self.wrapped_max())
    }

    /// The most rows that a wrapped line takes.
    pub(super) fn wrapped_max(&self) -> usize {
        WRAPPED_ROWS_MAX.min(self.rows().saturating_sub(1)).max(1)
    }

    /// What the filter hides before a line.
    pub(super) fn gap(&self, at: usize) -> Gap {
        let Some(filter) = &self.filter else { return Gap::None };
        let lines = filter.window.lines();
        let Some(line) = lines.get(at) else { return Gap::None };
        let from = match at.checked_sub(1).and_then(|it| lines.get(it)) {
            // How long a line is of which only the beginning was given is not known.
            Some(before) if before.is_cut => return Gap::None,
            Some(before) => before.end(),
            None if filter.window.start() == 0 => 0,
            None => return Gap::None,
        };
        self.between(from, line.offset)
    }

    /// What lies between two places.
    pub(super) fn between(&self, from: u64, to: u64) -> Gap {
        match to.saturating_sub(from) {
            0 => Gap::None,
            _ if self.window.holds(from) && to <= self.window.end() => {
                let first = self.window.lines().partition_point(|it| it.offset < from);
                let last = self.window.lines().partition_point(|it| it.offset < to);
                Gap::Lines((last - first) as u64)
            }
            bytes => Gap::Bytes(bytes),
        }
    }

    /// The first of the lines that fill the rows and end with this one.
    fn top_above(&self, last: usize) -> usize {
        let (mut at, mut used) = (last, self.height(last));
        while at > 0 {
            used += self.height(at - 1);
            if used > self.rows() {
                break;
            }
            at -= 1;
        }
        at
    }

    /// The last line that is in view.
    pub(super) fn bottom(&self) -> usize {
        let top = self.shown().index(self.top);
        let last = self.shown().lines().len().saturating_sub(1);
        let (mut at, mut used) = (top, self.height(top));
        while at < last {
            used += self.height(at + 1);
            if used > self.rows() {
                break;
            }
            at += 1;
        }
        at
    }
}

/// Brings the view up to date: at the end where it is followed, else where the selected line is.
pub(crate) fn settle(app: &mut App) {
    // Rule and the line below.
    let page = body_rows(app).saturating_sub(2).max(1);
    let columns = usize::from(app.size.0).saturating_sub(GUTTER + 1).max(2);
    let state = &mut app.states.log;
    (state.page, state.columns) = (page, columns);
    let window = state.shown();
    let Some(last) = window.lines().len().checked_sub(1) else { return };
    // What is not read yet is where the selection is to be once it is.
    let waits = matches!(state.want, Some(Want::Around(_)));
    let cursor = match state.follow {
        Follow::Following => last,
        Follow::Scrolled { .. } => window.index(state.cursor),
    };
    let at = |line: usize, window: &Window| window.lines().get(line).map_or(0, |it| it.offset);
    let selected = at(cursor, window);
    let top = window.index(state.top);
    let top = match state.follow {
        Follow::Following => state.top_above(last),
        Follow::Scrolled { .. } if cursor < top => cursor,
        Follow::Scrolled { .. } => top.max(state.top_above(cursor)).min(state.top_above(last)),
    };
    let top = at(top, state.shown());
    state.top = top;
    if !waits {
        state.cursor = selected;
    }
}

pub(crate) fn step(app: &mut App, step: Step) -> Vec<Effect> {
    match step {
        Step::NextFailed => search::next_error(app, false),
        Step::PreviousFailed => search::next_error(app, true),
        Step::Last => to_end(app),
        Step::First => to_start(&mut app.states.log),
        Step::Left => {
            let state = &mut app.states.log;
            state.side = state.side.saturating_sub(SIDE_COLUMNS);
        }
        Step::Right => sideways(&mut app.states.log),
        step => by_lines(&mut app.states.log, step),
    }
    Vec::new()
}

/// Goes to the end and stays there.
pub(super) fn to_end(app: &mut App) {
    let state = &mut app.states.log;
    (state.follow, state.note) = (Follow::Following, None);
    // What could not be read is tried again.
    state.problem = None;
    let to = state.searched_to();
    match &mut state.filter {
        Some(filter) if filter.window.end() < to => {
            filter.window = Window::at(to);
            state.pending.page = None;
        }
        None if state.window.end() < state.size => state.want = Some(Want::End),
        _ => {}
    }
}

/// Keeps the end in view, or no more.
pub(super) fn toggle_follow(app: &mut App) {
    match app.states.log.follow {
        Follow::Following => app.states.log.follow = Follow::Scrolled { new: 0 },
        Follow::Scrolled { .. } => to_end(app),
    }
}

fn to_start(state: &mut State) {
    state.follow = scrolled(state.follow);
    state.note = None;
    (state.cursor, state.top) = (0, 0);
    match &mut state.filter {
        Some(filter) if filter.window.start() > 0 => {
            filter.window = Window::at(0);
            state.pending.page = None;
        }
        None if state.window.start() > 0 => state.want = Some(Want::Around(0)),
        _ => {}
    }
}

fn sideways(state: &mut State) {
    if state.wraps {
        return;
    }
    let (top, bottom) = (state.shown().index(state.top), state.bottom());
    let lines = state.shown().lines().range(top..(bottom + 1).min(state.shown().lines().len()));
    let widest = lines.map(|it| text::width(&Safe::line(&SafeLine::new(&it.bytes).text()))).max();
    if state.side + state.columns < widest.unwrap_or(0) {
        state.side += SIDE_COLUMNS;
    }
}

fn by_lines(state: &mut State, step: Step) {
    let Some(last) = state.shown().lines().len().checked_sub(1) else { return };
    let (page, half) = (state.rows(), state.rows().div_ceil(2));
    let (line, top) = (state.shown().index(state.cursor), state.shown().index(state.top));
    let (to, top) = match step {
        Step::Up => (line.saturating_sub(1), top),
        Step::Down => (line + 1, top),
        Step::PageUp => (line.saturating_sub(page), top.saturating_sub(page)),
        Step::PageDown => (line + page, top + page),
        Step::HalfUp => (line.saturating_sub(half), top.saturating_sub(half)),
        Step::HalfDown => (line + half, top + half),
        _ => (line, top),
    };
    let lines = state.shown().lines();
    let (cursor, top) = (lines[to.min(last)].offset, lines[top.min(last)].offset);
    state.note = None;
    let is_down = matches!(step, Step::Down | Step::PageDown | Step::HalfDown);
    state.follow = match to >= last && is_down && state.is_at_end() {
        true => Follow::Following,
        false => scrolled(state.follow),
    };
    (state.cursor, state.top) = (cursor, top);
}

fn scrolled(follow: Follow) -> Follow {
    match follow {
        Follow::Following => Follow::Scrolled { new: 0 },
        scrolled => scrolled,
    }
}
