//! What needs a person, in order of harm.

pub(crate) mod failed;

use std::time::Duration;

use shared::id::{PoolName, RunId, TaskPath, WorkflowName};
use shared::snapshot::{ApprovalRow, PauseView, PoolRow, RunRow};
use shared::time::Timestamp;

use crate::app::App;
use crate::format;

/// How long a task may wait for a slot before it is told.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(300);

/// So long before its end an approval comes before what has failed already.
const URGENT: Duration = Duration::from_secs(300);

/// The most held tasks that are named.
const HELD_MAX: usize = 3;

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
    /// What there is to say, what matters most first.
    pub(crate) text: String,
    pub(crate) since: Option<Timestamp>,
}

/// What needs a person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum NeedOf {
    Store,
    /// Everything is paused.
    All,
    Pool(PoolName),
    Run(RunId),
    Approval(RunId, TaskPath),
    Workflow(WorkflowName),
    Queue(PoolName),
}

/// Everything that needs a person: a store that cannot be written; a pause of everything; approvals that are about to
/// expire; pools that are down; undos that failed, and runs that failed where no later one of their workflow has succeeded;
/// the other approvals, those that expire first at the head; pauses that hold something back; held tasks; workflows whose
/// file is broken; queues in which something waits for long; and pauses that hold nothing back.
pub(crate) fn all(app: &App) -> Vec<Need> {
    let (harmful, idle): (Vec<_>, Vec<_>) = pauses(app).partition(|it| it.1);
    let (urgent, others): (Vec<_>, Vec<_>) = approvals(app).into_iter().partition(|it| it.1);
    let (urgent, others) = (urgent.into_iter().map(|it| it.0), others.into_iter().map(|it| it.0));
    let mut needs = Vec::new();
    needs.extend(store(app));
    needs.extend(everything(app));
    needs.extend(urgent);
    needs.extend(pools(app));
    needs.extend(failed::all(app));
    needs.extend(others);
    needs.extend(harmful.into_iter().map(|it| it.0));
    needs.extend(held(app));
    needs.extend(workflows(app));
    needs.extend(queues(app));
    needs.extend(idle.into_iter().map(|it| it.0));
    needs
}

/// Whether something waits for a slot of a pool that takes in work, and does so for long.
pub(crate) fn waits_long(pool: &PoolRow, now: Timestamp) -> bool {
    pool.oldest.is_some_and(|at| now.since(at) > WAIT_MAX)
}

/// Who has paused something, until when, what waits only for that, and why.
pub(crate) fn pause_text(app: &App, pause: &PauseView) -> String {
    let until = match pause.until {
        Some(at) => format!("until {}", format::when(at, app.now, app.settings.utc_offset)),
        None => "until resumed".to_owned(),
    };
    let held = match pause.held_back {
        0 => String::new(),
        many => format!(", {} held back", format::count(u64::from(many))),
    };
    let said = pause.comment.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
    format!("by {} {until}{held}{said}", person(&pause.by))
}

/// A person's name without what kind of actor it is.
pub(crate) fn person(actor: &str) -> &str {
    actor.strip_prefix("user:").unwrap_or(actor)
}

