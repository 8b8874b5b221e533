//! Who may depend on whom, and on what from outside; and what is at the top of the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use e2e::{Output, programs};
use serde_json::Value;

/// Each of our crates, and which others it may use; in tests it may use `PURE` too.
const INNER: &[(&str, &[&str])] = &[
    ("shared", &[]),
    ("definition", &["shared"]),
    ("engine", &["shared"]),
    ("sim", &["shared", "engine"]),
    ("runner", &[]),
    ("daemon", &["shared", "definition", "engine", "sim", "runner"]),
    ("console", &["shared"]),
    ("tui", &["shared", "definition", "engine", "sim", "console"]),
    ("e2e", &["shared", "definition", "engine", "sim"]),
];

/// Values in, values out: no clock, no files, nothing asynchronous.
const PURE: &[&str] = &["shared", "definition", "engine", "sim", "console"];

/// What a pure crate uses only behind the feature `rpc` of `shared`, or never.
const IMPURE: &[&str] = &[
    "tokio",
    "tokio-util",
    "tokio-serde",
    "tarpc",
    "futures",
    "sled",
    "crossterm",
    "rustix",
    "libc",
];

/// Every direct dependency on something from outside, and why.
const OUTSIDE: &[(&str, &str, &str)] = &[
    ("shared", "bytes", "the frames of the service"),
    ("shared", "futures", "the streams of the service"),
    ("shared", "jiff", "instants, civil dates and zones"),
    ("shared", "minijinja", "evaluates expressions, with fuel"),
    ("shared", "rmp-serde", "the compact form of the service's messages"),
    ("shared", "serde", "forms of what is kept and sent"),
    ("shared", "serde_json", "values of parameters and outputs"),
    ("shared", "strsim", "the nearest name in a message"),
    ("shared", "tarpc", "the service between the two programs"),
    ("shared", "thiserror", "errors with fields"),
    ("shared", "tokio", "the connection under the service"),
    ("shared", "tokio-serde", "messages on that connection"),
    ("shared", "tokio-util", "frames on that connection"),
    ("definition", "expect-test", "tests: exact messages"),
    ("definition", "granit-parser", "YAML events with line and column"),
    ("definition", "petgraph", "finds cycles"),
    ("definition", "proptest", "tests: any text is answered, never a panic"),
    ("definition", "serde_json", "values of defaults, and the JSON Schema"),
    ("definition", "sha2", "the version of a workflow is a hash"),
    ("definition", "thiserror", "errors with fields"),
    ("engine", "expect-test", "tests: written traces of stories"),
    ("engine", "serde", "events are records"),
    ("engine", "serde_json", "values of parameters and outputs"),
    ("sim", "expect-test", "tests: written results"),
    ("sim", "rmp-serde", "plays events through their form on disk"),
    ("sim", "serde_json", "values of parameters and outputs"),
    ("sim", "thiserror", "errors with fields"),
    ("console", "expect-test", "tests: pictures of screens"),
    ("console", "petgraph", "what needs what, to be drawn"),
    ("console", "proptest", "tests: any input, any graph"),
    ("console", "ratatui", "cells, and their styles"),
    ("console", "serde_json", "values of outputs and parameters"),
    ("console", "unicode-width", "how many cells a character takes"),
    ("runner", "libc", "clone, subreaper and signals that rustix has not"),
    ("runner", "rustix", "system calls"),
    ("runner", "tempfile", "tests: fresh folders"),
    ("daemon", "clap", "the command line"),
    ("daemon", "crc32c", "a checksum on each record"),
    ("daemon", "flate2", "archives of ended runs"),
    ("daemon", "futures", "serves connections"),
    ("daemon", "jiff", "the clock"),
    ("daemon", "libc", "tells the allocator to stay small"),
    ("daemon", "regex", "finds lines in logs"),
    ("daemon", "rmp-serde", "the form of records"),
    ("daemon", "rustix", "locks, peers and other system calls"),
    ("daemon", "serde", "forms of what is kept"),
    ("daemon", "serde_json", "values in records and outputs"),
    ("daemon", "sha2", "names of blobs, and the chain of records"),
    ("daemon", "sled", "the index of ended runs"),
    ("daemon", "tarpc", "the service, in `rpc` only"),
    ("daemon", "tempfile", "tests: fresh folders"),
    ("daemon", "thiserror", "errors with fields"),
    ("daemon", "tokio", "connections, signals and timers"),
    ("daemon", "toml", "reads runyard.toml"),
    ("daemon", "tracing", "the daemon's own log"),
    ("daemon", "tracing-appender", "a log file a day"),
    ("daemon", "tracing-subscriber", "the log's form"),
    ("tui", "clap", "the command line"),
    ("tui", "clap_complete", "completions of shells"),
    ("tui", "crossterm", "keys, and the modes of the terminal"),
    ("tui", "expect-test", "tests: what is printed"),
    ("tui", "futures", "tests: a daemon that follows a script"),
    ("tui", "jiff", "times in the user's zone"),
    ("tui", "ratatui", "what has changed between two frames"),
    ("tui", "rustix", "terminals, sessions and signals"),
    ("tui", "serde", "what `--json` prints"),
    ("tui", "serde_json", "what `--json` prints"),
    ("tui", "tarpc", "the service, in `client` only"),
    ("tui", "tempfile", "the demo's folder"),
    ("tui", "thiserror", "errors with fields"),
    ("tui", "tokio", "the connection under the service"),
    ("e2e", "portable-pty", "a terminal for the console"),
    ("e2e", "rustix", "signals and users"),
    ("e2e", "serde_json", "reads what `--json` prints"),
    ("e2e", "tempfile", "fresh folders"),
    ("e2e", "vt100", "reads what the console draws"),
];

