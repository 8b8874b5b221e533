//! `test`: what is printed of tests that pass, fail, or cannot be played.

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use serde_json::Value;

use super::commands::command_at;

const GOOD: &str = r#"defaults: { timeout: 1m, retry: { limit: 1, delay: 30m, max_delay: 30m, jitter: 0 } }
tasks:
  load: { run: load, outputs: { rows: int } }
  report: { needs: load, run: report }
tests:
  - name: the second attempt succeeds
    mock: { load: [{ exit: 75 }, { outputs: { rows: 3 } }] }
    expect: { run: succeeded }
  - name: a broken report is a success
    mock: { load: { outputs: { rows: 3 } }, report: { exit: 2, log: no paper } }
    expect:
      run: succeeded
      tasks: { report: { attempts: 1 } }
  - name: no rows are given
    expect: { run: succeeded }
"#;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a fresh folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("the folder is writable");
    }
    folder
}

fn told(path: &Path, more: &str) -> (u8, String) {
    let line = format!("test {}{more}", path.display());
    let (result, bytes) = command_at(PathBuf::from("/nowhere"), &line);
    let text = String::from_utf8(bytes).expect("it writes text");
    (result.unwrap_or_else(|it| it.exit_code()), text)
}

fn shows(files: &[(&str, &str)], more: &str, code: u8, expected: &Expect) {
    let folder = folder(files);
    let (got, text) = told(folder.path(), more);
    expected.assert_eq(&text.replace(&format!("{}/", folder.path().display()), ""));
    assert_eq!(got, code);
}

#[test]
fn a_test_that_fails_says_what_was_expected_and_why_it_came_otherwise() {
    shows(
        &[("day.yaml", GOOD)],
        "",
        1,
        &expect![[r#"
        day.yaml
          ok the second attempt succeeds (virtual 30m)
          FAILED a broken report is a success (virtual 30m)
            day.yaml:12: the run
              expected  succeeded
              got       failed
              because   report failed: exit(2), after 2 attempts
            day.yaml:13: report, its attempts
              expected  1
              got       2
              because   it failed: exit(2), after 2 attempts
            what happened:
               0s  run day#1 created by user:test
               0s  run started
               0s  load attempt 1 started
               0s  load attempt 1 succeeded
               0s  load succeeded
               0s  report attempt 1 started
               0s  report prints: no paper
               0s  report attempt 1 exit(2)
               0s  report again in 30m
              30m  report attempt 2 started
              30m  report prints: no paper
              30m  report attempt 2 exit(2)
              30m  report failed (exit(2))
              30m  run failed
          FAILED no rows are given (virtual 0s)
            day.yaml:14: `load` promises `rows`, and nothing says what that is
              help: add `mock: { load: { outputs: { rows: … } } }`
        2 tests failed, 1 passed
    "#]],
    );
}

#[test]
fn a_filter_leaves_the_others_out() {
    shows(
        &[("day.yaml", GOOD)],
        " --filter second",
        0,
        &expect![[r#"
        day.yaml
          ok the second attempt succeeds (virtual 30m)
        1 test passed, 2 without “second” left out
    "#]],
    );
}

#[test]
fn a_file_without_tests_says_so() {
    let plain = "tasks: { a: { run: x, timeout: 1m } }\n";
    shows(
        &[("plain.yaml", plain)],
        "",
        0,
        &expect![[r#"
        plain.yaml: it has no tests
        no tests were played
    "#]],
    );
}

#[test]
fn a_file_that_is_not_valid_is_told_as_by_validate_and_the_others_are_played() {
    let broken = "tasks: { a: { run: x, timeout: 1m } }\ntests: [{ name: x, expect: { tasks: { b: failed } } }]\n";
    shows(
        &[("a.yaml", broken), ("day.yaml", GOOD)],
        " --filter second",
        2,
        &expect![[r#"
        a.yaml:2:39: error[unknown_task]: there is no task `b`
        2 | tests: [{ name: x, expect: { tasks: { b: failed } } }]
          |                                       ^
        help: add a task named `b`

        day.yaml
          ok the second attempt succeeds (virtual 30m)
        1 test passed, 2 without “second” left out, 1 file not valid
    "#]],
    );
}

#[test]
fn programs_get_one_document() {
    let folder = folder(&[("day.yaml", GOOD)]);
    let (code, text) = told(folder.path(), " --json");
    let document: Value = serde_json::from_str(&text).expect("one document");
    assert_eq!(code, 1);
    assert_eq!(
        (&document["ok"], &document["passed"], &document["failed"]),
        (&false.into(), &1.into(), &2.into())
    );
    let tests = &document["files"][0]["tests"];
    assert_eq!(tests[0]["virtual_seconds"], 1_800.0);
    assert_eq!(tests[1]["failures"][0]["got"], "failed");
    assert_eq!(tests[1]["failures"][0]["line"], 12);
    assert!(tests[1]["trace"].as_array().is_some_and(|it| it.len() > 5), "{tests:#}");
    assert!(tests[2]["failures"][0]["problem"].as_str().is_some_and(|it| it.contains("`rows`")));
}
