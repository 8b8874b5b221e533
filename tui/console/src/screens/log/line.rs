//! A line of a log as it may be shown: its colours are made anew from a list of what is harmless, all else of escapes is
//! dropped where it only redraws, and made visible where it does more.

use crate::safe::Safe;

/// The columns between tab stops.
const TAB: usize = 8;

/// How a piece of a line was printed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Printed {
    /// One of the terminal's sixteen colours.
    pub(crate) color: Option<u8>,
    pub(crate) bold: bool,
}

/// A line in pieces, each printed in one way.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct SafeLine {
    pub(super) pieces: Vec<(Safe, Printed)>,
}

impl SafeLine {
    /// Makes a line safe. Every line begins without colours: those of the line before do not matter to it.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut line = Self::default();
        let mut printed = Printed::default();
        let (mut piece, mut column) = (String::new(), 0);
        let mut rest = text.as_ref();
        while let Some(character) = rest.chars().next() {
            if let Some((parameters, last, after)) = sequence(rest)
                && let Some(next) = obeyed(parameters, last, printed)
            {
                line.push(&std::mem::take(&mut piece), printed);
                printed = next;
                rest = after;
                continue;
            }
            rest = &rest[character.len_utf8()..];
            if character == '\t' {
                let spaces = TAB - column % TAB;
                piece.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            } else {
                piece.push(character);
                column += 1;
            }
        }
        line.push(&piece, printed);
        line
    }

    fn push(&mut self, text: &str, printed: Printed) {
        if !text.is_empty() {
            self.pieces.push((Safe::line(text), printed));
        }
    }

    /// The line without its colours.
    pub(super) fn text(&self) -> String {
        self.pieces.iter().map(|it| it.0.as_str()).collect()
    }
}

/// A control sequence at the beginning of a text: its parameters, its last character, and what follows.
fn sequence(text: &str) -> Option<(&str, char, &str)> {
    let body = text.strip_prefix("\x1b[")?;
    let end = body.find(|it: char| !matches!(it, '0'..='9' | ';' | ':' | '?'))?;
    let last = body[end..].chars().next()?;
    Some((&body[..end], last, &body[end + last.len_utf8()..]))
}

/// How is printed after a sequence; `None` for one that is to be shown. Those that clear the line and hide the cursor, as
/// progress bars do, change nothing that is kept.
fn obeyed(parameters: &str, last: char, printed: Printed) -> Option<Printed> {
    match last {
        'm' if !parameters.contains('?') => Some(colored(parameters, printed)),
        'K' => Some(printed),
        'h' | 'l' if parameters == "?25" => Some(printed),
        _ => None,
    }
}

fn colored(parameters: &str, mut printed: Printed) -> Printed {
    let mut numbers = parameters.split([';', ':']).map(|it| match it {
        "" => Some(0),
        it => it.parse::<u16>().ok(),
    });
    while let Some(number) = numbers.next() {
        match number {
            Some(0) => printed = Printed::default(),
            Some(1) => printed.bold = true,
            Some(22) => printed.bold = false,
            Some(it @ 30..=37) => printed.color = Some((it - 30) as u8),
            Some(it @ 90..=97) => printed.color = Some((it - 90 + 8) as u8),
            Some(39) => printed.color = None,
            Some(it @ (38 | 48)) => {
                let color = match numbers.next() {
                    Some(Some(5)) => numbers.next().flatten().filter(|it| *it < 16),
                    Some(Some(2)) => {
                        numbers.by_ref().take(3).for_each(drop);
                        None
                    }
                    _ => None,
                };
                if it == 38 {
                    printed.color = color.and_then(|it| u8::try_from(it).ok());
                }
            }
            _ => {}
        }
    }
    printed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(bytes: &[u8]) -> Vec<(String, Option<u8>, bool)> {
        let piece = |it: (Safe, Printed)| (it.0.to_string(), it.1.color, it.1.bold);
        SafeLine::new(bytes).pieces.into_iter().map(piece).collect()
    }

    fn plain(text: &str) -> (String, Option<u8>, bool) {
        (text.to_owned(), None, false)
    }

    #[test]
    fn colours_are_made_anew() {
        let bytes = b"a\x1b[1;31mred\x1b[0m b\x1b[92mc\x1b[38;5;3md\x1b[38;5;200;1me\x1b[38;2;1;2;3mf\x1b[m";
        let expected = [
            plain("a"),
            ("red".to_owned(), Some(1), true),
            plain(" b"),
            ("c".to_owned(), Some(10), false),
            ("d".to_owned(), Some(3), false),
            ("e".to_owned(), None, true),
            ("f".to_owned(), None, true),
        ];
        assert_eq!(pieces(bytes), expected);
        assert_eq!(pieces(b"\x1b[41mx\x1b[7my"), [plain("x"), plain("y")]);
        assert_eq!(pieces(b"\x1b[99999999mx"), [plain("x")]);
    }

    #[test]
    fn what_only_redraws_is_dropped_and_what_does_more_is_shown() {
        let text = |it: &[u8]| SafeLine::new(it).text();
        assert_eq!(text(b"\x1b[2K\x1b[?25l50%\x1b[K"), "50%");
        assert_eq!(text(b"\x1b[2J\x1b]52;c;aGk=\x07"), "␛[2J␛]52;c;aGk=␇");
        assert_eq!(text(b"\x1b]8;;http://x\x1b\\click"), "␛]8;;http://x␛\\click");
        assert_eq!(text(b"a\x1b[3"), "a␛[3");
        assert_eq!(text(b"\xe5\xa4"), "\u{fffd}");
        assert_eq!(text(b"ab\tc"), "ab      c");
    }

    proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_gets_through(bytes in proptest::collection::vec(prop_oneof![
            any::<u8>(), Just(0x1b), Just(b'['), Just(b';'), Just(b'm')], 0..200)) {
            let text = SafeLine::new(&bytes).text();
            prop_assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
}
