//! The connection to the daemon. The only file that talks to it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use shared::audit::{AuditAsk, AuditPage, Verified, VerifyAsk};
use shared::id::{RunId, Seq};
use shared::plan::Plan;
use shared::replay::{ReplayAt, ReplayPage, Replayed};
use shared::request::{Act, Answer, Refusal, Request};
use shared::rpc::{
    DaemonClient, Hello, HelloError, ItemsOf, LogAsk, LogSearch, RunsFilter, channel, greet,
};
use shared::snapshot::{
    ApprovalRow, EventsPage, Graph, HolderRow, LogChunk, LogHits, PoolRow, QueueRow, ResourceRow,
    RunRow, RunView, StatusView, WorkflowRow,
};
use shared::why::Why;
use tarpc::client::{Config, RpcError};
use tarpc::context::{self, Context};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::error::Error;

/// How long to wait for a connection and the greeting.
const GREETING: Duration = Duration::from_secs(5);
/// How long a call may take beyond what it was told to wait.
const SLACK: Duration = Duration::from_secs(5);
/// How long a request may take: it is answered once it is on disk, and disks may be slow.
const REQUEST: Duration = Duration::from_secs(30);
/// How long a daemon that went away is waited for.
const ABSENCE: Duration = Duration::from_secs(30);

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A connection to the daemon.
pub(crate) struct Client {
    runtime: Runtime,
    daemon: DaemonClient,
    socket: PathBuf,
}

impl Client {
    /// Connects and greets.
    pub(crate) fn connect(socket: &Path) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::system("start the connection"))?;
        let daemon = runtime.block_on(dial(socket))?.daemon;
        Ok(Self { runtime, daemon, socket: socket.to_owned() })
    }

    /// Connects again to a daemon that went away, as soon as it is back; for at most 30 seconds.
    pub(crate) fn reconnect(&mut self) -> Result<(), Error> {
        let until = Instant::now() + ABSENCE;
        loop {
            match self.runtime.block_on(dial(&self.socket)) {
                Ok(dialed) => {
                    self.daemon = dialed.daemon;
                    return Ok(());
                }
                Err(error) if !error.is_absence() || Instant::now() >= until => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(250)),
            }
        }
    }

    /// What `ask` answers, asked again after the daemon went away and came back.
    pub(crate) fn patiently<T>(
        &mut self,
        ask: impl Fn(&Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            match ask(self) {
                Err(Error::Lost(_)) => self.reconnect()?,
                other => return other,
            }
        }
    }

    pub(crate) fn status(&self) -> Result<StatusView, Error> {
        self.call(SLACK, async |it, cx| it.status(cx).await)
    }

    pub(crate) fn find(&self, run: &str) -> Result<RunId, Error> {
        self.ask(SLACK, async |it, cx| it.find(cx, run.to_owned()).await)
    }

    pub(crate) fn request(&self, request: Request) -> Result<Answer, Error> {
        self.ask(REQUEST, async |it, cx| it.request(cx, request).await)
    }

    pub(crate) fn act(&self, act: Act) -> Result<Answer, Error> {
        self.ask(REQUEST, async |it, cx| it.act(cx, act).await)
    }

    pub(crate) fn plan(&self, request: Request) -> Result<Plan, Error> {
        self.ask(SLACK, async |it, cx| it.plan(cx, request).await)
    }

    pub(crate) fn reload(&self) -> Result<Vec<WorkflowRow>, Error> {
        self.ask(REQUEST, async |it, cx| it.reload(cx).await)
    }

    pub(crate) fn workflows(&self) -> Result<Vec<WorkflowRow>, Error> {
        self.call(SLACK, async |it, cx| it.workflows(cx).await)
    }

    pub(crate) fn graph(&self, workflow: &str) -> Result<Graph, Error> {
        self.ask(SLACK, async |it, cx| it.graph(cx, workflow.to_owned()).await)
    }

    pub(crate) fn run_graph(&self, run: RunId) -> Result<Graph, Error> {
        self.ask(SLACK, async |it, cx| it.run_graph(cx, run).await)
    }

    pub(crate) fn runs(&self, filter: RunsFilter) -> Result<Vec<RunRow>, Error> {
        self.ask(SLACK, async |it, cx| it.runs(cx, filter).await)
    }

    pub(crate) fn show(&self, run: RunId, items_of: Option<ItemsOf>) -> Result<RunView, Error> {
        self.ask(SLACK, async |it, cx| it.show(cx, run, items_of).await)
    }

    pub(crate) fn events(
        &self,
        run: RunId,
        after: Seq,
        wait: Duration,
    ) -> Result<EventsPage, Error> {
        let wait_ms = millis(wait);
        self.ask(wait + SLACK, async |it, cx| it.events(cx, run, after, wait_ms).await)
    }

    pub(crate) fn why(&self, run: RunId, task: Option<String>) -> Result<Why, Error> {
        self.ask(SLACK, async |it, cx| it.why(cx, run, task).await)
    }

    pub(crate) fn replay(&self, run: RunId, at: ReplayAt) -> Result<Replayed, Error> {
        self.ask(REQUEST, async |it, cx| it.replay(cx, run, at).await)
    }

    pub(crate) fn replay_steps(&self, run: RunId, after: Seq) -> Result<ReplayPage, Error> {
        self.ask(REQUEST, async |it, cx| it.replay_steps(cx, run, after).await)
    }

    pub(crate) fn audit(&self, ask: AuditAsk) -> Result<AuditPage, Error> {
        self.ask(REQUEST, async |it, cx| it.audit(cx, ask).await)
    }

    pub(crate) fn verify(&self, from: Option<VerifyAsk>) -> Result<Verified, Error> {
        self.ask(REQUEST, async |it, cx| it.verify(cx, from).await)
    }

    pub(crate) fn log(&self, ask: LogAsk) -> Result<LogChunk, Error> {
        let wait = Duration::from_millis(u64::from(ask.wait_ms));
        self.ask(wait + SLACK, async |it, cx| it.log(cx, ask).await)
    }

    pub(crate) fn search_log(&self, search: LogSearch) -> Result<LogHits, Error> {
        self.ask(SLACK, async |it, cx| it.search_log(cx, search).await)
    }

    pub(crate) fn approvals(&self) -> Result<Vec<ApprovalRow>, Error> {
        self.call(SLACK, async |it, cx| it.approvals(cx).await)
    }

    pub(crate) fn queue(&self, pool: Option<String>) -> Result<Vec<QueueRow>, Error> {
        self.ask(SLACK, async |it, cx| it.queue(cx, pool).await)
    }

    pub(crate) fn holders(&self, pool: Option<String>) -> Result<Vec<HolderRow>, Error> {
        self.ask(SLACK, async |it, cx| it.holders(cx, pool).await)
    }

    pub(crate) fn resources(&self) -> Result<Vec<ResourceRow>, Error> {
        self.call(SLACK, async |it, cx| it.resources(cx).await)
    }

    pub(crate) fn pools(&self) -> Result<Vec<PoolRow>, Error> {
        self.call(SLACK, async |it, cx| it.pools(cx).await)
    }

    fn ask<T>(
        &self,
        within: Duration,
        ask: impl AsyncFnOnce(&DaemonClient, Context) -> Result<Result<T, Refusal>, RpcError>,
    ) -> Result<T, Error> {
        Ok(self.call(within, ask)??)
    }

    fn call<T>(
        &self,
        within: Duration,
        ask: impl AsyncFnOnce(&DaemonClient, Context) -> Result<T, RpcError>,
    ) -> Result<T, Error> {
        let mut context = context::current();
        context.deadline = Instant::now() + within;
        self.runtime.block_on(ask(&self.daemon, context)).map_err(|error| match error {
            RpcError::DeadlineExceeded => Error::Silent,
            RpcError::Server(error) => Error::Server(error.detail),
            RpcError::Shutdown | RpcError::Send(_) | RpcError::Channel(_) => {
                Error::Lost(self.socket.clone())
            }
        })
    }
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

