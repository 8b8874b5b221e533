//! Whether what a task needs lets it run. Source: semantics, rule 2.

use shared::expr::Expr;
use shared::state::{Activity, Failure, Outcome, RunPhase, Skip, TaskPhase, Wait};
use shared::workflow::{Section, TriggerRule};

use crate::event::Event;
use crate::faults::{self, Fault};
use crate::group;
use crate::index::Unfinished;
use crate::pause::is_held_back;
use crate::run::counts_as_success;
use crate::scope;
use crate::state::{Spot, State};
use crate::step::Turn;

/// What a trigger rule says.
/// Why a task is held whose file says so.
pub(crate) const HELD_BY_FILE: &str = "its file says `hold: true`";

#[derive(Clone, PartialEq, Eq, Debug)]
enum Verdict {
    Wait,
    Run,
    Skip,
    UpstreamFailed,
    /// It cannot be worked out.
    Fault(String),
}

/// How a need has ended, as what needs it sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Success,
    Failure,
    Skipped,
}

impl Turn<'_> {
    /// Looks at a task whose needs, or whose items, may have come to their end.
    pub(crate) fn consider(&mut self, spot: Spot) {
        if !self.state.runs.contains_key(&spot.run)
            || !self.section_is_open(spot)
            || (is_held_back(self.state, spot) && !self.is_stopped(spot))
        {
            return;
        }
        // How many items of a task may begin is for the task to say.
        let is_in_chain = self.state.definition(spot.run).chain(spot.task).is_some();
        if spot.item.is_some() && !is_in_chain {
            return self.todo.push(spot.parent());
        }
        match &self.state.task_run(spot).phase {
            TaskPhase::Waiting(Wait::Needs) => match verdict(self.state, spot) {
                Verdict::Wait if self.state.is_group(spot) && spot.item.is_some() => {
                    self.turn_of_chain(spot);
                }
                Verdict::Wait => {}
                Verdict::Run => self.ask_when(spot),
                Verdict::Skip => self.finish(spot, Outcome::Skipped(Skip::Rule)),
                Verdict::UpstreamFailed if faults::active(Fault::UpstreamFailedWaits) => {}
                Verdict::UpstreamFailed => self.finish(spot, Outcome::UpstreamFailed),
                Verdict::Fault(problem) => {
                    let problem = format!("`trigger_rule` {problem}");
                    self.finish(spot, Outcome::Failed(Failure::Expression(problem)));
                }
            },
            TaskPhase::Active(Activity::Running) if self.state.is_mapped_whole(spot) => {
                match self.state.definition(spot.run).chain(spot.task) {
                    Some(chain) if chain != spot.task => self.consider_items(spot),
                    Some(_) | None => self.ready_items(spot),
                }
                if self.state.index.unfinished(spot.run, Unfinished::Items(spot.task)) == 0 {
                    self.finish_map(spot);
                }
            }
            TaskPhase::Active(Activity::Running) if self.state.is_group(spot) => {
                self.judge_group(spot);
            }
            TaskPhase::Waiting(_)
            | TaskPhase::Queued
            | TaskPhase::Active(_)
            | TaskPhase::Finished(_) => {}
        }
    }

    fn section_is_open(&self, spot: Spot) -> bool {
        match (self.state.run(spot.run).phase, self.state.task(spot).section) {
            (RunPhase::Active, Section::Main) | (RunPhase::Closing(_), Section::Finally) => true,
            (
                RunPhase::Active
                | RunPhase::RollingBack(_)
                | RunPhase::Closing(_)
                | RunPhase::Queued
                | RunPhase::Ended(_),
                _,
            ) => false,
        }
    }

    /// The rule holds: asks `when`, and makes the task ready. An error in `when` fails the task, never skips it.
    fn ask_when(&mut self, spot: Spot) {
        let task = self.state.task(spot);
        // What a person has let go on was asked before it was held.
        let when = task.when.as_ref().filter(|_| !self.state.task_run(spot).released);
        let is_to_hold = task.hold && !self.state.task_run(spot).released;
        let asked = when.map(|when| {
            let scope = scope::of_task(self.state, spot, when.names().iter());
            when.is_true(&scope)
        });
        match asked {
            Some(Ok(false)) => self.finish(spot, Outcome::Skipped(Skip::When)),
            Some(Err(problem)) => {
                let problem = format!("`when` {problem}");
                self.finish(spot, Outcome::Failed(Failure::Expression(problem)));
            }
            None | Some(Ok(true)) if is_to_hold => {
                let (task, reason) = (self.state.path(spot), HELD_BY_FILE.to_owned());
                self.emit(Event::TaskHeld { run: spot.run, task, reason, actor: None });
            }
            None | Some(Ok(true)) if self.state.is_mapped_whole(spot) => self.expand(spot),
            None | Some(Ok(true)) => self.make_ready(spot),
        }
    }
}

