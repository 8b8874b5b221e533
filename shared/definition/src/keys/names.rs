//! How names are written.

use crate::shape::NameRule;

pub(crate) static WORKFLOW_NAME: NameRule = NameRule {
    what: "the name of a workflow",
    help: "use at most 63 of a-z, 0-9 and `-`, a letter or digit first",
    pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
    fits: |text| fits(text, 63, lower_or_digit, |it| lower_or_digit(it) || it == '-'),
    later: &[],
};

pub(crate) static TASK_NAME: NameRule = NameRule {
    what: "the name of a task",
    help: "use at most 63 of a-z, 0-9, `_` and `-`, a letter or digit first",
    pattern: "^[a-z0-9][a-z0-9_-]{0,62}$",
    fits: |text| fits(text, 63, lower_or_digit, |it| lower_or_digit(it) || matches!(it, '_' | '-')),
    later: &[],
};

/// One of a task, an item or an undo, or a form of several. That there is such a task is another check.
pub(crate) static TASK_PATH: NameRule = NameRule {
    what: "the name of a task",
    help: "write `task`, `task:item` or `undo@task`",
    pattern: "^.+$",
    fits: |text| !text.is_empty(),
    later: &[],
};

pub(crate) static POOL: NameRule = NameRule {
    what: "the name of a pool",
    help: TASK_NAME.help,
    pattern: TASK_NAME.pattern,
    fits: TASK_NAME.fits,
    later: &[],
};

pub(crate) static RESOURCE: NameRule = NameRule {
    what: "the name of a resource",
    help: TASK_NAME.help,
    pattern: TASK_NAME.pattern,
    fits: TASK_NAME.fits,
    later: &[],
};

pub(crate) static DATASET: NameRule = NameRule {
    what: "the name of a dataset",
    help: TASK_NAME.help,
    pattern: TASK_NAME.pattern,
    fits: TASK_NAME.fits,
    later: &[],
};

pub(crate) static PARAM: NameRule = NameRule {
    what: "the name of a parameter",
    help: "use at most 63 of a-z, 0-9 and `_`, no digit first",
    pattern: "^[a-z_][a-z0-9_]{0,62}$",
    fits: |text| {
        fits(
            text,
            63,
            |it| it.is_ascii_lowercase() || it == '_',
            |it| lower_or_digit(it) || it == '_',
        )
    },
    later: &[],
};

pub(crate) static ITEM: NameRule = NameRule {
    what: "a free name for an item",
    help: "use a-z, 0-9 and `_`, and none of params, run, interval, trigger, tasks, env",
    pattern: PARAM.pattern,
    fits: |text| {
        (PARAM.fits)(text)
            && ![
                "params", "run", "interval", "trigger", "tasks", "env", "value", "rows", "outputs",
                "exit", "duration", "pools", "system", "history", "vars",
            ]
            .contains(&text)
    },
    later: &[],
};

pub(crate) static ENV: NameRule = NameRule {
    what: "a free name for a variable",
    help: "use letters, digits and `_`, no digit first; names that start with RUNYARD_ are taken",
    pattern: "^(?!RUNYARD_)[A-Za-z_][A-Za-z0-9_]*$",
    fits: |text| fits(text, 255, word_start, word) && !text.starts_with("RUNYARD_"),
    later: &[],
};

pub(crate) static OUTPUT: NameRule = NameRule {
    what: "the name of an output",
    help: "use at most 63 letters, digits and `_`, no digit first",
    pattern: "^[A-Za-z_][A-Za-z0-9_]{0,62}$",
    fits: |text| fits(text, 63, word_start, word),
    later: &[],
};

fn fits(text: &str, longest: usize, first: fn(char) -> bool, rest: fn(char) -> bool) -> bool {
    text.len() <= longest && text.starts_with(first) && text.chars().all(rest)
}

fn lower_or_digit(it: char) -> bool {
    it.is_ascii_lowercase() || it.is_ascii_digit()
}

fn word_start(it: char) -> bool {
    it.is_ascii_alphabetic() || it == '_'
}

fn word(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_'
}
