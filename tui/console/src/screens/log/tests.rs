use std::time::Duration;

use expect_test::{ExpectFile, expect_file};
use shared::id::RunId;
use shared::request::{Refusal, RefusalCode};
use shared::snapshot::{AttemptView, LogChunk, LogHits, LogLine, RunView};
use shared::watch::{News, RunNews};

use super::window::{BYTES_MAX, LINES_MAX};
use super::*;
use crate::Settings;
use crate::effect::{LogAsk, LogFrom, LogSearch};
use crate::fixtures::{self, press, snapshot, text};
use crate::input::{Input, Link, LogTicket};
use crate::screens::Screen;
use crate::theme::ColorDepth;

/// How much an answer of the daemon holds.
const CHUNK: usize = 1 << 20;

/// A daemon with one log.
#[derive(Default)]
struct Daemon {
    bytes: Vec<u8>,
    is_over: bool,
    /// Questions that wait for more.
    waiting: Vec<(LogTicket, u64)>,
    /// How many questions were answered.
    answered: usize,
}

impl Daemon {
    fn of(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), ..Self::default() }
    }

    fn chunk(&self, from: usize) -> LogChunk {
        let from = from.min(self.bytes.len());
        let to = self.bytes.len().min(from + CHUNK);
        let end = to == self.bytes.len() && self.is_over;
        LogChunk { bytes: self.bytes[from..to].to_vec(), offset: from as u64, attempt: 2, end }
    }

    fn read(&mut self, ticket: LogTicket, ask: &LogAsk) -> Option<LogChunk> {
        let offset = match ask.from {
            LogFrom::Offset(offset) => offset as usize,
            LogFrom::Tail(lines) => {
                let ends = self.bytes.iter().enumerate().rev().filter(|it| *it.1 == b'\n');
                let ends = ends.map(|it| it.0 + 1).filter(|it| *it != self.bytes.len());
                ends.take(lines as usize).last().unwrap_or(0)
            }
        };
        let chunk = self.chunk(offset);
        if ask.follow && chunk.bytes.is_empty() && !chunk.end {
            self.waiting.push((ticket, offset as u64));
            return None;
        }
        Some(chunk)
    }

    fn search(&self, ask: &LogSearch) -> Result<LogHits, Refusal> {
        if ask.pattern == "(" {
            return Err(Refusal::new(RefusalCode::Invalid, "`(` is no regular expression"));
        }
        // What these tests look for needs no more than words and choices of words.
        let words: Vec<&str> = match ask.pattern == super::search::ERRORS {
            true => vec!["ERROR", "Traceback"],
            false => ask.pattern.split('|').collect(),
        };
        let from = (ask.from as usize).min(self.bytes.len());
        let mut at = if ask.backwards { 0 } else { from };
        let end = if ask.backwards { from } else { self.bytes.len() };
        let mut lines = Vec::new();
        for line in self.bytes[at..end].split_inclusive(|it| *it == b'\n') {
            let bytes = line.strip_suffix(b"\n").unwrap_or(line);
            let shown = String::from_utf8_lossy(bytes);
            if words.iter().any(|it| shown.contains(it)) {
                let bytes = bytes[..bytes.len().min(16 << 10)].to_vec();
                lines.push(LogLine { offset: at as u64, bytes });
            }
            at += line.len();
        }
        let limit = ask.limit as usize;
        let next = match (lines.len() > limit, ask.backwards) {
            (false, _) => None,
            (true, false) => Some(lines[limit].offset),
            (true, true) => Some(lines[lines.len() - limit].offset),
        };
        match ask.backwards {
            false => lines.truncate(limit),
            true => drop(lines.drain(..lines.len().saturating_sub(limit))),
        }
        Ok(LogHits { lines, attempt: 2, scanned: (end - at.min(end)) as u64, next })
    }

    /// Answers what is asked until nothing more is.
    fn answer(&mut self, app: &mut App, effects: Vec<Effect>) {
        let mut effects: std::collections::VecDeque<Effect> = effects.into();
        while let Some(effect) = effects.pop_front() {
            let input = match effect {
                Effect::ReadLog(ticket, ask) => match self.read(ticket, &ask) {
                    Some(chunk) => Input::Log(ticket, Ok(chunk)),
                    None => continue,
                },
                Effect::SearchLog(ticket, ask) => Input::LogFound(ticket, self.search(&ask)),
                Effect::StopLog => {
                    self.waiting.clear();
                    continue;
                }
                _ => continue,
            };
            self.answered += 1;
            assert!(self.answered < 2_000, "the console asks without end");
            effects.extend(app.handle(app.now, input));
            let state = &app.states.log;
            for window in [&state.window, state.shown()] {
                assert!(window.lines().len() <= LINES_MAX);
                assert!(window.lines().iter().map(|it| it.bytes.len()).sum::<usize>() <= BYTES_MAX);
            }
        }
    }

    fn press(&mut self, app: &mut App, keys: &str) {
        for key in keys.split(' ') {
            let effects = press(app, key);
            self.answer(app, effects);
        }
    }

    fn print(&mut self, app: &mut App, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        for (ticket, offset) in std::mem::take(&mut self.waiting) {
            let chunk = self.chunk(offset as usize);
            let effects = app.handle(app.now, Input::Log(ticket, Ok(chunk)));
            self.answer(app, effects);
        }
    }

    fn end(&mut self, app: &mut App) {
        self.is_over = true;
        self.print(app, b"");
    }
}

