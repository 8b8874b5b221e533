//! Tasks as bars over time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::snapshot::TaskView;
use shared::time::Timestamp;

use super::drawn::place_hint;
use super::panes::{Pane, Panes};
use super::{SORTS, State, task};
use crate::app::App;
use crate::format;
use crate::frame;
use crate::screens::{Titled, list_title};
use crate::text;
use crate::theme::{Glyph, Role};
use crate::widgets::rule;

/// Columns left of the bars.
const NAMES: u16 = 24;
/// Columns between two times above the bars.
const TICK: u16 = 12;

/// The time that the columns stand for.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Timestamp,
    micros: u64,
    columns: u16,
}

impl Span {
    /// The column of an instant; one before the first is the first, one after the last the last.
    fn column(self, at: Timestamp) -> u16 {
        let after = u64::try_from(at.since(self.from).as_micros()).unwrap_or(u64::MAX);
        let cells = u128::from(after) * u128::from(self.columns) / u128::from(self.micros.max(1));
        u16::try_from(cells).unwrap_or(u16::MAX).min(self.columns.saturating_sub(1))
    }

    fn instant(self, column: u16) -> Timestamp {
        let after = u128::from(self.micros) * u128::from(column) / u128::from(self.columns.max(1));
        self.from + std::time::Duration::from_micros(u64::try_from(after).unwrap_or(u64::MAX))
    }
}

pub(super) fn view(app: &App, state: &State, panes: &Panes, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let Some(run) = state.run(app) else { return };
    let titled = Titled {
        name: "TIMELINE",
        all: state.plan.len(),
        sorts: &SORTS,
        keys: &task::KEYS,
        height: area.height,
    };
    let (title, hint) = list_title(&state.list, &titled);
    let focused = panes.focused == Pane::Listed;
    let area = rule::rule(buf, area, theme, &title, &place_hint(panes, hint), focused);
    let from = run.started.unwrap_or(run.created);
    let ended = run.ended.filter(|_| run.rollback.is_none());
    let micros = u64::try_from(ended.unwrap_or(app.now).since(from).as_micros()).unwrap_or(1);
    // What runs has some room before it, so that one sees that it is not over.
    let micros = if ended.is_some() { micros } else { micros.saturating_add(micros / 8) };
    let columns = area.width.saturating_sub(NAMES + 1);
    if columns < 8 {
        frame::nothing(app, area, buf, "too narrow for a timeline");
        return;
    }
    let span = Span { from, micros, columns };
    times(app, span, area, buf);
    let rows = state.list.visible(usize::from(area.height.saturating_sub(1)));
    for (y, key) in (area.top() + 1..area.bottom()).zip(rows) {
        let Some(task) = state.task(app, key.task.as_str()) else { continue };
        row(app, span, task, Rect { y, height: 1, ..area }, buf);
        if ended.is_none() {
            let x = area.x + NAMES + span.column(app.now);
            text::say(buf, x, y, 1, theme.glyph(Glyph::Wall), theme.style(Role::Strong));
        }
        if state.list.is_selected(key) {
            let name = Rect { y, height: 1, width: NAMES - 1, ..area };
            text::highlight(buf, name, theme.style(Role::Selected));
        }
    }
}

fn times(app: &App, span: Span, area: Rect, buf: &mut Buffer) {
    let dim = app.theme().style(Role::Dim);
    text::say(buf, area.x + 3, area.y, NAMES - 4, "TASK", dim);
    for column in (0..span.columns.saturating_sub(8)).step_by(usize::from(TICK)) {
        let clock = format::clock(span.instant(column), app.settings.utc_offset);
        text::say(buf, area.x + NAMES + column, area.y, 8, &clock, dim);
    }
}

fn row(app: &App, span: Span, task: &TaskView, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let mark = theme.state(task::shown(task));
    let used = text::say(buf, area.x + 1, area.y, 1, mark.glyph, mark.style);
    let x = area.x + used + 2;
    text::say(buf, x, area.y, NAMES - 4, &task.task, theme.style(Role::Plain));
    let Some(started) = task.started else { return };
    let (from, to) = (span.column(started), span.column(task.ended.unwrap_or(app.now)));
    let cells = usize::from(to.saturating_sub(from)) + 1;
    let bar = theme.glyph(Glyph::Full).repeat(cells);
    let room = span.columns.saturating_sub(from);
    text::say(buf, area.x + NAMES + from, area.y, room, &bar, mark.style);
    let took = format::took(Some(started), task.ended, app.now);
    let after = from + u16::try_from(cells).unwrap_or(0) + 1;
    if after + 6 < span.columns {
        let x = area.x + NAMES + after;
        text::say(buf, x, area.y, 6, &took, theme.style(Role::Dim));
    }
}
