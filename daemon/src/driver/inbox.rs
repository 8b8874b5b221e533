//! What the driver is sent, and by whom.

use std::sync::mpsc::Sender;

use engine::Input;
use shared::id::PoolName;
use shared::plan::Plan;
use shared::request::{Act, Actor, Answer, Refusal, RefusalCode, Request};
use tokio::sync::oneshot;

use super::Readout;

/// A look at what is true, between two turns.
pub(crate) type Ask = Box<dyn FnOnce(&Readout<'_>) + Send>;

/// Lets effects go to a connection.
pub(crate) type Install = Box<dyn FnOnce() + Send>;

/// Something for the driver to do.
pub(crate) enum Message {
    /// Something happened.
    Input(Input),
    /// A pool can be reached. Effects go there once the engine has been told what its runner knows, and not before.
    Connected { pool: PoolName, input: Input, install: Install },
    /// An actor asks for something.
    Request { actor: Actor, act: Act, reply: oneshot::Sender<Result<Answer, Refusal>> },
    /// An actor asks what something would do.
    Plan { actor: Actor, request: Request, reply: oneshot::Sender<Result<Plan, Refusal>> },
    /// A reader asks.
    Ask(Ask),
    /// Everything before this is to be put on disk; then the driver ends.
    Stop,
}

/// Where messages are put. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Inbox(pub(super) Sender<Message>);

impl Inbox {
    /// An inbox and its other end.
    pub(crate) fn new() -> (Self, std::sync::mpsc::Receiver<Message>) {
        let (sender, receiver) = std::sync::mpsc::channel();
        (Self(sender), receiver)
    }

    /// Puts in something that happened. After the driver has ended nobody cares.
    pub(crate) fn input(&self, input: Input) {
        self.0.send(Message::Input(input)).ok();
    }

    /// Puts in that a pool can be reached.
    pub(crate) fn connected(&self, pool: PoolName, input: Input, install: Install) {
        self.0.send(Message::Connected { pool, input, install }).ok();
    }

    /// Has the driver put everything on disk, and end.
    pub(crate) fn stop(&self) {
        self.0.send(Message::Stop).ok();
    }

    /// Asks for something, and waits until it is on disk or refused. Once sent it happens, whether or not this is waited for.
    pub(crate) async fn request(&self, actor: Actor, act: Act) -> Result<Answer, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Message::Request { actor, act, reply }).ok();
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Asks what something would do.
    pub(crate) async fn plan(&self, actor: Actor, request: Request) -> Result<Plan, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Message::Plan { actor, request, reply }).ok();
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Looks at what is true.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Readout<'_>) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        let ask: Ask = Box::new(move |readout| {
            reply.send(look(readout)).ok();
        });
        self.0.send(Message::Ask(ask)).ok();
        answer.await.map_err(|_| {
            let message = "the daemon cannot read its state, or is stopping";
            Refusal::new(RefusalCode::Unavailable, message).help("its log says more")
        })
    }
}

fn stopping() -> Refusal {
    Refusal::new(RefusalCode::Unavailable, "the daemon is stopping").help("ask again once it runs")
}
