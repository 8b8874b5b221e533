//! A daemon that answers what it was told to, over a real socket.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::Duration;

use futures::StreamExt;
use shared::audit::{AuditAsk, AuditPage, Verified, VerifyAsk};
use shared::id::{RunId, Seq};
use shared::plan::Plan;
use shared::replay::{ReplayAt, ReplayPage, Replayed};
use shared::request::{Act, Answer, Refusal, RefusalCode, Request};
use shared::rpc::{
    Daemon, Hello, ItemsOf, LogAsk, LogFrom, LogSearch, RunsFilter, answer_greeting, channel,
};
use shared::snapshot::{
    ApprovalRow, EventsPage, Graph, HolderRow, LogChunk, LogHits, LogLine, PoolRow, QueueRow,
    ResourceRow, RunRow, RunView, StatusView, WorkflowRow,
};
use shared::watch::{News, Watch};
use shared::why::Why;
use tarpc::context::Context;
use tarpc::server::{BaseChannel, Channel};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::sync::Notify;

use super::fixture;

/// What it answers, and what it was asked.
#[derive(Default, Debug)]
pub(crate) struct Script {
    pub(crate) view: Option<RunView>,
    /// The answers to `events`, one after the other; at `None` the connection breaks.
    pub(crate) events: VecDeque<Option<EventsPage>>,
    pub(crate) log: Vec<u8>,
    pub(crate) requests: Vec<Request>,
    /// The plans that came with requests.
    pub(crate) digests: Vec<Option<String>>,
    /// What was planned only.
    pub(crate) planned: Vec<Request>,
}

#[derive(Clone)]
struct Fake {
    script: Arc<Mutex<Script>>,
    hang_up: Arc<Notify>,
}

/// A running fake.
pub(crate) struct Running {
    folder: TempDir,
    script: Arc<Mutex<Script>>,
}

impl Running {
    pub(crate) fn start(script: Script) -> Self {
        let folder = tempfile::tempdir().expect("a fresh folder");
        let script = Arc::new(Mutex::new(script));
        let socket = folder.path().join("sock");
        let (ready, is_ready) = mpsc::channel();
        let shared = Arc::clone(&script);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = UnixListener::bind(socket).expect("a free path");
                ready.send(()).expect("the test waits");
                serve(&listener, &shared).await;
            });
        });
        is_ready.recv().expect("it listens");
        Self { folder, script }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("sock")
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.script).requests.clone()
    }

    pub(crate) fn digests(&self) -> Vec<Option<String>> {
        lock(&self.script).digests.clone()
    }

    pub(crate) fn planned(&self) -> Vec<Request> {
        lock(&self.script).planned.clone()
    }
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().expect("nobody panics with the script in hand")
}

async fn serve(listener: &UnixListener, script: &Arc<Mutex<Script>>) {
    loop {
        let (mut stream, _) = listener.accept().await.expect("it can be accepted");
        let hello = answer_greeting(&mut stream, "0.1.0", true).await;
        if !matches!(hello, Ok(Hello::Welcome(_))) {
            continue;
        }
        let hang_up = Arc::new(Notify::new());
        let fake = Fake { script: Arc::clone(script), hang_up: Arc::clone(&hang_up) };
        tokio::spawn(async move {
            let answers = BaseChannel::with_defaults(channel(stream))
                .execute(fake.serve())
                .for_each_concurrent(None, |it| it);
            tokio::select! {
                () = answers => {}
                () = hang_up.notified() => {}
            }
        });
    }
}

fn not_found() -> Refusal {
    Refusal::new(RefusalCode::NotFound, "there is no such thing").help("look again")
}

