//! A run as it was: its own events up to an instant give what readers were shown then.

use engine::describe::run_of;
use engine::replay::{Replay, events_until};
use engine::snapshot::run_view;
use engine::{Stamped, State};
use expect_test::expect;
use shared::id::{RunId, Seq};
use shared::replay::ReplayAt;
use shared::request::{Act, Decision, Request, RollbackWhat};
use shared::snapshot::RunView;

use crate::world::World;

const STORY: &str = r#"
tasks:
  list: { run: x }
  load: { needs: list, map: { over: tasks.list.outputs.names, as: it }, run: x, rollback: u, retry: 1 }
  ok: { needs: load, approval: "go?" }
  last: { needs: ok, run: x, rollback: u }
"#;

fn events_of(world: &World, run: RunId) -> Vec<(Seq, Stamped)> {
    let events = world.journal().filter(|(_, it)| run_of(&it.event) == Some(run));
    events.map(|(seq, it)| (seq, it.clone())).collect()
}

/// The views of a run after each event of the journal that is about it.
fn live(world: &World, run: RunId) -> Vec<RunView> {
    let mut state = State::default();
    let mut views = Vec::new();
    for (seq, stamped) in world.journal() {
        state.apply(stamped);
        if run_of(&stamped.event) != Some(run) {
            continue;
        }
        let ended = || state.ended.iter().rev().find(|it| it.run.id == run);
        views.push(match state.runs.get(&run) {
            Some(it) => run_view(it, &state.definition(run).workflow, None, seq),
            None => {
                let it = ended().expect("a run is active or has ended");
                run_view(&it.run, &it.workflow, None, seq)
            }
        });
    }
    views
}

fn played() -> (World, RunId) {
    let (mut world, run) = World::playing(2, STORY);
    world.writes("list", "{\"names\": [\"a\", \"b\", \"c\"]}");
    world.fail("load:a");
    world.wait(600);
    for item in ["load:b", "load:c", "load:a"] {
        world.succeed(item);
    }
    world.decide(run, "ok", Decision::Reject, "not today");
    world.wait(60);
    world.retry_failed(run);
    world.decide(run, "ok", Decision::Approve, "now");
    world.succeed("last");
    let request = Request::Rollback { run, what: RollbackWhat::All, comment: None };
    let plan = Some(world.plan_digest(&request));
    world.act(Act { request, seen: None, plan });
    world.succeed("undo@last");
    (world, run)
}

#[test]
fn a_run_is_replayed_at_each_of_its_events_as_it_was_shown_then() {
    let (world, run) = played();
    let events = events_of(&world, run);
    let workflow = world.state().definition(run).workflow.clone();
    let live = live(&world, run);
    assert!(live.len() > 40, "{}", live.len());
    for (count, then) in (1..).zip(&live) {
        let mut replay = Replay::new(run, workflow.clone());
        replay.apply(&events[..count]).expect("the beginning is there");
        assert_eq!(replay.view().as_ref(), Some(then));
    }
    let mut counts = Vec::new();
    let mut replay = Replay::new(run, workflow);
    replay.steps(&events, |it| counts.push((it.seq, it.state, it.counts))).expect("it is whole");
    let shown: Vec<_> = live.into_iter().map(|it| (it.seq, it.state, it.counts)).collect();
    assert_eq!(counts, shown);
}

#[test]
fn what_was_in_the_way_is_told_as_far_as_the_run_knows_it() {
    let (world, run) = played();
    let events = events_of(&world, run);
    let workflow = world.state().definition(run).workflow.clone();
    let told = |at| {
        let (count, _) = events_until(&events, at).expect("it was there");
        let mut replay = Replay::new(run, workflow.clone());
        replay.apply(&events[..count]).expect("the beginning is there");
        let why = replay.why().expect("it was there");
        let tasks = why.tasks.iter().flat_map(|it| {
            let task = it.task.clone().unwrap_or_default();
            it.blockers.iter().map(move |blocker| format!("{task}: {}", blocker.text))
        });
        let run = why.blockers.iter().map(|it| it.text.clone());
        run.chain(tasks).collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        load:a: its last attempt ended exit(1); the next starts at 2026-01-01T00:00:10.904Z
        load:b: attempt 1 (pid 42) runs
        load:c: attempt 1 (pid 42) runs
        ok: needs that have not ended: load (running)
        last: needs that have not ended: ok (waiting)"#]]
    .assert_eq(&told(ReplayAt::After(5_000)));
    expect!["ok failed: rejected by user:ann: not today"]
        .assert_eq(&told(ReplayAt::After(650_000)));
}

#[test]
fn before_it_was_made_there_was_no_run() {
    let (world, run) = played();
    let events = events_of(&world, run);
    let refused = events_until(&events, ReplayAt::Seq(Seq(1))).expect_err("it was made later");
    expect!["the run was not there yet: it was made at 2026-01-01T00:00:00.000Z (event 5)"]
        .assert_eq(&refused.message);
    let refused = events_until(&events[1..], ReplayAt::Seq(Seq(9))).expect_err("it is cut");
    assert_eq!(refused.message, "the events of the run's beginning are not kept");
}

#[test]
fn the_plan_that_was_confirmed_stands_before_what_has_followed_from_it() {
    let (world, run) = played();
    let events: Vec<_> = world.journal().collect();
    let at = events
        .iter()
        .position(|(_, it)| matches!(it.event, engine::Event::PlanConfirmed(_)))
        .expect("it was confirmed");
    let kinds: Vec<_> =
        events[at..at + 3].iter().map(|(_, it)| engine::describe::describe(it).kind).collect();
    expect![[r#"["plan_confirmed", "run_reopened", "rollback_asked"]"#]]
        .assert_eq(&format!("{kinds:?}"));
    let row = engine::audit::row(events[at].0, events[at].1).expect("a person did it");
    expect!["user:ann: rollback all confirmed: undoes 4, cannot undo 1, voids 1"]
        .assert_eq(&format!("{}: {}", row.actor, row.text));
    assert_eq!((row.run, row.plan.map(|it| it.undo.count)), (Some(run), Some(4)));
}
