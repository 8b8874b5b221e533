//! The service between the two programs. The only file here that knows tarpc.
//!
//! Before the first frame each side says which protocols it speaks ([`Hello`]), so that a difference of versions is a
//! sentence and not a hang-up. Methods are only added; arguments and replies are structs whose new fields have defaults.

use std::io;
use std::marker::PhantomData;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tarpc::serde_transport::{self, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_util::codec::LengthDelimitedCodec;

use crate::audit::{AuditAsk, AuditPage, Verified, VerifyAsk};
use crate::id::{RunId, Seq};
use crate::plan::Plan;
use crate::replay::{ReplayAt, ReplayPage, Replayed};
use crate::request::{Act, Answer, Refusal, Request};
use crate::snapshot::{
    ApprovalRow, EventsPage, Graph, HolderRow, LogChunk, LogHits, PoolRow, QueueRow, ResourceRow,
    RunRow, RunView, StatusView, WorkflowRow,
};
use crate::watch::{News, Watch};
use crate::why::Why;

/// The first bytes on a connection.
pub const MAGIC: [u8; 4] = *b"RYD1";
/// The protocols that this build speaks, from and to.
pub const PROTOCOLS: (u16, u16) = (1, 1);
/// The largest frame in bytes. Lists are paged to stay far below; a run with all its tasks is one answer.
pub const FRAME_BYTES_MAX: usize = 32 << 20;
/// The longest that a call which waits for news may wait, in milliseconds.
pub const WAIT_MS_MAX: u32 = 8_000;

/// What a reader may ask and an actor may request. A run is named by its id here; [`Daemon::find`] gives it.
#[tarpc::service]
pub trait Daemon {
    /// How the daemon is.
    async fn status() -> StatusView;
    /// The run that a person means: an id, a unique prefix of one of at least three characters, `workflow#412`, `412`
    /// where that is unique, or `@latest:WORKFLOW`.
    async fn find(run: String) -> Result<RunId, Refusal>;
    /// Changes something. Answered once the change is on disk.
    async fn request(request: Request) -> Result<Answer, Refusal>;
    /// Reads the workflow files again, and answers when they have been taken in.
    async fn reload() -> Result<Vec<WorkflowRow>, Refusal>;
    /// The workflows by name.
    async fn workflows() -> Vec<WorkflowRow>;
    /// The graph of a workflow's newest version.
    async fn graph(workflow: String) -> Result<Graph, Refusal>;
    /// The graph of a run's version, with the states of its tasks.
    async fn run_graph(run: RunId) -> Result<Graph, Refusal>;
    /// Runs, newest first.
    async fn runs(filter: RunsFilter) -> Result<Vec<RunRow>, Refusal>;
    /// A run with its tasks; with `items_of`, the items of that task instead, a page at a time.
    async fn show(run: RunId, items_of: Option<ItemsOf>) -> Result<RunView, Refusal>;
    /// A run's events after `after`, oldest first; waits up to `wait_ms` where there are none.
    async fn events(run: RunId, after: Seq, wait_ms: u32) -> Result<EventsPage, Refusal>;
    /// Everything in the way of a run or of one of its tasks, or why it ended so.
    async fn why(run: RunId, task: Option<String>) -> Result<Why, Refusal>;
    /// A run as it was at an instant.
    async fn replay(run: RunId, at: ReplayAt) -> Result<Replayed, Refusal>;
    /// A run's events after `after`, oldest first, and how the run was after each.
    async fn replay_steps(run: RunId, after: Seq) -> Result<ReplayPage, Refusal>;
    /// What actors other than the daemon did, oldest first, a part at a time.
    async fn audit(ask: AuditAsk) -> Result<AuditPage, Refusal>;
    /// Verifies a part of the journal; from the first event that is kept, where nothing is verified yet.
    async fn verify(from: Option<VerifyAsk>) -> Result<Verified, Refusal>;
    /// A part of the log of an attempt.
    async fn log(ask: LogAsk) -> Result<LogChunk, Refusal>;
    /// The approvals that wait for a person, oldest first.
    async fn approvals() -> Vec<ApprovalRow>;
    /// The task runs that wait for capacity, in their order; of one pool, or of all.
    async fn queue(pool: Option<String>) -> Result<Vec<QueueRow>, Refusal>;
    /// The resources by name.
    async fn resources() -> Vec<ResourceRow>;
    /// The pools by name.
    async fn pools() -> Vec<PoolRow>;
    /// Changes something, unless what the actor saw of it has changed since. Answered once the change is on disk.
    async fn act(act: Act) -> Result<Answer, Refusal>;
    /// What a request would do. Changes nothing.
    async fn plan(request: Request) -> Result<Plan, Refusal>;
    /// What has changed of what a reader shows; waits up to `wait_ms` where nothing has. A reader that asks again at once
    /// is answered at most ten times a second.
    async fn watch(watch: Watch) -> Result<News, Refusal>;
    /// The task runs that hold capacity, oldest first; of one pool, or of all.
    async fn holders(pool: Option<String>) -> Result<Vec<HolderRow>, Refusal>;
    /// The lines of a log that match.
    async fn search_log(search: LogSearch) -> Result<LogHits, Refusal>;
}

/// Which runs to list.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RunsFilter {
    /// Only those of this workflow.
    pub workflow: Option<String>,
    /// Only those in this state.
    pub state: Option<String>,
    /// Only those made at this instant or later.
    pub since: Option<crate::time::Timestamp>,
    /// At most so many; 1000 are given at most.
    pub limit: u32,
}

/// Which items to show.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ItemsOf {
    /// Of which mapped task.
    pub task: String,
    /// From the how manieth on, from 0.
    pub from: u32,
    /// At most so many; 1000 are given at most.
    pub limit: u32,
}

