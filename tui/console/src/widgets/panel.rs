//! A box that stands over a screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::safe::Safe;
use crate::text;
use crate::theme::{Glyph, Role, Theme};

/// A line of pieces.
pub(crate) type Line = Vec<(String, Style)>;

/// Draws a box in the middle of `area`, as large as its lines need; result: what is within it.
///
/// - `size`: columns and rows within; less where there are not so many.
pub(crate) fn panel(
    buf: &mut Buffer,
    area: Rect,
    theme: Theme,
    title: &str,
    size: (u16, u16),
) -> Rect {
    let width = (size.0 + 4).min(area.width);
    let height = (size.1 + 2).min(area.height);
    let frame = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    if width < 4 || height < 2 {
        return Rect { width: 0, height: 0, ..frame };
    }
    text::clear(buf, frame, Style::new());
    let plain = theme.style(Role::Plain);
    let line = theme.glyph(Glyph::Rule).repeat(usize::from(width - 2));
    let corners = [
        (frame.y, Glyph::CornerTopLeft, Glyph::CornerTopRight),
        (frame.bottom() - 1, Glyph::CornerBottomLeft, Glyph::CornerBottomRight),
    ];
    for (y, left, right) in corners {
        text::say(buf, frame.x, y, 1, theme.glyph(left), plain);
        text::say(buf, frame.x + 1, y, width - 2, &line, plain);
        text::say(buf, frame.right() - 1, y, 1, theme.glyph(right), plain);
    }
    for y in frame.y + 1..frame.bottom() - 1 {
        text::say(buf, frame.x, y, 1, theme.glyph(Glyph::Wall), plain);
        text::say(buf, frame.right() - 1, y, 1, theme.glyph(Glyph::Wall), plain);
    }
    let title = Safe::line(&format!(" {title} "));
    text::put(buf, frame.x + 1, frame.y, width - 2, &title, theme.style(Role::Strong));
    Rect { x: frame.x + 2, y: frame.y + 1, width: width - 4, height: height - 2 }
}

/// Draws lines into an area; what has no room is left out.
pub(crate) fn lines(buf: &mut Buffer, area: Rect, lines: &[Line]) {
    for (y, line) in (area.top()..area.bottom()).zip(lines) {
        text::pieces(buf, (area.x, y), area.width, line);
    }
}
