//! Work that is undone: by a person, by the workflow, across the death of the daemon, and never twice.

use std::fs;

use e2e::{Site, wait};
use serde_json::json;

use crate::day::{DATE, RETAIL};
use crate::sales;

/// Each undo notes itself, so that twice would be seen; the one of `b` fails until `mended` is there, and waits for `go`.
const CHAIN: (&str, &str) = (
    "chain.yaml",
    r#"
concurrency: { max_runs: 9 }
tasks:
  a: { timeout: 1m, run: 'echo n=7 >> "$RUNYARD_OUTPUTS"', rollback: 'echo "a $RUNYARD_OUTPUT_N $RUNYARD_UNDO" >> undone' }
  b:
    needs: a
    timeout: 1m
    run: "true"
    rollback: { run: "while [ ! -e go ]; do sleep 0.02; done; [ -e mended ] && echo b >> undone" }
  c: { needs: b, timeout: 1m, run: "true" }
"#,
);

const AUTOMATIC: (&str, &str) = (
    "automatic.yaml",
    r#"
on_run_failure: roll_back
tasks:
  a: { timeout: 1m, run: "true", rollback: echo a >> undone }
  b: { needs: a, timeout: 1m, run: "false" }
finally:
  tell: { timeout: 1m, exec: [sh, -c, 'echo "$0" >> told', "{{ run.state }}"] }
"#,
);

fn undone(site: &Site) -> String {
    fs::read_to_string(site.workflows().join("undone")).unwrap_or_default()
}

fn touch(site: &Site, name: &str) {
    fs::write(site.workflows().join(name), "").expect("the folder is writable");
}

#[test]
fn the_retail_day_is_published_at_once_undone_and_published_again_after_another_approval() {
    let site = {
        let mut site = Site::examples();
        sales::deliver(&site, DATE);
        site.start_daemon();
        site
    };
    let out = site.workflows().join("data/dashboards");
    let run = site.run(&[RETAIL]);
    site.wait_for_task(&run, "publish_ok", "awaiting_approval");
    assert!(!out.join(DATE).exists(), "nothing is published before the approval");
    site.runyard(&["approve", &run, "publish_ok"]).expect(0);
    site.wait_for_end(&run);
    assert!(out.join(DATE).join("index.html").exists());
    let days = || fs::read_to_string(out.join("days.txt")).expect("the list of days is there");
    assert_eq!(days(), format!("{DATE}\n"));
    let plan = site.runyard(&["rollback", &run, "--plan", "--json"]).expect(0).json();
    assert_eq!(plan["undo"]["names"], json!(["announce", "publish"]));
    assert_eq!(plan["run"]["names"], json!(["cleanup"]));
    site.runyard(&["rollback", &run, "--json"]).expect_error(2, "usage");
    site.runyard(&["rollback", &run, "--yes", "--comment", "wrong prices"]).expect(0);
    let view = site.wait_for_end(&run);
    assert_eq!(view["state"], "rolled_back", "{view:#}");
    assert!(!out.join(DATE).exists() && days().is_empty());
    site.runyard(&["rollback", &run, "--yes", "--json"]).expect_error(6, "conflict");
    site.runyard(&["retry", &run]).expect(0);
    site.wait_for_task(&run, "publish_ok", "awaiting_approval");
    site.runyard(&["approve", &run, "publish_ok"]).expect(0);
    let view = site.wait_for_end(&run);
    assert_eq!(view["state"], "succeeded", "{view:#}");
    assert!(out.join(DATE).join("index.html").exists());
    assert_eq!(days(), format!("{DATE}\n"));
}

#[test]
fn a_rollback_goes_on_after_the_daemon_was_killed_and_one_failed_undo_is_retried_alone() {
    let mut site = Site::start(&[CHAIN]);
    let run = site.run(&["chain"]);
    site.wait_for_end(&run);
    site.runyard(&["rollback", &run, "--yes"]).expect(0);
    site.wait_for_event(&run, |it| it["task"] == "undo@b" && it["kind"] == "attempt_started");
    site.kill9();
    touch(&site, "go");
    site.start_daemon();
    let view = site.wait_for_end(&run);
    assert_eq!(view["state"], "rollback_failed", "{view:#}");
    assert_eq!(undone(&site), "", "what the failed undo was built on waits");
    let why = site.runyard(&["why", &run]).expect(0).stdout;
    assert!(why.contains("the undo of b failed") && why.contains("a is not undone"), "{why}");
    touch(&site, "mended");
    site.runyard(&["rollback", &run, "--retry", "b", "--yes"]).expect(0);
    let view = site.wait_for_end(&run);
    assert_eq!(view["state"], "rolled_back", "{view:#}");
    assert_eq!(undone(&site), "b\na 7 1\n", "each once, the newer first, with what it undoes");
    site.runyard(&["rollback", &run, "--retry", "b", "--yes", "--json"])
        .expect_error(6, "conflict");
    let log = site.runyard(&["logs", &run, "undo@a"]).expect(0);
    assert_eq!(log.stdout, "");
}

#[test]
fn a_run_that_fails_is_undone_before_its_finally_and_ends_by_another_exit_code() {
    let site = Site::start(&[AUTOMATIC]);
    site.runyard(&["run", "automatic", "--wait"]).expect(12);
    assert_eq!(undone(&site), "a\n");
    let told = fs::read_to_string(site.workflows().join("told")).expect("finally has run");
    assert_eq!(told, "rolled_back\n");
}

