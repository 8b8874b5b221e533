//! The calls, one function each.

use std::time::Duration;

use engine::input::Archived;
use engine::state::Run;
use engine::{Input, snapshot, why};
use shared::id::{AttemptId, PoolName, RunId, Seq, TaskPath};
use shared::request::{Answer, Refusal, RefusalCode, Request};
use shared::rpc::{Daemon, ItemsOf, LogAsk, LogFrom, RunsFilter, WAIT_MS_MAX};
use shared::snapshot::{
    ApprovalRow, EventsPage, Graph, LogChunk, PoolRow, QueueRow, RunRow, RunView, StatusView,
    StoreView, WorkflowRow,
};
use shared::why::{Blocker, BlockerKind, Why};
use shared::workflow::Workflow;
use tarpc::context::Context;

use super::Connection;
use crate::driver::{Readout, no_such_run};
use crate::files;
use crate::history;

/// How many rows one answer holds at the most.
const ROWS_MAX: usize = 1_000;
/// How many task runs `why` explains of one run.
const WHY_TASKS_MAX: usize = 50;
/// How many lines of a log `why` shows.
const WHY_LOG_LINES: u32 = 20;
/// How often a log is looked at that is waited for: it is written by the runner, which tells nobody.
const LOG_EVERY: Duration = Duration::from_millis(50);

