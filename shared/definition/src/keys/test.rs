//! The keys of a workflow's own tests.

use shared::state::{RUN_WORDS, TASK_WORDS};
use shared::workflow::Priority;

use super::names::{OUTPUT, PARAM, RESOURCE, TASK_PATH};
use super::{key, never};
use crate::shape::{Mapping, Shape};

pub(crate) static TEST: Mapping = Mapping {
    name: "a test",
    keys: &[
        key("name", Shape::Text, "Required: what it shows, in a line; unique in the file."),
        key(
            "params",
            Shape::Named(&PARAM, &Shape::Any),
            "What the run's parameters are, where they are not the default.",
        ),
        key("interval", Shape::Mapping(&INTERVAL), "The span of data that the run stands for."),
        key("actor", Shape::Text, "Who asks for the run. Default `user:test`."),
        key(
            "priority",
            Shape::OneOf(&[
                Shape::Int(0, 1_000),
                Shape::Words(|| Priority::WORDS.map(|it| it.0).to_vec(), never),
            ]),
            "The run's own priority. Default: that of the workflow.",
        ),
        key(
            "start",
            Shape::Text,
            "When the run is made: a date, or an instant with its offset. Default `2026-01-01`.",
        ),
        key(
            "capacity",
            Shape::Mapping(&CAPACITY),
            "How much runs at once. Default: as much as is wanted.",
        ),
        key(
            "mock",
            Shape::Named(
                &TASK_PATH,
                &Shape::OneOf(&[Shape::Mapping(&MOCK), Shape::List(&Shape::Mapping(&MOCK))]),
            ),
            "How attempts end: by `task`, `task:item`, `undo@task` or a form with `*`, of which the closest counts; a list has one for each attempt, and the last goes for all further ones. Default: each succeeds at once, and each file is there.",
        ),
        key(
            "approve",
            ANSWERED,
            "The approvals that are given: tasks, or a mapping from tasks to decisions. What nobody answers waits until its timeout.",
        ),
        key("reject", ANSWERED, "The approvals that are refused, in the same way."),
        key(
            "acts",
            Shape::List(&Shape::Mapping(&ACT)),
            "What people do otherwise, and what happens to the daemon.",
        ),
        key(
            "expect",
            Shape::Mapping(&EXPECT),
            "Required: what must come of it; at least one thing.",
        ),
    ],
};

const ANSWERED: Shape = Shape::OneOf(&[
    Shape::Text,
    Shape::List(&Shape::Text),
    Shape::Named(
        &TASK_PATH,
        &Shape::OneOf(&[Shape::Mapping(&DECISION), Shape::List(&Shape::Mapping(&DECISION))]),
    ),
]);

static INTERVAL: Mapping = Mapping {
    name: "`interval`",
    keys: &[
        key("start", Shape::Text, "Required: the first instant that belongs to it."),
        key("end", Shape::Text, "Required: the first instant that does not."),
    ],
};

static CAPACITY: Mapping = Mapping {
    name: "`capacity`",
    keys: &[
        key("slots", Shape::Int(1, 1_000_000), "The slots of each pool."),
        key(
            "resources",
            Shape::Named(&RESOURCE, &Shape::Int(0, 1_000_000)),
            "The amounts of resources; of others there is as much as is wanted.",
        ),
    ],
};

static MOCK: Mapping = Mapping {
    name: "a mocked attempt",
    keys: &[
        key(
            "exit",
            Shape::Int(0, 255),
            "The exit code; of a check, that of its programs. Default 0.",
        ),
        key("signal", Shape::Int(1, 64), "The signal that ends it."),
        key(
            "outcome",
            Shape::Words(|| MOCKED_OUTCOMES.map(|it| it.0).to_vec(), never),
            "How it ends otherwise; a `timeout` lasts until then.",
        ),
        key(
            "outputs",
            Shape::Named(&OUTPUT, &Shape::Any),
            "What it gives back. A task that succeeds must be given every output that it promises.",
        ),
        key(
            "value",
            Shape::Any,
            "What the programs of a check print: one for all, or a list with one for each.",
        ),
        key(
            "duration",
            Shape::Duration(0),
            "How long it takes. One that takes longer than its timeout ends by that. Default 0.",
        ),
        key("after", Shape::Duration(0), "How long a `wait` waits for its file. Default 0."),
        key("never", Shape::Bool, "It never ends by itself; the file of a `wait` never comes."),
        key("log", Shape::Text, "What it prints; shown where the test fails."),
    ],
};

pub(crate) const MOCKED_OUTCOMES: [(&str, shared::workflow::test::MockedEnd); 4] = {
    use shared::workflow::test::MockedEnd::{Lost, Oom, StartFailed, Timeout};
    [("lost", Lost), ("oom", Oom), ("timeout", Timeout), ("start_failed", StartFailed)]
};

static DECISION: Mapping = Mapping {
    name: "a mocked decision",
    keys: &[
        key("after", Shape::Duration(0), "How long after the question. Default 0."),
        key("by", Shape::Text, "Who decides. Default `user:approver`."),
        key("comment", Shape::Text, "What they say."),
    ],
};

