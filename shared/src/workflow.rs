//! A validated workflow: what the engine runs. Whatever is here has been checked; how people write it is `definition`'s.

mod group;
mod param;
pub mod test;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::expr::{Expr, Template};
use crate::id::{PoolName, ResourceName, TaskName, Version, WorkflowName};

pub use group::Groups;
pub use param::{Param, ParamDefault, ParamType, WrongParam};

/// One version of a workflow.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Workflow {
    /// Its name.
    pub name: WorkflowName,
    /// The hash of everything else here.
    pub version: Version,
    /// What it is, in a line.
    #[serde(default)]
    pub description: Option<String>,
    /// Who is responsible; shown on every failure.
    #[serde(default)]
    pub owner: Option<String>,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Its documentation.
    #[serde(default)]
    pub docs: Docs,
    /// The folder of its file: where its tasks start, unless they say otherwise.
    pub folder: String,
    /// Its typed inputs, in file order.
    #[serde(default)]
    pub params: Vec<Param>,
    /// Which of its runs go first.
    pub priority: Priority,
    /// How many of its runs there may be at once.
    pub concurrency: Concurrency,
    /// When its runs are to have ended.
    #[serde(default)]
    pub deadline: Option<Deadline>,
    /// Its tasks: those of `tasks` in file order, then those of `finally`.
    pub tasks: Vec<Task>,
    /// The longest that a run may run, its pauses not counted.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// What becomes of what is done when a run fails.
    #[serde(default)]
    pub on_run_failure: OnRunFailure,
}

/// When a run is to have ended. Nothing is stopped for its sake; of two that wait the one with less time goes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Deadline {
    /// So long after the run was made.
    pub within: Duration,
}

/// What becomes of the finished work of a run that fails. Source: semantics, rule 12.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRunFailure {
    /// It stays.
    #[default]
    Keep,
    /// It is undone.
    RollBack {
        /// Only if this is true.
        #[serde(default)]
        when: Option<Expr>,
        /// How undos are carried out.
        how: UndoPolicy,
    },
}

/// How the undos of a run are carried out, by a person's wish too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UndoPolicy {
    /// How many may run at once; at least 1.
    pub parallel: u32,
    /// Whether what a failed undo was built on is undone all the same.
    pub goes_on: bool,
}

impl Default for UndoPolicy {
    fn default() -> Self {
        Self { parallel: 1, goes_on: false }
    }
}

/// What a workflow says of itself for people.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Docs {
    /// What the business gets from it.
    #[serde(default)]
    pub purpose: Option<String>,
    /// Where its input comes from.
    #[serde(default)]
    pub depends_on: Option<String>,
    /// What it leaves behind, and where.
    #[serde(default)]
    pub outputs: Option<String>,
    /// Who uses that.
    #[serde(default)]
    pub consumers: Vec<String>,
    /// Where to read what to do when it fails.
    #[serde(default)]
    pub runbook: Option<String>,
}

/// Larger goes first: critical 750, high 500, normal 250, low 0, or any number up to 1000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Priority(pub u16);

impl Priority {
    /// What a workflow has that does not say.
    pub const NORMAL: Self = Self(250);
    /// The largest there is.
    pub const MAX: Self = Self(1_000);
    /// The words for some of them.
    pub const WORDS: [(&'static str, Self); 4] =
        [("critical", Self(750)), ("high", Self(500)), ("normal", Self::NORMAL), ("low", Self(0))];

    /// Reads a word or a number from 0 to 1000.
    pub fn read(text: &str) -> Option<Self> {
        let word = Self::WORDS.iter().find(|(word, _)| *word == text).map(|(_, it)| *it);
        word.or_else(|| text.parse().ok().map(Self).filter(|it| *it <= Self::MAX))
    }
}

/// How many runs of a workflow there may be at once, and what becomes of one too many.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Concurrency {
    /// The number, at least 1.
    pub max_runs: u32,
    /// What becomes of one too many.
    pub when_full: WhenFull,
    /// The number holds for each value of this.
    #[serde(default)]
    pub key: Option<Template>,
    /// How the run before it must have ended for a run to start.
    #[serde(default)]
    pub after_previous: AfterPrevious,
}

/// How the previous run must have ended for the next to start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterPrevious {
    /// It only must leave room, by `max_runs`.
    #[default]
    Ended,
    /// It must have succeeded: in full, in part, or because there was nothing to do.
    Succeeded,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self {
            max_runs: 1,
            when_full: WhenFull::Queue,
            key: None,
            after_previous: AfterPrevious::Ended,
        }
    }
}