/// Which lines of which log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LogSearch {
    /// Of which run.
    pub run: RunId,
    /// Of which task run: `task` or `task:item`, `undo@task` of an undo.
    pub task: String,
    /// Of which attempt; the last where absent.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// A regular expression; upper and lower case are the same where it has no upper case.
    pub pattern: String,
    /// From which byte on; backwards, from the line that ends there.
    pub from: u64,
    /// Whether to look towards the beginning.
    #[serde(default)]
    pub backwards: bool,
    /// At most so many lines; 1000 are given at most.
    pub limit: u32,
}

/// Which part of which log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LogAsk {
    /// Of which run.
    pub run: RunId,
    /// Of which task run: `task` or `task:item`.
    pub task: String,
    /// Of which attempt; the last where absent.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// From which byte on, or how far from the end.
    pub from: LogFrom,
    /// How long to wait where there is nothing there yet, in milliseconds.
    #[serde(default)]
    pub wait_ms: u32,
}

/// Where to start in a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFrom {
    /// At this byte.
    Offset(u64),
    /// At the line that is so many lines before the end.
    Tail(u32),
}

/// A connection whose two sides understand each other.
pub type Channel<In, Out> = Transport<UnixStream, In, Out, Named<In, Out>>;

/// Wraps a connection after [`Hello`].
pub fn channel<In: DeserializeOwned, Out: Serialize>(stream: UnixStream) -> Channel<In, Out> {
    let codec = LengthDelimitedCodec::builder().max_frame_length(FRAME_BYTES_MAX).new_codec();
    let framed = tokio_util::codec::Framed::new(stream, codec);
    serde_transport::new(framed, Named(PhantomData))
}

/// Named msgpack: the compact form that survives added and missing fields in both directions.
#[derive(Debug)]
pub struct Named<In, Out>(PhantomData<fn(Out) -> In>);

impl<In, Out: Serialize> tokio_serde::Serializer<Out> for Named<In, Out> {
    type Error = io::Error;
    fn serialize(self: Pin<&mut Self>, item: &Out) -> io::Result<Bytes> {
        rmp_serde::to_vec_named(item).map(Into::into).map_err(io::Error::other)
    }
}

impl<In: DeserializeOwned, Out> tokio_serde::Deserializer<In> for Named<In, Out> {
    type Error = io::Error;
    fn deserialize(self: Pin<&mut Self>, bytes: &BytesMut) -> io::Result<In> {
        rmp_serde::from_slice(bytes).map_err(io::Error::other)
    }
}

/// What the daemon answers to a greeting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hello {
    /// Go on in this protocol.
    Welcome(u16),
    /// There is no protocol that both speak.
    OtherVersion,
    /// This user may not use the daemon.
    NotPermitted,
}

/// Why a greeting went wrong.
#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    /// The connection broke.
    #[error("the connection broke while greeting")]
    Io(#[source] io::Error),
    /// Something else listens there.
    #[error("what listens there is not a Runyard daemon")]
    Stranger,
}

/// The client's side of the greeting: says what it speaks, and reads the answer and the daemon's version.
pub async fn greet(stream: &mut UnixStream) -> Result<(Hello, String), HelloError> {
    let mut hello = MAGIC.to_vec();
    hello.extend(PROTOCOLS.0.to_be_bytes());
    hello.extend(PROTOCOLS.1.to_be_bytes());
    stream.write_all(&hello).await.map_err(HelloError::Io)?;
    let mut head = [0_u8; 8];
    match stream.read_exact(&mut head).await {
        Ok(_) => {}
        Err(it) if it.kind() == io::ErrorKind::UnexpectedEof => return Err(HelloError::Stranger),
        Err(it) => return Err(HelloError::Io(it)),
    }
    if head[..4] != MAGIC {
        return Err(HelloError::Stranger);
    }
    let mut version = vec![0_u8; usize::from(head[7])];
    stream.read_exact(&mut version).await.map_err(HelloError::Io)?;
    let hello = match head[4] {
        0 => Hello::Welcome(u16::from_be_bytes([head[5], head[6]])),
        2 => Hello::NotPermitted,
        _ => Hello::OtherVersion,
    };
    Ok((hello, String::from_utf8_lossy(&version).into_owned()))
}

/// The daemon's side of the greeting. `permitted`: whether the peer may use the daemon at all.
pub async fn answer_greeting(
    stream: &mut UnixStream,
    version: &str,
    permitted: bool,
) -> Result<Hello, HelloError> {
    let mut head = [0_u8; 8];
    stream.read_exact(&mut head).await.map_err(HelloError::Io)?;
    if head[..4] != MAGIC {
        return Err(HelloError::Stranger);
    }
    let (low, high) =
        (u16::from_be_bytes([head[4], head[5]]), u16::from_be_bytes([head[6], head[7]]));
    let best = (low.max(PROTOCOLS.0)..=high.min(PROTOCOLS.1)).next_back();
    let hello = match best {
        _ if !permitted => Hello::NotPermitted,
        Some(protocol) => Hello::Welcome(protocol),
        None => Hello::OtherVersion,
    };
    let status = match hello {
        Hello::Welcome(_) => 0,
        Hello::OtherVersion => 1,
        Hello::NotPermitted => 2,
    };
    let mut answer = MAGIC.to_vec();
    answer.push(status);
    answer.extend(best.unwrap_or(0).to_be_bytes());
    answer.push(u8::try_from(version.len()).unwrap_or(u8::MAX));
    answer.extend(&version.as_bytes()[..version.len().min(usize::from(u8::MAX))]);
    stream.write_all(&answer).await.map_err(HelloError::Io)?;
    Ok(hello)
}
