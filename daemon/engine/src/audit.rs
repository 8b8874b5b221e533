//! The audit trail: what an actor other than the daemon did, with the plan that they confirmed and what they were refused.
//! Source: semantics, rules 11 and 16.

use shared::audit::AuditRow;
use shared::id::Seq;
use shared::plan::{Plan, Tasks};
use shared::request::{Actor, Refusal, Request};
use shared::state::{Failure, Outcome, Skip};

use crate::describe::{Description, describe};
use crate::event::{Event, PlanConfirmed, RequestRefused, Stamped};

/// Of a text that came from outside, so much is kept of a refusal.
const TEXT_BYTES_MAX: usize = 500;

/// What an event says of an actor; nothing of one that the daemon has caused by itself.
pub fn row(seq: Seq, stamped: &Stamped) -> Option<AuditRow> {
    let it = describe(stamped);
    let actor = it.actor.filter(|it| *it != Actor::daemon().name)?;
    let event = &stamped.event;
    Some(AuditRow {
        seq,
        at: stamped.at,
        actor,
        uid: actor_of(event).and_then(|it| it.uid),
        kind: it.kind.to_owned(),
        run: it.run,
        label: None,
        workflow: workflow_of(event),
        task: it.task,
        attempt: it.attempt,
        text: it.text,
        comment: comment_of(event).cloned(),
        plan: match event {
            Event::PlanConfirmed(it) => Some(it.plan.clone()),
            _ => None,
        },
    })
}

/// A request that was refused, as it is kept. `more`: how many like it were not.
pub fn refusal(actor: &Actor, request: &Request, refusal: &Refusal, more: u32) -> RequestRefused {
    RequestRefused {
        actor: actor.clone(),
        request: request.word().to_owned(),
        detail: cut(request.detail()),
        run: request.run(),
        task: request.task().filter(|it| it.to_string().len() <= TEXT_BYTES_MAX).cloned(),
        code: refusal.code.word().to_owned(),
        message: cut(refusal.message.clone()),
        more,
    }
}

/// A plan that was confirmed with a request.
pub(crate) fn confirm(actor: &Actor, request: &Request, plan: Plan) -> Event {
    Event::PlanConfirmed(Box::new(PlanConfirmed {
        actor: actor.clone(),
        request: request.word().to_owned(),
        detail: request.detail(),
        run: request.run(),
        task: request.task().cloned(),
        plan,
        comment: request.comment().map(str::to_owned),
    }))
}

/// `rollback confirmed: undoes 3, keeps 2`.
pub(crate) fn confirmed(it: &PlanConfirmed) -> Description {
    let parts: [(&str, &Tasks); 11] = [
        ("runs", &it.plan.run),
        ("undoes", &it.plan.undo),
        ("cannot undo", &it.plan.not_undone),
        ("stops", &it.plan.stop),
        ("drops", &it.plan.drop),
        ("has wait", &it.plan.wait),
        ("has runs wait", &it.plan.runs),
        ("keeps", &it.plan.keep),
        ("voids", &it.plan.void),
        ("in time", &it.plan.finish),
        ("not in time", &it.plan.outlast),
    ];
    let parts = parts.iter().filter(|(_, tasks)| tasks.count > 0);
    let parts: Vec<String> = parts.map(|(word, it)| format!("{word} {}", it.count)).collect();
    let parts = if parts.is_empty() { "changes nothing else".to_owned() } else { parts.join(", ") };
    let what = asked(&it.request, it.task.as_ref().map(ToString::to_string), &it.detail);
    let text = shared::state::said(format!("{what} confirmed: {parts}"), it.comment.as_deref());
    let told = Description::new("plan_confirmed", text).actor(&it.actor);
    Description { run: it.run, task: it.task.as_ref().map(ToString::to_string), ..told }
}

