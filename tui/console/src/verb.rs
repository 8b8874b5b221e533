//! What can be asked of the daemon about what is selected: each verb is an [`Ask`] or the reason why not.

use std::time::Duration;

use shared::request::{Decision, Mark, PauseWhat, Request, RetryWhat, RollbackWhat};
use shared::snapshot::PauseView;
use shared::time::Timestamp;
use shared::workflow::Priority;

use crate::app::App;
use crate::screens::{self, Kind};
use crate::target::{AT_ONCE_MAX, RunTarget, Target, TaskTarget};

/// How long a pause lasts unless something else is said.
pub(crate) const PAUSE: &str = "2h";
/// Above so many task runs a cancel must be typed.
const TYPED_ABOVE: u32 = 20;

/// What a dialog is about.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Ask {
    /// The verb, as the dialog's title.
    pub(crate) title: &'static str,
    /// What is done, for the button: `cancel it`.
    pub(crate) verb: &'static str,
    /// What was done, for the toast: `cancelled`.
    pub(crate) done: &'static str,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) comment: Comment,
    pub(crate) asks_until: bool,
    pub(crate) asks_params: bool,
    /// What must be typed.
    pub(crate) typed: Option<String>,
    /// The count must be typed where it is above this.
    pub(crate) typed_above: Option<u32>,
}

/// Whether something is to be said about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comment {
    No,
    May,
    Must,
}

/// One request of an ask.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Piece {
    /// What it hits, as people say it.
    pub(crate) label: String,
    /// The run as people say it, for the command line.
    pub(crate) run_label: String,
    pub(crate) request: Request,
    /// The word of the state that was seen.
    pub(crate) seen: Option<String>,
}

impl Ask {
    fn new(
        title: &'static str,
        verb: &'static str,
        done: &'static str,
        pieces: Vec<Piece>,
    ) -> Self {
        Self {
            title,
            verb,
            done,
            pieces,
            comment: Comment::May,
            asks_until: false,
            asks_params: false,
            typed: None,
            typed_above: None,
        }
    }
}

/// Pauses what is selected, or lets it go on.
pub(crate) fn pause(app: &App) -> Result<Ask, String> {
    let target = screens::target(app);
    if let Some(pool) = &target.pool {
        let pause = app.store.pools.get(pool).and_then(|it| it.pause.as_ref());
        return Ok(pause_or_resume(PauseWhat::Pool(pool.clone()), format!("pool {pool}"), pause));
    }
    if let Some(workflow) = target.workflow.as_ref().filter(|_| target.runs.is_empty()) {
        let pause = app.store.workflows.get(workflow).and_then(|it| it.pause.as_ref());
        let label = format!("workflow {workflow}");
        return Ok(pause_or_resume(PauseWhat::Workflow(workflow.clone()), label, pause));
    }
    if target.runs.is_empty() && app.kind() == Kind::Pulse {
        return pause_all(app);
    }
    let runs = some_runs(&target, |it| !it.is_over(), "over")?;
    let resume = runs.iter().all(|it| it.is_paused);
    let pieces = runs.into_iter().map(|it| {
        let what = PauseWhat::Run(it.id);
        let request = if resume { resume_of(what) } else { pause_of(what) };
        of_run(it, request)
    });
    Ok(pause_ask(resume, pieces.collect()))
}

/// Pauses everything, or lets everything go on.
pub(crate) fn pause_all(app: &App) -> Result<Ask, String> {
    let pause = app.store.daemon.as_ref().and_then(|it| it.pause.as_ref());
    Ok(pause_or_resume(PauseWhat::All, "everything".to_owned(), pause))
}

/// Runs parts of a run again. `what`: `this`, `failed` or `from`.
pub(crate) fn retry(app: &App, what: &str) -> Result<Ask, String> {
    let target = screens::target(app);
    let again =
        |it: &RunTarget| !matches!(it.state.as_deref(), Some("cancelling" | "rolling_back"));
    let pieces = match what {
        "this" | "from" => {
            let (run, task) = target.task()?;
            if what == "from" && task.path.item.is_some() {
                return Err("an item has nothing behind it: choose the task".to_owned());
            }
            let what = match what {
                "this" => RetryWhat::Tasks(vec![task.path.clone().forward()]),
                _ => RetryWhat::From(task.path.task.clone()),
            };
            vec![of_task(run, task, Request::Retry { run: run.id, what, comment: None })]
        }
        _ => some_runs(&target, again, "busy")?
            .into_iter()
            .map(|it| {
                let request = Request::Retry { run: it.id, what: RetryWhat::Failed, comment: None };
                of_run(it, request)
            })
            .collect(),
    };
    Ok(Ask::new("RETRY", "run again", "runs again", pieces))
}

