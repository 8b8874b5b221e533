//! How long tasks took lately: what a drain, and whoever waits for a slot, can expect of what runs.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use shared::id::{TaskName, WorkflowName};
use shared::state::AttemptOutcome;
use shared::time::Timestamp;

use crate::event::AttemptEnded;
use crate::state::{Spot, State};

/// So many of the newest are kept of each task.
const KEPT: usize = 20;

/// From fewer nothing is said.
const ENOUGH: usize = 3;

/// How long the attempts of each task took that succeeded, of items and whole tasks alike.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Durations {
    of: BTreeMap<(WorkflowName, TaskName), VecDeque<u32>>,
}

impl Durations {
    fn learn(&mut self, workflow: &WorkflowName, task: &TaskName, took: Duration) {
        let all = self.of.entry((workflow.clone(), task.clone())).or_default();
        if all.len() == KEPT {
            all.pop_front();
        }
        all.push_back(u32::try_from(took.as_millis()).unwrap_or(u32::MAX));
    }

    /// How long 19 of 20 of its newest attempts took at the most; nothing from fewer than three.
    pub fn p95(&self, workflow: &WorkflowName, task: &TaskName) -> Option<Duration> {
        let all = self.of.get(&(workflow.clone(), task.clone()))?;
        if all.len() < ENOUGH {
            return None;
        }
        let mut sorted: Vec<u32> = all.iter().copied().collect();
        sorted.sort_unstable();
        let place = (sorted.len() * 95).div_ceil(100).saturating_sub(1);
        sorted.get(place).map(|it| Duration::from_millis(u64::from(*it)))
    }
}

impl State {
    pub(crate) fn learn_duration(&mut self, ended: &AttemptEnded) {
        let attempt = &ended.attempt;
        if ended.outcome != AttemptOutcome::Succeeded || attempt.task.undo {
            return;
        }
        let Some(spot) = self.spot(attempt.run, &attempt.task) else { return };
        let open = self.task_run(spot).open_attempt();
        let started = ended.started_at.or(open.and_then(|it| it.started_at));
        let (Some(started), true) = (started, self.task(spot).has_process()) else { return };
        let workflow = self.run(attempt.run).workflow.clone();
        self.durations.learn(&workflow, &attempt.task.task, ended.ended_at.since(started));
    }

    /// When the attempt of a task run is expected to have ended, as those before it did; never after its timeout.
    pub fn expected_end(&self, spot: Spot) -> Option<Timestamp> {
        let progress = self.task_run(spot);
        let open = progress.open_attempt()?;
        let began = open.started_at.unwrap_or(open.ordered_at);
        let task = self.task(spot);
        let latest = crate::attempt::timeout_of(task, progress, began).map(|it| began + it);
        let usual = match spot.undo {
            true => None,
            false => self.durations.p95(&self.run(spot.run).workflow, &task.name),
        };
        let usual = usual.map(|it| began + it).filter(|it| *it > self.now);
        usual.into_iter().chain(latest).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_what_nineteen_of_twenty_took() {
        let mut durations = Durations::default();
        let (workflow, task) = ("flow".into(), "load".into());
        for seconds in [100, 1] {
            durations.learn(&workflow, &task, Duration::from_secs(seconds));
        }
        assert_eq!(durations.p95(&workflow, &task), None, "two are too few");
        for seconds in 2..=20 {
            durations.learn(&workflow, &task, Duration::from_secs(seconds));
        }
        // The first, which took longest, is forgotten.
        assert_eq!(durations.p95(&workflow, &task), Some(Duration::from_secs(19)));
    }
}
