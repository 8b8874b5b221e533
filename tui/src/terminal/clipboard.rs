//! Speaking to the person's own machine through the terminal: its clipboard and its bell.

use super::caps::Multiplexer;

/// Rings or flashes, as the terminal is set.
pub(crate) const BELL: &[u8] = b"\x07";

/// The longest base64 that terminals take in one OSC 52, in bytes: hterm's and xterm's limit of 100,000 with room for the
/// wrapping.
const LIMIT: usize = 74_994;

/// How much screen passes on at once; it drops strings above 768 bytes.
const SCREEN_PIECE: usize = 76;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A text is too long for the clipboard of a terminal. Sizes are bytes of base64.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{size} bytes are too many for the terminal's clipboard, which takes {limit}")]
pub(crate) struct TooLong {
    size: usize,
    limit: usize,
}

/// What makes the terminal put `text` into its clipboard. Whether it does, it never says.
pub(crate) fn copy(text: &str, inside: Option<Multiplexer>) -> Result<Vec<u8>, TooLong> {
    let size = text.len().div_ceil(3) * 4;
    if size > LIMIT {
        return Err(TooLong { size, limit: LIMIT });
    }
    let plain = format!("\x1b]52;c;{}\x07", base64(text.as_bytes())).into_bytes();
    Ok(match inside {
        None => plain,
        // It obeys the one or passes on the other, as `set-clipboard` and `allow-passthrough` say.
        Some(Multiplexer::Tmux) => [plain.clone(), through_tmux(&plain)].concat(),
        Some(Multiplexer::Screen) => through_screen(&plain),
    })
}

fn through_tmux(sequence: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x1bPtmux;".to_vec();
    for byte in sequence {
        if *byte == 0x1b {
            bytes.push(0x1b);
        }
        bytes.push(*byte);
    }
    bytes.extend(b"\x1b\\");
    bytes
}

fn through_screen(sequence: &[u8]) -> Vec<u8> {
    sequence
        .chunks(SCREEN_PIECE)
        .flat_map(|piece| [b"\x1bP".as_slice(), piece, b"\x1b\\"].concat())
        .collect()
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let six = (bits >> (18 - 6 * at)) & 63;
            let letter = if at > group.len() { b'=' } else { ALPHABET[six as usize] };
            text.push(char::from(letter));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_rfc_4648_shows() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in pairs {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn a_copy_is_wrapped_for_what_is_in_between() {
        let plain = b"\x1b]52;c;Zm9v\x07".to_vec();
        assert_eq!(copy("foo", None), Ok(plain.clone()));
        let tmux = [plain, b"\x1bPtmux;\x1b\x1b]52;c;Zm9v\x07\x1b\\".to_vec()].concat();
        assert_eq!(copy("foo", Some(Multiplexer::Tmux)), Ok(tmux));
        let screen = b"\x1bP\x1b]52;c;Zm9v\x07\x1b\\".to_vec();
        assert_eq!(copy("foo", Some(Multiplexer::Screen)), Ok(screen));
    }

    #[test]
    fn screen_gets_a_long_copy_in_pieces_it_takes() {
        let bytes = copy(&"x".repeat(3000), Some(Multiplexer::Screen)).expect("it is short enough");
        let text = String::from_utf8(bytes).expect("it is ascii");
        assert!(text.split("\x1b\\").all(|piece| piece.len() < 100));
        let joined = text.replace("\x1bP", "").replace("\x1b\\", "");
        assert_eq!(joined.len(), "\x1b]52;c;".len() + 4000 + 1);
    }

    #[test]
    fn a_text_above_the_limit_is_refused() {
        assert!(copy(&"x".repeat(56_244), None).is_ok());
        let refusal = copy(&"x".repeat(56_250), None).expect_err("it is too long");
        assert_eq!(refusal, TooLong { size: 75_000, limit: 74_994 });
    }
}