fn attempt(number: u32, outcome: Option<&str>, exit: Option<i32>) -> AttemptView {
    AttemptView {
        attempt: number,
        id: shared::id::AttemptId(number.into()),
        outcome: outcome.map(str::to_owned),
        reason: None,
        exit,
        signal: None,
        started: Some(fixtures::ago(600)),
        ended: outcome.map(|_| fixtures::ago(60)),
        pid: Some(4_711),
        max_rss: None,
        cpu_s: None,
        log_bytes: None,
        log_dropped: None,
    }
}

fn run(last: AttemptView) -> RunView {
    let mut run = fixtures::run_view(2, 3);
    run.tasks[0].task = "geo_enrich".to_owned();
    run.tasks[0].attempts = vec![attempt(1, Some("exit(137)"), Some(137)), last];
    run
}

fn news(last: AttemptView) -> News {
    News { run: Some(RunNews::Whole(Box::new(run(last)))), ..fixtures::busy() }
}

fn log_of(task: &str) -> LogOf {
    LogOf { run: RunId(2), label: "nightly-etl#4812".to_owned(), task: task.into(), attempt: None }
}

fn open_with(settings: Settings, daemon: &mut Daemon, last: AttemptView) -> App {
    let mut app = fixtures::app_with(settings, fixtures::busy());
    app.open_root(Screen::Runs);
    app.open(Screen::Run(RunId(2)));
    app.open(Screen::Log(log_of("geo_enrich")));
    let mut effects = app.handle(fixtures::now(), Input::Tick);
    effects.extend(app.handle(fixtures::now(), Input::News(Box::new(news(last)))));
    effects.extend(app.handle(fixtures::now(), Input::Resize(80, 24)));
    daemon.answer(&mut app, effects);
    app
}

fn open(daemon: &mut Daemon) -> App {
    let last = match daemon.is_over {
        true => attempt(2, Some("exit(1)"), Some(1)),
        false => attempt(2, None, None),
    };
    open_with(fixtures::settings(), daemon, last)
}

