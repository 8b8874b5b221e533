//! A workflow's own tests: a world that follows the test, and what came of it against what was expected.
//!
//! Start reading at [`play`].

mod judge;
mod trace;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use engine::definition::Definition;
use engine::input::{Input, Shelf};
use engine::state::Run;
use engine::why;
use shared::id::{PoolName, ResourceName, RunId};
use shared::request::{Answer, PauseWhat, Refusal, Request, RetryWhat, RollbackWhat};
use shared::time::{Timestamp, format_duration};
use shared::why::{BlockerKind, Why};
use shared::workflow::Workflow;
use shared::workflow::test::{Act, ActWhat, Test, What};

use crate::player::{Player, Rest, Stuck};
pub use trace::TraceLine;

/// What there is of everything that a test does not limit: more than a file can ask for.
const PLENTY: u32 = 1_000_000_000;

/// What came of a test.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// What is not as expected, in the order of the file; nothing of a test that has passed.
    pub failures: Vec<Failure>,
    /// The word of the run's state in the end; none where there is no run.
    pub state: Option<String>,
    /// How long the run has taken, in virtual time.
    pub took: Duration,
    /// What has happened, first first.
    pub trace: Vec<TraceLine>,
}

impl Report {
    /// Whether everything is as expected.
    pub fn has_passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Something that is not as expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// An expectation is not met.
    Missed {
        /// The line where it stands.
        line: u32,
        /// What it is about: `load`, `the run`, an expression.
        about: String,
        /// What was expected of it.
        expected: String,
        /// What it is.
        got: String,
        /// Why it is so, a line each.
        because: Vec<String>,
    },
    /// The test cannot be played, or does not come to an end.
    Broken {
        /// The line of what is to be mended.
        line: u32,
        /// What is wrong.
        problem: String,
        /// What is in the way, a line each.
        because: Vec<String>,
        /// What to do about it.
        help: Option<String>,
    },
}

/// Plays a test of a workflow on an engine of its own.
pub fn play(workflow: &Arc<Workflow>, test: &Test) -> Report {
    let (pools, resources) = capacity(workflow, test);
    let (mocks, answers) = (test.mocks.clone(), test.answers.clone());
    let player = Player::new(test.start, pools, resources, mocks, answers);
    let broken = |stuck: Stuck| Report {
        failures: vec![of_stuck(&stuck, test.line)],
        state: None,
        took: Duration::ZERO,
        trace: Vec::new(),
    };
    let mut player = match player {
        Ok(player) => player,
        Err(stuck) => return broken(stuck),
    };
    match create(&mut player, workflow, test) {
        Err(stuck) => broken(stuck),
        Ok(Err(refusal)) => Report {
            failures: vec![of_refusal("the run", test.line, in_a_test(refusal))],
            state: None,
            took: Duration::ZERO,
            trace: Vec::new(),
        },
        Ok(Ok(run)) => {
            let mut failures = Vec::new();
            if let Err(failure) = go_on(&mut player, run, test) {
                failures.push(*failure);
            }
            report(&player, run, test, failures)
        }
    }
}

/// The slots of a pool.
type Slots = (PoolName, u32);

/// The amount of a resource.
type Amount = (ResourceName, u32);

/// As much of everything as the test says, else plenty.
fn capacity(workflow: &Workflow, test: &Test) -> (Vec<Slots>, Vec<Amount>) {
    let pools: BTreeSet<&PoolName> = workflow.tasks.iter().flat_map(|it| it.pools()).collect();
    let slots = test.capacity.slots.unwrap_or(PLENTY);
    let named = workflow.tasks.iter().flat_map(|it| it.resources.keys());
    let mut resources: BTreeMap<ResourceName, u32> = named.map(|it| (it.clone(), PLENTY)).collect();
    resources.extend(test.capacity.resources.clone());
    (pools.into_iter().map(|it| (it.clone(), slots)).collect(), resources.into_iter().collect())
}