static ACT: Mapping = Mapping {
    name: "an act",
    keys: &[
        key(
            "at",
            Shape::Duration(0),
            "Required: how long after the run was made; it comes before whatever else is due then.",
        ),
        key(
            "cancel",
            Shape::OneOf(&[Shape::Bool, Shape::Words(|| vec!["now"], never)]),
            "Stops the run; `now`: its `finally` too.",
        ),
        key("pause", Shape::Bool, "Starts nothing more of the run."),
        key("resume", Shape::Bool, "Lets the run go on."),
        key("retry", TASKS, "Runs parts again: `failed` for all that has failed, or these tasks."),
        key("retry_from", Shape::Text, "Runs this task again, and all that needs it."),
        key("hold", TASKS, "Stops tasks before they start."),
        key("release", TASKS, "Lets tasks go on that are held."),
        key("skip", TASKS, "Passes tasks over."),
        key("requeue", TASKS, "Stops tasks, and has them wait in the queue again."),
        key("mark", Shape::Mapping(&MARK), "Says how a task has ended."),
        key(
            "rollback",
            Shape::OneOf(&[Shape::Bool, Shape::Text, Shape::List(&Shape::Text)]),
            "Undoes the run, or these tasks and what was built on them.",
        ),
        key("crash", Shape::Bool, "The daemon dies, and starts again from what is on disk."),
        key("by", Shape::Text, "Who does it. Default `user:test`."),
        key("comment", Shape::Text, "What they say."),
    ],
};

const TASKS: Shape = Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text)]);

static MARK: Mapping = Mapping {
    name: "`mark`",
    keys: &[
        key("task", Shape::Text, "Required: which task."),
        key(
            "as",
            Shape::Words(|| vec!["success", "failed", "undone"], never),
            "Required: how it has ended.",
        ),
        key("outputs", Shape::Named(&OUTPUT, &Shape::Any), "What it has given back."),
    ],
};

static EXPECT: Mapping = Mapping {
    name: "an expectation",
    keys: &[
        key(
            "run",
            Shape::Words(|| RUN_WORDS.to_vec(), never),
            "The state of the run. A run that has not ended fails the test, unless its state is expected here.",
        ),
        key(
            "tasks",
            Shape::Named(
                &TASK_PATH,
                &Shape::OneOf(&[
                    Shape::Words(|| TASK_WORDS.to_vec(), never),
                    Shape::Mapping(&EXPECTED_TASK),
                ]),
            ),
            "The state of tasks, by `task`, `task:item` or `undo@task`, or more of them.",
        ),
        key(
            "counts",
            Shape::Mapping(&COUNTS),
            "How many tasks are in a state; of a task with `map`, its items count.",
        ),
        key(
            "order",
            Shape::List(&Shape::Text),
            "Tasks of which each has ended before the next one starts.",
        ),
        key("duration", Shape::Duration(0), "How long the run takes, to the millisecond."),
        key("within", Shape::Duration(0), "How long the run takes at most."),
        key(
            "expressions",
            Shape::OneOf(&[Shape::Expr, Shape::List(&Shape::Expr)]),
            "What must be true in the end, of `tasks`, `run` and `params`.",
        ),
    ],
};

static EXPECTED_TASK: Mapping = Mapping {
    name: "an expected task",
    keys: &[
        key("state", Shape::Words(|| TASK_WORDS.to_vec(), never), "Its state."),
        key(
            "outcome",
            Shape::Text,
            "How its last attempt, or it, has ended: a word such as `exit`, `timeout`, `rejected`, `expired`, `check_failed`; `exit(1)` is closer.",
        ),
        key("reason", Shape::Text, "A part of why it has ended so."),
        key("exit", Shape::Int(0, 255), "The exit code of its last attempt."),
        key("attempts", Shape::Int(0, 1_000_000), "How many attempts it has had."),
        key("failed_items", Shape::Int(0, 1_000_000), "How many of its items have failed."),
        key(
            "outputs",
            Shape::Named(&OUTPUT, &Shape::Any),
            "What it has given back; others are not looked at.",
        ),
        key(
            "started_at",
            Shape::Duration(0),
            "How long after the run was made its first attempt starts, to the millisecond.",
        ),
        key(
            "ended_at",
            Shape::Duration(0),
            "How long after the run was made it ends, to the millisecond.",
        ),
        key("within", Shape::Duration(0), "How long it takes at most, with all attempts."),
    ],
};

const COUNT: Shape = Shape::Int(0, 1_000_000);

static COUNTS: Mapping = Mapping {
    name: "`counts`",
    keys: &[
        key("succeeded", COUNT, "How many have succeeded."),
        key("failed", COUNT, "How many have failed."),
        key("skipped", COUNT, "How many were skipped."),
        key("upstream_failed", COUNT, "How many did not run since a need had failed."),
        key("cancelled", COUNT, "How many were cancelled."),
        key("held", COUNT, "How many are held."),
        key("awaiting_approval", COUNT, "How many wait for a person."),
        key("waiting", COUNT, "How many wait for their needs."),
        key("rolled_back", COUNT, "How many were undone."),
        key("rollback_failed", COUNT, "How many could not be undone."),
    ],
};
