//! Attempts that exist only as values, and end as mocks say.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::State;
use engine::effect::Launch;
use engine::input::{AttemptEnd, CheckResult, How, Input, Known};
use engine::state::Spot;
use serde_json::Value;
use shared::id::{AttemptId, PoolName, TaskPath};
use shared::time::Timestamp;
use shared::workflow::test::{Lasts, Mock, MockedAttempt, MockedEnd, Pattern};
use shared::workflow::{CheckItem, CheckWhat, Kind, Task};

use super::Stuck;

/// The attempts that have not been released.
#[derive(Default, Debug)]
pub(super) struct Attempts(BTreeMap<AttemptId, Held>);

#[derive(Debug)]
struct Held {
    pool: PoolName,
    path: TaskPath,
    end: AttemptEnd,
    log: Option<String>,
    /// How long it runs; until it is stopped where absent.
    lasts: Option<Duration>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Stage {
    Accepted,
    Running(Timestamp),
    /// Its stop is ordered, and it obeys at once.
    Stopped(Option<Timestamp>),
    Ended,
}

/// What is said of the newest attempt of a task run.
pub(super) fn mocked<'m>(
    mocks: &'m [Mock],
    state: &State,
    spot: Spot,
) -> Option<&'m MockedAttempt> {
    let path = state.path(spot);
    let mock = Pattern::closest(mocks, |it| &it.of, &path)?;
    let progress = state.runs.get(&spot.run)?.progress(spot)?;
    let number = progress.attempts.last().map_or(1, |it| it.number);
    let place = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
    mock.attempts.get(place).or(mock.attempts.last())
}

impl Attempts {
    /// Takes an attempt on. `false`: it is here already.
    pub(super) fn accept(
        &mut self,
        launch: Launch,
        state: &State,
        mocks: &[Mock],
    ) -> Result<bool, Stuck> {
        let Some(spot) = state.open(launch.attempt) else { return Ok(false) };
        if self.0.contains_key(&launch.attempt) {
            return Ok(false);
        }
        let default = MockedAttempt::default();
        let mock = mocked(mocks, state, spot).unwrap_or(&default);
        let definition = state.definition(spot.run);
        let task = match spot.undo {
            false => Some(definition.task(spot.task)),
            true => definition.undo(spot.task),
        };
        let path = state.path(spot);
        let lasts = match mock.lasts {
            Lasts::For(span) => Some(span),
            Lasts::Forever => None,
        };
        // What takes longer than it may ends by that.
        let (lasts, end) = match launch.timeout {
            Some(limit) if lasts.is_none_or(|it| it >= limit) => {
                (Some(limit), AttemptEnd::of(How::TimedOut))
            }
            _ if lasts.is_none() => (None, AttemptEnd::of(How::Killed)),
            _ => (lasts, end_of(mock, task, &path)?),
        };
        let (pool, log) = (launch.pool, mock.log.clone());
        let held = Held { pool, path, end, log, lasts, stage: Stage::Accepted };
        self.0.insert(launch.attempt, held);
        Ok(true)
    }

    /// The program of an attempt runs, or cannot.
    pub(super) fn starts(&mut self, attempt: AttemptId, now: Timestamp) -> Option<Input> {
        let held = self.0.get_mut(&attempt).filter(|it| it.stage == Stage::Accepted)?;
        if matches!(held.end.how, How::ExecFailed(_)) {
            held.stage = Stage::Ended;
            return Some(ended(held, attempt, None, now));
        }
        held.stage = Stage::Running(now);
        Some(Input::AttemptStarted { pool: held.pool.clone(), attempt, pid: 1, at: now })
    }

    /// When an attempt that runs will end.
    pub(super) fn ends_at(&self, attempt: AttemptId) -> Option<Timestamp> {
        let held = self.0.get(&attempt)?;
        match held.stage {
            Stage::Running(at) => held.lasts.map(|it| at + it),
            Stage::Accepted | Stage::Stopped(_) | Stage::Ended => None,
        }
    }

    /// An attempt ends: of which task run, what it has printed, and what the daemon is told.
    pub(super) fn ends(
        &mut self,
        attempt: AttemptId,
        now: Timestamp,
    ) -> Option<(TaskPath, Option<String>, Input)> {
        let held = self.0.get_mut(&attempt)?;
        let started_at = match held.stage {
            Stage::Running(at) => Some(at),
            Stage::Stopped(at) => {
                held.end = AttemptEnd::of(How::Killed);
                at
            }
            Stage::Accepted | Stage::Ended => return None,
        };
        held.stage = Stage::Ended;
        Some((held.path.clone(), held.log.clone(), ended(held, attempt, started_at, now)))
    }