/// `cancel refused: the run has ended (and 3 more)`.
pub(crate) fn refused(it: &RequestRefused) -> Description {
    let what = asked(&it.request, it.task.as_ref().map(ToString::to_string), &it.detail);
    let more = match it.more {
        0 => String::new(),
        more => format!(" (and {more} more before it)"),
    };
    let text = format!("{what} refused: {}{more}", it.message);
    let told = Description::new("request_refused", text).actor(&it.actor);
    Description { run: it.run, task: it.task.as_ref().map(ToString::to_string), ..told }
}

fn asked(word: &str, task: Option<String>, detail: &str) -> String {
    let parts = [Some(word.to_owned()), task, Some(detail.to_owned())];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|it| !it.is_empty()).collect();
    parts.join(" ")
}

fn actor_of(event: &Event) -> Option<&Actor> {
    if let Event::PlanConfirmed(it) = event {
        return Some(&it.actor);
    }
    if let Event::RequestRefused(it) = event {
        return Some(&it.actor);
    }
    if let Event::RunCreated(it) = event {
        return Some(&it.actor);
    }
    if let Event::TaskHeld { actor, .. } = event {
        return actor.as_ref();
    }
    let (Event::RunCancelled { actor, .. }
    | Event::TasksReset { actor, .. }
    | Event::ApprovalDecided { actor, .. }
    | Event::TaskReleased { actor, .. }
    | Event::TaskMarked { actor, .. }
    | Event::TaskRequeued { actor, .. }
    | Event::Paused { actor, .. }
    | Event::Draining { actor, .. }
    | Event::PoolResized { actor, .. }
    | Event::ResourceResized { actor, .. }
    | Event::RunDeadlineSet { actor, .. }
    | Event::VersionTaken { actor, .. }
    | Event::ParamsEdited { actor, .. }
    | Event::RunReleased { actor, .. }
    | Event::WidthChanged { actor, .. }
    | Event::Resumed { actor, .. }
    | Event::RunPrioritized { actor, .. }
    | Event::RollbackAsked { actor, .. }
    | Event::RollbackCalledOff { actor, .. }
    | Event::RollbackBegun { actor, .. }) = event
    else {
        return None;
    };
    Some(actor)
}

fn comment_of(event: &Event) -> Option<&String> {
    if let Event::PlanConfirmed(it) = event {
        return it.comment.as_ref();
    }
    if let Event::TaskFinished { outcome, .. } = event {
        return match outcome {
            Outcome::Skipped(Skip::Person { comment, .. })
            | Outcome::Failed(Failure::Marked { comment, .. }) => comment.as_ref(),
            _ => None,
        };
    }
    let (Event::RunCancelled { comment, .. }
    | Event::TasksReset { comment, .. }
    | Event::ApprovalDecided { comment, .. }
    | Event::TaskReleased { comment, .. }
    | Event::TaskMarked { comment, .. }
    | Event::TaskRequeued { comment, .. }
    | Event::Paused { comment, .. }
    | Event::Draining { comment, .. }
    | Event::PoolResized { comment, .. }
    | Event::ResourceResized { comment, .. }
    | Event::RunDeadlineSet { comment, .. }
    | Event::ParamsEdited { comment, .. }
    | Event::RunReleased { comment, .. }
    | Event::WidthChanged { comment, .. }
    | Event::Resumed { comment, .. }
    | Event::RunPrioritized { comment, .. }
    | Event::RollbackAsked { comment, .. }
    | Event::RollbackBegun { comment, .. }) = event
    else {
        return None;
    };
    comment.as_ref()
}

/// The workflow that an event names by itself.
fn workflow_of(event: &Event) -> Option<String> {
    use shared::request::PauseWhat;
    match event {
        Event::RunCreated(it) => Some(it.workflow.to_string()),
        Event::Paused { what: PauseWhat::Workflow(name), .. }
        | Event::Resumed { what: PauseWhat::Workflow(name), .. } => Some(name.to_string()),
        Event::RequestRefused(it) if it.request == "run" => Some(it.detail.clone()),
        _ => None,
    }
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX).rev().find(|it| text.is_char_boundary(*it)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