#[test]
fn a_running_run_is_stopped_and_then_undone() {
    let long = CHAIN.1.replace("run: \"true\" }\n", "run: sleep 60 }\n");
    let site = Site::start(&[("chain.yaml", &long)]);
    let run = site.run(&["chain"]);
    site.wait_for_task(&run, "c", "running");
    touch(&site, "go");
    touch(&site, "mended");
    site.runyard(&["rollback", &run, "--yes"]).expect(0);
    let view = site.wait_for_end(&run);
    assert_eq!(view["state"], "rolled_back", "{view:#}");
    assert_eq!(site.task(&run, "c")["state"], "cancelled");
    assert_eq!(undone(&site), "b\na 7 1\n");
}

#[test]
fn of_two_publications_of_one_place_the_older_can_be_undone_without_touching_the_newer() {
    let text = r#"
concurrency: { max_runs: 9 }
params: { text: { type: string } }
tasks:
  make: { timeout: 1m, run: 'echo "$RUNYARD_PARAM_TEXT" > "$RUNYARD_RUN_DIR/page"' }
  put: { needs: make, timeout: 1m, publish: { from: page, to: out/page, keep: 3 } }
"#;
    let site = Site::start(&[("pages.yaml", text)]);
    let page = || fs::read_to_string(site.workflows().join("out/page")).ok();
    let publish = |text: &str| {
        let run = site.run(&["pages", "--param", &format!("text={text}")]);
        site.wait_for_end(&run);
        run
    };
    let undo = |run: &str| {
        site.runyard(&["rollback", run, "--yes"]).expect(0);
        assert_eq!(site.wait_for_end(run)["state"], "rolled_back");
    };
    let (one, two, three) = (publish("one"), publish("two"), publish("three"));
    undo(&two);
    assert_eq!(page().as_deref(), Some("three\n"), "a newer one stays");
    let log = site.runyard(&["logs", &two, "undo@put"]).expect(0).stdout;
    assert!(log.contains(&three), "it says what has replaced it: {log}");
    undo(&three);
    assert_eq!(page().as_deref(), Some("one\n"), "what was withdrawn does not come back");
    undo(&one);
    assert_eq!(page(), None, "nothing was there before");
}

#[test]
fn a_pause_holds_back_across_a_restart_and_a_hold_a_skip_and_a_mark_do_what_they_say() {
    let text = r#"
tasks:
  a: { timeout: 1m, run: "while [ ! -e go ]; do sleep 0.02; done" }
  b: { needs: a, timeout: 1m, run: "false" }
  c: { needs: b, timeout: 1m, run: echo c >> done }
  d: { needs: a, timeout: 1m, run: echo d >> done }
  e: { needs: d, timeout: 1m, run: echo e >> done }
"#;
    let mut site = Site::start(&[("acts.yaml", text)]);
    let done = |site: &Site| fs::read_to_string(site.workflows().join("done")).unwrap_or_default();
    let run = site.run(&["acts"]);
    site.wait_for_task(&run, "a", "running");
    site.runyard(&["hold", &run, "e", "--comment", "look first"]).expect(0);
    site.runyard(&["pause", &run, "--comment", "lunch"]).expect(0);
    assert_eq!(site.show(&run)["state"], "pausing");
    touch(&site, "go");
    site.wait_for_task(&run, "a", "succeeded");
    site.kill9();
    site.start_daemon();
    assert_eq!(site.show(&run)["state"], "paused");
    assert_eq!(done(&site), "");
    let why = site.runyard(&["why", &run]).expect(0).stdout;
    assert!(why.contains("paused by") && why.contains("lunch"), "{why}");
    site.runyard(&["resume", &run]).expect(0);
    site.wait_for_task(&run, "d", "succeeded");
    site.wait_for_task(&run, "c", "upstream_failed");
    assert_eq!(site.task(&run, "e")["state"], "held");
    site.runyard(&["mark", &run, "b", "--success", "--comment", "by hand"]).expect(0);
    site.wait_for_task(&run, "c", "succeeded");
    site.runyard(&["skip", &run, "e"]).expect(0);
    let view = site.wait_for_end(&run);
    assert_eq!(view["state"], "succeeded", "{view:#}");
    assert_eq!(done(&site), "d\nc\n");
    site.runyard(&["release", &run, "e", "--json"]).expect_error(6, "conflict");
}

#[test]
fn a_requeued_hog_lets_the_others_go_first() {
    let text = r#"
tasks:
  hog: { timeout: 5m, resources: { slots: 2 }, run: '[ -e go ] || sleep 300' }
  small: { timeout: 1m, run: touch go }
"#;
    let mut site = Site::empty(&[("hogs.yaml", text)]);
    site.configure_small();
    site.start_daemon();
    let run = site.run(&["hogs"]);
    site.wait_for_task(&run, "hog", "running");
    let holders = site.runyard(&["queue", "--holders", "--json"]).expect(0).json();
    assert_eq!((&holders[0]["task"], &holders[0]["slots"]), (&json!("hog"), &json!(2)));
    site.runyard(&["requeue", &run, "hog"]).expect(0);
    let view = site.wait_for_end(&run);
    assert_eq!(view["state"], "succeeded", "{view:#}");
    let attempts = &site.task(&run, "hog")["attempts"];
    assert_eq!(attempts.as_array().map(Vec::len), Some(2), "{attempts:#}");
    wait::for_that("nobody holds anything", || {
        site.runyard(&["queue", "--holders", "--json"]).expect(0).json() == json!([])
    });
}
