//! The end of the log of the attempt that is chosen, followed while it runs.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::{RunId, TaskPath};
use shared::request::Refusal;
use shared::snapshot::LogChunk;
use shared::time::Timestamp;

use crate::app::App;
use crate::effect::{Effect, LogAsk, LogFrom};
use crate::frame;
use crate::input::LogTicket;
use crate::safe::Safe;
use crate::text;
use crate::theme::Role;

/// How many lines are asked for.
const LINES: u32 = 200;
/// The most bytes that are kept.
const BYTES_MAX: usize = 64 * 1_024;
/// The most characters of a line that are kept.
const LINE_MAX: usize = 1_000;
/// The least time between two questions; keys that are held down ask no more often.
const PAUSE: Duration = Duration::from_millis(200);

/// After how long a log that was refused is asked for again, while its attempt runs.
const AGAIN: Duration = Duration::from_secs(2);

/// Of what it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TailOf {
    pub(super) run: RunId,
    pub(super) path: TaskPath,
    pub(super) attempt: u32,
    /// Whether more may come.
    pub(super) grows: bool,
}

/// What is known of it.
#[derive(Default, Debug)]
pub(super) struct Tail {
    of: Option<TailOf>,
    bytes: Vec<u8>,
    lines: Vec<Safe>,
    /// Where the next byte stands in the log; absent before the first answer.
    next: Option<u64>,
    ended: bool,
    refused: Option<String>,
    asked: Option<LogTicket>,
    asked_at: Option<Timestamp>,
    /// How many lines are below the pane.
    pub(super) scrolled: usize,
}

impl Tail {
    /// What is to be asked for `of`; another log than before is begun anew.
    pub(super) fn wants(
        &mut self,
        now: Timestamp,
        of: Option<TailOf>,
        ticket: impl FnOnce() -> LogTicket,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        let key = |it: &TailOf| (it.run, it.path.clone(), it.attempt);
        if self.of.as_ref().map(key) != of.as_ref().map(key) {
            effects.extend(self.asked.map(|_| Effect::StopLog));
            *self = Self { asked_at: self.asked_at, ..Self::default() };
        }
        self.of = of;
        let rests = self.asked_at.is_some_and(|it| now.since(it) < PAUSE && now >= it);
        // Of an attempt that has just started there may be no log yet.
        let grows = self.of.as_ref().is_some_and(|it| it.grows);
        let asks_again = grows && self.asked_at.is_none_or(|it| now.since(it) > AGAIN);
        let refused = self.refused.is_some() && !asks_again;
        let done = self.ended || refused || self.asked.is_some();
        let Some(of) = self.of.as_ref().filter(|_| !done && !rests) else { return effects };
        let ticket = ticket();
        let ask = LogAsk {
            run: of.run,
            task: of.path.to_string(),
            attempt: Some(of.attempt),
            from: self.next.map_or(LogFrom::Tail(LINES), LogFrom::Offset),
            follow: of.grows && self.next.is_some(),
        };
        (self.asked, self.asked_at) = (Some(ticket), Some(now));
        effects.push(Effect::ReadLog(ticket, ask));
        effects
    }

    /// Forgets a question whose answer may never come; whether there was one.
    pub(super) fn forget(&mut self) -> bool {
        self.refused = None;
        self.asked.take().is_some()
    }

