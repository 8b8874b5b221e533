//! What a workflow's own tests can say, each shown by a test that says it; and what a test is told that fails.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use definition::Source;
use expect_test::{Expect, expect};
use shared::time::format_duration;
use sim::script::{Failure, Report, play};

fn reports(text: &str) -> Vec<(String, Report)> {
    let source = Source { file: "flow.yaml", folder: "/flows", text };
    let loaded = definition::load(&source, &|path| Err(format!("there is no {path}")));
    let workflow = loaded.workflow.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let workflow = Arc::new(workflow);
    loaded.tests.iter().map(|it| (it.name.clone(), play(&workflow, it))).collect()
}

fn passes(text: &str) {
    for (name, report) in reports(text) {
        assert!(report.has_passed(), "{name}: {}", told(&report));
    }
}

fn fails(text: &str, expected: &Expect) {
    let all: Vec<String> = reports(text).iter().map(|(_, it)| told(it)).collect();
    expected.assert_eq(&all.join("\n"));
}

fn told(report: &Report) -> String {
    let mut text = String::new();
    for failure in &report.failures {
        let because = match failure {
            Failure::Missed { line, about, expected, got, because } => {
                writeln!(text, "{line}: {about}: expected {expected}, got {got}")
                    .expect("a text grows");
                because
            }
            Failure::Broken { line, problem, because, help } => {
                writeln!(text, "{line}: {problem}").expect("a text grows");
                let help = help.iter().map(|it| format!("  help: {it}\n"));
                text.extend(help);
                because
            }
        };
        because.iter().for_each(|it| writeln!(text, "  because {it}").expect("a text grows"));
    }
    text
}

fn trace(report: &Report) -> String {
    let lines =
        report.trace.iter().map(|it| format!("{} {}\n", format_duration(it.after), it.text));
    lines.collect()
}

#[test]
fn attempts_end_as_the_mocks_say() {
    passes(
        r#"
defaults: { timeout: 1m }
tasks:
  a: { run: a }
  b: { exec: [b] }
  c: { run: c, idempotent: true, retry: { limit: 1, jitter: 0 } }
  d: { run: d, needs: a, outputs: { n: int, text: string, list: list } }
tests:
  - name: nothing is said
    mock: { d: { outputs: { n: 5, text: x, list: [1, 2] } } }
    expect:
      run: succeeded
      tasks: { d: { outputs: { n: 5, text: x, list: [1, 2] }, exit: 0 } }
      counts: { succeeded: 4, failed: 0 }
  - name: ends of all kinds
    mock:
      a: { exit: 3 }
      b: { signal: 9 }
      c: [{ outcome: lost }, { outcome: oom }]
    expect:
      run: failed
      tasks:
        a: { outcome: exit(3), exit: 3 }
        b: { outcome: signal(9) }
        c: { outcome: oom, attempts: 2, ended_at: 10s }
        d: upstream_failed
  - name: what takes too long, or does not start
    mock:
      a: { duration: 59s }
      b: { duration: 2m }
      c: [{ outcome: start_failed }, { outcome: timeout }]
      d: { never: true }
    expect:
      run: failed
      tasks:
        a: { state: succeeded, within: 59s, ended_at: 59s }
        b: { outcome: timeout, ended_at: 1m }
        c: { outcome: timeout, attempts: 2, started_at: 10s, ended_at: 1m10s }
        d: { outcome: timeout, started_at: 59s }
      duration: 1m59s
  - name: a promise of the wrong type is not kept
    mock: { d: { outputs: { n: many, text: x, list: [] } } }
    expect: { run: failed, tasks: { d: { outcome: check_failed, reason: whole number } } }
"#,
    );
}

#[test]
fn the_closest_mock_counts_for_each_item() {
    passes(
        r#"
defaults: { timeout: 1m }
params: { shards: { type: list, default: [north, south, east] } }
tasks:
  load: { run: a, map: { over: params.shards, tolerate: 1 }, outputs: { n: int } }
  sum: { run: b, needs: load, when: "(tasks.load.outputs.n | sum) > 2" }
tests:
  - name: one fails
    mock: { "load:south": { exit: 1 }, load: { outputs: { n: 2 } }, "l*": { exit: 9 } }
    expect:
      run: partial
      tasks: { load: { failed_items: 1, outputs: { n: [2, 2] } }, "load:south": failed, sum: succeeded }
  - name: all by a form, and what is skipped
    params: { shards: [a] }
    mock: { "load:*": { outputs: { n: 1 } } }
    expect:
      run: succeeded
      tasks: { sum: { state: skipped, reason: when } }
      expressions: ["tasks.load.items | length == 1", run.actor == 'user:test']
"#,
    );
}

