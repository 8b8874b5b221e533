//! Plays an engine in virtual time against a world that follows a script: the only loop of tests, and of whatever else asks
//! what would come of something.
//!
//! Nothing waits here and nothing goes wrong by itself: attempts end as [`Mock`]s say, people answer as [`Answers`] say, and
//! time goes from one thing that happens to the next.

mod attempts;

use std::collections::BTreeMap;
use std::time::Duration;

use engine::input::{Archived, FoundFile, Input, Known, Seen, Ticket};
use engine::{Effect, Engine, Event, Stamped};
use shared::capacity::{Capacity, PoolSize, QueuePolicy, ResourceSize};
use shared::id::{AttemptId, PoolName, ResourceName, RunId, TaskPath};
use shared::request::{Actor, Answer, Decision, Refusal, Request};
use shared::time::Timestamp;
use shared::workflow::test::{Answers, Lasts, Mock, MockedDecision, Pattern};

use crate::journal::Journal;
use attempts::Attempts;

/// After so much virtual time it is not waited any longer: ten years.
pub const TIME_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// After so many steps neither.
pub const STEPS_MAX: u64 = 1_000_000;

const INCARNATION: u64 = 7;

/// How a play that has not broken off has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// Nothing happens any more.
    Still,
    /// An instant has come that was asked for.
    Reached,
    /// Virtual time or steps were used up.
    Endless,
}

/// Why a play cannot go on: what was said of the world is not enough.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Stuck {
    /// An attempt succeeds without outputs that its task promises.
    #[error("`{task}` promises {}, and nothing says what that is", quoted(.outputs))]
    NoOutputs {
        /// The task run.
        task: TaskPath,
        /// The names.
        outputs: Vec<String>,
    },
    /// A check judges what a program prints, and nothing says what that is.
    #[error("`{task}` judges what `{program}` prints, and nothing says what that is")]
    NoValue {
        /// The task run.
        task: TaskPath,
        /// The program.
        program: String,
    },
    /// An answer was refused.
    #[error("the answer to `{task}` was refused: {refusal}")]
    Refused {
        /// The approval.
        task: TaskPath,
        /// The line where the answer stands.
        line: u32,
        /// Why.
        refusal: Refusal,
    },
    /// A fault of ours.
    #[error("the journal cannot be read back: {0}")]
    Journal(String),
}

impl Stuck {
    /// What the author can do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NoOutputs { task, outputs } => {
                let outputs: Vec<String> = outputs.iter().map(|it| format!("{it}: …")).collect();
                format!(
                    "add `mock: {{ {}: {{ outputs: {{ {} }} }} }}`",
                    key(task),
                    outputs.join(", ")
                )
            }
            Self::NoValue { task, .. } => {
                format!("add `mock: {{ {}: {{ value: … }} }}`", key(task))
            }
            Self::Refused { refusal, .. } => {
                refusal.help.clone().unwrap_or_else(|| "change the answer".to_owned())
            }
            Self::Journal(_) => "this is a fault of Runyard: please report it".to_owned(),
        }
    }
}

/// What all items of a mapped task are mocked by.
fn key(task: &TaskPath) -> String {
    TaskPath { item: None, ..task.clone() }.to_string()
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}

/// Something that will happen.
#[derive(Clone, PartialEq, Debug)]
enum Happening {
    Starts(AttemptId),
    Ends(AttemptId),
    Arrives(AttemptId),
    /// The decision with this number is made.
    Decides(AttemptId, TaskPath, RunId, usize),
}

/// Something that has happened and is no event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Behind how many events.
    pub behind: usize,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// A world and the engine in it.
#[derive(Debug)]
pub struct Player {
    engine: Engine,
    now: Timestamp,
    until: Timestamp,
    order: u64,
    queue: BTreeMap<(Timestamp, u64), Happening>,
    mocks: Vec<Mock>,
    answers: Vec<Answers>,
    attempts: Attempts,
    /// What the daemon looks for, and for how long its file has been waited for.
    watches: BTreeMap<AttemptId, String>,
    events: Vec<Stamped>,
    notes: Vec<Note>,
    archive: BTreeMap<RunId, Archived>,
    answer: Option<Result<Answer, Refusal>>,
    steps: u64,
    pools: Vec<(PoolName, u32)>,
    resources: Vec<(ResourceName, u32)>,
}

