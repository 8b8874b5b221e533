//! Keys as the console knows them.

use console::Key;
use crossterm::event::KeyCode;

use crate::terminal::Press;

/// The key that was pressed. None: it is none of the console's, as all with alt, so that none is taken for another.
pub(super) fn key(press: Press) -> Option<Key> {
    match press {
        Press { alt: true, .. } => None,
        Press { ctrl: true, code, .. } => with_control(code),
        Press { shift: true, code: KeyCode::Tab, .. } => Some(Key::BackTab),
        Press { code, .. } => plain(code),
    }
}

fn with_control(code: KeyCode) -> Option<Key> {
    match code {
        // What the backspace key of many terminals sends.
        KeyCode::Char('h' | 'H') => Some(Key::Backspace),
        KeyCode::Char(letter) if letter.is_ascii_alphabetic() => {
            Some(Key::Ctrl(letter.to_ascii_lowercase()))
        }
        _ => None,
    }
}

fn plain(code: KeyCode) -> Option<Key> {
    Some(match code {
        KeyCode::Char(character) => Key::Char(character),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode) -> Press {
        Press { code, ctrl: false, alt: false, shift: false }
    }

    #[test]
    fn letters_keep_their_case_and_control_has_none() {
        let large = Press { shift: true, ..press(KeyCode::Char('R')) };
        assert_eq!(key(large), Some(Key::Char('R')));
        for letter in ['c', 'C'] {
            let control = Press { ctrl: true, ..press(KeyCode::Char(letter)) };
            assert_eq!(key(control), Some(Key::Ctrl('c')));
        }
    }

    #[test]
    fn both_codes_of_backspace_and_of_tab_with_shift_are_known() {
        let control = Press { ctrl: true, ..press(KeyCode::Char('h')) };
        assert_eq!(key(control), Some(Key::Backspace));
        let tab = Press { shift: true, ..press(KeyCode::Tab) };
        assert_eq!(key(tab), Some(Key::BackTab));
        assert_eq!(key(press(KeyCode::BackTab)), Some(Key::BackTab));
    }

    #[test]
    fn a_key_with_alt_is_not_taken_for_the_key_without() {
        assert_eq!(key(Press { alt: true, ..press(KeyCode::Char('c')) }), None);
        assert_eq!(key(Press { ctrl: true, ..press(KeyCode::Left) }), None);
        assert_eq!(key(press(KeyCode::F(1))), None);
    }
}
