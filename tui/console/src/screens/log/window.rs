//! The lines around where the person looks: a part of the log, however large it is, that never outgrows its bound.

use std::collections::VecDeque;

use shared::snapshot::LogLine;

/// The most of a line that is kept, in bytes.
pub(super) const LINE_BYTES_MAX: usize = 16 << 10;
/// The most lines that are kept.
pub(super) const LINES_MAX: usize = 4_000;
/// The most that the kept lines hold, in bytes.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// A line as it was printed, without its end. Of a line that a carriage return starts over, what came last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// Where it begins in the log.
    pub(super) offset: u64,
    /// How many bytes of the log it takes, its end included.
    pub(super) length: u64,
    pub(super) bytes: Vec<u8>,
    /// Whether there is more of it than is kept.
    pub(super) is_cut: bool,
    /// Whether its end has been seen.
    pub(super) is_ended: bool,
    /// Whether the last byte was a carriage return, which may yet be half of the line's end.
    returns: bool,
}

/// Lines that follow each other, and between which bytes of the log they were looked for.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Window {
    lines: VecDeque<Line>,
    start: u64,
    end: u64,
}

/// How much of what is new is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Take {
    /// All; what is at the other side goes.
    All,
    /// Half of what has room; what is at the other side goes.
    Half,
    /// What has room.
    Room,
}

impl Line {
    fn new(offset: u64) -> Self {
        Self {
            offset,
            length: 0,
            bytes: Vec::new(),
            is_cut: false,
            is_ended: false,
            returns: false,
        }
    }

    /// A line that was found.
    pub(super) fn found(line: &LogLine) -> Self {
        let mut it = Self::new(line.offset);
        line.bytes.iter().for_each(|byte| it.push(*byte));
        it.is_cut |= line.bytes.len() >= LINE_BYTES_MAX;
        it.is_ended = true;
        it.length += 1;
        it
    }

    fn push(&mut self, byte: u8) {
        self.length += 1;
        match byte {
            b'\n' => self.is_ended = true,
            b'\r' => self.returns = true,
            byte => {
                if std::mem::take(&mut self.returns) {
                    self.bytes.clear();
                    self.is_cut = false;
                }
                match self.bytes.len() < LINE_BYTES_MAX {
                    true => self.bytes.push(byte),
                    false => self.is_cut = true,
                }
            }
        }
    }

    pub(super) fn end(&self) -> u64 {
        self.offset + self.length
    }
}

impl Window {
    /// Nothing yet, around a place.
    pub(super) fn at(offset: u64) -> Self {
        Self { lines: VecDeque::new(), start: offset, end: offset }
    }

    pub(super) fn lines(&self) -> &VecDeque<Line> {
        &self.lines
    }

    /// The first byte that is known.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Behind the last byte that is known.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The line at a place of the log: the last that begins there or before, else the first.
    pub(super) fn index(&self, offset: u64) -> usize {
        self.lines.partition_point(|it| it.offset <= offset).saturating_sub(1)
    }

    /// Whether a place lies within what is known.
    pub(super) fn holds(&self, offset: u64) -> bool {
        (self.start..self.end).contains(&offset)
    }

    /// Takes in bytes that were read from `offset` on; those that are known are passed over, and what would leave a gap is
    /// not taken.
    pub(super) fn append(&mut self, offset: u64, bytes: &[u8], take: Take) {
        let Some(known) = self.end.checked_sub(offset) else { return };
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        let (mut lines, mut held) = match take {
            Take::All | Take::Half => (0, 0),
            Take::Room => (self.lines.len(), self.held()),
        };
        let (lines_max, held_max) = match take {
            Take::Half => (LINES_MAX / 2, BYTES_MAX / 2),
            Take::Room | Take::All => (LINES_MAX, BYTES_MAX),
        };
        for byte in bytes.iter().skip(known) {
            if self.lines.back().is_none_or(|it| it.is_ended) {
                if take != Take::All && (lines >= lines_max || held >= held_max) {
                    break;
                }
                lines += 1;
                held += self.lines.back().map_or(0, |it| it.bytes.len());
                // Lines are let go while they come, so that a block of empty ones takes no memory.
                if self.lines.len() >= 2 * LINES_MAX {
                    self.trim_front();
                }
                self.lines.push_back(Line::new(self.end));
            }
            self.lines.back_mut().expect("a line was just made sure of").push(*byte);
            self.end += 1;
        }
        match take {
            Take::Room => self.trim_back(),
            Take::All | Take::Half => self.trim_front(),
        }
    }

