//! What comes out of a pty: kept, shown and counted by a thread that reads it.

use std::io::Read;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use vt100::{Callbacks, Parser};

use super::screen::Screen;
use crate::wait::BOUND;

/// What a program has told its terminal besides the picture.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Heard {
    /// How many frames were ended (mode 2026).
    pub frames: u64,
    /// Whether one is on the way.
    pub in_frame: bool,
    /// The number of the input up to which all is drawn, as the last mark of idleness says.
    pub idle: Option<u64>,
    /// Names it gave the window.
    pub titles: Vec<String>,
    /// What it put into the clipboard, in base64.
    pub copies: Vec<String>,
    /// How often it rang.
    pub bells: u64,
}

#[derive(Debug)]
pub(super) struct Tap {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: Parser<Heard>,
    bytes: Vec<u8>,
    is_over: bool,
    /// The next read is the last.
    is_stopped: bool,
}

impl Tap {
    pub(super) fn new((columns, rows): (u16, u16)) -> Self {
        let parser = Parser::new_with_callbacks(rows, columns, 0, Heard::default());
        let state = State { parser, bytes: Vec::new(), is_over: false, is_stopped: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Reads to the end. The terminal is let go before the end is told.
    pub(super) fn read(&self, mut pty: Box<dyn Read + Send>) {
        let mut buffer = [0; 1 << 16];
        while let Ok(count @ 1..) = pty.read(&mut buffer) {
            let mut state = self.lock();
            if state.is_stopped {
                break;
            }
            state.bytes.extend(&buffer[..count]);
            state.parser.process(&buffer[..count]);
            self.changed.notify_all();
        }
        drop(pty);
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    /// Ends the reading; `wake` makes the pty readable.
    pub(super) fn stop(&self, wake: impl FnOnce()) {
        self.lock().is_stopped = true;
        wake();
        self.wait_for_end();
    }

    pub(super) fn wait_for_end(&self) {
        let state = self.lock();
        let over = self.changed.wait_timeout_while(state, BOUND, |it| !it.is_over);
        let (_state, wait) = over.unwrap_or_else(PoisonError::into_inner);
        assert!(!wait.timed_out(), "somebody still has the terminal");
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&Screen, &Heard) -> T) -> T {
        let state = self.lock();
        look(&state.screen(), state.parser.callbacks())
    }

    pub(super) fn resize(&self, (columns, rows): (u16, u16)) {
        self.lock().parser.screen_mut().set_size(rows, columns);
    }

    pub(super) fn bytes_from(&self, start: usize) -> Vec<u8> {
        self.lock().bytes[start..].to_vec()
    }

    /// What comes within this time.
    pub(super) fn next_bytes(&self, time: Duration) -> Vec<u8> {
        let state = self.lock();
        let start = state.bytes.len();
        let come = self.changed.wait_timeout_while(state, time, |it| it.bytes.len() == start);
        come.unwrap_or_else(PoisonError::into_inner).0.bytes[start..].to_vec()
    }

    /// Waits until it is so between two frames. Panics, with the screen, if it never is.
    #[track_caller]
    pub(super) fn wait(&self, what: &str, is_so: impl Fn(&Screen, &Heard) -> bool) -> Screen {
        self.wait_for(what, |state| is_so(&state.screen(), state.parser.callbacks()))
    }

    /// The same for the bytes that have come, from a place on.
    #[track_caller]
    pub(super) fn wait_for_bytes(
        &self,
        what: &str,
        start: usize,
        is_so: impl Fn(&[u8]) -> bool,
    ) -> Screen {
        self.wait_for(what, |state| is_so(&state.bytes[start..]))
    }

    #[track_caller]
    fn wait_for(&self, what: &str, is_so: impl Fn(&State) -> bool) -> Screen {
        let end = Instant::now() + BOUND;
        let mut state = self.lock();
        loop {
            if !state.parser.callbacks().in_frame && is_so(&state) {
                return state.screen();
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || state.is_over {
                let (heard, screen) = (state.parser.callbacks().clone(), state.screen());
                let why = if state.is_over { "the program let go of it" } else { "in vain" };
                drop(state);
                panic!("waited for the terminal, and {why}: {what}\n{heard:?}\n{screen:?}");
            }
            let woken = self.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn screen(&self) -> Screen {
        Screen::of(self.parser.screen())
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("screen", &self.screen()).finish_non_exhaustive()
    }
}

impl Callbacks for Heard {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.bells += 1;
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.titles.push(String::from_utf8_lossy(title).into_owned());
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.copies.push(String::from_utf8_lossy(data).into_owned());
    }

    fn unhandled_csi(
        &mut self,
        _: &mut vt100::Screen,
        first: Option<u8>,
        _: Option<u8>,
        params: &[&[u16]],
        last: char,
    ) {
        if (first, params) == (Some(b'?'), &[&[2026]]) {
            self.frames += u64::from(self.in_frame && last == 'l');
            self.in_frame = last == 'h';
        }
    }

    fn unhandled_osc(&mut self, _: &mut vt100::Screen, params: &[&[u8]]) {
        if let [b"7777", b"idle", number] = params {
            let number = String::from_utf8_lossy(number);
            self.idle = Some(number.parse().expect("an idle mark has a number"));
        }
    }
}
