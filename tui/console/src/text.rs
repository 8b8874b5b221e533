//! Puts text into cells. The only place where a text becomes symbols of a buffer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthChar;

use crate::safe::Safe;

/// How many marks may stand on one character; more are dropped.
const MARKS_MAX: usize = 4;

/// Where a text stands within its columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Align {
    Left,
    Right,
}

/// The columns that a text takes as [`put`] counts them.
pub(crate) fn width(text: &Safe) -> usize {
    text.as_str().chars().map(columns).sum()
}

/// Writes a text from `x` on into row `y`, at most `room` columns; what does not fit is cut and ends in `…`.
///
/// Result: the columns that were written. Cells outside the buffer are not touched.
pub(crate) fn put(buf: &mut Buffer, x: u16, y: u16, room: u16, text: &Safe, style: Style) -> u16 {
    let area = buf.area;
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
        return 0;
    }
    let room = room.min(area.right() - x);
    if width(text) <= usize::from(room) {
        return write(buf, x, y, room, text.as_str(), style);
    }
    if room == 0 {
        return 0;
    }
    let used = write(buf, x, y, room - 1, text.as_str(), style);
    used + write(buf, x + used, y, 1, "…", style)
}

/// The same of a text that is not safe yet.
pub(crate) fn say(buf: &mut Buffer, x: u16, y: u16, room: u16, text: &str, style: Style) -> u16 {
    put(buf, x, y, room, &Safe::line(text), style)
}

/// Writes a text that ends where `room` columns from `x` on end.
pub(crate) fn put_right(buf: &mut Buffer, x: u16, y: u16, room: u16, text: &Safe, style: Style) {
    let free = usize::from(room).saturating_sub(width(text));
    let free = u16::try_from(free).unwrap_or(0);
    put(buf, x.saturating_add(free), y, room - free, text, style);
}

/// Pieces of a line, one after the other; result: the columns that were written.
pub(crate) fn pieces(
    buf: &mut Buffer,
    (x, y): (u16, u16),
    room: u16,
    pieces: &[(String, Style)],
) -> u16 {
    let mut used = 0;
    for (text, style) in pieces {
        used += say(buf, x.saturating_add(used), y, room.saturating_sub(used), text, *style);
    }
    used
}

/// Empties an area.
pub(crate) fn clear(buf: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buf[(x, y)].reset();
            buf[(x, y)].set_style(style);
        }
    }
}

/// Lays a style over a row.
pub(crate) fn highlight(buf: &mut Buffer, area: Rect, style: Style) {
    buf.set_style(area.intersection(buf.area), style);
}

/// The words of a text in lines of at most `room` columns; a word that is wider is broken.
pub(crate) fn wrap(text: &Safe, room: usize) -> Vec<Safe> {
    let room = room.max(2);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.as_str().split(' ') {
        let wide: usize = word.chars().map(columns).sum();
        if used > 0 && used + 1 + wide > room {
            lines.push(String::new());
            used = 0;
        } else if used > 0 {
            lines.last_mut().expect("there is always a line").push(' ');
            used += 1;
        }
        for character in word.chars() {
            if used + columns(character) > room {
                lines.push(String::new());
                used = 0;
            }
            lines.last_mut().expect("there is always a line").push(character);
            used += columns(character);
        }
    }
    lines.iter().map(|it| Safe::line(it)).collect()
}

fn write(buf: &mut Buffer, x: u16, y: u16, room: u16, text: &str, style: Style) -> u16 {
    let mut used = 0;
    let mut marks = 0;
    for character in text.chars() {
        match columns(character) as u16 {
            0 => {
                if used > 0 && marks < MARKS_MAX && !is_selector(character) {
                    mark(buf, x, y, used, character);
                    marks += 1;
                }
            }
            wide => {
                if used + wide > room {
                    break;
                }
                marks = 0;
                buf[(x + used, y)].set_char(character).set_style(style);
                for behind in 1..wide {
                    buf[(x + used + behind, y)].reset();
                    buf[(x + used + behind, y)].set_style(style);
                }
                used += wide;
            }
        }
    }
    used
}

/// Puts a mark on the character that ends before `x + used`.
fn mark(buf: &mut Buffer, x: u16, y: u16, used: u16, mark: char) {
    let mut at = x + used - 1;
    // Behind a wide character stands an empty cell.
    if used > 1 && buf[(at, y)].symbol() == " " && columns_of(buf[(at - 1, y)].symbol()) == 2 {
        at -= 1;
    }
    let symbol = format!("{}{mark}", buf[(at, y)].symbol());
    buf[(at, y)].set_symbol(&symbol);
}

fn columns_of(symbol: &str) -> usize {
    symbol.chars().map(columns).sum()
}

/// Turns a character into its coloured or its plain form, and with it its width on some terminals.
fn is_selector(character: char) -> bool {
    ('\u{fe00}'..='\u{fe0f}').contains(&character)
}

fn columns(character: char) -> usize {
    character.width().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(buf: &Buffer) -> String {
        buf.content.iter().map(|it| it.symbol()).collect()
    }

    fn drawn(room: u16, text: &str) -> (u16, String) {
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        let used = say(&mut buf, 0, 0, room, text, Style::new());
        (used, line(&buf))
    }

    #[test]
    fn a_text_is_cut_to_its_columns() {
        assert_eq!(drawn(8, "abc"), (3, "abc     ".to_owned()));
        assert_eq!(drawn(4, "abcdef"), (4, "abc…    ".to_owned()));
        assert_eq!(drawn(0, "abc"), (0, "        ".to_owned()));
    }

    #[test]
    fn wide_characters_and_marks_keep_their_columns() {
        assert_eq!(drawn(8, "大b").0, 3);
        assert_eq!(drawn(4, "大大大"), (3, "大 …     ".to_owned()));
        let (used, text) = drawn(8, "e\u{301}x");
        assert_eq!(used, 2);
        assert!(text.starts_with("e\u{301}x"), "{text}");
        assert_eq!(drawn(8, "\u{301}x").0, 1, "a mark on nothing is dropped");
        let zalgo = format!("e{}", "\u{301}".repeat(300));
        assert!(drawn(8, &zalgo).1.len() < 40);
    }

    #[test]
    fn nothing_is_written_outside() {
        let mut buf = Buffer::empty(Rect::new(2, 2, 3, 1));
        for (x, y) in [(0, 2), (5, 2), (2, 1), (2, 3), (u16::MAX, u16::MAX)] {
            assert_eq!(say(&mut buf, x, y, 9, "abc", Style::new()), 0);
        }
        assert_eq!(say(&mut buf, 3, 2, 9, "abc", Style::new()), 2);
    }

    #[test]
    fn words_are_wrapped_and_long_ones_broken() {
        let lines = |text, room| {
            wrap(&Safe::line(text), room).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(lines("ab cd ef", 5), ["ab cd", "ef"]);
        assert_eq!(lines("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(lines("", 4), [""]);
    }
}
