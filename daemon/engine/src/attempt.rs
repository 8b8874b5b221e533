//! How attempts begin and what their ends lead to. Source: semantics, rules 4 and 5.

use std::time::Duration;

use shared::id::{AttemptId, PoolName};
use shared::outputs::{self, Outputs};
use shared::request::{Actor, Decision};
use shared::state::{Activity, AttemptOutcome, Clock, Failure, Outcome, Skip, TaskPhase, Wait};
use shared::time::Timestamp;
use shared::workflow::{Kind, OnTimeout, Retry, RetryOn, Section, Task};

use crate::check;
use crate::effect::Effect;
use crate::event::{AttemptEnded, AttemptRef, Event};
use crate::faults::{self, Fault};
use crate::index::Timer;
use crate::input::{AttemptEnd, FoundFile, How};
use crate::launch;
use crate::scope;
use crate::state::{Spot, TaskRun};
use crate::step::Turn;

/// After so many attempts in vain it is said that there is no room.
const STARTS_FAILING: usize = 10;

/// The waits between attempts to start something for which there was no room.
const CAPACITY_DELAYS_MS: [u64; 6] = [100, 200, 500, 1_000, 2_000, 5_000];

impl Turn<'_> {
    /// A task run has nothing in its way but capacity; one that needs none begins.
    pub(crate) fn make_ready(&mut self, spot: Spot) {
        let task = self.state.task(spot);
        if task.has_process() {
            let task = self.state.path(spot);
            return self.emit(Event::TaskQueued { run: spot.run, task });
        }
        match &task.kind {
            Kind::Wait { .. } => self.begin_wait(spot),
            Kind::Approval { .. } => self.ask(spot),
            Kind::Check { .. } => {
                let attempt = self.begin(spot);
                let end = AttemptEnd::of(How::Exited(0));
                self.settle(spot, attempt, end);
            }
            Kind::Group => self.begin_group(spot),
            Kind::Run { .. } | Kind::Exec { .. } | Kind::Publish { .. } => {}
        }
    }

    /// The next attempt of a task run.
    pub(crate) fn attempt_to_be(&self, spot: Spot) -> AttemptRef {
        AttemptRef {
            id: AttemptId::mixed(self.state.incarnation, self.state.ids_given + 1),
            number: self.state.task_run(spot).attempts.last().map_or(0, |it| it.number) + 1,
            run: spot.run,
            task: self.state.path(spot),
        }
    }

    /// Gives a task run without process its next attempt, which begins at once.
    fn begin(&mut self, spot: Spot) -> AttemptRef {
        let attempt = self.attempt_to_be(spot);
        self.emit(Event::AttemptStarting { attempt: attempt.clone(), pool: None });
        let started_at = self.now;
        self.emit(Event::AttemptStarted { attempt: attempt.clone(), pid: None, started_at });
        attempt
    }

    fn begin_wait(&mut self, spot: Spot) {
        // Rendered before it exists: what cannot be rendered has no attempt.
        match launch::watch(self.state, spot, self.attempt_to_be(spot).id) {
            Ok(watch) => {
                self.begin(spot);
                self.effect(Effect::WatchFile(watch));
            }
            Err(problem) => self.finish(spot, Outcome::Failed(Failure::Expression(problem))),
        }
    }

    /// Asks a person.
    fn ask(&mut self, spot: Spot) {
        let task = self.state.task(spot);
        let Kind::Approval { message, .. } = &task.kind else { return };
        let scope =
            scope::of_task(self.state, spot, scope::names([].iter(), [message].into_iter()));
        let expires = task.timeout.attempt.map(|it| self.now + it);
        match message.render(&scope) {
            Ok(message) => {
                let attempt = self.begin(spot);
                self.emit(Event::ApprovalAsked { attempt, message, expires });
            }
            Err(problem) => {
                let problem = format!("`approval` {problem}");
                self.finish(spot, Outcome::Failed(Failure::Expression(problem)));
            }
        }
    }

    /// One that nobody waits for is stopped: its end is known already, or this store has never ordered it.
    pub(crate) fn attempt_started(
        &mut self,
        pool: PoolName,
        attempt: AttemptId,
        pid: u32,
        at: Timestamp,
    ) {
        let Some(spot) = self.state.open(attempt) else {
            return self.effect(Effect::StopAttempt(pool, attempt));
        };
        let open = self.state.task_run(spot).open_attempt();
        if open.is_some_and(|it| it.started_at.is_none()) {
            let attempt = self.attempt_ref(spot);
            self.emit(Event::AttemptStarted { attempt, pid: Some(pid), started_at: at });
        }
    }

    pub(crate) fn attempt_ended(&mut self, attempt: AttemptId, end: AttemptEnd) {
        let Some(spot) = self.state.open(attempt) else { return };
        let attempt = self.attempt_ref(spot);
        self.settle(spot, attempt, end);
    }

    pub(crate) fn file_arrived(&mut self, attempt: AttemptId, file: &FoundFile) {
        let Some(spot) = self.state.open(attempt) else { return };
        if self.state.task_run(spot).phase != TaskPhase::Active(Activity::Running) {
            return;
        }
        let attempt = self.attempt_ref(spot);
        let outputs = Outputs::from([
            ("path".to_owned(), file.path.as_str().into()),
            ("size".to_owned(), file.size.into()),
            ("modified".to_owned(), file.modified.to_string().into()),
        ]);
        let end = AttemptEnd::of(How::Exited(0));
        self.end_attempt(spot, attempt, AttemptOutcome::Succeeded, end, outputs);
    }

    /// The attempt of a task run that has not ended.
    pub(crate) fn attempt_ref(&self, spot: Spot) -> AttemptRef {
        let open = self.state.task_run(spot).open_attempt().expect("an open attempt was looked up");
        AttemptRef { id: open.id, number: open.number, run: spot.run, task: self.state.path(spot) }
    }

    /// Finds out what the end of a program means for its attempt.
    fn settle(&mut self, spot: Spot, attempt: AttemptRef, end: AttemptEnd) {
        let stopping = self.state.task_run(spot).phase == TaskPhase::Active(Activity::Stopping);
        let mut given = Outputs::new();
        let outcome = match &end.how {
            How::Lost(evidence) => AttemptOutcome::Lost(evidence.clone()),
            // It was to make room, and nobody has stopped it since.
            _ if stopping && self.is_making_room(spot) => AttemptOutcome::Preempted,
            // The cause given by a person or a clock wins over the exit code.
            How::Never | How::Refused(_) if stopping => self.stopped(spot),
            How::Exited(_) | How::Signalled(_) | How::Oom | How::TimedOut | How::Idle
                if stopping =>
            {
                self.stopped(spot)
            }
            How::ExecFailed(_) if stopping => self.stopped(spot),
            How::Killed => self.stopped(spot),
            How::Oom => AttemptOutcome::Oom,
            How::TimedOut => AttemptOutcome::TimedOut(self.clock_of(spot)),
            How::Idle => AttemptOutcome::TimedOut(Clock::Idle),
            How::Exited(0) => match outputs::parse(&end.outputs, &self.state.task(spot).outputs) {
                Ok(outputs) => {
                    given = outputs;
                    AttemptOutcome::Succeeded
                }
                Err(problem) => AttemptOutcome::CheckFailed(problem.to_string()),
            },
            How::Exited(code) => AttemptOutcome::Exit(*code),
            How::Signalled(number) => AttemptOutcome::Signal(*number),
            How::ExecFailed(reason) | How::Refused(reason) => {
                AttemptOutcome::StartFailed(reason.clone())
            }
            How::Never => AttemptOutcome::StartFailed("its runner died before".to_owned()),
        };
        self.end_attempt(spot, attempt, outcome, end, given);
    }

    /// Judges what an attempt gave, records its end, and does what follows.
    pub(crate) fn end_attempt(
        &mut self,
        spot: Spot,
        attempt: AttemptRef,
        outcome: AttemptOutcome,
        end: AttemptEnd,
        outputs: Outputs,
    ) {
        let (outcome, warnings) = match outcome {
            AttemptOutcome::Succeeded => {
                match check::judge(self.state, spot, &end, &outputs, self.now) {
                    Ok(warnings) => (AttemptOutcome::Succeeded, warnings),
                    Err(problem) => (AttemptOutcome::CheckFailed(problem), Vec::new()),
                }
            }
            outcome => (outcome, Vec::new()),
        };
        let exit = match end.how {
            How::Exited(code) if self.state.task(spot).has_process() => Some(code),
            _ => None,
        };
        let was_refused = matches!(end.how, How::Refused(_) | How::Never);
        self.emit(Event::AttemptEnded(Box::new(AttemptEnded {
            attempt,
            outcome: outcome.clone(),
            exit,
            started_at: end.started_at,
            ended_at: end.ended_at.unwrap_or(self.now),
            usage: end.usage,
            outputs: if outcome == AttemptOutcome::Succeeded { outputs } else { Outputs::new() },
            warnings,
        })));
        self.after_attempt(spot, outcome, was_refused);
    }

    /// What follows an attempt: success, one more attempt, a person's decision, or failure for good.
    fn after_attempt(&mut self, spot: Spot, outcome: AttemptOutcome, was_refused: bool) {
        let task = self.state.task(spot);
        let progress = self.state.task_run(spot);
        let is_stopped = self.is_stopped(spot);
        match outcome {
            AttemptOutcome::Succeeded if !is_stopped => self.finish(spot, Outcome::Succeeded),
            // It ended by the clock of the run, and what ended otherwise just then has the run's time as its cause too.
            AttemptOutcome::TimedOut(Clock::Run) => {
                self.finish(spot, Outcome::Failed(Failure::Attempt(outcome)));
            }
            // A person has sent it back to the queue, and that does not use the limit up.
            AttemptOutcome::Cancelled if progress.requeue && !is_stopped => self.make_ready(spot),
            AttemptOutcome::Cancelled => self.finish(spot, Outcome::Cancelled),
            _ if is_stopped => self.finish(spot, Outcome::Cancelled),
            AttemptOutcome::Preempted => self.again_at_once(spot),
            AttemptOutcome::StartFailed(ref reason) if was_refused => {
                let refused = progress.attempts.iter().rev();
                let times = refused.take_while(|it| it.started_at.is_none()).count();
                if times == STARTS_FAILING {
                    self.say_starts_fail(spot, reason.clone());
                }
                let last = CAPACITY_DELAYS_MS.len() - 1;
                let wait =
                    Duration::from_millis(CAPACITY_DELAYS_MS[times.saturating_sub(1).min(last)]);
                self.schedule_retry(spot, self.now + wait, false, None);
            }
            AttemptOutcome::Lost(ref evidence) if !may_repeat_lost(task) => {
                let reason = format!(
                    "nobody knows how its attempt {} ended ({evidence}), and it is not said to be idempotent",
                    progress.attempts.len()
                );
                let task = self.state.path(spot);
                self.emit(Event::TaskHeld { run: spot.run, task, reason, actor: None });
            }
            outcome => match self.next_attempt_at(spot, &outcome) {
                Some(at) => {
                    let memory = self.memory_after(spot, &outcome);
                    self.schedule_retry(spot, at, true, memory);
                }
                None => self.finish(spot, Outcome::Failed(Failure::Attempt(outcome))),
            },
        }
    }

    /// What has made room for another waits in the queue again, at once and without using the limit up.
    fn again_at_once(&mut self, spot: Spot) {
        self.make_ready(spot);
    }

    fn say_starts_fail(&mut self, spot: Spot, reason: String) {
        let (run, task) = (spot.run, self.state.path(spot));
        let pool = self.state.task(spot).pool.clone();
        let attempts = u32::try_from(STARTS_FAILING).expect("it is small");
        self.emit(Event::StartsFailing { run, task, pool, attempts, reason });
    }

    /// How an attempt ends that was stopped: by a person, or by the clock of its run.
    pub(crate) fn stopped(&self, spot: Spot) -> AttemptOutcome {
        let is_over = self.state.run(spot.run).clock.over.is_some();
        match is_over && self.is_main(spot) && !self.state.task_run(spot).requeue {
            true => AttemptOutcome::TimedOut(Clock::Run),
            false => AttemptOutcome::Cancelled,
        }
    }

    fn is_main(&self, spot: Spot) -> bool {
        !spot.undo && self.state.task(spot).section == Section::Main
    }

    /// Which of the limits of its task was the one that an attempt was started with.
    fn clock_of(&self, spot: Spot) -> Clock {
        let progress = self.state.task_run(spot);
        let Some(open) = progress.open_attempt() else { return Clock::Attempt };
        let at = open.started_at.unwrap_or(open.ordered_at).min(self.now);
        limit_of(self.state.task(spot), progress, at).map_or(Clock::Attempt, |it| it.1)
    }

    fn schedule_retry(&mut self, spot: Spot, at: Timestamp, counts: bool, memory: Option<u64>) {
        let task = self.state.path(spot);
        faults::arm(at, spot);
        self.emit(Event::RetryScheduled { run: spot.run, task, at, counts, memory });
    }

    /// When the next attempt may start, if the task's retries allow one.
    fn next_attempt_at(&self, spot: Spot, outcome: &AttemptOutcome) -> Option<Timestamp> {
        let task = self.state.task(spot);
        let progress = self.state.task_run(spot);
        if progress.retries >= task.retry.limit || !counts(&task.retry, task, outcome) {
            return None;
        }
        let seed = progress.attempts.last().map_or(0, |it| it.id.0);
        let at = self.now + wait_before(&task.retry, progress.retries + 1, seed);
        let total = task.timeout.total.zip(progress.started_at).map(|(total, start)| start + total);
        total.is_none_or(|end| at < end).then_some(at)
    }

    /// Whether an actor, or the clock of the run, has stopped what the task run belongs to.
    pub(crate) fn is_stopped(&self, spot: Spot) -> bool {
        let run = self.state.run(spot.run);
        let is_main = self.state.task(spot).section == Section::Main;
        let is_over = run.clock.over.is_some() && self.is_main(spot);
        is_over || run.cancel.as_ref().is_some_and(|it| is_main || it.now)
    }

    /// Does what was to be done at an instant that has come.
    pub(crate) fn fire_timers(&mut self) {
        while let Some((at, timer)) = self.state.index.timers.first().cloned()
            && at <= self.now
        {
            let spot = match timer {
                Timer::Task(spot) => spot,
                Timer::Queue => return,
                Timer::Run(run) => {
                    self.run_out_of_time(run);
                    continue;
                }
                Timer::Pause(what) => {
                    self.end_pause(what, Actor::daemon(), None);
                    continue;
                }
            };
            match self.state.task_run(spot).phase.clone() {
                TaskPhase::Waiting(Wait::Retry { .. }) => self.make_ready(spot),
                TaskPhase::Waiting(Wait::Approval { .. }) => self.expire(spot),
                TaskPhase::Active(_) => {
                    let attempt = self.attempt_ref(spot);
                    self.effect(Effect::StopWatch(attempt.id));
                    let outcome = AttemptOutcome::TimedOut(self.clock_of(spot));
                    let end = AttemptEnd::of(How::TimedOut);
                    self.end_attempt(spot, attempt, outcome, end, Outputs::new());
                }
                TaskPhase::Queued => {
                    let task = self.state.path(spot);
                    self.emit(Event::TaskLifted { run: spot.run, task });
                }
                TaskPhase::Waiting(Wait::Needs | Wait::Hold { .. }) | TaskPhase::Finished(_) => {
                    return;
                }
            }
        }
    }

    /// Does what timers of no phase would do. There are none but by a deliberate fault.
    pub(crate) fn fire_stray_timers(&mut self) {
        for spot in faults::due(self.now) {
            let run = self.state.runs.get(&spot.run);
            let phase = run.and_then(|it| it.progress(spot)).map(|it| it.phase.clone());
            let fires = match phase {
                Some(TaskPhase::Waiting(Wait::Needs | Wait::Hold { .. } | Wait::Retry { .. })) => {
                    faults::active(Fault::RetryTimerOutlivesPhase)
                }
                Some(TaskPhase::Finished(Outcome::Cancelled)) => {
                    faults::active(Fault::CancelledIsRetried)
                }
                Some(
                    TaskPhase::Waiting(Wait::Approval { .. })
                    | TaskPhase::Queued
                    | TaskPhase::Active(_)
                    | TaskPhase::Finished(_),
                )
                | None => false,
            };
            if fires {
                self.make_ready(spot);
            }
        }
    }

    /// Nobody has answered in time.
    fn expire(&mut self, spot: Spot) {
        let Kind::Approval { on_timeout, .. } = self.state.task(spot).kind else { return };
        let attempt = self.attempt_ref(spot);
        let (outcome, then) = match on_timeout {
            OnTimeout::Approve => (AttemptOutcome::Succeeded, Some(Outcome::Succeeded)),
            OnTimeout::Reject => (AttemptOutcome::Timeout, Some(Outcome::Failed(Failure::Expired))),
            OnTimeout::Skip => (AttemptOutcome::Timeout, Some(Outcome::Skipped(Skip::Expired))),
            OnTimeout::Hold => (AttemptOutcome::Timeout, None),
        };
        self.end_approval(attempt, outcome);
        match then {
            Some(outcome) => self.finish(spot, outcome),
            None => {
                let task = self.state.path(spot);
                let reason = "nobody has answered its approval in time".to_owned();
                self.emit(Event::TaskHeld { run: spot.run, task, reason, actor: None });
            }
        }
    }

    /// Records the end of an attempt that asked a person.
    pub(crate) fn end_approval(&mut self, attempt: AttemptRef, outcome: AttemptOutcome) {
        self.emit(Event::AttemptEnded(Box::new(AttemptEnded {
            attempt,
            outcome,
            exit: None,
            started_at: None,
            ended_at: self.now,
            usage: Default::default(),
            outputs: Outputs::new(),
            warnings: Vec::new(),
        })));
    }

    /// The watch of a wait that goes on, for a daemon that has just started.
    pub(crate) fn watch_again(&mut self, spot: Spot) {
        let attempt = self.attempt_ref(spot);
        // It was rendered when it began, from values that have not changed.
        if let Ok(watch) = launch::watch(self.state, spot, attempt.id) {
            self.effect(Effect::WatchFile(watch));
        }
    }
}

