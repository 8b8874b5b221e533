//! A run as it was: its events up to some instant, applied one after the other to a state that holds nothing else.
//!
//! Whatever was in the way of the run from outside (slots, resources, pauses of more than it) is not among its events.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::id::{RunId, Seq, TaskPath};
use shared::replay::{ReplayAt, ReplayStep};
use shared::request::{Refusal, RefusalCode};
use shared::snapshot::RunView;
use shared::time::Timestamp;
use shared::why::{Blocker, BlockerKind, Why};
use shared::workflow::Workflow;

use crate::describe;
use crate::event::{Event, Stamped};
use crate::snapshot::{run_view, told_items};
use crate::state::{Run, State};
use crate::why;

/// How many task runs are explained.
const TASKS_MAX: usize = 50;

/// A run on its way through its events.
#[derive(Clone, Debug)]
pub struct Replay {
    state: State,
    run: RunId,
    workflow: Arc<Workflow>,
    /// Whether what the run was like is of another version of its workflow, up to here.
    is_of_other: bool,
    /// The last event that was applied.
    seq: Seq,
}

/// How many of a run's events lie before an instant; and the instant itself.
///
/// # Errors
/// If the run was not there yet.
pub fn events_until(
    events: &[(Seq, Stamped)],
    at: ReplayAt,
) -> Result<(usize, Timestamp), Refusal> {
    let (seq, created) = match events.first() {
        Some((seq, Stamped { at, event: Event::RunCreated(_) })) => (*seq, *at),
        _ => return Err(not_kept()),
    };
    let (count, instant) = match at {
        ReplayAt::Instant(instant) => (events.partition_point(|(_, it)| it.at <= instant), instant),
        ReplayAt::After(millis) => {
            let instant = created + std::time::Duration::from_millis(millis);
            (events.partition_point(|(_, it)| it.at <= instant), instant)
        }
        ReplayAt::Seq(last) => {
            let count = events.partition_point(|(seq, _)| *seq <= last);
            (count, events[..count].last().map_or(created, |(_, it)| it.at))
        }
    };
    match count {
        0 => Err(before(created, seq)),
        count => Ok((count, instant)),
    }
}

impl Replay {
    /// A run of which nothing has happened. `workflow`: the version that it runs.
    pub fn new(run: RunId, workflow: Arc<Workflow>) -> Self {
        let mut state = State::default();
        let event = Event::WorkflowLoaded { workflow: workflow.clone() };
        state.apply(&Stamped { at: Timestamp::default(), event });
        Self { state, run, workflow, is_of_other: false, seq: Seq(0) }
    }

    /// The same after these events of the run.
    ///
    /// # Errors
    /// If the run was of another version then, or its beginning is missing.
    pub fn apply(&mut self, events: &[(Seq, Stamped)]) -> Result<(), Refusal> {
        events.iter().try_for_each(|(seq, it)| self.apply_one(*seq, it))?;
        match self.is_of_other {
            true => Err(other_version()),
            false => Ok(()),
        }
    }

    fn apply_one(&mut self, seq: Seq, stamped: &Stamped) -> Result<(), Refusal> {
        self.seq = seq;
        match &stamped.event {
            Event::RunCreated(it) if it.version != self.workflow.version => {
                self.is_of_other = true;
            }
            // It comes with all that it has kept of the version that it had.
            Event::RunReopened { workflow, .. } if self.is_of_other => {
                self.is_of_other = workflow.version != self.workflow.version;
                if !self.is_of_other {
                    self.state.apply(stamped);
                }
            }
            _ if self.is_of_other => {}
            // What it was like is known from its own events: the record need not repeat it.
            Event::RunReopened { workflow, .. } => {
                if workflow.version != self.workflow.version {
                    return Err(other_version());
                }
                let before = self.state.ended.pop().ok_or_else(not_kept)?;
                let run = Box::new(before.run);
                let event = Event::RunReopened { run, workflow: self.workflow.clone() };
                self.state.apply(&Stamped { at: stamped.at, event });
            }
            _ => self.state.apply(stamped),
        }
        match self.run() {
            Some(_) => Ok(()),
            None if self.is_of_other => Ok(()),
            // A plan may be confirmed before what it takes up again.
            None => Err(not_kept()),
        }
    }

    /// The run as it is by now.
    pub fn run(&self) -> Option<&Run> {
        let ended = || self.state.ended.last().map(|it| &it.run);
        self.state.runs.get(&self.run).or_else(ended)
    }

    /// The run as readers are shown it.
    pub fn view(&self) -> Option<RunView> {
        Some(run_view(self.run()?, &self.workflow, None, self.seq))
    }

    /// What is in the way of the run, as far as its own events tell; or why it has ended so.
    pub fn why(&self) -> Option<Why> {
        let Some(run) = self.state.runs.get(&self.run) else {
            return Some(why::of_ended_run(self.run()?, &self.workflow));
        };
        let mut why = why::of_run(&self.state, run, TASKS_MAX);
        if run.word() == "queued" && why.blockers.is_empty() {
            why.blockers.push(unknown("it waited to be started", run.created_at));
        }
        for task in &mut why.tasks {
            task.blockers.retain(|it| is_of_run(it.kind));
            if task.state == "queued" {
                let since = run.created_at;
                task.blockers.push(unknown("it waited for capacity", since));
            }
        }
        Some(why)
    }

