//! What people are shown of pauses, plans, undos and of what holds capacity.

use expect_test::{Expect, expect};
use shared::plan::{NAMED_MAX, Plan};
use shared::snapshot::{RollbackView, StatusView, TaskView};

use super::commands::command;
use super::fake::{Running, Script};
use super::fixture::{
    HOSTILE, at, attempt, holder, pause, plan, pool, queue_row, run, run_row, status, task, undo,
    view, workflow,
};
use super::pages::{assert_harmless, check};
use crate::cli::{list, plan as plan_page, queue, show, status as status_page, workflow as page};

fn plan_says(plan: &Plan, expected: &Expect) {
    check(&plan_page::lines(plan, &view()), expected);
}

#[test]
fn a_plan_counts_and_names_in_as_many_lines_as_it_takes() {
    plan_says(
        &Plan {
            run: (0..12).map(|it| format!("load:{it}")).collect(),
            keep: ["x".to_owned()].into_iter().collect(),
            runs: ["load#7".to_owned(), "load#8".to_owned()].into_iter().collect(),
            ..plan()
        },
        &expect![[r#"
            retail-daily-sales#412
            would stop 1: cleanup
            would undo 4: publish, dashboards:East, dashboards:West, store_metrics:Central
            cannot undo 1: returns
            would run 12: load:0, load:1, load:2, load:3, load:4, load:5, load:6, load:7,
              load:8, load:9, load:10, load:11
            would void 1 approval: publish_ok
            would have 2 runs wait: load#7, load#8
            would keep 1: x
            note: dataset sales was read by report#7
        "#]],
    );
    let many: Plan = Plan {
        wait: std::iter::repeat_n("a".to_owned(), NAMED_MAX + 23).collect(),
        ..Plan::default()
    };
    let lines = plan_page::lines(&many, &view());
    assert!(lines.iter().all(|it| it.width() <= 80));
    let text: String =
        lines.iter().flat_map(|it| it.pieces().map(|(_, it)| it.to_string())).collect();
    assert!(
        text.starts_with("would have 123 wait: a, a") && text.ends_with("and 23 more"),
        "{text}"
    );
}

#[test]
fn a_plan_of_nothing_says_so_and_an_absurd_one_is_harmless() {
    plan_says(
        &Plan::default(),
        &expect![[r#"
        would change nothing that runs or is to run
    "#]],
    );
    let absurd = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    let hostile = Plan {
        label: Some(HOSTILE.to_owned()),
        undo: absurd(&[HOSTILE, &HOSTILE.repeat(40), ""]),
        notes: vec![HOSTILE.to_owned()],
        ..Plan::default()
    };
    assert_harmless(&plan_page::lines(&hostile, &view()));
}

#[test]
fn lists_say_who_has_paused_what_and_until_when() {
    let mut row = workflow("load", "paused");
    row.pause = Some(pause());
    check(
        &list::workflow_lines(&[row, workflow("other", "ok")], &view()),
        &expect![[r#"
            WORKFLOW  STATE     TASKS  ACTIVE  DESCRIPTION
            load      ⏸ paused      3       1  Loads the day
            other     ✓ ok          3       1  Loads the day

            load
              paused by user:ada, until 2026-01-01 03:01:25 +01:00 (in 1h59m); 3 held back
                     since 2026-01-01 01:01:25 +01:00: the disk is being changed
        "#]],
    );
    let mut row = pool("local", "paused");
    row.pause = Some(shared::snapshot::PauseView { until: None, comment: None, ..pause() });
    row.oldest = Some(at(40));
    check(
        &list::pool_lines(&[row, pool("edge", "up")], &view()),
        &expect![[r#"
            POOL   KIND   STATE      SLOTS  QUEUED  LONGEST
            local  local  ⏸ paused  4 of 4       2       1m
            edge   local  ✓ up      4 of 4       2

            local
              paused by user:ada, until it is resumed; 3 held back
                     since 2026-01-01 01:01:25 +01:00
        "#]],
    );
    let mut row = run_row(412, "paused");
    row.pause = Some(pause());
    row.reason = Some("paused by user:ada: the disk is being changed".to_owned());
    let wide = crate::format::View { width: None, ..view() };
    check(
        &list::run_lines(&[row], &wide),
        &expect![[r#"
            RUN                     STATE     TASKS    MADE  TOOK  ID             REASON
            retail-daily-sales#412  ⏸ paused    5/7  1m ago   19s  o6brm7notup5e  paused by user:ada, ends in 1h59m; 3 held back: the disk is being changed
        "#]],
    );
}

#[test]
fn status_says_that_everything_is_paused() {
    let mut local = pool("local", "paused");
    local.pause = Some(pause());
    let paused = StatusView { pause: Some(pause()), pools: vec![local], ..status() };
    check(
        &status_page::lines(&paused, &[], &view()),
        &expect![[r#"
            daemon    version 0.1.0, process 4242, for 1h2m, 12.0 MiB of memory
            store     ✓ ok, 1.4 MiB, event 812
            runs      1 run active, 2 queued
            state     /home/ada/.local/state/runyard
            workflows /home/ada/.config/runyard/workflows
            paused    everything by user:ada, until 2026-01-01 03:01:25 +01:00 (in 1h59m); 3 held back
                      since 2026-01-01 01:01:25 +01:00: the disk is being changed

            POOL   KIND   STATE      SLOTS  QUEUED
            local  local  ⏸ paused  4 of 4       2

            local
              paused by user:ada, until 2026-01-01 03:01:25 +01:00 (in 1h59m); 3 held back
                     since 2026-01-01 01:01:25 +01:00: the disk is being changed

            next: runyard resume --all
            next: runyard pool resume local
        "#]],
    );
}

#[test]
fn a_workflow_is_shown_with_its_pause_and_its_runs() {
    let mut row = workflow("retail-daily-sales", "paused");
    row.pause = Some(pause());
    row.problems = vec!["a.yaml:3:1: unknown key `nees`".to_owned(), "b".to_owned()];
    check(
        &page::lines(&row, &[run_row(412, "running")], &view()),
        &expect![[r#"
            retail-daily-sales  ⏸ paused
              is       Loads the day
              owner    retail-data
              version  0123456789ab
              tasks    3
              active   1
              paused   by user:ada, until 2026-01-01 03:01:25 +01:00 (in 1h59m); 3 held back
                       since 2026-01-01 01:01:25 +01:00: the disk is being changed
              problems a.yaml:3:1: unknown key `nees`
                       b

            RUN                     STATE      TASKS    MADE  TOOK  ID
            retail-daily-sales#412  ● running    5/7  1m ago   59s  o6brm7notup5e

            next: runyard workflow resume retail-daily-sales
        "#]],
    );
    let hostile = workflow(HOSTILE, HOSTILE);
    assert_harmless(&page::lines(&hostile, &[], &view()));
}

#[test]
fn what_holds_a_pool_stands_below_what_waits_for_it() {
    check(
        &queue::page(&[queue_row(1, "store_metrics")], &[holder("undo@returns")], &view()),
        &expect![[r#"
            #  RUN                     TASK                POOL   PRIORITY  WAITS
            1  retail-daily-sales#412  store_metrics:East  local    500+10    15s
                  · all 4 slots of pool local are taken

            held by
            RUN                     TASK          POOL   STATE      FOR  UNTIL  HOLDS
            retail-daily-sales#412  undo@returns  local  ● running   1m  in 1h  2 slots, 1 …
        "#]],
    );
    let many: Vec<_> = (0..12).map(|it| holder(&format!("t{it}"))).collect();
    let page = queue::page(&[queue_row(1, "a")], &many, &view());
    let last = page.last().expect("a line").pieces().map(|(_, it)| it.to_string());
    assert_eq!(last.collect::<String>(), "2 more: runyard queue --holders");
    check(
        &queue::holder_lines(&[], &view()),
        &expect![[r#"
        nothing holds capacity
    "#]],
    );
    assert_harmless(&queue::holder_lines(&[holder(HOSTILE)], &view()));
}

fn undone_run() -> shared::snapshot::RunView {
    let done = |name: &str, state: &str| TaskView {
        can_undo: true,
        attempts: vec![attempt(1, Some("succeeded"))],
        ..task(name, state)
    };
    let mut failed = undo("rollback_failed", vec![attempt(1, Some("exit(1)"))]);
    failed.reason = Some("exit(1)".to_owned());
    let mut view = run(
        "rollback_failed",
        vec![
            TaskView { undo: Some(failed.clone()), ..done("publish", "rollback_failed") },
            TaskView {
                undo: Some(failed),
                items: [("rollback_failed".to_owned(), 1), ("rolled_back".to_owned(), 3)].into(),
                attempts: Vec::new(),
                ..done("dashboards", "rollback_failed")
            },
            TaskView {
                undo: Some(undo("rolled_back", Vec::new())),
                outcome: Some("succeeded".to_owned()),
                ..done("load", "rolled_back")
            },
            TaskView { undo: Some(undo("pending", Vec::new())), ..done("base", "succeeded") },
            done("report", "succeeded"),
            TaskView { reason: Some("held by user:ada".to_owned()), ..task("later", "held") },
            task("returns", "succeeded"),
        ],
    );
    view.ended = Some(at(96));
    view.reason = Some("paused by user:ada: the disk is being changed".to_owned());
    view.rollback = Some(RollbackView {
        by: "user:ada".to_owned(),
        at: at(90),
        comment: Some("wrong day".to_owned()),
        counts: [("rollback_failed".to_owned(), 1), ("rolled_back".to_owned(), 1)].into(),
    });
    view.pause = Some(pause());
    view
}

#[test]
fn show_says_what_was_undone_and_what_could_not_be() {
    check(
        &show::run_lines(&undone_run(), &view()),
        &expect![[r#"
            retail-daily-sales#412  ✗ rollback_failed in 15s
              id       mlbathlernkz4, version 0123456789ab
              made     2026-01-01 01:01:20 +01:00, by user:ada (manual), priority 500
              ended    2026-01-01 01:01:36 +01:00, 4s ago
              owner    retail-data
              paused   by user:ada, until 2026-01-01 03:01:25 +01:00 (in 1h59m); 3 held back
                       since 2026-01-01 01:01:25 +01:00: the disk is being changed
              rollback 1 rollback_failed, 1 rolled_back
                       by user:ada, 2026-01-01 01:01:30 +01:00: wrong day
              params   business_date=2017-12-22
                       regions=["Central","East"]

            TASK        STATE              ATTEMPTS  NOTE
            publish     ✗ rollback_failed         1  undo: exit(1)
            dashboards  ✗ rollback_failed            1 rollback_failed, 3 rolled_back; undo…
            load        ⊘ rolled_back             1
            base        ✓ succeeded               1  undo ○ pending
            report      ✓ succeeded               1
            later       ⏸ held                       held by user:ada
            returns     ✓ succeeded

            next: runyard release retail-daily-sales#412 later
            next: runyard resume retail-daily-sales#412
            next: runyard why retail-daily-sales#412 undo@publish
            next: runyard rollback retail-daily-sales#412 --retry publish
            next: runyard show retail-daily-sales#412 'dashboards:*'
        "#]],
    );
    check(
        &show::undo_lines(&undone_run().tasks[1], &view()),
        &expect![[r#"
            undo@dashboards  ✗ rollback_failed
              took     5s
              note     exit(1)
              items    1 rollback_failed, 3 rolled_back
        "#]],
    );
    check(
        &show::undo_lines(&undone_run().tasks[0], &view()),
        &expect![[r#"
            undo@publish  ✗ rollback_failed
              took     5s
              note     exit(1)

            TRY  OUTCOME  STARTED                     TOOK   MEMORY      LOG
              1  exit(1)  2026-01-01 01:01:30 +01:00    5s  3.0 MiB  1.2 KiB
        "#]],
    );
}

#[test]
fn an_undo_is_shown_by_its_name_where_there_is_one() {
    let daemon = Running::start(Script { view: Some(undone_run()), ..Script::default() });
    let (code, text) = command(&daemon, "show 412 undo@publish");
    assert_eq!(code, 0);
    assert!(text.starts_with("undo@publish  "), "{text}");
    let (code, text) = command(&daemon, "show 412 undo@publish --json");
    assert_eq!(code, 0);
    let document: serde_json::Value = serde_json::from_str(&text).expect("a document");
    assert_eq!(document["tasks"][0]["undo"]["state"], serde_json::json!("rollback_failed"));
    for line in ["show 412 undo@report", "show 412 undo@returns", "show 412 undo@missing"] {
        assert_eq!(command(&daemon, line).0, 3, "{line}");
    }
    let (code, text) = command(&daemon, "why 412 undo@publish --json");
    assert_eq!(code, 0);
    assert!(text.contains(r#""task":"undo@publish""#), "{text}");
}
