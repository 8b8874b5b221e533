//! What follows from the state and would be slow to look up in it. Nothing here is a fact of its own: an invariant
//! compares it with a recount.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use shared::id::{AttemptId, PoolName, ResourceName, RunId, WorkflowName};
use shared::request::PauseWhat;
use shared::state::{Activity, RunPhase, TaskPhase, Wait};
use shared::time::Timestamp;
use shared::workflow::{Kind, Priority, Section, Task};

use crate::blockers::parallel_limit;
use crate::faults::{self, Fault};
use crate::queue::{CRITICAL, Demand, QueueKey, Used, effective};
use crate::state::{Pause, Run, Spot, State, TaskRun};

/// See the module.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Index {
    /// The task runs whose attempt has not ended.
    pub(crate) open: BTreeMap<AttemptId, Spot>,
    /// What is taken of each pool.
    pub(crate) used: BTreeMap<PoolName, Used>,
    /// Amounts of resources that are taken.
    pub(crate) resources: BTreeMap<ResourceName, u32>,
    /// The task runs that wait for capacity, in their order; one that may run in several pools is in each of them.
    pub(crate) queued: BTreeMap<PoolName, BTreeSet<QueueKey>>,
    /// Those of them that nothing but capacity keeps from it, by what they ask for. Of a mapped task with `max_parallel`
    /// there is the first that waits, and only while another may run.
    pub(crate) ready: BTreeMap<PoolName, BTreeMap<Demand, BTreeSet<QueueKey>>>,
    /// The items of each mapped task with `max_parallel` that wait.
    pub(crate) limited: BTreeMap<(RunId, u32), BTreeSet<QueueKey>>,
    /// The task runs whose attempt may be stopped for a critical one.
    pub(crate) preemptible: BTreeSet<Spot>,
    /// When something must be looked at again.
    pub(crate) timers: BTreeSet<(Timestamp, Timer)>,
    /// The runs that are not over, by what limits them.
    pub(crate) lanes: BTreeMap<(WorkflowName, Option<String>), Lane>,
    /// Of each run how many tasks of each section are not over, and of each mapped task how many items.
    pub(crate) unfinished: BTreeMap<(RunId, Unfinished), u32>,
    /// Of each mapped task how many items are active.
    pub(crate) active_items: BTreeMap<(RunId, u32), u32>,
}

/// For whose sake something must be looked at again.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Timer {
    /// A task run, or an undo.
    Task(Spot),
    /// The time of a run.
    Run(RunId),
    /// Something that is paused.
    Pause(PauseWhat),
    /// Whatever waits for capacity.
    Queue,
}

/// What is counted as unfinished.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Unfinished {
    /// The tasks of a section.
    Section(Section),
    /// The items of the task at this place.
    Items(u32),
    /// The undos.
    Undos,
}

/// The order in which runs were made: two of one workflow that were made at one instant are told apart by their number.
pub(crate) type Age = (Timestamp, u64);

pub(crate) fn age(run: &Run) -> Age {
    (run.created_at, run.number)
}

/// The runs of one workflow, and of one value of its key.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Lane {
    /// Those that have started, oldest first.
    pub(crate) active: BTreeSet<(Age, RunId)>,
    /// Those that have not, in their order.
    pub(crate) queued: BTreeSet<(Reverse<Priority>, Age, RunId)>,
}

/// What one task run adds to the index.
struct Share<'a> {
    spot: Spot,
    run: &'a Run,
    task: &'a Task,
    progress: &'a TaskRun,
    held_back: bool,
}

impl Index {
    /// Everything that follows from `state`.
    pub(crate) fn recount(state: &State) -> Self {
        let mut index = Self::default();
        for run in state.runs.values() {
            index.add_run(run);
            for spot in run.all_spots() {
                index.add(state, spot);
            }
        }
        for (what, pause) in &state.pauses {
            index.add_pause(what, pause);
        }
        index
    }

    /// Puts in what a pause adds.
    pub(crate) fn add_pause(&mut self, what: &PauseWhat, pause: &Pause) {
        self.timers.extend(pause.until.map(|until| (until, Timer::Pause(what.clone()))));
    }

