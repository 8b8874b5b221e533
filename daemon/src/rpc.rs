//! The operators' socket: who is there, and what they are shown. No state of its own.

mod accept;
mod audit;
mod explain;
mod follow;
mod log;
mod look;
mod replay;
mod search;
mod service;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use shared::id::Seq;
use shared::watch::DaemonView;
use tokio::sync::watch;

use crate::driver::Inbox;

pub(crate) use accept::{ListenError, check_length, listen};

/// What every connection needs.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) inbox: Inbox,
    /// The newest event on disk.
    pub(crate) published: watch::Receiver<Seq>,
    pub(crate) state_dir: PathBuf,
    pub(crate) workflows_dir: PathBuf,
    pub(crate) started: Instant,
    /// What never changes of how the daemon is.
    pub(crate) view: DaemonView,
}

/// One connection's view of it.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    core: Arc<Core>,
    actor: shared::request::Actor,
    /// The newest event on disk, as this call has seen it.
    published: watch::Receiver<Seq>,
    /// When its reader was last told what has changed.
    paced: Arc<Mutex<Option<tokio::time::Instant>>>,
}
