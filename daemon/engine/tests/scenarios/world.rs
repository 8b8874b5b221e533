//! Tells a story to an engine: what happens outside, in virtual time, and a trace of what became true.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use definition::Source;
use engine::describe::{describe, run_of};
use engine::input::{
    Archived, AttemptEnd, CheckResult, FoundFile, How, Input, Known, Seen, Shelf, Ticket,
};
use engine::state::Spot;
use engine::{Effect, Engine, Event, Stamped, State};
use serde_json::Value;
use shared::capacity::{Capacity, PoolSize, QueuePolicy, ResourceSize};
use shared::id::{AttemptId, RunId, Seq, TaskPath};
use shared::request::{
    Act, Actor, Answer, Decision, Mark, PauseWhat, Request, RetryWhat, RollbackWhat,
};
use shared::time::Timestamp;

const START: Timestamp = Timestamp(1_767_225_600_000_000);

/// A world whose programs start at once, unless [`World::hold_starts`] was said.
pub(crate) struct World {
    engine: Engine,
    now: Timestamp,
    journal: Vec<Stamped>,
    shown: usize,
    trace: String,
    labels: BTreeMap<RunId, String>,
    archive: BTreeMap<RunId, Archived>,
    holds_starts: bool,
    /// Effects of the last step, in words.
    pub(crate) effects: Vec<Effect>,
}

impl World {
    /// With one pool, `local`, of so many slots, and two of the resource `db`.
    pub(crate) fn new(slots: u32) -> Self {
        let mut world = Self {
            engine: Engine::default(),
            now: START,
            journal: Vec::new(),
            shown: 0,
            trace: String::new(),
            labels: BTreeMap::new(),
            archive: BTreeMap::new(),
            holds_starts: false,
            effects: Vec::new(),
        };
        world.step(Input::Resumed { incarnation: 7 });
        let capacity = Capacity {
            pools: vec![("local".into(), PoolSize::slots(slots))],
            resources: vec![("db".into(), ResourceSize { amount: 2, rate: None })],
            queue: QueuePolicy::default(),
        };
        world.step(Input::Configured(Box::new(capacity)));
        world.connect(1, &[]);
        world
    }

    /// With one workflow, of which there is one run.
    pub(crate) fn playing(slots: u32, text: &str) -> (Self, RunId) {
        let mut world = Self::new(slots);
        world.load(text);
        let run = world.run();
        (world, run)
    }

    pub(crate) fn load(&mut self, text: &str) {
        let source = Source { file: "flow.yaml", folder: "/flows", text };
        let loaded = definition::load(&source, &|path| Err(format!("there is no {path}")));
        let workflow = loaded.workflow.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
        self.step(Input::LibraryRead(vec![Shelf::Good(Arc::new(workflow))]));
        self.trace.clear();
    }

    pub(crate) fn state(&self) -> &State {
        self.engine.state()
    }

    /// All that became true, and the first of it is event 1.
    pub(crate) fn journal(&self) -> impl Iterator<Item = (Seq, &Stamped)> {
        (1..).map(Seq).zip(&self.journal)
    }

    pub(crate) fn hold_starts(&mut self) {
        self.holds_starts = true;
    }

    /// Gives one input, and keeps the books as the driver would.
    pub(crate) fn step(&mut self, input: Input) -> Option<Answer> {
        let step = self.engine.step(self.now, input);
        engine::invariant::check(self.engine.state()).expect("the invariants hold");
        self.journal.extend(step.events);
        for ended in self.engine.take_ended() {
            self.archive.insert(ended.run.id, ended);
        }
        self.effects.clone_from(&step.effects);
        self.write_trace();
        let mut answered = None;
        for effect in step.effects {
            match effect {
                Effect::Answer(_, Ok(answer)) => answered = Some(answer),
                Effect::Answer(_, Err(refusal)) => {
                    let help = refusal.help.map_or(String::new(), |it| format!(" ({it})"));
                    self.line("", &format!("refused: {}{help}", refusal.message));
                }
                Effect::StartAttempt(launch) if !self.holds_starts => {
                    self.started_id(launch.attempt);
                }
                _ => {}
            }
        }
        answered
    }

