//! The one table of keys: what each mapping of a workflow file may hold. The check of keys and types, the JSON Schema and
//! the tables of the reference are all made from it.

mod names;
mod rollback;
mod task;
mod test;

pub(crate) use names::WORKFLOW_NAME;
use names::{DATASET, ENV, ITEM, OUTPUT, PARAM, POOL, RESOURCE, TASK_NAME};
use rollback::ON_RUN_FAILURE;
pub(crate) use rollback::{ON_RUN_FAILURE_WORDS, ON_UNDO_FAILURE};
pub(crate) use task::{
    CHECK_FAILURE, GROUP_KEYS, KINDS, LATER_KINDS, ON_FAILURE, ON_TIMEOUT, RETRY, ROUTE, TASK,
    TIMEOUT, is_rule_expression,
};
pub(crate) use test::{MOCKED_OUTCOMES, TEST};

use shared::workflow::{ParamType, Priority};

use crate::shape::{Form, Key, Mapping, Shape};

pub(super) const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc }
}

pub(super) const fn later(name: &'static str) -> Key {
    Key { name, shape: Shape::Later(Form::Any), doc: "" }
}

pub(super) fn never(_: &str) -> bool {
    false
}

pub(super) fn param_types() -> Vec<&'static str> {
    ParamType::NAMES.iter().map(|it| it.0).chain(["choice"]).collect()
}

pub(crate) static WORKFLOW: Mapping = Mapping {
    name: "a workflow",
    keys: &[
        key(
            "name",
            Shape::Name(&WORKFLOW_NAME),
            "Its name; the file's name without `.yaml` where absent.",
        ),
        key("description", Shape::Text, "What it is, in a line."),
        key("owner", Shape::Text, "Who is responsible; shown on every failure."),
        key("tags", Shape::List(&Shape::Text), "Words to find it by."),
        key("docs", Shape::Mapping(&DOCS), "What it says of itself for people."),
        key(
            "params",
            Shape::Named(&PARAM, &Shape::Mapping(&PARAM_KEYS)),
            "The typed inputs of a run, by name.",
        ),
        key(
            "priority",
            Shape::OneOf(&[
                Shape::Int(0, 1_000),
                Shape::Words(|| Priority::WORDS.map(|it| it.0).to_vec(), never),
            ]),
            "Which runs go first: critical 750, high 500, normal 250, low 0, or a number up to 1000; larger goes first. Default `normal`.",
        ),
        key(
            "deadline",
            Shape::Mapping(&DEADLINE),
            "When its runs are to have ended. Of two tasks of one priority that wait, the one of the run with the earlier deadline goes first.",
        ),
        key(
            "concurrency",
            Shape::Mapping(&CONCURRENCY),
            "How many of its runs there may be at once.",
        ),
        key(
            "timeout",
            Shape::Duration(1),
            "The longest that a run may run, pauses not counted; then what runs is stopped, the run fails, and `finally` runs. Default: for ever.",
        ),
        key(
            "on_run_failure",
            Shape::OneOf(&[
                Shape::Words(|| ON_RUN_FAILURE_WORDS.map(|it| it.0).to_vec(), never),
                Shape::Mapping(&ON_RUN_FAILURE),
            ]),
            "What becomes of finished tasks when a run fails: they stay (`keep`), or are undone, the last first (`roll_back`, or a mapping that says how). Default `keep`.",
        ),
        key(
            "env",
            Shape::Named(&ENV, &Shape::OneOf(&[Shape::Template, Shape::Later(Form::Mapping)])),
            "What is added to the environment of every task, by name.",
        ),
        key(
            "defaults",
            Shape::Mapping(&DEFAULTS),
            "What holds for every task that does not say otherwise.",
        ),
        key(
            "tasks",
            Shape::Named(&TASK_NAME, &Shape::Mapping(&TASK)),
            "Required: the tasks, by name. Their order is the order on screen.",
        ),
        key(
            "finally",
            Shape::Named(&TASK_NAME, &Shape::Mapping(&TASK)),
            "Tasks that run when everything else has ended, whatever the outcome.",
        ),
        key(
            "tests",
            Shape::List(&Shape::Mapping(&TEST)),
            "What must come of a run if the outside does this and that; `runyard test FILE` plays them without starting anything.",
        ),
        later("timezone"),
        later("schedule"),
        later("triggers"),
        later("window"),
        later("retention"),
        later("secrets"),
        later("alerts"),
        later("datasets"),
        later("component"),
        later("outputs"),
    ],
};

