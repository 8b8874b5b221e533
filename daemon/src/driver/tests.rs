use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use definition::Source;
use engine::input::Shelf;
use shared::id::RunId;
use shared::request::{Actor, RetryWhat};
use tokio::runtime::Runtime;

use super::*;
use crate::history::Archive;

/// A world in which effects are only written down.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, note: &str) {
        self.0.lock().expect("no holder panics").push(note.to_owned());
    }
}

impl World for Notes {
    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::StartAttempt(_) = effect {
                self.add("start");
            }
        }
    }

    fn reconnect(&mut self) {}

    fn goes_to(effect: &Effect, _: &PoolName) -> bool {
        matches!(effect, Effect::StartAttempt(_))
    }
}

/// A driver on a state folder.
struct Running {
    inbox: Inbox,
    notes: Notes,
    thread: Option<JoinHandle<Ending>>,
    runtime: Runtime,
}

const FILES: [&str; 2] = [
    // Over in the step that starts it.
    "name: wrong\ntasks: { judge: { check: { expr: 1 > 2 } } }\n",
    "name: waits\nconcurrency: { max_runs: 9 }\ntasks: { work: { exec: [/bin/true], timeout: 1m } }\n",
];

impl Running {
    fn start(dir: &Path) -> Self {
        let opening = open(dir).expect("the folder is good");
        let incarnation = opening.store.format.store.number();
        let (inbox, received) = Inbox::new();
        let notes = Notes::default();
        let (publish, _) = watch::channel(Seq(0));
        let driver = Driver::new(opening, dir.to_owned(), received, notes.clone(), publish);
        inbox.input(Input::Resumed { incarnation });
        let pools = vec![("local".into(), shared::capacity::PoolSize::slots(4))];
        let capacity = shared::capacity::Capacity { pools, ..Default::default() };
        inbox.input(Input::Configured(Box::new(capacity)));
        let shelves = FILES.map(|text| {
            let source = Source { file: "a.yaml", folder: "/", text };
            let loaded = definition::load(&source, &|_| Err(String::new()));
            Shelf::Good(Arc::new(loaded.workflow.expect("it is right")))
        });
        inbox.input(Input::LibraryRead(shelves.into()));
        let thread = Some(std::thread::spawn(move || driver.run()));
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        Self { inbox, notes, thread, runtime: runtime.expect("a runtime can be made") }
    }

    fn request(&self, request: Request) -> Result<Answer, Refusal> {
        self.runtime.block_on(self.inbox.request(Actor::daemon(), request.into()))
    }

    fn run(&self, workflow: &str) -> RunId {
        let params = BTreeMap::new();
        let request =
            Request::Run { workflow: workflow.into(), params, interval: None, priority: None };
        match self.request(request) {
            Ok(Answer::RunCreated { run, .. }) => run,
            other => panic!("no run was made: {other:?}"),
        }
    }

    fn ask<T: Send + 'static>(&self, look: impl FnOnce(&Readout<'_>) -> T + Send + 'static) -> T {
        self.runtime.block_on(self.inbox.ask(look)).expect("the store is open")
    }

    /// The kinds of the events of a run, oldest first.
    fn events(&self, run: RunId) -> Vec<&'static str> {
        let events = self.ask(move |it| it.history.find_events(it.store, run));
        let events = events.expect("the index can be read").expect("the run is known");
        let events = events.read().expect("the blobs can be read");
        events.iter().map(|(_, it)| engine::describe::describe(it).kind).collect()
    }

    fn archive(&self, run: RunId) -> Option<Archive> {
        self.ask(move |it| it.history.find_archive(it.store, run)).expect("the index can be read")
    }

    fn stop(mut self) {
        self.inbox.stop();
        let thread = self.thread.take().expect("it is stopped once");
        assert_eq!(thread.join().expect("the driver does not panic"), Ending::Stopped);
    }
}

const FIRST_LIFE: [&str; 7] = [
    "run_created",
    "run_started",
    "attempt_starting",
    "attempt_started",
    "attempt_ended",
    "task_finished",
    "run_ended",
];

#[test]
fn a_run_that_is_taken_up_again_and_over_at_once_keeps_its_earlier_events() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("state");
    let running = Running::start(&dir);
    let run = running.run("wrong");
    assert_eq!(running.events(run), FIRST_LIFE);
    for _ in 0..2 {
        let what = RetryWhat::Failed;
        running.request(Request::Retry { run, what, comment: None }).expect("it has failed");
    }
    let events = running.events(run);
    let count = |kind| events.iter().filter(|it| **it == kind).count();
    assert_eq!((count("run_created"), count("run_reopened"), count("run_ended")), (1, 2, 3));
    running.stop();

    // The same from the journal alone.
    std::fs::remove_dir_all(dir.join("index")).expect("it can be removed");
    let running = Running::start(&dir);
    assert_eq!(running.events(run), events);
    running.stop();
}