/// Decides an approval.
pub(crate) fn decide(app: &App, decision: Decision) -> Result<Ask, String> {
    let (run, task) = approval(app)?;
    let request = Request::Decide { run: run.id, task: task.path.clone(), decision, comment: None };
    let pieces = vec![of_task(&run, &task, request)];
    Ok(match decision {
        Decision::Approve => Ask::new("APPROVE", "approve", "approved", pieces),
        Decision::Reject => {
            Ask { comment: Comment::Must, ..Ask::new("REJECT", "reject", "rejected", pieces) }
        }
    })
}

/// Stops a task before it starts, or lets it go on.
pub(crate) fn hold(app: &App) -> Result<Ask, String> {
    let target = screens::target(app);
    let (run, task) = target.task()?;
    let (id, path) = (run.id, task.path.clone());
    match task.state.as_str() {
        "held" => {
            let request = Request::Release { run: id, task: path, comment: None };
            let pieces = vec![of_task(run, task, request)];
            Ok(Ask::new("RELEASE", "release", "released", pieces))
        }
        "waiting" | "queued" | "retry_wait" | "pending" => {
            let request = Request::Hold { run: id, task: path, comment: None };
            Ok(Ask::new("HOLD", "hold", "held", vec![of_task(run, task, request)]))
        }
        state => Err(format!("the task is {state}: only what has not started can be held")),
    }
}

/// Passes a task over that has not started.
pub(crate) fn skip(app: &App) -> Result<Ask, String> {
    let target = screens::target(app);
    let (run, task) = target.task()?;
    if !matches!(
        task.state.as_str(),
        "waiting" | "queued" | "retry_wait" | "held" | "awaiting_approval"
    ) {
        return Err(format!(
            "the task is {}: only what has not started can be skipped",
            task.state
        ));
    }
    let request = Request::Skip { run: run.id, task: task.path.clone(), comment: None };
    Ok(Ask::new("SKIP", "skip", "skipped", vec![of_task(run, task, request)]))
}

/// Says how a task has ended. `what`: `success`, `failed` or `undone`.
pub(crate) fn mark(app: &App, what: &str) -> Result<Ask, String> {
    let target = screens::target(app);
    let (run, task) = target.task()?;
    let (mark, done) = match what {
        "undone" => (Mark::Undone, "marked as undone"),
        "failed" => (Mark::Failed, "marked as failed"),
        _ => (Mark::Success { outputs: Default::default() }, "marked as succeeded"),
    };
    let path = match mark {
        Mark::Undone => task.path.clone().forward(),
        Mark::Success { .. } | Mark::Failed => task.path.clone(),
    };
    let request = Request::Mark { run: run.id, task: path, mark, comment: None };
    let typed = run.number.map(|it| it.to_string());
    Ok(Ask { typed, ..Ask::new("MARK", "mark", done, vec![of_task(run, task, request)]) })
}

/// Stops runs.
pub(crate) fn cancel(app: &App) -> Result<Ask, String> {
    let target = screens::target(app);
    let runs = some_runs(&target, |it| !it.is_over(), "over")?;
    let pieces = runs.into_iter().map(|it| {
        // A second cancel ends what is left of a run that is being cancelled: its `finally`.
        let now = it.state.as_deref() == Some("cancelling");
        of_run(it, Request::Cancel { run: it.id, now, comment: None })
    });
    let ask = Ask::new("CANCEL", "cancel", "is being cancelled", pieces.collect());
    Ok(Ask { typed_above: Some(TYPED_ABOVE), ..ask })
}

/// Stops an attempt and queues its task again.
pub(crate) fn requeue(app: &App) -> Result<Ask, String> {
    let target = screens::target(app);
    let (run, task) = target.task()?;
    if !matches!(task.state.as_str(), "starting" | "running" | "stopping") {
        return Err(format!("the task is {}: only what runs can be queued again", task.state));
    }
    let request = Request::Requeue { run: run.id, task: task.path.clone(), comment: None };
    Ok(Ask::new("REQUEUE", "queue again", "queued again", vec![of_task(run, task, request)]))
}