impl Daemon for Connection {
    async fn status(self, _: Context) -> StatusView {
        let looked = self.core.inbox.ask(|it| {
            let state = it.degraded.map_or_else(|| "ok".to_owned(), str::to_owned);
            (state, it.seq, snapshot::run_counts(it.state), snapshot::pools(it.state))
        });
        let stopping = || {
            let runs = shared::snapshot::RunsView { active: 0, queued: 0 };
            ("cannot be read; the daemon's log says more".to_owned(), Seq(0), runs, Vec::new())
        };
        let (state, seq, runs, pools) = looked.await.unwrap_or_else(|_| stopping());
        let dir = self.core.state_dir.clone();
        let bytes = tokio::task::spawn_blocking(move || disk_bytes(&dir)).await.unwrap_or(0);
        StatusView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_s: self.core.started.elapsed().as_secs_f64(),
            rss: resident_bytes(),
            store: StoreView { state, bytes, seq },
            runs,
            pools,
            state_dir: self.core.state_dir.display().to_string(),
            workflows_dir: self.core.workflows_dir.display().to_string(),
        }
    }

    async fn find(self, _: Context, run: String) -> Result<RunId, Refusal> {
        self.core.inbox.ask(move |it| history::find(it, &run)).await?
    }

    async fn request(self, _: Context, request: Request) -> Result<Answer, Refusal> {
        self.core.inbox.request(self.actor, request).await
    }

    async fn reload(self, _: Context) -> Result<Vec<WorkflowRow>, Refusal> {
        let folder = self.core.workflows_dir.clone();
        let shelves = tokio::task::spawn_blocking(move || crate::library::read(&folder)).await;
        let shelves = shelves
            .map_err(|_| Refusal::new(RefusalCode::Internal, "the workflows cannot be read"))?;
        self.core.inbox.input(Input::LibraryRead(shelves));
        // Behind the input in the same inbox: whoever asks after it sees what it has done.
        self.core.inbox.ask(|it| snapshot::workflows(it.state)).await
    }

    async fn workflows(self, _: Context) -> Vec<WorkflowRow> {
        self.core.inbox.ask(|it| snapshot::workflows(it.state)).await.unwrap_or_default()
    }

    async fn graph(self, _: Context, workflow: String) -> Result<Graph, Refusal> {
        let look = move |it: &Readout<'_>| {
            let entry = it.state.library.get(&workflow.as_str().into());
            let version = entry.and_then(|it| it.version.as_ref());
            let definition = version.and_then(|version| it.state.definitions.get(version));
            match definition {
                Some(it) => Ok(snapshot::graph(&it.workflow, None)),
                None => {
                    let message = format!("there is no workflow `{workflow}`");
                    let refusal = Refusal::new(RefusalCode::NotFound, message);
                    Err(refusal.help("`runyard workflows` lists them"))
                }
            }
        };
        self.core.inbox.ask(look).await?
    }

    async fn run_graph(self, _: Context, run: RunId) -> Result<Graph, Refusal> {
        let look = move |it: &Readout<'_>| {
            with_run(it, run, |run, workflow| Ok(snapshot::graph(workflow, Some(run))))
        };
        self.core.inbox.ask(look).await?
    }

    async fn runs(self, _: Context, filter: RunsFilter) -> Result<Vec<RunRow>, Refusal> {
        let look = move |it: &Readout<'_>| history::list(it, &filter).map_err(|it| unreadable(&it));
        self.core.inbox.ask(look).await?
    }

    async fn show(
        self,
        _: Context,
        run: RunId,
        items_of: Option<ItemsOf>,
    ) -> Result<RunView, Refusal> {
        let look = move |it: &Readout<'_>| {
            let seq = it.seq;
            with_run(it, run, |run, workflow| match &items_of {
                None => Ok(snapshot::run_view(run, workflow, seq)),
                Some(ask) => {
                    let task = place(workflow, &ask.task)?;
                    let (from, limit) = (ask.from as usize, ask.limit as usize);
                    let limit = limit.min(ROWS_MAX);
                    Ok(snapshot::items_view(run, workflow, seq, task, from, limit))
                }
            })
        };
        self.core.inbox.ask(look).await?
    }

    async fn events(
        mut self,
        _: Context,
        run: RunId,
        after: Seq,
        wait_ms: u32,
    ) -> Result<EventsPage, Refusal> {
        let wait = Duration::from_millis(wait_ms.min(WAIT_MS_MAX).into());
        let until = tokio::time::Instant::now() + wait;
        loop {
            // Marked before it is looked: what comes in between is not slept over.
            self.published.mark_unchanged();
            let page = self.core.inbox.ask(move |it| page_of_events(it, run, after)).await??;
            let waits = page.events.is_empty() && !page.over;
            if !waits || tokio::time::timeout_at(until, self.published.changed()).await.is_err() {
                return Ok(page);
            }
        }
    }

    async fn why(self, _: Context, run: RunId, task: Option<String>) -> Result<Why, Refusal> {
        let state_dir = self.core.state_dir.clone();
        let look = move |it: &Readout<'_>| explain(it, run, task.as_deref());
        let (mut why, failed) = self.core.inbox.ask(look).await??;
        if let Some((pool, attempt)) = failed {
            let path = files::log_path(&state_dir, &pool, attempt);
            let lines = move || files::last_lines(&path, WHY_LOG_LINES);
            why.log_tail = tokio::task::spawn_blocking(lines).await.unwrap_or_default();
        }
        Ok(why)
    }

    async fn log(self, _: Context, ask: LogAsk) -> Result<LogChunk, Refusal> {
        let wait = Duration::from_millis(ask.wait_ms.min(WAIT_MS_MAX).into());
        let until = tokio::time::Instant::now() + wait;
        loop {
            let (run, task, attempt) = (ask.run, ask.task.clone(), ask.attempt);
            let look = move |it: &Readout<'_>| find_log(it, run, &task, attempt);
            let log = self.core.inbox.ask(look).await??;
            let path = files::log_path(&self.core.state_dir, &log.pool, log.id);
            let from = ask.from;
            let read = tokio::task::spawn_blocking(move || files::read(&path, from)).await;
            let part = match read {
                Ok(Ok(part)) => part,
                Ok(Err(problem)) => {
                    let message = format!("the log cannot be read: {problem}");
                    return Err(Refusal::new(RefusalCode::Unavailable, message));
                }
                Err(_) => {
                    return Err(Refusal::new(RefusalCode::Internal, "the log cannot be read"));
                }
            };
            let end = part.is_last && log.is_over;
            let waits = part.bytes.is_empty() && !end && matches!(from, LogFrom::Offset(_));
            if !waits || tokio::time::Instant::now() >= until {
                let (bytes, offset) = (part.bytes, part.offset);
                return Ok(LogChunk { bytes, offset, attempt: log.number, end });
            }
            tokio::time::sleep(LOG_EVERY).await;
        }
    }

    async fn approvals(self, _: Context) -> Vec<ApprovalRow> {
        self.core.inbox.ask(|it| snapshot::approvals(it.state)).await.unwrap_or_default()
    }

    async fn queue(self, _: Context, pool: Option<String>) -> Result<Vec<QueueRow>, Refusal> {
        let look = move |it: &Readout<'_>| {
            let pool: Option<PoolName> = pool.as_deref().map(Into::into);
            match &pool {
                Some(name) if !it.state.pools.contains_key(name) => {
                    let message = format!("there is no pool `{name}`");
                    Err(Refusal::new(RefusalCode::NotFound, message)
                        .help("`runyard pools` lists them"))
                }
                _ => Ok(snapshot::queue(it.state, pool.as_ref(), ROWS_MAX)),
            }
        };
        self.core.inbox.ask(look).await?
    }

    async fn pools(self, _: Context) -> Vec<PoolRow> {
        self.core.inbox.ask(|it| snapshot::pools(it.state)).await.unwrap_or_default()
    }
}