fn may_repeat_lost(task: &Task) -> bool {
    match task.idempotent {
        Some(said) => said,
        None => task.retry.on.contains(&RetryOn::Lost),
    }
}

/// Whether an outcome is one that is tried again.
fn counts(retry: &Retry, task: &Task, outcome: &AttemptOutcome) -> bool {
    let on = match outcome {
        AttemptOutcome::Exit(code) => {
            let listed = retry.exit_codes.is_empty() || retry.exit_codes.contains(code);
            return listed && retry.on.contains(&RetryOn::Exit);
        }
        AttemptOutcome::Lost(_) => return may_repeat_lost(task),
        AttemptOutcome::Signal(_) => RetryOn::Signal,
        AttemptOutcome::Oom => RetryOn::Oom,
        AttemptOutcome::Timeout | AttemptOutcome::TimedOut(_) => RetryOn::Timeout,
        AttemptOutcome::CheckFailed(_) => RetryOn::Check,
        AttemptOutcome::StartFailed(_) => RetryOn::StartFailed,
        AttemptOutcome::Succeeded
        | AttemptOutcome::Cancelled
        | AttemptOutcome::Preempted
        | AttemptOutcome::Rejected => return false,
    };
    retry.on.contains(&on)
}

/// The wait before the `number`-th retry: longer each time, up to a limit, and by chance a little more or less. The
/// chance is a hash of `seed`, so a replay finds the same.
fn wait_before(retry: &Retry, number: u32, seed: u64) -> Duration {
    let growth = retry.backoff.powi(i32::try_from(number - 1).unwrap_or(i32::MAX));
    let longest = retry.max_delay.as_secs_f64();
    let wait = (retry.delay.as_secs_f64() * growth).min(longest.max(retry.delay.as_secs_f64()));
    let chance = (seed >> 11) as f64 / (1_u64 << 53) as f64;
    let wait = wait * (1.0 + retry.jitter * (2.0 * chance - 1.0));
    Duration::try_from_secs_f64(wait).unwrap_or(retry.max_delay)
}

/// The end of an approval that a person has decided.
pub(crate) fn outcome_of(decision: Decision) -> AttemptOutcome {
    match decision {
        Decision::Approve => AttemptOutcome::Succeeded,
        Decision::Reject => AttemptOutcome::Rejected,
    }
}

/// How long an attempt that starts now may take: its own limit, or what is left of that of all attempts.
pub(crate) fn timeout_of(task: &Task, progress: &TaskRun, now: Timestamp) -> Option<Duration> {
    limit_of(task, progress, now).map(|it| it.0)
}

/// The same, and by which clock.
fn limit_of(task: &Task, progress: &TaskRun, now: Timestamp) -> Option<(Duration, Clock)> {
    let left = |total: Duration| (progress.started_at.unwrap_or(now) + total).since(now);
    let total = task.timeout.total.map(|it| left(it).max(Duration::from_millis(1)));
    let attempt = task.timeout.attempt.map(|it| (it, Clock::Attempt));
    let total = total.map(|it| (it, Clock::Total));
    attempt.into_iter().chain(total).min_by_key(|it| it.0)
}