/// Who may decide.
pub(crate) fn approvers(row: &ApprovalRow) -> String {
    if row.approvers.is_empty() {
        return "anyone".to_owned();
    }
    let name = |it: &String| it.split_once(':').map_or(it.as_str(), |it| it.1).to_owned();
    row.approvers.iter().map(name).collect::<Vec<_>>().join(", ")
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

fn everything(app: &App) -> Option<Need> {
    let pause = app.store.daemon.as_ref()?.pause.as_ref()?;
    Some(paused(app, NeedOf::All, "everything".to_owned(), pause))
}

/// Paused workflows and pools, each with whether that holds something back. What is broken or down besides is told as such.
fn pauses(app: &App) -> impl Iterator<Item = (Need, bool)> {
    let workflows = app.store.workflows.values().filter(|it| it.state != "broken");
    let workflows = workflows.filter_map(|it| {
        let of = NeedOf::Workflow(it.name.clone());
        Some((of, format!("workflow {}", it.name), it.pause.as_ref()?))
    });
    let pools = app.store.pools.values().filter(|it| it.state != "down").filter_map(|it| {
        Some((NeedOf::Pool(it.name.clone()), format!("pool {}", it.name), it.pause.as_ref()?))
    });
    workflows
        .chain(pools)
        .map(|(of, what, pause)| (paused(app, of, what, pause), pause.held_back > 0))
}

fn paused(app: &App, of: NeedOf, what: String, pause: &PauseView) -> Need {
    let (text, since) = (pause_text(app, pause), Some(pause.since));
    Need { of, state: "paused", word: "paused", what, text, since }
}

fn pools(app: &App) -> impl Iterator<Item = Need> {
    app.store.pools.values().filter(|it| it.state == "down").map(|it| Need {
        of: NeedOf::Pool(it.name.clone()),
        state: "down",
        word: "down",
        what: format!("pool {}", it.name),
        text: match it.queued {
            0 => "its runner cannot be reached".to_owned(),
            many => {
                format!("its runner cannot be reached, {} waiting", format::count(u64::from(many)))
            }
        },
        since: it.oldest,
    })
}

/// Each with whether it is about to expire.
fn approvals(app: &App) -> Vec<(Need, bool)> {
    let mut rows: Vec<&ApprovalRow> = app.store.approvals.iter().collect();
    rows.sort_by_key(|it| (it.expires.is_none(), it.expires, it.since));
    let need = |it: &ApprovalRow| Need {
        of: NeedOf::Approval(it.run, it.task.as_str().into()),
        state: "awaiting_approval",
        word: "approve",
        what: format!("{} / {}", it.label, it.task),
        text: approval_text(app, it),
        since: Some(it.since),
    };
    let is_urgent = |it: &ApprovalRow| it.expires.is_some_and(|at| at.since(app.now) < URGENT);
    rows.into_iter().map(|it| (need(it), is_urgent(it))).collect()
}

fn approval_text(app: &App, row: &ApprovalRow) -> String {
    let waits = format::span(app.now.since(row.since));
    let expires = row.expires.map(|it| format!(", {}", expires_text(app, it))).unwrap_or_default();
    format!("waits {waits}{expires}, {}: {}", approvers(row), row.message)
}

/// `expires in 48m`.
pub(crate) fn expires_text(app: &App, at: Timestamp) -> String {
    match at > app.now {
        true => format!("expires in {}", format::span(at.since(app.now))),
        false => "expires now".to_owned(),
    }
}

fn held(app: &App) -> impl Iterator<Item = Need> {
    let rows = app.store.order.iter().filter_map(|id| app.store.run_row(*id));
    let rows = rows.filter(|it| !crate::target::is_over(&it.state));
    rows.filter_map(|it| {
        let held = it.counts.get("held").copied().filter(|it| *it > 0)?;
        Some(Need {
            of: NeedOf::Run(it.id),
            state: "held",
            word: "held",
            what: format!("{}#{}", it.workflow, it.number),
            text: held_text(app, it, u64::from(held)),
            since: it.started,
        })
    })
}

/// `2 tasks held until released`; which and why where their run is open.
fn held_text(app: &App, row: &RunRow, held: u64) -> String {
    let text = format!("{} held until released", format::plural(held, "task"));
    let tasks = app.store.open_run(row.id).map_or(&[][..], |it| &it.tasks);
    let names: Vec<String> = tasks
        .iter()
        .filter(|it| it.state == "held")
        .take(HELD_MAX)
        .map(|it| match &it.reason {
            Some(reason) => format!("{} {}", it.task, reason.trim_start_matches("held ")),
            None => it.task.clone(),
        })
        .collect();
    if names.is_empty() { text } else { format!("{text}: {}", names.join(", ")) }
}

fn workflows(app: &App) -> impl Iterator<Item = Need> {
    app.store.workflows.values().filter(|it| it.state == "broken").map(|it| {
        let first = it.problems.first().map_or("its file has errors", String::as_str);
        let more = match it.problems.len() {
            0 | 1 => String::new(),
            many => format!("{many} problems: "),
        };
        Need {
            of: NeedOf::Workflow(it.name.clone()),
            state: "broken",
            word: "file",
            what: format!("workflow {}", it.name),
            text: format!("{more}{first}"),
            since: None,
        }
    })
}

fn queues(app: &App) -> impl Iterator<Item = Need> {
    let waits = |it: &&PoolRow| it.state == "up" && waits_long(it, app.now);
    app.store.pools.values().filter(waits).map(|it| {
        let oldest = it.oldest.map(|at| format!(", oldest {}", format::span(app.now.since(at))));
        let waiting = format::count(u64::from(it.queued));
        Need {
            of: NeedOf::Queue(it.name.clone()),
            state: "queued",
            word: "queue",
            what: format!("pool {}", it.name),
            text: format!(
                "{waiting} waiting{}, {} of {} slots taken",
                oldest.unwrap_or_default(),
                it.used,
                it.slots
            ),
            since: it.oldest,
        }
    })
}