fn busy() -> Vec<u8> {
    let line = |it: u32| match it {
        _ if it.is_multiple_of(97) => {
            format!("\x1b[1;33mWARN\x1b[0m  rss 1.92G near limit 2.00G at {it}\n")
        }
        _ if it.is_multiple_of(331) => {
            format!("\x1b[31mERROR\x1b[0m batch {it}: oom, will go on\n")
        }
        _ => format!("INFO  batch {it}/20000 rows=18,140,022\n"),
    };
    let mut bytes: Vec<u8> = (1..=20_000).flat_map(|it| line(it).into_bytes()).collect();
    bytes.extend(b"\n[runyard: 81920 bytes dropped here]\n");
    bytes.extend(b"Traceback (most recent call last):\n\tin main\x1b[K\nloading  10%\rloading 100%\r\nlast line\n");
    bytes
}

fn absurd() -> Vec<u8> {
    let mut bytes =
        b"\x1b[2J\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1b[41;30mblack on red\x1b[0m\n".to_vec();
    for name in fixtures::absurd_names() {
        bytes.extend(name.as_bytes());
        bytes.push(b'\n');
    }
    bytes.extend(b"\xe5\xa4\n\xff\xfe\x00\n");
    bytes.extend(vec![b'x'; 1 << 20]);
    bytes.extend(b"\n1%\r2%\r\x1b[2K3%\r");
    bytes
}

/// The line that is selected.
fn line(app: &App) -> String {
    copies(app).into_iter().find(|it| it.0 == "line").map(|it| it.1).unwrap_or_default()
}

#[test]
fn a_log_at_every_size() {
    let cases: [(u16, u16, bool, ExpectFile); 5] = [
        (80, 24, true, expect_file!["frames/busy-80x24.txt"]),
        (160, 48, true, expect_file!["frames/busy-160x48.txt"]),
        (60, 15, true, expect_file!["frames/busy-60x15.txt"]),
        (80, 24, false, expect_file!["frames/busy-80x24-ascii.txt"]),
        (60, 15, false, expect_file!["frames/busy-60x15-ascii.txt"]),
    ];
    for (width, height, unicode, expected) in cases {
        let settings = Settings { unicode, ..fixtures::settings() };
        let mut daemon = Daemon::of(busy());
        let mut app = open_with(settings, &mut daemon, attempt(2, None, None));
        expected.assert_eq(&snapshot(&mut app, width, height));
    }
}

#[test]
fn a_log_without_colour_that_has_ended() {
    let settings = Settings { color: ColorDepth::None, ..fixtures::settings() };
    let mut daemon = Daemon { is_over: true, ..Daemon::of(busy()) };
    let mut app = open_with(settings, &mut daemon, attempt(2, Some("exit(1)"), Some(1)));
    expect_file!["frames/ended-80x24-mono.txt"].assert_eq(&snapshot(&mut app, 80, 24));
}

#[test]
fn an_absurd_log_at_every_size() {
    let cases: [(u16, u16, bool, &str, ExpectFile); 4] = [
        (80, 24, true, "g", expect_file!["frames/absurd-80x24.txt"]),
        (80, 24, true, "g z", expect_file!["frames/absurd-80x24-wrap.txt"]),
        (60, 15, false, "g", expect_file!["frames/absurd-60x15-ascii.txt"]),
        (160, 48, true, "g right right", expect_file!["frames/absurd-160x48-right.txt"]),
    ];
    for (width, height, unicode, keys, expected) in cases {
        let settings = Settings { unicode, ..fixtures::settings() };
        let mut daemon = Daemon::of(absurd());
        let mut app = open_with(settings, &mut daemon, attempt(2, None, None));
        daemon.press(&mut app, keys);
        let frame = snapshot(&mut app, width, height);
        assert!(!frame.contains('\x1b') && (unicode || frame.is_ascii()));
        expected.assert_eq(&frame);
    }
}