    /// Takes in the whole lines of bytes that were read from `offset` on and end where the window begins.
    ///
    /// Result: whether there were any. `is_whole`: whether a line begins at `offset`.
    pub(super) fn prepend(&mut self, offset: u64, bytes: &[u8], is_whole: bool) -> bool {
        let before = usize::try_from(self.start.saturating_sub(offset)).unwrap_or(usize::MAX);
        let bytes = &bytes[..before.min(bytes.len())];
        if offset + bytes.len() as u64 != self.start {
            return false;
        }
        let skipped = match is_whole {
            true => 0,
            false => bytes.iter().position(|it| *it == b'\n').map_or(bytes.len(), |it| it + 1),
        };
        let mut older = Self::at(offset + skipped as u64);
        older.append(older.end, &bytes[skipped..], Take::All);
        let (mut count, mut held) = (0, 0);
        while let Some(line) = older.lines.pop_back() {
            count += 1;
            held += line.bytes.len();
            if count > LINES_MAX / 2 || held > BYTES_MAX / 2 {
                break;
            }
            self.start = line.offset;
            self.lines.push_front(line);
        }
        self.trim_back();
        count > 0
    }

    /// Takes in lines that were found behind the window, which reaches to `end` with them.
    pub(super) fn found_after(&mut self, lines: impl Iterator<Item = Line>, end: u64) {
        self.lines.extend(lines);
        self.end = self.end.max(end);
        self.trim_front();
    }

    /// Takes in lines that were found before the window, which reaches from `start` on with them.
    pub(super) fn found_before(
        &mut self,
        lines: impl DoubleEndedIterator<Item = Line>,
        start: u64,
    ) {
        lines.rev().for_each(|it| self.lines.push_front(it));
        self.start = self.start.min(start);
        self.trim_back();
    }

    fn held(&self) -> usize {
        self.lines.iter().map(|it| it.bytes.len()).sum()
    }

    fn trim_front(&mut self) {
        let mut held = self.held();
        while self.lines.len() > LINES_MAX || (held > BYTES_MAX && self.lines.len() > 1) {
            held -= self.lines.pop_front().map_or(0, |it| it.bytes.len());
            self.start = self.lines.front().map_or(self.end, |it| it.offset);
        }
    }

