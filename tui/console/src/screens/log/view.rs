//! How a log looks: a rule that says which it is, the lines in view, and a line that says where one is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use shared::snapshot::AttemptView;
use unicode_width::UnicodeWidthChar;

use super::line::SafeLine;
use super::scroll::{GUTTER, Gap};
use super::window::Line;
use super::{Follow, LogOf, State, attempts, search};
use crate::app::App;
use crate::command;
use crate::format;
use crate::frame;
use crate::safe::Safe;
use crate::screens;
use crate::text;
use crate::theme::{Glyph, Role, Theme};
use crate::widgets::rule;

/// How much of a pattern is shown.
const PATTERN_COLUMNS: usize = 24;

pub(crate) fn view(app: &App, of: &LogOf, state: &State, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let area = rule::rule(buf, area, theme, &title(app, of, state), &modes(state), true);
    if area.height < 2 {
        return;
    }
    let body = Rect { height: area.height - 1, ..area };
    match empty(state) {
        Some(why) => frame::nothing(app, body, buf, &why),
        None => lines(app, of, state, body, buf),
    }
    status(app, state, Rect { y: area.bottom() - 1, height: 1, ..area }, buf);
}

/// `attempt 2 of 3: exit 1`.
fn title(app: &App, of: &LogOf, state: &State) -> String {
    let attempts = attempts(app, of);
    let Some(number) = state.attempt else { return "LOG".to_owned() };
    let all = attempts.last().map(|it| format!(" of {}", it.attempt.max(number)));
    let shown = attempts.iter().find(|it| it.attempt == number);
    let state = match shown.map(outcome) {
        Some(Some(outcome)) => format!(": {outcome}"),
        Some(None) => ": running".to_owned(),
        None => String::new(),
    };
    format!("LOG  attempt {number}{}{state}", all.unwrap_or_default())
}

/// How an attempt has ended, as people say it; absent while it has not.
fn outcome(attempt: &AttemptView) -> Option<String> {
    let word = attempt.outcome.as_deref()?;
    Some(match (attempt.exit, attempt.signal) {
        (Some(code), _) if word.starts_with("exit") => format!("exit {code}"),
        (_, Some(number)) if word.starts_with("signal") => format!("signal {number}"),
        (Some(code), _) if code != 0 => format!("{word}, exit {code}"),
        (_, Some(number)) => format!("{word}, signal {number}"),
        _ => word.to_owned(),
    })
}

fn modes(state: &State) -> String {
    let mut modes = Vec::new();
    if let Some(filter) = &state.filter {
        let pattern = Safe::line(&filter.pattern);
        let pattern = match text::width(&pattern) > PATTERN_COLUMNS {
            true => pattern.cut(PATTERN_COLUMNS),
            false => pattern,
        };
        modes.push(format!("only: {pattern}"));
    }
    if state.wraps {
        modes.push("wrap".to_owned());
    } else if state.side > 0 {
        modes.push(format!("from column {}", state.side + 1));
    }
    modes.push(match (state.is_ended, state.follow) {
        (true, _) => "ended".to_owned(),
        (false, Follow::Following) => "following".to_owned(),
        (false, Follow::Scrolled { .. }) => "not following".to_owned(),
    });
    modes.join("   ")
}

/// Why there are no lines.
fn empty(state: &State) -> Option<String> {
    if !state.is_opened {
        return Some(match &state.problem {
            Some(it) => match &it.refusal.help {
                Some(help) => format!("{}: {help}", it.refusal.message),
                None => it.refusal.message.clone(),
            },
            None => "the daemon has not told the log yet".to_owned(),
        });
    }
    if !state.shown().lines().is_empty() {
        return None;
    }
    Some(match &state.filter {
        Some(filter) if filter.window.start() > 0 || !state.is_at_end() => {
            "looking for lines that match".to_owned()
        }
        Some(_) => "no line matches: & shows all again".to_owned(),
        None if state.size > 0 => "the daemon has not told this part of the log yet".to_owned(),
        None if state.is_ended => "it ended without printing anything".to_owned(),
        None => "it has not printed anything yet".to_owned(),
    })
}

