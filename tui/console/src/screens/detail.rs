//! A pane of lines about what is selected, which can be scrolled.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::list::Step;
use crate::safe::Safe;
use crate::text;
use crate::theme::{Role, Theme};
use crate::widgets::panel::{self, Line};

/// Columns of the names of facts.
const NAMES: usize = 10;

/// How far a pane of lines is scrolled.
#[derive(Default, Debug)]
pub(crate) struct Scroll {
    from: usize,
    lines: usize,
    page: usize,
}

impl Scroll {
    /// Takes in how many lines there are and how many of them are visible.
    pub(super) fn settle(&mut self, lines: usize, page: usize) {
        (self.lines, self.page) = (lines, page.max(1));
        self.from = self.from.min(self.last());
    }

    /// Begins at the top again.
    pub(super) fn reset(&mut self) {
        self.from = 0;
    }

    pub(super) fn step(&mut self, step: Step) {
        let from = match step {
            Step::Up => self.from.saturating_sub(1),
            Step::Down => self.from + 1,
            Step::PageUp => self.from.saturating_sub(self.page),
            Step::PageDown => self.from + self.page,
            Step::HalfUp => self.from.saturating_sub(self.page.div_ceil(2)),
            Step::HalfDown => self.from + self.page.div_ceil(2),
            Step::First => 0,
            Step::Last => self.last(),
            Step::Left | Step::Right | Step::NextFailed | Step::PreviousFailed => self.from,
        };
        self.from = from.min(self.last());
    }

    /// `3 lines more`, where lines are hidden below.
    pub(super) fn hint(&self) -> String {
        match self.last() - self.from.min(self.last()) {
            0 => String::new(),
            more => format!("{} more", crate::format::plural(more as u64, "line")),
        }
    }

    pub(super) fn view(&self, area: Rect, buf: &mut Buffer, lines: &[Line]) {
        panel::lines(buf, area, lines.get(self.from..).unwrap_or_default());
    }

    fn last(&self) -> usize {
        self.lines.saturating_sub(self.page)
    }
}

/// `owner     data`; what does not fit into `width` columns goes on below.
pub(super) fn fact(theme: Theme, name: &str, value: &str, style: Style, width: u16) -> Vec<Line> {
    named(theme, (name, NAMES), value, style, width)
}

/// The same with names of so many columns; a longer one is cut.
pub(super) fn named(
    theme: Theme,
    (name, columns): (&str, usize),
    value: &str,
    style: Style,
    width: u16,
) -> Vec<Line> {
    let room = usize::from(width).saturating_sub(columns + 2).max(8);
    let dim = theme.style(Role::Dim);
    let mut lines = Vec::new();
    for piece in value.lines().flat_map(|it| text::wrap(&Safe::line(it), room)) {
        let name = if lines.is_empty() { padded(name, columns) } else { " ".repeat(columns) };
        lines.push(vec![(format!(" {name} "), dim), (piece.to_string(), style)]);
    }
    lines
}

/// Words in lines of at most `width` columns.
pub(super) fn words(value: &str, style: Style, width: u16) -> Vec<Line> {
    let room = usize::from(width).saturating_sub(2);
    let lines = value.lines().flat_map(|it| text::wrap(&Safe::line(it), room));
    lines.map(|it| vec![(format!(" {it}"), style)]).collect()
}

/// The same with a glyph before the first of them.
pub(super) fn marked(glyph: &str, value: &str, style: Style, width: u16) -> Vec<Line> {
    let room = usize::from(width).saturating_sub(4);
    let pieces = value.lines().flat_map(|it| text::wrap(&Safe::line(it), room));
    let line = |(at, it)| vec![(format!(" {} {it}", if at == 0 { glyph } else { " " }), style)];
    pieces.enumerate().map(line).collect()
}

/// A heading within the pane.
pub(super) fn heading(theme: Theme, title: &str) -> Line {
    vec![(format!(" {title}"), theme.style(Role::Dim))]
}

/// A text of exactly so many columns.
pub(super) fn padded(value: &str, columns: usize) -> String {
    let safe = Safe::line(value);
    let wide = text::width(&safe);
    if wide <= columns {
        return format!("{safe}{}", " ".repeat(columns - wide));
    }
    let mut cut = String::new();
    for character in safe.as_str().chars() {
        let longer = format!("{cut}{character}");
        if text::width(&Safe::line(&longer)) + 1 > columns {
            break;
        }
        cut = longer;
    }
    let free = columns.saturating_sub(text::width(&Safe::line(&cut)) + 1);
    format!("{cut}…{}", " ".repeat(free))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::ColorDepth;

    #[test]
    fn what_is_scrolled_stays_within_its_lines() {
        let mut it = Scroll::default();
        it.settle(10, 4);
        it.step(Step::Last);
        it.step(Step::Down);
        assert_eq!((it.from, it.hint().as_str()), (6, ""));
        it.step(Step::PageUp);
        assert_eq!((it.from, it.hint().as_str()), (2, "4 lines more"));
        it.settle(3, 4);
        assert_eq!(it.from, 0);
    }

    #[test]
    fn names_have_their_columns_whatever_they_are() {
        let theme = Theme { unicode: true, color: ColorDepth::None };
        for name in crate::fixtures::absurd_names() {
            assert_eq!(text::width(&Safe::line(&padded(&name, 8))), 8, "{name:?}");
        }
        let lines = named(theme, ("owner", 8), "a b c d e f g h", Style::new(), 20);
        let text: Vec<String> =
            lines.iter().map(|it| it.iter().map(|it| it.0.as_str()).collect()).collect();
        assert_eq!(text, [" owner    a b c d e", "          f g h"]);
    }
}
