//! Everything that can be wrong with a workflow file: its code, its sentence, and what to do about it.

use shared::diagnostic::{Severity, nearest};
use shared::expr::ExprError;

use crate::yaml::{ALIASES_MAX, BYTES_MAX, DEPTH_MAX, NODES_MAX};

/// The longest script or argument list in bytes: Linux takes at most 128 KiB as one argument.
pub(crate) const SCRIPT_BYTES_MAX: usize = 100 * 1_024;

/// One thing that is wrong.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the file is not UTF-8 text")]
    NotUtf8,
    #[error("the file is {0} bytes long, {BYTES_MAX} are allowed")]
    TooLarge(usize),
    #[error("this is no YAML: {0}")]
    Syntax(String),
    #[error("lists and mappings lie more than {DEPTH_MAX} deep in each other")]
    TooDeep,
    #[error("the file holds more than {NODES_MAX} values")]
    TooManyValues,
    #[error("the file holds more than {ALIASES_MAX} aliases")]
    TooManyAliases,
    #[error("the tag `{0}` means nothing here")]
    Tag(String),
    #[error("the file holds more than one document")]
    ManyDocuments,
    #[error("the file is empty")]
    Empty,
    #[error("the key `{0}` stands twice in one mapping")]
    DuplicateKey(String),
    #[error("a key is {0}, and should be a text")]
    KeyNotText(String),

    #[error("{key} is {found}, and should be {expected}")]
    WrongType { key: String, found: String, expected: String, example: String },
    #[error("`{key}` is not a key of {mapping}")]
    UnknownKey { key: String, mapping: &'static str, known: Vec<&'static str> },
    #[error("{what} is not supported yet")]
    NotSupported { what: String },
    #[error("{mapping} has no `{key}`")]
    MissingKey { mapping: String, key: &'static str },
    #[error("`{name}` is not {expected}")]
    BadName { name: String, expected: &'static str, rule: &'static str },
    #[error("`{found}` is not a value of `{key}`")]
    UnknownWord { key: String, found: String, known: Vec<&'static str> },
    #[error("`{found}` is out of range for `{key}`")]
    OutOfRange { key: String, found: String, expected: String },
    #[error("`{found}` is no amount of `{what}`")]
    NotAnAmount { what: String, found: String, expected: &'static str },
    #[error("`{0}` is not a duration")]
    BadDuration(String),
    #[error("`{key}` does nothing in {kind}")]
    Misplaced { key: &'static str, kind: &'static str, help: &'static str },
    #[error("{0}")]
    Conflict(String, &'static str),

    #[error("the workflow has no task")]
    NoTasks,
    #[error("the task `{0}` does nothing")]
    NoKind(String),
    #[error("the task `{task}` is of two kinds, `{first}` and `{second}`")]
    ManyKinds { task: String, first: &'static str, second: &'static str },
    #[error("the task `{0}` stands in `tasks` and in `finally`")]
    DuplicateTask(String),
    #[error("`{task}` needs `{need}`, which is not a task of this workflow")]
    UnknownNeed { task: String, need: String, near: Option<String> },
    #[error("`{task}` needs `{need}`, which is in {section}")]
    OtherSection { task: String, need: String, section: &'static str },
    #[error("`{0}` needs itself")]
    SelfNeed(String),
    #[error("`{task}` needs `{need}` twice")]
    DuplicateNeed { task: String, need: String },
    #[error("the needs go in a circle: {0}")]
    Cycle(String),
    #[error("`{key}` does nothing on the group `{group}`")]
    OnGroup { key: String, group: String, inner: String },
    #[error("`{inner}` has a map, and runs once an item of `{group}` already")]
    NestedMap { inner: String, group: String },
    #[error("`{task}` needs `{need}`, which runs once an item of `{group}`")]
    NeedsInner { task: String, need: String, group: String },
    #[error("`{task}` reads `tasks.{group}`, which it is part of")]
    ReadsAround { task: String, group: String },

    #[error("{what} is {bytes} bytes long, {SCRIPT_BYTES_MAX} are allowed")]
    TooLong { what: &'static str, bytes: usize },
    #[error("a text with a NUL character cannot be given to a program")]
    Nul,
    #[error("`{found}` stands in a script")]
    TemplateInScript { found: String, variable: String },
    #[error("cannot read `{path}`: {reason}")]
    UnreadableFile { path: String, reason: String },
    #[error("the item `{0}` stands twice in `over`")]
    DuplicateItem(String),

    #[error("`{text}`: {error}")]
    BadExpression { text: String, error: ExprError },
    #[error("`{name}` is not known here")]
    UnknownName { name: String, known: Vec<String> },
    #[error("there is no parameter `{name}`")]
    UnknownParam { name: String, near: Option<String> },
    #[error("the parameter `{0}` comes later than this one")]
    LaterParam(String),
    #[error("there is no task `{name}`")]
    UnknownTask { name: String, near: Option<String> },
    #[error("a task has no `{part}`")]
    UnknownPart { part: String, known: &'static [&'static str] },
    #[error("`{0}` reads `tasks.{0}`, which is itself")]
    SelfRead(String),
    #[error("`{task}` reads `tasks.{read}` but does not need it, so it may not have ended")]
    NotUpstream { task: String, read: String },
    #[error("`{task}` reads `tasks.{read}`, which is in `finally`")]
    ReadsFinally { task: String, read: String },
    #[error("`tasks.{0}` is read as a subtraction")]
    DashedName(String),
    #[error("`{whole}` is read without the name of a task")]
    WholeTasks { whole: &'static str },
    #[error("the default of `{name}`: {reason}")]
    BadDefault { name: String, reason: String },

    #[error("no timeout is written for {0}")]
    NoTimeout(String),
    #[error("a run that fails is rolled back, but no task can be undone")]
    NothingToUndo,
}

impl Problem {
    /// Something that must hold something holds nothing.
    pub(crate) fn empty(key: &str, expected: &str) -> Self {
        let (key, found) = (format!("`{key}`"), "empty".to_owned());
        Self::WrongType { key, found, expected: expected.to_owned(), example: String::new() }
    }

    pub(crate) fn out_of_range(key: &str, found: &str, expected: String) -> Self {
        Self::OutOfRange { key: key.to_owned(), found: found.to_owned(), expected }
    }

    pub(crate) fn severity(&self) -> Severity {
        match self {
            Self::NoTimeout(_) | Self::NothingToUndo => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// A stable word for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::TooLarge(_) => "too_large",
            Self::Syntax(_) => "syntax",
            Self::TooDeep => "too_deep",
            Self::TooManyValues => "too_many_values",
            Self::TooManyAliases => "too_many_aliases",
            Self::Tag(_) => "tag",
            Self::ManyDocuments => "many_documents",
            Self::Empty => "empty",
            Self::DuplicateKey(_) => "duplicate_key",
            Self::KeyNotText(_) => "key_not_text",
            Self::WrongType { .. } => "wrong_type",
            Self::UnknownKey { .. } => "unknown_key",
            Self::NotSupported { .. } => "not_supported",
            Self::MissingKey { .. } => "missing_key",
            Self::BadName { .. } => "bad_name",
            Self::UnknownWord { .. } => "unknown_word",
            Self::OutOfRange { .. } => "out_of_range",
            Self::NotAnAmount { .. } => "bad_amount",
            Self::BadDuration(_) => "bad_duration",
            Self::Misplaced { .. } => "misplaced_key",
            Self::Conflict(..) => "conflict",
            Self::NoTasks => "no_tasks",
            Self::NoKind(_) => "no_kind",
            Self::ManyKinds { .. } => "many_kinds",
            Self::DuplicateTask(_) => "duplicate_task",
            Self::UnknownNeed { .. } => "unknown_need",
            Self::OtherSection { .. } => "other_section",
            Self::SelfNeed(_) => "self_need",
            Self::DuplicateNeed { .. } => "duplicate_need",
            Self::Cycle(_) => "cycle",
            Self::OnGroup { .. } => "misplaced_key",
            Self::NestedMap { .. } => "nested_map",
            Self::NeedsInner { .. } => "needs_inner",
            Self::ReadsAround { .. } => "reads_around",
            Self::TooLong { .. } => "too_long",
            Self::Nul => "nul",
            Self::TemplateInScript { .. } => "template_in_script",
            Self::UnreadableFile { .. } => "unreadable_file",
            Self::DuplicateItem(_) => "duplicate_item",
            Self::BadExpression { .. } => "bad_expression",
            Self::UnknownName { .. } => "unknown_name",
            Self::UnknownParam { .. } => "unknown_param",
            Self::LaterParam(_) => "later_param",
            Self::UnknownTask { .. } => "unknown_task",
            Self::UnknownPart { .. } => "unknown_part",
            Self::NotUpstream { .. } => "not_upstream",
            Self::SelfRead(_) => "self_read",
            Self::ReadsFinally { .. } => "reads_finally",
            Self::DashedName(_) => "dashed_name",
            Self::WholeTasks { .. } => "whole_tasks",
            Self::BadDefault { .. } => "bad_default",
            Self::NoTimeout(_) => "no_timeout",
            Self::NothingToUndo => "nothing_to_undo",
        }
    }

    /// What the author can do about it.
    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::NotUtf8 => "save it as UTF-8".to_owned(),
            Self::TooLarge(_) => {
                "move scripts into files of their own: `run: { file: path }`".to_owned()
            }
            Self::Syntax(_) => {
                "check indentation, quotes and brackets here and in the line before".to_owned()
            }
            Self::TooDeep | Self::TooManyValues => {
                "make it smaller, or compute it in a task".to_owned()
            }
            Self::TooManyAliases => "write values out, or give them as parameters".to_owned(),
            Self::Tag(_) => "drop the tag; quote the value if it is a text".to_owned(),
            Self::ManyDocuments => "keep one workflow a file".to_owned(),
            Self::Empty | Self::NoTasks => {
                "a workflow needs a task: `tasks: { hello: { run: echo hello } }`".to_owned()
            }
            Self::DuplicateKey(_) => "drop one of the two".to_owned(),
            Self::KeyNotText(_) => "write a name as the key".to_owned(),
            Self::NotAnAmount { expected, .. } => format!("write {expected}"),
            Self::WrongType { key, found, .. } if found == "empty" => {
                format!("give it a value, or drop {key}")
            }
            Self::WrongType { example, .. } => format!("write it as in {example}"),
            Self::UnknownKey { key, mapping, known } => match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys of {mapping} are {}", known.join(", ")),
            },
            Self::NotSupported { .. } => {
                "leave it out; `runyard schema` describes what is supported".to_owned()
            }
            Self::MissingKey { key, .. } => format!("add `{key}:`"),
            Self::BadName { rule, .. } => (*rule).to_owned(),
            Self::UnknownWord { found, known, .. } => match nearest(found, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of {}", known.join(", ")),
            },
            Self::OutOfRange { expected, .. } => format!("write {expected}"),
            Self::BadDuration(text) if text.parse::<u64>().is_ok() => {
                format!("add a unit, such as `{text}s`")
            }
            Self::BadDuration(_) => {
                "write numbers and units, such as 500ms, 30s, 10m, 1h30m, 2d".to_owned()
            }
            Self::Misplaced { help, .. } | Self::Conflict(_, help) => (*help).to_owned(),
            Self::NoKind(_) => "give it one of run, exec, wait, approval, check, publish, tasks".to_owned(),
            Self::ManyKinds { .. } => {
                "make two tasks of it, one of which needs the other".to_owned()
            }
            Self::DuplicateTask(_) => "give one of them another name".to_owned(),
            Self::UnknownNeed { near: Some(near), .. }
            | Self::UnknownTask { near: Some(near), .. }
            | Self::UnknownParam { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::UnknownNeed { need, .. } => {
                format!("add a task named `{need}`, or drop the need")
            }
            Self::OtherSection { section: "`tasks`", .. } => {
                "drop the need: `finally` starts when all of `tasks` has ended".to_owned()
            }
            Self::OtherSection { .. } | Self::ReadsFinally { .. } => {
                "move one of them: `finally` runs after all of `tasks`".to_owned()
            }
            Self::SelfNeed(_) | Self::DuplicateNeed { .. } => "drop the need".to_owned(),
            Self::Cycle(_) => {
                "each task here needs the one behind its arrow: drop one of these needs".to_owned()
            }
            Self::OnGroup { key, inner, .. } => {
                format!("write `{key}` on the tasks in it that it is meant for, such as `{inner}`")
            }
            Self::NestedMap { .. } => {
                "make one list of both in a task before, and map over that; or take the inner map out into a task that needs the group".to_owned()
            }
            Self::NeedsInner { group, .. } => {
                format!("need `{group}`: it has ended when all of its items have")
            }
            Self::ReadsAround { .. } => {
                "read the tasks in it that have ended before, by their names".to_owned()
            }
            Self::TooLong { .. } => "move it into a file, and run that".to_owned(),
            Self::Nul => "write it without NUL".to_owned(),
            Self::TemplateInScript { variable, .. } if variable.starts_with("RUNYARD_") => {
                format!("write `\"${variable}\"` in the script")
            }
            Self::TemplateInScript { found, variable } => format!(
                "add `env: {{ {variable}: \"{found}\" }}` to the task and write `\"${variable}\"` in the script"
            ),
            Self::UnreadableFile { .. } => "give its path relative to the workflow file".to_owned(),
            Self::DuplicateItem(_) => {
                "drop one of the two: items are addressed by their text".to_owned()
            }
            Self::BadExpression { error, .. } => error.help(),
            Self::UnknownName { name, known } => {
                match nearest(name, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", known.join(", ")),
                }
            }
            Self::UnknownParam { name, .. } => format!("add `{name}` to `params`"),
            Self::LaterParam(_) => "move it up: defaults are computed in file order".to_owned(),
            Self::UnknownTask { name, .. } => format!("add a task named `{name}`"),
            Self::UnknownPart { part, known } => match nearest(part, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", known.join(", ")),
            },
            Self::NotUpstream { task, read } => format!("add `{read}` to the needs of `{task}`"),
            Self::SelfRead(_) => {
                "judge its own results in `expect`, as `outputs`, `exit`, `duration`".to_owned()
            }
            Self::DashedName(name) => format!("write `tasks['{name}']`"),
            Self::WholeTasks { .. } => "write `tasks.NAME`, with the name as it is".to_owned(),
            Self::BadDefault { .. } => "change the default or the type".to_owned(),
            Self::NoTimeout(_) => {
                "add `timeout:` to it, or once for all to `defaults`; without, 24 h are allowed"
                    .to_owned()
            }
            Self::NothingToUndo => {
                "add `rollback:` to the tasks that change something, or write `on_run_failure: keep`"
                    .to_owned()
            }
        };
        Some(help)
    }
}