#[test]
fn files_come_when_the_test_says_and_checks_judge_what_it_says() {
    passes(
        r#"
defaults: { timeout: 1m }
tasks:
  arrive: { wait: { file: { path: in.csv } }, timeout: 2h }
  judge:
    needs: arrive
    check:
      - { exec: [count], expect: value > 2 }
      - { exec: [lint] }
      - { exec: [guess], expect: value == 'x', on_failure: warn }
tests:
  - name: at once
    mock: { judge: { value: [3, "", x] } }
    expect: { run: succeeded, duration: 0s }
  - name: later
    mock: { arrive: { after: 90m }, judge: { value: [3, "", y] } }
    expect: { run: partial, tasks: { judge: { state: succeeded, started_at: 90m } } }
  - name: never
    mock: { arrive: { never: true } }
    expect: { run: failed, duration: 2h, tasks: { arrive: { outcome: timeout } } }
  - name: too few
    mock: { judge: { value: [1, "", x] } }
    expect: { run: failed, tasks: { judge: { outcome: check_failed, reason: value is 1 } } }
  - name: a program of the check complains
    mock: { judge: { value: [3, "", x], exit: 2 } }
    expect: { run: failed, tasks: { judge: { outcome: check_failed, reason: exit code 2 } } }
"#,
    );
}

#[test]
fn people_answer_or_do_not() {
    passes(
        r#"
defaults: { timeout: 1m }
params: { x: { type: int, default: 1 } }
tasks:
  ask: { approval: { message: "Go on with {{ params.x }}?", timeout: 3h, on_timeout: skip } }
  go: { run: a, needs: ask }
tests:
  - name: yes
    approve: ask
    expect: { run: succeeded, duration: 0s }
  - name: yes, after a while
    approve: { ask: { after: 2h59m59s, by: ann, comment: fine } }
    expect: { run: succeeded, duration: 2h59m59s }
  - name: no
    reject: { ask: { after: 1h, by: ann, comment: not today } }
    expect:
      run: failed
      tasks: { ask: { outcome: rejected, reason: "rejected by user:ann: not today" }, go: upstream_failed }
  - name: too late
    approve: { ask: { after: 4h } }
    expect: { run: skipped, duration: 3h, tasks: { ask: { state: skipped }, go: skipped } }
  - name: nobody
    expect: { run: skipped, duration: 3h }
"#,
    );
}

#[test]
fn people_act_at_their_instants() {
    passes(
        r#"
defaults: { timeout: 1h }
tasks:
  a: { run: a, rollback: undo }
  b: { run: b, needs: a }
finally:
  clean: { run: c }
tests:
  - name: cancelled
    mock: { a: { duration: 10m } }
    acts: [{ at: 5m, cancel: true, by: ann, comment: wrong day }]
    expect:
      run: cancelled
      duration: 5m
      tasks: { a: cancelled, b: cancelled, clean: succeeded }
  - name: paused and resumed
    mock: { a: { duration: 10m } }
    acts: [{ at: 5m, pause: true }, { at: 30m, resume: true }]
    expect: { run: succeeded, tasks: { a: { ended_at: 10m }, b: { started_at: 30m } } }
  - name: held, then released
    acts: [{ at: 0s, hold: b }, { at: 2h, release: b }]
    mock: { a: { duration: 1m } }
    expect: { run: succeeded, duration: 2h }
  - name: skipped
    acts: [{ at: 1m, skip: b }]
    mock: { a: { duration: 10m } }
    expect: { run: succeeded, tasks: { b: { state: skipped, reason: "skipped by user:test" } } }
  - name: sent back to the queue
    acts: [{ at: 1m, requeue: a }]
    mock: { a: { duration: 10m } }
    expect: { run: succeeded, duration: 11m, tasks: { a: { attempts: 2 } } }
  - name: retried after its end
    mock: { a: [{ exit: 1 }, {}] }
    acts: [{ at: 1h, retry: failed }]
    expect: { run: succeeded, tasks: { a: { attempts: 2, started_at: 1h }, clean: { attempts: 2 } } }
  - name: retried from a task
    acts: [{ at: 1h, retry_from: a }]
    expect: { run: succeeded, tasks: { a: { attempts: 2 }, b: { attempts: 2 } } }
  - name: marked
    mock: { a: { exit: 1 } }
    acts: [{ at: 1h, mark: { task: a, as: success } }]
    expect: { tasks: { a: succeeded } }
  - name: rolled back
    acts: [{ at: 1h, rollback: true }]
    mock: { "undo@a": { duration: 5m } }
    expect: { run: rolled_back, duration: 1h5m, tasks: { a: rolled_back, undo@a: rolled_back, b: succeeded } }
  - name: not rolled back
    acts: [{ at: 1h, rollback: [a] }]
    mock: { "undo@*": { exit: 1 } }
    expect: { run: rollback_failed, tasks: { a: rollback_failed, undo@a: { attempts: 1, exit: 1 } } }
  - name: what waits in the end may be meant to
    acts: [{ at: 0s, pause: true }]
    expect: { run: paused, tasks: { b: waiting } }
"#,
    );
}

