//! Runners and files that exist only as values. What really happens is a list of [`Fact`]s, for the checker.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::effect::{Launch, Program, Watch};
use engine::input::{AttemptEnd, CheckResult, FoundFile, How, Input, Known};
use shared::id::{AttemptId, PoolName, RunId};
use shared::state::Usage;
use shared::time::Timestamp;

use crate::rng::Rng;

/// What the ids of a store that is gone were mixed with.
const LOST_INCARNATION: u64 = 6;

/// Something that will happen.
#[derive(Clone, PartialEq, Debug)]
pub enum Happening {
    /// The process of an accepted attempt starts.
    Begins(PoolName, AttemptId),
    /// The process of an attempt ends, if this is still when.
    Ends(PoolName, AttemptId),
    /// What a runner says arrives, if the connection is still this one.
    Report(PoolName, u64, Box<Input>),
    /// The daemon reaches a runner.
    Connects(PoolName),
    /// The daemon notices that a runner cannot be reached.
    Breaks(PoolName, u64),
    /// A file is there that is watched for.
    Arrives(AttemptId),
    /// A person does something.
    Acts,
    /// Something goes wrong.
    Fault,
    /// The daemon starts again.
    Restarts,
    /// The disk keeps again what is written.
    DiskHeals,
}

/// Something that has really happened to a process.
#[derive(Clone, PartialEq, Debug)]
pub enum Fact {
    /// A process runs.
    Started(PoolName, AttemptId),
    /// A process runs that a daemon whose store is gone has ordered.
    Strayed(AttemptId),
    /// None of an attempt's processes is left.
    Ended(AttemptId, How),
    /// How an attempt ended can be known no more: whoever says so is right.
    Forgotten(AttemptId),
}

/// All that is not the daemon.
#[derive(Clone, Debug)]
pub struct World {
    seed: u64,
    rng: Rng,
    order: u64,
    queue: BTreeMap<(Timestamp, u64), Happening>,
    runners: BTreeMap<PoolName, Runner>,
    /// What the daemon looks for; forgotten when it dies.
    watches: BTreeMap<AttemptId, Watch>,
    /// When the file of a watch is there.
    files: BTreeMap<AttemptId, Timestamp>,
    facts: Vec<Fact>,
    /// Whether runners refuse, repeat, delay and mix up what they say.
    pub is_faulty: bool,
}

/// A pool's runner.
#[derive(Clone, Debug)]
struct Runner {
    lineage: u64,
    /// The connection, if the daemon has one.
    connection: Option<u64>,
    /// Its attempts that have not been released.
    table: BTreeMap<AttemptId, Held>,
}

#[derive(Clone, Debug)]
struct Held {
    launch: Launch,
    stage: Stage,
    /// It was ordered by a daemon whose store is gone, and ends only if it is stopped.
    is_stray: bool,
    /// How it will end, and when; changed by a stop.
    how: How,
    ends_at: Timestamp,
}

#[derive(Clone, Debug)]
enum Stage {
    Accepted,
    Running { pid: u32, at: Timestamp },
    Ended(Box<AttemptEnd>),
}

impl World {
    /// A world with these pools, whose runners run and are not reached.
    pub fn new(seed: u64, pools: impl IntoIterator<Item = PoolName>) -> Self {
        let runner = || Runner { lineage: 1, connection: None, table: BTreeMap::new() };
        Self {
            seed,
            rng: Rng::new(seed),
            order: 0,
            queue: BTreeMap::new(),
            runners: pools.into_iter().map(|it| (it, runner())).collect(),
            watches: BTreeMap::new(),
            files: BTreeMap::new(),
            facts: Vec::new(),
            is_faulty: true,
        }
    }

    /// What follows is drawn for the sake of one thing that happens.
    pub fn draw_for(&mut self, thing: u64) {
        self.rng = Rng::of(self.seed, thing);
    }