    /// Takes out what [`Index::add_pause`] put in.
    pub(crate) fn remove_pause(&mut self, what: &PauseWhat, pause: &Pause) {
        if let Some(until) = pause.until {
            self.timers.remove(&(until, Timer::Pause(what.clone())));
        }
    }

    /// Puts in what a run adds beside its task runs.
    pub(crate) fn add_run(&mut self, run: &Run) {
        if let Some(pause) = &run.pause {
            self.add_pause(&PauseWhat::Run(run.id), pause);
        }
        self.timers.extend(run.clock.ends().map(|at| (at, Timer::Run(run.id))));
        let lane = self.lanes.entry((run.workflow.clone(), run.lane.clone())).or_default();
        match run.phase {
            RunPhase::Queued => {
                lane.queued.insert((Reverse(run.priority), age(run), run.id));
            }
            RunPhase::Active | RunPhase::RollingBack(_) | RunPhase::Closing(_) => {
                lane.active.insert((age(run), run.id));
            }
            RunPhase::Ended(_) => {}
        }
    }

    /// Takes out what [`Index::add_run`] put in.
    pub(crate) fn remove_run(&mut self, run: &Run) {
        if let Some(pause) = &run.pause {
            self.remove_pause(&PauseWhat::Run(run.id), pause);
        }
        if let Some(at) = run.clock.ends() {
            self.timers.remove(&(at, Timer::Run(run.id)));
        }
        let key = (run.workflow.clone(), run.lane.clone());
        let Some(lane) = self.lanes.get_mut(&key) else { return };
        lane.queued.remove(&(Reverse(run.priority), age(run), run.id));
        lane.active.remove(&(age(run), run.id));
        if lane.queued.is_empty() && lane.active.is_empty() {
            self.lanes.remove(&key);
        }
    }

    /// Puts in what a task run adds.
    pub(crate) fn add(&mut self, state: &State, spot: Spot) {
        let share = Share::of(state, spot);
        let lane = parallel_limit(state, spot).map(|_| (spot.run, spot.task));
        if let Some(lane) = lane {
            self.close_lane(state, lane);
        }
        if share.is_queued() {
            let key = share.queue_key();
            for pool in share.task.pools() {
                self.queued.entry(pool.clone()).or_default().insert(key);
            }
            match lane {
                _ if share.held_back => {}
                Some(lane) => drop(self.limited.entry(lane).or_default().insert(key)),
                None => self.make_ready(&share),
            }
        }
        if let Some(attempt) = share.progress.open_attempt() {
            self.open.insert(attempt.id, spot);
        }
        if share.holds_capacity() {
            let (pool, demand) = (state.pool_of(spot), share.demand());
            let used = self.used.entry(pool.clone()).or_default();
            used.slots += demand.slots;
            used.cpu += demand.cpu;
            used.memory += demand.memory;
            for (resource, amount) in demand.resources {
                *self.resources.entry(resource).or_default() += amount;
            }
        }
        if share.may_be_preempted() {
            self.preemptible.insert(spot);
        }
        if let Some(at) = share.timer(state) {
            self.timers.insert((at, Timer::Task(spot)));
        }
        if !share.progress.phase.is_over() {
            *self.unfinished.entry((spot.run, share.counted_in())).or_default() += 1;
        }
        if share.is_active_item() {
            *self.active_items.entry((spot.run, spot.task)).or_default() += 1;
        }
        if let Some(lane) = lane {
            self.open_lane(state, lane);
        }
    }