#[test]
fn what_nobody_knows_the_end_of_is_held_until_a_person_lets_it_go_on() {
    passes(
        r#"
defaults: { timeout: 1h }
tasks: { a: { run: a } }
tests:
  - name: held
    mock: { a: { outcome: lost } }
    expect: { run: running, tasks: { a: { state: held, outcome: lost, reason: idempotent } } }
  - name: released
    mock: { a: [{ outcome: lost, duration: 10m }, { duration: 5m }] }
    acts: [{ at: 1h, release: a }]
    expect: { run: succeeded, duration: 1h5m, tasks: { a: { attempts: 2 } } }
"#,
    );
}

#[test]
fn capacity_clock_actor_and_interval_are_those_of_the_test() {
    passes(
        r#"
defaults: { timeout: 1h }
params: { day: { type: string, default: "{{ interval.start | date }}" } }
tasks:
  a: { run: a, map: { over: [1, 2, 3, 4] }, resources: { db: 1 } }
tests:
  - name: plenty
    interval: { start: 2026-03-01, end: 2026-03-02 }
    mock: { a: { duration: 10m } }
    expect: { run: succeeded, duration: 10m, expressions: params.day == '2026-03-01' }
  - name: two slots
    interval: { start: 2026-03-01, end: 2026-03-02 }
    mock: { a: { duration: 10m } }
    capacity: { slots: 2 }
    expect: { run: succeeded, duration: 20m }
  - name: one of a resource
    interval: { start: 2026-03-01, end: 2026-03-02 }
    start: 2026-03-02T02:30:00+01:00
    actor: ann
    mock: { a: { duration: 10m } }
    capacity: { resources: { db: 1 } }
    expect:
      run: succeeded
      duration: 40m
      order: ["a:1", "a:2", "a:3", "a:4"]
      expressions: ["run.actor == 'user:ann'", "run.created == '2026-03-02T01:30:00.000Z'"]
"#,
    );
}

#[test]
fn a_year_of_retries_is_played_in_a_moment() {
    let all = reports(
        r#"
defaults: { timeout: 1h }
tasks:
  a: { run: a, retry: { limit: 9000, delay: 1h, backoff: 1, max_delay: 1h, jitter: 0 } }
tests:
  - name: a year
    mock: { a: { exit: 1 } }
    expect: { run: failed, tasks: { a: { attempts: 9001 } } }
"#,
    );
    let (_, report) = &all[0];
    assert!(report.has_passed(), "{}", told(report));
    assert_eq!(report.took, Duration::from_secs(9_000 * 3_600));
}

#[test]
fn a_crash_in_the_middle_changes_nothing() {
    let workflow = |acts: &str| {
        format!(
            r#"
defaults: {{ timeout: 1h, retry: {{ limit: 2, delay: 7m, jitter: 0 }} }}
tasks:
  wait: {{ wait: {{ file: {{ path: x }} }} }}
  a: {{ run: a, map: {{ over: [1, 2, 3], max_parallel: 2 }}, rollback: undo }}
  ask: {{ needs: [a, wait], approval: Go? }}
  b: {{ run: b, needs: ask }}
on_run_failure: roll_back
tests:
  - name: all
    mock: {{ wait: {{ after: 33m }}, "a:2": [{{ exit: 1, duration: 1m }}, {{ duration: 9m }}], a: {{ duration: 10m }}, b: {{ exit: 1 }}, undo@a: {{ duration: 3m }} }}
    approve: {{ ask: {{ after: 20m }} }}
    acts: [{acts}]
    expect: {{ run: rolled_back }}
"#
        )
    };
    let plain = reports(&workflow("")).remove(0).1;
    assert!(plain.has_passed(), "{}", told(&plain));
    let without = |report: &Report| {
        let is_event = |it: &&str| !it.ends_with("starts again");
        let trace = trace(report);
        let mut lines: Vec<String> = trace.lines().filter(is_event).map(str::to_owned).collect();
        // What starts at one instant may be told in another order.
        lines.sort();
        lines
    };
    for minute in 0..=plain.took.as_secs() / 60 {
        let crashed = reports(&workflow(&format!("{{ at: {minute}m, crash: true }}"))).remove(0).1;
        assert!(crashed.has_passed(), "at {minute}: {}", told(&crashed));
        assert_eq!(crashed.took, plain.took, "at {minute}");
        assert_eq!(without(&crashed), without(&plain), "at {minute}");
    }
}