impl Player {
    /// A world that starts at `now` with this capacity.
    pub fn new(
        now: Timestamp,
        pools: Vec<(PoolName, u32)>,
        resources: Vec<(ResourceName, u32)>,
        mocks: Vec<Mock>,
        answers: Vec<Answers>,
    ) -> Result<Self, Stuck> {
        let mut player = Self {
            engine: Engine::default(),
            now,
            until: now + TIME_MAX,
            order: 0,
            queue: BTreeMap::new(),
            mocks,
            answers,
            attempts: Attempts::default(),
            watches: BTreeMap::new(),
            events: Vec::new(),
            notes: Vec::new(),
            archive: BTreeMap::new(),
            answer: None,
            steps: 0,
            pools,
            resources,
        };
        player.start()?;
        Ok(player)
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The instant that it is.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Everything that has become true, first first.
    pub fn events(&self) -> &[Stamped] {
        &self.events
    }

    /// What has happened beside that, first first.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// A run that has ended, and is not taken up again.
    pub fn ended(&self, run: RunId) -> Option<&Archived> {
        let is_taken_up = self.engine.state().runs.contains_key(&run);
        self.archive.get(&run).filter(|_| !is_taken_up)
    }

    /// Gives the engine something that nobody is asked for.
    pub fn tell(&mut self, input: Input) -> Result<(), Stuck> {
        self.step(input)
    }

    /// Asks for something.
    pub fn ask(&mut self, actor: &str, request: Request) -> Result<Result<Answer, Refusal>, Stuck> {
        let ended = request.run().and_then(|it| self.ended(it)).cloned();
        self.answer = None;
        self.step(Input::Request {
            ticket: Ticket(1),
            actor: Actor { name: actor.to_owned(), uid: None },
            request,
            seen: Seen::default(),
            archived: ended.map(Box::new),
        })?;
        Ok(self.answer.take().expect("each request is answered in its step"))
    }

    /// Lets things happen until nothing does any more, or until an instant: what is due then has not happened yet.
    pub fn play(&mut self, until: Option<Timestamp>) -> Result<Rest, Stuck> {
        loop {
            let wake = self.engine.next_wakeup().map(|(at, _)| at.max(self.now));
            let next = self.queue.first_key_value().map(|((at, _), _)| (*at).max(self.now));
            let due = match (next, wake) {
                (Some(next), Some(wake)) => Some(next.min(wake)),
                (next, wake) => next.or(wake),
            };
            if let Some(until) = until.filter(|until| due.is_none_or(|it| it >= *until)) {
                self.now = self.now.max(until);
                return Ok(Rest::Reached);
            }
            let Some(due) = due else { return Ok(Rest::Still) };
            if due > self.until || self.steps >= STEPS_MAX {
                return Ok(Rest::Endless);
            }
            self.now = due;
            // What happens at the very end of a limit is still in time.
            if next == Some(due) {
                let (_, happening) = self.queue.pop_first().expect("it was just looked at");
                self.happen(happening)?;
            } else {
                self.step(Input::Wake)?;
            }
        }
    }

    /// The daemon dies, and starts again from what is on disk. What runs goes on.
    pub fn crash(&mut self) -> Result<(), Stuck> {
        let mut journal = Journal::default();
        journal.append(&self.events).map_err(Stuck::Journal)?;
        let mut state = journal.replay().map_err(Stuck::Journal)?;
        state.ended.clear();
        if &state != self.engine.state() {
            return Err(Stuck::Journal("it gives another state than there was".to_owned()));
        }
        self.engine = Engine::new(state);
        self.note("the daemon dies and starts again".to_owned());
        self.watches.clear();
        self.queue.retain(|_, it| !matches!(it, Happening::Arrives(_)));
        self.start()
    }

    fn start(&mut self) -> Result<(), Stuck> {
        self.step(Input::Resumed { incarnation: INCARNATION })?;
        let pools = self.pools.iter().map(|(name, it)| (name.clone(), PoolSize::slots(*it)));
        let resources = self.resources.iter();
        let resources = resources
            .map(|(name, amount)| (name.clone(), ResourceSize { amount: *amount, rate: None }));
        let capacity = Capacity {
            pools: pools.collect(),
            resources: resources.collect(),
            queue: QueuePolicy::default(),
        };
        self.step(Input::Configured(Box::new(capacity)))?;
        for (pool, _) in self.pools.clone() {
            let known: Vec<(AttemptId, Known)> = self.attempts.known(&pool, self.now);
            self.step(Input::PoolConnected { pool, lineage: 1, known })?;
        }
        Ok(())
    }

    fn note(&mut self, text: String) {
        self.notes.push(Note { behind: self.events.len(), at: self.now, text });
    }

    fn at(&mut self, at: Timestamp, happening: Happening) {
        self.order += 1;
        self.queue.insert((at, self.order), happening);
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Stuck> {
        match happening {
            Happening::Starts(attempt) => {
                let Some(input) = self.attempts.starts(attempt, self.now) else { return Ok(()) };
                if let Some(at) = self.attempts.ends_at(attempt) {
                    self.at(at, Happening::Ends(attempt));
                }
                self.step(input)
            }
            Happening::Ends(attempt) => {
                let Some((path, log, input)) = self.attempts.ends(attempt, self.now) else {
                    return Ok(());
                };
                if let Some(log) = log {
                    self.note(format!("{path} prints: {log}"));
                }
                self.step(input)
            }
            Happening::Arrives(attempt) => {
                let Some(path) = self.watches.remove(&attempt) else { return Ok(()) };
                let file = FoundFile { path, size: 1, modified: self.now };
                self.step(Input::FileArrived { attempt, file })
            }
            Happening::Decides(attempt, task, run, number) => {
                self.decide(attempt, task, run, number)
            }
        }
    }

    fn decide(
        &mut self,
        attempt: AttemptId,
        task: TaskPath,
        run: RunId,
        number: usize,
    ) -> Result<(), Stuck> {
        // What it answers is decided, or over.
        if self.engine.state().open(attempt).is_none() {
            return Ok(());
        }
        let list = self.answers_to(&task);
        let Some(MockedDecision { line, by, decision, comment, .. }) = list.get(number).cloned()
        else {
            return Ok(());
        };
        let by = by.unwrap_or_else(|| "user:approver".to_owned());
        // A rejection needs one.
        let comment = comment
            .or_else(|| (decision == Decision::Reject).then(|| "as the test says".to_owned()));
        let request = Request::Decide { run, task: task.clone(), decision, comment };
        match self.ask(&by, request)? {
            Ok(_) => Ok(()),
            Err(refusal) => Err(Stuck::Refused { task, line, refusal }),
        }
    }

    fn answers_to(&self, task: &TaskPath) -> &[MockedDecision] {
        let answers = Pattern::closest(&self.answers, |it| &it.of, task);
        answers.map_or(&[], |it| &it.list)
    }

    /// One step, and what it leads to.
    fn step(&mut self, input: Input) -> Result<(), Stuck> {
        self.steps += 1;
        let step = self.engine.step(self.now, input);
        self.archive.extend(self.engine.take_ended().into_iter().map(|it| (it.run.id, it)));
        let seen = self.events.len();
        self.events.extend(step.events);
        for place in seen..self.events.len() {
            if let Event::ApprovalAsked { attempt, .. } = &self.events[place].event {
                let (id, task, run) = (attempt.id, attempt.task.clone(), attempt.run);
                let afters: Vec<Duration> =
                    self.answers_to(&task).iter().map(|it| it.after).collect();
                for (number, after) in afters.into_iter().enumerate() {
                    self.at(self.now + after, Happening::Decides(id, task.clone(), run, number));
                }
            }
        }
        step.effects.into_iter().try_for_each(|it| self.carry_out(it))
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), Stuck> {
        match effect {
            Effect::StartAttempt(launch) => {
                let attempt = launch.attempt;
                if self.attempts.accept(*launch, self.engine.state(), &self.mocks)? {
                    self.at(self.now, Happening::Starts(attempt));
                }
            }
            Effect::StopAttempt(_, attempt) => {
                if self.attempts.stop(attempt) {
                    self.at(self.now, Happening::Ends(attempt));
                }
            }
            Effect::ReleaseAttempt(_, attempt) => self.attempts.release(attempt),
            Effect::WatchFile(watch) => {
                let state = self.engine.state();
                let spot = state.open(watch.attempt);
                let since = spot
                    .and_then(|it| state.runs.get(&it.run)?.progress(it))
                    .and_then(|it| it.open_attempt()?.started_at);
                let mock = spot
                    .and_then(|it| attempts::mocked(&self.mocks, state, it))
                    .map_or(Lasts::default(), |it| it.lasts);
                self.watches.insert(watch.attempt, watch.path);
                if let Lasts::For(after) = mock {
                    let comes = since.unwrap_or(self.now) + after;
                    self.at(comes.max(self.now), Happening::Arrives(watch.attempt));
                }
            }
            Effect::StopWatch(attempt) => _ = self.watches.remove(&attempt),
            Effect::Answer(_, answer) => self.answer = Some(answer),
        }
        Ok(())
    }
}