#[test]
fn a_filter_shows_how_much_it_hides_and_a_search_marks_its_hits() {
    let mut daemon = Daemon { is_over: true, ..Daemon::of(busy()) };
    let mut app = open(&mut daemon);
    daemon.press(&mut app, "& o o m | r s s enter");
    expect_file!["frames/filter-80x24.txt"].assert_eq(&snapshot(&mut app, 80, 24));
    daemon.press(&mut app, "/ o o m enter");
    assert!(line(&app).contains("oom"), "{}", line(&app));
    expect_file!["frames/filter-search-80x24.txt"].assert_eq(&snapshot(&mut app, 80, 24));
    let settings = Settings { unicode: false, ..fixtures::settings() };
    let mut app = open_with(settings, &mut daemon, attempt(2, Some("exit(1)"), Some(1)));
    daemon.press(&mut app, "& o o m enter /");
    expect_file!["frames/filter-60x15-ascii.txt"].assert_eq(&snapshot(&mut app, 60, 15));
}

#[test]
fn what_has_no_log_says_why() {
    let mut daemon = Daemon::of("");
    let mut app = open(&mut daemon);
    assert!(text(&mut app, 80, 24).contains("it has not printed anything yet"));
    daemon.end(&mut app);
    assert!(text(&mut app, 80, 24).contains("it ended without printing anything"));
    let refusals = [
        (
            RefusalCode::Invalid,
            "`geo_enrich` is mapped: each of its items has a log",
            "name one, such as `geo_enrich:a`",
        ),
        (
            RefusalCode::Invalid,
            "`geo_enrich` runs no program, and so has no log",
            "`runyard why` tells of it",
        ),
        (
            RefusalCode::NotFound,
            "`geo_enrich` has had no attempt yet",
            "`runyard why` says what it waits for",
        ),
    ];
    for (code, message, help) in refusals {
        let mut app = fixtures::app(fixtures::busy());
        let mut effects = app.open(Screen::Log(log_of("geo_enrich")));
        effects.extend(app.handle(app.now, Input::Tick));
        let ticket = asked(&effects);
        let refusal = Refusal::new(code, message).help(help);
        let asked_again = app.handle(app.now, Input::Log(ticket, Err(refusal)));
        assert_eq!(asked_again, [], "it is not asked at once again");
        let frame = text(&mut app, 160, 24);
        assert!(frame.contains(message) && frame.contains(help), "{frame}");
        // Once the daemon tells something new, the log may have begun.
        let effects = app.handle(app.now, Input::News(Box::default()));
        assert_eq!(
            effects.iter().any(|it| matches!(it, Effect::ReadLog(..))),
            code == RefusalCode::NotFound
        );
    }
}

/// The ticket of the last question about a log.
fn asked(effects: &[Effect]) -> LogTicket {
    let ticket = |it: &Effect| match it {
        Effect::ReadLog(ticket, _) | Effect::SearchLog(ticket, _) => Some(*ticket),
        _ => None,
    };
    effects.iter().rev().find_map(ticket).expect("a log is asked for")
}

#[test]
fn the_end_is_followed_until_the_person_looks_elsewhere() {
    let mut daemon = Daemon::of(busy());
    let mut app = open(&mut daemon);
    assert_eq!(line(&app), "last line");
    daemon.print(&mut app, b"one more\n");
    assert_eq!(line(&app), "one more");
    daemon.press(&mut app, "up up");
    let before = line(&app);
    daemon.print(&mut app, b"two\nthr");
    daemon.print(&mut app, b"ee\nfour\n");
    assert_eq!(line(&app), before);
    let frame = text(&mut app, 80, 24);
    assert!(frame.contains("+3 new below (G: follow)"), "{frame}");
    daemon.press(&mut app, "G");
    assert_eq!(line(&app), "four");
    assert!(!text(&mut app, 80, 24).contains("new below"));
    daemon.press(&mut app, "F");
    daemon.print(&mut app, b"five\n");
    assert_eq!(line(&app), "four");
    daemon.press(&mut app, "down");
    daemon.print(&mut app, b"six\n");
    assert_eq!(line(&app), "six", "who goes down to the end follows it again");
    daemon.end(&mut app);
    assert!(daemon.waiting.is_empty());
    assert_eq!(app.handle(app.now, Input::Tick), [], "a log that has ended is not asked for");
}

