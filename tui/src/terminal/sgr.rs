//! Colours and modifiers as escape sequences.
//!
//! Written here and not by crossterm, which reads `NO_COLOR` for the whole process and once, and spells the sixteen colours
//! as numbers out of 256.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use super::caps::ColorDepth;

const MODIFIERS: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// The sixteen in the order of their numbers.
const ANSI: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// How a cell looks.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Look {
    pub(super) fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }

    /// Appends what makes the terminal write like this, whatever was before.
    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.extend(b"\x1b[");
        if self != Self::default() {
            out.push(b'0');
        }
        for (modifier, code) in MODIFIERS {
            if self.modifier.contains(modifier) {
                out.extend(format!(";{code}").bytes());
            }
        }
        put_color(out, self.fg, 30);
        put_color(out, self.bg, 40);
        out.push(b'm');
    }
}

/// The colour that stands for `color` where there are only so many.
pub(super) fn limit(color: Color, depth: ColorDepth) -> Color {
    match (depth, color) {
        (ColorDepth::None, _) => Color::Reset,
        (ColorDepth::Ansi16, Color::Rgb(red, green, blue)) => nearest(red, green, blue),
        (ColorDepth::Ansi16, Color::Indexed(index)) => match index {
            0..16 => ANSI[usize::from(index)],
            16..232 => {
                let level = |it: u8| [0, 95, 135, 175, 215, 255][usize::from(it % 6)];
                let cube = index - 16;
                nearest(level(cube / 36), level(cube / 6), level(cube))
            }
            232.. => {
                let grey = 8 + 10 * (index - 232);
                nearest(grey, grey, grey)
            }
        },
        _ => color,
    }
}

/// Of the sixteen, the one that an eye takes for this.
fn nearest(red: u8, green: u8, blue: u8) -> Color {
    let (low, high) = (red.min(green).min(blue), red.max(green).max(blue));
    if high - low < 32 {
        return match high {
            0..64 => Color::Black,
            64..160 => Color::DarkGray,
            160..224 => Color::Gray,
            224.. => Color::White,
        };
    }
    let middle = low.midpoint(high);
    let bit = |level: u8, bit: usize| if level > middle { bit } else { 0 };
    let bright = if high > 215 { 8 } else { 0 };
    ANSI[bit(red, 1) + bit(green, 2) + bit(blue, 4) + bright]
}

/// `base`: 30 for the foreground, 40 for the background.
fn put_color(out: &mut Vec<u8>, color: Color, base: usize) {
    let named = ANSI.iter().position(|it| *it == color);
    let code = match (named, color) {
        (Some(number @ 0..8), _) => format!(";{}", base + number),
        (Some(number), _) => format!(";{}", base + 60 + number - 8),
        (None, Color::Indexed(index)) => format!(";{};5;{index}", base + 8),
        (None, Color::Rgb(red, green, blue)) => format!(";{};2;{red};{green};{blue}", base + 8),
        (None, _) => return,
    };
    out.extend(code.bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fg: Color, bg: Color, modifier: Modifier) -> String {
        let mut out = Vec::new();
        Look { fg, bg, modifier }.put(&mut out);
        String::from_utf8(out).expect("it is ascii").replace('\x1b', "^")
    }

    #[test]
    fn a_look_is_one_sequence() {
        assert_eq!(text(Color::Reset, Color::Reset, Modifier::empty()), "^[m");
        let bold = text(Color::Red, Color::Reset, Modifier::BOLD | Modifier::REVERSED);
        assert_eq!(bold, "^[0;1;7;31m");
        assert_eq!(text(Color::LightCyan, Color::White, Modifier::empty()), "^[0;96;107m");
        let full = text(Color::Rgb(1, 2, 3), Color::Indexed(200), Modifier::empty());
        assert_eq!(full, "^[0;38;2;1;2;3;48;5;200m");
    }

    #[test]
    fn other_colours_become_the_nearest_of_the_sixteen() {
        let near = |color| limit(color, ColorDepth::Ansi16);
        assert_eq!(near(Color::Rgb(200, 30, 30)), Color::Red);
        assert_eq!(near(Color::Rgb(255, 255, 90)), Color::LightYellow);
        assert_eq!(near(Color::Rgb(120, 120, 125)), Color::DarkGray);
        assert_eq!(near(Color::Indexed(9)), Color::LightRed);
        assert_eq!(near(Color::Indexed(21)), Color::LightBlue);
        assert_eq!(near(Color::Indexed(255)), Color::White);
        assert_eq!(near(Color::Green), Color::Green);
    }
}
