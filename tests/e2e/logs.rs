//! What tasks have printed and what has happened, as it comes and afterwards.

use e2e::{Site, wait};

/// Prints `go on` until the file `stop` is there.
const TALK: &str = r#"
tasks:
  talk:
    timeout: 2m
    run: |
      echo first
      until [[ -e stop ]]; do echo "go on"; sleep 0.05; done
      echo last
  then: { needs: talk, timeout: 1m, run: echo then }
"#;

#[test]
fn a_log_is_followed_to_its_end() {
    let site = Site::start(&[("talk.yaml", TALK)]);
    let run = site.run(&["talk"]);
    site.wait_for_task(&run, "talk", "running");
    let follower = site.in_background(&["logs", &run, "talk", "-f"]);
    follower.wait_for("go on");
    let documents = site.in_background(&["logs", &run, "talk", "-f", "--json"]);
    documents.wait_for("go on");
    site.write("stop", "");
    let followed = follower.join().expect(0).stdout;
    assert!(followed.starts_with("first\n") && followed.ends_with("last\n"), "{followed}");
    assert_eq!(followed, site.task_log(&run, "talk"));
    let lines = documents.join().expect(0).json_lines();
    let text: String = lines.iter().filter_map(|it| it["text"].as_str()).collect();
    assert_eq!(text, followed);
    site.wait_for_end(&run);
    let tail = site.runyard(&["logs", &run, "talk", "--tail", "1"]).expect(0).stdout;
    assert_eq!(tail, "last\n");
    let all = site.runyard(&["logs", &run]).expect(0).stdout;
    assert!(all.contains("==> talk <==") && all.contains("==> then <=="), "{all}");
}

#[test]
fn a_follower_sees_each_attempt() {
    let text = r#"
tasks:
  flaky:
    timeout: 1m
    retry: { limit: 2, delay: 300ms, backoff: 1, jitter: 0 }
    run: 'echo "attempt $RUNYARD_ATTEMPT"; (( RUNYARD_ATTEMPT == 3 ))'
"#;
    let site = Site::start(&[("flaky.yaml", text)]);
    let run = site.run(&["flaky"]);
    let followed = site.in_background(&["logs", &run, "flaky", "-f"]).join().expect(0).stdout;
    assert!(followed.ends_with("attempt 3\n"), "{followed}");
    site.wait_for_end(&run);
    let second = site.runyard(&["logs", &run, "flaky", "--attempt", "2"]).expect(0).stdout;
    assert_eq!(second, "attempt 2\n");
}

#[test]
fn events_are_followed_to_the_end_of_the_run() {
    let site = Site::start(&[("talk.yaml", TALK)]);
    let run = site.run(&["talk"]);
    let follower = site.in_background(&["events", &run, "--follow", "--json"]);
    follower.wait_for("attempt_started");
    site.write("stop", "");
    let followed = follower.join().expect(0).json_lines();
    assert_eq!(followed.last().map(|it| it["kind"].clone()), Some("run_ended".into()));
    let afterwards = site.runyard(&["events", &run, "--json"]).expect(0).json_lines();
    assert_eq!(followed, afterwards, "each once, in order");
}

#[test]
fn bytes_are_given_as_they_are_where_no_terminal_reads_them() {
    let text = r#"
tasks:
  bytes: { timeout: 1m, run: 'for i in $(seq 0 255); do printf "\\x$(printf %02x "$i")"; done' }
"#;
    let site = Site::start(&[("bytes.yaml", text)]);
    site.runyard(&["run", "bytes", "--wait"]).expect(0);
    let bytes = site.runyard(&["logs", "1", "bytes"]).expect(0).bytes;
    assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
}

#[test]
fn a_reader_that_goes_away_is_no_trouble() {
    let site = Site::start(&[("talk.yaml", TALK)]);
    let run = site.run(&["talk"]);
    site.wait_for_task(&run, "talk", "running");
    let follower = site.in_background(&["logs", &run, "talk", "-f"]);
    follower.wait_for("first");
    drop(follower);
    wait::for_that("the daemon answers others", || site.runyard(&["status"]).code == 0);
    site.write("stop", "");
    assert_eq!(site.wait_for_end(&run)["state"], "succeeded");
}