    /// Stops an attempt. `false`: there is nothing to stop.
    pub(super) fn stop(&mut self, attempt: AttemptId) -> bool {
        let Some(held) = self.0.get_mut(&attempt) else { return false };
        held.stage = match held.stage {
            Stage::Accepted => Stage::Stopped(None),
            Stage::Running(at) => Stage::Stopped(Some(at)),
            Stage::Stopped(_) | Stage::Ended => return false,
        };
        true
    }

    /// Forgets an attempt that has ended.
    pub(super) fn release(&mut self, attempt: AttemptId) {
        if self.0.get(&attempt).is_some_and(|it| it.stage == Stage::Ended) {
            self.0.remove(&attempt);
        }
    }

    /// What the runner of a pool knows.
    pub(super) fn known(&self, pool: &PoolName, now: Timestamp) -> Vec<(AttemptId, Known)> {
        let own = self.0.iter().filter(|(_, it)| it.pool == *pool);
        let known = own.map(|(id, it)| {
            let known = match it.stage {
                Stage::Running(at) => Known::Running { pid: 1, at },
                Stage::Accepted | Stage::Stopped(_) => Known::Running { pid: 1, at: now },
                Stage::Ended => Known::Ended,
            };
            (*id, known)
        });
        known.collect()
    }
}

fn ended(held: &Held, attempt: AttemptId, started_at: Option<Timestamp>, now: Timestamp) -> Input {
    let end = AttemptEnd { started_at, ended_at: Some(now), ..held.end.clone() };
    Input::AttemptEnded { pool: held.pool.clone(), attempt, end: Box::new(end) }
}

/// The end that a mock says, of a task that is asked for what it promises.
fn end_of(mock: &MockedAttempt, task: Option<&Task>, path: &TaskPath) -> Result<AttemptEnd, Stuck> {
    let checks = match task.map(|it| &it.kind) {
        Some(Kind::Check { items }) => Some(&items[..]),
        _ => None,
    };
    let how = match mock.end {
        MockedEnd::Exit(_) if checks.is_some() => How::Exited(0),
        MockedEnd::Exit(code) => How::Exited(code),
        MockedEnd::Signal(number) => How::Signalled(number),
        MockedEnd::Oom => How::Oom,
        MockedEnd::Timeout => How::TimedOut,
        MockedEnd::Lost => How::Lost("the test says so".to_owned()),
        MockedEnd::StartFailed => How::ExecFailed("the test says so".to_owned()),
    };
    let mut end = AttemptEnd::of(how);
    if end.how != How::Exited(0) {
        return Ok(end);
    }
    let promised = task.into_iter().flat_map(|it| it.outputs.keys());
    let missing: Vec<String> =
        promised.filter(|it| !mock.outputs.contains_key(*it)).cloned().collect();
    if !missing.is_empty() {
        return Err(Stuck::NoOutputs { task: path.clone(), outputs: missing });
    }
    if !mock.outputs.is_empty() {
        let object: serde_json::Map<String, Value> = mock.outputs.clone().into_iter().collect();
        end.outputs = Value::Object(object).to_string().into_bytes();
    }
    end.checks = results(mock, checks.unwrap_or_default(), path)?;
    Ok(end)
}

/// What the programs of a check give.
fn results(
    mock: &MockedAttempt,
    items: &[CheckItem],
    path: &TaskPath,
) -> Result<Vec<CheckResult>, Stuck> {
    let exit = match mock.end {
        MockedEnd::Exit(code) => code,
        _ => 0,
    };
    let programs = items.iter().filter_map(|it| match &it.what {
        CheckWhat::Exec(argv) => Some((it, argv)),
        CheckWhat::Expr(_) => None,
    });
    let mut results = Vec::new();
    for (place, (item, argv)) in programs.enumerate() {
        let printed = mock.values.get(place).or(mock.values.last());
        let reads_value = item
            .expect
            .iter()
            .flat_map(|it| it.names())
            .any(|it| it == "value" || it.starts_with("value."));
        if printed.is_none() && reads_value {
            let program = argv.first().map_or("", |it| it.source()).to_owned();
            return Err(Stuck::NoValue { task: path.clone(), program });
        }
        results.push(CheckResult { exit, output: printed.cloned().unwrap_or_default() });
    }
    Ok(results)
}
