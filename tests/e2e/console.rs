//! The console: every act by key in a real terminal, and looked up in the world afterwards.

mod acts;
mod crash;
mod desk;
mod hostile;
mod link;
mod look;
mod tasks;
mod terminal;

use desk::Desk;

/// Waits for the file `go`, and has something to do afterwards.
const GATE: (&str, &str) = (
    "gate.yaml",
    r#"
concurrency: { max_runs: 9 }
tasks:
  first: { timeout: 5m, run: "until [[ -e go ]]; do sleep 0.05; done" }
  second: { needs: first, timeout: 1m, run: "echo second >> done.txt" }
"#,
);

/// Succeeds once the file `data` is there.
const NEEDY: (&str, &str) = (
    "needy.yaml",
    r#"
tasks:
  before: { timeout: 1m, run: "echo before >> before.txt" }
  load: { needs: before, timeout: 1m, run: "[[ -e data ]]" }
  after: { needs: load, timeout: 1m, run: echo after }
"#,
);

const ASK: (&str, &str) = (
    "ask.yaml",
    r#"
concurrency: { max_runs: 9 }
tasks:
  ask: { approval: { message: "go on?", timeout: 1h } }
  go: { needs: ask, timeout: 1m, run: echo gone }
"#,
);

/// Makes a file, fails, and takes the file away when it is rolled back.
const UNDO: (&str, &str) = (
    "undo.yaml",
    r#"
tasks:
  make: { timeout: 1m, run: "touch made", rollback: "rm made; echo undone >> undone.txt" }
  stay: { needs: make, timeout: 1m, run: "false" }
"#,
);