fn lines(app: &App, of: &LogOf, state: &State, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let shown = state.shown();
    let (top, bottom) = (shown.index(state.top), state.bottom());
    let end = area.bottom().min(area.y + u16::try_from(state.rows()).unwrap_or(u16::MAX));
    let mut y = area.y;
    // Below the last line that is whole there may be room for a part of the next.
    for (at, line) in shown.lines().iter().enumerate().skip(top) {
        y += hidden(theme, state.gap(at), Rect { y, ..area }, buf);
        if y >= end {
            break;
        }
        y += one(app, state, line, Rect { y, height: end - y, ..area }, buf);
        if y >= end {
            break;
        }
    }
    let is_last = bottom + 1 >= shown.lines().len();
    if !(is_last && state.has_tail() && state.is_at_end()) || y >= area.bottom() {
        return;
    }
    let row = Rect { y, height: 1, ..area };
    let after = shown.lines().back().filter(|it| !it.is_cut && state.filter.is_some());
    let after = after.map_or(Gap::None, |it| state.between(it.end(), state.searched_to()));
    if hidden(theme, after, row, buf) == 0 && state.is_ended {
        ended(app, of, state, row, buf);
    }
}

/// The row that says that lines are hidden; result: how many rows it took.
fn hidden(theme: Theme, gap: Gap, area: Rect, buf: &mut Buffer) -> u16 {
    let what = match gap {
        Gap::None => return 0,
        Gap::Lines(count) => format::plural(count, "line"),
        Gap::Bytes(count) => format::size(count),
    };
    if area.y >= buf.area.bottom() {
        return 0;
    }
    let dots = if theme.unicode { "⋮" } else { ":" };
    let text = format!("{dots} {what} hidden");
    let x = area.x + GUTTER as u16 + 4;
    text::say(buf, x, area.y, area.width.saturating_sub(8), &text, theme.style(Role::Dim));
    1
}

/// `ended: exit 1`, and that there is a later attempt.
fn ended(app: &App, of: &LogOf, state: &State, row: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let attempts = attempts(app, of);
    let shown = attempts.iter().find(|it| Some(it.attempt) == state.attempt);
    let how = shown.and_then(outcome);
    let role = match how.as_deref() {
        Some("succeeded") => Role::Good,
        Some(_) => Role::Bad,
        None => Role::Strong,
    };
    let mut text = match how {
        Some(how) => format!("ended: {how}"),
        None => "ended".to_owned(),
    };
    if let Some(last) = attempts.last().filter(|it| Some(it.attempt) > state.attempt) {
        text.push_str(&format!("   attempt {} came after it ( ] )", last.attempt));
    }
    let x = row.x + GUTTER as u16;
    text::say(buf, x, row.y, row.width.saturating_sub(GUTTER as u16), &text, theme.style(role));
}

/// Draws a line into the rows it takes; result: how many these are.
fn one(app: &App, state: &State, line: &Line, area: Rect, buf: &mut Buffer) -> u16 {
    let theme = app.theme();
    let cells = cells(theme, state, line);
    let columns = usize::from(area.width).saturating_sub(GUTTER + 1).max(2);
    let selected = state.follow != Follow::Following && state.cursor == line.offset;
    let hit = state.search.as_ref().is_some_and(|it| it.hits.contains(&line.offset));
    if selected {
        let glyph = theme.glyph(Glyph::Selected);
        text::say(buf, area.x + 1, area.y, 1, glyph, theme.style(Role::Strong));
    }
    if hit {
        let glyph = theme.glyph(Glyph::Marked);
        text::say(buf, area.x, area.y, 1, glyph, theme.style(Role::Warn));
    }
    let rows = if state.wraps { state.wrapped_max().min(usize::from(area.height)) } else { 1 };
    let mut rest = skip(&cells, if state.wraps { 0 } else { state.side });
    let mut used = 0;
    for row in 0..rows {
        if row > 0 && rest.is_empty() {
            break;
        }
        let y = area.y + row as u16;
        let taken = fits(rest, columns);
        let (now, later) = rest.split_at(taken);
        put(buf, (area.x + GUTTER as u16, y), columns, now);
        let more = if later.is_empty() { line.is_cut } else { row + 1 == rows };
        if more {
            let x = area.right().saturating_sub(1);
            text::say(buf, x, y, 1, "…", theme.style(Role::Dim));
        }
        if selected {
            text::highlight(buf, Rect { y, height: 1, ..area }, theme.style(Role::Strong));
        }
        rest = later;
        used += 1;
    }
    used
}

/// The characters of a line, each with its columns and how it looks.
type Cells = Vec<(char, usize, Style)>;

fn cells(theme: Theme, state: &State, line: &Line) -> Cells {
    let safe = SafeLine::new(&line.bytes);
    let hits = match &state.search {
        Some(search) => search::places(&search.pattern, &safe.text()),
        None => Vec::new(),
    };
    let mut at = 0;
    let mut cells = Vec::new();
    for (text, printed) in &safe.pieces {
        let style = theme.printed(*printed);
        for character in text.as_str().chars() {
            let is_hit = hits.iter().any(|it| it.contains(&at));
            let style = if is_hit { style.add_modifier(Modifier::REVERSED) } else { style };
            cells.push((character, character.width().unwrap_or(0), style));
            at += character.len_utf8();
        }
    }
    cells
}

