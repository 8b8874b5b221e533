//! Parameters and the lanes and texts made of them.

use expect_test::expect;
use serde_json::json;

use crate::world::World;

#[test]
fn defaults_see_those_before_them_and_wrong_values_are_refused() {
    let mut world = World::new(1);
    world.load(
        "params:\n  day: { type: date }\n  file: { type: string, default: \"{{ params.day }}.csv\" }\ntasks:\n  a: { run: x, when: \"params.file == '2017-11-13.csv'\" }\n",
    );
    world.run_with(&[]);
    world.run_with(&[("day", json!("tomorrow"))]);
    world.run_with(&[("day", json!("2017-11-13")), ("fiel", json!("x"))]);
    world.run_with(&[("day", json!("2017-11-13"))]);
    expect![[r#"
        00:00 refused: parameter `day` of `flow` is required (give it with `--param day=…`: a date such as 2026-03-01)
        00:00 refused: parameter `day`: "tomorrow" is not a date such as 2026-03-01
        00:00 refused: `flow` has no parameter `fiel` (did you mean `file`?)
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
    "#]].assert_eq(&world.trace());
}
