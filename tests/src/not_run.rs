//! What could not be tested here is said, never passed over: a test that needs root or a tool and has none records it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::programs;

/// The file that lists what was not run, a line each: `NAME: needs WHAT`. The script that runs the tests prints it at its
/// end, and removes it before it starts.
pub fn list() -> PathBuf {
    programs::folder().join("not-run.txt")
}

/// Whether this runs as root; if not, records that the named test was not run.
pub fn needs_root(test: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        record(test, "root");
    }
    is_root
}

/// Whether a program is there; if not, records that the named test was not run.
pub fn needs_tool(test: &str, tool: &str) -> bool {
    let is_there = programs::is_installed(tool);
    if !is_there {
        record(test, tool);
    }
    is_there
}

fn record(test: &str, what: &str) {
    let line = format!("{test}: needs {what}\n");
    // Past the capture of passing tests' output.
    io::stderr().write_all(format!("not run: {line}").as_bytes()).ok();
    let file = OpenOptions::new().create(true).append(true).open(list());
    let written = file.and_then(|mut it| it.write_all(line.as_bytes()));
    written.unwrap_or_else(|it| panic!("not run, and it cannot be recorded: {line}: {it}"));
}
