//! What the judge notices.

use engine::event::{AttemptEnded, AttemptRef, RunCreated};
use shared::request::Actor;
use shared::state::{AttemptOutcome, RunOutcome};
use shared::time::Timestamp;
use shared::workflow::{Kind, Priority, Rollback, UndoPolicy};

use super::*;
use crate::generate;
use crate::rng::Rng;

const RUN: RunId = RunId(1);

fn stamped(event: Event) -> Stamped {
    Stamped { at: Timestamp(0), event }
}

/// A checker that knows of a run with one task of two slots, in a pool of three.
fn checker() -> Checker {
    let mut workflow = (*generate::workflow(&mut Rng::new(1), "flow", 1)).clone();
    workflow.tasks.truncate(1);
    workflow.tasks[0] = Task {
        kind: shared::workflow::Kind::Run { shell: Vec::new(), script: String::new() },
        pool: "batch".into(),
        slots: 2,
        map: None,
        needs: Vec::new(),
        resources: BTreeMap::new(),
        ..workflow.tasks[0].clone()
    };
    let version = workflow.version.clone();
    let mut checker = Checker::new(generate::pools(), generate::resources());
    let loaded = Event::WorkflowLoaded { workflow: Arc::new(workflow) };
    let created = Event::RunCreated(Box::new(RunCreated {
        deadline: None,
        run: RUN,
        number: 1,
        workflow: "flow".into(),
        version,
        params: BTreeMap::new(),
        interval: None,
        actor: Actor::daemon(),
        priority: Priority::NORMAL,
        lane: None,
    }));
    let started = Event::RunStarted { run: RUN };
    for event in [loaded, created, started, order(1, 1)] {
        checker.recorded(&stamped(event)).expect("nothing is wrong yet");
    }
    checker
}

fn order(id: u64, number: u32) -> Event {
    let id = AttemptId(id);
    Event::AttemptStarting {
        attempt: AttemptRef { id, number, run: RUN, task: "t0".into() },
        pool: Some("local".into()),
    }
}

fn started(id: u64) -> Fact {
    Fact::Started("batch".into(), AttemptId(id))
}

#[test]
fn an_attempt_that_is_started_twice_is_noticed() {
    let mut checker = checker();
    assert_eq!(checker.happened(started(1)), Ok(()));
    assert_eq!(checker.happened(Fact::Ended(AttemptId(1), How::Exited(0))), Ok(()));
    let twice = checker.happened(started(1)).expect_err("it started twice");
    assert!(twice.contains("was started twice"), "{twice}");
}

#[test]
fn more_processes_than_slots_are_noticed() {
    let mut checker = checker();
    assert_eq!(checker.happened(started(1)), Ok(()));
    // As if its end were known.
    checker.recorded.insert(AttemptId(1));
    checker.recorded(&stamped(order(2, 2))).expect("a second attempt may be ordered");
    let full = checker.happened(started(2)).expect_err("four of three slots are taken");
    assert_eq!(full, "processes take 4 of 3 slots of pool batch");
}

#[test]
fn an_attempt_number_that_repeats_is_noticed() {
    let mut checker = checker();
    checker.recorded.insert(AttemptId(1));
    let repeats = checker.recorded(&stamped(order(2, 1))).expect_err("it repeats");
    assert_eq!(repeats, "attempt 1 of t0 follows 1");
}

#[test]
fn a_start_after_an_acknowledged_cancel_is_noticed() {
    let mut checker = checker();
    checker.cancel_acknowledged(RUN, false);
    let late = checker.start_sent(AttemptId(1)).expect_err("the run is cancelled");
    assert!(late.contains("after a cancel was acknowledged"), "{late}");
}

#[test]
fn a_process_that_nobody_waits_for_and_nobody_stops_is_noticed() {
    let mut checker = Checker::default();
    assert_eq!(checker.happened(Fact::Strayed(AttemptId(9))), Ok(()));
    assert!(checker.at_rest().expect_err("it runs").contains("nobody waits for"));
    assert_eq!(checker.happened(Fact::Ended(AttemptId(9), How::Killed)), Ok(()));
    assert_eq!(checker.at_rest(), Ok(()));
}

#[test]
fn an_end_that_is_not_as_it_was_is_noticed() {
    let mut checker = checker();
    assert_eq!(checker.happened(started(1)), Ok(()));
    let early = checker.end_recorded(AttemptId(1), &AttemptOutcome::Succeeded);
    assert!(early.expect_err("it still runs").contains("and runs"));
    let mut checker = self::checker();
    assert_eq!(checker.happened(started(1)), Ok(()));
    assert_eq!(checker.happened(Fact::Ended(AttemptId(1), How::Exited(3))), Ok(()));
    let wrong = checker.end_recorded(AttemptId(1), &AttemptOutcome::Succeeded);
    assert!(wrong.expect_err("it ended with 3").contains("Exited(3)"));
}

