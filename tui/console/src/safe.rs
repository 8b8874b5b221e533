//! Text that may be shown on a terminal. Names, messages, parameters and logs come from files and processes; what of them
//! would move the cursor, recolour the screen, or look like something else is replaced by something visible.

use std::fmt;

/// A text without anything that a terminal obeys or a reader cannot see. The only form in which text is written out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Safe(String);

impl Safe {
    /// One line: tabs become spaces, line ends are replaced as everything else is.
    pub fn line(text: &str) -> Self {
        let mut safe = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '\t' => safe.push(' '),
                other => push(&mut safe, other),
            }
        }
        Self(safe)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The columns that it takes on a terminal.
    pub fn width(&self) -> usize {
        self.0.chars().map(width).sum()
    }

    /// As much of it as fits into `columns` with `…` at its end.
    pub fn cut(self, columns: usize) -> Self {
        let mut cut = String::new();
        let mut used = 1;
        for character in self.0.chars() {
            used += width(character);
            if used > columns {
                break;
            }
            cut.push(character);
        }
        if columns > 0 {
            cut.push('…');
        }
        Self(cut)
    }
}

impl fmt::Display for Safe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// JSON with the same characters written as escapes. They stand only within its strings, so it stays the same document.
pub fn json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && is_harmful(character) {
            let mut units = [0_u16; 2];
            for unit in character.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Makes a log safe that arrives in pieces: tabs and line ends stay, colours are dropped, all else is replaced.
#[derive(Default, Debug)]
pub struct LogFilter {
    pending: Vec<u8>,
}

/// The longest start of an escape sequence that is waited for.
const SEQUENCE_BYTES_MAX: usize = 64;

impl LogFilter {
    /// The lines of the next piece. What could still change its meaning is kept for the next call.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let keep = unfinished(&self.pending);
        let rest = self.pending.split_off(self.pending.len() - keep);
        log_text(&std::mem::replace(&mut self.pending, rest))
    }

    /// What was kept, at the end of the log.
    pub fn finish(&mut self) -> String {
        log_text(&std::mem::take(&mut self.pending))
    }
}

/// How many bytes at the end are the start of something: a character, an escape sequence, a line end.
fn unfinished(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(SEQUENCE_BYTES_MAX)..];
    if let Some(at) = tail.iter().rposition(|it| *it == 0x1b) {
        let sequence = &tail[at..];
        let open = match sequence {
            [_] => true,
            [_, b'[', rest @ ..] => rest.iter().all(|it| is_parameter(*it)),
            _ => false,
        };
        if open {
            return sequence.len();
        }
    }
    if tail.last() == Some(&b'\r') {
        return 1;
    }
    let continued = tail.iter().rev().take(3).take_while(|it| **it & 0xc0 == 0x80).count();
    match tail.iter().rev().nth(continued) {
        Some(first @ 0xc0..=0xff) if first.leading_ones() as usize > continued + 1 => continued + 1,
        _ => 0,
    }
}

fn is_parameter(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b';' || byte == b':'
}

fn log_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut safe = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(character) = rest.chars().next() {
        if let Some(after) = after_colour(rest) {
            rest = after;
            continue;
        }
        rest = &rest[character.len_utf8()..];
        match character {
            '\n' | '\t' => safe.push(character),
            '\r' if rest.starts_with('\n') => {}
            other => push(&mut safe, other),
        }
    }
    safe
}

/// What follows a colour sequence, where the text starts with one.
fn after_colour(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|it: char| !it.is_ascii() || !is_parameter(it as u8))?;
    parameters[end..].strip_prefix('m')
}

fn push(safe: &mut String, character: char) {
    match u32::from(character) {
        code @ 0..0x20 => safe.extend(char::from_u32(0x2400 + code)),
        0x7f => safe.push('␡'),
        code if is_harmful(character) => safe.push_str(&format!("<{code:04x}>")),
        _ => safe.push(character),
    }
}

fn is_harmful(character: char) -> bool {
    matches!(u32::from(character),
        0..0x20 | 0x7f..=0x9f
        // Bidirectional marks and controls.
        | 0x061c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x206f
        // Nothing to see: soft hyphen, joiners, fillers, line separators, byte order mark, annotations.
        | 0xad | 0x034f | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200d
        | 0x2028 | 0x2029 | 0x2060..=0x2065 | 0x3164 | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
        // Tags, and the selectors that can carry any bytes.
        | 0xe0000..=0xe0fff)
}

/// The columns of a character that is not harmful.
fn width(character: char) -> usize {
    match u32::from(character) {
        0x0300..=0x036f | 0x1ab0..=0x1aff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f => {
            0
        }
        0x1100..=0x115e
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff01..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(pieces: &[&[u8]]) -> String {
        let mut filter = LogFilter::default();
        let mut text: String = pieces.iter().map(|it| filter.push(it)).collect();
        text.push_str(&filter.finish());
        text
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        let line = |text| Safe::line(text).to_string();
        assert_eq!(line("a\x1b[2Jb"), "a␛[2Jb");
        assert_eq!(line("a\nb\tc\rd"), "a␊b c␍d");
        assert_eq!(line("\x7f\u{9b}31m"), "␡<009b>31m");
        assert_eq!(line("a\u{202e}b\u{2066}c"), "a<202e>b<2066>c");
        assert_eq!(line("a\u{200b}b\u{e0041}c\u{feff}"), "a<200b>b<e0041>c<feff>");
        assert_eq!(line("Größe 大 ✓"), "Größe 大 ✓");
    }

    #[test]
    fn making_safe_twice_changes_nothing() {
        let once = Safe::line("\x1b]0;title\x07\u{2069}\u{85}");
        assert_eq!(Safe::line(once.as_str()), once);
    }

    #[test]
    fn a_log_keeps_its_lines_and_loses_its_colours() {
        assert_eq!(log(&[b"\x1b[1;31mred\x1b[0m\tx\r\ny\rz\n"]), "red\tx\ny␍z\n");
        assert_eq!(log(&[b"\x1b[2J\x1b]0;t\x07"]), "␛[2J␛]0;t␇");
        assert_eq!(log(&[b"\xff\xfe ok"]), "\u{fffd}\u{fffd} ok");
    }

    #[test]
    fn a_log_that_arrives_in_pieces_reads_as_one() {
        assert_eq!(log(&[b"\x1b", b"[3", b"1mred"]), "red");
        assert_eq!(log(&[b"\xe5\xa4", b"\xa7 \xc3", b"\xb6"]), "大 ö");
        assert_eq!(log(&[b"a\r", b"\nb\r", b"c"]), "a\nb␍c");
        assert_eq!(log(&[b"a\xe5"]), "a\u{fffd}");
    }

    #[test]
    fn an_endless_escape_sequence_is_not_waited_for() {
        let mut filter = LogFilter::default();
        let mut endless = b"\x1b[".to_vec();
        endless.extend([b'1'; 200]);
        assert!(filter.push(&endless).starts_with("␛[111"));
    }

    #[test]
    fn json_keeps_its_meaning() {
        let harmful = serde_json::to_string("a\u{202e}\u{9b}\u{e0041}").expect("text is JSON");
        let safe = json(&harmful);
        assert!(safe.is_ascii(), "{safe}");
        assert_eq!(
            serde_json::from_str::<String>(&safe).ok(),
            Some("a\u{202e}\u{9b}\u{e0041}".to_owned())
        );
    }

    #[test]
    fn cutting_counts_columns() {
        assert_eq!(Safe::line("abcdef").cut(4).to_string(), "abc…");
        assert_eq!(Safe::line("大大大").cut(4).to_string(), "大…");
    }
}
