//! What a person changes of a run: parameters, how many items run at once, its version; and runs that follow a success.

use std::collections::BTreeMap;

use expect_test::expect;
use serde_json::{Value, json};
use shared::id::RunId;
use shared::request::{Request, RetryWhat};

use crate::world::World;

fn params(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
    pairs.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect()
}

fn edit(world: &mut World, run: RunId, pairs: &[(&str, Value)]) {
    let comment = Some("by mistake".to_owned());
    world.ask(Request::Edit { run, params: params(pairs), comment });
}

fn width(world: &mut World, run: RunId, width: Option<u32>) {
    world.ask(Request::MapWidth { run, task: "a".into(), width, comment: None });
}

fn latest(run: RunId, pairs: &[(&str, Value)]) -> Request {
    let (what, latest) = (RetryWhat::Failed, true);
    Request::RetryWith { run, what, latest, params: params(pairs), comment: None }
}

const EDITED: &str = "params:\n  mode: { type: choice, choices: [full, delta], default: full }\n  n: { type: int, default: 1 }\ntasks:\n  a: { run: x }\n  b: { needs: a, exec: [load, \"{{ params.mode }}\"] }\n  c: { needs: b, run: x }\n  d: { needs: c, approval: \"go on\" }\n";

#[test]
fn edited_parameters_are_seen_by_the_attempts_to_come() {
    let (mut world, run) = World::playing(4, EDITED);
    let request = Request::Edit { run, params: params(&[("mode", json!("delta"))]), comment: None };
    let plan = world.plan(&request).join("\n");
    edit(&mut world, run, &[("mode", json!("delta")), ("n", json!("7"))]);
    edit(&mut world, run, &[("mode", json!("delta"))]);
    edit(&mut world, run, &[("mode", json!("quick"))]);
    edit(&mut world, run, &[("mod", json!("full"))]);
    world.succeed("a");
    assert!(format!("{:?}", world.effects).contains("\"delta\""), "{:?}", world.effects);
    world.crash();
    let edited = &world.state().runs[&run].edited_by;
    assert_eq!((edited.len(), edited[0].actor.name.as_str()), (1, "user:ann"));
    world.cancel(run);
    edit(&mut world, run, &[("n", json!(9))]);
    expect![[]].assert_eq(&format!("{}{plan}\n", world.trace()));
}

#[test]
fn fewer_items_may_run_and_what_runs_goes_on() {
    let text = "tasks:\n  a: { map: { over: [1, 2, 3, 4, 5, 6], max_parallel: 3 }, run: x }\n";
    let (mut world, run) = World::playing(8, text);
    width(&mut world, run, Some(1));
    world.succeed("a:1");
    world.succeed("a:2");
    let why = world.why(run, "a:5").join("\n");
    world.succeed("a:3");
    width(&mut world, run, None);
    width(&mut world, run, None);
    width(&mut world, run, Some(0));
    expect![[]].assert_eq(&format!("{}{why}\n", world.trace()));
}

#[test]
fn more_approvals_of_items_are_asked_at_once() {
    let text = "tasks:\n  a: { map: { over: [1, 2, 3], max_parallel: 1 }, approval: on }\n";
    let (mut world, run) = World::playing(8, text);
    width(&mut world, run, Some(2));
    expect![[]].assert_eq(&world.trace());
}

const CHAIN: &str = "concurrency: { after_previous: succeeded }\ntasks:\n  a: { run: x }\n";

#[test]
fn a_run_that_follows_only_a_success_waits_after_a_failure_until_that_is_mended() {
    let (mut world, first) = World::playing(4, CHAIN);
    let second = world.run();
    let third = world.run();
    world.fail("a");
    let mut why = Vec::new();
    for run in [second, third] {
        let run = &world.state().runs[&run];
        let told = engine::why::of_run(world.state(), run, 0);
        why.extend(told.blockers.into_iter().map(|it| it.text));
    }
    world.retry_failed(first);
    world.succeed("a");
    expect![[]].assert_eq(&format!("{}{}\n", world.trace(), why.join("\n")));
}

#[test]
fn a_person_lets_a_run_start_that_waits_for_a_success() {
    let (mut world, first) = World::playing(4, CHAIN);
    let second = world.run();
    let third = world.run();
    world.ask(Request::ReleaseRun { run: first, comment: None });
    world.fail("a");
    world.crash();
    world.ask(Request::ReleaseRun { run: second, comment: Some("it is known".to_owned()) });
    world.succeed("a");
    world.succeed("a");
    assert!(!world.state().runs.contains_key(&third));
    expect![[]].assert_eq(&world.trace());
}

#[test]
fn a_retry_takes_the_newest_version() {
    let old = "params:\n  n: { type: int, default: 1 }\ntasks:\n  a: { run: x }\n  gone: { run: x }\n  b: { needs: a, run: x }\n  c: { needs: b, run: x }\n";
    let new = "params:\n  n: { type: int, default: 1 }\n  more: { type: string, default: \"{{ params.n }}\" }\ntasks:\n  first: { run: x }\n  a: { needs: first, run: x }\n  b: { needs: a, run: better }\n  c: { needs: b, run: x }\n";
    let (mut world, run) = World::playing(4, old);
    let mut plan = world.plan(&latest(run, &[]));
    world.succeed("a");
    world.succeed("gone");
    world.fail("b");
    plan.extend(world.plan(&latest(run, &[])));
    world.load(new);
    plan.extend(world.plan(&latest(run, &[("n", json!(5))])));
    world.ask(latest(run, &[("n", json!(5))]));
    world.crash();
    for task in ["first", "a", "b", "c"] {
        world.succeed(task);
    }
    expect![[]].assert_eq(&format!("{}{}\n", world.trace(), plan.join("\n")));
}

#[test]
fn a_retry_with_another_parameter_keeps_the_version() {
    let (mut world, run) = World::playing(4, EDITED);
    world.fail("a");
    let (what, latest) = (RetryWhat::Failed, false);
    let params = params(&[("mode", json!("delta"))]);
    world.ask(Request::RetryWith { run, what, latest, params, comment: None });
    assert_eq!(world.state().runs[&run].params[&"mode".into()], json!("delta"));
}
