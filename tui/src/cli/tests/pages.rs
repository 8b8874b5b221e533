//! What people are shown: busy, empty, absurd.

use expect_test::{Expect, expect};
use serde_json::json;
use shared::snapshot::{StatusView, TaskView};
use shared::why::{Blocker, BlockerKind};

use super::fixture::{
    HOSTILE, approval, at, attempt, blocker, busy_run, decision, event, pool, queue_row, run,
    run_row, status, task, view, why, workflow,
};
use crate::cli::{
    approvals, events, list, queue, run as run_command, show, status as status_command, why_lines,
};
use crate::text::Line;

fn plain(lines: &[Line]) -> String {
    let line = |line: &Line| line.pieces().map(|(_, it)| it.to_string()).collect::<String>();
    lines.iter().map(|it| line(it).trim_end().to_owned() + "\n").collect()
}

pub(super) fn check(lines: &[Line], expected: &Expect) {
    expected.assert_eq(&plain(lines));
}

/// No page passes on what a terminal would obey.
pub(super) fn assert_harmless(lines: &[Line]) {
    let text = plain(lines);
    let harmful = |it: char| it.is_control() && it != '\n' || "\u{202e}\u{200b}".contains(it);
    assert!(!text.contains(harmful), "{text:?}");
}

#[test]
fn show_says_how_each_task_is_and_what_to_do() {
    check(
        &show::run_lines(&busy_run(), &view()),
        &expect![[r#"
            retail-daily-sales#412  ● running for 19s
              id       mlbathlernkz4, version 0123456789ab
              made     2026-01-01 01:01:20 +01:00, by user:ada (manual), priority 500
              owner    retail-data
              params   business_date=2017-12-22
                       regions=["Central","East"]

            TASK           STATE                TOOK  ATTEMPTS  NOTE
            returns        ✓ succeeded            3s         1
            store_metrics  ● running             16s            1 running, 3 succeeded
            quality        ✓ succeeded            3s         1  warning: more adjustments t…
            publish_ok     ⏸ awaiting_approval                  Publish the sales of 2017-1…
            cleanup        ○ waiting                            finally

            next: runyard approve retail-daily-sales#412 publish_ok
        "#]],
    );
}

#[test]
fn show_of_a_failed_run_names_the_first_steps() {
    let mut failed = run(
        "failed",
        vec![
            TaskView {
                outcome: Some("exit(65)".to_owned()),
                started: Some(at(81)),
                ended: Some(at(83)),
                attempts: vec![attempt(1, Some("exit(65)"))],
                ..task("returns", "failed")
            },
            task("store_metrics", "upstream_failed"),
        ],
    );
    failed.reason = Some("returns failed".to_owned());
    failed.ended = Some(at(84));
    check(
        &show::run_lines(&failed, &view()),
        &expect![[r#"
            retail-daily-sales#412  ✗ failed in 3s
              id       mlbathlernkz4, version 0123456789ab
              made     2026-01-01 01:01:20 +01:00, by user:ada (manual), priority 500
              ended    2026-01-01 01:01:24 +01:00, 16s ago
              owner    retail-data
              reason   returns failed
              params   business_date=2017-12-22
                       regions=["Central","East"]

            TASK           STATE              TOOK  ATTEMPTS  NOTE
            returns        ✗ failed             2s         1  exit(65)
            store_metrics  ✗ upstream_failed

            next: runyard why retail-daily-sales#412
            next: runyard retry retail-daily-sales#412
        "#]],
    );
}

#[test]
fn show_of_a_task_has_its_outputs_and_attempts() {
    let flaky = TaskView {
        outputs: [("total".to_owned(), json!(7442.02)), ("name".to_owned(), json!("a b"))].into(),
        needs: vec!["wait_for_sales".to_owned()],
        attempts: vec![attempt(1, Some("exit(75)")), attempt(2, None)],
        ..task("returns", "running")
    };
    check(
        &show::task_lines(&flaky, &view()),
        &expect![[r#"
        returns  ● running
          kind     exec
          pool     local
          needs    wait_for_sales
          outputs  name=a b
                   total=7442.02

        TRY  OUTCOME    STARTED                     TOOK   MEMORY      LOG
          1  exit(75)   2026-01-01 01:01:30 +01:00    5s  3.0 MiB  1.2 KiB
          2  ● running  2026-01-01 01:01:30 +01:00   10s  3.0 MiB  1.2 KiB
    "#]],
    );
}

#[test]
fn an_absurd_run_is_shown_harmlessly() {
    let mut absurd =
        run(HOSTILE, vec![TaskView { reason: Some(HOSTILE.to_owned()), ..task(HOSTILE, HOSTILE) }]);
    absurd.workflow = HOSTILE.into();
    absurd.params = [(HOSTILE.to_owned(), json!(HOSTILE))].into();
    absurd.created = shared::time::Timestamp(i64::MIN);
    absurd.started = Some(shared::time::Timestamp(i64::MAX));
    absurd.ended = Some(shared::time::Timestamp(i64::MIN));
    assert_harmless(&show::run_lines(&absurd, &view()));
    assert_harmless(&show::run_lines(&run("", Vec::new()), &view()));
    assert_harmless(&[run_command::ended(&absurd, &view())]);
    assert_harmless(&[events::event(&event(1, HOSTILE), &view())]);
}

#[test]
fn runs_fit_into_80_columns() {
    let mut failed = run_row(2, "failed");
    failed.reason = Some("returns failed: exit(65)".to_owned());
    let rows = [run_row(412, "running"), failed, run_row(1, "succeeded")];
    let lines = list::run_lines(&rows, &view());
    assert!(lines.iter().all(|it| it.width() <= 80));
    check(
        &lines,
        &expect![[r#"
        RUN                     STATE        TASKS    MADE  TOOK  ID             REASON
        retail-daily-sales#412  ● running      5/7  1m ago   59s  o6brm7notup5e
        retail-daily-sales#2    ✗ failed       5/7  1m ago   19s  anrc5dcaasrkp  return…
        retail-daily-sales#1    ✓ succeeded    5/7  1m ago   19s  g46e6nkq3szpu
    "#]],
    );
    check(
        &list::run_lines(&[], &view()),
        &expect![[r#"
        no such runs: make one with `runyard run WORKFLOW`
    "#]],
    );
    let mut absurd = run_row(u64::MAX, HOSTILE);
    absurd.workflow = HOSTILE.repeat(20).as_str().into();
    assert_harmless(&list::run_lines(&[absurd], &view()));
}

#[test]
fn why_lists_what_is_in_the_way_with_the_tasks_beneath() {
    let mut answer = why(None, "running", Vec::new());
    let mut until = blocker("the next attempt comes after a wait", &[]);
    until.until = Some(at(130));
    let behind = Blocker { kind: BlockerKind::Needs, ..blocker("needs that have not ended", &[]) };
    answer.tasks = vec![
        why(
            Some("publish_ok"),
            "awaiting_approval",
            vec![blocker("a person must decide", &["group:finance"])],
        ),
        why(Some("load:East"), "retry_wait", vec![until]),
        why(Some("index"), "waiting", vec![behind.clone()]),
        why(Some("cleanup"), "waiting", vec![behind]),
    ];
    check(
        &why_lines(&answer, &view()),
        &expect![[r#"
            retail-daily-sales#412  ● running

              publish_ok  ⏸ awaiting_approval
                · a person must decide (since 2026-01-01 01:01:25 +01:00)
                  group:finance

              load:East  ○ retry_wait
                · the next attempt comes after a wait (since 2026-01-01 01:01:25 +01:00, until 2026-01-01 01:02:10 +01:00, in 30s)

              behind these: index, cleanup
        "#]],
    );
}

#[test]
fn why_of_a_failure_ends_with_its_log() {
    let mut answer =
        why(Some("returns"), "failed", vec![blocker("its attempt 1 ended with exit(65)", &[])]);
    answer.log_tail = vec!["returns.sh: no such file".to_owned(), HOSTILE.to_owned()];
    let lines = why_lines(&answer, &view());
    assert_harmless(&lines);
    check(
        &lines,
        &expect![[r#"
        returns  ✗ failed
          · its attempt 1 ended with exit(65) (since 2026-01-01 01:01:25 +01:00)

        the last lines of its log:
          │ returns.sh: no such file
          │ x␛[2J<202e><200b>␊␍<009b>31m
    "#]],
    );
    check(
        &why_lines(&why(None, "succeeded", Vec::new()), &view()),
        &expect![[r#"
            retail-daily-sales#412  ✓ succeeded
              nothing is in its way
        "#]],
    );
}

#[test]
fn the_queue_says_what_each_waits_for() {
    check(
        &queue::queue_lines(&[queue_row(1, "store_metrics"), queue_row(2, "dashboards")], &view()),
        &expect![[r#"
            #  RUN                     TASK                POOL   PRIORITY  WAITS
            1  retail-daily-sales#412  store_metrics:East  local    500+10    15s
                  · all 4 slots of pool local are taken
            2  retail-daily-sales#412  dashboards:East     local    500+10    15s
                  · all 4 slots of pool local are taken
        "#]],
    );
    check(
        &queue::queue_lines(&[], &view()),
        &expect![[r#"
        nothing waits for capacity
    "#]],
    );
    assert_harmless(&queue::queue_lines(&[queue_row(u32::MAX, HOSTILE)], &view()));
}

#[test]
fn approvals_come_with_the_command_that_decides() {
    let mut two = approval("release#3", "sign_off", "Release?\nThe second line");
    two.needed = 2;
    two.approvers = vec!["group:finance".to_owned()];
    two.decisions = vec![decision("user:bob")];
    let rows = [approval("retail-daily-sales#412", "publish_ok", "Publish?"), two];
    check(
        &approvals::lines(&rows, &view()),
        &expect![[r#"
            ⏸ retail-daily-sales#412 publish_ok
              Publish?
              waits since 2026-01-01 01:01:25 +01:00, expires in 1h59m
              next: runyard approve retail-daily-sales#412 publish_ok
              or:   runyard reject retail-daily-sales#412 publish_ok --comment WHY

            ⏸ release#3 sign_off
              Release?
              The second line
              waits since 2026-01-01 01:01:25 +01:00, expires in 1h59m
              may be decided by group:finance
              1 of 2 decisions
              approve by user:bob, 3s ago: looks right
              next: runyard approve release#3 sign_off
              or:   runyard reject release#3 sign_off --comment WHY
        "#]],
    );
    check(
        &approvals::lines(&[], &view()),
        &expect![[r#"
        nothing waits for a decision
    "#]],
    );
    assert_harmless(&approvals::lines(&[approval(HOSTILE, HOSTILE, HOSTILE)], &view()));
}

#[test]
fn status_says_what_there_is_to_do() {
    let waiting = [approval("retail-daily-sales#412", "publish_ok", "Publish?")];
    check(
        &status_command::lines(&status(), &waiting, &view()),
        &expect![[r#"
        daemon    version 0.1.0, process 4242, for 1h2m, 12.0 MiB of memory
        store     ✓ ok, 1.4 MiB, event 812
        runs      1 run active, 2 queued
        state     /home/ada/.local/state/runyard
        workflows /home/ada/.config/runyard/workflows

        POOL   KIND   STATE   SLOTS  QUEUED
        local  local  ✓ up   4 of 4       2

        next: runyard approve retail-daily-sales#412 publish_ok   # Publish?
    "#]],
    );
}

#[test]
fn status_of_a_daemon_in_trouble_says_so() {
    let mut trouble = StatusView { pools: vec![pool("local", "down")], ..status() };
    trouble.store.state = "degraded: no space left".to_owned();
    trouble.uptime_s = f64::NAN;
    check(
        &status_command::lines(&trouble, &[], &view()),
        &expect![[r#"
        daemon    version 0.1.0, process 4242, for 0ms, 12.0 MiB of memory
        store     · degraded: no space left, 1.4 MiB, event 812
        runs      1 run active, 2 queued
        state     /home/ada/.local/state/runyard
        workflows /home/ada/.config/runyard/workflows

        POOL   KIND   STATE    SLOTS  QUEUED
        local  local  ✗ down  4 of 4       2

        next: nothing new starts until the store can be written again
        next: the runner of pool local cannot be reached
    "#]],
    );
    let empty = StatusView { pools: Vec::new(), state_dir: HOSTILE.to_owned(), ..status() };
    assert_harmless(&status_command::lines(&empty, &[], &view()));
}

#[test]
fn a_broken_workflow_shows_its_problems() {
    let mut row = workflow("load", "broken");
    row.problems = vec!["load.yaml:3:1: unknown key `nees`".to_owned()];
    check(
        &list::workflow_lines(&[row], &view()),
        &expect![[r#"
        WORKFLOW  STATE     TASKS  ACTIVE  DESCRIPTION
        load      ✗ broken      3       1  Loads the day

        load
          load.yaml:3:1: unknown key `nees`
    "#]],
    );
}