/// Looks at a run, whether it is active or has ended.
fn with_run<T>(
    readout: &Readout<'_>,
    run: RunId,
    look: impl FnOnce(&Run, &Workflow) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    if let Some(it) = readout.state.runs.get(&run) {
        return look(it, &readout.state.definition(run).workflow);
    }
    match readout.history.archived(readout.store, run) {
        Ok(Some(Archived { run, workflow })) => look(&run, &workflow),
        Ok(None) => Err(no_such_run(run)),
        Err(problem) => Err(unreadable(&problem)),
    }
}

fn unreadable(problem: &history::HistoryError) -> Refusal {
    let message = crate::driver::with_sources(problem);
    Refusal::new(RefusalCode::Internal, message).help("the daemon's log may say more")
}

/// The place of a task in its workflow.
fn place(workflow: &Workflow, task: &str) -> Result<usize, Refusal> {
    workflow.tasks.iter().position(|it| it.name.as_str() == task).ok_or_else(|| {
        let names = workflow.tasks.iter().map(|it| it.name.as_str());
        let message = format!("`{}` has no task `{task}`", workflow.name);
        let refusal = Refusal::new(RefusalCode::NotFound, message);
        match shared::diagnostic::nearest(task, names) {
            Some(near) => refusal.help(format!("did you mean `{near}`?")),
            None => refusal.help("`runyard show` lists them"),
        }
    })
}

fn page_of_events(readout: &Readout<'_>, run: RunId, after: Seq) -> Result<EventsPage, Refusal> {
    let over = !readout.state.runs.contains_key(&run);
    let view = |(seq, stamped): &(Seq, engine::Stamped)| engine::describe::view(*seq, stamped);
    // Whoever follows an active run asks for its newest events: no need to read what came before.
    if let Some(events) = readout.history.active_events(run)
        && events.first().is_some_and(|(first, _)| *first <= Seq(after.0 + 1))
    {
        let from = events.partition_point(|(seq, _)| *seq <= after);
        let page = events[from..].iter().take(ROWS_MAX).map(view).collect();
        return Ok(EventsPage { events: page, more: events.len() - from > ROWS_MAX, over });
    }
    let events = readout.history.events(readout.store, run).map_err(|it| unreadable(&it))?;
    let events = events.ok_or_else(|| no_such_run(run))?;
    let from = events.partition_point(|(seq, _)| *seq <= after);
    let page = events[from..].iter().take(ROWS_MAX).map(view).collect();
    Ok(EventsPage { events: page, more: events.len() - from > ROWS_MAX, over })
}

/// Where the log of what failed first is.
type FailedLog = Option<(PoolName, AttemptId)>;

fn explain(
    readout: &Readout<'_>,
    run: RunId,
    task: Option<&str>,
) -> Result<(Why, FailedLog), Refusal> {
    let degraded = readout.degraded.map(|reason| Blocker {
        kind: BlockerKind::Degraded,
        text: format!("the daemon cannot write its state, and starts nothing: {reason}"),
        who: Vec::new(),
        since: None,
        until: None,
    });
    if let Some(it) = readout.state.runs.get(&run) {
        let mut why = match task {
            None => why::of_run(readout.state, it, WHY_TASKS_MAX),
            Some(task) => {
                let path = TaskPath::from(task);
                let spot = readout.state.spot(run, &path).ok_or_else(|| no_such_task(it, task))?;
                why::of_task(readout.state, spot)
            }
        };
        let failed = log_of(it, &readout.state.definition(run).workflow, task);
        why.blockers.splice(0..0, degraded);
        return Ok((why, failed));
    }
    with_run(readout, run, |it, workflow| {
        let why = match task {
            None => why::of_ended_run(it, workflow),
            Some(task) => {
                let path = TaskPath::from(task);
                let place = place(workflow, path.task.as_str())?;
                let place = u32::try_from(place).expect("a workflow has few tasks");
                let items = it.tasks[place as usize].items.as_ref();
                let item = match &path.item {
                    None => None,
                    Some(key) => {
                        let found = items.and_then(|it| it.place(key));
                        Some(found.ok_or_else(|| no_such_task(it, task))?)
                    }
                };
                let progress = it.at(place, item).ok_or_else(|| no_such_task(it, task))?;
                let outcome = progress.phase.outcome();
                let outcome = outcome.ok_or_else(|| no_such_task(it, task))?;
                why::ended(it, workflow, &path, progress, outcome)
            }
        };
        Ok((why, log_of(it, workflow, task)))
    })
}

