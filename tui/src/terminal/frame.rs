//! Pictures as bytes: what changed since the last one, and nothing else.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

use super::caps::ColorDepth;
use super::sgr::{Look, limit};

/// Between these two the terminal shows nothing half-done (synchronized output, mode 2026).
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

const CLEAR: &[u8] = b"\x1b[m\x1b[H\x1b[2J";

/// Turns pictures into bytes. Knows what the terminal shows, so each answer must be written, in order.
#[derive(Debug)]
pub(crate) struct FrameEncoder {
    /// What the terminal shows, or will once it has all that was handed over.
    shown: Buffer,
    /// Kept for its memory.
    next: Buffer,
    depth: ColorDepth,
    clear: bool,
}

impl FrameEncoder {
    pub(crate) fn new(depth: ColorDepth) -> Self {
        Self { shown: Buffer::default(), next: Buffer::default(), depth, clear: true }
    }

    /// Makes the next frame a full one: what the terminal shows is not known any more.
    pub(crate) fn forget(&mut self) {
        self.clear = true;
    }

    /// The bytes that make the terminal show what `view` draws into an empty buffer of this size (columns, rows). None where
    /// it shows that already.
    pub(crate) fn frame(&mut self, size: (u16, u16), view: impl FnOnce(&mut Buffer)) -> Vec<u8> {
        self.prepare(Rect::new(0, 0, size.0, size.1));
        view(&mut self.next);
        if self.depth != ColorDepth::Full {
            self.next.content.iter_mut().for_each(|cell| limit_cell(cell, self.depth));
        }
        let mut bytes = Vec::new();
        let mut changes = self.shown.diff_iter(&self.next).peekable();
        if self.clear || changes.peek().is_some() {
            bytes.extend(BEGIN);
            if self.clear {
                bytes.extend(CLEAR);
            }
            put_cells(&mut bytes, changes);
            bytes.extend(END);
        }
        self.clear = false;
        std::mem::swap(&mut self.shown, &mut self.next);
        bytes
    }

    fn prepare(&mut self, area: Rect) {
        self.clear |= self.shown.area != area;
        for buffer in [&mut self.next, &mut self.shown] {
            buffer.resize(area);
        }
        self.next.reset();
        if self.clear {
            self.shown.reset();
        }
    }
}

fn limit_cell(cell: &mut Cell, depth: ColorDepth) {
    cell.fg = limit(cell.fg, depth);
    cell.bg = limit(cell.bg, depth);
}

fn put_cells<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = (u16, u16, &'a Cell)>) {
    let mut look = Look::default();
    let mut follows = None;
    for (x, y, cell) in cells {
        // After a wide glyph too: terminals differ on how wide some are.
        if follows != Some((x, y)) {
            out.extend(format!("\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1).bytes());
        }
        follows = Some((x.saturating_add(1), y));
        if look != Look::of(cell) {
            look = Look::of(cell);
            look.put(out);
        }
        put_symbol(out, cell.symbol());
    }
    if look != Look::default() {
        Look::default().put(out);
    }
}

/// A cell holds one glyph. A control would speak to the terminal.
fn put_symbol(out: &mut Vec<u8>, symbol: &str) {
    match symbol {
        "" => out.push(b' '),
        _ if symbol.contains(char::is_control) => out.push(b'?'),
        _ => out.extend(symbol.bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::{Color, Modifier, Style};

    const SIZE: (u16, u16) = (6, 2);

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).replace('\x1b', "^")
    }

    fn line(text: &'static str, style: Style) -> impl Fn(&mut Buffer) {
        move |buffer| {
            buffer.set_string(0, 0, text, style);
        }
    }

    #[test]
    fn the_first_frame_is_full_and_wrapped_and_an_equal_one_is_no_bytes() {
        let mut encoder = FrameEncoder::new(ColorDepth::Ansi16);
        let hello = line("hello", Style::new().fg(Color::Red));
        assert_eq!(
            text(&encoder.frame(SIZE, &hello)),
            "^[?2026h^[m^[H^[2J^[1;1H^[0;31mhello^[m^[?2026l"
        );
        assert_eq!(encoder.frame(SIZE, &hello), b"");
    }

    #[test]
    fn only_what_changed_is_written() {
        let mut encoder = FrameEncoder::new(ColorDepth::Ansi16);
        encoder.frame(SIZE, line("hello", Style::new()));
        let bytes = encoder.frame(SIZE, line("hallo", Style::new()));
        assert_eq!(text(&bytes), "^[?2026h^[1;2Ha^[?2026l");
    }

    #[test]
    fn an_empty_screen_is_cleared_once() {
        let mut encoder = FrameEncoder::new(ColorDepth::Ansi16);
        assert_eq!(text(&encoder.frame(SIZE, |_| {})), "^[?2026h^[m^[H^[2J^[?2026l");
        assert_eq!(encoder.frame(SIZE, |_| {}), b"");
    }

    #[test]
    fn another_size_and_a_lost_screen_are_drawn_in_full() {
        let mut encoder = FrameEncoder::new(ColorDepth::Ansi16);
        let hi = line("hi", Style::new());
        encoder.frame(SIZE, &hi);
        let full = "^[?2026h^[m^[H^[2J^[1;1Hhi^[?2026l";
        assert_eq!(text(&encoder.frame((9, 3), &hi)), full);
        encoder.forget();
        assert_eq!(text(&encoder.frame((9, 3), &hi)), full);
        assert_eq!(encoder.frame((9, 3), &hi), b"");
    }

    #[test]
    fn a_wide_glyph_is_written_once_and_the_cursor_is_put_behind_it() {
        let mut encoder = FrameEncoder::new(ColorDepth::Ansi16);
        encoder.frame(SIZE, line("abcd", Style::new()));
        let bytes = encoder.frame(SIZE, line("コxy", Style::new()));
        assert_eq!(text(&bytes), "^[?2026h^[1;1Hコ^[1;3Hxy^[?2026l");
        let bytes = encoder.frame(SIZE, line("abxy", Style::new()));
        assert_eq!(text(&bytes), "^[?2026h^[1;1Hab^[?2026l");
    }

    #[test]
    fn without_colours_reverse_remains_and_a_change_of_colour_is_no_change() {
        let mut encoder = FrameEncoder::new(ColorDepth::None);
        let red = Style::new().fg(Color::Red).bg(Color::Blue).add_modifier(Modifier::REVERSED);
        let bytes = encoder.frame(SIZE, line("x", red));
        assert_eq!(text(&bytes), "^[?2026h^[m^[H^[2J^[1;1H^[0;7mx^[m^[?2026l");
        assert_eq!(encoder.frame(SIZE, line("x", red.fg(Color::Green))), b"");
    }

    #[test]
    fn a_control_in_a_cell_never_reaches_the_terminal() {
        let mut encoder = FrameEncoder::new(ColorDepth::Full);
        let bytes = encoder.frame(SIZE, |buffer| {
            buffer[(0, 0)].set_symbol("\x1b[2J");
        });
        assert_eq!(text(&bytes), "^[?2026h^[m^[H^[2J^[1;1H?^[?2026l");
    }
}
