//! A line with a title that heads a pane: `─ RUNS 37 ───────── sort: newest ─`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::safe::Safe;
use crate::text;
use crate::theme::{Glyph, Role, Theme};

/// Draws it into the first row of `area`; result: what is left below. `focused`: whether the pane has the keys.
pub(crate) fn rule(
    buf: &mut Buffer,
    area: Rect,
    theme: Theme,
    title: &str,
    hint: &str,
    focused: bool,
) -> Rect {
    if area.height == 0 {
        return area;
    }
    let dim = theme.style(Role::Dim);
    let line = theme.glyph(Glyph::Rule).repeat(usize::from(area.width));
    text::say(buf, area.x, area.y, area.width, &line, dim);
    let hint = Safe::line(hint);
    let hint_width = u16::try_from(text::width(&hint)).unwrap_or(u16::MAX);
    let title = Safe::line(&format!(" {title} "));
    let role = if focused { Role::Strong } else { Role::Plain };
    let inner = area.width.saturating_sub(2);
    let used = text::put(buf, area.x + 1, area.y, inner, &title, theme.style(role));
    if hint_width > 0 && used + hint_width + 4 <= inner {
        let x = area.right() - hint_width - 3;
        let used = text::say(buf, x, area.y, 1, " ", dim);
        let used = used + text::put(buf, x + used, area.y, hint_width, &hint, dim);
        text::say(buf, x + used, area.y, 1, " ", dim);
    }
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}