fn create(
    player: &mut Player,
    workflow: &Arc<Workflow>,
    test: &Test,
) -> Result<Result<RunId, Refusal>, Stuck> {
    player.tell(Input::LibraryRead(vec![Shelf::Good(workflow.clone())]))?;
    let request = Request::Run {
        workflow: workflow.name.clone(),
        params: test.params.clone(),
        interval: test.interval,
        priority: test.priority,
    };
    let answer = player.ask(&test.actor, request)?;
    Ok(answer.map(|it| match it {
        Answer::RunCreated { run, .. } => run,
        other => unreachable!("a run that was asked for was answered by {other:?}"),
    }))
}

/// Lets everything happen, with the acts at their instants, until nothing does any more.
fn go_on(player: &mut Player, run: RunId, test: &Test) -> Result<(), Box<Failure>> {
    let stuck = |it: Stuck| Box::new(of_stuck(&it, test.line));
    let mut acts: Vec<&Act> = test.acts.iter().collect();
    acts.sort_by_key(|it| it.at);
    for act in acts {
        if player.play(Some(test.start + act.at)).map_err(stuck)? == Rest::Endless {
            return Err(Box::new(endless(player, run, test)));
        }
        carry_out(player, run, act)?;
    }
    match player.play(None).map_err(stuck)? {
        Rest::Endless => Err(Box::new(endless(player, run, test))),
        Rest::Still | Rest::Reached => match waits(player, run) {
            Some(because) if !expects_no_end(test) => Err(Box::new(Failure::Broken {
                line: test.line,
                problem: "the run does not end: nothing happens any more, and it waits".to_owned(),
                because,
                help: Some(
                    "answer it, or let something happen with `acts`; if it is meant to wait, expect its state with `run:`"
                        .to_owned(),
                ),
            })),
            _ => Ok(()),
        },
    }
}

fn expects_no_end(test: &Test) -> bool {
    let over = ["succeeded", "partial", "failed", "cancelled", "skipped", "rolled_back"];
    test.expectations.iter().any(|it| match &it.what {
        What::Run(word) => !over.contains(&word.as_str()) && word != "rollback_failed",
        _ => false,
    })
}

fn carry_out(player: &mut Player, run: RunId, act: &Act) -> Result<(), Box<Failure>> {
    let by = act.by.as_deref().unwrap_or(Test::ACTOR);
    if act.what == ActWhat::Crash {
        return player.crash().map_err(|it| Box::new(of_stuck(&it, act.line)));
    }
    for request in requests(run, act) {
        let answer = player.ask(by, request).map_err(|it| Box::new(of_stuck(&it, act.line)))?;
        if let Err(refusal) = answer {
            let what = format!("`{}` at {}", act.what.word(), format_duration(act.at));
            return Err(Box::new(of_refusal(&what, act.line, refusal)));
        }
    }
    Ok(())
}

fn requests(run: RunId, act: &Act) -> Vec<Request> {
    let comment = act.comment.clone();
    let what = PauseWhat::Run(run);
    let retry = |what| vec![Request::Retry { run, what, comment: comment.clone() }];
    let roll_back = |what| vec![Request::Rollback { run, what, comment: comment.clone() }];
    match &act.what {
        ActWhat::Cancel { now } => vec![Request::Cancel { run, now: *now, comment }],
        ActWhat::Pause => vec![Request::Pause { what, until: None, comment }],
        ActWhat::Resume => vec![Request::Resume { what, comment }],
        ActWhat::RetryFailed => retry(RetryWhat::Failed),
        ActWhat::Retry(tasks) => retry(RetryWhat::Tasks(tasks.clone())),
        ActWhat::RetryFrom(task) => retry(RetryWhat::From(task.clone())),
        ActWhat::RollBack => roll_back(RollbackWhat::All),
        ActWhat::RollBackTasks(tasks) => roll_back(RollbackWhat::Tasks(tasks.clone())),
        ActWhat::Hold(tasks) => {
            let each = |task| Request::Hold { run, task, comment: comment.clone() };
            tasks.iter().cloned().map(each).collect()
        }
        ActWhat::Release(tasks) => {
            let each = |task| Request::Release { run, task, comment: comment.clone() };
            tasks.iter().cloned().map(each).collect()
        }
        ActWhat::Skip(tasks) => {
            let each = |task| Request::Skip { run, task, comment: comment.clone() };
            tasks.iter().cloned().map(each).collect()
        }
        ActWhat::Requeue(tasks) => {
            let each = |task| Request::Requeue { run, task, comment: comment.clone() };
            tasks.iter().cloned().map(each).collect()
        }
        ActWhat::Mark(task, mark) => {
            vec![Request::Mark { run, task: task.clone(), mark: mark.clone(), comment }]
        }
        ActWhat::Crash => Vec::new(),
    }
}