fn verdict(state: &State, spot: Spot) -> Verdict {
    let task = state.task(spot);
    let definition = state.definition(spot.run);
    if !group::may_start(state, spot) {
        return Verdict::Wait;
    }
    let ends = definition.needs(spot.task).iter().map(|need| {
        let outcome = state.task_run(group::needed(state, spot, *need)).phase.outcome()?;
        Some(if counts_as_success(definition.task(*need), outcome) {
            End::Success
        } else if outcome.is_failure()
            || (matches!(outcome, Outcome::Skipped(_)) && faults::active(Fault::SkippedIsFailure))
        {
            End::Failure
        } else {
            End::Skipped
        })
    });
    match &task.trigger_rule {
        TriggerRule::Expr(rule) => ask_rule(state, spot, rule),
        named => judge(named, ends),
    }
}

/// What an expression says of the needs, once all have ended.
fn ask_rule(state: &State, spot: Spot, rule: &Expr) -> Verdict {
    let definition = state.definition(spot.run);
    let mut needs = serde_json::Map::new();
    for need in definition.needs(spot.task) {
        let task = definition.task(*need);
        let progress = state.task_run(group::needed(state, spot, *need));
        let Some(outcome) = progress.phase.outcome() else { return Verdict::Wait };
        let succeeded = counts_as_success(task, outcome);
        let parts = serde_json::json!({
            "succeeded": succeeded,
            "failed": !succeeded && outcome.is_failure(),
            "skipped": matches!(outcome, Outcome::Skipped(_)),
            "upstream_failed": *outcome == Outcome::UpstreamFailed,
            "cancelled": *outcome == Outcome::Cancelled,
            "done": true,
        });
        // What is beside it in its group has a short name too.
        if let Some((group, short)) = task.name.as_str().rsplit_once('/')
            && state.task(spot).group.as_ref().is_some_and(|it| it.as_str() == group)
        {
            needs.insert(short.to_owned(), parts.clone());
        }
        needs.insert(task.name.to_string(), parts);
    }
    let mut scope = shared::expr::Scope::new();
    needs.iter().for_each(|(name, parts)| scope.set(name, parts.clone()));
    scope.set("needs", serde_json::Value::Object(needs));
    match rule.is_true(&scope) {
        Ok(true) => Verdict::Run,
        Ok(false) => Verdict::Skip,
        Err(problem) => Verdict::Fault(problem.to_string()),
    }
}

/// What a rule says of needs of which some (`None`) have not ended.
fn judge(rule: &TriggerRule, ends: impl Iterator<Item = Option<End>>) -> Verdict {
    use TriggerRule as Rule;
    let (mut success, mut failure, mut skipped, mut open) = (false, false, false, false);
    for end in ends {
        match end {
            Some(End::Success) => success = true,
            Some(End::Failure) => failure = true,
            Some(End::Skipped) => skipped = true,
            None => open = true,
        }
        // Only the rules that act on the first need to decide care for what stands behind one that has not ended.
        if open && !matches!(rule, Rule::OneFailed | Rule::OneSuccess) {
            break;
        }
    }
    match rule {
        Rule::Always => Verdict::Run,
        Rule::OneFailed if failure => Verdict::Run,
        Rule::OneSuccess if success => Verdict::Run,
        _ if open => Verdict::Wait,
        Rule::AllDone => Verdict::Run,
        Rule::AllSuccess | Rule::NoneFailed | Rule::NoneFailedMinOneSuccess | Rule::OneSuccess
            if failure =>
        {
            Verdict::UpstreamFailed
        }
        Rule::AllSuccess if skipped => Verdict::Skip,
        Rule::AllSuccess | Rule::NoneFailed => Verdict::Run,
        Rule::NoneFailedMinOneSuccess if success => Verdict::Run,
        Rule::AllFailed if !success && !skipped => Verdict::Run,
        Rule::AllSkipped if !success && !failure => Verdict::Run,
        Rule::Expr(_)
        | Rule::NoneFailedMinOneSuccess
        | Rule::AllFailed
        | Rule::AllSkipped
        | Rule::OneFailed
        | Rule::OneSuccess => Verdict::Skip,
    }
}
