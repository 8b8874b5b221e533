//! Rule 6: the queue, and what it shares out.

use std::time::Duration;

use engine::Input;
use engine::input::Measured;
use expect_test::expect;
use shared::capacity::{Capacity, PoolSize, QueuePolicy, Rate, ResourceSize};
use shared::request::{PauseWhat, Request};

use crate::world::World;

/// Two pools of two slots each, `local` and `far`; one of the resource `db`.
fn world(change: impl FnOnce(&mut Capacity)) -> World {
    let mut world = World::new(2);
    let mut capacity = Capacity {
        pools: vec![("local".into(), PoolSize::slots(2)), ("far".into(), PoolSize::slots(2))],
        resources: vec![("db".into(), ResourceSize { amount: 1, rate: None })],
        queue: QueuePolicy::default(),
    };
    change(&mut capacity);
    world.step(Input::Configured(Box::new(capacity)));
    let pool = "far".into();
    world.step(Input::PoolConnected { pool, lineage: 1, known: Vec::new() });
    world.trace();
    world
}

fn with_cpu(capacity: &mut Capacity) {
    let size = &mut capacity.pools[0].1;
    (size.slots, size.cpu, size.memory) = (10, Some(2_000), Some(1 << 30));
}

#[test]
fn a_task_takes_slots_processors_memory_and_resources_together_or_not_at_all() {
    let mut world = world(with_cpu);
    world.load(
        "tasks:
  a: { run: x, resources: { cpu: 1.5, memory: 600MiB } }
  b: { run: x, resources: { cpu: 1, memory: 100MiB, db: 1 } }
  c: { run: x, resources: { cpu: 0.5, db: 1 } }
",
    );
    let run = world.run();
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 b queued
        00:00 c queued
        00:00 a attempt 1 starting
        00:00 c attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 c attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
    let why = world.why(run, "b");
    expect![[r#"
        [
            "2 of 2 processors of pool `local` are taken by flow#1 a, flow#1 c",
            "1 of 1 of `db` are taken by flow#1 c",
        ]
    "#]]
    .assert_debug_eq(&why);
    world.succeed("c");
    assert_eq!(world.why(run, "b").len(), 1, "half a processor is not enough");
    world.succeed("a");
    assert!(world.trace().contains("b attempt 1 starting"));
}

#[test]
fn after_a_minute_what_becomes_free_is_kept_for_what_does_not_fit() {
    let mut world = world(|_| ());
    world.load(
        "tasks:
  small1: { run: x }
  small2: { run: x }
  large: { run: x, resources: { slots: 2 } }
  small3: { run: x }
  small4: { run: x }
",
    );
    let run = world.run();
    world.trace();
    world.wait(30);
    world.succeed("small1");
    assert!(world.trace().contains("small3 attempt 1 starting"), "for a while smaller ones pass");
    world.wait(40);
    world.succeed("small2");
    let trace = world.trace();
    assert!(!trace.contains("small4 attempt"), "{trace}");
    expect![[r#"
        [
            "what is free of pool `local` is kept for flow#1 large, which goes before it",
            "it is number 2 in the queue of pool `local`, after flow#1 large",
        ]
    "#]]
    .assert_debug_eq(&world.why(run, "small4"));
    world.crash();
    world.step(Input::PoolConnected {
        pool: "local".into(),
        lineage: 1,
        known: vec![(
            world.attempt("small3"),
            engine::input::Known::Running { pid: 42, at: world.now() },
        )],
    });
    assert!(!world.trace().contains("small4 attempt"), "a restart does not forget it");
    world.succeed("small3");
    assert!(world.trace().contains("large attempt 1 starting"));
}

#[test]
fn who_has_waited_as_long_as_its_priority_may_goes_before_all_that_is_not_critical() {
    let mut world = world(|it| it.pools[0].1.slots = 1);
    world.load(
        "concurrency: { max_runs: 9 }
params: { p: { type: int, default: 0 } }
priority: low
tasks:
  a: { run: x }
",
    );
    world.run();
    let low = world.run();
    let at = |world: &World| world.state().lifted_at(world.spot(low, "a"));
    assert_eq!(at(&world), Some(world.now() + Duration::from_secs(12 * 3_600)), "a promise");
    world.wait(12 * 3_600 + 1);
    assert!(world.trace().contains("#2 a has waited as long as it may: it goes before others"));
    let high = world.run();
    world.ask(Request::Prioritize {
        run: high,
        priority: shared::workflow::Priority(749),
        comment: None,
    });
    let critical = world.run();
    world.ask(Request::Prioritize {
        run: critical,
        priority: shared::workflow::Priority(750),
        comment: None,
    });
    world.trace();
    for _ in 0..3 {
        world.succeed("a");
    }
    let started: Vec<String> = world
        .trace()
        .lines()
        .filter(|it| it.contains("attempt 1 starting"))
        .map(|it| it.split_whitespace().nth(1).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(started, ["#4", "#2", "#3"]);
}

#[test]
fn of_one_priority_the_run_with_the_earlier_deadline_goes_first() {
    let mut world = world(|it| it.pools[0].1.slots = 1);
    world.load("concurrency: { max_runs: 9 }\ntasks:\n  a: { run: x }\n");
    let _first = world.run();
    let _second = world.run();
    let third = world.run();
    let by = Some(world.now() + Duration::from_secs(600));
    world.ask(Request::SetDeadline { run: third, by, comment: None });
    world.trace();
    world.succeed("a");
    assert!(world.trace().contains("#3 a attempt 1 starting"));
}

#[test]
fn a_critical_task_that_has_waited_has_the_youngest_preemptible_one_stopped() {
    let mut world = world(|_| ());
    world.load(
        "concurrency: { max_runs: 9 }
tasks:
  a: { run: x, preemptible: true, priority: low }
  b: { needs: c, run: x, priority: critical }
  c: { approval: go }
",
    );
    let run = world.run();
    world.wait(5);
    let second = world.run();
    world.wait(5);
    world.decide(run, "c", shared::request::Decision::Approve, "");
    world.trace();
    world.wait(31);
    expect![[r#"
        00:40 #2 a attempt 1 makes room for b
        00:40 #2 a attempt 1 is being stopped
    "#]]
    .assert_eq(&world.trace());
    let attempt = world.attempt_of(second, "a");
    world.ends_id(attempt, engine::input::AttemptEnd::of(engine::input::How::Killed));
    expect![[r#"
        00:41 #2 a attempt 1 preempted
        00:41 #2 a queued
        00:41 #1 b attempt 1 starting
        00:41 #1 b attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
    world.succeed("b");
    assert!(world.trace().contains("#2 a attempt 2 starting"), "it is no retry, and not counted");
}

#[test]
fn a_task_with_several_pools_starts_where_it_can_and_a_pool_that_is_down_is_passed_over() {
    let mut world = world(|_| ());
    world.load(
        "tasks:
  a: { run: x, pool: [local, far] }
  b: { run: x, pool: [local, far], route: least_loaded }
  c: { run: x, pool: [local, far], resources: { slots: 2 } }
",
    );
    let run = world.run();
    let pool = |world: &World, task: &str| {
        let spot = world.spot(run, task);
        world.state().pool_of(spot).to_string()
    };
    assert_eq!((pool(&world, "a"), pool(&world, "b")), ("local".into(), "far".into()));
    expect![[r#"
        [
            "1 of 2 slots of pool `local` are taken by flow#1 a",
            "1 of 2 slots of pool `far` are taken by flow#1 b",
        ]
    "#]]
    .assert_debug_eq(&world.why(run, "c"));
    world.step(Input::PoolLost { pool: "local".into() });
    world.ends_in("far", "b");
    assert_eq!(pool(&world, "c"), "far");
}

#[test]
fn a_rate_lets_no_more_start_than_it_says_and_the_rest_when_it_may() {
    let rate = Some(Rate { count: 2, per: Duration::from_secs(60) });
    let mut world = world(|it| {
        it.pools[0].1.slots = 9;
        it.resources = vec![("api".into(), ResourceSize { amount: 9, rate })];
    });
    world.load("tasks:\n  a: { map: { over: [1, 2, 3] }, run: x, resources: { api: 1 } }\n");
    let run = world.run();
    let why = world.why(run, "a:3");
    assert_eq!(why.len(), 1, "{why:?}");
    assert!(why[0].starts_with("`api` is taken at most 2/min, and may be again at"), "{why:?}");
    world.crash();
    world.connect(1, &[]);
    world.trace();
    world.wait(59);
    assert!(!world.trace().contains("a:3 attempt 1 starting"));
    world.wait(1);
    assert!(world.trace().contains("a:3 attempt 1 starting"));
}

#[test]
fn nothing_starts_while_a_guard_is_closed_and_it_opens_only_with_some_room() {
    let mut world = world(|it| it.pools[0].1.max_load = Some(4.0));
    world.load("tasks:\n  a: { run: x }\n");
    let load = |world: &mut World, load: f64| {
        let measured = Measured { load: Some(load), ..Measured::default() };
        world.step(Input::Measured { pool: "local".into(), measured });
    };
    load(&mut world, 4.5);
    let run = world.run();
    load(&mut world, 3.9);
    expect![[r#"
        [
            "the machine of pool `local` is too busy: 4.5 was measured, its `max_load` is 4.0",
        ]
    "#]]
    .assert_debug_eq(&world.why(run, "a"));
    world.trace();
    load(&mut world, 3.5);
    expect![[r#"
        00:00 pool local may start again: max_load holds
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_pool_can_be_resized_while_it_works_and_what_runs_goes_on() {
    let mut world = world(|_| ());
    world.load("tasks:\n  a: { map: { over: [1, 2, 3, 4] }, run: x }\n");
    world.run();
    let resize = |world: &mut World, slots| {
        let pool = "local".into();
        world.ask(Request::ResizePool { pool, slots, comment: None });
    };
    world.trace();
    resize(&mut world, Some(1));
    world.succeed("a:1");
    expect![[r#"
        00:00 pool local resized by user:ann: 1 slots
        00:00 a:1 attempt 1 succeeded
        00:00 a:1 succeeded
    "#]]
    .assert_eq(&world.trace());
    resize(&mut world, Some(0));
    resize(&mut world, None);
    expect![[r#"
        00:00 refused: a pool needs a slot (`runyard pool pause` lets nothing start)
        00:00 pool local resized by user:ann: as configured
        00:00 a:3 attempt 1 starting
        00:00 a:3 attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_drained_pool_starts_nothing_says_what_will_have_ended_and_survives_a_restart() {
    let mut world = world(|_| ());
    world.load(
        "concurrency: { max_runs: 9 }
tasks:
  short: { run: x, timeout: 5m }
  long: { run: x, timeout: 3h }
  next: { needs: short, run: x, priority: high }
  other: { needs: short, run: x }
",
    );
    world.run();
    let by = Some(world.now() + Duration::from_secs(600));
    let what = PauseWhat::Pool("local".into());
    let drain = Request::Drain { what: what.clone(), by, comment: None };
    expect![[r#"
        [
            "will have ended 1: flow#1 short (in 5m)",
            "will not have ended 1: flow#1 long (in 3h)",
        ]
    "#]]
    .assert_debug_eq(&world.plan(&drain));
    world.ask(drain);
    world.succeed("short");
    world.trace();
    world.crash();
    let known =
        vec![(world.attempt("long"), engine::input::Known::Running { pid: 42, at: world.now() })];
    world.connect(1, &known);
    assert!(!world.trace().contains("starting"));
    world.resume(what);
    let trace = world.trace();
    assert!(trace.contains("next attempt 1 starting") && !trace.contains("other attempt 1"));
}
