//! One history: the only loop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::describe::{describe, run_of};
use engine::input::{Archived, Input, Shelf, Ticket};
use engine::replay::Replay;
use engine::snapshot::run_view;
use engine::{Effect, Engine, Stamped, State, Step};
use shared::id::{PoolName, RunId, Seq};
use shared::request::Request;
use shared::time::Timestamp;
use shared::workflow::Workflow;

use crate::chaos::{self, Death, Fault};
use crate::checker::Checker;
use crate::checker::plans::Shown;
use crate::course::{Choice, DriverFault, Script};
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
/// The same in virtual time: a week.
const TIME_TO_REST: Duration = Duration::from_secs(7 * 86_400);
const RECENT: usize = 60;
/// What the chance of workflows is told apart by from that of instants.
const WORKFLOWS: u64 = 1 << 63;

/// Plays a history of about `steps` steps with faults, then without any until everything has ended.
///
/// # Errors
/// The first thing that does not hold.
pub fn play(seed: u64, steps: u64) -> Result<Totals, Box<Failed>> {
    play_script(&Script::new(seed, steps))
}

/// Plays a history as a script says.
///
/// # Errors
/// The first thing that does not hold.
pub fn play_script(script: &Script) -> Result<Totals, Box<Failed>> {
    let mut history = History::new(script);
    let result = history.play();
    result.map_err(|problem| {
        let History { totals, now, recent, choices, .. } = history;
        Box::new(Failed {
            seed: script.seed,
            step: totals.steps,
            problem,
            at: now,
            recent,
            choices,
        })
    })?;
    Ok(history.totals)
}

struct History<'a> {
    script: &'a Script,
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
    /// How many things have happened at this instant.
    at_once: u64,
    /// How far the wall clock is from the truth, in microseconds.
    skew: i64,
    /// The latest that the daemon's clock has shown, and when really.
    floor: (Timestamp, Timestamp),
    is_disk_full: bool,
    /// The daemon cannot write, and so takes nothing in.
    is_degraded: bool,
    choices: Vec<Choice>,
    is_faulty: bool,
    totals: Totals,
    recent: Vec<String>,
}

impl<'a> History<'a> {
    fn new(script: &'a Script) -> Self {
        let mut rng = Rng::new(script.seed);
        let pools = generate::pools();
        let world = World::new(rng.number(), pools.iter().map(|it| it.0.clone()));
        let start = Timestamp::from_millis(1_750_000_000_000);
        let mut history = Self {
            script,
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
            at_once: 0,
            skew: 0,
            floor: (start, start),
            is_disk_full: false,
            is_degraded: false,
            choices: Vec::new(),
            is_faulty: true,
            totals: Totals { histories: 1, ..Totals::default() },
            recent: Vec::new(),
        };
        for name in ["alpha", "beta", "gamma"] {
            history.new_version(name);
        }
        history
    }

    fn play(&mut self) -> Result<(), String> {
        let (steps, lasts) = (self.script.steps, Duration::from_secs(self.script.hours * 3_600));
        self.world.at(self.now, Happening::Restarts);
        self.world.at(self.now, Happening::Acts);
        let first = chaos::pause(&mut self.rng);
        self.world.at(self.now + first, Happening::Fault);
        while self.totals.steps < steps || self.now.since(self.start) < lasts {
            if self.is_broken_off() {
                return Ok(());
            }
            self.advance()?;
        }
        self.end_faults()?;
        self.come_to_rest()?;
        self.totals.time = self.now.since(self.start);
        self.totals.runs = self.checker.runs().count() as u64;
        Ok(())
    }

    /// Goes to the next thing that happens, in the world or by the daemon's own timer. `false`: nothing ever will.
    fn advance(&mut self) -> Result<bool, String> {
        let engine = self.engine.as_ref().filter(|_| !self.is_degraded);
        let wake = engine.and_then(Engine::next_wakeup);
        // By the daemon's clock; what is past is due at once.
        let wake = wake.map(|(at, _)| self.when_it_shows(at).max(self.now));
        match (self.world.next_at(), wake) {
            (None, None) => return Ok(false),
            (Some(next), Some(wake)) if wake < next => self.wake(wake)?,
            (None, Some(wake)) => self.wake(wake)?,
            (Some(_), _) => {
                let (at, happening) =
                    self.world.take_next().ok_or("the world has no next thing")?;
                self.go_to(at);
                self.happen(happening)?;
            }
        }
        for fact in self.world.take_facts() {
            self.checker.happened(fact)?;
        }
        Ok(true)
    }

    fn is_broken_off(&self) -> bool {
        self.script.until.is_some_and(|it| self.now > it)
    }

    /// An instant comes. What is drawn from here on is drawn for what happens now, so that nothing else depends on it.
    fn go_to(&mut self, at: Timestamp) {
        self.at_once = if at > self.now { 0 } else { self.at_once + 1 };
        self.now = self.now.max(at);
        let thing = self.now.0.unsigned_abs().wrapping_add(self.at_once << 52);
        self.rng = Rng::of(self.script.seed, thing);
        self.world.draw_for(thing);
    }

