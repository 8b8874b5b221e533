//! Questions, and what an answer is that does not come.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use console::Input;
use console::effect::{LogAsk, LogFrom, LogSearch};
use shared::request::{Refusal, RefusalCode};
use shared::rpc::{self, DaemonClient};
use tarpc::client::RpcError;
use tarpc::context::{self, Context};
use tokio::sync::{Mutex, watch};

use super::{Bulk, Current, Link};
use crate::client::dial;

/// How long an answer may take beyond what the daemon was told to wait.
const QUESTION: Duration = Duration::from_secs(10);
/// How long a request may take: it is answered once it is on disk, and disks may be slow.
const REQUEST: Duration = Duration::from_secs(30);
/// How long the daemon waits for a log to grow, in milliseconds.
pub(super) const FOLLOW_MS: u32 = 5_000;

impl Link {
    /// Asks something that changes nothing.
    pub(super) fn ask<T, F>(
        &self,
        ask: impl FnOnce(DaemonClient, Context) -> F + Send + 'static,
        told: impl FnOnce(Result<T, Refusal>) -> Input + Send + 'static,
    ) where
        T: Send + 'static,
        F: Future<Output = Result<Result<T, Refusal>, RpcError>> + Send,
    {
        self.spawn(QUESTION, ask, |lost| lost, told);
    }

    /// Asks something that changes something. Where no answer comes it may have been done, and is not asked again.
    pub(super) fn request<T, F>(
        &self,
        ask: impl FnOnce(DaemonClient, Context) -> F + Send + 'static,
        told: impl FnOnce(Result<T, Refusal>) -> Input + Send + 'static,
    ) where
        T: Send + 'static,
        F: Future<Output = Result<Result<T, Refusal>, RpcError>> + Send,
    {
        self.spawn(REQUEST, ask, unknown, told);
    }

    fn spawn<T, F>(
        &self,
        within: Duration,
        ask: impl FnOnce(DaemonClient, Context) -> F + Send + 'static,
        no_answer: fn(Refusal) -> Refusal,
        told: impl FnOnce(Result<T, Refusal>) -> Input + Send + 'static,
    ) where
        T: Send + 'static,
        F: Future<Output = Result<Result<T, Refusal>, RpcError>> + Send,
    {
        let current = self.current.clone();
        let answers = self.answers.clone();
        tokio::spawn(async move {
            let known = current.borrow().daemon();
            let answer = match known {
                Err(refusal) => Err(refusal),
                Ok((generation, daemon)) => {
                    let answer = answer(ask(daemon, until(within)), current, generation).await;
                    answer.unwrap_or_else(|lost| Err(no_answer(lost)))
                }
            };
            let _ = answers.send(told(answer));
        });
    }

    /// Asks over the second connection, which is made at the first need. `wait_ms`: how long the daemon was told to wait.
    pub(super) fn ask_bulk<T, F, A, B>(
        &self,
        wait_ms: u32,
        ask: A,
        told: B,
    ) -> impl Future<Output = ()> + Send + use<T, F, A, B>
    where
        T: Send + 'static,
        F: Future<Output = Result<Result<T, Refusal>, RpcError>> + Send,
        A: FnOnce(DaemonClient, Context) -> F + Send + 'static,
        B: FnOnce(Result<T, Refusal>) -> Input + Send + 'static,
    {
        let socket = self.socket.clone();
        let bulk = Arc::clone(&self.bulk);
        let current = self.current.clone();
        let answers = self.answers.clone();
        let within = QUESTION + Duration::from_millis(wait_ms.into());
        async move {
            let answer = match connect(&socket, &bulk, &current).await {
                Err(refusal) => Err(refusal),
                Ok((generation, daemon)) => {
                    let answer = answer(ask(daemon, until(within)), current, generation).await;
                    if answer.is_err() {
                        // Another one is made for the next question.
                        *bulk.lock().await = None;
                    }
                    answer.unwrap_or_else(Err)
                }
            };
            let _ = answers.send(told(answer));
        }
    }
}

/// The second connection of the current daemon.
async fn connect(
    socket: &Path,
    bulk: &Mutex<Option<Bulk>>,
    current: &watch::Receiver<Current>,
) -> Result<(u64, DaemonClient), Refusal> {
    let mut bulk = bulk.lock().await;
    let (generation, _) = current.borrow().daemon()?;
    if let Some(open) = bulk.as_ref().filter(|it| it.generation == generation) {
        return Ok((generation, open.daemon.clone()));
    }
    let dialed = dial(socket).await;
    let daemon = dialed
        .map_err(|error| Refusal {
            code: RefusalCode::Unavailable,
            message: error.message(),
            help: error.help(),
        })?
        .daemon;
    *bulk = Some(Bulk { generation, daemon: daemon.clone() });
    Ok((generation, daemon))
}

/// What comes back, or why nothing does.
async fn answer<T>(
    answer: impl Future<Output = Result<Result<T, Refusal>, RpcError>>,
    mut current: watch::Receiver<Current>,
    generation: u64,
) -> Result<Result<T, Refusal>, Refusal> {
    let unavailable = |message: &str| Refusal::new(RefusalCode::Unavailable, message);
    let result = tokio::select! {
        biased;
        result = answer => result,
        _ = current.wait_for(|it| !it.of_generation(generation)) => Err(RpcError::Shutdown),
    };
    result.map_err(|error| match error {
        RpcError::DeadlineExceeded => unavailable("the daemon has not answered in time"),
        RpcError::Server(error) => Refusal::new(RefusalCode::Internal, error.detail),
        RpcError::Shutdown | RpcError::Send(_) | RpcError::Channel(_) => {
            unavailable("the connection to the daemon broke")
        }
    })
}

fn unknown(lost: Refusal) -> Refusal {
    let message = format!("{}: what was asked may have been done", lost.message);
    Refusal { message, ..lost }.help("look whether it was done before you ask again")
}

fn until(within: Duration) -> Context {
    let mut context = context::current();
    context.deadline = Instant::now() + within;
    context
}

pub(super) fn log(ask: LogAsk, wait_ms: u32) -> rpc::LogAsk {
    let LogAsk { run, task, attempt, from, follow: _ } = ask;
    let from = match from {
        LogFrom::Offset(byte) => rpc::LogFrom::Offset(byte),
        LogFrom::Tail(lines) => rpc::LogFrom::Tail(lines),
    };
    rpc::LogAsk { run, task, attempt, from, wait_ms }
}

pub(super) fn search(search: LogSearch) -> rpc::LogSearch {
    let LogSearch { run, task, attempt, pattern, from, backwards, limit } = search;
    rpc::LogSearch { run, task, attempt, pattern, from, backwards, limit }
}
