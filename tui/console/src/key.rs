//! Keys, and how they are written: `r`, `ctrl-r`, `enter`, `space`.

use std::fmt;
use std::str::FromStr;

/// A key as it arrives from the terminal. Letters have their case; shift is no key of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// A character.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tabulator.
    Tab,
    /// Tabulator with shift.
    BackTab,
    /// Takes away what is left of the cursor.
    Backspace,
    /// Takes away what is under the cursor.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// A lower-case letter with control.
    Ctrl(char),
}

/// The keys that have a name.
const NAMED: [(Key, &str); 15] = [
    (Key::Char(' '), "space"),
    (Key::Enter, "enter"),
    (Key::Esc, "esc"),
    (Key::Tab, "tab"),
    (Key::BackTab, "shift-tab"),
    (Key::Backspace, "backspace"),
    (Key::Delete, "delete"),
    (Key::Up, "up"),
    (Key::Down, "down"),
    (Key::Left, "left"),
    (Key::Right, "right"),
    (Key::PageUp, "pgup"),
    (Key::PageDown, "pgdn"),
    (Key::Home, "home"),
    (Key::End, "end"),
];

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((_, name)) = NAMED.iter().find(|(key, _)| key == self) {
            return f.write_str(name);
        }
        match self {
            Self::Ctrl(letter) => write!(f, "ctrl-{letter}"),
            Self::Char(character) => write!(f, "{character}"),
            _ => Ok(()),
        }
    }
}

/// The text names no key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotAKey(
    /// The text.
    pub String,
);

impl fmt::Display for NotAKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a key: write a character, ctrl-r, enter, space, pgup …", self.0)
    }
}

impl std::error::Error for NotAKey {}

/// Reads what `Display` writes.
impl FromStr for Key {
    type Err = NotAKey;
    fn from_str(text: &str) -> Result<Self, NotAKey> {
        if let Some((key, _)) = NAMED.iter().find(|(_, name)| *name == text) {
            return Ok(*key);
        }
        let (control, rest) = match text.strip_prefix("ctrl-") {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, text),
        };
        let mut characters = rest.chars();
        match (characters.next(), characters.next()) {
            (Some(it), None) if control && it.is_ascii_lowercase() => Ok(Self::Ctrl(it)),
            (Some(it), None) if !control && !it.is_control() && it != ' ' => Ok(Self::Char(it)),
            _ => Err(NotAKey(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back_as_they_were_written() {
        let others = [Key::Char('r'), Key::Char('-'), Key::Char('^'), Key::Ctrl('r')];
        for key in NAMED.iter().map(|it| it.0).chain(others) {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for wrong in ["", "rr", "ctrl-R", "ctrl-rr", "meta-x", " "] {
            assert!(wrong.parse::<Key>().is_err(), "{wrong}");
        }
    }
}
