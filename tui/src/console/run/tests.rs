//! The loop on a terminal that only remembers, with no daemon at the other end.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use console::Settings;
use crossterm::event::KeyCode;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::*;
use crate::args::ColorWhen;
use crate::terminal::Press;

/// Nothing here takes so long.
const LIMIT: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Memory {
    busy: Cell<bool>,
    written: Notify,
    puts: RefCell<Vec<Vec<u8>>>,
    marks: RefCell<Vec<u64>>,
    suspends: Cell<u32>,
    /// How often the loop looked whether it may draw.
    looks: Cell<u32>,
}

impl Stage for Memory {
    fn size(&self) -> (u16, u16) {
        (80, 24)
    }
    fn is_free(&self) -> bool {
        self.looks.set(self.looks.get() + 1);
        !self.busy.get()
    }
    async fn written(&self) {
        self.written.notified().await;
    }
    fn put(&self, bytes: Vec<u8>) {
        self.puts.borrow_mut().push(bytes);
    }
    fn last_write(&self) -> Duration {
        Duration::ZERO
    }
    fn mark_idle(&self, input: u64) {
        self.marks.borrow_mut().push(input);
    }
    fn suspend(&self) -> bool {
        self.suspends.set(self.suspends.get() + 1);
        true
    }
    fn resume(&self) -> Result<bool, Error> {
        Ok(true)
    }
}

impl Memory {
    fn frames(&self) -> usize {
        self.puts.borrow().iter().filter(|it| it.starts_with(b"\x1b[?2026h")).count()
    }

    /// Returns once the loop says that all up to this event is drawn.
    async fn drawn(&self, event: u64) {
        let seen = async {
            while self.marks.borrow().last() != Some(&event) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(LIMIT, seen).await.expect("it is drawn");
    }
}

fn key(code: KeyCode) -> Event {
    Event::Key(Press { code, ctrl: false, alt: false, shift: false })
}

fn shell<'a>(stage: &'a Memory, folder: &TempDir) -> (Shell<'a, Memory>, Sources, Keys) {
    let (keys, events) = mpsc::channel(16);
    let (link, inbox) = Link::start(folder.path().join("none"), None);
    let settings = Settings {
        leaving: "",
        host: "test".to_owned(),
        unicode: true,
        color: console::ColorDepth::None,
        read_only: false,
        utc_offset: |_| 0,
    };
    let caps = Caps::of(&|_| None, ColorWhen::Never, false).expect("any terminal will do");
    let shell = Shell::new(App::new(settings), stage, link, caps, false, Instant::now());
    let signals = Signals::listen().expect("inside a runtime");
    (shell, Sources { events, signals, inbox }, Keys(keys))
}

/// The person at the terminal.
struct Keys(mpsc::Sender<Event>);

impl Keys {
    async fn press(&self, code: KeyCode) {
        self.0.send(key(code)).await.expect("the loop listens");
    }
}

/// Plays a person against the loop, until they let go of the terminal.
async fn play<F: Future<Output = ()>>(stage: &Memory, person: impl FnOnce(Keys) -> F) {
    let folder = tempfile::tempdir().expect("a fresh folder");
    let (shell, sources, keys) = shell(stage, &folder);
    let both = async { tokio::join!(run(shell, sources), person(keys)) };
    let (exit, ()) = timeout(LIMIT, both).await.expect("the loop ends with its terminal");
    assert_eq!(exit.expect("no error"), Exit::Signal(HUNG_UP));
}

#[tokio::test(flavor = "current_thread")]
async fn a_key_is_drawn_at_once_and_one_without_effect_is_acknowledged() {
    let stage = Memory::default();
    play(&stage, async |keys: Keys| {
        stage.drawn(0).await;
        let before = stage.frames();
        keys.press(KeyCode::Char('?')).await;
        stage.drawn(1).await;
        assert!(stage.frames() > before);
        keys.press(KeyCode::F(9)).await;
        stage.drawn(2).await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_terminal_that_is_busy_gets_the_newest_picture_when_it_is_free() {
    let stage = Memory::default();
    play(&stage, async |keys: Keys| {
        stage.drawn(0).await;
        stage.busy.set(true);
        let before = stage.frames();
        for screen in ['3', '4', '5'] {
            keys.press(KeyCode::Char(screen)).await;
        }
        sleep(Duration::from_millis(50)).await;
        assert_eq!(stage.frames(), before);
        let looks = stage.looks.get();
        sleep(Duration::from_millis(50)).await;
        assert!(stage.looks.get() - looks < 10, "it waits for the terminal, and does not ask it");
        stage.busy.set(false);
        stage.written.notify_one();
        stage.drawn(3).await;
        assert_eq!(stage.frames(), before + 1);
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn what_the_console_wants_of_the_terminal_is_done() {
    let stage = Memory::default();
    let folder = tempfile::tempdir().expect("a fresh folder");
    let (mut shell, _sources, _keys) = shell(&stage, &folder);
    shell.draw();
    shell.carry_out_all(vec![Effect::Bell, Effect::Copy("a".to_owned()), Effect::Suspend]);
    let puts = stage.puts.borrow().clone();
    assert_eq!(puts, [b"\x07".to_vec(), b"\x1b]52;c;YQ==\x07".to_vec()]);
    assert_eq!(stage.suspends.get(), 1);
    shell.take(Heard::Signal(Signal::Continue)).expect("the terminal is there");
    shell.draw();
    assert_eq!(stage.frames(), 1);
    shell.carry_out_all(vec![Effect::Redraw]);
    shell.draw();
    assert_eq!(stage.frames(), 2, "the same picture, and all of it");
    shell.carry_out_all(vec![Effect::Quit]);
    assert_eq!(shell.end, Some(Exit::Done));
    shell.take(Heard::Signal(Signal::End(143))).expect("nothing can fail");
    assert_eq!(shell.end, Some(Exit::Signal(143)));
}

#[tokio::test(flavor = "current_thread")]
async fn a_question_without_answer_is_not_idle_and_a_forgotten_one_is() {
    let mut waits = Waits::default();
    let run = "f3racdcplfe4h".parse().expect("an id");
    waits.asked(&Effect::Why(Ticket(1), run, None));
    assert!(!waits.is_empty());
    waits.answered(&Input::Copied(true));
    assert!(!waits.is_empty());
    let refusal =
        shared::request::Refusal::new(shared::request::RefusalCode::Unavailable, "no daemon");
    waits.answered(&Input::Why(Ticket(1), Err(refusal)));
    assert!(waits.is_empty());
    let from = console::effect::LogFrom::Tail(1);
    let ask = console::effect::LogAsk {
        run,
        task: "load".to_owned(),
        attempt: None,
        from,
        follow: false,
    };
    waits.asked(&Effect::ReadLog(LogTicket(2), ask));
    assert!(!waits.is_empty());
    waits.asked(&Effect::StopLog);
    assert!(waits.is_empty());
}
