//! The graph pane: all tasks, or one and what is near it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use shared::snapshot::{RunView, TaskView};

use super::chart::{Chart, Ink, Of};
use super::panes::{Pane, Panes};
use super::{State, task};
use crate::app::App;
use crate::format;
use crate::frame;
use crate::graph::{Face, Glyphs, View, Viewport};
use crate::target::is_failed;
use crate::text;
use crate::theme::{Role, Theme};
use crate::widgets::rule;

/// The cells of the picture in a pane: below the title and a row of air, above the minimap, a column free at either side.
pub(super) fn picture(pane: Rect) -> Rect {
    let air = u16::from(pane.height > 6);
    Rect {
        x: pane.x + 1,
        y: pane.y + 1 + air,
        width: pane.width.saturating_sub(2),
        height: pane.height.saturating_sub(2 + air),
    }
}

pub(super) fn view(app: &App, state: &State, panes: &Panes, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let Some(run) = state.run(app) else { return };
    let (title, hint) = titles(state, panes, run);
    rule::rule(buf, area, theme, &title, &hint, panes.focused == Pane::Drawn);
    let chart = match state.drawing() {
        View::Graph => state.plan.whole(),
        View::Focus | View::Table => state.plan.near().map(|it| it.0),
    };
    match chart {
        Some(Ok(chart)) => draw(app, state, chart, area, buf),
        Some(Err(error)) => {
            let why = format!("{error}: {}", error.help());
            frame::nothing(app, picture(area), buf, &why);
        }
        None => frame::nothing(app, picture(area), buf, "no task is selected"),
    }
}

fn titles(state: &State, panes: &Panes, run: &RunView) -> (String, String) {
    let finally = match state.plan.finally() {
        0 => String::new(),
        count => format!(" + {count} finally"),
    };
    let tasks = format::plural((run.tasks.len() - state.plan.finally()) as u64, "task");
    let title = match state.drawing() {
        View::Graph => format!("GRAPH {tasks}{finally}"),
        View::Focus | View::Table => {
            let name = state.place().map(|it| state.plan.name(it)).unwrap_or_default();
            let hops = format::plural(state.hops() as u64, "step");
            let left_out = match state.plan.near().map_or(0, |it| it.1) {
                0 => String::new(),
                count => format!(", {} more not drawn", format::count(count as u64)),
            };
            format!("FOCUS {name}: {hops} around, of {tasks}{finally}{left_out}")
        }
    };
    let hint = match state.drawing() {
        View::Graph => "f: focus  b: longest path".to_owned(),
        View::Focus | View::Table => "< >: nearer, farther".to_owned(),
    };
    (title, place_hint(panes, hint))
}

/// What a pane that has the screen for itself says of the others.
pub(super) fn place_hint(panes: &Panes, hint: String) -> String {
    match (panes.shown.len(), panes.nth) {
        (1, (at, all)) => format!("{hint}   tab: {} of {all}", at + 1).trim().to_owned(),
        _ => hint,
    }
}

fn draw(app: &App, state: &State, chart: &Chart, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let Some(run) = state.run(app) else { return };
    let place = picture(area);
    let (width, height) = (usize::from(place.width), usize::from(place.height));
    let view = Viewport { x: state.corner.0, y: state.corner.1, width, height };
    let glyphs = if theme.unicode { Glyphs::Unicode } else { Glyphs::Ascii };
    let blank = Face { mark: ' ', count: String::new() };
    let face = |at: usize| run.tasks.get(at).map_or(blank.clone(), |it| face(app, it));
    let pen = Pen { theme, run, chart, selected: state.place(), path: &state.path };
    for ink in chart.paint(view, glyphs, &face) {
        let x = place.x + u16::try_from(ink.x).unwrap_or(0);
        let y = place.y + u16::try_from(ink.y).unwrap_or(0);
        let style = pen.style(&ink);
        text::say(buf, x, y, place.right().saturating_sub(x), &ink.text, style);
    }
    let (all_columns, all_rows) = chart.size();
    let map = chart.minimap(view);
    // Of the last layer only what is kept free may be beyond the edge.
    let fits = map.first <= 1 && map.last >= map.layers;
    if (all_columns > width && !fits) || all_rows > height {
        let rows = match all_rows > height {
            true => {
                format!(", rows {}-{} of {all_rows}", view.y + 1, (view.y + height).min(all_rows))
            }
            false => String::new(),
        };
        let line = format!("{} {map}{rows}", map.bar(width.saturating_sub(40).min(52), glyphs));
        let y = area.bottom().saturating_sub(1);
        text::say(buf, place.x, y, place.width, &line, theme.style(Role::Dim));
    }
}

/// What the state of a task puts into its box: its glyph, and the items that are over or how long it took.
fn face(app: &App, task: &TaskView) -> Face {
    let mark = app.theme().state(task::shown(task)).glyph.chars().next().unwrap_or('?');
    Face { mark, count: count(app, task) }
}

fn count(app: &App, task: &TaskView) -> String {
    let room = super::room(app);
    if task::is_mapped(task) {
        let (over, all) = task::items_done(task);
        let texts = match over == all {
            true => [format!("×{all}"), String::new()],
            false => [format!("{over}/{all}"), format!("{}%", over * 100 / all.max(1))],
        };
        return texts.into_iter().find(|it| it.chars().count() <= room).unwrap_or_default();
    }
    let Some(lasted) = task::lasted(task, app.now) else { return String::new() };
    let text = format::span(lasted);
    // Of `1h12m` in little room the larger unit says most.
    match text.find(|it: char| !it.is_ascii_digit()) {
        Some(unit) if text.len() > room => text[..=unit].to_owned(),
        _ => text,
    }
}

/// How the pieces of the picture look.
struct Pen<'a> {
    theme: Theme,
    run: &'a RunView,
    chart: &'a Chart,
    selected: Option<usize>,
    path: &'a [usize],
}

impl Pen<'_> {
    fn style(&self, ink: &Ink) -> Style {
        let theme = self.theme;
        match ink.of {
            Of::Mark(at) | Of::Name(at) if self.selected == Some(at) => theme.style(Role::Selected),
            Of::Mark(at) => self.state(at),
            Of::Name(at) => {
                let word = self.run.tasks.get(at).map(task::shown).unwrap_or_default();
                let style = match word {
                    word if is_failed(word) => self.state(at),
                    "skipped" | "cancelled" | "rolled_back" => theme.style(Role::Dim),
                    _ => theme.style(Role::Plain),
                };
                if self.path.contains(&at) { style.add_modifier(Modifier::BOLD) } else { style }
            }
            Of::Letters(at) if self.selected == Some(at) => self.bright(),
            Of::Letters(_) | Of::Break => theme.style(Role::Dim),
            Of::Edge(part, strand) => {
                let edge = (part, strand);
                let on_path =
                    || self.path.windows(2).any(|it| self.chart.carries(edge, it[0], it[1]));
                match self.selected {
                    Some(at) if self.chart.touches(edge, at) => self.bright(),
                    _ if on_path() => theme.style(Role::Strong),
                    _ => theme.style(Role::Dim),
                }
            }
        }
    }

    /// Edges of what is selected.
    fn bright(&self) -> Style {
        self.theme.style(Role::Busy).add_modifier(Modifier::BOLD)
    }

    fn state(&self, at: usize) -> Style {
        let word = self.run.tasks.get(at).map(task::shown).unwrap_or_default();
        self.theme.state(word).style
    }
}
