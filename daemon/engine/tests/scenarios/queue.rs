//! Rule 6.

use expect_test::expect;

use crate::world::World;

#[test]
fn the_larger_priority_goes_first_and_the_file_decides_between_equals() {
    let text = "tasks:\n  first: { run: x }\n  a: { run: x }\n  b: { run: x }\n  urgent: { run: x, priority: critical }\n";
    let (mut world, _) = World::playing(1, text);
    for name in ["urgent", "first", "a", "b"] {
        world.succeed(name);
    }
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 first queued
        00:00 a queued
        00:00 b queued
        00:00 urgent queued
        00:00 urgent attempt 1 starting
        00:00 urgent attempt 1 started (pid 42)
        00:00 urgent attempt 1 succeeded
        00:00 urgent succeeded
        00:00 first attempt 1 starting
        00:00 first attempt 1 started (pid 42)
        00:00 first attempt 1 succeeded
        00:00 first succeeded
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 b attempt 1 starting
        00:00 b attempt 1 started (pid 42)
        00:00 b attempt 1 succeeded
        00:00 b succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn what_does_not_fit_lets_smaller_ones_pass() {
    let text = "tasks:\n  a: { run: x, resources: { db: 1 } }\n  large: { run: x, resources: { db: 2 } }\n  small: { run: x, resources: { db: 1 } }\n";
    let (mut world, _) = World::playing(3, text);
    world.succeed("a");
    world.succeed("small");
    world.succeed("large");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 large queued
        00:00 small queued
        00:00 a attempt 1 starting
        00:00 small attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 small attempt 1 started (pid 42)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 small attempt 1 succeeded
        00:00 small succeeded
        00:00 large attempt 1 starting
        00:00 large attempt 1 started (pid 42)
        00:00 large attempt 1 succeeded
        00:00 large succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}