#[test]
fn what_happened_can_be_read() {
    let all = reports(
        r#"
defaults: { timeout: 1h }
tasks:
  a: { run: a, retry: { limit: 1, jitter: 0 } }
  ask: { needs: a, approval: Go? }
tests:
  - name: all
    mock: { a: [{ exit: 1, duration: 90s, log: no connection }, {}] }
    approve: { ask: { after: 1m } }
    acts: [{ at: 2m, crash: true }]
    expect: { run: succeeded }
"#,
    );
    expect![[r#"
        0ms run flow#1 created by user:test
        0ms run started
        0ms a attempt 1 started
        1m30s a prints: no connection
        1m30s a attempt 1 exit(1)
        1m30s a again in 10s
        1m40s a attempt 2 started
        1m40s a attempt 2 succeeded
        1m40s a succeeded
        1m40s ask attempt 1 started
        1m40s ask asks: Go? (until 2026-01-02T00:01:40.000Z)
        2m the daemon dies and starts again
        2m40s ask approved by user:approver
        2m40s ask attempt 1 succeeded
        2m40s ask succeeded
        2m40s run succeeded
    "#]]
    .assert_eq(&trace(&all[0].1));
}

#[test]
fn each_expectation_that_is_not_met_says_what_was_found_and_why() {
    fails(
        r#"
defaults: { timeout: 1m }
params: { level: { type: int, default: 3 } }
tasks:
  a: { run: a }
  b: { run: b, needs: a }
  c: { run: c, map: { over: [1, 2] }, outputs: { n: int }, rollback: undo }
tests:
  - name: all
    mock: { a: { exit: 4, duration: 5s }, c: { outputs: { n: 1 } }, "c:2": { outcome: timeout } }
    expect:
      run: succeeded
      tasks:
        a: { state: succeeded, outcome: exit(5), reason: memory, exit: 5, attempts: 2, started_at: 1m, ended_at: 5s1ms, within: 4s }
        b: succeeded
        c: { failed_items: 0, outputs: { n: [1, 2], m: 1 } }
        "c:3": succeeded
        "undo@c:1": rolled_back
      counts: { succeeded: 4, upstream_failed: 1 }
      order: [b, a]
      duration: 1h
      within: 1s
      expressions: [params.level > 4, tasks.a.outputs.x == 1, tasks.a.state]
"#,
        &expect![[r#"
            12: the run: expected succeeded, got failed
              because a failed: exit(4)
              because c:2 failed: timeout: the time for one attempt was over
            14: a: expected succeeded, got failed
              because it failed: exit(4)
            14: a, its outcome: expected exit(5), got exit(4)
              because it failed: exit(4)
            14: a, its reason: expected “memory” in it, got it failed: exit(4)
            14: a, its exit code: expected 5, got 4
              because it failed: exit(4)
            14: a, its attempts: expected 2, got 1
              because it failed: exit(4)
            14: a, its start: expected 1m, got 0ms
            14: a, its end: expected 5s (5001 ms), got 5s
            14: a, its duration: expected at most 4s, got 5s
            15: b: expected succeeded, got upstream_failed
              because it upstream_failed
              because a failed: exit(4)
            16: c, its failed items: expected 0, got 1: 2
            16: c, its output `n`: expected [1,2], got [1]
              because it failed: 1 of 2 items failed
              because c:2 failed: timeout: the time for one attempt was over
            16: c, its output `m`: expected 1, got nothing
              because it failed: 1 of 2 items failed
              because c:2 failed: timeout: the time for one attempt was over
            17: c:3: expected succeeded, got its items are 1, 2
            18: undo@c:1: expected rolled_back, got nothing of it was undone
            19: the number of tasks: expected 4 succeeded, got 1: c:1
            20: the order of b and a: expected b ended before a started, got b ended at 5s, a started at 0ms
            21: the run's duration: expected 1h, got 1m
            22: the run's duration: expected at most 1s, got 1m
            23: `params.level > 4`: expected true, got false
              because params.level is 3
            23: `tasks.a.outputs.x == 1`: expected true, got `tasks.a.outputs` has no `x`; it has nothing
            23: `tasks.a.state`: expected true, got it is "failed", and should be true or false
              because tasks.a.state is "failed"
        "#]],
    );
}

#[test]
fn a_test_that_cannot_go_on_says_what_is_missing() {
    fails(
        r#"
defaults: { timeout: 1m }
params: { day: { type: date } }
tasks:
  a: { run: a, map: { over: [1] }, outputs: { n: int, m: int } }
  judge: { check: { exec: [count, x], expect: value > 1 } }
  ask: { needs: judge, approval: { message: Go?, on_timeout: hold, timeout: 1h } }
  b: { run: b, needs: ask }
tests:
  - name: a parameter is missing
    expect: { run: succeeded }
  - name: outputs are missing
    params: { day: 2026-01-01 }
    expect: { run: succeeded }
  - name: a value is missing
    params: { day: 2026-01-01 }
    mock: { a: { outputs: { n: 1, m: 1 } } }
    expect: { run: succeeded }
  - name: nobody answers
    params: { day: 2026-01-01 }
    mock: { a: { outputs: { n: 1, m: 1 } }, judge: { value: 2 } }
    expect: { tasks: { ask: held } }
  - name: an act is refused
    params: { day: 2026-01-01 }
    mock: { a: { outputs: { n: 1, m: 1 } }, judge: { value: 2 } }
    acts: [{ at: 10m, skip: judge }]
    expect: { run: succeeded }
"#,
        &expect![[r#"
            10: the run was refused: parameter `day` of `flow` is required
              help: say it in the test's `params` or `interval`

            12: `a:1` promises `m`, `n`, and nothing says what that is
              help: add `mock: { a: { outputs: { m: …, n: … } } }`

            15: `judge` judges what `count` prints, and nothing says what that is
              help: add `mock: { judge: { value: … } }`

            19: the run does not end: nothing happens any more, and it waits
              help: answer it, or let something happen with `acts`; if it is meant to wait, expect its state with `run:`
              because ask: nobody has answered its approval in time; `runyard release` lets it go on

            26: `skip` at 10m was refused: `judge` has ended: succeeded
              help: `runyard mark` says that it has ended otherwise
        "#]],
    );
}

#[test]
fn a_run_that_goes_on_for_ever_is_left() {
    fails(
        r#"
defaults: { timeout: 1m }
tasks:
  a: { run: a, retry: { limit: 9000, delay: 30d, backoff: 1, max_delay: 30d, jitter: 0 } }
tests:
  - name: all
    mock: { a: { exit: 1 } }
    expect: { run: succeeded }
"#,
        &expect![[r#"
            6: the run does not end: it still goes on after 3630d
              help: let it end by `acts`, or limit its retries and timeouts
              because a: its last attempt ended exit(1); the next starts at 2036-01-09T00:00:00.000Z
        "#]],
    );
}

#[test]
fn the_tests_in_the_reference_pass() {
    let text = include_str!("../../../workflows/README.md");
    let tests = text.split("```yaml\n").nth(2).and_then(|it| it.split("```").next());
    let workflow = r#"
defaults: { timeout: 1h }
params: { regions: { type: list, default: [north] } }
tasks:
  wait_for_sales: { wait: { file: { path: sales.csv } } }
  load: { needs: wait_for_sales, run: load, retry: 1 }
  store_metrics: { needs: load, run: metrics, map: { over: params.regions, tolerate: 1 } }
  exceptions: { needs: store_metrics, when: tasks.store_metrics.failed_items > 0, run: report }
  quality: { needs: store_metrics, check: { exec: [count], expect: value == 0 } }
  publish_ok: { needs: quality, approval: Publish? }
  dashboards: { needs: publish_ok, run: draw }
"#;
    passes(&format!("{workflow}{}", tests.expect("the reference has tests")));
}

#[test]
fn an_act_comes_before_what_else_is_due_at_its_instant() {
    passes(
        r#"
defaults: { timeout: 1h }
tasks:
  a: { run: a }
  b: { needs: a, run: b }
tests:
  - name: skipped in time
    mock: { a: { duration: 10m } }
    acts: [{ at: 10m, skip: b }]
    expect: { run: succeeded, tasks: { b: skipped } }
"#,
    );
}