/// What becomes of a run that is one too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// It waits; any number may wait.
    Queue,
    /// It waits, and takes the place of the one that waited before it.
    QueueOne,
    /// It is refused.
    Skip,
    /// The oldest active run is cancelled for it.
    CancelOldest,
    /// It starts all the same.
    Allow,
}

/// Which list of the file a task is in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// `tasks`.
    Main,
    /// `finally`: runs when everything else has ended, whatever the outcome.
    Finally,
}

/// One node of a workflow.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Task {
    /// Its name, unique in the file.
    pub name: TaskName,
    /// Which list it is in. Needs stay within one list.
    pub section: Section,
    /// The group that it is directly in; its own name begins with that of the group and `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<TaskName>,
    /// What it is, in a line.
    #[serde(default)]
    pub description: Option<String>,
    /// What it does.
    pub kind: Kind,
    /// What must have ended before.
    #[serde(default)]
    pub needs: Vec<TaskName>,
    /// How its needs must have ended.
    pub trigger_rule: TriggerRule,
    /// Whether it runs at all; asked once its trigger rule holds.
    #[serde(default)]
    pub when: Option<Expr>,
    /// Whether a person must let it go on before it starts.
    #[serde(default)]
    pub hold: bool,
    /// Runs it once an item.
    #[serde(default)]
    pub map: Option<Map>,
    /// What it adds to the environment of its process: the workflow's first, then its own. A later one wins.
    #[serde(default)]
    pub env: Vec<(String, Template)>,
    /// Where its process starts; relative to the workflow's folder.
    #[serde(default)]
    pub working_dir: Option<Template>,
    /// Where its attempts run.
    pub pool: PoolName,
    /// Where they may run instead, in the order of the file.
    #[serde(default)]
    pub other_pools: Vec<PoolName>,
    /// Which of several pools is taken.
    #[serde(default)]
    pub route: Route,
    /// How many slots of the pool an attempt takes; at least 1 for a process.
    pub slots: u32,
    /// How much processor time of the pool an attempt takes, in thousandths of a processor.
    #[serde(default)]
    pub cpu: u32,
    /// How much memory of the pool an attempt takes, in bytes.
    #[serde(default)]
    pub memory: u64,
    /// What else an attempt takes.
    #[serde(default)]
    pub resources: BTreeMap<ResourceName, u32>,
    /// Whether an attempt may be stopped, and queued again, for a critical task.
    #[serde(default)]
    pub preemptible: bool,
    /// Its own priority; otherwise its run's.
    #[serde(default)]
    pub priority: Option<Priority>,
    /// How long it may take.
    pub timeout: Timeout,
    /// How long its processes have between SIGTERM and SIGKILL.
    pub kill_grace: Duration,
    /// What follows a failed attempt.
    pub retry: Retry,
    /// Whether an attempt may be repeated whose end nobody knows.
    #[serde(default)]
    pub idempotent: Option<bool>,
    /// The outputs it promises.
    #[serde(default)]
    pub outputs: BTreeMap<String, ParamType>,
    /// What must be true after success.
    #[serde(default)]
    pub expect: Vec<Expr>,
    /// What its failure does to the run.
    pub on_failure: OnFailure,
    /// How it is undone. A `publish` has an undo of its own.
    #[serde(default)]
    pub rollback: Option<Rollback>,
}

/// Which of several pools an attempt runs in.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The first of the list in which it can start.
    #[default]
    FirstAvailable,
    /// Of those in which it can start, the one of which the smallest part is taken.
    LeastLoaded,
}

/// How a task is undone.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Rollback {
    /// What undoes it: [`Kind::Run`], [`Kind::Exec`], or the [`Kind::Publish`] of the task itself, taken back.
    pub kind: Kind,
    /// What follows a failed undo.
    pub retry: Retry,
    /// How long an undo may take.
    pub timeout: Timeout,
    /// Whether it is also undone when it has failed.
    #[serde(default)]
    pub also_failed: bool,
}

impl Task {
    /// The pools that its attempts may run in, the preferred one first.
    pub fn pools(&self) -> impl Iterator<Item = &PoolName> {
        std::iter::once(&self.pool).chain(&self.other_pools)
    }

