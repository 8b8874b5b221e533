//! What a person can type.

mod act;
mod past;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use act::{
    Cancel, Comment, DrainBy, Edit, MapWidth, Mark, OnTask, PAUSE, Pause, PauseSpan, PoolCommand,
    Release, ResourceCommand, Resume, Retry, Rollback, Size, WorkflowCommand,
};

pub(crate) use past::{Audit, Replay};

/// How a run can be named.
const RUN: &str = "An id or the start of one, WORKFLOW#NUMBER, NUMBER, or @latest:WORKFLOW";

/// How a task run is written.
const TASK: &str = "TASK[:ITEM]";
/// How the undo of one is named.
const UNDO: &str = "The task or item; undo@TASK for its undo";

/// Workflow orchestration from the terminal.
#[derive(Parser, Debug)]
#[command(name = "runyard", version, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags of every command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// The daemon's socket (also: RUNYARD_SOCKET)
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
    /// Print JSON: one document, or a line each where it streams
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "WHEN", value_enum, default_value_t = ColorWhen::Auto)]
    pub(crate) color: ColorWhen,
    /// Print results only
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub(crate) quiet: bool,
    /// Draw with ASCII only
    #[arg(long, global = true, help_heading = "Console")]
    pub(crate) ascii: bool,
    /// Draw seldom, for a slow link to the terminal
    #[arg(long, global = true, help_heading = "Console")]
    pub(crate) slow: bool,
    /// Look only; acts must be unlocked
    #[arg(long, global = true, help_heading = "Console")]
    pub(crate) read_only: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the retail example on a private daemon
    Demo(Demo),
    /// Check workflow files; needs no daemon
    Validate {
        /// Files, or folders that hold some
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Play the tests of workflow files in virtual time; needs no daemon, starts nothing
    Test {
        /// Files, or folders that hold some
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Only tests in whose name this stands
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
    },
    /// Draw what needs what, of a file, a workflow or a run
    Graph {
        #[arg(value_name = "FILE|WORKFLOW|RUN")]
        of: String,
        #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
        format: GraphFormat,
    },
    /// List the workflows
    Workflows,
    /// Show, pause or resume a workflow
    Workflow {
        #[command(subcommand)]
        command: WorkflowCommand,
    },
    /// Read the workflow files again
    Reload,
    /// Make a run of a workflow
    Run(Run),
    /// List runs, newest first
    Runs(Runs),
    /// Show a run, one of its tasks, or a task's items (TASK:*)
    Show {
        #[arg(help = RUN)]
        run: String,
        #[arg(value_name = TASK, help = UNDO)]
        task: Option<String>,
    },
    /// Print what has happened in a run
    Events {
        #[arg(help = RUN)]
        run: String,
        /// Go on until the run is over
        #[arg(long, short)]
        follow: bool,
    },
    /// Show a run as it was, at an instant or event by event
    Replay(Replay),
    /// Say who did what
    Audit(Audit),
    /// Print what tasks have printed
    Logs(Logs),
    /// Say why a run or a task does not go on, or ended so
    Why {
        #[arg(help = RUN)]
        run: String,
        #[arg(value_name = TASK, help = UNDO)]
        task: Option<String>,
    },
    /// Stop a run
    Cancel(Cancel),
    /// Run parts of a run again; what failed, unless told otherwise
    Retry(Retry),
    /// Undo what a run has done, newest first; shows what, and asks
    Rollback(Rollback),
    /// Start nothing more of a run, or of anything; what runs goes on
    Pause(Pause),
    /// Let a run, or everything, go on that is paused
    Resume(Resume),
    /// Stop a task before it starts, until it is released
    Hold(OnTask),
    /// Let a task go on that is held, or a run start that waits for the one before it
    Release(Release),
    /// Pass a task over that has not started
    Skip(OnTask),
    /// Say how a task has ended, against what is known of it
    Mark(Mark),
    /// Stop a task, free what it holds, and have it wait in the queue again
    Requeue(OnTask),
    /// Give parameters of a run other values; its next attempts see them
    Edit(Edit),
    /// Change how many items of a mapped task may run at once
    MapWidth(MapWidth),
    /// Give a run another priority
    Priority {
        #[arg(help = RUN)]
        run: String,
        /// critical, high, normal, low, or a number up to 1000; larger goes first
        priority: String,
        #[command(flatten)]
        comment: Comment,
    },
    /// List the approvals that wait for a person
    Approvals,
    /// Let a run go on that asks
    Approve {
        #[arg(help = RUN)]
        run: String,
        task: String,
        #[command(flatten)]
        comment: Comment,
    },
    /// Do not let a run go on that asks
    Reject {
        #[arg(help = RUN)]
        run: String,
        task: String,
        /// Why not
        #[arg(long)]
        comment: String,
    },
    /// List what waits for capacity, in its order, and what holds it
    Queue {
        /// Of this pool only
        #[arg(long)]
        pool: Option<String>,
        /// Only what holds it, oldest first
        #[arg(long)]
        holders: bool,
    },
    /// List the pools
    Pools,
    /// List the resources
    Resources,
    /// Change how much there is of a resource
    Resource {
        #[command(subcommand)]
        command: ResourceCommand,
    },
    /// Start nothing more anywhere until `resume --all`, and say what will have ended by then
    Drain(DrainBy),
    /// Give a run another deadline
    Deadline {
        #[arg(help = RUN)]
        run: String,
        /// An instant, how long from now (2h), or never
        #[arg(long, value_name = "TIME")]
        by: String,
        #[command(flatten)]
        comment: Comment,
    },
    /// Pause, resume, drain or resize a pool
    Pool {
        #[command(subcommand)]
        command: PoolCommand,
    },
    /// Say how the daemon is, and what there is to do
    Status,
    /// Start a daemon in the background, unless one runs
    Up,
    /// Print the JSON Schema of workflow files
    Schema,
    /// Print what completes commands in a shell
    Completions { shell: Shell },
}

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Print progress and a summary
    #[arg(long)]
    pub(crate) headless: bool,
    /// Keep the folder with everything in it
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    pub(crate) workflow: String,
    /// A parameter; may be given again for others
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// Parameters from a file that holds a JSON object
    #[arg(long, value_name = "FILE")]
    pub(crate) params_file: Option<PathBuf>,
    /// The span of data that the run stands for, its end exclusive
    #[arg(long, value_name = "START/END")]
    pub(crate) interval: Option<String>,
    /// critical, high, normal, low, or a number up to 1000; larger goes first
    #[arg(long)]
    pub(crate) priority: Option<String>,
    /// Wait for its end, and exit by its outcome
    #[arg(long)]
    pub(crate) wait: bool,
    /// The same, and print what happens
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Runs {
    /// Only those of this workflow
    #[arg(long)]
    pub(crate) workflow: Option<String>,
    /// Only those in this state
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// Only those made since this instant, or for so long (2h)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}

#[derive(Args, Debug)]
pub(crate) struct Logs {
    #[arg(help = RUN)]
    pub(crate) run: String,
    /// The task, undo@TASK for its undo; all of the run where absent
    #[arg(value_name = TASK)]
    pub(crate) task: Option<String>,
    /// Of this attempt; the last where absent
    #[arg(long, requires = "task")]
    pub(crate) attempt: Option<u32>,
    /// Go on while it is being written, and with later attempts
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only so many lines from the end
    #[arg(long, value_name = "LINES")]
    pub(crate) tail: Option<u32>,
    /// Only lines that match this regular expression; upper and lower case are the same where it has no upper case
    #[arg(long, value_name = "RE", conflicts_with = "follow")]
    pub(crate) grep: Option<String>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GraphFormat {
    Text,
    Dot,
    Mermaid,
    Json,
}

impl Global {
    /// What can be told of the flags where the command line as a whole makes no sense.
    pub(crate) fn of_wrong_line(line: &[OsString]) -> Self {
        let json = line.iter().any(|it| it == "--json");
        Self {
            socket: None,
            json,
            color: ColorWhen::Auto,
            quiet: false,
            ascii: false,
            slow: false,
            read_only: false,
        }
    }
}

/// The description of the whole command line.
pub(crate) fn command() -> clap::Command {
    Arguments::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_described_without_contradiction() {
        command().debug_assert();
    }

    #[test]
    fn a_pause_and_a_mark_need_to_know_of_what_and_how() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' '));
        for wrong in [
            "runyard pause",
            "runyard pause 1 --all",
            "runyard resume",
            "runyard resume 1 --all",
            "runyard workflow pause",
            "runyard pool show local",
            "runyard hold 1",
            "runyard mark 1 a",
            "runyard mark 1 a --success --failed",
            "runyard mark 1 a --failed --output k=v",
            "runyard rollback 1 --task a --retry b",
            "runyard rollback 1 --yes --plan",
            "runyard priority 1",
            "runyard logs 1 a --grep x --follow",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        for right in [
            "runyard pause --all --until never --dry-run",
            "runyard resume --all",
            "runyard pool pause local --plan",
            "runyard mark 1 a --success --output k=v --output l=w --comment seen",
            "runyard rollback 1 --retry a -y",
            "runyard queue --holders",
        ] {
            assert!(parse(right).is_ok(), "{right}");
        }
    }

    #[test]
    fn a_rejection_needs_a_comment_and_retries_exclude_each_other() {
        let wrong = |line: &str| Arguments::try_parse_from(line.split(' ')).is_err();
        assert!(wrong("runyard reject 1 ok"));
        assert!(wrong("runyard retry 1 --failed --task a"));
        assert!(wrong("runyard retry 1 --from a --task b"));
        assert!(wrong("runyard runs --limit 0"));
        assert!(!wrong("runyard retry 1 --task a --task b --json"));
    }
}