    /// The place of a task run among the tasks and the items of its task.
    fn place(&self, run: &Run, path: &TaskPath) -> Option<(usize, Option<u32>)> {
        let definition = self.state.definitions.get(&self.workflow.version)?;
        let place = definition.place(&path.task)? as usize;
        let items = run.tasks.get(place)?.items.as_ref();
        Some((place, path.item.as_ref().and_then(|key| items?.place(key))))
    }

    /// Each event, and how the run is after it.
    ///
    /// # Errors
    /// As of [`Replay::apply`].
    pub fn steps(
        &mut self,
        events: &[(Seq, Stamped)],
        mut each: impl FnMut(ReplayStep),
    ) -> Result<(), Refusal> {
        let mut words = Words::default();
        for (seq, stamped) in events {
            self.apply_one(*seq, stamped)?;
            if self.is_of_other {
                continue;
            }
            let Some(run) = self.run() else { return Err(not_kept()) };
            let it = describe::view(*seq, stamped);
            let path = it.task.as_deref().map(|it| TaskPath::from(it).forward());
            words.count(run, path.and_then(|it| self.place(run, &it)));
            each(ReplayStep {
                seq: it.seq,
                at: it.at,
                actor: it.actor,
                kind: it.kind,
                task: it.task,
                text: it.text,
                state: run.word().to_owned(),
                counts: words.counts(),
            });
        }
        Ok(())
    }
}

/// How many task runs are in each state. An event about one of them has only that one counted anew.
#[derive(Default)]
struct Words {
    tasks: Vec<TaskWords>,
    counts: BTreeMap<&'static str, u32>,
}

/// The words of a task: its own, or those of its items where they are told instead.
#[derive(PartialEq, Default)]
struct TaskWords {
    by_items: bool,
    words: Vec<&'static str>,
}

impl Words {
    fn count(&mut self, run: &Run, changed: Option<(usize, Option<u32>)>) {
        match changed {
            Some((place, item)) if self.tasks.len() == run.tasks.len() => {
                self.count_task(run, place, item);
            }
            _ => {
                (self.tasks, self.counts) = (Vec::new(), BTreeMap::new());
                self.tasks.resize_with(run.tasks.len(), TaskWords::default);
                (0..run.tasks.len()).for_each(|place| self.count_task(run, place, None));
            }
        }
    }

    fn count_task(&mut self, run: &Run, place: usize, item: Option<u32>) {
        let task = &run.tasks[place];
        let items = told_items(task);
        let old = &mut self.tasks[place];
        if let (true, Some(items), Some(item)) = (old.by_items, items, item)
            && let (Some(word), Some(it)) =
                (old.words.get_mut(item as usize), items.get(item as usize))
        {
            let new = it.progress.word();
            less(&mut self.counts, std::mem::replace(word, new));
            return more(&mut self.counts, new);
        }
        let words = match items {
            Some(items) => items.iter().map(|it| it.progress.word()).collect(),
            None => vec![task.word()],
        };
        let new = TaskWords { by_items: items.is_some(), words };
        let old = std::mem::replace(old, new);
        old.words.into_iter().for_each(|it| less(&mut self.counts, it));
        self.tasks[place].words.iter().for_each(|it| more(&mut self.counts, it));
    }

    fn counts(&self) -> BTreeMap<String, u32> {
        self.counts.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
    }
}

fn more(counts: &mut BTreeMap<&'static str, u32>, word: &'static str) {
    *counts.entry(word).or_default() += 1;
}

fn less(counts: &mut BTreeMap<&'static str, u32>, word: &'static str) {
    if let Some(count) = counts.get_mut(word) {
        *count -= 1;
        if *count == 0 {
            counts.remove(word);
        }
    }
}

/// Whether the run's own events tell of it.
fn is_of_run(kind: BlockerKind) -> bool {
    !matches!(
        kind,
        BlockerKind::MaxRuns
            | BlockerKind::PoolDown
            | BlockerKind::NoPool
            | BlockerKind::Slots
            | BlockerKind::Resource
            | BlockerKind::TooLarge
    )
}

fn unknown(what: &str, since: Timestamp) -> Blocker {
    let text = format!("{what}; what was in its way is not among the events of its run");
    Blocker {
        kind: BlockerKind::Slots,
        text,
        who: Vec::new(),
        holders: Vec::new(),
        since: Some(since),
        until: None,
    }
}

fn not_kept() -> Refusal {
    let message = "the events of the run's beginning are not kept";
    Refusal::new(RefusalCode::NotFound, message).help("`runyard show` has what is kept of it")
}

fn other_version() -> Refusal {
    let message = "the run was of another version of its workflow then, which is not kept";
    Refusal::new(RefusalCode::NotFound, message).help("`runyard events` lists what happened")
}

fn before(created: Timestamp, seq: Seq) -> Refusal {
    let message = format!("the run was not there yet: it was made at {created} (event {})", seq.0);
    Refusal::new(RefusalCode::Conflict, message).help("name that instant or a later one")
}
