//! `cargo bench -p e2e [-- [--quick] [--programs DIR] [MEASURE]…]`: how fast the programs are, beside a bare program that
//! starts the same processes. Both sides run in turn, in one sitting: only then do the ratios mean anything. `--programs`
//! measures what is already built, such as an earlier version.
//!
//! Leave five minutes between two sittings: each deletes its files at its end, and ext4 without a journal makes new ones
//! several times as slowly until then. A row that is faster than the bare program is marked `disturbed`.
//!
//! A run counts only if it ended with all of its tasks succeeded; otherwise its measure is INVALID and the exit code 1.

mod bare;
mod graph;
mod measures;
mod product;
mod sample;
mod table;

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use measures::{ALL, Bench, Measure};

/// What went well, or why it did not.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    /// How often each side runs.
    pub(crate) rounds: usize,
    /// How often a run is triggered.
    pub(crate) triggers: usize,
    /// How long an idle daemon is watched.
    pub(crate) idle: Duration,
}

const FULL: Plan = Plan { rounds: 5, triggers: 20, idle: Duration::from_secs(20) };
const QUICK: Plan = Plan { rounds: 2, triggers: 5, idle: Duration::from_secs(5) };

fn main() -> Outcome<ExitCode> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    if let [mode, path] = arguments.as_slice()
        && mode == "stamp"
    {
        measures::write_stamp(path)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Asked { plan, programs, measures } = asked(&arguments)?;
    let programs = match programs {
        Some(folder) => folder,
        None => build()?,
    };
    let folder =
        tempfile::Builder::new().prefix("speed-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut bench = Bench::start(plan, programs, folder.path().to_owned())?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}\n{}", machine(), table::head())?;
    let mut all_valid = true;
    for (name, measure) in measures {
        match measure(&mut bench) {
            Ok(rows) => rows.iter().try_for_each(|row| writeln!(out, "{row}"))?,
            Err(problem) => {
                all_valid = false;
                writeln!(out, "{name}: INVALID: {problem}")?;
            }
        }
        out.flush()?;
    }
    Ok(if all_valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the command line asks for.
struct Asked {
    plan: Plan,
    programs: Option<PathBuf>,
    measures: Vec<Measure>,
}

fn asked(arguments: &[String]) -> Outcome<Asked> {
    let mut asked = Asked { plan: FULL, programs: None, measures: Vec::new() };
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        match argument {
            "--quick" => asked.plan = QUICK,
            "--programs" => {
                let folder = arguments.next().ok_or("--programs takes a folder")?;
                asked.programs = Some(std::path::absolute(folder)?);
            }
            name => asked.measures.push(*ALL.iter().find(|it| it.0 == name).ok_or_else(|| {
                let all = ALL.map(|it| it.0).join(", ");
                format!("`{name}` is neither --quick, --programs DIR nor one of {all}")
            })?),
        }
    }
    if asked.measures.is_empty() {
        asked.measures = ALL.to_vec();
    }
    Ok(asked)
}

/// Builds the programs as they are delivered; gives their folder.
fn build() -> Outcome<PathBuf> {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .status()?;
    if !built.success() {
        return Err("the programs cannot be built".into());
    }
    let target =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("there is no target folder")?;
    Ok(target.join("release"))
}

/// What this is measured on.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (kernel, load) = (read("/proc/sys/kernel/osrelease"), read("/proc/loadavg"));
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    format!("{cores} cores, Linux {kernel}, load {load} at the start")
}
