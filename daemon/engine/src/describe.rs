//! Events in words, for the console, the log and `runyard events`.

use shared::id::{RunId, Seq};
use shared::request::{Decision, PauseWhat};
use shared::snapshot::EventView;
use shared::state::{Outcome, Skip};
use shared::time::{Timestamp, format_duration};

use crate::event::{AttemptEnded, AttemptRef, Event, ParamChange, Stamped};

/// An event in words.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Description {
    /// A stable word for what happened.
    pub kind: &'static str,
    /// What happened, without full stop.
    pub text: String,
    /// The run it is about.
    pub run: Option<RunId>,
    /// The task, or `task:item`.
    pub task: Option<String>,
    /// The number of the attempt.
    pub attempt: Option<u32>,
    /// Who has caused it, where that is not the daemon.
    pub actor: Option<String>,
}

impl Description {
    pub(crate) fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), ..Self::default() }
    }

    fn run(self, run: RunId) -> Self {
        Self { run: Some(run), ..self }
    }

    fn task(self, run: RunId, task: impl ToString) -> Self {
        Self { run: Some(run), task: Some(task.to_string()), ..self }
    }

    fn attempt(self, attempt: &AttemptRef) -> Self {
        Self { attempt: Some(attempt.number), ..self }.task(attempt.run, &attempt.task)
    }

    fn of_pause(self, what: &PauseWhat) -> Self {
        match what {
            PauseWhat::Run(run) => self.run(*run),
            PauseWhat::All | PauseWhat::Workflow(_) | PauseWhat::Pool(_) => self,
        }
    }

    pub(crate) fn actor(self, actor: &shared::request::Actor) -> Self {
        Self { actor: Some(actor.name.clone()), ..self }
    }
}

/// An event as readers are shown it.
pub fn view(seq: Seq, stamped: &Stamped) -> EventView {
    let it = describe(stamped);
    EventView {
        seq,
        at: stamped.at,
        actor: it.actor.unwrap_or_else(|| "daemon".to_owned()),
        kind: it.kind.to_owned(),
        run: it.run,
        task: it.task,
        attempt: it.attempt,
        text: it.text,
    }
}

/// The run that an event is about.
pub fn run_of(event: &Event) -> Option<RunId> {
    match event {
        Event::Incarnated { .. }
        | Event::Configured(_)
        | Event::PoolResized { .. }
        | Event::ResourceResized { .. }
        | Event::GuardClosed { .. }
        | Event::GuardOpened { .. }
        | Event::PoolUp { .. }
        | Event::PoolDown { .. }
        | Event::WorkflowLoaded { .. }
        | Event::WorkflowBroken { .. }
        | Event::WorkflowGone { .. }
        // The run need not exist, and nothing has become of it.
        | Event::RequestRefused(_) => None,
        Event::PlanConfirmed(it) => it.run,
        Event::Paused { what, .. } | Event::Draining { what, .. } | Event::Resumed { what, .. } => {
            match what {
                PauseWhat::Run(run) => Some(*run),
                PauseWhat::All | PauseWhat::Workflow(_) | PauseWhat::Pool(_) => None,
            }
        }
        Event::RunCreated(it) => Some(it.run),
        Event::RunReopened { run, .. } => Some(run.id),
        Event::RunStarted { run }
        | Event::RunCancelled { run, .. }
        | Event::RunTimedOut { run, .. }
        | Event::RunClosing { run, .. }
        | Event::RunEnded { run, .. }
        | Event::TasksReset { run, .. }
        | Event::ItemsExpanded { run, .. }
        | Event::GroupStarted { run, .. }
        | Event::TaskQueued { run, .. }
        | Event::TaskLifted { run, .. }
        | Event::RunDeadlineSet { run, .. }
        | Event::ApprovalDecided { run, .. }
        | Event::RetryScheduled { run, .. }
        | Event::StartsFailing { run, .. }
        | Event::VersionTaken { run, .. }
        | Event::ParamsEdited { run, .. }
        | Event::RunReleased { run, .. }
        | Event::WidthChanged { run, .. }
        | Event::TaskHeld { run, .. }
        | Event::TaskReleased { run, .. }
        | Event::TaskMarked { run, .. }
        | Event::TaskRequeued { run, .. }
        | Event::RunPrioritized { run, .. }
        | Event::RollbackAsked { run, .. }
        | Event::RollbackCalledOff { run, .. }
        | Event::RollbackBegun { run, .. }
        | Event::TaskFinished { run, .. } => Some(*run),
        Event::AttemptStarting { attempt, .. }
        | Event::AttemptPreempted { attempt, .. }
        | Event::AttemptStarted { attempt, .. }
        | Event::AttemptStopping { attempt }
        | Event::ApprovalAsked { attempt, .. } => Some(attempt.run),
        Event::AttemptEnded(it) => Some(it.attempt.run),
    }
}