#[test]
fn any_place_of_a_large_log_is_reached_line_by_line_and_none_is_left_out() {
    let text: String = (0..60_000).map(|it| format!("line {it}\n")).collect();
    let mut daemon = Daemon::of(text);
    let mut app = open(&mut daemon);
    assert_eq!(line(&app), "line 59999");
    for at in (59_000..59_999).rev() {
        daemon.press(&mut app, "up");
        assert_eq!(line(&app), format!("line {at}"));
    }
    daemon.press(&mut app, "g");
    assert_eq!(line(&app), "line 0");
    let mut last = 0;
    for _ in 0..600 {
        daemon.press(&mut app, "pgdn");
        let number: u32 = line(&app)[5..].parse().expect("a number");
        assert_eq!(number, last + 18);
        last = number;
    }
    daemon.press(&mut app, "ctrl-u down");
    assert_eq!(line(&app), format!("line {}", last - 8));
}

#[test]
fn a_line_longer_than_an_answer_does_not_stop_the_way_up() {
    let mut bytes = b"first\n".to_vec();
    bytes.extend(vec![b'x'; 3 << 20]);
    bytes.extend(b"\nlast\n");
    let mut daemon = Daemon::of(bytes);
    let mut app = open(&mut daemon);
    for _ in 0..12 {
        daemon.press(&mut app, "up");
    }
    assert_eq!(line(&app), "first");
}

#[test]
fn an_answer_about_another_attempt_or_too_late_is_dropped() {
    let mut daemon = Daemon::of("a\nb\n");
    let mut app = open(&mut daemon);
    let late = daemon.waiting[0].0;
    let chunk = LogChunk { bytes: b"other\n".to_vec(), offset: 4, attempt: 3, end: false };
    app.handle(app.now, Input::Log(late, Ok(chunk)));
    assert_eq!(line(&app), "b");
    let effects = press(&mut app, "[");
    assert!(effects.contains(&Effect::StopLog));
    let Some(Effect::ReadLog(ticket, ask)) = effects.last() else { panic!("{effects:?}") };
    assert_eq!((ask.attempt, ask.from), (Some(1), LogFrom::Tail(300)));
    let second = LogChunk { bytes: b"late\n".to_vec(), offset: 4, attempt: 2, end: true };
    app.handle(app.now, Input::Log(late, Ok(second)));
    assert_eq!(line(&app), "");
    let first = LogChunk { bytes: b"one\n".to_vec(), offset: 0, attempt: 1, end: true };
    app.handle(app.now, Input::Log(*ticket, Ok(first)));
    assert_eq!(line(&app), "one");
    let frame = text(&mut app, 80, 24);
    assert!(frame.contains("attempt 1 of 2: exit 137"), "{frame}");
    assert!(frame.contains("attempt 2 came after it"), "{frame}");
    assert!(press(&mut app, "[").is_empty(), "there is none before the first");
}

#[test]
fn a_lost_connection_is_asked_again_once_it_is_back() {
    let mut daemon = Daemon::of("a\n");
    let mut app = open(&mut daemon);
    let late = daemon.waiting.remove(0).0;
    let lost = Link::Lost { since: fixtures::now(), reason: "gone".to_owned() };
    assert_eq!(app.handle(app.now, Input::Link(lost)), []);
    let effects = app.handle(app.now, Input::Link(Link::Up { version: "0.1.0".to_owned() }));
    daemon.bytes.extend(b"b\n");
    daemon.answer(&mut app, effects);
    app.handle(app.now, Input::Log(late, Ok(daemon.chunk(2))));
    assert_eq!(text(&mut app, 80, 24).matches("\n   b\n").count(), 1);
}

