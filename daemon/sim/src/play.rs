//! One history: the only loop.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::describe::{describe, run_of};
use engine::input::{Archived, Input, Shelf, Ticket};
use engine::replay::Replay;
use engine::snapshot::run_view;
use engine::{Effect, Engine, Stamped, State, Step};
use shared::id::{PoolName, RunId, Seq};
use shared::request::Request;
use shared::time::Timestamp;

use crate::chaos::{self, Death, Fault};
use crate::checker::Checker;
use crate::checker::plans::Shown;
use crate::generate;
use crate::journal::Journal;
use crate::people;
use crate::report::{Failed, Totals};
use crate::rng::Rng;
use crate::world::{Happening, World};
use asks::About;
mod asks;

/// After so many more steps everything must have ended once nothing goes wrong any more.
const STEPS_TO_REST: u64 = 5_000;
/// How often everything that is not over is asked why.
const WHY_EVERY: u64 = 7;
const RECENT: usize = 40;

/// Plays a history of about `steps` steps with faults, then without any until everything has ended.
///
/// # Errors
/// The first thing that does not hold.
pub fn play(seed: u64, steps: u64) -> Result<Totals, Box<Failed>> {
    let mut history = History::new(seed);
    let result = history.play(steps);
    result.map_err(|problem| {
        let (step, recent) = (history.totals.steps, history.recent);
        Box::new(Failed { seed, step, problem, recent })
    })?;
    Ok(history.totals)
}

