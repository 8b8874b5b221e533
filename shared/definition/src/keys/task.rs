//! The keys of a task and of what lies in it.

use shared::workflow::{CheckFailure, OnFailure, OnTimeout, Priority, RetryOn, Route, TriggerRule};

use super::rollback::{PUBLISH, ROLLBACK};
use super::{ENV, ITEM, OUTPUT, POOL, RESOURCE, TASK_NAME, key, later, never, param_types};
use crate::shape::{Form, Mapping, Shape};

pub(crate) static TASK: Mapping = Mapping {
    name: "a task",
    keys: &[
        key(
            "run",
            Shape::OneOf(&[Shape::Text, Shape::Mapping(&SCRIPT_FILE)]),
            "A script for `shell`: its text, or the file that holds it. Takes no `{{ … }}`: values reach it by `env`.",
        ),
        key(
            "exec",
            Shape::List(&Shape::Template),
            "A program and its arguments, run without a shell.",
        ),
        key("wait", Shape::Mapping(&WAIT), "Waits for a file; takes no slot."),
        key(
            "approval",
            Shape::OneOf(&[Shape::Template, Shape::Mapping(&APPROVAL)]),
            "Waits for a person: the question, or a mapping; takes no slot.",
        ),
        key(
            "check",
            Shape::OneOf(&[Shape::List(&Shape::Mapping(&CHECK)), Shape::Mapping(&CHECK)]),
            "Judges data: one check, or a list of them.",
        ),
        key(
            "publish",
            Shape::Mapping(&PUBLISH),
            "Moves what the run has made into place, all at once; a rollback puts back what was there.",
        ),
        key(
            "tasks",
            Shape::Named(&TASK_NAME, &Shape::Mapping(&TASK)),
            "A group: these tasks, by name, which are `GROUP/NAME` outside. They start once the group does, and it ends when all have. With `map` each item runs the whole chain at its own pace. Beside it stand `needs`, `trigger_rule`, `when`, `map`, `env`, `description` and `on_failure` only.",
        ),
        key("description", Shape::Text, "What it is, in a line."),
        key(
            "needs",
            Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text)]),
            "The task, or the tasks, that must have ended before. In a group a name is that of a task beside it first.",
        ),
        key(
            "trigger_rule",
            Shape::WordsOrExpr(|| TriggerRule::NAMES.map(|it| it.0).to_vec(), is_rule_expression),
            "How its needs must have ended: a name, or an expression such as `extract.succeeded or (extract.skipped and not audit.failed)`. Each need has `succeeded`, `failed`, `skipped`, `upstream_failed`, `cancelled` and `done`; one with `-` in its name is written `needs['a-b']`. Default `all_success`.",
        ),
        key(
            "when",
            Shape::Expr,
            "It runs only if this is true, else it is skipped; asked once, when the trigger rule holds.",
        ),
        key(
            "hold",
            Shape::Bool,
            "It stops before it starts, until a person releases it. Default `false`.",
        ),
        key("map", Shape::Mapping(&MAP), "Runs it once an item."),
        key(
            "env",
            Shape::Named(&ENV, &Shape::OneOf(&[Shape::Template, Shape::Later(Form::Mapping)])),
            "What is added to the environment of its process, by name.",
        ),
        key(
            "working_dir",
            Shape::Template,
            "Where its process starts, relative to the workflow file. Default: the file's folder.",
        ),
        key(
            "shell",
            Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text)]),
            "What runs the script, which is the argument after `-c`. Default `[bash, -euo, pipefail]`.",
        ),
        key(
            "pool",
            Shape::OneOf(&[Shape::Name(&POOL), Shape::List(&Shape::Name(&POOL))]),
            "Where it runs: a pool, or a list of pools with `route`. Default `local`.",
        ),
        key(
            "route",
            Shape::Words(|| ROUTE.map(|it| it.0).to_vec(), never),
            "Which of several pools it runs in, of those in which it can start: the first of the list (`first_available`), or the one that is taken least (`least_loaded`). Default `first_available`.",
        ),
        key(
            "resources",
            Shape::Named(
                &RESOURCE,
                &Shape::OneOf(&[
                    Shape::Int(0, 1_000_000),
                    Shape::Number(0.0, 100_000.0),
                    Shape::Text,
                ]),
            ),
            "What an attempt takes, all together or nothing: `slots` of the pool (default 1), `cpu` (processors, such as 0.5), `memory` (such as 512MiB), and any other by its name.",
        ),
        key(
            "preemptible",
            Shape::Bool,
            "Whether an attempt may be stopped, and queued again without counting as a retry, for a critical task that waits. Default `false`.",
        ),
        key(
            "priority",
            Shape::OneOf(&[
                Shape::Int(0, 1_000),
                Shape::Words(|| Priority::WORDS.map(|it| it.0).to_vec(), never),
            ]),
            "Its own priority. Default: that of the run.",
        ),
        key(
            "timeout",
            Shape::OneOf(&[Shape::Duration(1), Shape::Mapping(&TIMEOUT)]),
            "How long an attempt may take. Default: a process 24h, an approval 24h, a wait for ever.",
        ),
        key(
            "retry",
            Shape::OneOf(&[Shape::Int(0, 10_000), Shape::Mapping(&RETRY)]),
            "What follows a failed attempt: how many more, or a mapping. Default 0.",
        ),
        key(
            "idempotent",
            Shape::Bool,
            "Whether an attempt may be repeated whose end nobody knows. Where it is not said, a person decides.",
        ),
        key(
            "outputs",
            Shape::Named(
                &OUTPUT,
                &Shape::OneOf(&[Shape::Words(param_types, never), Shape::Mapping(&OUTPUT_TYPE)]),
            ),
            "The outputs that it promises, by name, with their types.",
        ),
        key(
            "expect",
            Shape::OneOf(&[Shape::Expr, Shape::List(&Shape::Expr)]),
            "What must be true after success.",
        ),
        key(
            "kill_grace",
            Shape::Duration(0),
            "How long its process has between SIGTERM and SIGKILL. Default 10s.",
        ),
        key(
            "on_failure",
            Shape::Words(|| ON_FAILURE.map(|it| it.0).to_vec(), never),
            "Its failure makes the run fail, or the run goes on (`continue`) and ends partial. Default `fail`.",
        ),
        key(
            "rollback",
            Shape::OneOf(&[Shape::Text, Shape::Mapping(&ROLLBACK)]),
            "What undoes it when its run is rolled back, once an item with `map`: a script for its `shell`, or a mapping.",
        ),
        later("python"),
        later("sql"),
        later("notebook"),
        later("use"),
        later("with"),
        later("workflow"),
        later("params"),
        later("detach"),
        later("generate"),
        later("service"),
        later("secrets"),
        later("connections"),
        later("produces"),
        later("consumes"),
        later("checks"),
    ],
};