/// Everything that is to be seen at the top of the repository.
const TOP: &[&str] =
    &["Cargo.lock", "Cargo.toml", "README.md", "daemon", "shared", "tests", "tui", "workflows"];

struct Dependency {
    of: String,
    on: String,
    is_ours: bool,
    is_for_tests: bool,
    is_optional: bool,
}

#[test]
fn crates_of_ours_know_only_those_below_them() {
    let allowed: BTreeMap<_, _> = INNER.iter().copied().collect();
    for it in dependencies().iter().filter(|it| it.is_ours) {
        let Some(may) = allowed.get(it.of.as_str()) else {
            panic!("the crate `{}` is new: say in layering.rs what it may use", it.of)
        };
        let in_tests = it.is_for_tests && PURE.contains(&it.on.as_str()) && it.of != "runner";
        let fine = may.contains(&it.on.as_str()) || in_tests;
        assert!(fine, "{} may not depend on {}", it.of, it.on);
    }
}

#[test]
fn pure_crates_know_nothing_of_the_outside() {
    for it in dependencies().iter().filter(|it| PURE.contains(&it.of.as_str())) {
        let is_service = it.of == "shared" && it.is_optional;
        let fine = !IMPURE.contains(&it.on.as_str()) || is_service;
        assert!(fine, "{} is pure, and may not depend on {}", it.of, it.on);
    }
    let banned = [
        ("tui", "sled"),
        ("daemon", "ratatui"),
        ("daemon", "crossterm"),
        ("engine", "ratatui"),
        ("shared", "ratatui"),
    ];
    for it in dependencies() {
        let pair = (it.of.as_str(), it.on.as_str());
        assert!(!banned.contains(&pair), "{} may not depend on {}", it.of, it.on);
    }
}

#[test]
fn every_dependency_on_the_outside_has_a_reason() {
    let outside = dependencies().into_iter().filter(|it| !it.is_ours);
    let there: BTreeSet<_> = outside.map(|it| (it.of, it.on)).collect();
    let listed = OUTSIDE.iter().map(|(of, on, _)| ((*of).to_owned(), (*on).to_owned()));
    let listed: BTreeSet<_> = listed.collect();
    let new = there.difference(&listed).map(|(of, on)| {
        format!("{of} depends on {on}, which layering.rs does not list: add it with its reason")
    });
    let gone = listed.difference(&there).map(|(of, on)| {
        format!("layering.rs lists {on} for {of}, which does not depend on it: take it out")
    });
    let wrong: Vec<String> = new.chain(gone).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_top_of_the_repository_is_what_was_agreed() {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z"]).current_dir(programs::repository());
    let files = Output::of(&mut git).expect(0).stdout;
    let top = |file: &str| file.split('/').next().unwrap_or_default().to_owned();
    let seen: BTreeSet<String> = files.split('\0').filter(|it| !it.is_empty()).map(top).collect();
    let visible: Vec<&str> =
        seen.iter().map(String::as_str).filter(|it| !it.starts_with('.')).collect();
    assert_eq!(visible, TOP, "the top of the repository");
}

fn dependencies() -> Vec<Dependency> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--offline", "--locked", "--no-deps", "--format-version", "1"]);
    cargo.current_dir(programs::repository());
    let metadata = Output::of(&mut cargo).expect(0).json();
    let packages = metadata["packages"].as_array().expect("there are packages");
    packages.iter().flat_map(of_package).collect()
}

fn of_package(package: &Value) -> Vec<Dependency> {
    let text = |value: &Value| value.as_str().expect("a name is a text").to_owned();
    let of = text(&package["name"]);
    let list = package["dependencies"].as_array().expect("there are dependencies");
    let read = |it: &Value| Dependency {
        of: of.clone(),
        on: text(&it["name"]),
        is_ours: it["path"].is_string(),
        is_for_tests: it["kind"] == "dev",
        is_optional: it["optional"] == true,
    };
    list.iter().map(read).collect()
}