struct History {
    rng: Rng,
    world: World,
    checker: Checker,
    journal: Journal,
    /// The daemon, while it lives.
    engine: Option<Engine>,
    /// What follows from the events as they were read back.
    twin: State,
    archive: BTreeMap<RunId, Archived>,
    shelves: Vec<Shelf>,
    versions: u64,
    asked: BTreeMap<Ticket, Request>,
    tickets: u64,
    /// What a person is about to ask, and what they were shown of it.
    intent: Option<(Request, Shown)>,
    /// What this step is asked for, and what it would do.
    about: Option<About>,
    start: Timestamp,
    now: Timestamp,
    /// How far the daemon's clock is from the truth, in microseconds.
    skew: i64,
    is_faulty: bool,
    totals: Totals,
    recent: Vec<String>,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let pools = generate::pools();
        let world = World::new(rng.number(), pools.iter().map(|it| it.0.clone()));
        let start = Timestamp::from_millis(1_750_000_000_000);
        let mut history = Self {
            world,
            checker: Checker::new(pools, generate::resources()),
            rng,
            journal: Journal::default(),
            engine: None,
            twin: State::default(),
            archive: BTreeMap::new(),
            shelves: Vec::new(),
            versions: 0,
            asked: BTreeMap::new(),
            tickets: 0,
            intent: None,
            about: None,
            start,
            now: start,
            skew: 0,
            is_faulty: true,
            totals: Totals { histories: 1, ..Totals::default() },
            recent: Vec::new(),
        };
        for name in ["alpha", "beta", "gamma"] {
            history.new_version(name);
        }
        history
    }

    fn play(&mut self, steps: u64) -> Result<(), String> {
        self.world.at(self.now, Happening::Restarts);
        self.world.at(self.now, Happening::Acts);
        let first = chaos::pause(&mut self.rng);
        self.world.at(self.now + first, Happening::Fault);
        while self.totals.steps < steps {
            self.advance()?;
        }
        self.end_faults();
        self.come_to_rest(steps)?;
        self.totals.time = self.now.since(self.start);
        self.totals.runs = self.checker.runs().count() as u64;
        Ok(())
    }

    /// Goes to the next thing that happens, in the world or by the daemon's own timer. `false`: nothing ever will.
    fn advance(&mut self) -> Result<bool, String> {
        let wake = self.engine.as_ref().and_then(Engine::next_wakeup);
        // By the daemon's clock; what is past is due at once.
        let wake = wake.map(|(at, _)| Timestamp(at.0.saturating_sub(self.skew)).max(self.now));
        match (self.world.next_at(), wake) {
            (None, None) => return Ok(false),
            (Some(next), Some(wake)) if wake < next => self.wake(wake)?,
            (None, Some(wake)) => self.wake(wake)?,
            (Some(_), _) => {
                let (at, happening) =
                    self.world.take_next().ok_or("the world has no next thing")?;
                self.now = self.now.max(at);
                self.happen(happening)?;
            }
        }
        for fact in self.world.take_facts() {
            self.checker.happened(fact)?;
        }
        Ok(true)
    }

    fn wake(&mut self, at: Timestamp) -> Result<(), String> {
        self.now = at;
        // A wake that is lost comes again when anything else happens, or a little later.
        if self.is_faulty && self.rng.once_in(20) && self.world.next_at().is_some() {
            let (at, happening) = self.world.take_next().ok_or("the world has no next thing")?;
            self.now = self.now.max(at);
            return self.happen(happening);
        }
        let before = self.totals.events;
        self.step(Input::Wake)?;
        let still_due = self.engine.as_ref().and_then(Engine::next_wakeup);
        match still_due.filter(|(due, _)| *due <= self.daemon_now()) {
            // A wait of nothing that has just begun is due at once, and is something that has happened.
            Some((due, spot)) if self.totals.events == before => {
                Err(format!("the timer of {spot:?} for {due} was not taken up"))
            }
            _ => Ok(()),
        }
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        let now = self.now;
        match happening {
            Happening::Begins(pool, attempt) => self.world.begin(now, &pool, attempt),
            Happening::Ends(pool, attempt) => self.world.ends(now, &pool, attempt),
            Happening::Report(pool, connection, input) => {
                if self.world.is_connected(&pool, connection) {
                    self.step(*input)?;
                }
            }
            Happening::Connects(pool) => {
                if self.engine.is_some()
                    && let Some(input) = self.world.connect(now, &pool)
                {
                    self.step(input)?;
                }
            }
            Happening::Breaks(pool, _) => self.step(Input::PoolLost { pool })?,
            Happening::Arrives(attempt) => {
                if let Some(input) = self.world.arrives(now, attempt) {
                    self.step(input)?;
                }
            }
            Happening::Acts => self.act()?,
            Happening::Fault => self.go_wrong()?,
            Happening::Restarts => self.restart()?,
        }
        Ok(())
    }

    fn new_version(&mut self, name: &str) {
        self.versions += 1;
        let workflow = generate::workflow(&mut self.rng, name, self.versions);
        self.shelves.retain(|it| match it {
            Shelf::Good(it) => it.name.as_str() != name,
            Shelf::Broken { name: it, .. } => it.as_str() != name,
        });
        self.shelves.push(Shelf::Good(workflow));
    }

    fn change_library(&mut self) {
        let name = *self.rng.pick(&["alpha", "beta", "gamma"]).expect("there are names");
        self.new_version(name);
        match self.rng.below(6) {
            0 => {
                self.shelves.pop();
            }
            1 => {
                self.shelves.pop();
                let problems = vec!["it is broken".to_owned()];
                self.shelves.push(Shelf::Broken { name: name.into(), problems });
            }
            _ => {}
        }
    }

    fn go_wrong(&mut self) -> Result<(), String> {
        let pause = chaos::pause(&mut self.rng);
        self.world.at(self.now + pause, Happening::Fault);
        let pools: Vec<PoolName> = self.world.pools();
        let pool = self.rng.pick(&pools).cloned().ok_or("there is no pool")?;
        match chaos::fault(&mut self.rng) {
            Fault::Disconnect => self.world.disconnect(self.now, &pool),
            Fault::RunnerDies => self.world.runner_dies(self.now, &pool),
            Fault::JournalReplaced => self.world.journal_replaced(self.now, &pool),
            Fault::Stray => self.world.stray(self.now, &pool),
            Fault::ClockJump(millis) => self.skew += millis * 1_000,
            Fault::DaemonDies => self.die()?,
        }
        Ok(())
    }

    fn daemon_now(&self) -> Timestamp {
        Timestamp(self.now.0.saturating_add(self.skew))
    }

    /// One step of the daemon, if it lives: on disk, and only then carried out.
    fn step(&mut self, input: Input) -> Result<(), String> {
        let now = self.daemon_now();
        let Some(engine) = &mut self.engine else { return Ok(()) };
        let step = engine.step(now, input);
        engine::invariant::check(engine.state())?;
        if self.totals.steps.is_multiple_of(WHY_EVERY) {
            explained(engine.state())?;
        }
        let ended = engine.take_ended();
        let death = match self.is_faulty {
            true => chaos::death(&mut self.rng, step.effects.len()),
            false => None,
        };
        self.judge(&step, death != Some(Death::BeforeAppend))?;
        if death == Some(Death::BeforeAppend) {
            return self.die();
        }
        self.keep(&step, ended)?;
        let carried_out = match death {
            Some(Death::BeforeEffects) => 0,
            Some(Death::AfterEffects(count)) => count,
            Some(Death::BeforeAppend) | None => step.effects.len(),
        };
        for effect in step.effects.into_iter().take(carried_out) {
            self.carry_out(effect)?;
        }
        if death.is_some() { self.die() } else { Ok(()) }
    }

    fn keep(&mut self, step: &Step, ended: Vec<Archived>) -> Result<(), String> {
        let read = self.journal.append(&step.events)?;
        self.totals.steps += 1;
        self.totals.events += read.len() as u64;
        for stamped in &read {
            self.remember(stamped);
            self.twin.apply(stamped);
            self.checker.recorded(stamped)?;
            self.totals.count(&stamped.event);
        }
        if std::mem::take(&mut self.twin.ended) != ended {
            return Err("what has ended is not what the events say".to_owned());
        }
        self.archive.extend(ended.into_iter().map(|it| (it.run.id, it)));
        let live = self.engine.as_ref().map(Engine::state);
        if live != Some(&self.twin) {
            return Err("the state is not what follows from its events".to_owned());
        }
        Ok(())
    }

    fn remember(&mut self, stamped: &Stamped) {
        if self.recent.len() >= RECENT {
            self.recent.remove(0);
        }
        let it = describe(stamped);
        let run = it.run.map_or(String::new(), |it| it.to_string()[..4].to_owned());
        let at = stamped.at.since(self.start).as_secs_f64();
        self.recent.push(format!("{at:>10.3} {run:4} {}", it.text));
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), String> {
        match effect {
            Effect::StartAttempt(launch) => {
                self.checker.start_sent(launch.attempt)?;
                self.world.start(self.now, *launch);
            }
            Effect::StopAttempt(pool, attempt) => {
                self.checker.stop_sent(attempt);
                self.world.stop(self.now, &pool, attempt);
            }
            Effect::ReleaseAttempt(pool, attempt) => {
                self.checker.release_sent(attempt)?;
                self.world.release(&pool, attempt);
            }
            Effect::WatchFile(watch) => self.world.watch(self.now, watch),
            Effect::StopWatch(attempt) => self.world.stop_watch(attempt),
            Effect::Answer(ticket, answer) => self.answered(ticket, answer)?,
        }
        Ok(())
    }

    /// The daemon dies. What it leaves must be all there is to know.
    fn die(&mut self) -> Result<(), String> {
        if self.engine.take().is_none() {
            return Ok(());
        }
        self.totals.crashes += 1;
        self.asked.clear();
        self.world.daemon_dies();
        let away = match self.is_faulty {
            true => self.rng.span(Duration::from_secs(120)),
            false => Duration::ZERO,
        };
        self.world.at(self.now + away, Happening::Restarts);
        Ok(())
    }

    fn restart(&mut self) -> Result<(), String> {
        if self.engine.is_some() {
            return Ok(());
        }
        self.engine = Some(Engine::new(self.replayed()?));
        self.step(Input::Resumed { incarnation: 7 })?;
        self.step(Input::Configured(Box::new(generate::capacity())))?;
        self.step(Input::LibraryRead(self.shelves.clone()))?;
        if self.engine.is_none() {
            return Ok(());
        }
        for pool in self.world.pools() {
            let wait = self.rng.span(Duration::from_secs(2));
            self.world.at(self.now + wait, Happening::Connects(pool));
        }
        Ok(())
    }

    /// The state that follows from the journal alone, which must be the one there was.
    fn replayed(&self) -> Result<State, String> {
        let mut state = self.journal.replay()?;
        let ended = std::mem::take(&mut state.ended);
        if state != self.twin {
            return Err("a replay gives another state than there was".to_owned());
        }
        let archive: BTreeMap<RunId, Archived> =
            ended.into_iter().map(|it| (it.run.id, it)).collect();
        match archive == self.archive {
            true => Ok(state),
            false => Err("a replay gives other ended runs than there were".to_owned()),
        }
    }

    /// From here on nothing goes wrong, and nobody asks for anything new.
    fn end_faults(&mut self) {
        (self.is_faulty, self.world.is_faulty) = (false, false);
        self.world.keep(|it| !matches!(it, Happening::Fault | Happening::Acts));
        if self.engine.is_none() {
            self.world.keep(|it| *it != Happening::Restarts);
            self.world.at(self.now, Happening::Restarts);
        }
    }

    /// Everything must end, or wait for a person, who then acts.
    fn come_to_rest(&mut self, steps: u64) -> Result<(), String> {
        loop {
            while self.advance()? {
                if self.totals.steps > steps + STEPS_TO_REST {
                    return Err("it does not come to rest".to_owned());
                }
            }
            let state = self.engine.as_ref().ok_or("the daemon is dead")?.state();
            if state.runs.is_empty() {
                break;
            }
            let Some(request) = people::needed(&mut self.rng, state) else {
                let stuck: Vec<String> = state
                    .runs
                    .values()
                    .map(|run| {
                        let tasks = run.all_spots().map(|spot| {
                            let phase = run.progress(spot).map(|it| it.phase.word());
                            format!("{} {}", state.path(spot), phase.unwrap_or_default())
                        });
                        let tasks = tasks.collect::<Vec<_>>().join(", ");
                        format!("{} ({:?}): {tasks}", run.label(), run.phase)
                    })
                    .collect();
                return Err(format!(
                    "nothing happens any more, and this waits: {}",
                    stuck.join("; ")
                ));
            };
            self.ask(request, None)?;
        }
        self.checker.at_rest()?;
        if let Some(unrest) = self.world.unrest() {
            return Err(unrest);
        }
        let runs: Vec<RunId> = self.checker.runs().collect();
        if let Some(run) = runs.into_iter().find(|it| !self.archive.contains_key(it)) {
            return Err(format!("run {run} has neither ended nor goes on"));
        }
        self.replayed().map(drop)?;
        self.replays_of_runs()
    }

    /// Each run, from its own events alone, is what it was when it ended.
    fn replays_of_runs(&self) -> Result<(), String> {
        let mut events: BTreeMap<RunId, Vec<(Seq, Stamped)>> = BTreeMap::new();
        for (seq, stamped) in (1..).map(Seq).zip(self.journal.events()?) {
            if let Some(run) = run_of(&stamped.event) {
                events.entry(run).or_default().push((seq, stamped));
            }
        }
        for (run, archived) in &self.archive {
            let events = &events[run];
            let mut replay = Replay::new(*run, archived.workflow.clone());
            replay.apply(events).map_err(|it| it.message)?;
            let seq = events.last().map_or(Seq(0), |it| it.0);
            let then = run_view(&archived.run, &archived.workflow, None, seq);
            if replay.view().as_ref() != Some(&then) {
                return Err(format!("run {run} is not what its own events say"));
            }
        }
        Ok(())
    }
}

/// Nothing waits unexplained: whatever is not over has something in its way, and it is told.
fn explained(state: &State) -> Result<(), String> {
    for run in state.runs.values() {
        let why = engine::why::of_run(state, run, usize::MAX);
        if why.blockers.is_empty() && why.tasks.is_empty() {
            return Err(format!(
                "nothing is in the way of {}, which is {}",
                run.label(),
                why.state
            ));
        }
        for task in &why.tasks {
            let name = task.task.as_deref().unwrap_or_default();
            if task.blockers.is_empty() {
                return Err(format!(
                    "nothing is in the way of {} {name}, which is {}",
                    run.label(),
                    task.state
                ));
            }
            if let Some(it) = task.blockers.iter().find(|it| it.since.is_none() || it.who.len() > 9)
            {
                return Err(format!("{} {name} is not told in whole: {it:?}", run.label()));
            }
        }
    }
    Ok(())
}
