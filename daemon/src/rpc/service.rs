//! The calls, one function each.

use std::time::Duration;

use engine::state::Run;
use engine::{Input, snapshot};
use shared::audit::{AuditAsk, AuditPage, Verified, VerifyAsk};
use shared::id::{PoolName, RunId, Seq};
use shared::plan::Plan;
use shared::replay::{ReplayAt, ReplayPage, Replayed};
use shared::request::{Act, Answer, Refusal, RefusalCode, Request};
use shared::rpc::{Daemon, ItemsOf, LogAsk, LogFrom, LogSearch, RunsFilter, WAIT_MS_MAX};
use shared::snapshot::{
    ApprovalRow, EventsPage, Graph, HolderRow, LogChunk, LogHits, PoolRow, QueueRow, ResourceRow,
    RunRow, RunView, StatusView, StoreView, WorkflowRow,
};
use shared::state::RUN_WORDS;
use shared::watch::{News, Watch};
use shared::why::Why;
use shared::workflow::Workflow;
use tarpc::context::Context;

use super::Connection;
use super::explain;
use super::log::find_log;
use super::look::{ROWS_MAX, no_such_workflow, place, unreadable};
use crate::driver::Readout;
use crate::files;
use crate::history;

/// How many lines of a log `why` shows.
const WHY_LOG_LINES: u32 = 20;
/// How often a log is looked at that is waited for: it is written by the runner, which tells nobody.
const LOG_EVERY: Duration = Duration::from_millis(50);