/// Undoes what a run has done; of a task whose undo has failed, that undo again.
pub(crate) fn rollback(app: &App) -> Result<Ask, String> {
    let target = screens::target(app);
    let run = target.run()?;
    if matches!(run.state.as_deref(), Some("rolling_back" | "rolled_back")) {
        return Err(format!("{} is {}", run.label, run.state.as_deref().unwrap_or_default()));
    }
    let again = target.task.as_ref().filter(|it| it.state == "rollback_failed");
    let what = again.map_or(RollbackWhat::All, |it| RollbackWhat::Retry(it.path.clone().forward()));
    let request = Request::Rollback { run: run.id, what, comment: None };
    let piece = match again {
        Some(task) => of_task(run, task, request),
        None => of_run(run, request),
    };
    let typed = run.number.map(|it| it.to_string());
    Ok(Ask { typed, ..Ask::new("ROLL BACK", "roll back", "is being rolled back", vec![piece]) })
}

/// Makes a run of a workflow.
pub(crate) fn run(app: &App) -> Result<Ask, String> {
    let workflow = screens::target(app).workflow.ok_or("no workflow is selected")?;
    let row = app.store.workflows.get(&workflow);
    if row.is_some_and(|it| it.version.is_none()) {
        return Err(format!("{workflow} has no version that could run"));
    }
    let request = Request::Run {
        workflow: workflow.clone(),
        params: Default::default(),
        interval: None,
        priority: None,
    };
    let label = format!("workflow {workflow}");
    let piece = Piece { run_label: label.clone(), label, request, seen: None };
    let ask = Ask::new("RUN", "run", "started", vec![piece]);
    Ok(Ask { comment: Comment::No, asks_params: true, ..ask })
}

/// The run whose priority is to change.
pub(crate) fn prioritized(app: &App) -> Result<RunTarget, String> {
    let target = screens::target(app);
    let run = target.run()?;
    match run.is_over() {
        true => Err(format!("{} is over", run.label)),
        false => Ok(run.clone()),
    }
}

/// A request for another priority.
pub(crate) fn prioritize(run: &RunTarget, priority: u16) -> Piece {
    let priority = Priority(priority.min(Priority::MAX.0));
    of_run(run, Request::Prioritize { run: run.id, priority, comment: None })
}

/// The approval that is meant: the selected one, or the only one of the run.
fn approval(app: &App) -> Result<(RunTarget, TaskTarget), String> {
    let target = screens::target(app);
    let waits = |it: &&TaskTarget| it.state == "awaiting_approval";
    if let Some(task) = target.task.as_ref().filter(waits) {
        return Ok((target.run()?.clone(), task.clone()));
    }
    let run = target.run()?;
    let mut of_run = app.store.approvals.iter().filter(|it| it.run == run.id);
    match (of_run.next(), of_run.next()) {
        (Some(it), None) => {
            let task = TaskTarget { path: it.task.as_str().into(), state: it.state.clone() };
            Ok((run.clone(), task))
        }
        (None, _) => Err("nothing waits for an approval here".to_owned()),
        (Some(_), Some(_)) => Err("several approvals wait: choose one of them".to_owned()),
    }
}

/// The runs that are marked or selected and fit; refused where none does or there are too many.
fn some_runs<'a>(
    target: &'a Target,
    fits: impl Fn(&RunTarget) -> bool,
    otherwise: &str,
) -> Result<Vec<&'a RunTarget>, String> {
    if target.runs.is_empty() {
        return Err("no run is selected".to_owned());
    }
    if target.marked > AT_ONCE_MAX {
        return Err(format!("{} are marked, at most {AT_ONCE_MAX} go at once", target.marked));
    }
    let runs: Vec<&RunTarget> = target.runs.iter().filter(|it| fits(it)).collect();
    match (runs.len(), target.runs.as_slice()) {
        (0, [run]) => Err(format!("{} is {otherwise}", run.label)),
        (0, more) => Err(format!("all {} marked runs are {otherwise}", more.len())),
        _ => Ok(runs),
    }
}

