//! The one thread that owns the engine. Knows no shell by name: it takes inputs, and hands out effects.
//!
//! One turn: take what waits in the inbox, step it, put all events on disk with one write and one sync, and only then
//! show them, answer and carry out the effects. What cannot be written has not happened: the engine is rebuilt from the
//! disk, whoever asked is told, and nothing is started until writing works again.

mod degraded;
mod inbox;
mod open;
mod refusals;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use engine::input::{Seen, Ticket};
use engine::{Effect, Engine, Event, Input, Stamped, State, Step};
use shared::id::{PoolName, RunId, Seq};
use shared::plan::Plan;
use shared::request::{Actor, Answer, Refusal, RefusalCode, Request};
use tokio::sync::{oneshot, watch};

use crate::changes::Changes;
use crate::clock::{Clock, epoch};
use crate::history::History;
use crate::report;
use crate::store::{CommitError, Store, StoreError};
use degraded::{Damage, Degraded, SYNC_FAILURES_MAX};
use refusals::Refusals;

pub(crate) use inbox::{Inbox, Message};
pub(crate) use open::{Opening, open};

/// The most that is stepped before it is put on disk.
const BATCH_MAX: usize = 512;
/// How long events from which nothing follows may wait for others, to be put on disk with them: a process that is over
/// at once is one write and one sync instead of two.
const LINGER: Duration = Duration::from_millis(5);
/// How long the index on disk may lag behind the journal, when a run has ended.
const INDEX_SYNC_AFTER: Duration = Duration::from_millis(200);
/// The same while it lacks nothing but how far the journal has come.
const INDEX_SEQ_AFTER: Duration = Duration::from_secs(10);
/// The longest sleep, so that a wall clock that was set is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(60);

type Reply = oneshot::Sender<Result<Answer, Refusal>>;

/// What carries effects out.
pub(crate) trait World: Send + 'static {
    /// Carries out the effects of one turn, in order.
    fn carry_out(&mut self, effects: Vec<Effect>);
    /// Breaks every connection to a pool, so that each says anew what it knows.
    fn reconnect(&mut self);
    /// Whether an effect goes to this pool.
    fn goes_to(effect: &Effect, pool: &PoolName) -> bool;
}

/// What readers may look at, between two turns: nothing in it is not on disk.
#[derive(Debug)]
pub(crate) struct Readout<'a> {
    pub(crate) state: &'a State,
    pub(crate) history: &'a History,
    pub(crate) store: &'a Store,
    pub(crate) changes: &'a Changes,
    pub(crate) seq: Seq,
    /// Why nothing can be written, while that is so.
    pub(crate) degraded: Option<&'a str>,
}

/// See the module.
pub(crate) struct Driver<W> {
    engine: Engine,
    clock: Clock,
    /// Absent only while it cannot be opened, and so only while degraded.
    store: Option<Store>,
    dir: PathBuf,
    history: History,
    changes: Changes,
    inbox: Receiver<Message>,
    world: W,
    published: watch::Sender<Seq>,
    answers: BTreeMap<Ticket, Reply>,
    /// Who has asked for what, of those that are not answered.
    asked: BTreeMap<Ticket, (Actor, Request)>,
    refusals: Refusals,
    tickets: u64,
    /// When the index is to be put on disk; absent if it is.
    index_due: Option<Instant>,
    degraded: Option<Degraded>,
    /// How many syncs have failed since the last one that did not.
    sync_failures: u32,
    /// What the daemon's files said last: told again to an engine that was rebuilt.
    standing: Vec<Input>,
}

/// How the driver ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// It was asked to.
    Stopped,
    /// The disk does not keep what is written to it.
    DiskFails,
    /// It has met a fault of its own.
    Fault,
}

/// What one turn has come to.
#[derive(Default)]
struct Turn {
    steps: Vec<Vec<Stamped>>,
    effects: Vec<Effect>,
    asks: Vec<inbox::Ask>,
    /// Connections that effects may go to from here on.
    installs: Vec<inbox::Install>,
    stop: bool,
}

impl Turn {
    /// Whether there is something to put on disk, and nothing that follows from it.
    fn may_wait(&self) -> bool {
        !self.steps.is_empty() && self.effects.is_empty() && self.asks.is_empty() && !self.stop
    }
}

impl<W: World> Driver<W> {
    pub(crate) fn new(
        opening: Opening,
        dir: PathBuf,
        inbox: Receiver<Message>,
        world: W,
        published: watch::Sender<Seq>,
    ) -> Self {
        published.send_replace(opening.seq);
        Self {
            clock: Clock::after(opening.state.now),
            engine: Engine::new(opening.state),
            store: Some(opening.store),
            dir,
            history: opening.history,
            changes: Changes::new(epoch()),
            inbox,
            world,
            published,
            answers: BTreeMap::new(),
            asked: BTreeMap::new(),
            refusals: Refusals::default(),
            tickets: 0,
            index_due: None,
            degraded: None,
            sync_failures: 0,
            standing: Vec::new(),
        }
    }

