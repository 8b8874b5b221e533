//! What comes from the terminal.

use std::{io, thread};

use crossterm::event::{self, Event as Raw, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

/// How many events may wait; more stay with the terminal.
const WAITING: usize = 1024;

/// Something a person did with the terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    Key(Press),
    /// Text as it was pasted: from outside, and not safe.
    Paste(String),
    /// Columns and rows.
    Resize(u16, u16),
    /// Whether the terminal's window has the keys.
    Focus(bool),
}

/// A key with what was held down. Letters have their case in `code`; `^J` and Enter are one key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Press {
    pub(crate) code: KeyCode,
    pub(crate) ctrl: bool,
    pub(crate) alt: bool,
    pub(crate) shift: bool,
}

/// Reads events on a thread of its own. The channel ends when nothing can be read any more.
pub(crate) fn read_events() -> io::Result<mpsc::Receiver<Event>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    thread::Builder::new().name("keys".to_owned()).spawn(move || {
        while let Ok(raw) = event::read() {
            if let Some(event) = translate(raw)
                && sender.blocking_send(event).is_err()
            {
                return;
            }
        }
    })?;
    Ok(receiver)
}

fn translate(raw: Raw) -> Option<Event> {
    match raw {
        Raw::Key(key) if key.kind != KeyEventKind::Release => Some(Event::Key(press(key))),
        Raw::Key(_) | Raw::Mouse(_) => None,
        Raw::Paste(text) => Some(Event::Paste(text)),
        Raw::Resize(width, height) => Some(Event::Resize(width, height)),
        Raw::FocusGained => Some(Event::Focus(true)),
        Raw::FocusLost => Some(Event::Focus(false)),
    }
}

fn press(key: KeyEvent) -> Press {
    let held = |it| key.modifiers.contains(it);
    Press {
        code: key.code,
        ctrl: held(KeyModifiers::CONTROL),
        alt: held(KeyModifiers::ALT),
        shift: held(KeyModifiers::SHIFT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_what_was_held_down() {
        let key = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
        let z = Press { code: KeyCode::Char('z'), ctrl: true, alt: false, shift: false };
        assert_eq!(translate(Raw::Key(key)), Some(Event::Key(z)));
    }

    #[test]
    fn letting_a_key_go_is_no_event() {
        let mut key = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(translate(Raw::Key(key)), None);
    }
}