fn of_run(run: &RunTarget, request: Request) -> Piece {
    Piece {
        label: run.label.clone(),
        run_label: run.label.clone(),
        request,
        seen: run.state.clone(),
    }
}

fn of_task(run: &RunTarget, task: &TaskTarget, request: Request) -> Piece {
    let seen = match &request {
        Request::Retry { .. } | Request::Rollback { .. } => run.state.clone(),
        // Marked is the task run, and what was seen is its undo.
        Request::Mark { mark: Mark::Undone, .. } if task.path.undo => None,
        _ => Some(task.state.clone()),
    };
    let label = format!("{} / {}", run.label, task.path);
    Piece { label, run_label: run.label.clone(), request, seen }
}

fn pause_or_resume(what: PauseWhat, label: String, pause: Option<&PauseView>) -> Ask {
    let request = if pause.is_some() { resume_of(what) } else { pause_of(what) };
    let piece = Piece { run_label: label.clone(), label, request, seen: None };
    pause_ask(pause.is_some(), vec![piece])
}

fn pause_ask(resume: bool, pieces: Vec<Piece>) -> Ask {
    match resume {
        true => Ask::new("RESUME", "resume", "goes on", pieces),
        false => Ask { asks_until: true, ..Ask::new("PAUSE", "pause", "paused", pieces) },
    }
}

fn pause_of(what: PauseWhat) -> Request {
    Request::Pause { what, until: None, comment: None }
}

fn resume_of(what: PauseWhat) -> Request {
    Request::Resume { what, comment: None }
}

/// The same request with what was typed into the dialog.
pub(crate) fn completed(
    request: &Request,
    comment: Option<String>,
    until: Option<Timestamp>,
    params: &[(String, String)],
) -> Request {
    let mut request = request.clone();
    match &mut request {
        Request::Run { params: into, .. } => {
            *into =
                params.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        }
        Request::Pause { until: into, comment: said, .. } => {
            *into = until;
            *said = comment;
        }
        Request::Cancel { comment: said, .. }
        | Request::Retry { comment: said, .. }
        | Request::Decide { comment: said, .. }
        | Request::Resume { comment: said, .. }
        | Request::Hold { comment: said, .. }
        | Request::Release { comment: said, .. }
        | Request::Skip { comment: said, .. }
        | Request::Mark { comment: said, .. }
        | Request::Requeue { comment: said, .. }
        | Request::Prioritize { comment: said, .. }
        | Request::Rollback { comment: said, .. } => *said = comment,
    }
    request
}

/// The end of a pause that lasts as long as the text says; `None` where it says nothing: until it is resumed.
pub(crate) fn until(text: &str, now: Timestamp) -> Result<Option<Timestamp>, String> {
    match text.trim() {
        "" | "resumed" => Ok(None),
        text => {
            let span = shared::time::parse_duration(text).map_err(|it| it.to_string())?;
            if span < Duration::from_secs(1) {
                return Err("the pause is over at once".to_owned());
            }
            Ok(Some(now + span))
        }
    }
}

/// `k=v k2="a b"` as names and values.
pub(crate) fn params(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote, mut any) = (String::new(), None, false);
    for character in text.chars() {
        match (character, quote) {
            (it, Some(open)) if it == open => quote = None,
            ('"' | '\'', None) => (quote, any) = (Some(character), true),
            (' ', None) => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (it, _) => {
                word.push(it);
                any = true;
            }
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(any.then_some(word));
    let pair = |it: String| match it.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{it}` is not name=value")),
    };
    words.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_pairs_and_may_be_quoted() {
        let pairs = params(r#"day=2026-11-25 note="a b"  x='' "#).expect("they are pairs");
        let pairs: Vec<_> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(pairs, [("day", "2026-11-25"), ("note", "a b"), ("x", "")]);
        assert!(params("a").is_err() && params("=b").is_err() && params("a=\"b").is_err());
        assert_eq!(params("  "), Ok(Vec::new()));
    }

    #[test]
    fn a_pause_lasts_as_long_as_is_said() {
        let now = Timestamp::from_millis(0);
        assert_eq!(until("2h", now), Ok(Some(Timestamp::from_millis(7_200_000))));
        assert_eq!(until(" ", now), Ok(None));
        assert!(until("soon", now).is_err() && until("1ms", now).is_err());
    }
}