static DOCS: Mapping = Mapping {
    name: "`docs`",
    keys: &[
        key("purpose", Shape::Text, "What the business gets from it."),
        key("depends_on", Shape::Text, "Where its input comes from."),
        key("outputs", Shape::Text, "What it leaves behind, and where."),
        key("consumers", Shape::List(&Shape::Text), "Who uses that."),
        key("runbook", Shape::Text, "Where to read what to do when it fails."),
    ],
};

static PARAM_KEYS: Mapping = Mapping {
    name: "a parameter",
    keys: &[
        key("type", Shape::Words(param_types, never), "Required: the type of its values."),
        key(
            "default",
            Shape::Any,
            "Its value where a run does not say; a text may use `{{ … }}` with earlier parameters, `interval` and `run`. Without it the parameter is required.",
        ),
        key("choices", Shape::List(&Shape::Text), "The values of a `choice`."),
        key("description", Shape::Text, "What it is for."),
    ],
};

static DEADLINE: Mapping = Mapping {
    name: "`deadline`",
    keys: &[
        key("within", Shape::Duration(1_000), "Required: so long after the run was made."),
        later("by"),
        later("warn_before"),
        later("on_miss"),
    ],
};

static CONCURRENCY: Mapping = Mapping {
    name: "`concurrency`",
    keys: &[
        key("max_runs", Shape::Int(1, 10_000), "How many runs there may be at once. Default 1."),
        key(
            "when_full",
            Shape::Words(|| WHEN_FULL.map(|it| it.0).to_vec(), never),
            "What becomes of one too many: `queue` waits, `queue_one` waits in place of the one that waited before, `skip` is refused, `cancel_oldest` cancels the oldest active run, `allow` starts all the same. Default `queue`.",
        ),
        key("key", Shape::Template, "The number holds for each value of this."),
        key(
            "after_previous",
            Shape::Words(|| AFTER_PREVIOUS.map(|it| it.0).to_vec(), never),
            "How the run before must have ended for the next to start: `ended`, however; `succeeded`, in full or in part, or with nothing to do. Default `ended`.",
        ),
    ],
};

pub(crate) const WHEN_FULL: [(&str, shared::workflow::WhenFull); 5] = {
    use shared::workflow::WhenFull::{Allow, CancelOldest, Queue, QueueOne, Skip};
    [
        ("queue", Queue),
        ("queue_one", QueueOne),
        ("skip", Skip),
        ("cancel_oldest", CancelOldest),
        ("allow", Allow),
    ]
};

pub(crate) const AFTER_PREVIOUS: [(&str, shared::workflow::AfterPrevious); 2] = {
    use shared::workflow::AfterPrevious::{Ended, Succeeded};
    [("ended", Ended), ("succeeded", Succeeded)]
};

static DEFAULTS: Mapping = Mapping {
    name: "`defaults`",
    keys: &[
        key("pool", Shape::Name(&POOL), "Where tasks run. Default `local`."),
        key(
            "timeout",
            Shape::OneOf(&[Shape::Duration(1), Shape::Mapping(&TIMEOUT)]),
            "How long a process may take. Default 24h.",
        ),
        key(
            "retry",
            Shape::OneOf(&[Shape::Int(0, 10_000), Shape::Mapping(&RETRY)]),
            "What follows a failed attempt of a process or a check.",
        ),
        key(
            "kill_grace",
            Shape::Duration(0),
            "How long a process has between SIGTERM and SIGKILL. Default 10s.",
        ),
        later("env"),
        later("resources"),
        later("shell"),
        later("working_dir"),
        later("priority"),
        later("idempotent"),
        later("on_failure"),
    ],
};