    /// Takes out what [`Index::add`] put in.
    pub(crate) fn remove(&mut self, state: &State, spot: Spot) {
        let share = Share::of(state, spot);
        let lane = parallel_limit(state, spot).map(|_| (spot.run, spot.task));
        if let Some(lane) = lane {
            self.close_lane(state, lane);
        }
        if share.is_queued() {
            let key = share.queue_key();
            for pool in share.task.pools() {
                take_from_set(&mut self.queued, pool, &key);
            }
            match lane {
                _ if share.held_back => {}
                Some(lane) => take_from_set(&mut self.limited, &lane, &key),
                None => self.make_unready(&share),
            }
        }
        if let Some(attempt) = share.progress.open_attempt() {
            self.open.remove(&attempt.id);
        }
        if share.holds_capacity() {
            let (pool, demand) = (state.pool_of(spot), share.demand());
            if let Some(used) = self.used.get_mut(pool) {
                used.slots = used.slots.saturating_sub(demand.slots);
                used.cpu = used.cpu.saturating_sub(demand.cpu);
                used.memory = used.memory.saturating_sub(demand.memory);
                if *used == Used::default() {
                    self.used.remove(pool);
                }
            }
            for (resource, amount) in &demand.resources {
                subtract(&mut self.resources, resource, *amount);
            }
        }
        if share.may_be_preempted() {
            self.preemptible.remove(&spot);
        }
        if let Some(at) = share.timer(state) {
            self.timers.remove(&(at, Timer::Task(spot)));
        }
        if !share.progress.phase.is_over() {
            subtract(&mut self.unfinished, &(spot.run, share.counted_in()), 1);
        }
        if share.is_active_item() {
            subtract(&mut self.active_items, &(spot.run, spot.task), 1);
        }
        if let Some(lane) = lane {
            self.open_lane(state, lane);
        }
    }

    fn make_ready(&mut self, share: &Share<'_>) {
        let (key, demand) = (share.queue_key(), share.demand());
        for pool in share.task.pools() {
            let queues = self.ready.entry(pool.clone()).or_default();
            match queues.get_mut(&demand) {
                Some(queue) => drop(queue.insert(key)),
                None => drop(queues.insert(demand.clone(), BTreeSet::from([key]))),
            }
        }
    }

    fn make_unready(&mut self, share: &Share<'_>) {
        let (key, demand) = (share.queue_key(), share.demand());
        for pool in share.task.pools() {
            if let Some(queues) = self.ready.get_mut(pool) {
                take_from_set(queues, &demand, &key);
                if queues.is_empty() {
                    self.ready.remove(pool);
                }
            }
        }
    }

    /// The first that waits of a mapped task, where another of its items may run.
    fn first_of_lane<'a>(&self, state: &'a State, lane: (RunId, u32)) -> Option<Share<'a>> {
        let first = self.limited.get(&lane)?.first()?.spot;
        let active = self.active_items.get(&lane).copied().unwrap_or(0);
        let may_run = parallel_limit(state, first).is_none_or(|limit| active < limit);
        may_run.then(|| Share::of(state, first))
    }

    fn close_lane(&mut self, state: &State, lane: (RunId, u32)) {
        if let Some(first) = self.first_of_lane(state, lane) {
            self.make_unready(&first);
        }
    }

    fn open_lane(&mut self, state: &State, lane: (RunId, u32)) {
        if let Some(first) = self.first_of_lane(state, lane) {
            self.make_ready(&first);
        }
    }

    /// Gives back once more what a task run has held. Only a deliberate fault does.
    pub(crate) fn give_back_again(&mut self, task: &Task) {
        if let Some(used) = self.used.get_mut(&task.pool) {
            used.slots = used.slots.saturating_sub(task.slots);
        }
        for (resource, amount) in &task.resources {
            subtract(&mut self.resources, resource, *amount);
        }
    }

    /// How many tasks of a section of a run are not over.
    pub(crate) fn unfinished(&self, run: RunId, what: Unfinished) -> u32 {
        self.unfinished.get(&(run, what)).copied().unwrap_or(0)
    }
}

/// The place of a task run that waits for capacity.
pub(crate) fn key_of(state: &State, spot: Spot) -> QueueKey {
    Share::of(state, spot).queue_key()
}

/// The priority by which a queue is in order.
fn turned(priority: Priority) -> Priority {
    match faults::active(Fault::PriorityReversed) {
        true => Priority(u16::MAX - priority.0),
        false => priority,
    }
}

/// An amount of nothing leaves no entry, so that an index and its recount are equal.
fn subtract<K: Ord>(sums: &mut BTreeMap<K, u32>, key: &K, amount: u32) {
    if let Some(sum) = sums.get_mut(key) {
        *sum = sum.saturating_sub(amount);
        if *sum == 0 {
            sums.remove(key);
        }
    }
}