fn of_stuck(stuck: &Stuck, line: u32) -> Failure {
    let line = match stuck {
        Stuck::Refused { line, .. } => *line,
        Stuck::NoOutputs { .. } | Stuck::NoValue { .. } | Stuck::Journal(_) => line,
    };
    let (problem, help) = (stuck.to_string(), Some(stuck.help()));
    Failure::Broken { line, problem, because: Vec::new(), help }
}

fn of_refusal(what: &str, line: u32, refusal: Refusal) -> Failure {
    let problem = format!("{what} was refused: {}", refusal.message);
    Failure::Broken { line, problem, because: Vec::new(), help: refusal.help }
}

/// A refusal that says what to do in a test, and not on a command line.
fn in_a_test(refusal: Refusal) -> Refusal {
    Refusal { help: Some("say it in the test's `params` or `interval`".to_owned()), ..refusal }
}

fn endless(player: &Player, run: RunId, test: &Test) -> Failure {
    let after = format_duration(player.now().since(test.start));
    Failure::Broken {
        line: test.line,
        problem: format!("the run does not end: it still goes on after {after}"),
        because: waits(player, run).unwrap_or_default(),
        help: Some("let it end by `acts`, or limit its retries and timeouts".to_owned()),
    }
}

/// What a run waits for that has not ended, a line each.
fn waits(player: &Player, run: RunId) -> Option<Vec<String>> {
    let state = player.engine().state();
    let why = why::of_run(state, state.runs.get(&run)?, 100);
    let mut lines: Vec<String> = why.blockers.iter().map(|it| it.text.clone()).collect();
    let is_behind = |it: &Why| it.blockers.iter().all(|it| it.kind == BlockerKind::Needs);
    for task in why.tasks.iter().filter(|it| !is_behind(it)).take(8) {
        let name = task.task.as_deref().unwrap_or_default();
        lines.extend(task.blockers.iter().map(|it| format!("{name}: {}", it.text)));
    }
    Some(lines)
}

/// A run as it is in the end.
struct End<'p> {
    run: &'p Run,
    definition: Arc<Definition>,
}

fn end_of(player: &Player, run: RunId) -> End<'_> {
    let state = player.engine().state();
    match player.ended(run) {
        Some(it) => {
            End { run: &it.run, definition: Arc::new(Definition::new(it.workflow.clone())) }
        }
        None => {
            let it = state.runs.get(&run).expect("a run is in the state or has ended");
            End { run: it, definition: state.definition(run).clone() }
        }
    }
}

fn report(player: &Player, run: RunId, test: &Test, mut failures: Vec<Failure>) -> Report {
    let end = end_of(player, run);
    // What was expected says little of a run that broke off.
    if failures.is_empty() {
        failures = judge::judge(&end, test);
    }
    let until = end.run.ended_at.unwrap_or(player.now());
    Report {
        failures,
        state: Some(end.run.word().to_owned()),
        took: until.since(end.run.created_at),
        trace: trace::trace(player, run, end.run.created_at),
    }
}

/// How long after the beginning of a run something was.
fn after(run: &Run, at: Timestamp) -> Duration {
    at.since(run.created_at)
}