    /// Whether it runs as a process in a pool.
    pub fn has_process(&self) -> bool {
        match &self.kind {
            Kind::Run { .. } | Kind::Exec { .. } | Kind::Publish { .. } => true,
            Kind::Check { items } => items.iter().any(|it| matches!(it.what, CheckWhat::Exec(_))),
            Kind::Wait { .. } | Kind::Approval { .. } | Kind::Group => false,
        }
    }
}

/// What a task does.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Runs a script.
    Run {
        /// The interpreter and its arguments; the script is the argument after them, behind `-c`.
        shell: Vec<String>,
        /// Its text, as written.
        script: String,
    },
    /// Runs a program without a shell.
    Exec {
        /// The program and its arguments, each rendered as a whole.
        argv: Vec<Template>,
    },
    /// Waits for a file. Takes no slot.
    Wait {
        /// Which file.
        file: FileWait,
    },
    /// Waits for a person. Takes no slot.
    Approval {
        /// What is asked.
        message: Template,
        /// What happens when nobody answers until the timeout.
        on_timeout: OnTimeout,
    },
    /// Judges data. Takes a slot only if it runs a program.
    Check {
        /// What is judged, in order.
        items: Vec<CheckItem>,
    },
    /// Moves what the run has made into place, at once, and keeps what was there.
    Publish {
        /// What.
        publish: Publish,
    },
    /// Is made of the tasks that name it as their group, which stand behind it. Has no attempts of its own.
    Group,
}

impl Kind {
    /// Its key in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Run { .. } => "run",
            Self::Exec { .. } => "exec",
            Self::Wait { .. } => "wait",
            Self::Approval { .. } => "approval",
            Self::Check { .. } => "check",
            Self::Publish { .. } => "publish",
            Self::Group => "tasks",
        }
    }
}

/// What is moved where.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Publish {
    /// The dataset that is updated.
    #[serde(default)]
    pub dataset: Option<String>,
    /// A file or a folder, relative to the run's folder.
    pub from: Template,
    /// Where it is to be, relative to the workflow's folder.
    pub to: Template,
    /// How many versions are kept that it has replaced; at least 1, so that it can be undone.
    pub keep: u32,
}

/// A file to wait for: it is there, and has stopped growing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FileWait {
    /// Its path, relative to the workflow's folder; `*` and `?` in the last part match any name.
    pub path: Template,
    /// How long its size and time of change must have stayed the same.
    pub stable_for: Duration,
}

/// What happens to an approval that nobody answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// The task fails, with outcome `expired`.
    Reject,
    /// The task succeeds.
    Approve,
    /// The task is skipped.
    Skip,
    /// The task is held until a person decides.
    Hold,
}

/// One thing that a check judges.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CheckItem {
    /// Where its value comes from.
    pub what: CheckWhat,
    /// What must be true of it; without, the value itself must be true, or the program's exit code 0.
    #[serde(default)]
    pub expect: Option<Expr>,
    /// What it means when that is not so.
    pub on_failure: CheckFailure,
}

/// Where a check's `value` comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckWhat {
    /// An expression.
    Expr(Expr),
    /// What a program prints.
    Exec(Vec<Template>),
}

/// What a failed item of a check means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckFailure {
    /// The task fails.
    Fail,
    /// The task succeeds, and the run ends partial.
    Warn,
}

/// How a task's needs must have ended for it to run. Evaluated once all are final, but the `one_*` rules act on the
/// first that decides. Source: semantics, rule 2; the names are Airflow's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerRule {
    /// All succeeded.
    AllSuccess,
    /// All ended, however.
    AllDone,
    /// All failed.
    AllFailed,
    /// At least one failed.
    OneFailed,
    /// At least one succeeded.
    OneSuccess,
    /// None failed; skipped ones do not count.
    NoneFailed,
    /// None failed and at least one succeeded.
    NoneFailedMinOneSuccess,
    /// All were skipped.
    AllSkipped,
    /// At once, whatever the needs do.
    Always,
    /// This is true of how they ended: each need is there by its name and in `needs`, with the parts of [`NEED_PARTS`].
    Expr(Expr),
}

/// What an expression of a trigger rule may ask of a need.
pub const NEED_PARTS: [&str; 6] =
    ["succeeded", "failed", "skipped", "upstream_failed", "cancelled", "done"];

