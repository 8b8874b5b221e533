//! What stands in the bytes that a terminal is sent: text, and commands.

/// How the console clears the screen, which is the first thing in a frame and stands nowhere else.
const CLEAR: &str = "\x1b[?2026h\x1b[m\x1b[H\x1b[2J";

/// How a mark of idleness begins.
const IDLE: &str = "\x1b]7777;idle;";

/// The modes that the console sets and resets.
const MODES: &[&str] = &["?2026", "?1049", "?25", "?2004", "?1004"];

/// The commands that the console never gives by itself, as they stand: whoever gets one through is a danger. Among them are
/// copies (OSC 52), names of windows, what blinks, controls alone, and what turns text around.
pub fn strange(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).replace(CLEAR, "\x1b[?2026h");
    let mut strange = Vec::new();
    let mut rest = text.as_str();
    while let Some(place) = rest.find(is_command) {
        let command = &rest[place..place + length(&rest[place..])];
        if !is_own(command) {
            strange.push(command.to_owned());
        }
        rest = &rest[place + command.len()..];
    }
    strange
}

/// Whether the screen was cleared and drawn, and all inputs before have been.
pub(super) fn is_anew_and_idle(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.rfind(CLEAR).is_some_and(|it| text[it..].contains(IDLE))
}

fn is_command(it: char) -> bool {
    let turns =
        matches!(it, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    it.is_control() || turns
}

/// How many bytes the command has that the text begins with.
fn length(text: &str) -> usize {
    let end = |is_last: fn(char) -> bool| {
        let last = text.char_indices().skip(2).find(|(_, it)| is_last(*it));
        last.map_or(text.len(), |(place, it)| place + it.len_utf8())
    };
    match text.as_bytes() {
        [0x1b, b'[', ..] => end(|it| !('\x20'..='\x3f').contains(&it)),
        [0x1b, b']', ..] => end(|it| it == '\x07' || it == '\x1b'),
        _ => text.chars().next().map_or(0, char::len_utf8),
    }
}

fn is_own(command: &str) -> bool {
    if let Some(number) = command.strip_prefix(IDLE) {
        return number.strip_suffix('\x07').is_some_and(is_number);
    }
    let Some(inner) = command.strip_prefix("\x1b[") else { return false };
    let Some(last) = inner.chars().last() else { return false };
    let params = &inner[..inner.len() - last.len_utf8()];
    let mut numbers = params.split(';');
    match last {
        'h' | 'l' => MODES.contains(&params),
        'H' => numbers.clone().count() == 2 && numbers.all(is_number),
        // 5 and 6 blink; behind 38 and 48 they would name a colour, which the tests' terminals have not.
        'm' => params.is_empty() || numbers.all(|it| is_number(it) && !["5", "6"].contains(&it)),
        _ => false,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_console_draws_with_is_its_own() {
        let frame =
            "\x1b[?2026h\x1b[m\x1b[H\x1b[2J\x1b[3;14H\x1b[0;1;31mtext › コ\x1b[m\x1b[?2026l";
        let bytes = format!("\x1b[?1049h\x1b[?25l{frame}\x1b]7777;idle;12\x07");
        assert_eq!(strange(bytes.as_bytes()), Vec::<String>::new());
    }

    #[test]
    fn every_other_command_is_strange() {
        let commands = [
            "\x1b[2J",
            "\x1b[H",
            "\x1b[5m",
            "\x1b[0;5m",
            "\x1b[1A",
            "\x1b[?1000h",
            "\x1b]0;owned\x07",
            "\x1b]52;c;Zm9v\x07",
            "\x1b]7777;idle;x\x07",
            "\x1b",
            "\r",
            "\x08",
            "\u{9b}",
            "\u{202e}",
            "\x1b[",
            "\x1b]2;x",
        ];
        for command in commands {
            let found = strange(format!("a{command}").as_bytes());
            assert_eq!(found, [command], "{command:?}");
        }
        assert_eq!(strange(b"\x1bc\n"), ["\x1b", "\n"]);
    }
}