impl Daemon for Fake {
    async fn status(self, _: Context) -> StatusView {
        fixture::status()
    }
    async fn resources(self, _: Context) -> Vec<ResourceRow> {
        Vec::new()
    }
    async fn find(self, _: Context, run: String) -> Result<RunId, Refusal> {
        if run.starts_with("no") { Err(not_found()) } else { Ok(fixture::run_id()) }
    }
    async fn request(self, _: Context, request: Request) -> Result<Answer, Refusal> {
        let answer = match &request {
            Request::Run { .. } => Answer::RunCreated { run: fixture::run_id(), number: 412 },
            Request::Retry { .. } => Answer::Retried { tasks: vec!["returns".to_owned()] },
            Request::Cancel { .. } => {
                return Err(Refusal::new(RefusalCode::Conflict, "the run is over"));
            }
            Request::Rollback { .. } => Answer::RollingBack {
                tasks: vec!["publish".to_owned(), "load:East".to_owned()],
                not_undone: vec!["returns".to_owned()],
            },
            Request::Skip { .. } => {
                return Err(Refusal::new(RefusalCode::Conflict, "load has started already")
                    .help("cancel it first"));
            }
            Request::RetryWith { .. } => Answer::Retried { tasks: vec!["load".to_owned()] },
            Request::Edit { .. }
            | Request::ReleaseRun { .. }
            | Request::MapWidth { .. }
            | Request::Decide { .. }
            | Request::Pause { .. }
            | Request::Resume { .. }
            | Request::Drain { .. }
            | Request::ResizePool { .. }
            | Request::ResizeResource { .. }
            | Request::SetDeadline { .. }
            | Request::Hold { .. }
            | Request::Release { .. }
            | Request::Mark { .. }
            | Request::Requeue { .. }
            | Request::Prioritize { .. } => Answer::Done,
        };
        let mut script = lock(&self.script);
        script.requests.push(request);
        script.digests.push(None);
        Ok(answer)
    }
    async fn act(self, cx: Context, act: Act) -> Result<Answer, Refusal> {
        let answer = self.clone().request(cx, act.request).await?;
        if let Some(digest) = lock(&self.script).digests.last_mut() {
            *digest = act.plan;
        }
        Ok(answer)
    }
    async fn plan(self, _: Context, request: Request) -> Result<Plan, Refusal> {
        if let Request::Requeue { .. } = &request {
            return Err(Refusal::new(RefusalCode::Conflict, "load has no attempt"));
        }
        lock(&self.script).planned.push(request);
        Ok(fixture::plan())
    }
    async fn watch(self, _: Context, _: Watch) -> Result<News, Refusal> {
        Ok(News::default())
    }
    async fn holders(self, _: Context, pool: Option<String>) -> Result<Vec<HolderRow>, Refusal> {
        match pool.as_deref() {
            Some(pool) if pool != "local" => Err(not_found()),
            _ => Ok(vec![fixture::holder("returns")]),
        }
    }
    /// Gives a line at a time, and finds what holds the pattern.
    async fn search_log(self, _: Context, search: LogSearch) -> Result<LogHits, Refusal> {
        let log = lock(&self.script).log.clone();
        let from = usize::try_from(search.from).unwrap_or(usize::MAX).min(log.len());
        let length = log[from..].iter().position(|it| *it == b'\n').unwrap_or(log.len() - from);
        let bytes = log[from..from + length].to_vec();
        let to = from + length + 1;
        let hit = String::from_utf8_lossy(&bytes).contains(&search.pattern);
        let line = LogLine { offset: search.from, bytes };
        Ok(LogHits {
            lines: if hit { vec![line] } else { Vec::new() },
            attempt: search.attempt.unwrap_or(2),
            scanned: length as u64,
            next: (to < log.len()).then_some(to as u64),
        })
    }
    async fn reload(self, _: Context) -> Result<Vec<WorkflowRow>, Refusal> {
        Ok(Vec::new())
    }
    async fn workflows(self, _: Context) -> Vec<WorkflowRow> {
        vec![fixture::workflow("load", "ok")]
    }
    async fn graph(self, _: Context, _: String) -> Result<Graph, Refusal> {
        Err(not_found())
    }
    async fn run_graph(self, _: Context, _: RunId) -> Result<Graph, Refusal> {
        Ok(Graph { nodes: Vec::new(), edges: Vec::new() })
    }
    async fn runs(self, _: Context, _: RunsFilter) -> Result<Vec<RunRow>, Refusal> {
        Ok(vec![fixture::run_row(412, "running")])
    }
    async fn show(self, _: Context, _: RunId, _: Option<ItemsOf>) -> Result<RunView, Refusal> {
        lock(&self.script).view.clone().ok_or_else(not_found)
    }
    async fn events(
        self,
        _: Context,
        _: RunId,
        _: Seq,
        wait_ms: u32,
    ) -> Result<EventsPage, Refusal> {
        let next = lock(&self.script).events.pop_front();
        match next {
            Some(Some(page)) => {
                if page.events.is_empty() && !page.over {
                    tokio::time::sleep(Duration::from_millis(wait_ms.into())).await;
                }
                Ok(page)
            }
            Some(None) => {
                self.hang_up.notify_one();
                std::future::pending().await
            }
            None => Ok(EventsPage { events: Vec::new(), more: false, over: true }),
        }
    }
    async fn why(self, _: Context, _: RunId, task: Option<String>) -> Result<Why, Refusal> {
        Ok(fixture::why(task.as_deref(), "running", Vec::new()))
    }
    async fn replay(self, _: Context, _: RunId, _: ReplayAt) -> Result<Replayed, Refusal> {
        let run = lock(&self.script).view.clone().ok_or_else(not_found)?;
        let why = fixture::why(None, "running", Vec::new());
        Ok(Replayed { at: run.created, run, why, note: None })
    }
    async fn replay_steps(self, _: Context, _: RunId, _: Seq) -> Result<ReplayPage, Refusal> {
        Ok(ReplayPage { steps: Vec::new(), more: false })
    }
    async fn audit(self, _: Context, _: AuditAsk) -> Result<AuditPage, Refusal> {
        Ok(AuditPage { rows: Vec::new(), next: None })
    }
    async fn verify(self, _: Context, _: Option<VerifyAsk>) -> Result<Verified, Refusal> {
        Err(not_found())
    }
    async fn log(self, _: Context, ask: LogAsk) -> Result<LogChunk, Refusal> {
        let log = lock(&self.script).log.clone();
        let LogFrom::Offset(from) = ask.from else { return Err(not_found()) };
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(log.len());
        // In small pieces, as a log that grows.
        let to = log.len().min(from + 3);
        let end = to == log.len();
        Ok(LogChunk { bytes: log[from..to].to_vec(), offset: from as u64, attempt: 1, end })
    }
    async fn approvals(self, _: Context) -> Vec<ApprovalRow> {
        vec![fixture::approval("retail-daily-sales#412", "publish_ok", "Publish?")]
    }
    async fn queue(self, _: Context, _: Option<String>) -> Result<Vec<QueueRow>, Refusal> {
        Ok(vec![fixture::queue_row(1, "store_metrics")])
    }
    async fn pools(self, _: Context) -> Vec<PoolRow> {
        vec![fixture::pool("local", "up")]
    }
}