impl TriggerRule {
    /// Every rule by its name in the file.
    pub const NAMES: [(&'static str, Self); 9] = [
        ("all_success", Self::AllSuccess),
        ("all_done", Self::AllDone),
        ("all_failed", Self::AllFailed),
        ("one_failed", Self::OneFailed),
        ("one_success", Self::OneSuccess),
        ("none_failed", Self::NoneFailed),
        ("none_failed_min_one_success", Self::NoneFailedMinOneSuccess),
        ("all_skipped", Self::AllSkipped),
        ("always", Self::Always),
    ];

    /// As it is written.
    pub fn source(&self) -> &str {
        match self {
            Self::Expr(expr) => expr.source(),
            named => Self::NAMES.iter().find(|it| it.1 == *named).map_or("", |it| it.0),
        }
    }
}

/// Runs a task once an item.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Map {
    /// The items: evaluated when the task becomes ready, and fixed from there on.
    pub over: MapOver,
    /// The name of an item in the task's expressions.
    pub name: String,
    /// The key of an item, where it is not a scalar.
    #[serde(default)]
    pub key: Option<Expr>,
    /// How many items may run at once; as many as fit where absent.
    #[serde(default)]
    pub max_parallel: Option<u32>,
    /// How many items may fail without the task failing.
    pub tolerate: Tolerate,
}

/// Where the items come from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapOver {
    /// An expression that gives a list.
    Expr(Expr),
    /// The list itself.
    List(Vec<serde_json::Value>),
}

/// How many items of a map may fail.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tolerate {
    /// So many.
    Count(u32),
    /// So many of a hundred.
    Percent(u32),
    /// What the expression gives, as a number.
    Expr(Expr),
}

/// How long a task may take. Nothing here counts waiting for a slot.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Timeout {
    /// One attempt.
    #[serde(default)]
    pub attempt: Option<Duration>,
    /// All attempts with the waits between them, from the start of the first.
    #[serde(default)]
    pub total: Option<Duration>,
    /// One attempt without output or another sign of life.
    #[serde(default)]
    pub idle: Option<Duration>,
}

/// What follows a failed attempt. Source: semantics, rule 4.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Retry {
    /// How many more attempts after the first.
    pub limit: u32,
    /// The wait before the first of them.
    pub delay: Duration,
    /// What each further wait is multiplied by; at least 1.
    pub backoff: f64,
    /// The longest wait.
    pub max_delay: Duration,
    /// By which part of itself a wait may be longer or shorter; from 0 to 1.
    pub jitter: f64,
    /// Which outcomes count.
    pub on: BTreeSet<RetryOn>,
    /// Of the exit codes, only these; all where empty.
    #[serde(default)]
    pub exit_codes: BTreeSet<i32>,
    /// After the kernel has taken it for want of memory, the next attempt asks for so many times as much, up to what its
    /// pool has; at least 1.
    #[serde(default)]
    pub memory_factor: Option<f64>,
}

/// An outcome of an attempt that may be followed by another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryOn {
    /// It ended with an exit code other than 0.
    Exit,
    /// A signal ended it.
    Signal,
    /// The kernel ended it for want of memory.
    Oom,
    /// It took too long.
    Timeout,
    /// A check, an `expect` or a promised output was not met.
    Check,
    /// Nobody knows how it ended.
    Lost,
    /// It could not be started.
    StartFailed,
}

impl RetryOn {
    /// Every one by its name in the file.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("exit", Self::Exit),
        ("signal", Self::Signal),
        ("oom", Self::Oom),
        ("timeout", Self::Timeout),
        ("check", Self::Check),
        ("lost", Self::Lost),
        ("start_failed", Self::StartFailed),
    ];
}

impl Default for Retry {
    fn default() -> Self {
        use RetryOn::{Check, Exit, Oom, Signal, StartFailed, Timeout};
        Self {
            limit: 0,
            delay: Duration::from_secs(10),
            backoff: 2.0,
            max_delay: Duration::from_secs(600),
            jitter: 0.1,
            on: BTreeSet::from([Exit, Signal, Oom, Timeout, Check, StartFailed]),
            exit_codes: BTreeSet::new(),
            memory_factor: None,
        }
    }
}

/// What a task's failure does to its run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The run fails.
    Fail,
    /// The run goes on as if the task had succeeded, and ends partial.
    Continue,
}