    fn write_trace(&mut self) {
        for place in self.shown..self.journal.len() {
            let stamped = self.journal[place].clone();
            if let Event::RunCreated(it) = &stamped.event {
                self.labels.insert(it.run, format!("#{} ", it.number));
            }
            let label = run_of(&stamped.event).and_then(|it| self.labels.get(&it).cloned());
            let label = label.filter(|_| self.labels.len() > 1).unwrap_or_default();
            let text = describe(&stamped).text;
            self.line(&label, &text);
        }
        self.shown = self.journal.len();
    }

    fn line(&mut self, label: &str, text: &str) {
        let seconds = self.now.since(START).as_secs();
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        self.trace.push_str(&format!("{minutes:02}:{seconds:02} {label}{text}\n"));
    }

    /// What became true since this was last asked.
    pub(crate) fn trace(&mut self) -> String {
        std::mem::take(&mut self.trace)
    }

    /// Lets time pass, with the wakes on the way.
    pub(crate) fn wait(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        while let Some((at, _)) = self.engine.next_wakeup().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.step(Input::Wake);
        }
        self.now = until;
    }

    pub(crate) fn ask(&mut self, request: Request) -> Option<Answer> {
        self.act(request.into())
    }

    pub(crate) fn plan_digest(&self, request: &Request) -> String {
        let actor = Actor { name: "user:ann".to_owned(), uid: None };
        let archived = request.run().and_then(|it| self.archive.get(&it));
        let plan = self.engine.plan(self.now, &actor, request, archived);
        plan.expect("it would not be refused").digest
    }

    pub(crate) fn act(&mut self, act: Act) -> Option<Answer> {
        let request = act.request;
        let archived = match &request {
            Request::Decide { .. } => None,
            request => request.run().and_then(|it| self.archive.get(&it).cloned().map(Box::new)),
        };
        let archived = archived.filter(|it| !self.state().runs.contains_key(&it.run.id));
        let actor = Actor { name: "user:ann".to_owned(), uid: None };
        self.step(Input::Request {
            ticket: Ticket(1),
            actor,
            request,
            seen: Seen { state: act.seen, plan: act.plan },
            archived,
        })
    }

    pub(crate) fn run(&mut self) -> RunId {
        self.run_with(&[]).expect("the run is not refused")
    }

    pub(crate) fn run_with(&mut self, params: &[(&str, Value)]) -> Option<RunId> {
        let params = params.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect();
        let workflow = "flow".into();
        let request = Request::Run { workflow, params, interval: None, priority: None };
        match self.ask(request)? {
            Answer::RunCreated { run, .. } => Some(run),
            Answer::Retried { .. } | Answer::RollingBack { .. } | Answer::Done => None,
        }
    }

    pub(crate) fn cancel(&mut self, run: RunId) {
        self.ask(Request::Cancel { run, now: false, comment: None });
    }

    pub(crate) fn retry_failed(&mut self, run: RunId) {
        self.ask(Request::Retry { run, what: RetryWhat::Failed, comment: None });
    }

    pub(crate) fn retry(&mut self, run: RunId, paths: &[&str]) {
        let paths: Vec<TaskPath> = paths.iter().map(|it| TaskPath::from(*it)).collect();
        self.ask(Request::Retry { run, what: RetryWhat::Tasks(paths), comment: None });
    }

    pub(crate) fn retry_from(&mut self, run: RunId, task: &str) {
        self.ask(Request::Retry { run, what: RetryWhat::From(task.into()), comment: None });
    }

    pub(crate) fn decide(&mut self, run: RunId, task: &str, decision: Decision, comment: &str) {
        let comment = (!comment.is_empty()).then(|| comment.to_owned());
        self.ask(Request::Decide { run, task: task.into(), decision, comment });
    }

    pub(crate) fn roll_back(&mut self, run: RunId, tasks: &[&str]) {
        let paths: Vec<TaskPath> = tasks.iter().map(|it| TaskPath::from(*it)).collect();
        let what = if paths.is_empty() { RollbackWhat::All } else { RollbackWhat::Tasks(paths) };
        self.ask(Request::Rollback { run, what, comment: Some("it is wrong".to_owned()) });
    }

    pub(crate) fn retry_undo(&mut self, run: RunId, task: &str) {
        let what = RollbackWhat::Retry(task.into());
        self.ask(Request::Rollback { run, what, comment: None });
    }

    pub(crate) fn pause(&mut self, what: PauseWhat, seconds: Option<u64>) {
        let until = seconds.map(|it| self.now + Duration::from_secs(it));
        self.ask(Request::Pause { what, until, comment: None });
    }

    pub(crate) fn resume(&mut self, what: PauseWhat) {
        self.ask(Request::Resume { what, comment: None });
    }

    pub(crate) fn hold(&mut self, run: RunId, task: &str) {
        self.ask(Request::Hold { run, task: task.into(), comment: None });
    }

    pub(crate) fn release(&mut self, run: RunId, task: &str) {
        self.ask(Request::Release { run, task: task.into(), comment: None });
    }

    pub(crate) fn skip(&mut self, run: RunId, task: &str) {
        self.ask(Request::Skip { run, task: task.into(), comment: None });
    }

    pub(crate) fn mark(&mut self, run: RunId, task: &str, mark: Mark) {
        self.ask(Request::Mark { run, task: task.into(), mark, comment: None });
    }

    pub(crate) fn requeue(&mut self, run: RunId, task: &str) {
        self.ask(Request::Requeue { run, task: task.into(), comment: None });
    }

    /// What a request would do, a line a part.
    pub(crate) fn plan(&self, request: &Request) -> Vec<String> {
        let archived = request.run().and_then(|it| self.archive.get(&it));
        let actor = Actor { name: "user:ann".to_owned(), uid: None };
        let plan = match self.engine.plan(self.now, &actor, request, archived) {
            Ok(plan) => plan,
            Err(refusal) => return vec![refusal.to_string()],
        };
        let parts = [
            ("runs", plan.run),
            ("undoes", plan.undo),
            ("cannot undo", plan.not_undone),
            ("stops", plan.stop),
            ("drops", plan.drop),
            ("keeps", plan.keep),
            ("voids", plan.void),
            ("will have ended", plan.finish),
            ("will not have ended", plan.outlast),
            ("holds back", plan.wait),
            ("holds back runs", plan.runs),
        ];
        let told = parts.into_iter().filter(|(_, it)| it.count > 0);
        told.map(|(part, it)| format!("{part} {}: {}", it.count, it.names.join(", "))).collect()
    }

    /// What `why` says of a task run, a line each.
    pub(crate) fn why(&self, run: RunId, task: &str) -> Vec<String> {
        let spot = self.state().spot(run, &task.into()).expect("there is such a task run");
        let why = engine::why::of_task(self.state(), spot);
        why.blockers.into_iter().map(|it| it.text).collect()
    }

    /// What `why` says of a run that has ended, a line each.
    pub(crate) fn why_ended(&self, run: RunId) -> Vec<String> {
        let archived = self.archive.get(&run).expect("the run has ended");
        let why = engine::why::of_ended_run(&archived.run, &archived.workflow);
        why.blockers.into_iter().map(|it| it.text).collect()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn spot(&self, run: RunId, task: &str) -> Spot {
        self.state().spot(run, &task.into()).expect("there is such a task run")
    }

    /// The attempt of a task run of a run that has not ended.
    pub(crate) fn attempt_of(&self, run: RunId, task: &str) -> AttemptId {
        let progress = self.state().runs[&run].progress(self.spot(run, task));
        let open = progress.and_then(|it| it.open_attempt());
        open.unwrap_or_else(|| panic!("{task} has no open attempt")).id
    }

    /// A task run succeeds that runs in another pool than `local`.
    pub(crate) fn ends_in(&mut self, pool: &str, path: &str) {
        let attempt = self.attempt(path);
        let end = Box::new(AttemptEnd::of(How::Exited(0)));
        self.step(Input::AttemptEnded { pool: pool.into(), attempt, end });
    }

    /// The attempt of a task run that has not ended, in the oldest run that has one.
    pub(crate) fn attempt(&self, path: &str) -> AttemptId {
        let state = self.state();
        let mut runs: Vec<_> = state.runs.values().collect();
        runs.sort_by_key(|it| it.number);
        let mut spots = runs.iter().flat_map(|it| it.all_spots());
        spots
            .find_map(|spot| {
                let progress = state.runs[&spot.run].progress(spot)?;
                let is_meant = state.path(spot) == TaskPath::from(path);
                progress.open_attempt().filter(|_| is_meant).map(|it| it.id)
            })
            .unwrap_or_else(|| panic!("{path} has no open attempt"))
    }

    pub(crate) fn started(&mut self, path: &str) {
        self.started_id(self.attempt(path));
    }

    pub(crate) fn started_id(&mut self, attempt: AttemptId) {
        let pool = "local".into();
        self.step(Input::AttemptStarted { pool, attempt, pid: 42, at: self.now });
    }

    pub(crate) fn ends(&mut self, path: &str, end: AttemptEnd) {
        self.ends_id(self.attempt(path), end);
    }

    pub(crate) fn ends_id(&mut self, attempt: AttemptId, end: AttemptEnd) {
        let end = AttemptEnd { ended_at: Some(self.now), ..end };
        self.step(Input::AttemptEnded { pool: "local".into(), attempt, end: Box::new(end) });
    }

    pub(crate) fn succeed(&mut self, path: &str) {
        self.ends(path, AttemptEnd::of(How::Exited(0)));
    }

    pub(crate) fn fail(&mut self, path: &str) {
        self.ends(path, AttemptEnd::of(How::Exited(1)));
    }

    pub(crate) fn writes(&mut self, path: &str, outputs: &str) {
        let outputs = outputs.as_bytes().to_vec();
        self.ends(path, AttemptEnd { outputs, ..AttemptEnd::of(How::Exited(0)) });
    }

    pub(crate) fn judges(&mut self, path: &str, exit: i32, output: &str) {
        let checks = vec![CheckResult { exit, output: output.to_owned() }];
        self.ends(path, AttemptEnd { checks, ..AttemptEnd::of(How::Exited(0)) });
    }

    pub(crate) fn file_arrives(&mut self, path: &str) {
        let attempt = self.attempt(path);
        let file = FoundFile { path: "/flows/in.csv".to_owned(), size: 7, modified: self.now };
        self.step(Input::FileArrived { attempt, file });
    }

    /// The daemon dies and starts again, from what is on disk.
    pub(crate) fn crash(&mut self) {
        let mut state = State::default();
        self.journal.iter().for_each(|it| state.apply(it));
        state.ended.clear();
        assert_eq!(&state, self.engine.state(), "a replay gives the state there was");
        self.engine = Engine::new(state);
        self.line("", "-- the daemon starts again");
        self.step(Input::Resumed { incarnation: 7 });
    }

    pub(crate) fn connect(&mut self, lineage: u64, known: &[(AttemptId, Known)]) {
        let known = known.to_vec();
        self.step(Input::PoolConnected { pool: "local".into(), lineage, known });
    }

    /// The names of the effects of the last step, without answers.
    pub(crate) fn effect_words(&self) -> Vec<&'static str> {
        self.effects
            .iter()
            .filter_map(|it| match it {
                Effect::StartAttempt(_) => Some("start"),
                Effect::StopAttempt(..) => Some("stop"),
                Effect::ReleaseAttempt(..) => Some("release"),
                Effect::WatchFile(_) => Some("watch"),
                Effect::StopWatch(_) => Some("stop watch"),
                Effect::Answer(..) => None,
            })
            .collect()
    }
}
