//! Keys as terminals send them.

/// A key that has no character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    /// `^C`: a key, since the terminal is raw.
    CtrlC,
    CtrlD,
    CtrlL,
    CtrlR,
    CtrlU,
    CtrlZ,
}

impl Key {
    /// What xterm sends.
    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Enter => b"\r",
            Self::Esc => b"\x1b",
            Self::Tab => b"\t",
            Self::BackTab => b"\x1b[Z",
            Self::Backspace => b"\x7f",
            Self::Delete => b"\x1b[3~",
            Self::Up => b"\x1b[A",
            Self::Down => b"\x1b[B",
            Self::Left => b"\x1b[D",
            Self::Right => b"\x1b[C",
            Self::PageUp => b"\x1b[5~",
            Self::PageDown => b"\x1b[6~",
            Self::Home => b"\x1b[H",
            Self::End => b"\x1b[F",
            Self::CtrlC => b"\x03",
            Self::CtrlD => b"\x04",
            Self::CtrlL => b"\x0c",
            Self::CtrlR => b"\x12",
            Self::CtrlU => b"\x15",
            Self::CtrlZ => b"\x1a",
        }
    }
}
