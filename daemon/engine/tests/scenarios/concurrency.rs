//! Rule 6, of runs.

use engine::input::{AttemptEnd, How};
use expect_test::expect;
use serde_json::json;

use crate::world::World;

fn world(concurrency: &str) -> World {
    let mut world = World::new(4);
    let params = "params: { lane: { type: string, default: a } }\n";
    world.load(&format!("concurrency: {concurrency}\n{params}tasks:\n  a: {{ run: x }}\n"));
    world
}

#[test]
fn a_run_too_many_waits_until_another_has_ended() {
    let mut world = world("{ max_runs: 1 }");
    world.run();
    world.run();
    world.succeed("a");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 #2 run flow#2 created by user:ann
        00:00 #1 a attempt 1 succeeded
        00:00 #1 a succeeded
        00:00 #1 run succeeded
        00:00 #2 run started
        00:00 #2 a queued
        00:00 #2 a attempt 1 starting
        00:00 #2 a attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn each_key_has_its_own_lane() {
    let mut world = world("{ max_runs: 1, key: \"{{ params.lane }}\" }");
    world.run();
    world.run_with(&[("lane", json!("b"))]);
    world.run();
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 #2 run flow#2 created by user:ann
        00:00 #2 run started
        00:00 #2 a queued
        00:00 #2 a attempt 1 starting
        00:00 #2 a attempt 1 started (pid 42)
        00:00 #3 run flow#3 created by user:ann
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn the_newest_takes_the_place_of_the_one_that_waits() {
    let mut world = world("{ max_runs: 1, when_full: queue_one }");
    world.run();
    world.run();
    world.run();
    world.succeed("a");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 #2 run flow#2 created by user:ann
        00:00 #2 run cancelled by daemon: a newer run takes its place in the queue
        00:00 #2 a cancelled
        00:00 #2 run cancelled
        00:00 #3 run flow#3 created by user:ann
        00:00 #1 a attempt 1 succeeded
        00:00 #1 a succeeded
        00:00 #1 run succeeded
        00:00 #3 run started
        00:00 #3 a queued
        00:00 #3 a attempt 1 starting
        00:00 #3 a attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_run_too_many_is_refused_and_told_who_is_in_the_way() {
    let mut world = world("{ max_runs: 1, when_full: skip }");
    world.run();
    assert_eq!(world.run_with(&[]), None);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 refused: 1 of at most 1 runs of `flow` are active (flow#1), and it says to skip then (wait until it has ended, or cancel it)
    "#]].assert_eq(&world.trace());
}

#[test]
fn the_oldest_is_cancelled_and_the_newest_starts_when_it_has_ended() {
    let mut world = world("{ max_runs: 1, when_full: cancel_oldest }");
    world.run();
    world.run();
    world.ends("a", AttemptEnd::of(How::Killed));
    world.succeed("a");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 run cancelled by daemon: a newer run takes its place
        00:00 a attempt 1 is being stopped
        00:00 #2 run flow#2 created by user:ann
        00:00 #1 a attempt 1 cancelled
        00:00 #1 a cancelled
        00:00 #1 run cancelled
        00:00 #2 run started
        00:00 #2 a queued
        00:00 #2 a attempt 1 starting
        00:00 #2 a attempt 1 started (pid 42)
        00:00 #2 a attempt 1 succeeded
        00:00 #2 a succeeded
        00:00 #2 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn while_the_oldest_is_being_stopped_a_further_run_waits_behind_the_one_before_it() {
    let mut world = world("{ max_runs: 1, when_full: cancel_oldest }");
    world.run();
    world.run();
    world.run();
    world.ends("a", AttemptEnd::of(How::Killed));
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 run cancelled by daemon: a newer run takes its place
        00:00 a attempt 1 is being stopped
        00:00 #2 run flow#2 created by user:ann
        00:00 #3 run flow#3 created by user:ann
        00:00 #1 a attempt 1 cancelled
        00:00 #1 a cancelled
        00:00 #1 run cancelled
        00:00 #2 run started
        00:00 #2 a queued
        00:00 #2 a attempt 1 starting
        00:00 #2 a attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_retried_run_waits_for_its_turn_like_a_new_one() {
    let mut world = world("{ max_runs: 1 }");
    let run = world.run();
    world.fail("a");
    world.run();
    world.trace();
    world.retry_failed(run);
    world.succeed("a");
    world.succeed("a");
    expect![[r#"
        00:00 #1 run flow#1 is taken up again
        00:00 #1 a to run again, asked by user:ann
        00:00 #2 a attempt 1 succeeded
        00:00 #2 a succeeded
        00:00 #2 run succeeded
        00:00 #1 run started
        00:00 #1 a queued
        00:00 #1 a attempt 2 starting
        00:00 #1 a attempt 2 started (pid 42)
        00:00 #1 a attempt 2 succeeded
        00:00 #1 a succeeded
        00:00 #1 run succeeded
    "#]]
    .assert_eq(&world.trace());
}