impl Daemon for Connection {
    async fn status(self, _: Context) -> StatusView {
        let looked = self.core.inbox.ask(|it| {
            let state = it.degraded.map_or_else(|| "ok".to_owned(), str::to_owned);
            let pause = snapshot::pause_of_all(it.state);
            (state, it.seq, snapshot::run_counts(it.state), snapshot::pools(it.state), pause)
        });
        let stopping = || {
            let runs = shared::snapshot::RunsView { active: 0, queued: 0 };
            let state = "cannot be read; the daemon's log says more".to_owned();
            (state, Seq(0), runs, Vec::new(), None)
        };
        let (state, seq, runs, pools, pause) = looked.await.unwrap_or_else(|_| stopping());
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
            pause,
        }
    }

    async fn find(self, _: Context, run: String) -> Result<RunId, Refusal> {
        self.core.inbox.ask(move |it| history::find(it, &run)).await?
    }

    async fn request(self, _: Context, request: Request) -> Result<Answer, Refusal> {
        self.core.inbox.request(self.actor, Act::from(request)).await
    }

    async fn reload(self, _: Context) -> Result<Vec<WorkflowRow>, Refusal> {
        let folder = self.core.workflows_dir.clone();
        let shelves = tokio::task::spawn_blocking(move || crate::library::read(&folder)).await;
        let shelves = shelves
            .map_err(|_| Refusal::new(RefusalCode::Internal, "the workflows cannot be read"))?;
        self.core.inbox.input(Input::LibraryRead(shelves));
        // Behind the input in the same inbox: whoever asks after it sees what it has done.
        let look = |it: &Readout<'_>| match it.degraded {
            None => Ok(snapshot::workflows(it.state)),
            Some(reason) => {
                let message = format!("the daemon cannot write its state: {reason}");
                let refusal = Refusal::new(RefusalCode::Unavailable, message);
                Err(refusal.help("the workflows are taken in once it can"))
            }
        };
        self.core.inbox.ask(look).await?
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
                None => Err(no_such_workflow(it, &workflow)),
            }
        };
        self.core.inbox.ask(look).await?
    }

    async fn run_graph(self, _: Context, run: RunId) -> Result<Graph, Refusal> {
        self.look_at(run, |run, workflow, _| Ok(snapshot::graph(workflow, Some(run)))).await
    }

    async fn runs(self, _: Context, filter: RunsFilter) -> Result<Vec<RunRow>, Refusal> {
        if let Some(state) = filter.state.as_deref().filter(|it| !RUN_WORDS.contains(it)) {
            let refusal = Refusal::new(RefusalCode::Invalid, format!("no run is ever `{state}`"));
            return Err(refusal.help(format!("the states are {}", RUN_WORDS.join(", "))));
        }
        let look = move |it: &Readout<'_>| {
            let rows = history::list(it, &filter).map_err(|it| unreadable(&it))?;
            let known = |name: &String| it.state.library.contains_key(&name.as_str().into());
            match filter.workflow.as_ref().filter(|name| rows.is_empty() && !known(name)) {
                Some(name) => Err(no_such_workflow(it, name)),
                None => Ok(rows),
            }
        };
        self.core.inbox.ask(look).await?
    }

    async fn show(
        self,
        _: Context,
        run: RunId,
        items_of: Option<ItemsOf>,
    ) -> Result<RunView, Refusal> {
        let look = move |run: &Run, workflow: &Workflow, seq| match &items_of {
            None => Ok(snapshot::run_view(run, workflow, None, seq)),
            Some(ask) => {
                let task = place(workflow, &ask.task)?;
                let (from, limit) = (ask.from as usize, ask.limit as usize);
                let limit = limit.min(ROWS_MAX);
                Ok(snapshot::items_view(run, workflow, seq, task, from, limit))
            }
        };
        self.look_at(run, look).await
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
            let page = self.events_after(run, after).await?;
            let waits = page.events.is_empty() && !page.over;
            if !waits || tokio::time::timeout_at(until, self.published.changed()).await.is_err() {
                return Ok(page);
            }
        }
    }

    async fn why(self, _: Context, run: RunId, task: Option<String>) -> Result<Why, Refusal> {
        let state_dir = self.core.state_dir.clone();
        let asked = task.clone();
        let look = move |it: &Readout<'_>| explain::active(it, run, asked.as_deref());
        let (mut why, failed) = match self.core.inbox.ask(look).await?? {
            Some(found) => found,
            None => {
                let look = move |run: &Run, workflow: &Workflow, _| {
                    explain::ended(run, workflow, task.as_deref())
                };
                self.look_at(run, look).await?
            }
        };
        if let Some((pool, attempt)) = failed {
            let path = files::log_path(&state_dir, &pool, attempt);
            let lines = move || files::last_lines(&path, WHY_LOG_LINES);
            why.log_tail = tokio::task::spawn_blocking(lines).await.unwrap_or_default();
        }
        Ok(why)
    }

    async fn replay(self, _: Context, run: RunId, at: ReplayAt) -> Result<Replayed, Refusal> {
        self.replayed(run, at).await
    }

    async fn replay_steps(self, _: Context, run: RunId, after: Seq) -> Result<ReplayPage, Refusal> {
        self.replayed_steps(run, after).await
    }

    async fn audit(self, _: Context, ask: AuditAsk) -> Result<AuditPage, Refusal> {
        self.audit_part(ask).await
    }

    async fn verify(self, _: Context, from: Option<VerifyAsk>) -> Result<Verified, Refusal> {
        self.verified(from).await
    }

    async fn log(self, _: Context, ask: LogAsk) -> Result<LogChunk, Refusal> {
        let wait = Duration::from_millis(ask.wait_ms.min(WAIT_MS_MAX).into());
        let until = tokio::time::Instant::now() + wait;
        loop {
            let (run, task, attempt) = (ask.run, ask.task.clone(), ask.attempt);
            let look =
                move |run: &Run, workflow: &Workflow, _| find_log(run, workflow, &task, attempt);
            let log = self.look_at(run, look).await?;
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
            let pool = known_pool(it, pool.as_deref())?;
            Ok(snapshot::queue(it.state, pool.as_ref(), ROWS_MAX))
        };
        self.core.inbox.ask(look).await?
    }

    async fn resources(self, _: Context) -> Vec<ResourceRow> {
        self.core.inbox.ask(|it| snapshot::resources(it.state)).await.unwrap_or_default()
    }

    async fn pools(self, _: Context) -> Vec<PoolRow> {
        self.core.inbox.ask(|it| snapshot::pools(it.state)).await.unwrap_or_default()
    }

    async fn act(self, _: Context, act: Act) -> Result<Answer, Refusal> {
        self.core.inbox.request(self.actor, act).await
    }

    async fn plan(self, _: Context, request: Request) -> Result<Plan, Refusal> {
        self.core.inbox.plan(self.actor, request).await
    }

    async fn watch(self, _: Context, watch: Watch) -> Result<News, Refusal> {
        self.follow(watch).await
    }

    async fn holders(self, _: Context, pool: Option<String>) -> Result<Vec<HolderRow>, Refusal> {
        let look = move |it: &Readout<'_>| {
            let pool = known_pool(it, pool.as_deref())?;
            Ok(snapshot::holders(it.state, pool.as_ref(), ROWS_MAX))
        };
        self.core.inbox.ask(look).await?
    }

    async fn search_log(self, _: Context, search: LogSearch) -> Result<LogHits, Refusal> {
        self.search(search).await
    }
}

fn known_pool(readout: &Readout<'_>, name: Option<&str>) -> Result<Option<PoolName>, Refusal> {
    let pool: Option<PoolName> = name.map(Into::into);
    match pool {
        Some(name) if !readout.state.pools.contains_key(&name) => {
            let message = format!("there is no pool `{name}`");
            let refusal = Refusal::new(RefusalCode::NotFound, message);
            Err(refusal.help("`runyard pools` lists them"))
        }
        pool => Ok(pool),
    }
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