/// What an event says.
pub fn describe(stamped: &Stamped) -> Description {
    let said = |comment: &Option<String>| match comment {
        Some(comment) => format!(": {comment}"),
        None => String::new(),
    };
    match &stamped.event {
        Event::Incarnated { .. } => Description::new("store_created", "the store begins"),
        Event::Configured(capacity) => {
            let pools = capacity.pools.iter();
            let pools = pools.map(|(name, it)| format!("{name} with {} slots", it.slots));
            let resources = capacity.resources.iter();
            let resources = resources.map(|(name, it)| format!("{} of {name}", it.amount));
            let all: Vec<String> = pools.chain(resources).collect();
            Description::new("configured", format!("capacity: {}", all.join(", ")))
        }
        Event::PoolResized { pool, slots, actor, comment } => {
            let size = slots.map_or("as configured".to_owned(), |it| format!("{it} slots"));
            let text = format!("pool {pool} resized by {}: {size}{}", actor.name, said(comment));
            Description::new("pool_resized", text).actor(actor)
        }
        Event::ResourceResized { resource, amount, actor, comment } => {
            let size = amount.map_or("as configured".to_owned(), |it| it.to_string());
            let text =
                format!("resource {resource} resized by {}: {size}{}", actor.name, said(comment));
            Description::new("resource_resized", text).actor(actor)
        }
        Event::GuardClosed { pool, guard, measured, limit } => {
            let (measured, limit, word) = (guard.text(*measured), guard.text(*limit), guard.word());
            let text =
                format!("pool {pool} starts nothing: {measured} measured, {word} is {limit}");
            Description::new("guard_closed", text)
        }
        Event::GuardOpened { pool, guard } => {
            let text = format!("pool {pool} may start again: {} holds", guard.word());
            Description::new("guard_opened", text)
        }
        Event::PoolUp { pool, .. } => Description::new("pool_up", format!("pool {pool} is up")),
        Event::PoolDown { pool } => Description::new("pool_down", format!("pool {pool} is down")),
        Event::WorkflowLoaded { workflow } => {
            let version = &workflow.version.as_str()[..8.min(workflow.version.as_str().len())];
            let text = format!("workflow {} is loaded, version {version}", workflow.name);
            Description::new("workflow_loaded", text)
        }
        Event::WorkflowBroken { name, problems } => {
            let first = problems.first().map_or("", String::as_str);
            Description::new("workflow_broken", format!("workflow {name} has errors: {first}"))
        }
        Event::WorkflowGone { name } => {
            Description::new("workflow_gone", format!("the file of workflow {name} was deleted"))
        }
        Event::PlanConfirmed(it) => crate::audit::confirmed(it),
        Event::RequestRefused(it) => crate::audit::refused(it),
        Event::RunCreated(it) => {
            let text = format!("run {}#{} created by {}", it.workflow, it.number, it.actor.name);
            Description::new("run_created", text).run(it.run).actor(&it.actor)
        }
        Event::RunStarted { run } => Description::new("run_started", "run started").run(*run),
        Event::RunCancelled { run, actor, now, comment } => {
            let what = if *now { "cancelled, its finally too," } else { "cancelled" };
            let text = format!("run {what} by {}{}", actor.name, said(comment));
            Description::new("run_cancelled", text).run(*run).actor(actor)
        }
        Event::RunTimedOut { run, limit } => {
            let text = format!("run has run for {}, which is its timeout", format_duration(*limit));
            Description::new("run_timed_out", text).run(*run)
        }
        Event::RunClosing { run, outcome } => {
            let text = format!("tasks ended: {}; finally runs", outcome.word());
            Description::new("run_closing", text).run(*run)
        }
        Event::RunEnded { run, outcome } => {
            Description::new("run_ended", format!("run {}", outcome.word())).run(*run)
        }
        Event::RunReopened { run, .. } => {
            let text = format!("run {} is taken up again", run.label());
            Description::new("run_reopened", text).run(run.id)
        }
        Event::TasksReset { run, actor, tasks, comment } => {
            let names: Vec<String> = tasks.iter().map(ToString::to_string).collect();
            let text = format!(
                "{} to run again, asked by {}{}",
                names.join(", "),
                actor.name,
                said(comment)
            );
            Description::new("tasks_reset", text).run(*run).actor(actor)
        }
        Event::GroupStarted { run, task } => {
            Description::new("group_started", format!("{task} begins")).task(*run, task)
        }
        Event::ItemsExpanded { run, task, items, .. } => {
            let text = format!("{task} has {} items", items.len());
            Description::new("items_expanded", text).task(*run, task)
        }
        Event::TaskQueued { run, task } => {
            Description::new("task_queued", format!("{task} queued")).task(*run, task)
        }
        Event::TaskLifted { run, task } => {
            let text = format!("{task} has waited as long as it may: it goes before others");
            Description::new("task_lifted", text).task(*run, task)
        }
        Event::AttemptPreempted { attempt, by, .. } => {
            let text = format!("{} attempt {} makes room for {by}", attempt.task, attempt.number);
            Description::new("attempt_preempted", text).attempt(attempt)
        }
        Event::AttemptStarting { attempt, .. } => {
            let text = format!("{} attempt {} starting", attempt.task, attempt.number);
            Description::new("attempt_starting", text).attempt(attempt)
        }
        Event::AttemptStarted { attempt, pid, .. } => {
            let process = pid.map_or(String::new(), |it| format!(" (pid {it})"));
            let text = format!("{} attempt {} started{process}", attempt.task, attempt.number);
            Description::new("attempt_started", text).attempt(attempt)
        }
        Event::AttemptStopping { attempt } => {
            let text = format!("{} attempt {} is being stopped", attempt.task, attempt.number);
            Description::new("attempt_stopping", text).attempt(attempt)
        }
        Event::AttemptEnded(ended) => attempt_ended(ended),
        Event::ApprovalAsked { attempt, message, expires } => {
            let until = expires.map_or(String::new(), |it| format!(" (until {it})"));
            let text = format!("{} asks: {message}{until}", attempt.task);
            Description::new("approval_asked", text).attempt(attempt)
        }
        Event::ApprovalDecided { run, task, actor, decision, comment } => {
            let word = match decision {
                Decision::Approve => "approved",
                Decision::Reject => "rejected",
            };
            let text = format!("{task} {word} by {}{}", actor.name, said(comment));
            Description::new("approval_decided", text).task(*run, task).actor(actor)
        }
        Event::RetryScheduled { run, task, at, memory, .. } => {
            let memory = memory.map_or(String::new(), |it| {
                format!(" with {} of memory", shared::capacity::format_size(it))
            });
            let text = format!("{task} again in {}{memory}", wait(stamped.at, *at));
            Description::new("retry_scheduled", text).task(*run, task)
        }
        Event::StartsFailing { run, task, pool, attempts, reason } => {
            let text =
                format!("{task} could not be started {attempts} times in pool {pool}: {reason}");
            Description::new("starts_failing", text).task(*run, task)
        }
        Event::VersionTaken { run, to, actor, .. } => {
            let version = &to.as_str()[..8.min(to.as_str().len())];
            let text = format!("takes version {version}, asked by {}", actor.name);
            Description::new("version_taken", text).run(*run).actor(actor)
        }
        Event::ParamsEdited { run, changes, actor, comment } => {
            let all: Vec<String> = changes.iter().map(change).collect();
            let text = format!("{} by {}{}", all.join(", "), actor.name, said(comment));
            Description::new("params_edited", text).run(*run).actor(actor)
        }
        Event::RunReleased { run, actor, comment } => {
            let text = format!("run released by {}{}", actor.name, said(comment));
            Description::new("run_released", text).run(*run).actor(actor)
        }
        Event::WidthChanged { run, task, width, actor, comment, .. } => {
            let width = width.map_or("as many as fit".to_owned(), |it| format!("at most {it}"));
            let text =
                format!("{task} runs {width} items at once, by {}{}", actor.name, said(comment));
            Description::new("width_changed", text).task(*run, task).actor(actor)
        }
        Event::TaskHeld { run, task, reason, actor } => match actor {
            None => Description::new("task_held", format!("{task} held: {reason}")),
            Some(it) => Description::new("task_held", format!("{task} {reason}")).actor(it),
        }
        .task(*run, task),
        Event::TaskReleased { run, task, actor, comment } => {
            let text = format!("{task} released by {}{}", actor.name, said(comment));
            Description::new("task_released", text).task(*run, task).actor(actor)
        }
        Event::TaskMarked { run, task, actor, outcome, comment, .. } => {
            let word = if task.undo { "undone" } else { outcome.word() };
            let text = format!("{task} marked as {word} by {}{}", actor.name, said(comment));
            Description::new("task_marked", text).task(*run, task).actor(actor)
        }
        Event::TaskRequeued { run, task, actor, comment } => {
            let text = format!("{task} sent back to the queue by {}{}", actor.name, said(comment));
            Description::new("task_requeued", text).task(*run, task).actor(actor)
        }
        Event::Paused { what, actor, until, comment } => {
            let until = until.map_or(String::new(), |it| format!(" until {it}"));
            let (name, said) = (paused(what), said(comment));
            let text = format!("{name} paused by {}{until}{said}", actor.name);
            Description::new("paused", text).of_pause(what).actor(actor)
        }
        Event::Draining { what, actor, by, comment } => {
            let by = by.map_or(String::new(), |it| format!(", to be empty by {it}"));
            let text = format!("{} drained by {}{by}{}", paused(what), actor.name, said(comment));
            Description::new("draining", text).of_pause(what).actor(actor)
        }
        Event::Resumed { what, actor, comment } => {
            let text = format!("{} resumed by {}{}", paused(what), actor.name, said(comment));
            Description::new("resumed", text).of_pause(what).actor(actor)
        }
        Event::RunPrioritized { run, priority, actor, comment } => {
            let text = format!("priority {} by {}{}", priority.0, actor.name, said(comment));
            Description::new("run_prioritized", text).run(*run).actor(actor)
        }
        Event::RunDeadlineSet { run, by, actor, comment } => {
            let by = by.map_or("no deadline".to_owned(), |it| format!("deadline {it}"));
            let text = format!("{by}, by {}{}", actor.name, said(comment));
            Description::new("run_deadline_set", text).run(*run).actor(actor)
        }
        Event::RollbackAsked { run, actor, comment, .. } => {
            let text = format!("rollback asked by {}{}", actor.name, said(comment));
            Description::new("rollback_asked", text).run(*run).actor(actor)
        }
        Event::RollbackCalledOff { run, actor } => {
            let text = format!("rollback called off by {}", actor.name);
            Description::new("rollback_called_off", text).run(*run).actor(actor)
        }
        Event::RollbackBegun { run, actor, tasks, not_undone, comment, .. } => {
            let names: Vec<String> = tasks.iter().map(ToString::to_string).collect();
            let left = match not_undone.len() {
                0 => String::new(),
                count => format!("; {count} without an undo"),
            };
            let what = match names.is_empty() {
                true => "rollback goes on".to_owned(),
                false => format!("undoes {}", names.join(", ")),
            };
            let text = format!("{what}{left}{}", said(comment));
            Description::new("rollback_begun", text).run(*run).actor(actor)
        }
        Event::TaskFinished { run, task, outcome } => {
            let reason = outcome.reason().map_or(String::new(), |it| format!(" ({it})"));
            let word = match (task.undo, outcome.is_success()) {
                (true, true) => "undone",
                (true, false) => "not undone",
                (false, _) => outcome.word(),
            };
            let text = format!("{} {word}{reason}", task.clone().forward());
            let it = Description::new("task_finished", text).task(*run, task);
            match outcome {
                Outcome::Skipped(Skip::Person { by, .. }) => {
                    Description { actor: Some(by.clone()), ..it }
                }
                Outcome::Skipped(Skip::When | Skip::Rule | Skip::Expired | Skip::Tasks)
                | Outcome::Succeeded
                | Outcome::Failed(_)
                | Outcome::UpstreamFailed
                | Outcome::Cancelled => it,
            }
        }
    }
}

