//! The checked tree → a draft of the workflow: shorthands and defaults resolved, expressions parsed.
//!
//! The draft of a file with errors has placeholders where something is wrong; it serves to find further errors only.

mod group;
mod kind;
mod param;
mod publish;
mod reader;
mod retry;
mod rollback;
mod script;
mod task;
mod test;

use std::time::Duration;

use shared::workflow::test::Test;
use shared::workflow::{
    AfterPrevious, Concurrency, Deadline, Docs, OnRunFailure, Priority, Retry, Section, Timeout,
    WhenFull, Workflow,
};

pub(crate) use reader::{Scope, Use};
pub(crate) use task::TaskPlaces;

use crate::keys;
use crate::problem::Problem;
use crate::yaml::{Node, Place, Value};
use crate::{Source, report::Report};
use reader::{Reader, duration, place_of_file, read_word, texts};

/// Gives the text of a file that a workflow names, or says why not.
pub(crate) type ReadFile<'f> = &'f dyn Fn(&str) -> Result<String, String>;

/// A workflow with what is needed to check it.
pub(crate) struct Draft {
    pub(crate) workflow: Workflow,
    /// Its own tests.
    pub(crate) tests: Vec<Test>,
    /// Of each task of the workflow where it and its needs stand.
    pub(crate) places: Vec<TaskPlaces>,
    /// Every expression.
    pub(crate) uses: Vec<Use>,
    /// Where `tasks` stands, if it holds none.
    pub(crate) no_tasks: Option<Place>,
    /// Where it is said that a run that fails is rolled back, if it is.
    pub(crate) roll_back: Option<Place>,
}

/// What holds for tasks that do not say otherwise.
struct Defaults {
    pool: String,
    timeout: Option<Timeout>,
    retry: Option<Retry>,
    kill_grace: Duration,
}

/// Reads a tree that has the right shape where `report` says nothing else.
pub(crate) fn read(
    source: &Source<'_>,
    root: &Node,
    read_file: ReadFile<'_>,
    report: &mut Report<'_>,
) -> Draft {
    let mut reader = Reader { report, read_file, uses: Vec::new() };
    let text = |key: &str| root.get(key).and_then(Node::text).map(str::to_owned);
    let defaults = read_defaults(root.get("defaults"));
    let params = param::read(root, &mut reader);
    let env = reader.env(root.get("env"), &Scope::of_workflow());
    let mut workflow = Workflow {
        name: read_name(source, root, &mut reader).as_str().into(),
        version: "".into(),
        description: text("description"),
        owner: text("owner"),
        tags: texts(root.get("tags")),
        docs: read_docs(root.get("docs")),
        folder: source.folder.to_owned(),
        params,
        priority: root.get("priority").and_then(read_priority).unwrap_or(Priority::NORMAL),
        concurrency: read_concurrency(root.get("concurrency"), &mut reader),
        deadline: root
            .get("deadline")
            .and_then(|it| it.get("within"))
            .and_then(duration)
            .map(|within| Deadline { within }),
        tasks: Vec::new(),
        timeout: root.get("timeout").and_then(duration),
        on_run_failure: rollback::read_policy(root.get("on_run_failure"), &mut reader),
    };
    let mut places = Vec::new();
    for (key, section) in [("tasks", Section::Main), ("finally", Section::Finally)] {
        for entry in root.get(key).map_or(&[][..], Node::entries) {
            let shared = task::Shared {
                section,
                env: &env,
                defaults: &defaults,
                number: places.len(),
                group: None,
            };
            group::read(entry, &shared, &mut workflow.tasks, &mut places, &mut reader);
        }
    }
    group::resolve_needs(&mut workflow.tasks);
    let tests = test::read(root.get("tests"), &workflow, &mut reader);
    let tasks = root.entry("tasks");
    let no_tasks = tasks.filter(|it| matches!(&it.value.value, Value::Map(all) if all.is_empty()));
    let is_kept = workflow.on_run_failure == OnRunFailure::Keep;
    let roll_back = root.entry("on_run_failure").filter(|_| !is_kept);
    Draft {
        workflow,
        tests,
        places,
        uses: reader.uses,
        no_tasks: no_tasks.map(|it| it.place),
        roll_back: roll_back.map(|it| it.place),
    }
}

/// The name, or that of the file without its ending.
fn read_name(source: &Source<'_>, root: &Node, reader: &mut Reader<'_, '_, '_>) -> String {
    if let Some(name) = root.get("name").and_then(Node::text) {
        return name.to_owned();
    }
    let file = source.file.rsplit('/').next().unwrap_or_default();
    let stem = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")).unwrap_or(file);
    if !(keys::WORKFLOW_NAME.fits)(stem) && root.get("name").is_none() {
        let problem = Problem::BadName {
            name: stem.to_owned(),
            expected: keys::WORKFLOW_NAME.what,
            rule: "add `name:` with one, or rename the file",
        };
        reader.report.add(place_of_file(), problem);
    }
    stem.to_owned()
}

fn read_docs(node: Option<&Node>) -> Docs {
    let text = |key: &str| node?.get(key)?.text().map(str::to_owned);
    Docs {
        purpose: text("purpose"),
        depends_on: text("depends_on"),
        outputs: text("outputs"),
        consumers: texts(node.and_then(|it| it.get("consumers"))),
        runbook: text("runbook"),
    }
}

fn read_priority(node: &Node) -> Option<Priority> {
    Priority::read(node.text()?)
}

fn read_concurrency(node: Option<&Node>, reader: &mut Reader<'_, '_, '_>) -> Concurrency {
    let get = |key: &str| node.and_then(|it| it.get(key));
    let default = Concurrency::default();
    let max_runs = get("max_runs").and_then(Node::int).and_then(|it| u32::try_from(it).ok());
    let when_full: Option<WhenFull> =
        get("when_full").and_then(|it| read_word(it, &keys::WHEN_FULL));
    let after_previous: AfterPrevious = get("after_previous")
        .and_then(|it| read_word(it, &keys::AFTER_PREVIOUS))
        .unwrap_or_default();
    let jumps = matches!(when_full, Some(WhenFull::Allow | WhenFull::CancelOldest));
    if let (AfterPrevious::Succeeded, true, Some(node)) = (after_previous, jumps, get("when_full"))
    {
        let message = "a run that follows only a success waits, and so is never one too many";
        let help = "write `when_full: queue`, or drop `after_previous`";
        reader.report.add(node.place, Problem::Conflict(message.to_owned(), help));
    }
    Concurrency {
        max_runs: max_runs.unwrap_or(default.max_runs),
        when_full: when_full.unwrap_or(default.when_full),
        key: get("key").and_then(|it| reader.template(it, &Scope::of_param(usize::MAX))),
        after_previous,
    }
}

fn read_defaults(node: Option<&Node>) -> Defaults {
    let get = |key: &str| node.and_then(|it| it.get(key));
    Defaults {
        pool: get("pool").and_then(Node::text).unwrap_or("local").to_owned(),
        timeout: get("timeout").map(retry::read_timeout),
        retry: get("retry").map(|it| retry::read(it, Retry::default())),
        kill_grace: get("kill_grace").and_then(duration).unwrap_or(Duration::from_secs(10)),
    }
}