/// The kinds of tasks, and those that a later version will know.
pub(crate) const KINDS: [&str; 7] =
    ["run", "exec", "wait", "approval", "check", "publish", "tasks"];
pub(crate) const LATER_KINDS: [&str; 7] =
    ["python", "sql", "notebook", "use", "workflow", "generate", "service"];

/// What may be said of a group as a whole.
pub(crate) const GROUP_KEYS: [&str; 8] =
    ["tasks", "description", "needs", "trigger_rule", "when", "map", "env", "on_failure"];

pub(crate) const ON_FAILURE: [(&str, OnFailure); 2] =
    [("fail", OnFailure::Fail), ("continue", OnFailure::Continue)];

pub(crate) const ON_TIMEOUT: [(&str, OnTimeout); 4] = [
    ("reject", OnTimeout::Reject),
    ("approve", OnTimeout::Approve),
    ("skip", OnTimeout::Skip),
    ("hold", OnTimeout::Hold),
];

pub(crate) const CHECK_FAILURE: [(&str, CheckFailure); 2] =
    [("fail", CheckFailure::Fail), ("warn", CheckFailure::Warn)];

pub(crate) const ROUTE: [(&str, Route); 2] =
    [("first_available", Route::FirstAvailable), ("least_loaded", Route::LeastLoaded)];

/// Whether a trigger rule is meant as an expression: no name of one has these.
pub(crate) fn is_rule_expression(text: &str) -> bool {
    text.contains(['.', ' ', '(', '['])
}

pub(super) static SCRIPT_FILE: Mapping = Mapping {
    name: "`run`",
    keys: &[key(
        "file",
        Shape::Text,
        "Required: the file that holds the script, relative to the workflow file.",
    )],
};

static WAIT: Mapping = Mapping {
    name: "`wait`",
    keys: &[
        key("file", Shape::Mapping(&FILE_WAIT), "Required: the file to wait for."),
        later("dataset"),
        later("sql"),
        later("http"),
        later("exec"),
        later("until"),
        later("workflow"),
    ],
};

static FILE_WAIT: Mapping = Mapping {
    name: "`file`",
    keys: &[
        key(
            "path",
            Shape::Template,
            "Required: its path, relative to the workflow file; `*` and `?` in the last part match any name.",
        ),
        key(
            "stable_for",
            Shape::Duration(0),
            "How long it must not have grown or changed. Default 5s.",
        ),
    ],
};

