//! A line of text that is being typed.

use crate::key::Key;

/// The longest text that is taken.
const CHARS_MAX: usize = 500;

/// A text and where the cursor stands in it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Edit {
    text: Vec<char>,
    cursor: usize,
}

impl Edit {
    /// A text with the cursor at its end.
    pub(crate) fn new(text: &str) -> Self {
        let text: Vec<char> = text.chars().take(CHARS_MAX).collect();
        Self { cursor: text.len(), text }
    }

    pub(crate) fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// What is left of the cursor, and what follows.
    pub(crate) fn parts(&self) -> (String, String) {
        let (before, after) = self.text.split_at(self.cursor);
        (before.iter().collect(), after.iter().collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes in a key; whether it was one for a text.
    pub(crate) fn key(&mut self, key: Key) -> bool {
        match key {
            Key::Char(character) => self.insert(character),
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.cursor);
            }
            Key::Delete if self.cursor < self.text.len() => {
                self.text.remove(self.cursor);
            }
            Key::Ctrl('u') => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            Key::Ctrl('w') => self.delete_word(),
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = (self.cursor + 1).min(self.text.len()),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = self.text.len(),
            Key::Backspace | Key::Delete => {}
            _ => return false,
        }
        true
    }

    /// Takes in a text that was pasted, as one line.
    pub(crate) fn paste(&mut self, text: &str) {
        for character in text.chars().take(CHARS_MAX) {
            self.insert(if character.is_control() { ' ' } else { character });
        }
    }

    fn insert(&mut self, character: char) {
        if self.text.len() < CHARS_MAX {
            self.text.insert(self.cursor, character);
            self.cursor += 1;
        }
    }

    fn delete_word(&mut self) {
        let before = &self.text[..self.cursor];
        let word = before.iter().rposition(|it| *it != ' ').map_or(0, |it| it + 1);
        let start = before[..word].iter().rposition(|it| *it == ' ').map_or(0, |it| it + 1);
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_typed_and_corrected() {
        let mut edit = Edit::new("state:failed age<1d");
        edit.key(Key::Ctrl('w'));
        assert_eq!(edit.text(), "state:failed ");
        edit.key(Key::Home);
        edit.key(Key::Delete);
        edit.key(Key::Char('S'));
        assert_eq!(edit.parts(), ("S".to_owned(), "tate:failed ".to_owned()));
        edit.paste("a\nb");
        assert_eq!(edit.text(), "Sa btate:failed ");
        edit.key(Key::Ctrl('u'));
        assert_eq!(edit.text(), "tate:failed ");
        assert!(!edit.key(Key::Enter));
    }
}
