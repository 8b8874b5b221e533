//! Rule 14.

use expect_test::expect;
use shared::request::Decision;

use crate::world::World;

fn asked(on_timeout: &str) -> String {
    let text = format!(
        "tasks:\n  ask: {{ approval: {{ message: \"publish?\", timeout: 2h, on_timeout: {on_timeout} }} }}\n  then: {{ needs: ask, run: x }}\n"
    );
    let (mut world, run) = World::playing(1, &text);
    world.wait(7200);
    if world.state().runs.contains_key(&run) {
        world.decide(run, "ask", Decision::Approve, "late");
    }
    world.trace()
}

#[test]
fn an_approval_lets_what_follows_run_and_a_second_decision_is_told_who_was_first() {
    let (mut world, run) = World::playing(
        1,
        "tasks:\n  ask: { approval: \"publish?\" }\n  then: { needs: ask, run: x }\n",
    );
    world.decide(run, "ask", Decision::Approve, "looks good");
    world.decide(run, "ask", Decision::Reject, "no");
    world.decide(run, "aks", Decision::Approve, "");
    world.succeed("then");
    world.decide(run, "ask", Decision::Approve, "");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 ask attempt 1 starting
        00:00 ask attempt 1 started
        00:00 ask asks: publish? (until 2026-01-02T00:00:00.000Z)
        00:00 ask approved by user:ann: looks good
        00:00 ask attempt 1 succeeded
        00:00 ask succeeded
        00:00 then queued
        00:00 then attempt 1 starting
        00:00 then attempt 1 started (pid 42)
        00:00 refused: `ask` was approved by user:ann at 2026-01-01T00:00:00.000Z
        00:00 refused: flow#1 has no task `aks` (did you mean `ask`?)
        00:00 then attempt 1 succeeded
        00:00 then succeeded
        00:00 run succeeded
        00:00 refused: the run has ended (`runyard retry` asks its approvals anew)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_rejection_needs_a_comment_and_fails_the_task_with_it() {
    let (mut world, run) = World::playing(
        1,
        "tasks:\n  ask: { approval: \"publish?\" }\n  then: { needs: ask, run: x }\n",
    );
    world.decide(run, "ask", Decision::Reject, "");
    world.decide(run, "ask", Decision::Reject, "the numbers are wrong");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 ask attempt 1 starting
        00:00 ask attempt 1 started
        00:00 ask asks: publish? (until 2026-01-02T00:00:00.000Z)
        00:00 refused: a rejection needs a comment (say why with `--comment`)
        00:00 ask rejected by user:ann: the numbers are wrong
        00:00 ask attempt 1 rejected
        00:00 ask failed (rejected by user:ann: the numbers are wrong)
        00:00 then upstream_failed
        00:00 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn nobody_answers_and_it_is_rejected() {
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 ask attempt 1 starting
        00:00 ask attempt 1 started
        00:00 ask asks: publish? (until 2026-01-01T02:00:00.000Z)
        120:00 ask attempt 1 timeout
        120:00 ask failed (expired: nobody answered in time)
        120:00 then upstream_failed
        120:00 run failed
    "#]]
    .assert_eq(&asked("reject"));
}

#[test]
fn nobody_answers_and_it_is_approved() {
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 ask attempt 1 starting
        00:00 ask attempt 1 started
        00:00 ask asks: publish? (until 2026-01-01T02:00:00.000Z)
        120:00 ask attempt 1 succeeded
        120:00 ask succeeded
        120:00 then queued
        120:00 then attempt 1 starting
        120:00 then attempt 1 started (pid 42)
        120:00 refused: `ask` asks for no approval: it is succeeded
    "#]]
    .assert_eq(&asked("approve"));
}

#[test]
fn nobody_answers_and_it_is_skipped() {
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 ask attempt 1 starting
        00:00 ask attempt 1 started
        00:00 ask asks: publish? (until 2026-01-01T02:00:00.000Z)
        120:00 ask attempt 1 timeout
        120:00 ask skipped (nobody answered in time)
        120:00 then skipped (its trigger rule does not hold)
        120:00 run skipped
    "#]]
    .assert_eq(&asked("skip"));
}

#[test]
fn nobody_answers_and_it_is_held_until_a_person_asks_again() {
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 ask attempt 1 starting
        00:00 ask attempt 1 started
        00:00 ask asks: publish? (until 2026-01-01T02:00:00.000Z)
        120:00 ask attempt 1 timeout
        120:00 ask held: nobody has answered its approval in time
        120:00 refused: `ask` asks for no approval: it is held
    "#]]
    .assert_eq(&asked("hold"));
}