    /// The daemon breaks every connection and makes them anew.
    pub fn reconnect(&mut self, now: Timestamp) {
        for pool in self.pools() {
            if let Some(runner) = self.runners.get_mut(&pool) {
                runner.connection = None;
            }
            let wait = self.rng.span(Duration::from_secs(2));
            self.at(now + wait, Happening::Connects(pool));
        }
    }

    /// Lets something happen at an instant.
    pub fn at(&mut self, at: Timestamp, happening: Happening) {
        self.order += 1;
        self.queue.insert((at, self.order), happening);
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next thing.
    pub fn take_next(&mut self) -> Option<(Timestamp, Happening)> {
        self.queue.pop_first().map(|((at, _), it)| (at, it))
    }

    /// Drops what would have happened and is not wanted.
    pub fn keep(&mut self, mut wanted: impl FnMut(&Happening) -> bool) {
        self.queue.retain(|_, it| wanted(it));
    }

    /// What has happened since this was last called.
    pub fn take_facts(&mut self) -> Vec<Fact> {
        std::mem::take(&mut self.facts)
    }

    /// What keeps the world from being at rest, in words.
    pub fn unrest(&self) -> Option<String> {
        let held = self.runners.iter().find_map(|(pool, it)| {
            let (id, held) = it.table.first_key_value()?;
            Some(format!("pool {pool} still holds attempt {id}: {:?}", held.stage))
        });
        held.or_else(|| {
            self.watches.keys().next().map(|it| format!("a file is still watched for {it}"))
        })
    }

    /// The daemon starts an attempt. Does nothing where the runner cannot be reached, or has it already.
    pub fn start(&mut self, now: Timestamp, launch: Launch) {
        let Some(runner) = self.runners.get_mut(&launch.pool) else { return };
        if runner.connection.is_none() || runner.table.contains_key(&launch.attempt) {
            return;
        }
        let (pool, attempt) = (launch.pool.clone(), launch.attempt);
        let how = draw_end(&mut self.rng, self.is_faulty);
        let held = Held { launch, stage: Stage::Accepted, is_stray: false, how, ends_at: now };
        runner.table.insert(attempt, held);
        let wait = self.rng.span(Duration::from_millis(500));
        self.at(now + wait, Happening::Begins(pool, attempt));
    }

    /// An order arrives late at a runner, from a daemon whose store is gone: nobody waits for what it starts.
    pub fn stray(&mut self, now: Timestamp, pool: &PoolName) {
        self.order += 1;
        let attempt = AttemptId::mixed(LOST_INCARNATION, self.order);
        let launch = Launch {
            attempt,
            run: RunId(0),
            pool: pool.clone(),
            program: Program::Argv(Vec::new()),
            env: Vec::new(),
            working_dir: "/".to_owned(),
            timeout: None,
            idle: None,
            kill_grace: Duration::from_secs(10),
        };
        let (stage, how) = (Stage::Accepted, How::Exited(0));
        let held = Held { launch, stage, is_stray: true, how, ends_at: now };
        let Some(runner) = self.runners.get_mut(pool) else { return };
        runner.table.insert(attempt, held);
        let wait = self.rng.span(Duration::from_millis(500));
        self.at(now + wait, Happening::Begins(pool.clone(), attempt));
    }

    /// The process of an accepted attempt starts, or does not.
    pub fn begin(&mut self, now: Timestamp, pool: &PoolName, attempt: AttemptId) {
        let Some(held) = self.held(pool, attempt) else { return };
        if !matches!(held.stage, Stage::Accepted) {
            return;
        }
        if matches!(held.how, How::Refused(_) | How::ExecFailed(_) | How::Never) {
            let end = AttemptEnd::of(held.how.clone());
            return self.end(now, pool, attempt, end);
        }
        if held.is_stray {
            return self.begin_stray(now, pool, attempt);
        }
        let limit = held.launch.timeout;
        let grace = held.launch.kill_grace;
        let lasts = match self.rng.below(10) {
            0 => Duration::ZERO,
            1 if self.rng.once_in(6) => self.rng.span(Duration::from_secs(4 * 3_600)),
            1 => self.rng.span(Duration::from_secs(600)),
            _ => self.rng.span(Duration::from_secs(40)),
        };
        let killed = self.rng.span(grace);
        let pid = 100 + self.rng.between(0, 9_999);
        let held = self.held(pool, attempt).expect("it was there above");
        held.stage = Stage::Running { pid, at: now };
        held.ends_at = now + lasts;
        if let Some(limit) = limit
            && lasts >= limit
        {
            held.how = How::TimedOut;
            held.ends_at = now + limit + killed;
        }
        if let Some(idle) = held.launch.idle
            && now + idle < held.ends_at
            && killed.as_micros().is_multiple_of(3)
        {
            held.how = How::Idle;
            held.ends_at = now + idle + killed;
        }
        let ends_at = held.ends_at;
        self.facts.push(Fact::Started(pool.clone(), attempt));
        self.at(ends_at, Happening::Ends(pool.clone(), attempt));
        self.started(now, pool, attempt, pid);
    }

    fn begin_stray(&mut self, now: Timestamp, pool: &PoolName, attempt: AttemptId) {
        let pid = 100 + self.rng.between(0, 9_999);
        if let Some(held) = self.held(pool, attempt) {
            held.stage = Stage::Running { pid, at: now };
            held.ends_at = Timestamp(i64::MAX);
        }
        self.facts.push(Fact::Strayed(attempt));
        self.started(now, pool, attempt, pid);
    }

    fn started(&mut self, now: Timestamp, pool: &PoolName, attempt: AttemptId, pid: u32) {
        let pool_name = pool.clone();
        self.report(now, pool, Input::AttemptStarted { pool: pool_name, attempt, pid, at: now });
    }

    /// The daemon stops an attempt; what it has not heard of, the runner passes over.
    pub fn stop(&mut self, now: Timestamp, pool: &PoolName, attempt: AttemptId) {
        if self.runners.get(pool).is_none_or(|it| it.connection.is_none()) {
            return;
        }
        let Some(held) = self.held(pool, attempt) else { return };
        match held.stage {
            Stage::Accepted => {
                self.end(now, pool, attempt, AttemptEnd::of(How::Killed));
            }
            Stage::Running { .. } => {
                let grace = held.launch.kill_grace;
                let ends_at = now + self.rng.span(grace);
                let by_itself = self.rng.percent(20);
                let held = self.held(pool, attempt).expect("it was there above");
                if ends_at < held.ends_at {
                    held.ends_at = ends_at;
                    held.how = if by_itself { How::Exited(0) } else { How::Killed };
                    self.at(ends_at, Happening::Ends(pool.clone(), attempt));
                }
            }
            Stage::Ended(_) => {}
        }
    }

    /// The daemon lets the runner forget an attempt that has ended.
    pub fn release(&mut self, pool: &PoolName, attempt: AttemptId) {
        let Some(runner) = self.runners.get_mut(pool) else { return };
        let is_over =
            matches!(runner.table.get(&attempt), Some(Held { stage: Stage::Ended(_), .. }));
        if runner.connection.is_some() && is_over {
            runner.table.remove(&attempt);
        }
    }

    /// An attempt's process ends, if this is still when.
    pub fn ends(&mut self, now: Timestamp, pool: &PoolName, attempt: AttemptId) {
        let Some(held) = self.held(pool, attempt) else { return };
        let Stage::Running { at, .. } = held.stage else { return };
        if held.ends_at != now {
            return;
        }
        let mut end = AttemptEnd::of(held.how.clone());
        end.started_at = Some(at);
        let programs = match &held.launch.program {
            Program::Argv(_) | Program::Publish(_) | Program::Withdraw(_) => 0,
            Program::Checks(programs) => programs.len(),
        };
        end.usage = Usage { max_rss: 4_096, cpu_us: 10, ..Usage::default() };
        if end.how == How::Exited(0) {
            end.outputs = outputs(&mut self.rng);
            end.checks = (0..programs)
                .map(|_| CheckResult {
                    exit: i32::from(self.rng.once_in(4)),
                    output: self.rng.below(5).to_string(),
                })
                .collect();
        }
        self.end(now, pool, attempt, end);
    }

    fn end(&mut self, now: Timestamp, pool: &PoolName, attempt: AttemptId, mut end: AttemptEnd) {
        end.ended_at = Some(now);
        self.facts.push(Fact::Ended(attempt, end.how.clone()));
        if let Some(held) = self.held(pool, attempt) {
            held.stage = Stage::Ended(Box::new(end.clone()));
        }
        let pool_name = pool.clone();
        let report = Input::AttemptEnded { pool: pool_name, attempt, end: Box::new(end) };
        self.report(now, pool, report);
    }

    /// The daemon looks for a file. It comes once, at the same instant however often it is looked for.
    pub fn watch(&mut self, now: Timestamp, watch: Watch) {
        let attempt = watch.attempt;
        self.watches.insert(attempt, watch);
        let wait = self.rng.span(Duration::from_secs(240));
        let comes = *self.files.entry(attempt).or_insert(now + wait);
        self.at(comes.max(now), Happening::Arrives(attempt));
    }

    /// The daemon looks for it no more.
    pub fn stop_watch(&mut self, attempt: AttemptId) {
        self.watches.remove(&attempt);
    }

    /// A file is there: what the daemon is told, if it looks.
    pub fn arrives(&mut self, now: Timestamp, attempt: AttemptId) -> Option<Input> {
        let watch = self.watches.remove(&attempt)?;
        let file = FoundFile { path: watch.path, size: 7, modified: now };
        Some(Input::FileArrived { attempt, file })
    }

    /// A runner says something, to a daemon that listens.
    fn report(&mut self, now: Timestamp, pool: &PoolName, input: Input) {
        let Some(connection) = self.runners.get(pool).and_then(|it| it.connection) else { return };
        let copies = if self.is_faulty && self.rng.once_in(12) { 2 } else { 1 };
        for _ in 0..copies {
            let wait = match self.is_faulty && self.rng.once_in(5) {
                true => self.rng.span(Duration::from_secs(5)),
                false => Duration::from_millis(1),
            };
            let report = Happening::Report(pool.clone(), connection, Box::new(input.clone()));
            self.at(now + wait, report);
        }
    }

    /// Whether this connection to a runner is the one there is.
    pub fn is_connected(&self, pool: &PoolName, connection: u64) -> bool {
        self.runners.get(pool).is_some_and(|it| it.connection == Some(connection))
    }

    /// The daemon reaches a runner, which tells all it knows.
    pub fn connect(&mut self, now: Timestamp, pool: &PoolName) -> Option<Input> {
        self.order += 1;
        let connection = self.order;
        let runner = self.runners.get_mut(pool)?;
        if runner.connection.is_some() {
            return None;
        }
        runner.connection = Some(connection);
        let known = runner.table.iter().map(|(id, it)| {
            let known = match &it.stage {
                Stage::Accepted => Known::Running { pid: 0, at: now },
                Stage::Running { pid, at } => Known::Running { pid: *pid, at: *at },
                Stage::Ended(_) => Known::Ended,
            };
            (*id, known)
        });
        let known: Vec<(AttemptId, Known)> = known.collect();
        let lineage = runner.lineage;
        let ended: Vec<Input> = runner
            .table
            .iter()
            .filter_map(|(id, it)| match &it.stage {
                Stage::Ended(end) => {
                    Some(Input::AttemptEnded { pool: pool.clone(), attempt: *id, end: end.clone() })
                }
                Stage::Accepted | Stage::Running { .. } => None,
            })
            .collect();
        ended.into_iter().for_each(|it| self.report(now, pool, it));
        Some(Input::PoolConnected { pool: pool.clone(), lineage, known })
    }

    /// A runner cannot be reached from here on. The daemon notices later.
    pub fn disconnect(&mut self, now: Timestamp, pool: &PoolName) {
        let Some(runner) = self.runners.get_mut(pool) else { return };
        let Some(connection) = runner.connection.take() else { return };
        let wait = self.rng.span(Duration::from_secs(3));
        self.at(now + wait, Happening::Breaks(pool.clone(), connection));
        let away = self.rng.span(Duration::from_secs(60));
        self.at(now + wait + away, Happening::Connects(pool.clone()));
    }

    /// The daemon is dead: nobody listens and nobody looks for files.
    pub fn daemon_dies(&mut self) {
        self.watches.clear();
        self.runners.values_mut().for_each(|it| it.connection = None);
        let of_daemon = |it: &Happening| {
            matches!(
                it,
                Happening::Report(..)
                    | Happening::Connects(_)
                    | Happening::Breaks(..)
                    | Happening::Arrives(_)
            )
        };
        self.keep(|it| !of_daemon(it));
    }

    /// The runner dies and comes back: what it had not started never runs, and of what ran it may have lost the end.
    pub fn runner_dies(&mut self, now: Timestamp, pool: &PoolName) {
        self.disconnect(now, pool);
        let Some(runner) = self.runners.get(pool) else { return };
        let stages: Vec<(AttemptId, Stage)> =
            runner.table.iter().map(|(id, it)| (*id, it.stage.clone())).collect();
        for (id, stage) in stages {
            match stage {
                Stage::Accepted => self.end(now, pool, id, AttemptEnd::of(How::Never)),
                Stage::Running { at, .. } if self.rng.once_in(3) => {
                    self.facts.push(Fact::Forgotten(id));
                    let mut end = AttemptEnd::of(How::Lost("the host was started anew".to_owned()));
                    end.started_at = Some(at);
                    self.end(now, pool, id, end);
                }
                Stage::Running { .. } | Stage::Ended(_) => {}
            }
        }
    }

    /// The runner's journal is replaced by an empty one: nothing of it is left, its processes neither.
    pub fn journal_replaced(&mut self, now: Timestamp, pool: &PoolName) {
        self.disconnect(now, pool);
        let Some(runner) = self.runners.get_mut(pool) else { return };
        runner.lineage += 1;
        for (id, held) in std::mem::take(&mut runner.table) {
            self.facts.push(Fact::Forgotten(id));
            if matches!(held.stage, Stage::Running { .. }) {
                self.facts.push(Fact::Ended(id, How::Lost(String::new())));
            }
        }
    }

    /// The pools.
    pub fn pools(&self) -> Vec<PoolName> {
        self.runners.keys().cloned().collect()
    }

    fn held(&mut self, pool: &PoolName, attempt: AttemptId) -> Option<&mut Held> {
        self.runners.get_mut(pool)?.table.get_mut(&attempt)
    }
}

fn draw_end(rng: &mut Rng, is_faulty: bool) -> How {
    match rng.below(20) {
        0..=3 => How::Exited(i32::try_from(rng.between(1, 3)).expect("a small number")),
        4 => How::Signalled(11),
        5 => How::ExecFailed("there is no such program".to_owned()),
        6 if is_faulty => How::Refused("too many processes".to_owned()),
        _ => How::Exited(0),
    }
}

fn outputs(rng: &mut Rng) -> Vec<u8> {
    // Another time some are missing, and they come in another order.
    let mut items: Vec<String> = (0..4).map(|it| format!("\"o{it}\"")).collect();
    items.retain(|_| rng.percent(50));
    if rng.percent(50) {
        items.reverse();
    }
    let mut text = format!("{{\"list\": [{}]}}\n", items.join(", "));
    match rng.below(12) {
        0 => text.push_str("no output\n"),
        1 => {}
        _ => text.push_str(&format!("n={}\n", rng.below(8))),
    }
    text.into_bytes()
}