/// A daemon that was greeted.
#[derive(Debug)]
pub(crate) struct Dialed {
    pub(crate) daemon: DaemonClient,
    pub(crate) version: String,
}

/// Connects and greets. Must be called inside the runtime.
pub(crate) async fn dial(socket: &Path) -> Result<Dialed, Error> {
    let here = || socket.to_owned();
    let connecting = timeout(GREETING, UnixStream::connect(socket)).await;
    let mut stream =
        connecting.map_err(|_| Error::Busy(here()))?.map_err(|source| match source.kind() {
            ErrorKind::NotFound => Error::NoDaemon(here()),
            ErrorKind::ConnectionRefused => Error::LeftOver(here()),
            ErrorKind::PermissionDenied => Error::NoAccess(here()),
            ErrorKind::WouldBlock => Error::Busy(here()),
            _ => Error::Connect { socket: here(), source },
        })?;
    let greeting = timeout(GREETING, greet(&mut stream)).await.map_err(|_| Error::Silent)?;
    match greeting {
        Ok((Hello::Welcome(_), version)) => {
            let daemon = DaemonClient::new(Config::default(), channel(stream)).spawn();
            Ok(Dialed { daemon, version })
        }
        Ok((Hello::OtherVersion, daemon)) => Err(Error::OtherVersion { daemon, own: VERSION }),
        Ok((Hello::NotPermitted, _)) => Err(Error::NotPermitted(here())),
        Err(HelloError::Stranger) => Err(Error::Stranger(here())),
        Err(HelloError::Io(_)) => Err(Error::Lost(here())),
    }
}