static APPROVAL: Mapping = Mapping {
    name: "`approval`",
    keys: &[
        key("message", Shape::Template, "Required: what is asked."),
        key(
            "timeout",
            Shape::Duration(1),
            "How long a person has; the task's own `timeout` says the same. Default 24h.",
        ),
        key(
            "on_timeout",
            Shape::Words(|| ON_TIMEOUT.map(|it| it.0).to_vec(), never),
            "What happens when nobody answers: `reject` fails it, `approve`, `skip`, or `hold` until a person decides. Default `reject`.",
        ),
        later("approvers"),
        later("count"),
        later("four_eyes"),
        later("remind"),
        later("escalate"),
        later("evidence"),
        later("inputs"),
    ],
};

static CHECK: Mapping = Mapping {
    name: "a check",
    keys: &[
        key("expr", Shape::Expr, "The value, as an expression."),
        key(
            "exec",
            Shape::List(&Shape::Template),
            "A program whose trimmed output is the value, as a number if it is one.",
        ),
        key(
            "expect",
            Shape::Expr,
            "What must be true of `value`. Default: an `expr` must be true, an `exec` must exit with 0.",
        ),
        key(
            "on_failure",
            Shape::Words(
                || CHECK_FAILURE.map(|it| it.0).to_vec(),
                |it| matches!(it, "approve" | "quarantine"),
            ),
            "The task fails, or succeeds with a warning (`warn`) and the run ends partial. Default `fail`.",
        ),
        later("sql"),
        later("rows"),
        later("nulls"),
        later("unique"),
        later("range"),
        later("schema"),
        later("freshness"),
    ],
};

static MAP: Mapping = Mapping {
    name: "`map`",
    keys: &[
        key(
            "over",
            Shape::OneOf(&[Shape::List(&Shape::Any), Shape::Expr]),
            "Required: the items, as a list or as an expression that gives one. They are fixed when the task becomes ready.",
        ),
        key(
            "as",
            Shape::Name(&ITEM),
            "The name of an item in the task's expressions. Default `item`.",
        ),
        key("key", Shape::Expr, "The key of an item, where it is not a scalar."),
        key(
            "max_parallel",
            Shape::Int(1, 1_000_000),
            "How many items may run at once; of a group how many may be under way. Default: as many as fit.",
        ),
        key(
            "tolerate",
            Shape::OneOf(&[Shape::Int(0, 1_000_000), Shape::Expr]),
            "How many items may fail without the task failing: a number, a part such as `10%`, or an expression. Default 0.",
        ),
    ],
};

pub(crate) static TIMEOUT: Mapping = Mapping {
    name: "`timeout`",
    keys: &[
        key("attempt", Shape::Duration(1), "The longest that one attempt may take."),
        key(
            "total",
            Shape::Duration(1),
            "The longest that all attempts and the waits between them may take.",
        ),
        key(
            "idle",
            Shape::Duration(1),
            "The longest that an attempt may print nothing and change none of its files.",
        ),
    ],
};

pub(crate) static RETRY: Mapping = Mapping {
    name: "`retry`",
    keys: &[
        key("limit", Shape::Int(0, 10_000), "How many more attempts after the first. Default 0."),
        key("delay", Shape::Duration(0), "The wait before the first of them. Default 10s."),
        key(
            "backoff",
            Shape::Number(1.0, 100.0),
            "What each further wait is multiplied by. Default 2.",
        ),
        key(
            "max_delay",
            Shape::Duration(0),
            "The longest wait. Default 10m, or `delay` where that is longer.",
        ),
        key(
            "jitter",
            Shape::Number(0.0, 1.0),
            "By which part of itself a wait may be longer or shorter. Default 0.1.",
        ),
        key(
            "on",
            Shape::List(&Shape::Words(
                || RetryOn::NAMES.map(|it| it.0).to_vec(),
                |it| it == "preempted",
            )),
            "Which outcomes count. Default `[exit, signal, oom, timeout, check, start_failed]`.",
        ),
        key(
            "exit_codes",
            Shape::List(&Shape::Int(1, 255)),
            "Of the exit codes only these. Default: all.",
        ),
        later("memory_factor"),
    ],
};

static OUTPUT_TYPE: Mapping = Mapping {
    name: "an output",
    keys: &[
        key("type", Shape::Words(param_types, never), "Required: the type of its value."),
        key("choices", Shape::List(&Shape::Text), "The values of a `choice`."),
    ],
};