#[test]
fn runs_that_end_in_one_turn_are_all_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("state");
    let running = Running::start(&dir);
    // Put in at once, and so most likely stepped together.
    let (replies, answers): (Vec<_>, Vec<_>) = (0..50).map(|_| oneshot::channel()).unzip();
    for reply in replies {
        let request = Request::Run {
            workflow: "wrong".into(),
            params: BTreeMap::new(),
            interval: None,
            priority: None,
        };
        let (actor, inbox) = (Actor::daemon(), &running.inbox);
        inbox
            .0
            .send(Message::Request { actor, act: request.into(), reply })
            .expect("the driver lives");
    }
    let runs: Vec<RunId> = answers
        .into_iter()
        .map(|it| match it.blocking_recv().expect("it is answered").expect("it is made") {
            Answer::RunCreated { run, .. } => run,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(runs.iter().all(|run| running.archive(*run).is_some()));
    running.stop();
    std::fs::remove_dir_all(dir.join("index")).expect("it can be removed");
    let running = Running::start(&dir);
    assert!(runs.iter().all(|run| running.archive(*run).is_some()), "after a rebuild too");
    running.stop();
}

#[test]
fn nothing_is_sent_to_a_pool_before_the_engine_has_been_told_what_its_runner_knows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let running = Running::start(&folder.path().join("state"));
    let connect = |note: &'static str| {
        let notes = running.notes.clone();
        let pool: PoolName = "local".into();
        let input = Input::PoolConnected { pool: pool.clone(), lineage: 1, known: Vec::new() };
        running.inbox.connected(pool, input, Box::new(move || notes.add(note)));
    };
    running.run("waits");
    connect("first connection");
    running.run("waits");
    running.inbox.input(Input::PoolLost { pool: "local".into() });
    connect("second connection");
    running.ask(|_| ());
    // Both attempts are unknown to the second connection: each is ordered there again, after it was told.
    let notes = running.notes.0.lock().expect("no holder panics").clone();
    let second = notes.iter().position(|it| it == "second connection").expect("it came");
    assert_eq!(notes[0], "first connection");
    assert_eq!(notes[second + 1..], ["start", "start"]);
    running.stop();
}

/// What the journal holds, as the audit trail tells it.
fn audited(running: &Running) -> Vec<String> {
    let reader = running.ask(|it| it.store.reader(it.seq.0));
    let mut rows = Vec::new();
    let read = reader.read::<Stamped>(0, None, |step| {
        for (seq, stamped) in (step.first_seq..).zip(&step.events) {
            rows.extend(engine::audit::row(Seq(seq), stamped).map(|it| it.text));
        }
        std::ops::ControlFlow::Continue(())
    });
    read.expect("the journal is whole");
    rows
}

#[test]
fn a_run_is_replayed_from_the_journal_and_from_the_archive_as_it_was_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let running = Running::start(&folder.path().join("state"));
    let replayed = |run: RunId| {
        let events = running.ask(move |it| it.history.find_events(it.store, run));
        let events = events.expect("the index can be read").expect("the run is known");
        let events = events.read().expect("the blobs can be read");
        let active = running.ask(move |it| {
            let active = it.state.runs.get(&run)?;
            let workflow = it.state.definition(run).workflow.clone();
            let seq = it.history.active_events(run)?.last()?.0;
            Some((engine::snapshot::run_view(active, &workflow, None, seq), workflow))
        });
        let (shown, workflow) = active.unwrap_or_else(|| {
            let archive = running.archive(run).expect("it has ended").read().expect("it is whole");
            let seq = events.last().expect("it was made").0;
            let view = engine::snapshot::run_view(&archive.run, &archive.workflow, None, seq);
            (view, archive.workflow)
        });
        let mut replay = engine::replay::Replay::new(run, workflow);
        replay.apply(&events).expect("all is there");
        (replay.view().expect("it is there"), shown)
    };
    let active = running.run("waits");
    let (then, shown) = replayed(active);
    assert_eq!(then, shown);
    let over = running.run("wrong");
    for _ in 0..2 {
        let (then, shown) = replayed(over);
        assert_eq!(then, shown);
        let what = RetryWhat::Failed;
        running.request(Request::Retry { run: over, what, comment: None }).expect("it has failed");
    }
    running.stop();
}

#[test]
fn a_person_who_is_refused_is_answered_and_then_recorded_and_a_flood_is_one_record() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let running = Running::start(&folder.path().join("state"));
    let run = running.run("wrong");
    let ann = Actor { name: "user:ann".to_owned(), uid: Some(1_000) };
    let ask = |request: Request| {
        running.runtime.block_on(running.inbox.request(ann.clone(), request.into()))
    };
    for _ in 0..20 {
        ask(Request::Cancel { run, now: false, comment: None }).expect_err("it has ended");
    }
    let unknown = RunId(77);
    ask(Request::Retry { run: unknown, what: RetryWhat::Failed, comment: None })
        .expect_err("there is no such run");
    let rows = audited(&running);
    let cancels = rows.iter().filter(|it| it.starts_with("cancel refused: ")).count();
    assert!((1..20).contains(&cancels), "{rows:?}");
    assert!(rows.iter().any(|it| it.starts_with("retry failed refused: there is no run")));
    // It is no event of the run, which has ended: nothing of it changes.
    assert_eq!(running.events(run), FIRST_LIFE);
    running.stop();
}
