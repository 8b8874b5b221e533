//! Glyph, word and colour of states, and the look of everything else. The only file that names a colour.

use ratatui::style::{Color, Modifier, Style};

use crate::screens::log::Printed;

/// How many colours may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColorDepth {
    /// None; bold, underlined and reversed remain.
    None,
    /// The terminal's own sixteen.
    Ansi16,
    /// Any; the console keeps to the terminal's own sixteen, so that it fits its ground.
    Full,
}

/// Which glyphs and how many colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Theme {
    /// Whether more than ASCII is shown.
    pub(crate) unicode: bool,
    pub(crate) color: ColorDepth,
}

/// What a piece of text is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Plain,
    /// A title, what is selected, what matters.
    Strong,
    /// Rules, hints, what is off.
    Dim,
    /// A key in a hint.
    Key,
    Good,
    Bad,
    Warn,
    Busy,
    /// The row that is selected.
    Selected,
    /// The line that says that the daemon is lost.
    Banner,
    /// Where a text is typed.
    Field,
}

/// Glyphs that are no states, with their ASCII forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Glyph {
    Selected,
    Marked,
    Rule,
    Wall,
    CornerTopLeft,
    CornerTopRight,
    CornerBottomLeft,
    CornerBottomRight,
    Full,
    Empty,
    Banner,
    Crumb,
    Cursor,
    Enter,
    Growing,
}

/// A state as it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub(crate) glyph: &'static str,
    pub(crate) style: Style,
}

impl Theme {
    /// The style of a role.
    pub(crate) fn style(self, role: Role) -> Style {
        let plain = Style::new();
        match role {
            Role::Plain => plain,
            Role::Strong => plain.add_modifier(Modifier::BOLD),
            Role::Dim if self.color == ColorDepth::None => plain,
            Role::Dim => plain.add_modifier(Modifier::DIM),
            Role::Key => self.colored(Color::Cyan).add_modifier(Modifier::BOLD),
            Role::Good => self.colored(Color::Green),
            Role::Bad => self.colored(Color::Red).add_modifier(Modifier::BOLD),
            Role::Warn => self.colored(Color::Yellow),
            Role::Busy => self.colored(Color::Cyan),
            Role::Selected => plain.add_modifier(Modifier::REVERSED),
            Role::Banner => self.colored(Color::Yellow).add_modifier(Modifier::REVERSED),
            Role::Field => plain.add_modifier(Modifier::UNDERLINED),
        }
    }

    /// The style of something that a task has printed. Black and white are left to the ground they would vanish on.
    pub(crate) fn printed(self, printed: Printed) -> Style {
        const COLORS: [Option<Color>; 16] = [
            None,
            Some(Color::Red),
            Some(Color::Green),
            Some(Color::Yellow),
            Some(Color::Blue),
            Some(Color::Magenta),
            Some(Color::Cyan),
            None,
            Some(Color::DarkGray),
            Some(Color::LightRed),
            Some(Color::LightGreen),
            Some(Color::LightYellow),
            Some(Color::LightBlue),
            Some(Color::LightMagenta),
            Some(Color::LightCyan),
            None,
        ];
        let color = printed.color.and_then(|it| COLORS.get(usize::from(it)).copied().flatten());
        let style = color.map_or_else(Style::new, |it| self.colored(it));
        if printed.bold { style.add_modifier(Modifier::BOLD) } else { style }
    }

    fn colored(self, color: Color) -> Style {
        match self.color {
            ColorDepth::None => Style::new(),
            ColorDepth::Ansi16 | ColorDepth::Full => Style::new().fg(color),
        }
    }

    /// The glyph of something that is no state.
    pub(crate) fn glyph(self, glyph: Glyph) -> &'static str {
        let (unicode, ascii) = match glyph {
            Glyph::Selected => ("›", ">"),
            Glyph::Marked => ("●", "*"),
            Glyph::Rule => ("─", "-"),
            Glyph::Wall => ("│", "|"),
            Glyph::CornerTopLeft => ("┌", "+"),
            Glyph::CornerTopRight => ("┐", "+"),
            Glyph::CornerBottomLeft => ("└", "+"),
            Glyph::CornerBottomRight => ("┘", "+"),
            Glyph::Full => ("█", "#"),
            Glyph::Empty => ("░", "."),
            Glyph::Banner => ("▒▒", "!!"),
            Glyph::Crumb => ("›", ">"),
            Glyph::Cursor => ("▏", "_"),
            Glyph::Enter => ("⏎", "enter"),
            Glyph::Growing => ("▲", "^"),
        };
        if self.unicode { unicode } else { ascii }
    }

    /// Glyph and style of a state's word: of runs, tasks, undos, pools and workflows.
    pub(crate) fn state(self, word: &str) -> Mark {
        let (unicode, ascii, role) = match word {
            "succeeded" | "ok" | "up" => ("✔", "o", Role::Good),
            "failed" | "broken" | "down" | "rollback_failed" => ("✖", "X", Role::Bad),
            "upstream_failed" => ("⊘", "-", Role::Bad),
            "partial" => ("◐", "%", Role::Warn),
            "running" | "starting" => ("▶", ">", Role::Busy),
            "stopping" | "cancelling" | "rolling_back" => ("◀", "<", Role::Warn),
            "awaiting_approval" => ("◆", "?", Role::Warn),
            "held" | "paused" | "pausing" => ("‖", "=", Role::Warn),
            "retry_wait" => ("↻", "@", Role::Warn),
            "waiting" | "queued" | "pending" => ("◌", ".", Role::Plain),
            "rolled_back" => ("↶", "<", Role::Dim),
            "cancelled" | "skipped" | "gone" => ("⊘", "-", Role::Dim),
            _ => ("·", "~", Role::Plain),
        };
        Mark { glyph: if self.unicode { unicode } else { ascii }, style: self.style(role) }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;
    use shared::state::RUN_WORDS;

    use super::*;

    #[test]
    fn every_state_of_a_run_has_a_glyph_of_one_column_in_both_forms() {
        for unicode in [true, false] {
            let theme = Theme { unicode, color: ColorDepth::Ansi16 };
            for word in RUN_WORDS {
                let glyph = theme.state(word).glyph;
                assert_eq!(glyph.chars().count(), 1, "{word}");
                assert!(glyph != "·" && glyph != "~", "{word} is not known");
                assert!(unicode || glyph.is_ascii());
            }
        }
    }

    #[test]
    fn without_colour_nothing_names_one() {
        let theme = Theme { unicode: true, color: ColorDepth::None };
        for word in RUN_WORDS {
            assert_eq!(theme.state(word).style.fg.unwrap_or(Color::Reset), Color::Reset);
        }
        assert_eq!(theme.style(Role::Banner).fg, None);
    }
}
