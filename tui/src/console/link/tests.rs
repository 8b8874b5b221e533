//! The link against a daemon that says what it is told to, over a real socket.

use std::future::pending;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Lock};
use std::time::{Duration, Instant};

use console::input::Link as State;
use futures::StreamExt;
use shared::request::{Answer, PauseWhat};
use shared::rpc::{DaemonRequest, DaemonResponse, Hello, MAGIC, answer_greeting, channel};
use shared::watch::{News, RunsWindow, Watch};
use tarpc::ServerError;
use tarpc::server::{BaseChannel, Channel, serve};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

/// Nothing here takes so long.
const LIMIT: Duration = Duration::from_secs(20);

/// How the daemon is, as far as tests look: its cursor is counted up with every news it tells.
#[derive(Clone, Default)]
struct Told {
    asked: Arc<Lock<Vec<Watch>>>,
    cursor: Arc<AtomicU64>,
    /// How many questions wait for an answer that never comes.
    waiting: Arc<AtomicU64>,
    /// Whether there is always something new.
    busy: bool,
}

impl Told {
    fn asked(&self) -> Vec<Watch> {
        self.asked.lock().expect("nobody panics with it").clone()
    }

    async fn answer(self, request: DaemonRequest) -> Result<DaemonResponse, ServerError> {
        match request {
            DaemonRequest::Watch { watch } => {
                let start = watch.epoch == 0;
                let same = watch.told == watch.topics;
                self.asked.lock().expect("nobody panics with it").push(watch);
                if !start && same && !self.busy {
                    pending::<()>().await;
                }
                let cursor = Seq(self.cursor.fetch_add(1, Ordering::Relaxed) + 1);
                let news = News { epoch: 7, cursor, whole: start, ..News::default() };
                Ok(DaemonResponse::Watch(Ok(news)))
            }
            DaemonRequest::Plan { .. } => Ok(DaemonResponse::Plan(Ok(Default::default()))),
            DaemonRequest::Log { ask } if ask.wait_ms == 0 => {
                Ok(DaemonResponse::Log(Err(Refusal::new(RefusalCode::NotFound, "no such log"))))
            }
            DaemonRequest::Act { .. } | DaemonRequest::Log { .. } => {
                self.waiting.fetch_add(1, Ordering::Relaxed);
                pending().await
            }
            _ => Err(ServerError::new(std::io::ErrorKind::Other, "not of the test".to_owned())),
        }
    }
}

/// A daemon; it dies with the value, and so do its connections.
struct Daemon {
    task: JoinHandle<()>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn daemon(socket: &PathBuf, told: Told) -> Daemon {
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket).expect("a free path");
    let task = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (mut stream, _) = listener.accept().await.expect("it can be accepted");
            let told = told.clone();
            connections.spawn(async move {
                let hello = answer_greeting(&mut stream, "0.1.0", true).await;
                assert!(matches!(hello, Ok(Hello::Welcome(_))));
                BaseChannel::with_defaults(channel(stream))
                    .execute(serve(move |_, request| told.clone().answer(request)))
                    .for_each_concurrent(None, |it| it)
                    .await;
            });
        }
    });
    Daemon { task }
}

/// A daemon of a version that nobody knows.
fn stranger(socket: &PathBuf, version: &'static str) -> Daemon {
    let listener = UnixListener::bind(socket).expect("a free path");
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("it can be accepted");
            let _ = stream.read(&mut [0; 8]).await;
            let length = u8::try_from(version.len()).expect("a short one");
            let head = [&MAGIC[..], &[1, 0, 0, length], version.as_bytes()].concat();
            let _ = stream.write_all(&head).await;
        }
    });
    Daemon { task }
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("sock")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a fresh folder")
}

async fn next(inbox: &mut Inbox) -> Input {
    timeout(LIMIT, inbox.recv()).await.expect("something comes")
}

/// What comes next that `wanted` takes; the rest is passed over.
async fn until<T>(inbox: &mut Inbox, wanted: impl Fn(Input) -> Option<T>) -> T {
    loop {
        if let Some(it) = wanted(next(inbox).await) {
            return it;
        }
    }
}

fn news(input: Input) -> Option<News> {
    match input {
        Input::News(news) => Some(*news),
        _ => None,
    }
}

fn lost(input: Input) -> Option<String> {
    match input {
        Input::Link(State::Lost { reason, .. }) => Some(reason),
        _ => None,
    }
}

fn runs() -> Topics {
    Topics { runs: Some(RunsWindow { limit: 10, ..RunsWindow::default() }), ..Topics::default() }
}

fn act() -> Act {
    Request::Resume { what: PauseWhat::All, comment: None }.into()
}

#[tokio::test(flavor = "current_thread")]
async fn the_first_news_are_whole_and_a_new_topic_is_asked_for_at_once() {
    let (folder, told) = (folder(), Told::default());
    let _daemon = daemon(&socket(&folder), told.clone());
    let (mut link, mut inbox) = Link::start(socket(&folder), None);
    link.watch(Topics::default());
    let up = next(&mut inbox).await;
    assert!(matches!(up, Input::Link(State::Up { version }) if version == "0.1.0"));
    assert!(until(&mut inbox, news).await.whole);
    // The daemon would not answer the question that waits.
    assert!(link.watch(runs()));
    assert!(!until(&mut inbox, news).await.whole);
    let asked = told.asked();
    let last = asked.last().expect("it was asked");
    assert_eq!((last.epoch, last.cursor, &last.told), (7, Seq(1), &Topics::default()));
    assert_eq!(last.topics, runs());
    assert!(!link.watch(Topics::default()), "nothing more is told");
    assert!(link.watch(runs()), "what was left is told whole again");
    until(&mut inbox, news).await;
    let asked = told.asked();
    assert_eq!(asked.last().expect("it was asked").told, Topics::default());
    assert!(!link.watch(Topics::default()));
    assert!(link.watch(Topics::default()), "the same again is asked anew");
    assert!(until(&mut inbox, |it| news(it).filter(|it| it.whole)).await.cursor > Seq(1));
}

