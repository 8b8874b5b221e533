//! What has been: runs replayed, the audit trail, what a person was refused, and the chain that vouches for it.

use std::fs;

use e2e::Site;
use serde_json::{Value, json};

const CHAIN: (&str, &str) = (
    "chain.yaml",
    "tasks:\n  a: { timeout: 1m, run: 'true', rollback: 'true' }\n  b: { needs: a, timeout: 1m, run: 'true' }\n  ask: { needs: b, approval: \"go?\" }\n",
);

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|it| serde_json::from_str(it).expect("each line is JSON")).collect()
}

#[test]
fn a_run_is_replayed_before_and_after_its_end_and_every_act_is_in_the_audit_trail() {
    let mut site = Site::start(&[CHAIN]);
    let run = site.run(&["chain"]);
    site.wait_for_task(&run, "ask", "awaiting_approval");
    let steps = lines(&site.runyard(&["replay", &run, "--json"]).expect(0).stdout);
    let first = &steps[0];
    assert_eq!((&first["kind"], &first["state"]), (&json!("run_created"), &json!("queued")));
    let asked = steps.last().expect("it was made");
    assert_eq!(asked["counts"], json!({ "succeeded": 2, "awaiting_approval": 1 }));
    let live = site.show(&run);
    let at = asked["seq"].to_string();
    let then = site.runyard(&["replay", &run, "--at", &at, "--json"]).expect(0).json();
    assert_eq!(then["tasks"], live["tasks"]);
    assert_eq!((&then["seq"], &then["at"]), (&asked["seq"], &asked["at"]));
    site.runyard(&["approve", &run, "ask", "--comment", "fine"]).expect(0);
    site.wait_for_end(&run);
    // The same of the run that has ended, whose events are in its archive; and after another life of the daemon.
    let archived = site.runyard(&["replay", &run, "--at", &at, "--json"]).expect(0).json();
    assert_eq!(archived, then);
    site.runyard(&["replay", &run, "--at", "1", "--json"]).expect_error(6, "conflict");
    let over = site.runyard(&["replay", &run, "--at", "+1h"]).expect(0).stdout;
    assert!(over.contains("the run had ended by then"), "{over}");

    site.runyard(&["cancel", &run]).expect(6);
    site.runyard(&["rollback", &run, "--yes", "--comment", "wrong day"]).expect(0);
    site.wait_for_end(&run);
    site.kill9();
    site.start_daemon();
    let rows = lines(&site.runyard(&["audit", "--json"]).expect(0).stdout);
    let kinds: Vec<&str> = rows.iter().filter_map(|it| it["kind"].as_str()).collect();
    for kind in ["run_created", "approval_decided", "request_refused", "rollback_asked"] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
    let asked = rows.iter().find(|it| it["kind"] == "rollback_asked").expect("it was asked for");
    assert_eq!((&asked["comment"], &asked["label"]), (&json!("wrong day"), &json!("chain#1")));
    assert!(asked["uid"].is_u64());
    let of_nobody = site.runyard(&["audit", "--actor", "user:nobody-here", "--json"]).expect(0);
    assert_eq!(of_nobody.stdout, "");
    let of_run = lines(
        &site.runyard(&["audit", "--run", &run, "--workflow", "chain", "--json"]).expect(0).stdout,
    );
    assert!(!of_run.is_empty() && of_run.len() <= rows.len());
}

#[test]
fn a_journal_that_was_changed_does_not_verify() {
    let site = Site::start(&[CHAIN]);
    let run = site.run(&["chain"]);
    site.wait_for_task(&run, "ask", "awaiting_approval");
    let good = site.runyard(&["audit", "--verify", "--json"]).expect(0).json();
    assert_eq!((&good["ok"], &good["first"]), (&json!(true), &json!(1)));
    assert_eq!(good["chain"].as_str().map(str::len), Some(64));
    let journal = site.state().join("journal");
    let segment = fs::read_dir(journal).expect("it is there").next().expect("one segment");
    let path = segment.expect("it can be looked at").path();
    let mut bytes = fs::read(&path).expect("it can be read");
    let at = bytes.windows(11).position(|it| it == b"run_created").expect("it is in clear");
    bytes[at] = b'R';
    fs::write(&path, &bytes).expect("it can be written");
    let bad = site.runyard(&["audit", "--verify", "--json"]).expect(1).json();
    assert_eq!(bad["ok"], json!(false));
    assert!(bad["problem"].as_str().is_some_and(|it| it.contains("damaged")), "{bad}");
}