fn no_such_task(run: &Run, task: &str) -> Refusal {
    let message = format!("{} has no task `{task}`", run.label());
    Refusal::new(RefusalCode::NotFound, message).help("`runyard show` lists them")
}

/// The log of what failed first: of the task that was asked for, or of the whole run.
fn log_of(run: &Run, workflow: &Workflow, task: Option<&str>) -> FailedLog {
    let asked = task.map(TaskPath::from);
    let failed = why::failed_paths(run, workflow);
    let (path, progress, _) = failed.into_iter().find(|(path, ..)| {
        asked
            .as_ref()
            .is_none_or(|it| it.task == path.task && (it.item.is_none() || it.item == path.item))
    })?;
    let task = workflow.tasks.iter().find(|it| it.name == path.task)?;
    let attempt = progress.attempts.last()?;
    task.has_process().then(|| (task.pool.clone(), attempt.id))
}

/// An attempt whose log is asked for.
struct LogOf {
    pool: PoolName,
    id: AttemptId,
    number: u32,
    is_over: bool,
}

fn find_log(
    readout: &Readout<'_>,
    run: RunId,
    task: &str,
    attempt: Option<u32>,
) -> Result<LogOf, Refusal> {
    with_run(readout, run, |it, workflow| {
        let path = TaskPath::from(task);
        let place = place(workflow, path.task.as_str())?;
        let definition = &workflow.tasks[place];
        let of_task = &it.tasks[place];
        let progress = match (&path.item, &of_task.items) {
            (None, Some(items)) => {
                let keys = items.list().iter().take(8).map(|it| it.item.key.to_string());
                let keys: Vec<String> = keys.collect();
                let message = format!("`{task}` is mapped: each of its items has a log");
                let help =
                    format!("name one, such as `{task}:{}`", keys.first().map_or("", |it| it));
                return Err(Refusal::new(RefusalCode::Invalid, message).help(help));
            }
            (None, None) => of_task,
            (Some(key), items) => {
                let items = items.as_ref().and_then(|it| Some(&it.list()[it.place(key)? as usize]));
                &items.ok_or_else(|| no_such_task(it, task))?.progress
            }
        };
        if !definition.has_process() {
            let message = format!("`{task}` runs no program, and so has no log");
            return Err(
                Refusal::new(RefusalCode::Invalid, message).help("`runyard why` tells of it")
            );
        }
        let found = match attempt {
            None => progress.attempts.last(),
            Some(number) => progress.attempts.iter().find(|it| it.number == number),
        };
        let found = found.ok_or_else(|| {
            let message = match attempt {
                None => format!("`{task}` has had no attempt yet"),
                Some(number) => format!("`{task}` has had no attempt {number}"),
            };
            Refusal::new(RefusalCode::NotFound, message)
                .help("`runyard why` says what it waits for")
        })?;
        Ok(LogOf {
            pool: definition.pool.clone(),
            id: found.id,
            number: found.number,
            is_over: found.outcome.is_some(),
        })
    })
}

/// The size of what this process has in memory, in bytes.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|it| it.parse::<u64>().ok());
    pages.unwrap_or(0) * u64::try_from(rustix::param::page_size()).unwrap_or(4_096)
}

/// What the state folder takes on disk, without what belongs to runners: that is theirs.
fn disk_bytes(dir: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let mut todo = vec![dir.join("journal"), dir.join("blobs"), dir.join("index")];
    let mut bytes = 0;
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(it) if it.is_dir() => todo.push(entry.path()),
                Ok(it) => bytes += it.blocks() * 512,
                Err(_) => {}
            }
        }
    }
    bytes
}