/// What is right of so many columns.
fn skip(cells: &[(char, usize, Style)], columns: usize) -> &[(char, usize, Style)] {
    let mut used = 0;
    let first = cells.iter().position(|it| {
        let is_right = used >= columns && it.1 > 0;
        used += it.1;
        is_right
    });
    match columns {
        0 => cells,
        _ => first.map_or(&[], |it| &cells[it..]),
    }
}

/// How many characters fit into so many columns.
fn fits(cells: &[(char, usize, Style)], columns: usize) -> usize {
    let mut used = 0;
    let over = cells.iter().position(|it| {
        used += it.1;
        used > columns
    });
    over.unwrap_or(cells.len())
}

fn put(buf: &mut Buffer, (mut x, y): (u16, u16), columns: usize, cells: &[(char, usize, Style)]) {
    let end = x + columns as u16;
    for piece in cells.chunk_by(|a, b| a.2 == b.2) {
        let text: String = piece.iter().map(|it| it.0).collect();
        x += text::say(buf, x, y, end.saturating_sub(x), &text, piece[0].2);
    }
}

/// Where one is, what was looked for, and what has come since.
fn status(app: &App, state: &State, row: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let dim = theme.style(Role::Dim);
    let line = theme.glyph(Glyph::Rule).repeat(usize::from(row.width));
    text::say(buf, row.x, row.y, row.width, &line, dim);
    let new = match state.follow {
        Follow::Scrolled { new } if new > 0 => {
            format!(" +{} new below (G: follow) ", format::count(new))
        }
        _ => String::new(),
    };
    let wide = u16::try_from(new.chars().count()).unwrap_or(row.width).min(row.width);
    let problem = state.problem.as_ref().filter(|_| state.is_opened);
    let (said, role) = match problem {
        Some(it) => (it.refusal.message.clone(), Role::Bad),
        None => (search::status(state), Role::Plain),
    };
    let gap = if said.is_empty() { "" } else { "   " };
    let text = Safe::line(&format!(" {}{gap}{said} ", position(state)));
    let room = row.width.saturating_sub(wide + 3);
    text::put(buf, row.x + 1, row.y, room, &text, theme.style(role));
    let x = row.right().saturating_sub(wide + 1);
    text::say(buf, x, row.y, wide, &new, theme.style(Role::Warn));
}

/// `63% of 1.4 GB`: where the last line in view ends.
fn position(state: &State) -> String {
    if !state.is_opened || state.size == 0 {
        return "no lines".to_owned();
    }
    let shown = state.shown().lines();
    let bottom = state.bottom();
    let end = shown.get(bottom).map_or(0, Line::end).min(state.size);
    let size = format::size(state.size);
    let count = match (&state.filter, shown.len() as u64) {
        (Some(it), count) if it.window.start() == 0 && state.is_at_end() => {
            format!("   {} match", format::plural(count, "line"))
        }
        (Some(_), count) => format!("   {}+ lines match", format::count(count)),
        (None, _) => String::new(),
    };
    let is_top = state.shown().start() == 0 && state.shown().index(state.top) == 0;
    let is_end = bottom + 1 >= shown.len() && state.is_at_end();
    let place = match (is_top, is_end) {
        (true, true) => "all".to_owned(),
        (false, true) => "end".to_owned(),
        (true, false) => "top".to_owned(),
        (false, false) => format!("{}%", (u128::from(end) * 100 / u128::from(state.size)).min(99)),
    };
    format!("{place} of {size}{count}")
}

/// What can be copied: the selected line, what is in view, and what names the task.
pub(crate) fn copies(app: &App) -> Vec<(String, String)> {
    let state = &app.states.log;
    let shown = state.shown();
    let mut copies = Vec::new();
    if let Some(line) = shown.lines().get(shown.index(state.cursor)) {
        copies.push(("line".to_owned(), SafeLine::new(&line.bytes).text()));
        let (top, bottom) = (shown.index(state.top), state.bottom());
        let visible = plain(shown.lines().range(top..=bottom));
        copies.push(("what is in view".to_owned(), visible));
    }
    copies.extend(command::copies_of(&screens::target(app)));
    copies
}

/// Lines as a text without colours.
pub(super) fn plain<'a>(lines: impl Iterator<Item = &'a Line>) -> String {
    lines.map(|it| format!("{}\n", SafeLine::new(&it.bytes).text())).collect()
}