    /// Whether something is to be; it could be left out.
    fn chooses(&mut self, choice: Choice) -> bool {
        self.choices.push(choice);
        self.script.has(choice)
    }

    fn wake(&mut self, at: Timestamp) -> Result<(), String> {
        self.go_to(at);
        // A wake that is lost comes again when anything else happens, or a little later.
        if self.is_faulty && self.rng.once_in(20) && self.world.next_at().is_some() {
            let (at, happening) = self.world.take_next().ok_or("the world has no next thing")?;
            self.go_to(at);
            return self.happen(happening);
        }
        let before = self.totals.events;
        self.step(Input::Wake)?;
        let engine = self.engine.as_ref().filter(|_| !self.is_degraded);
        let still_due = engine.and_then(Engine::next_wakeup);
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
                    && !self.is_degraded
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
            Happening::DiskHeals => self.heal()?,
            Happening::Fault => self.go_wrong()?,
            Happening::Restarts => self.restart()?,
        }
        Ok(())
    }

    fn new_version(&mut self, name: &str) {
        self.versions += 1;
        let mut rng = Rng::of(self.script.seed, WORKFLOWS + self.versions);
        let mut workflow = generate::workflow(&mut rng, name, self.versions);
        self.leave_out_tasks(&mut workflow);
        self.shelves.retain(|it| match it {
            Shelf::Good(it) => it.name.as_str() != name,
            Shelf::Broken { name: it, .. } => it.as_str() != name,
        });
        self.shelves.push(Shelf::Good(workflow));
    }

    fn leave_out_tasks(&mut self, workflow: &mut Arc<Workflow>) {
        let choices = (0..workflow.tasks.len()).map(|it| Choice::Task(self.versions, it));
        let choices: Vec<Choice> = choices.collect();
        let stays: Vec<bool> = choices.into_iter().map(|it| self.chooses(it)).collect();
        if stays.iter().all(|it| *it) || stays.iter().all(|it| !*it) {
            return;
        }
        let workflow = Arc::make_mut(workflow);
        let mut stays = stays.into_iter();
        workflow.tasks.retain(|_| stays.next().unwrap_or(true));
        let names: Vec<_> = workflow.tasks.iter().map(|it| it.name.clone()).collect();
        workflow.tasks.iter_mut().for_each(|it| it.needs.retain(|it| names.contains(it)));
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
        if !self.chooses(Choice::Fault(self.now)) {
            return Ok(());
        }
        let pools: Vec<PoolName> = self.world.pools();
        let pool = self.rng.pick(&pools).cloned().ok_or("there is no pool")?;
        let fault = chaos::fault(&mut self.rng);
        self.tell(format!("-- {fault:?} (pool {pool})"));
        match fault {
            Fault::DiskFull if !self.is_disk_full => {
                self.is_disk_full = true;
                let wait = self.rng.span(Duration::from_secs(1_200));
                self.world.at(self.now + wait, Happening::DiskHeals);
            }
            Fault::DiskFull => {}
            Fault::Disconnect => self.world.disconnect(self.now, &pool),
            Fault::RunnerDies => self.world.runner_dies(self.now, &pool),
            Fault::JournalReplaced => self.world.journal_replaced(self.now, &pool),
            Fault::Stray => self.world.stray(self.now, &pool),
            Fault::ClockJump(millis) => self.skew += millis * 1_000,
            Fault::DaemonDies => self.die()?,
        }
        Ok(())
    }

    /// The wall clock; where that was set back, it goes on at its own pace from where it was.
    fn daemon_now(&self) -> Timestamp {
        let wall = Timestamp(self.now.0.saturating_add(self.skew));
        wall.max(self.floor.0 + self.now.since(self.floor.1))
    }

    /// When really the daemon's clock will show an instant.
    fn when_it_shows(&self, at: Timestamp) -> Timestamp {
        let by_wall = at.0.saturating_sub(self.skew);
        let by_floor = self.floor.1.0.saturating_add(at.0.saturating_sub(self.floor.0.0));
        Timestamp(by_wall.min(by_floor))
    }

    /// One step of the daemon, if it lives and can write: on disk, and only then carried out.
    fn step(&mut self, input: Input) -> Result<(), String> {
        if self.is_degraded {
            // Whoever asks is told so; runners repeat themselves at their next connection.
            self.asked.clear();
            self.about = None;
            return Ok(());
        }
        let now = self.daemon_now();
        let Some(engine) = &mut self.engine else { return Ok(()) };
        self.floor = (now, self.now);
        let step = engine.step(now, input);
        if self.script.asks_engine && self.totals.steps.is_multiple_of(self.script.look_every) {
            engine::invariant::check(engine.state())?;
        }
        if self.script.asks_engine && self.totals.steps.is_multiple_of(WHY_EVERY) {
            explained(engine.state())?;
        }
        let ended = engine.take_ended();
        let drawn = match self.is_faulty {
            true => chaos::death(&mut self.rng, step.effects.len()),
            false => None,
        };
        let death = drawn.filter(|_| self.chooses(Choice::Death(self.now)));
        if let Some(death) = death {
            self.tell(format!("-- {death:?}"));
        }
        if self.script.fault == Some(DriverFault::EffectsFirst) {
            for effect in step.effects.iter().filter(|it| !matches!(it, Effect::Answer(..))) {
                self.carry_out(effect.clone())?;
            }
        }
        let is_full = self.is_disk_full && !step.events.is_empty();
        let is_kept = !is_full && !matches!(death, Some(Death::BeforeAppend | Death::SyncFailed));
        self.judge(&step, is_kept)?;
        if death == Some(Death::BeforeAppend) {
            return self.die();
        }
        if is_full || death == Some(Death::SyncFailed) {
            return self.degrade();
        }
        self.keep(&step, ended)?;
        let carried_out = match death {
            Some(Death::SyncFailedLate) => return self.degrade(),
            Some(Death::BeforeEffects) => 0,
            Some(Death::AfterEffects(count)) => count,
            Some(Death::BeforeAppend | Death::SyncFailed) | None => step.effects.len(),
        };
        for effect in step.effects.into_iter().take(carried_out) {
            self.carry_out(effect)?;
        }
        if death.is_some() { self.die() } else { Ok(()) }
    }

    fn keep(&mut self, step: &Step, ended: Vec<Archived>) -> Result<(), String> {
        let read = self.journal.append(&step.events)?;
        if self.script.fault == Some(DriverFault::RecordLost) && self.rng.once_in(40) {
            self.journal.lose();
        }
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
        let Some(live) = self.engine.as_ref().map(Engine::state) else { return Ok(()) };
        if self.totals.steps.is_multiple_of(self.script.look_every) && *live != self.twin {
            return Err("the state is not what follows from its events".to_owned());
        }
        if self.totals.steps.is_multiple_of(8 * self.script.look_every) {
            self.checker.explained(live)?;
        }
        Ok(())
    }

    /// Nothing can be written: what was stepped and is not on disk has not happened, and nothing is taken in until it can.
    /// Whoever had asked is not answered.
    fn degrade(&mut self) -> Result<(), String> {
        self.totals.disk_faults += 1;
        self.asked.clear();
        self.engine = Some(Engine::new(self.replayed()?));
        self.is_degraded = true;
        let wait = self.rng.span(Duration::from_secs(60));
        self.world.at(self.now + wait, Happening::DiskHeals);
        Ok(())
    }

    /// The disk keeps again what is written: the daemon goes on as after a start.
    fn heal(&mut self) -> Result<(), String> {
        self.is_disk_full = false;
        if !std::mem::take(&mut self.is_degraded) || self.engine.is_none() {
            return Ok(());
        }
        self.tell("-- the disk keeps again what is written".to_owned());
        self.stand()
    }

    fn remember(&mut self, stamped: &Stamped) {
        let it = describe(stamped);
        let run = it.run.map_or(String::new(), |it| it.to_string()[..4].to_owned());
        self.tell(format!("{run:4} {}", it.text));
    }

    fn tell(&mut self, text: String) {
        if self.recent.len() >= RECENT {
            self.recent.remove(0);
        }
        let at = self.now.since(self.start).as_secs_f64();
        self.recent.push(format!("{at:>10.3} {text}"));
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
        self.is_degraded = false;
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
        let state = self.replayed()?;
        self.floor = (state.now, self.now);
        self.engine = Some(Engine::new(state));
        self.stand()
    }

    /// Tells an engine that was rebuilt what stands, and reaches the runners anew.
    fn stand(&mut self) -> Result<(), String> {
        self.step(Input::Resumed { incarnation: 7 })?;
        self.step(Input::Configured(Box::new(generate::capacity())))?;
        self.step(Input::LibraryRead(self.shelves.clone()))?;
        if self.engine.is_some() && !self.is_degraded {
            self.world.reconnect(self.now);
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
    fn end_faults(&mut self) -> Result<(), String> {
        self.tell("-- from here on nothing goes wrong".to_owned());
        (self.is_faulty, self.world.is_faulty) = (false, false);
        self.world.keep(|it| !matches!(it, Happening::Fault | Happening::Acts));
        if self.engine.is_none() {
            self.world.keep(|it| *it != Happening::Restarts);
            self.world.at(self.now, Happening::Restarts);
        }
        self.heal()
    }

    /// Everything must end, or wait for a person, who then acts.
    fn come_to_rest(&mut self) -> Result<(), String> {
        let (steps, since) = (self.totals.steps, self.now);
        loop {
            while self.advance()? {
                let took = self.now.since(since);
                if self.totals.steps > steps + STEPS_TO_REST || took > TIME_TO_REST {
                    return Err("it does not come to rest".to_owned());
                }
            }
            let state = self.engine.as_ref().ok_or("the daemon is dead")?.state();
            if state.runs.is_empty() {
                break;
            }
            self.checker.explained(state)?;
            self.checker.pauses_are_over(self.daemon_now())?;
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
                let (then, now) = (format!("{:#?}", Some(then)), format!("{:#?}", replay.view()));
                let differs = now.lines().zip(then.lines()).find(|(now, then)| now != then);
                return Err(format!("run {run} is not what its own events say: {differs:?}"));
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