fn take_from_set<K: Ord, V: Ord>(sets: &mut BTreeMap<K, BTreeSet<V>>, key: &K, value: &V) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(value);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}

impl<'a> Share<'a> {
    fn of(state: &'a State, spot: Spot) -> Self {
        let (run, task, progress) = (state.run(spot.run), state.task(spot), state.task_run(spot));
        Self { spot, run, task, progress, held_back: state.held_back(run).is_some() }
    }

    fn is_parent(&self) -> bool {
        let is_whole = self.spot.item.is_none() && self.task.map.is_some();
        !self.spot.undo && (is_whole || self.task.kind == Kind::Group)
    }

    fn is_queued(&self) -> bool {
        self.progress.phase == TaskPhase::Queued && !self.is_parent()
    }

    fn is_active(&self) -> bool {
        matches!(self.progress.phase, TaskPhase::Active(_))
    }

    fn is_active_item(&self) -> bool {
        self.spot.item.is_some() && !self.spot.undo && self.is_active()
    }

    /// What may still run holds what it has taken, until its end is known.
    fn holds_capacity(&self) -> bool {
        let is_active = match &self.progress.phase {
            TaskPhase::Active(Activity::Stopping) => !faults::active(Fault::SlotFreedAtStop),
            TaskPhase::Waiting(Wait::Retry { .. }) => faults::active(Fault::RetryKeepsSlot),
            TaskPhase::Active(_) => true,
            TaskPhase::Waiting(_) | TaskPhase::Queued | TaskPhase::Finished(_) => false,
        };
        is_active && self.task.has_process() && !self.is_parent()
    }

    fn demand(&self) -> Demand {
        Demand::of(self.task, self.progress)
    }

    fn may_be_preempted(&self) -> bool {
        let is_active = matches!(
            self.progress.phase,
            TaskPhase::Active(Activity::Starting | Activity::Running)
        );
        self.task.preemptible && is_active && self.holds_capacity()
    }

    fn queue_key(&self) -> QueueKey {
        let own = self.task.priority.unwrap_or(self.run.priority);
        QueueKey {
            priority: Reverse(turned(effective(own, self.progress.lifted))),
            deadline: self.run.deadline.unwrap_or(Timestamp(i64::MAX)),
            age: self.turn(),
            spot: self.spot,
        }
    }

    /// What was sent back to the queue is as young as that.
    fn turn(&self) -> Age {
        let (made, number) = age(self.run);
        (self.progress.requeued_at.map_or(made, |it| it.max(made)), number)
    }

    fn timer(&self, state: &State) -> Option<Timestamp> {
        match (&self.progress.phase, &self.task.kind) {
            // What would begin at once waits for the end of the pause; what waits for capacity is kept from that.
            (TaskPhase::Waiting(Wait::Retry { .. }), _)
                if self.held_back && !self.task.has_process() =>
            {
                None
            }
            (TaskPhase::Waiting(Wait::Retry { at }), _) => Some(*at),
            (TaskPhase::Waiting(Wait::Approval { expires, .. }), _) => *expires,
            (TaskPhase::Active(Activity::Running), Kind::Wait { .. }) => {
                let began = self.progress.open_attempt()?.started_at?;
                let timeout = self.task.timeout;
                let attempt = timeout.attempt.map(|it| began + it);
                let total = timeout.total.map(|it| self.progress.started_at.unwrap_or(began) + it);
                attempt.into_iter().chain(total).min()
            }
            // What a pause keeps from the queue is lifted once it is back.
            (TaskPhase::Queued, _) if self.is_queued() && !self.held_back => {
                let own = self.task.priority.unwrap_or(self.run.priority);
                let wait = state.max_wait(own).filter(|_| own < CRITICAL && !self.progress.lifted);
                wait.map(|it| self.progress.since + it)
            }
            _ => None,
        }
    }

    fn counted_in(&self) -> Unfinished {
        match self.spot.item {
            _ if self.spot.undo => Unfinished::Undos,
            None => Unfinished::Section(self.task.section),
            Some(_) => Unfinished::Items(self.spot.task),
        }
    }
}