    /// Runs until it is asked to stop. The only code that calls `Engine::step`.
    pub(crate) fn run(mut self) -> Ending {
        loop {
            let pause = self.sleep();
            let first = match self.inbox.recv_timeout(pause) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
            };
            let mut turn = Turn::default();
            first.into_iter().for_each(|message| self.take(message, &mut turn));
            self.take_more(&mut turn);
            if self.degraded.is_some() {
                self.try_to_go_on(&mut turn);
            } else {
                self.wake_if_due(&mut turn);
            }
            let (asks, stop) = (std::mem::take(&mut turn.asks), turn.stop);
            self.commit(turn);
            self.record_refusals();
            self.serve(asks);
            self.sync_index(stop);
            if self.sync_failures >= SYNC_FAILURES_MAX {
                return Ending::DiskFails;
            }
            if stop {
                return Ending::Stopped;
            }
        }
    }

    /// Takes what waits in the inbox, and what comes soon where nothing follows from what was taken.
    fn take_more(&mut self, turn: &mut Turn) {
        let until = Instant::now() + LINGER;
        for _ in 0..BATCH_MAX {
            let left = match turn.may_wait() {
                true => until.saturating_duration_since(Instant::now()),
                false => Duration::ZERO,
            };
            let Ok(message) = self.inbox.recv_timeout(left) else { return };
            self.take(message, turn);
        }
    }

    /// How long nothing needs to be done, unless a message comes.
    fn sleep(&mut self) -> Duration {
        if let Some(degraded) = &self.degraded {
            return degraded.wait();
        }
        let now = self.clock.now();
        let timer = self.engine.next_wakeup().map(|(at, _)| at.since(now));
        let index = self.index_due.map(|it| it.saturating_duration_since(Instant::now()));
        [timer, index].into_iter().flatten().min().unwrap_or(SLEEP_MAX).min(SLEEP_MAX)
    }

    fn take(&mut self, message: Message, turn: &mut Turn) {
        match message {
            Message::Input(input) => {
                self.keep_standing(&input);
                // What is dropped while nothing can be written is said again: a runner repeats itself at its next
                // connection, and timers come of themselves.
                if self.degraded.is_none() {
                    self.step(input, turn);
                }
            }
            Message::Plan { actor, request, reply } => {
                reply.send(self.plan(&actor, &request)).ok();
            }
            Message::Request { actor, act, reply } => match &self.degraded {
                Some(degraded) => {
                    reply.send(Err(degraded.refusal())).ok();
                }
                None => match self.archived(&act.request) {
                    Ok(archived) => {
                        self.tickets += 1;
                        let ticket = Ticket(self.tickets);
                        self.answers.insert(ticket, reply);
                        let seen = Seen { state: act.seen, plan: act.plan };
                        let request = act.request;
                        self.asked.insert(ticket, (actor.clone(), request.clone()));
                        let input = Input::Request { ticket, actor, request, seen, archived };
                        self.step(input, turn);
                    }
                    Err(refusal) => {
                        self.refusals.note(Instant::now(), &actor, &act.request, &refusal);
                        reply.send(Err(refusal)).ok();
                    }
                },
            },
            Message::Connected { pool, input, install } => {
                if self.degraded.is_none() {
                    // What was ordered before is worked out anew from what the runner knows; and nothing that was meant
                    // for an earlier connection goes to this one.
                    turn.effects.retain(|it| !W::goes_to(it, &pool));
                    turn.installs.push(install);
                    self.step(input, turn);
                }
            }
            Message::Ask(ask) => turn.asks.push(ask),
            Message::Stop => turn.stop = true,
        }
    }

    fn step(&mut self, input: Input, turn: &mut Turn) {
        let Step { events, effects } = self.engine.step(self.clock.now(), input);
        if !events.is_empty() {
            turn.steps.push(events);
        }
        turn.effects.extend(effects);
    }

    fn wake_if_due(&mut self, turn: &mut Turn) {
        if self.engine.next_wakeup().is_some_and(|(at, _)| at <= self.clock.now()) {
            self.step(Input::Wake, turn);
        }
    }

    fn keep_standing(&mut self, input: &Input) {
        if matches!(input, Input::Resumed { .. } | Input::Configured(_) | Input::LibraryRead(_)) {
            self.standing.retain(|it| std::mem::discriminant(it) != std::mem::discriminant(input));
            self.standing.push(input.clone());
        }
    }

    /// What a request would do.
    fn plan(&mut self, actor: &Actor, request: &Request) -> Result<Plan, Refusal> {
        if let Some(degraded) = &self.degraded {
            return Err(degraded.refusal());
        }
        let archived = self.archived(request)?;
        let now = self.clock.now();
        let plan = || self.engine.plan(now, actor, request, archived.as_deref());
        // A look that goes wrong must not take the daemon with it.
        catch_unwind(AssertUnwindSafe(plan)).unwrap_or_else(|_| {
            tracing::error!("a plan has met a fault");
            Err(Refusal::new(RefusalCode::Internal, "a fault of the daemon")
                .help("its log says more"))
        })
    }

    /// The run that a request is about, where it has ended.
    fn archived(&self, request: &Request) -> Result<Option<Box<engine::input::Archived>>, Refusal> {
        let Some(run) = request.run() else { return Ok(None) };
        let state = self.engine.state();
        if state.runs.contains_key(&run) {
            return Ok(None);
        }
        // It may have ended in this very turn.
        if let Some(archived) = state.ended.iter().rev().find(|it| it.run.id == run) {
            return Ok(Some(Box::new(archived.clone())));
        }
        let store =
            self.store.as_ref().expect("it is open unless degraded, and requests are refused then");
        let found =
            self.history.find_archive(store, run).and_then(|it| it.map(|it| it.read()).transpose());
        match found {
            Ok(Some(archived)) => Ok(Some(Box::new(archived))),
            Ok(None) => Err(no_such_run(run)),
            Err(problem) => Err(Refusal::new(RefusalCode::Internal, with_sources(&problem))),
        }
    }

    /// Puts the events of a turn on disk; then, and only then, whatever follows.
    fn commit(&mut self, turn: Turn) {
        let Some(store) = self.store.as_mut().filter(|_| self.degraded.is_none()) else { return };
        let before = self.history.seq();
        match store.append(&turn.steps) {
            Err(problem) => self.not_written(&problem),
            Ok(last) => {
                // First what somebody waits for: the rest is only for readers.
                turn.installs.into_iter().for_each(|install| install());
                self.answer_and_carry_out(turn.effects);
                let events: Vec<Stamped> = turn.steps.into_iter().flatten().collect();
                if !events.is_empty() {
                    self.sync_failures = 0;
                    let first = Seq(before.0 + 1);
                    report::log(first, &events);
                    self.changes.note(&events);
                    if let Err(problem) = self.index(first, Seq(last), events) {
                        let (reason, help) = (with_sources(&problem), problem.help());
                        return self.degrade(Degraded::new(reason, help, Damage::Index));
                    }
                    self.published.send_replace(Seq(last));
                }
            }
        }
    }

    /// Keeps what was refused, once whoever asked has been told: nobody waits for this.
    fn record_refusals(&mut self) {
        let refused = self.refusals.take();
        if refused.is_empty() || self.degraded.is_some() {
            return;
        }
        let mut turn = Turn::default();
        for it in refused {
            self.step(Input::RequestRefused(Box::new(it)), &mut turn);
        }
        self.commit(turn);
    }

    /// Keeps the events of active runs at hand, and puts ended runs where ended runs are kept.
    fn index(&mut self, first: Seq, last: Seq, events: Vec<Stamped>) -> Result<(), StoreError> {
        let store = self.store.as_mut().expect("events were just appended to it");
        let reopened = events.iter().any(|it| matches!(it.event, Event::RunReopened { .. }));
        self.history.take_in(first, events);
        if reopened {
            self.history.find_earlier(&store.index, self.engine.state());
        }
        let ended = self.engine.take_ended();
        if !ended.is_empty() {
            self.history.archive(&store.blobs, &mut store.index, last, &ended)?;
        }
        let after = if ended.is_empty() { INDEX_SEQ_AFTER } else { INDEX_SYNC_AFTER };
        let due = Instant::now() + after;
        self.index_due = Some(self.index_due.map_or(due, |it| it.min(due)));
        Ok(())
    }

    fn answer_and_carry_out(&mut self, effects: Vec<Effect>) {
        let mut others = Vec::new();
        for effect in effects {
            match effect {
                Effect::Answer(ticket, answer) => {
                    if let (Err(refusal), Some((actor, request))) =
                        (&answer, self.asked.remove(&ticket))
                    {
                        self.refusals.note(Instant::now(), &actor, &request, refusal);
                    }
                    if let Some(reply) = self.answers.remove(&ticket) {
                        reply.send(answer).ok();
                    }
                }
                other => others.push(other),
            }
        }
        if !others.is_empty() {
            self.world.carry_out(others);
        }
    }

    /// Lets readers look. While the store is not open there is nothing to look at, and they are told by silence.
    fn serve(&mut self, asks: Vec<inbox::Ask>) {
        let Some(store) = &self.store else { return };
        let readout = Readout {
            state: self.engine.state(),
            history: &self.history,
            store,
            changes: &self.changes,
            seq: self.history.seq(),
            degraded: self.degraded.as_ref().map(|it| it.reason.as_str()),
        };
        for ask in asks {
            // A look that goes wrong must not take the daemon with it; whoever asked is told by silence.
            if catch_unwind(AssertUnwindSafe(|| ask(&readout))).is_err() {
                tracing::error!("a look at the state has met a fault");
            }
        }
    }

    fn sync_index(&mut self, now: bool) {
        let Some(store) = self.store.as_mut().filter(|_| self.degraded.is_none()) else { return };
        if !self.index_due.is_some_and(|it| now || it <= Instant::now()) {
            return;
        }
        let applied = store.index.apply(self.history.seq().0, Vec::new());
        match applied.and_then(|()| store.index.sync()) {
            Ok(()) => self.index_due = None,
            Err(problem) => {
                let (reason, help) = (with_sources(&problem), problem.help());
                self.degrade(Degraded::new(reason, help, Damage::Index));
            }
        }
    }

    fn not_written(&mut self, problem: &CommitError) {
        let damage = if problem.needs_reopen() { Damage::Journal } else { Damage::Nothing };
        self.sync_failures += u32::from(damage == Damage::Journal);
        self.degrade(Degraded::new(with_sources(problem), problem.help(), damage));
    }

    /// Nothing can be written: what was stepped and is not on disk has not happened. Whoever waits is told, and the
    /// engine is rebuilt from what is on disk.
    fn degrade(&mut self, degraded: Degraded) {
        let reason = degraded.reason.as_str();
        tracing::error!(reason, "the state cannot be written: nothing is accepted or started");
        let refusal = degraded.refusal_of_what_was_under_way();
        self.asked.clear();
        for (_, reply) in std::mem::take(&mut self.answers) {
            reply.send(Err(refusal.clone())).ok();
        }
        match degraded.damage {
            Damage::Nothing => self.replay(),
            // It is made anew once there is room; until then it is not relied on.
            Damage::Index => {}
            Damage::Journal => self.store = None,
        }
        self.degraded = Some(degraded);
        self.changes.note_daemon();
        self.published.send_replace(self.history.seq());
    }

    /// Rebuilds the engine from the journal, which is whole.
    fn replay(&mut self) {
        let Some(store) = self.store.as_mut() else { return };
        match open::replay(store) {
            Ok((state, history)) => (self.engine, self.history) = (Engine::new(state), history),
            Err(problem) => {
                tracing::error!(problem = with_sources(&problem), "the journal cannot be read");
                self.store = None;
            }
        }
    }

    /// Goes on once there is room: as after a start, by telling the engine what stands and asking the pools anew.
    fn try_to_go_on(&mut self, turn: &mut Turn) {
        let Some(degraded) = &mut self.degraded else { return };
        if !degraded.may_go_on(&self.dir) {
            return;
        }
        if self.store.is_none() || degraded.damage != Damage::Nothing {
            // What is open must be closed before it is opened again.
            self.store = None;
            match open(&self.dir) {
                Ok(opening) => {
                    self.engine = Engine::new(opening.state);
                    self.history = opening.history;
                    self.store = Some(opening.store);
                }
                Err(problem) => {
                    // Opening syncs too: a disk that fails at that is one that keeps nothing.
                    self.sync_failures += u32::from(degraded.damage == Damage::Journal);
                    degraded.reason = with_sources(&problem);
                    tracing::error!(problem = degraded.reason, "the state cannot be opened");
                    return;
                }
            }
        }
        tracing::warn!("the state can be written again");
        self.degraded = None;
        self.changes.note_everything();
        self.published.send_replace(self.history.seq());
        let standing = self.standing.clone();
        standing.into_iter().for_each(|input| self.step(input, turn));
        self.world.reconnect();
    }
}

/// Refuses what is asked of a run that never was.
pub(crate) fn no_such_run(run: RunId) -> Refusal {
    let refusal = Refusal::new(RefusalCode::NotFound, format!("there is no run `{run}`"));
    refusal.help("`runyard runs` lists them")
}

/// An error and what it goes back to, in one line.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(it) = source {
        text.push_str(": ");
        text.push_str(&it.to_string());
        source = it.source();
    }
    text
}

#[cfg(test)]
mod tests;