/// A changed parameter in words.
pub(crate) fn change(it: &ParamChange) -> String {
    let old = it.old.as_ref().map_or_else(|| "nothing".to_owned(), shared::expr::short);
    format!("parameter {} is {}, was {old}", it.name, shared::expr::short(&it.new))
}

fn paused(what: &PauseWhat) -> String {
    match what {
        PauseWhat::All => "everything".to_owned(),
        PauseWhat::Workflow(name) => format!("workflow {name}"),
        PauseWhat::Pool(name) => format!("pool {name}"),
        PauseWhat::Run(_) => "run".to_owned(),
    }
}

fn attempt_ended(ended: &AttemptEnded) -> Description {
    let attempt = &ended.attempt;
    let detail = ended.outcome.detail().map_or(String::new(), |it| format!(": {it}"));
    let word = ended.outcome.word();
    let detail = if word.contains('(') { String::new() } else { detail };
    let warned = match ended.warnings.len() {
        0 => String::new(),
        _ => format!("; warning: {}", ended.warnings.join("; ")),
    };
    let text = format!("{} attempt {} {word}{detail}{warned}", attempt.task, attempt.number);
    Description::new("attempt_ended", text).attempt(attempt)
}

fn wait(from: Timestamp, to: Timestamp) -> String {
    format_duration(to.since(from))
}
