//! Whether what a task needs lets it run. Source: semantics, rule 2.

use shared::state::{Activity, Failure, Outcome, RunPhase, Skip, TaskPhase, Wait};
use shared::workflow::{Section, TriggerRule};

use crate::faults::{self, Fault};
use crate::index::Unfinished;
use crate::pause::is_held_back;
use crate::run::counts_as_success;
use crate::scope;
use crate::state::{Spot, State};
use crate::step::Turn;

/// What a trigger rule says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Wait,
    Run,
    Skip,
    UpstreamFailed,
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
        match &self.state.task_run(spot).phase {
            TaskPhase::Waiting(Wait::Needs) => match verdict(self.state, spot) {
                Verdict::Wait => {}
                Verdict::Run => self.ask_when(spot),
                Verdict::Skip => self.finish(spot, Outcome::Skipped(Skip::Rule)),
                Verdict::UpstreamFailed if faults::active(Fault::UpstreamFailedWaits) => {}
                Verdict::UpstreamFailed => self.finish(spot, Outcome::UpstreamFailed),
            },
            TaskPhase::Active(Activity::Running) if self.state.is_parent(spot) => {
                self.ready_items(spot);
                if self.state.index.unfinished(spot.run, Unfinished::Items(spot.task)) == 0 {
                    self.finish_map(spot);
                }
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
        let asked = task.when.as_ref().map(|when| {
            let scope = scope::of_task(self.state, spot, when.names().iter());
            when.is_true(&scope)
        });
        match asked {
            Some(Ok(false)) => self.finish(spot, Outcome::Skipped(Skip::When)),
            Some(Err(problem)) => {
                let problem = format!("`when` {problem}");
                self.finish(spot, Outcome::Failed(Failure::Expression(problem)));
            }
            None | Some(Ok(true)) if self.state.is_parent(spot) => self.expand(spot),
            None | Some(Ok(true)) => self.make_ready(spot),
        }
    }
}

fn verdict(state: &State, spot: Spot) -> Verdict {
    let task = state.task(spot);
    let definition = state.definition(spot.run);
    let run = state.run(spot.run);
    let ends = definition.needs(spot.task).iter().map(|need| {
        let outcome = run.tasks[*need as usize].phase.outcome()?;
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
    judge(task.trigger_rule, ends)
}

/// What a rule says of needs of which some (`None`) have not ended.
fn judge(rule: TriggerRule, ends: impl Iterator<Item = Option<End>>) -> Verdict {
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
        Rule::NoneFailedMinOneSuccess
        | Rule::AllFailed
        | Rule::AllSkipped
        | Rule::OneFailed
        | Rule::OneSuccess => Verdict::Skip,
    }
}