/// A checker of a run of two tasks that can be undone, the second built on the first; both have succeeded.
fn undoing(policy: UndoPolicy) -> Checker {
    let mut workflow = (*generate::workflow(&mut Rng::new(1), "flow", 1)).clone();
    let kind = Kind::Run { shell: Vec::new(), script: String::new() };
    let rollback = Rollback {
        kind: kind.clone(),
        retry: Default::default(),
        timeout: Default::default(),
        also_failed: false,
    };
    let task = Task {
        kind,
        map: None,
        needs: Vec::new(),
        rollback: Some(rollback),
        ..workflow.tasks[0].clone()
    };
    let second = Task { name: "t1".into(), needs: vec!["t0".into()], ..task.clone() };
    workflow.tasks = vec![task, second];
    let facts = RunFacts::new(Arc::new(workflow), None, Priority::NORMAL);
    let mut checker = Checker::new(generate::pools(), generate::resources());
    checker.runs.insert(RUN, facts);
    let outcome = RunOutcome::Failed;
    let (actor, tasks) = (Actor::daemon(), vec!["t1".into(), "t0".into()]);
    let (not_undone, comment) = (Vec::new(), None);
    let begun =
        Event::RollbackBegun { run: RUN, actor, outcome, tasks, not_undone, policy, comment };
    let mut events = vec![Event::RunStarted { run: RUN }];
    for (id, task) in [(1, "t0"), (2, "t1")] {
        events.extend([start(id, task), end(id, task, AttemptOutcome::Succeeded)]);
        events.push(finish(task, Outcome::Succeeded));
        checker.ends.insert(AttemptId(id), How::Exited(0));
    }
    for event in events.into_iter().chain([begun]) {
        checker.recorded(&stamped(event)).expect("nothing is wrong yet");
    }
    checker
}

fn start(id: u64, task: &str) -> Event {
    let id = AttemptId(id);
    Event::AttemptStarting {
        attempt: AttemptRef { id, number: 1, run: RUN, task: task.into() },
        pool: Some("local".into()),
    }
}

fn end(id: u64, task: &str, outcome: AttemptOutcome) -> Event {
    let attempt = AttemptRef { id: AttemptId(id), number: 1, run: RUN, task: task.into() };
    Event::AttemptEnded(Box::new(AttemptEnded {
        attempt,
        outcome,
        exit: None,
        started_at: None,
        ended_at: Timestamp(0),
        usage: Default::default(),
        outputs: Default::default(),
        warnings: Vec::new(),
    }))
}

fn finish(task: &str, outcome: Outcome) -> Event {
    Event::TaskFinished { run: RUN, task: task.into(), outcome }
}

fn wrong(checker: &mut Checker, event: Event) -> String {
    checker.recorded(&stamped(event)).expect_err("it is wrong")
}

#[test]
fn an_undo_before_that_of_what_was_built_on_it_is_noticed() {
    let mut checker = undoing(UndoPolicy::default());
    let early = wrong(&mut checker, start(3, "undo@t0"));
    assert_eq!(early, "undo@t0 starts before t1 was undone");
}

#[test]
fn an_undo_that_succeeded_and_starts_again_is_noticed() {
    let mut checker = undoing(UndoPolicy::default());
    checker.ends.insert(AttemptId(3), How::Exited(0));
    let undone = [
        start(3, "undo@t1"),
        end(3, "undo@t1", AttemptOutcome::Succeeded),
        finish("undo@t1", Outcome::Succeeded),
    ];
    for event in undone {
        checker.recorded(&stamped(event)).expect("it is undone once");
    }
    let twice = wrong(&mut checker, start(4, "undo@t1"));
    assert!(twice.contains("undo@t1 starts, and has ended"), "{twice}");
}

#[test]
fn a_run_that_says_it_is_rolled_back_and_is_not_is_noticed() {
    let mut checker = undoing(UndoPolicy::default());
    let ended = Event::RunEnded { run: RUN, outcome: RunOutcome::RolledBack };
    assert!(wrong(&mut checker, ended).contains("and its undos are not"));
}

#[test]
fn a_start_of_what_is_paused_or_held_is_noticed() {
    let (actor, comment, until) = (Actor::daemon(), None, None);
    let what = PauseWhat::Workflow("flow".into());
    let mut checker = undoing(UndoPolicy::default());
    let paused = Event::Paused { what, actor, until, comment };
    checker.recorded(&stamped(paused)).expect("it may be paused");
    assert!(wrong(&mut checker, start(3, "undo@t1")).contains("is paused"));
    let mut checker = undoing(UndoPolicy::default());
    let (reason, actor) = ("held".to_owned(), None);
    let held = Event::TaskHeld { run: RUN, task: "undo@t1".into(), reason, actor };
    checker.recorded(&stamped(held)).expect("it may be held");
    assert_eq!(wrong(&mut checker, start(3, "undo@t1")), "undo@t1 starts, and is held");
}