#[tokio::test(flavor = "current_thread")]
async fn a_reader_that_takes_nothing_is_told_the_newest_and_no_backlog() {
    let (folder, told) = (folder(), Told { busy: true, ..Told::default() });
    let _daemon = daemon(&socket(&folder), told.clone());
    let (mut link, mut inbox) = Link::start(socket(&folder), None);
    link.watch(Topics::default());
    let first = until(&mut inbox, news).await.cursor;
    // One answer may lie ready while nobody looks, and no other is asked for.
    while inbox.is_empty() {
        tokio::task::yield_now().await;
    }
    let asked = told.asked().len();
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(told.asked().len(), asked);
    assert_eq!(until(&mut inbox, news).await.cursor, Seq(first.0 + 1));
}

#[tokio::test(flavor = "current_thread")]
async fn a_killed_daemon_is_seen_at_once_and_so_is_its_return() {
    let (folder, told) = (folder(), Told::default());
    let first = daemon(&socket(&folder), told.clone());
    let (mut link, mut inbox) = Link::start(socket(&folder), None);
    link.watch(runs());
    until(&mut inbox, news).await;
    link.act(Ticket(1), act());
    link.read_log(LogTicket(2), follow());
    while told.waiting.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    let killed = Instant::now();
    drop(first);
    let (mut is_lost, mut log, mut refusal) = (false, false, None);
    while !is_lost || !log || refusal.is_none() {
        match next(&mut inbox).await {
            Input::Link(State::Lost { .. }) => is_lost = true,
            Input::Log(LogTicket(2), Err(_)) => log = true,
            Input::Answered(Ticket(1), Err(it)) => refusal = Some(it),
            other => panic!("{other:?}"),
        }
    }
    assert!(killed.elapsed() < Duration::from_secs(1));
    let refusal = refusal.expect("the loop has waited for it");
    assert_eq!(refusal.code, RefusalCode::Unavailable);
    assert!(refusal.message.contains("may have been done") && refusal.help.is_some());
    assert!(!link.is_up());
    link.plan(Ticket(3), act().request);
    until(&mut inbox, |it| matches!(it, Input::Planned(Ticket(3), Err(_))).then_some(())).await;

    let _second = daemon(&socket(&folder), told.clone());
    let back = Instant::now();
    until(&mut inbox, |it| matches!(it, Input::Link(State::Up { .. })).then_some(())).await;
    assert!(back.elapsed() < Duration::from_secs(1));
    assert!(until(&mut inbox, news).await.whole);
    link.plan(Ticket(4), act().request);
    until(&mut inbox, |it| matches!(it, Input::Planned(Ticket(4), Ok(_))).then_some(())).await;
}

fn follow() -> LogAsk {
    LogAsk {
        run: "f3racdcplfe4h".parse().expect("an id"),
        task: "load".to_owned(),
        attempt: None,
        from: console::effect::LogFrom::Tail(10),
        follow: true,
    }
}

#[tokio::test(flavor = "current_thread")]
async fn logs_have_a_connection_of_their_own_and_can_be_forgotten() {
    let (folder, told) = (folder(), Told::default());
    let _daemon = daemon(&socket(&folder), told.clone());
    let (mut link, mut inbox) = Link::start(socket(&folder), None);
    link.watch(Topics::default());
    until(&mut inbox, news).await;
    link.read_log(LogTicket(1), follow());
    link.stop_log();
    link.read_log(LogTicket(2), LogAsk { follow: false, ..follow() });
    let answer = next(&mut inbox).await;
    assert!(
        matches!(&answer, Input::Log(LogTicket(2), Err(it)) if it.code == RefusalCode::NotFound)
    );
    assert!(inbox.is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn a_daemon_of_another_version_is_refused_with_the_side_to_upgrade() {
    let folder = folder();
    let _daemon = stranger(&socket(&folder), "99.0.0");
    let (mut link, mut inbox) = Link::start(socket(&folder), None);
    link.watch(Topics::default());
    let Input::Link(State::Refused { reason, help }) = next(&mut inbox).await else {
        panic!("it is refused");
    };
    assert!(reason.contains("99.0.0"), "{reason}");
    assert_eq!(help, "upgrade `runyard`: it is the older one");
}

#[tokio::test(flavor = "current_thread")]
async fn a_request_without_a_daemon_is_refused_and_nothing_is_tried_without_end() {
    let folder = folder();
    let (link, mut inbox) = Link::start(socket(&folder), None);
    let reason = until(&mut inbox, lost).await;
    assert!(reason.contains("no daemon runs here"), "{reason}");
    link.act(Ticket(1), act());
    let answer = next(&mut inbox).await;
    let Input::Answered(Ticket(1), Err(refusal)) = answer else { panic!("{answer:?}") };
    assert_eq!(refusal.code, RefusalCode::Unavailable);
    let _: Result<Answer, Refusal> = Err(refusal);
    // The same loss is said once.
    assert!(timeout(Duration::from_millis(500), inbox.recv()).await.is_err());
}
