//! What a person's decision does. Source: semantics, rule 14.

use shared::id::{RunId, TaskPath};
use shared::request::{Actor, Answer, Decision, Refusal, RefusalCode};
use shared::state::{Failure, Outcome, TaskPhase, Wait};

use crate::attempt::outcome_of;
use crate::event::Event;
use crate::input::Archived;
use crate::state::{Spot, TaskRun};
use crate::step::Turn;

impl Turn<'_> {
    pub(crate) fn decide(
        &mut self,
        actor: &Actor,
        run: RunId,
        path: &TaskPath,
        decision: Decision,
        comment: Option<String>,
        archived: Option<&Archived>,
    ) -> Result<Answer, Refusal> {
        if !self.state.runs.contains_key(&run) {
            return Err(too_late(path, archived));
        }
        let spot = self.task_run(run, path)?;
        let progress = self.state.task_run(spot);
        if !matches!(progress.phase, TaskPhase::Waiting(Wait::Approval { .. })) {
            return Err(not_waiting(path, progress));
        }
        if decision == Decision::Reject && comment.as_ref().is_none_or(|it| it.trim().is_empty()) {
            let refusal = Refusal::new(RefusalCode::Invalid, "a rejection needs a comment");
            return Err(refusal.help("say why with `--comment`"));
        }
        let attempt = self.attempt_ref(spot);
        let (task, actor) = (path.clone(), actor.clone());
        let by = actor.name.clone();
        let said = comment.clone().unwrap_or_default();
        self.emit(Event::ApprovalDecided { run, task, actor, decision, comment });
        self.end_approval(attempt, outcome_of(decision));
        let outcome = match decision {
            Decision::Approve => Outcome::Succeeded,
            Decision::Reject => Outcome::Failed(Failure::Rejected { by, comment: said }),
        };
        self.finish(spot, outcome);
        Ok(Answer::Done)
    }

    /// The task run that a request means.
    pub(crate) fn task_run(&self, run: RunId, path: &TaskPath) -> Result<Spot, Refusal> {
        self.state.spot(run, path).ok_or_else(|| {
            let definition = self.state.definition(run);
            let label = self.state.run(run).label();
            let message = match (&path.item, definition.place(&path.task)) {
                (Some(item), Some(_)) => {
                    format!("task `{}` of {label} has no item `{item}`", path.task)
                }
                _ => format!("{label} has no task `{}`", path.task),
            };
            let names = definition.workflow.tasks.iter().map(|it| it.name.as_str());
            let refusal = Refusal::new(RefusalCode::NotFound, message);
            match shared::diagnostic::nearest(path.task.as_str(), names) {
                Some(near) if near != path.task.as_str() => {
                    refusal.help(format!("did you mean `{near}`?"))
                }
                _ => refusal.help("`runyard show` lists them"),
            }
        })
    }
}

/// The run has ended; of an approval in it that was decided, it is said by whom.
fn too_late(path: &TaskPath, archived: Option<&Archived>) -> Refusal {
    let decided = archived.and_then(|it| {
        let place = it.workflow.tasks.iter().position(|task| task.name == path.task)?;
        let task = it.run.tasks.get(place)?;
        let progress = match &path.item {
            None => task,
            Some(key) => {
                let items = task.items.as_ref()?;
                &items.list()[items.place(key)? as usize].progress
            }
        };
        (!progress.decisions.is_empty()).then(|| not_waiting(path, progress))
    });
    let refusal =
        decided.unwrap_or_else(|| Refusal::new(RefusalCode::Conflict, "the run has ended"));
    refusal.help("`runyard retry` asks its approvals anew")
}

/// Of two decisions one counts; who comes second is told who was first.
fn not_waiting(path: &TaskPath, progress: &TaskRun) -> Refusal {
    let message = match progress.decisions.last() {
        Some(decided) => {
            let word = match decided.decision {
                Decision::Approve => "approved",
                Decision::Reject => "rejected",
            };
            format!("`{path}` was {word} by {} at {}", decided.actor.name, decided.at)
        }
        None => format!("`{path}` asks for no approval: it is {}", progress.phase.word()),
    };
    Refusal::new(RefusalCode::Conflict, message)
}