#[test]
fn a_search_goes_over_the_whole_log_and_says_where_it_ends() {
    let mut daemon = Daemon::of(busy());
    let mut app = open(&mut daemon);
    daemon.press(&mut app, "/ o o m enter");
    assert!(line(&app).contains("batch 19860"), "{}", line(&app));
    daemon.press(&mut app, "n");
    assert!(text(&mut app, 80, 24).contains("no more hits below"));
    for _ in 0..59 {
        daemon.press(&mut app, "N");
    }
    assert!(line(&app).contains("batch 331:"), "{}", line(&app));
    daemon.press(&mut app, "N");
    assert!(text(&mut app, 80, 24).contains("no more hits above"));
    daemon.press(&mut app, "n");
    assert!(line(&app).contains("batch 662:"), "{}", line(&app));
    daemon.press(&mut app, "G");
    daemon.press(&mut app, "E");
    assert!(line(&app).contains("Traceback"), "{}", line(&app));
    daemon.press(&mut app, "E");
    assert!(line(&app).contains("ERROR"), "{}", line(&app));
    daemon.press(&mut app, "g");
    daemon.press(&mut app, "e");
    assert!(line(&app).contains("ERROR batch 331"), "{}", line(&app));
    daemon.press(&mut app, "/ ctrl-u x y z z y enter");
    assert!(text(&mut app, 80, 24).contains("nothing matches"));
    daemon.press(&mut app, "/ ctrl-u ( enter");
    assert!(text(&mut app, 80, 24).contains("is no regular expression"));
}

#[test]
fn a_filter_is_followed_and_taken_away() {
    let mut daemon = Daemon::of(busy());
    let mut app = open(&mut daemon);
    daemon.press(&mut app, "& o o m enter");
    assert!(line(&app).contains("batch 19860"), "{}", line(&app));
    daemon.print(&mut app, b"nothing\nhalf oo");
    assert!(line(&app).contains("batch 19860"), "{}", line(&app));
    daemon.print(&mut app, b"m again\n");
    assert_eq!(line(&app), "half oom again");
    daemon.press(&mut app, "g");
    assert!(line(&app).contains("batch 331:"), "{}", line(&app));
    let hidden = text(&mut app, 80, 24);
    assert!(hidden.contains("hidden"), "{hidden}");
    for _ in 0..61 {
        daemon.press(&mut app, "down");
    }
    assert_eq!(line(&app), "half oom again");
    daemon.press(&mut app, "up &");
    assert!(app.states.log.filter.is_none());
    assert!(line(&app).contains("batch 19860"), "{}", line(&app));
    daemon.press(&mut app, "& o o m enter esc");
    assert!(app.states.log.filter.is_none() && app.kind() == Kind::Log);
    daemon.press(&mut app, "& x y z z y enter");
    assert!(text(&mut app, 80, 24).contains("no line matches"));
    daemon.press(&mut app, "esc esc");
    assert_eq!(app.kind(), Kind::Run);
}

#[test]
fn what_is_shown_is_copied_and_saved_without_colours() {
    let mut daemon = Daemon { is_over: true, ..Daemon::of(busy()) };
    let mut app = open(&mut daemon);
    daemon.press(&mut app, "& W A R N enter up");
    let effects = press(&mut app, "s");
    let [Effect::SaveText { name, text }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(name, "nightly-etl-4812.geo_enrich.2.log");
    assert_eq!(text.lines().count(), 206);
    assert!(text.lines().all(|it| it.starts_with("WARN  rss")));
    press(&mut app, "y");
    let at = app.now + Duration::from_secs(1);
    let effects = app.handle(at, Input::Key(crate::Key::Enter));
    assert_eq!(effects, [Effect::Copy("WARN  rss 1.92G near limit 2.00G at 19885".to_owned())]);
}

#[test]
fn a_log_is_as_it_was_when_one_comes_back() {
    let mut daemon = Daemon::of(busy());
    let mut app = open(&mut daemon);
    daemon.press(&mut app, "pgup pgup");
    let before = text(&mut app, 80, 24);
    daemon.press(&mut app, "esc");
    assert!(daemon.waiting.is_empty());
    daemon.press(&mut app, "-");
    assert_eq!(text(&mut app, 80, 24), before);
    assert_eq!(daemon.waiting.len(), 1, "it is followed again");
}
