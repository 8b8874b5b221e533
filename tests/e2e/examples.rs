//! Every file of `workflows/` is valid, and plays to its end.

use std::collections::BTreeSet;
use std::fs;

use e2e::{Site, programs, wait};

use crate::sales;

/// Each example, and the exit code of `run --wait`.
const ENDS: &[(&str, i32)] = &[
    ("approve", 0),
    ("fan-out", 11),
    ("hello", 0),
    ("regions", 0),
    ("retail-daily-sales", 0),
    ("retry", 0),
];

#[test]
fn every_example_is_valid() {
    let site = Site::examples();
    for (name, _) in ENDS {
        let file = site.workflows().join(format!("{name}.yaml"));
        let file = file.to_string_lossy();
        let output = site.try_runyard(&["validate", &file, "--json"]).expect(0);
        let document = output.json();
        assert_eq!(document["ok"], true, "{output:#?}");
        assert_eq!(document["diagnostics"].as_array().map(Vec::len), Some(0), "{output:#?}");
    }
}

#[test]
fn every_example_passes_its_own_tests() {
    let site = Site::examples();
    let folder = site.workflows();
    let output = site.try_runyard(&["test", &folder.to_string_lossy(), "--json"]).expect(0);
    let document = output.json();
    let files = document["files"].as_array().expect("a list of files");
    assert_eq!(files.len(), ENDS.len(), "{document:#}");
    for file in files {
        let tests = file["tests"].as_array().map_or(0, Vec::len);
        assert!(tests >= 2, "{} has {tests} tests", file["file"]);
    }
    let plain = site.try_runyard(&["test", &folder.to_string_lossy(), "--filter", "a person"]);
    let text = plain.expect(0).stdout;
    assert!(text.contains("ok a person releases the rows (virtual 10m)"), "{text}");
    assert!(!text.contains("it says hello"), "{text}");
}

#[test]
fn every_example_has_an_end_that_is_tested() {
    let folder = fs::read_dir(programs::repository().join("workflows")).expect("it is there");
    let names = folder.flatten().map(|it| it.file_name().to_string_lossy().into_owned());
    let stems: BTreeSet<String> =
        names.filter_map(|it| it.strip_suffix(".yaml").map(str::to_owned)).collect();
    let tested: BTreeSet<String> = ENDS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(stems, tested, "say in examples.rs how each example ends");
}

#[test]
fn every_example_plays_to_its_end() {
    let mut site = Site::examples();
    site.start_daemon();
    sales::deliver(&site, "2017-12-22");
    let start = |(name, code): &(&'static str, i32)| {
        (*name, *code, site.in_background(&["run", name, "--wait", "--json"]))
    };
    let runs: Vec<_> = ENDS.iter().map(start).collect();
    for approval in ["approve", "retail-daily-sales"] {
        wait::for_that("it asks", || {
            let approvals = site.runyard(&["approvals", "--json"]).expect(0).json();
            let list = approvals.as_array().expect("a list");
            list.iter().any(|it| it["label"] == format!("{approval}#1"))
        });
        let task = if approval == "approve" { "release_ok" } else { "publish_ok" };
        site.runyard(&["approve", &format!("{approval}#1"), task]).expect(0);
    }
    for (name, code, run) in runs {
        let output = run.join();
        assert_eq!(output.code, code, "{name}: {output:#?}");
    }
    let flaky = site.task("retry#1", "flaky");
    assert_eq!(flaky["attempts"].as_array().map(Vec::len), Some(3), "{flaky:#}");
    for attempt in 1..=3 {
        let number = attempt.to_string();
        let log = site.runyard(&["logs", "retry#1", "flaky", "--attempt", &number]).expect(0);
        assert!(log.stdout.contains(&format!("attempt {attempt}")), "{log:#?}");
    }
    let load = site.task("fan-out#1", "load");
    assert_eq!(load["failed_items"], 1, "{load:#}");
    assert_eq!(site.task_log("fan-out#1", "summary"), "1 of 4 shards failed\n");
    // north and south: 5 to 10 without 7; east and west: 4 to 10 without 7.
    assert_eq!(site.task_log("regions#1", "total"), "22 rows of all regions\n");
    assert_eq!(site.task_log("regions#1", "regions/load:east"), "east: 6 of 7 lines\n");
    assert_eq!(site.task_log("approve#1", "release"), "released 42 rows\n");
}