    fn trim_back(&mut self) {
        let mut held = self.held();
        while self.lines.len() > LINES_MAX || (held > BYTES_MAX && self.lines.len() > 1) {
            let Some(line) = self.lines.pop_back() else { return };
            held -= line.bytes.len();
            self.end = line.offset;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(window: &Window) -> Vec<String> {
        let text = |it: &Line| String::from_utf8_lossy(&it.bytes).into_owned();
        window.lines.iter().map(text).collect()
    }

    fn whole(bytes: &[u8]) -> Window {
        let mut window = Window::at(0);
        window.append(0, bytes, Take::All);
        window
    }

    fn is_bounded(window: &Window) -> bool {
        window.lines.len() <= LINES_MAX && window.held() <= BYTES_MAX
    }

    #[test]
    fn of_a_line_that_starts_over_the_last_is_kept() {
        let window = whole(b"a\r\n10%\r20%\r30%\nx\r\r\n1%\r");
        assert_eq!(texts(&window), ["a", "30%", "x", "1%"]);
        assert!(!window.lines[3].is_ended);
        let long = [vec![b'x'; 1 << 20], b"\rdone\n".to_vec()].concat();
        assert_eq!(texts(&whole(&long)), ["done"]);
        assert!(!whole(&long).lines[0].is_cut);
    }

    #[test]
    fn a_line_of_a_mebibyte_is_cut() {
        let window = whole(&[vec![b'x'; 1 << 20], b"\nnext".to_vec()].concat());
        assert!(window.lines[0].is_cut && !window.lines[1].is_cut);
        assert_eq!(window.lines[0].bytes.len(), LINE_BYTES_MAX);
        assert_eq!(window.lines[1].offset, (1 << 20) + 1);
    }

    #[test]
    fn thousands_of_lines_stay_within_the_bound() {
        let bytes: Vec<u8> = (0..100_000).flat_map(|it| format!("{it}\n").into_bytes()).collect();
        let mut window = whole(&bytes);
        assert!(is_bounded(&window));
        assert_eq!(texts(&window).last().map(String::as_str), Some("99999"));
        let start = usize::try_from(window.start).expect("it is small");
        assert!(window.prepend(start as u64 - 10_000, &bytes[start - 10_000..], false));
        assert!(is_bounded(&window) && window.end < bytes.len() as u64);
        let end = window.end;
        window.append(end, &bytes[usize::try_from(end).expect("it is small")..], Take::Half);
        assert!(is_bounded(&window) && window.end > end);
        let mut small = whole(b"a\n");
        small.append(2, &bytes, Take::Room);
        assert_eq!((small.start, small.lines.len()), (0, LINES_MAX));
    }

    #[test]
    fn a_gap_is_not_closed_by_guessing() {
        let mut window = whole(b"a\nb\n");
        window.append(9, b"c\n", Take::All);
        assert_eq!(window.end(), 4);
        window.append(2, b"b\nc\n", Take::All);
        assert_eq!(texts(&window), ["a", "b", "c"]);
        let mut window = Window::at(6);
        assert!(!window.prepend(0, b"abc", true));
        assert!(!window.prepend(3, b"abc", false), "no line begins in it");
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\r\n".to_vec()),
            Just("大ö\u{301}".as_bytes().to_vec()),
            Just(b"\x1b[31mred\x1b[0m".to_vec()),
            Just(vec![b'x'; 20_000]),
            proptest::collection::vec(any::<u8>(), 0..20),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|it| it.concat())
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_lines(bytes in bytes(), cuts in proptest::collection::vec(0_usize..200_000, 0..12)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|it| it % (bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut forwards = Window::at(0);
            for pair in cuts.windows(2) {
                forwards.append(pair[0] as u64, &bytes[pair[0]..pair[1]], Take::All);
            }
            prop_assert_eq!(&forwards, &whole(&bytes));
            let mut backwards = Window::at(bytes.len() as u64);
            while backwards.start() > 0 {
                // A part in which no line begins is read again, from further off.
                for cut in cuts.iter().rev().filter(|it| (**it as u64) < backwards.start).copied().collect::<Vec<_>>() {
                    let start = usize::try_from(backwards.start()).expect("it is small");
                    if backwards.prepend(cut as u64, &bytes[cut..start], cut == 0) {
                        break;
                    }
                }
            }
            prop_assert_eq!(texts(&backwards), texts(&whole(&bytes)));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_window_never_exceeds_its_bound(takes in proptest::collection::vec((0_usize..3, 1_usize..2_000_000, any::<bool>()), 1..8)) {
            let mut window = Window::at(5_000_000);
            for (kind, count, lines) in takes {
                let text = if lines { b"ab\n".repeat(count / 30) } else { vec![b'x'; count] };
                match kind {
                    0 => window.append(window.end(), &text, Take::All),
                    1 => window.append(window.end(), &text, Take::Half),
                    _ => {
                        let offset = window.start().saturating_sub(text.len() as u64);
                        window.prepend(offset, &text, offset == 0);
                    }
                }
                prop_assert!(is_bounded(&window));
                prop_assert!(window.start() <= window.end());
            }
        }
    }
}
