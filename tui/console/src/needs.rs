//! What needs a person, in order of harm.

use std::time::Duration;

use shared::id::{PoolName, RunId, TaskPath, WorkflowName};
use shared::time::Timestamp;

use crate::app::App;

/// For how long a run that has failed is told.
const FAILED_FOR: Duration = Duration::from_secs(24 * 3_600);
/// How long a task may wait for a slot before it is told.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// One thing that needs a person.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Need {
    pub(crate) of: NeedOf,
    /// The word of the state that it is shown with.
    pub(crate) state: &'static str,
    /// What it is, in one word.
    pub(crate) word: &'static str,
    /// What it is about.
    pub(crate) what: String,
    /// What there is to say.
    pub(crate) text: String,
    pub(crate) since: Option<Timestamp>,
}

/// What needs a person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum NeedOf {
    Store,
    Pool(PoolName),
    Run(RunId),
    Approval(RunId, TaskPath),
    Workflow(WorkflowName),
    Queue(PoolName),
}

/// Everything that needs a person: a store that cannot be written, pools that are down, undos and runs that failed within
/// a day, approvals, workflows whose file is broken, queues in which something waits for long.
pub(crate) fn all(app: &App) -> Vec<Need> {
    let mut needs = Vec::new();
    needs.extend(store(app));
    needs.extend(pools(app));
    needs.extend(runs(app, "rollback_failed"));
    needs.extend(runs(app, "failed"));
    needs.extend(approvals(app));
    needs.extend(workflows(app));
    needs.extend(queues(app));
    needs
}

fn store(app: &App) -> Option<Need> {
    let daemon = app.store.daemon.as_ref()?;
    let bad = !daemon.store.is_empty() && daemon.store != "ok";
    bad.then(|| Need {
        of: NeedOf::Store,
        state: "broken",
        word: "store",
        what: "nothing can be written".to_owned(),
        text: daemon.store.clone(),
        since: None,
    })
}

fn pools(app: &App) -> impl Iterator<Item = Need> {
    app.store.pools.values().filter(|it| it.state == "down").map(|it| Need {
        of: NeedOf::Pool(it.name.clone()),
        state: "down",
        word: "pool",
        what: it.name.to_string(),
        text: format!("its runner cannot be reached, {} wait", it.queued),
        since: it.oldest,
    })
}

fn runs<'a>(app: &'a App, state: &'static str) -> impl Iterator<Item = Need> + 'a {
    let rows = app.store.order.iter().filter_map(|id| app.store.run_row(*id));
    let failed = rows.filter(move |it| {
        it.state == state && it.ended.is_none_or(|at| app.now.since(at) < FAILED_FOR)
    });
    failed.map(move |it| Need {
        of: NeedOf::Run(it.id),
        state,
        word: "failed",
        what: format!("{}#{}", it.workflow, it.number),
        text: it.reason.clone().unwrap_or_default(),
        since: it.ended,
    })
}

fn approvals(app: &App) -> impl Iterator<Item = Need> {
    app.store.approvals.iter().map(|it| Need {
        of: NeedOf::Approval(it.run, it.task.as_str().into()),
        state: "awaiting_approval",
        word: "approve",
        what: format!("{} / {}", it.label, it.task),
        text: it.message.clone(),
        since: Some(it.since),
    })
}

fn workflows(app: &App) -> impl Iterator<Item = Need> {
    app.store.workflows.values().filter(|it| it.state == "broken").map(|it| Need {
        of: NeedOf::Workflow(it.name.clone()),
        state: "broken",
        word: "file",
        what: it.name.to_string(),
        text: it.problems.first().cloned().unwrap_or_default(),
        since: None,
    })
}

fn queues(app: &App) -> impl Iterator<Item = Need> {
    let waits = |it: &&shared::snapshot::PoolRow| {
        it.state == "up" && it.oldest.is_some_and(|at| app.now.since(at) > WAIT_MAX)
    };
    app.store.pools.values().filter(waits).map(|it| Need {
        of: NeedOf::Queue(it.name.clone()),
        state: "queued",
        word: "queue",
        what: format!("pool {}", it.name),
        text: format!("{} waiting", it.queued),
        since: it.oldest,
    })
}
