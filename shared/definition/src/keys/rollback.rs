//! The keys of what undoes work, and of what has an undo of its own.

use super::task::{RETRY, SCRIPT_FILE, TIMEOUT};
use super::{DATASET, key, later, never};
use crate::shape::{Mapping, Shape};

pub(super) static ROLLBACK: Mapping = Mapping {
    name: "`rollback`",
    keys: &[
        key(
            "run",
            Shape::OneOf(&[Shape::Text, Shape::Mapping(&SCRIPT_FILE)]),
            "A script that undoes it: its text, or the file that holds it. Takes no `{{ … }}`: it has the task's `env`, and each output as `$RUNYARD_OUTPUT_NAME`.",
        ),
        key(
            "exec",
            Shape::List(&Shape::Template),
            "A program that undoes it and its arguments, run without a shell; `outputs.NAME` is an output of the task.",
        ),
        key(
            "shell",
            Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text)]),
            "What runs the script. Default: the `shell` of the task.",
        ),
        key(
            "retry",
            Shape::OneOf(&[Shape::Int(0, 10_000), Shape::Mapping(&RETRY)]),
            "What follows a failed undo: how many more attempts, or a mapping. Default 0, whatever the task or `defaults` say.",
        ),
        key(
            "timeout",
            Shape::OneOf(&[Shape::Duration(1), Shape::Mapping(&TIMEOUT)]),
            "How long an undo may take. Default 24h, whatever the task or `defaults` say.",
        ),
        key(
            "also_failed",
            Shape::Bool,
            "Whether it is undone even if it has failed. Default `false`: only what has succeeded is.",
        ),
        later("python"),
        later("sql"),
        later("notebook"),
    ],
};

pub(super) static PUBLISH: Mapping = Mapping {
    name: "`publish`",
    keys: &[
        key("dataset", Shape::Name(&DATASET), "The dataset that is updated."),
        key(
            "from",
            Shape::Template,
            "Required: the file or folder that is moved, relative to `$RUNYARD_RUN_DIR`.",
        ),
        key(
            "to",
            Shape::Template,
            "Required: the path that it gets, relative to the workflow file.",
        ),
        key(
            "keep",
            Shape::Int(1, 10_000),
            "How many of the versions are kept that it has replaced. Default 5.",
        ),
    ],
};

pub(super) static ON_RUN_FAILURE: Mapping = Mapping {
    name: "`on_run_failure`",
    keys: &[
        key(
            "when",
            Shape::Expr,
            "The run is rolled back only if this is true; asked once all tasks have ended. Default: always.",
        ),
        key(
            "parallel",
            Shape::Int(1, 10_000),
            "How many tasks may be undone at once, if none is built on another. Default 1.",
        ),
        key(
            "on_undo_failure",
            Shape::Words(|| ON_UNDO_FAILURE.map(|it| it.0).to_vec(), never),
            "When an undo has failed for good, what its task was built on stays as it is (`wait`) or is undone all the same (`continue`). Default `wait`.",
        ),
    ],
};

/// Whether a run that fails is rolled back.
pub(crate) const ON_RUN_FAILURE_WORDS: [(&str, bool); 2] = [("keep", false), ("roll_back", true)];

/// Whether what a failed undo was built on is undone all the same.
pub(crate) const ON_UNDO_FAILURE: [(&str, bool); 2] = [("wait", false), ("continue", true)];
