//! What can be asked of the daemon about what is selected: each verb is an [`Ask`] or the reason why not.

mod typed;

use shared::request::{Decision, Mark, PauseWhat, Request, RetryWhat, RollbackWhat};
use shared::snapshot::PauseView;
use shared::workflow::Priority;

use crate::app::App;
use crate::screens::{self, Kind};
use crate::target::{AT_ONCE_MAX, RunTarget, Target, TaskTarget};

pub(crate) use typed::{completed, params, until};

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
    /// What is to be known besides the plan.
    pub(crate) note: Option<String>,
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
            note: None,
            typed: None,
            typed_above: None,
        }
    }

    /// The same about marked runs: where it hits more than one, how many must be typed.
    fn of_many(self, note: Option<String>) -> Self {
        match self.pieces.len() {
            0 | 1 => Self { note, ..self },
            many => Self { note, typed: Some(many.to_string()), typed_above: None, ..self },
        }
    }

    /// Whether it lets go on what waits.
    pub(crate) fn lets_go_on(&self) -> bool {
        matches!(self.title, "RESUME" | "RELEASE")
    }
}

/// What was named, else what is selected or marked.
pub(crate) fn target(app: &App) -> Target {
    app.aimed.clone().unwrap_or_else(|| screens::target(app))
}

/// Pauses what is selected, or lets it go on.
pub(crate) fn pause(app: &App) -> Result<Ask, String> {
    let target = target(app);
    if let Some(pool) = &target.pool {
        let pause = app.store.pools.get(pool).and_then(|it| it.pause.as_ref());
        return Ok(pause_or_resume(PauseWhat::Pool(pool.clone()), format!("pool {pool}"), pause));
    }
    if let Some(workflow) = target.workflow.as_ref().filter(|_| target.runs.is_empty()) {
        let pause = app.store.workflows.get(workflow).and_then(|it| it.pause.as_ref());
        let label = format!("workflow {workflow}");
        return Ok(pause_or_resume(PauseWhat::Workflow(workflow.clone()), label, pause));
    }
    if target.runs.is_empty() && app.aimed.is_none() && app.kind() == Kind::Pulse {
        return pause_all(app);
    }
    let (runs, note) = some_runs(&target, |it| !it.is_over(), "over")?;
    let resume = runs.iter().all(|it| it.is_paused);
    let pieces = runs.into_iter().map(|it| {
        let what = PauseWhat::Run(it.id);
        let request = if resume { resume_of(what) } else { pause_of(what) };
        of_run(it, request)
    });
    Ok(pause_ask(resume, pieces.collect()).of_many(note))
}

/// What a hint says of a command that goes both ways, where it would let something go on.
pub(crate) fn hint(app: &App, command: &str) -> Option<&'static str> {
    let (ask, hint) = match command {
        "pause" => (pause(app), "resume…"),
        "hold" => (hold(app), "release…"),
        _ => return None,
    };
    ask.ok().filter(Ask::lets_go_on).map(|_| hint)
}

/// Pauses everything, or lets everything go on.
pub(crate) fn pause_all(app: &App) -> Result<Ask, String> {
    let pause = app.store.daemon.as_ref().and_then(|it| it.pause.as_ref());
    Ok(pause_or_resume(PauseWhat::All, "everything".to_owned(), pause))
}

