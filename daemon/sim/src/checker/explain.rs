//! Whether what is not over is explained, and whether the explanation is true of the world. Source: reliability, I7;
//! semantics, rule 17.

use engine::State;
use engine::blockers::{Obstacle, obstacles};
use shared::id::{PoolName, ResourceName};
use shared::state::RunPhase;
use shared::time::Timestamp;

use super::{Checker, task_of};

/// More is not asked of one run at once.
const TASKS_MAX: usize = 1_000;

impl Checker {
    /// Every run that is not over, and all that is not over of it, has a reason that can be shown.
    ///
    /// # Errors
    /// What has none, or one that is not true.
    pub fn explained(&self, state: &State) -> Result<(), String> {
        for run in state.runs.values() {
            let why = engine::why::of_run(state, run, TASKS_MAX);
            if why.blockers.is_empty() && (run.phase == RunPhase::Queued || why.tasks.is_empty()) {
                return Err(format!("{} is {}, and nothing says why", run.label(), why.state));
            }
            if let Some(task) = why.tasks.iter().find(|it| it.blockers.is_empty()) {
                let name = task.task.as_deref().unwrap_or_default();
                return Err(format!(
                    "{name} of {} is {}, and nothing says why",
                    run.label(),
                    task.state
                ));
            }
            for spot in run.all_spots() {
                for obstacle in obstacles(state, spot) {
                    self.is_true(state, spot, &obstacle)?;
                }
            }
        }
        Ok(())
    }

    /// What is said to be taken is taken, by attempts whose end is not on disk.
    fn is_true(
        &self,
        state: &State,
        spot: engine::state::Spot,
        obstacle: &Obstacle<'_>,
    ) -> Result<(), String> {
        let path = state.path(spot);
        let Some(run) = self.runs.get(&spot.run) else { return Ok(()) };
        let task = run.task(&path)?;
        match obstacle {
            Obstacle::Slots(pool) => {
                let slots = self.slots.get(*pool).copied().unwrap_or(0);
                let taken = self.slots_ordered(pool);
                if taken + task.slots <= slots {
                    return Err(format!(
                        "{path} waits for slots of {pool}, and {taken} of {slots} are taken"
                    ));
                }
            }
            Obstacle::Resource(resource) => {
                let amount = self.resources.get(*resource).copied().unwrap_or(0);
                let taken = self.resource_ordered(resource);
                let wanted = task.resources.get(*resource).copied().unwrap_or(0);
                if taken + wanted <= amount {
                    return Err(format!(
                        "{path} waits for {resource}, and {taken} of {amount} are taken"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn slots_ordered(&self, pool: &PoolName) -> u32 {
        let tasks = self.ordered_tasks().filter(|it| it.pool == *pool);
        tasks.map(|it| it.slots).sum()
    }

    fn resource_ordered(&self, resource: &ResourceName) -> u32 {
        self.ordered_tasks().filter_map(|it| it.resources.get(resource)).sum()
    }

    /// The tasks of the attempts that may run: they are ordered, and their end is not on disk.
    pub(super) fn ordered_tasks(&self) -> impl Iterator<Item = &shared::workflow::Task> {
        self.open.iter().filter_map(|id| {
            let ordered = self.attempts.get(id).filter(|it| it.has_process)?;
            task_of(&self.runs.get(&ordered.run)?.workflow, &ordered.path.task)
        })
    }

    /// No pause has outlived its end.
    ///
    /// # Errors
    /// The first that has.
    pub fn pauses_are_over(&self, now: Timestamp) -> Result<(), String> {
        let over = |until: &Option<Timestamp>| until.is_some_and(|it| it < now);
        match self.pauses.iter().find(|(_, until)| over(until)) {
            Some((what, _)) => Err(format!("the pause of {what:?} has outlived its end")),
            None => Ok(()),
        }
    }
}