    pub(super) fn told(&mut self, of: LogTicket, answer: Result<LogChunk, Refusal>) {
        if self.asked != Some(of) {
            return;
        }
        self.asked = None;
        match answer {
            Ok(chunk) => {
                self.refused = None;
                let grows = self.of.as_ref().is_some_and(|it| it.grows);
                self.ended = chunk.end || (chunk.bytes.is_empty() && !grows);
                let next = chunk.offset.saturating_add(chunk.bytes.len() as u64);
                self.next = Some(next.max(self.next.unwrap_or(0)));
                if !chunk.bytes.is_empty() {
                    self.asked_at = None;
                }
                self.take(&chunk.bytes);
            }
            Err(refusal) => self.refused = Some(refusal.message),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        let over = self.bytes.len().saturating_sub(BYTES_MAX);
        if over > 0 {
            let end = self.bytes[over..].iter().position(|it| *it == b'\n').map_or(0, |it| it + 1);
            self.bytes.drain(..over + end);
        }
        let before = self.lines.len();
        let body = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        self.lines = body.split(|it| *it == b'\n').map(line).collect();
        if self.scrolled > 0 {
            self.scrolled += self.lines.len().saturating_sub(before);
        }
    }

    /// Scrolls so many lines towards the beginning, or back.
    pub(super) fn scroll(&mut self, by: isize) {
        self.scrolled = self.scrolled.saturating_add_signed(by).min(self.lines.len());
    }

    /// `following`, `3 below`, or nothing where the log grows no more.
    pub(super) fn hint(&self) -> String {
        match (self.scrolled, &self.of) {
            (0, Some(it)) if it.grows && !self.ended => "following".to_owned(),
            (0, _) => String::new(),
            (below, _) => format!("{below} below"),
        }
    }

    /// `empty`: what to say where there is no log to be read.
    pub(super) fn view(&self, app: &App, area: Rect, buf: &mut Buffer, empty: &str) {
        let says = match (&self.of, &self.refused, self.next) {
            (None, ..) => empty,
            (_, Some(refused), _) => refused,
            (.., None) => match app.can_act() {
                Ok(()) => "reading the log…",
                Err(_) => "the daemon does not answer",
            },
            _ if self.lines.is_empty() => "nothing was printed",
            _ => "",
        };
        if !says.is_empty() {
            frame::nothing(app, area, buf, says);
            return;
        }
        let rows = usize::from(area.height);
        let end = self.lines.len().saturating_sub(self.scrolled).max(rows.min(self.lines.len()));
        let start = end.saturating_sub(rows);
        let plain = app.theme().style(Role::Plain);
        for (y, line) in (area.top()..area.bottom()).zip(&self.lines[start..end]) {
            text::put(buf, area.x + 1, y, area.width.saturating_sub(1), line, plain);
        }
    }
}

/// A line as it is shown: what a progress bar has written over is left out, colours too.
fn line(bytes: &[u8]) -> Safe {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\r');
    let text = text.rsplit('\r').next().unwrap_or_default();
    let text: String = without_colours(text).chars().take(LINE_MAX).collect();
    Safe::line(&text)
}

fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        let end = after.find(|it: char| !it.is_ascii_digit() && it != ';');
        match end.filter(|it| after[*it..].starts_with('m')) {
            Some(end) => rest = &after[end + 1..],
            None => {
                plain.push_str("\x1b[");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(offset: u64, text: &str, end: bool) -> Result<LogChunk, Refusal> {
        Ok(LogChunk { bytes: text.as_bytes().to_vec(), offset, attempt: 1, end })
    }

    fn of(grows: bool) -> Option<TailOf> {
        Some(TailOf { run: RunId(1), path: "load".into(), attempt: 1, grows })
    }

    #[test]
    fn a_log_that_grows_is_read_on_from_where_it_ended() {
        let mut tail = Tail::default();
        let now = Timestamp::from_millis(1_000);
        let first = tail.wants(now, of(true), || LogTicket(1));
        assert!(matches!(&first[..], [Effect::ReadLog(_, it)] if it.from == LogFrom::Tail(LINES)));
        assert!(tail.wants(now, of(true), || LogTicket(9)).is_empty(), "one question at a time");
        tail.told(LogTicket(1), chunk(40, "a\nb\n", false));
        let next = tail.wants(now, of(true), || LogTicket(2));
        assert!(
            matches!(&next[..], [Effect::ReadLog(_, it)] if it.from == LogFrom::Offset(44) && it.follow)
        );
        tail.told(LogTicket(7), chunk(0, "of another question\n", true));
        tail.told(LogTicket(2), chunk(44, "c\n", true));
        assert_eq!(tail.lines.iter().map(Safe::as_str).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(tail.wants(now, of(false), || LogTicket(3)).is_empty());
    }

    #[test]
    fn another_task_begins_anew_and_keys_held_down_ask_seldom() {
        let mut tail = Tail::default();
        let now = Timestamp::from_millis(1_000);
        tail.wants(now, of(true), || LogTicket(1));
        let other = || of(true).map(|it| TailOf { path: "other".into(), ..it });
        assert_eq!(tail.wants(now, other(), || LogTicket(2)), [Effect::StopLog]);
        assert_eq!(tail.wants(now + PAUSE, other(), || LogTicket(2)).len(), 1);
    }

    #[test]
    fn what_a_line_says_is_shown_and_what_it_does_is_not() {
        assert_eq!(line(b"10%\r20%\r\x1b[1;31mdone\x1b[0m\r").as_str(), "done");
        assert!(!line(b"\x1b[2Jgone").as_str().contains('\x1b'));
    }
}