/// Runs parts of a run again. `what`: `this`, `failed` or `from`.
pub(crate) fn retry(app: &App, what: &str) -> Result<Ask, String> {
    let target = target(app);
    let again =
        |it: &RunTarget| !matches!(it.state.as_deref(), Some("cancelling" | "rolling_back"));
    let (pieces, note) = match what {
        "this" | "from" => {
            let (run, task) = target.task()?;
            if what == "from" && task.path.item.is_some() {
                return Err("an item has nothing behind it: choose the task".to_owned());
            }
            let what = match what {
                "this" => RetryWhat::Tasks(vec![task.path.clone().forward()]),
                _ => RetryWhat::From(task.path.task.clone()),
            };
            (vec![of_task(run, task, Request::Retry { run: run.id, what, comment: None })], None)
        }
        _ => {
            let (runs, note) = some_runs(&target, again, "busy")?;
            let pieces = runs.into_iter().map(|it| {
                let request = Request::Retry { run: it.id, what: RetryWhat::Failed, comment: None };
                of_run(it, request)
            });
            (pieces.collect(), note)
        }
    };
    Ok(Ask::new("RETRY", "run again", "runs again", pieces).of_many(note))
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
    let target = target(app);
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
    let target = target(app);
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
    let target = target(app);
    let (run, task) = target.task()?;
    let (mark, verb, done) = match what {
        "undone" => (Mark::Undone, "mark as undone", "marked as undone"),
        "failed" => (Mark::Failed, "mark as failed", "marked as failed"),
        _ => {
            let success = Mark::Success { outputs: Default::default() };
            (success, "mark as succeeded", "marked as succeeded")
        }
    };
    let path = match mark {
        Mark::Undone => task.path.clone().forward(),
        Mark::Success { .. } | Mark::Failed => task.path.clone(),
    };
    let request = Request::Mark { run: run.id, task: path, mark, comment: None };
    let typed = run.number.map(|it| it.to_string());
    Ok(Ask { typed, ..Ask::new("MARK", verb, done, vec![of_task(run, task, request)]) })
}

/// Stops runs.
pub(crate) fn cancel(app: &App) -> Result<Ask, String> {
    let target = target(app);
    let is_ending = |it: &RunTarget| it.state.as_deref() == Some("cancelling");
    // A second cancel ends what is left of a run that is being cancelled, its `finally`: never along with a first of another.
    let now = !target.runs.is_empty() && target.runs.iter().all(|it| it.is_over() || is_ending(it));
    let fits = |it: &RunTarget| !it.is_over() && is_ending(it) == now;
    let left_out = if now { "over" } else { "over or ending" };
    let (runs, note) = some_runs(&target, fits, left_out)?;
    let number = runs.first().and_then(|it| it.number).map(|it| it.to_string());
    let pieces =
        runs.into_iter().map(|it| of_run(it, Request::Cancel { run: it.id, now, comment: None }));
    let pieces = pieces.collect();
    let ask = match now {
        false => Ask {
            typed_above: Some(TYPED_ABOVE),
            ..Ask::new("CANCEL", "cancel", "is being cancelled", pieces)
        },
        true => Ask {
            typed: number,
            ..Ask::new("CANCEL NOW", "cancel now, its finally too", "ends now", pieces)
        },
    };
    Ok(ask.of_many(note))
}

/// Stops an attempt and queues its task again.
pub(crate) fn requeue(app: &App) -> Result<Ask, String> {
    let target = target(app);
    let (run, task) = target.task()?;
    if !matches!(task.state.as_str(), "starting" | "running" | "stopping") {
        return Err(format!("the task is {}: only what runs can be queued again", task.state));
    }
    let request = Request::Requeue { run: run.id, task: task.path.clone(), comment: None };
    Ok(Ask::new("REQUEUE", "queue again", "queued again", vec![of_task(run, task, request)]))
}

/// Undoes what a run has done; of a task whose undo has failed, that undo again.
pub(crate) fn rollback(app: &App) -> Result<Ask, String> {
    let target = target(app);
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
    let workflow = target(app).workflow.ok_or("no workflow is selected")?;
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
    let target = target(app);
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
    let target = target(app);
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

/// The runs that are marked or selected and fit, and how many are left out; refused where none does or there are too many.
fn some_runs<'a>(
    target: &'a Target,
    fits: impl Fn(&RunTarget) -> bool,
    otherwise: &str,
) -> Result<(Vec<&'a RunTarget>, Option<String>), String> {
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
        (count, more) if count < more.len() => {
            let left = more.len() - count;
            let are = if left == 1 { "is" } else { "are" };
            let note = format!("{left} of {} {are} {otherwise} and {are} left out", more.len());
            Ok((runs, Some(note)))
        }
        _ => Ok((runs, None)),
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
