//! The thread that writes to the terminal. Whoever draws never waits for it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::sync::Notify;

use super::tty::Tty;

/// Where the bytes go. The tests have terminals that stall.
pub(super) trait Port {
    /// Writes some of `bytes` and says how many, without waiting.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Waits a while for more to fit.
    fn wait(&mut self) -> io::Result<()>;
}

/// Hands bytes to the thread that writes them. Frames are made only while [`Self::is_free`], so the terminal is never behind
/// by more than one.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    idle_marks: bool,
}

#[derive(Default, Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    written: Notify,
}

#[derive(Default, Debug)]
struct State {
    /// Whether bytes are taken.
    open: bool,
    /// What the thread takes next, in one write.
    waiting: Vec<u8>,
    writing: bool,
    /// The rest of the write that is on the way is not wanted.
    abandoned: bool,
    last_write: Duration,
}

impl Writer {
    pub(super) fn start(tty: Arc<Tty>, idle_marks: bool) -> io::Result<Self> {
        Self::with(idle_marks, move |shared| shared.write(&mut &*tty))
    }

    fn with(idle_marks: bool, run: impl FnOnce(&Shared) + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let its = Arc::clone(&shared);
        thread::Builder::new().name("draw".to_owned()).spawn(move || run(&its))?;
        Ok(Self { shared, idle_marks })
    }

    /// Whether everything is written and the terminal is ours: the time to make a frame.
    pub(crate) fn is_free(&self) -> bool {
        let state = self.shared.lock();
        state.open && state.is_done()
    }

    /// Returns when something was written since the last call. Cancel safe.
    pub(crate) async fn written(&self) {
        self.shared.written.notified().await;
    }

    /// Gives bytes to write and returns at once. What waits is written together. While the terminal is not ours they are
    /// dropped.
    pub(crate) fn put(&self, bytes: Vec<u8>) {
        let mut state = self.shared.lock();
        if !state.open || bytes.is_empty() {
            return;
        }
        if state.waiting.is_empty() {
            state.waiting = bytes;
        } else {
            state.waiting.extend(bytes);
        }
        self.shared.changed.notify_all();
    }

    /// How long the terminal took for the last write. Much above nothing: its link is slow.
    pub(crate) fn last_write(&self) -> Duration {
        self.shared.lock().last_write
    }

    /// Tells a test that all up to its input number `input` is drawn. Terminals ignore it, and nobody else is told.
    pub(crate) fn mark_idle(&self, input: u64) {
        if self.idle_marks {
            self.put(format!("\x1b]7777;idle;{input}\x07").into_bytes());
        }
    }

    /// Takes bytes again.
    pub(super) fn open(&self) {
        let mut state = self.shared.lock();
        state.open = true;
        state.abandoned = false;
        self.shared.written.notify_one();
    }

    /// Writes `last` after what waits and takes no more. False: it was not written within `patience`, and the thread has let
    /// the terminal go.
    pub(super) fn close(&self, last: &[u8], patience: Duration) -> bool {
        let mut state = self.shared.lock();
        state.open = false;
        state.waiting.extend(last);
        self.shared.changed.notify_all();
        let mut state = self.shared.wait(state, patience);
        if state.is_done() {
            return true;
        }
        state.abandoned = true;
        state.waiting.clear();
        drop(self.shared.wait(state, patience));
        false
    }
}

impl State {
    fn is_done(&self) -> bool {
        self.waiting.is_empty() && !self.writing
    }
}

impl Shared {
    /// What the thread does for ever.
    fn write(&self, port: &mut impl Port) {
        loop {
            let bytes = self.take();
            let began = Instant::now();
            // A terminal that cannot be written to is gone, and the watchdog ends the process.
            let _ = write_all(port, &bytes, || self.lock().abandoned);
            let mut state = self.lock();
            state.writing = false;
            state.last_write = began.elapsed();
            drop(state);
            self.changed.notify_all();
            self.written.notify_one();
        }
    }

    fn take(&self) -> Vec<u8> {
        let state = self.lock();
        let mut state = self
            .changed
            .wait_while(state, |it| it.waiting.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        state.writing = true;
        std::mem::take(&mut state.waiting)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, patience: Duration) -> MutexGuard<'a, State> {
        let done = self.changed.wait_timeout_while(state, patience, |it| !it.is_done());
        done.unwrap_or_else(PoisonError::into_inner).0
    }

    /// The panic hook must get through as well.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes everything, however many steps the port makes of it, or stops between two steps once it is `abandoned`.
pub(super) fn write_all(
    port: &mut impl Port,
    mut bytes: &[u8],
    abandoned: impl Fn() -> bool,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match port.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => port.wait()?,
            Err(error) => return Err(error),
        }
        if abandoned() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A terminal that does what it is told, one step a write, and tells what it got.
    struct Scripted {
        steps: mpsc::Receiver<io::Result<usize>>,
        writes: mpsc::Sender<Vec<u8>>,
    }

    impl Port for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let step = self.steps.recv().expect("the test holds the other end");
            let count = step?.min(bytes.len());
            self.writes.send(bytes[..count].to_vec()).expect("the test listens");
            Ok(count)
        }

        fn wait(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Bench {
        writer: Writer,
        steps: mpsc::Sender<io::Result<usize>>,
        writes: mpsc::Receiver<Vec<u8>>,
    }

    fn bench(idle_marks: bool) -> Bench {
        let (steps, its_steps) = mpsc::channel();
        let (its_writes, writes) = mpsc::channel();
        let mut port = Scripted { steps: its_steps, writes: its_writes };
        let writer =
            Writer::with(idle_marks, move |shared| shared.write(&mut port)).expect("a thread");
        writer.open();
        Bench { writer, steps, writes }
    }

    impl Bench {
        fn allow(&self, step: io::Result<usize>) {
            self.steps.send(step).expect("the thread listens");
        }

        fn next(&self) -> Vec<u8> {
            self.writes.recv().expect("the thread writes")
        }

        fn finish(&self) {
            let state = self.writer.shared.lock();
            let state = self.writer.shared.wait(state, Duration::from_secs(60));
            assert!(state.is_done());
        }
    }

    const ALL: io::Result<usize> = Ok(usize::MAX);

    #[test]
    fn a_frame_is_one_write() {
        let it = bench(false);
        it.allow(ALL);
        it.writer.put(vec![b'x'; 20_000]);
        assert_eq!(it.next().len(), 20_000);
        it.finish();
        assert!(it.writer.is_free());
        assert!(it.writes.try_recv().is_err());
    }

    #[test]
    fn a_stalled_terminal_keeps_the_writer_busy_and_nobody_waiting() {
        let it = bench(false);
        it.writer.put(b"frame".to_vec());
        assert!(!it.writer.is_free());
        it.allow(Ok(2));
        assert_eq!(it.next(), b"fr");
        it.allow(Err(io::ErrorKind::WouldBlock.into()));
        it.allow(Err(io::ErrorKind::Interrupted.into()));
        assert!(!it.writer.is_free());
        it.allow(ALL);
        assert_eq!(it.next(), b"ame");
        it.finish();
        assert!(it.writer.is_free());
    }

    #[test]
    fn what_comes_during_a_write_is_written_together_after_it() {
        let it = bench(false);
        it.writer.put(b"frame".to_vec());
        it.allow(Ok(1));
        assert_eq!(it.next(), b"f");
        it.writer.put(b"copy".to_vec());
        it.writer.put(b"bell".to_vec());
        it.allow(ALL);
        it.allow(ALL);
        assert_eq!(it.next(), b"rame");
        assert_eq!(it.next(), b"copybell");
    }

    #[test]
    fn nothing_is_written_for_no_bytes_or_after_the_terminal_was_left() {
        let it = bench(false);
        it.writer.put(Vec::new());
        assert!(it.writer.is_free());
        it.allow(ALL);
        assert!(it.writer.close(b"bye", Duration::from_secs(60)));
        assert_eq!(it.next(), b"bye");
        it.writer.put(b"late".to_vec());
        it.writer.mark_idle(1);
        assert!(!it.writer.is_free());
        it.writer.open();
        assert!(it.writer.is_free());
        assert!(it.writes.try_recv().is_err());
    }

    #[test]
    fn leaving_a_stalled_terminal_gives_the_frame_up() {
        let it = bench(false);
        it.writer.put(b"frame".to_vec());
        it.allow(Ok(1));
        assert_eq!(it.next(), b"f");
        assert!(!it.writer.close(b"bye", Duration::ZERO));
        it.allow(Err(io::ErrorKind::WouldBlock.into()));
        it.finish();
        assert!(it.writes.try_recv().is_err());
    }

    #[test]
    fn the_time_a_write_took_is_known() {
        let it = bench(false);
        let began = Instant::now();
        it.writer.put(b"frame".to_vec());
        it.allow(ALL);
        it.finish();
        assert!(it.writer.last_write() <= began.elapsed());
    }

    #[test]
    fn only_tests_are_told_of_idleness() {
        let it = bench(true);
        it.allow(ALL);
        it.writer.mark_idle(7);
        assert_eq!(it.next(), b"\x1b]7777;idle;7\x07");
        let quiet = bench(false);
        quiet.writer.mark_idle(7);
        assert!(quiet.writer.is_free());
    }

    #[tokio::test]
    async fn the_owner_is_told_when_a_frame_is_written() {
        let it = bench(false);
        it.writer.written().await;
        it.writer.put(b"frame".to_vec());
        it.allow(ALL);
        it.writer.written().await;
        assert!(it.writer.is_free());
    }
}
