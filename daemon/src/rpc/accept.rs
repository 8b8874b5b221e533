//! Listens, asks the kernel who is there, greets, and serves.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use shared::request::Actor;
use shared::rpc::{Daemon, Hello, answer_greeting, channel};
use tarpc::server::{BaseChannel, Channel, Config, Serve};
use tarpc::{ServerError, context};
use tokio::net::{UnixListener, UnixStream};

use super::{Connection, Core};

/// How many calls of one connection are served at once.
const CALLS_MAX: usize = 64;
/// How long a client may take to say what it speaks.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest path that a socket can have, with what stands behind it while it is made.
const SOCKET_PATH_BYTES_MAX: usize = 107 - ".new".len();

/// The socket, and who may use it.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: UnixListener,
    path: PathBuf,
}

/// Why the daemon cannot listen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    #[error("the path of the socket `{0}` is longer than {SOCKET_PATH_BYTES_MAX} bytes")]
    TooLong(PathBuf),
    #[error("cannot listen at `{path}`")]
    Io { path: PathBuf, source: io::Error },
}

impl ListenError {
    /// What the operator can do about it, as one sentence.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "choose a shorter path with --socket or --state-dir",
            Self::Io { .. } => {
                "check that its folder exists and that the daemon's user may write there"
            }
        }
    }
}

/// Listens at a path. The single-instance guard is the state's lock: a socket that is left there is replaced.
pub(crate) fn listen(path: &Path) -> Result<Listener, ListenError> {
    check_length(path)?;
    let io = |source| ListenError::Io { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
    }
    // Made beside and moved into place: at no moment is it there with the wrong mode.
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    fs::remove_file(&fresh).ok();
    let socket = UnixListener::bind(&fresh).map_err(io)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).map_err(io)?;
    fs::rename(&fresh, path).map_err(io)?;
    Ok(Listener { socket, path: path.to_owned() })
}

/// Whether there can be a socket at a path.
pub(crate) fn check_length(path: &Path) -> Result<(), ListenError> {
    match path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        true => Err(ListenError::TooLong(path.to_owned())),
        false => Ok(()),
    }
}

impl Listener {
    /// Serves whoever comes, until this future is dropped.
    pub(crate) async fn serve(&self, core: Arc<Core>) {
        loop {
            match self.socket.accept().await {
                // A task of its own: whatever one client sends, the others are served.
                Ok((stream, _)) => {
                    tokio::spawn(serve_one(stream, core.clone()));
                }
                Err(problem) => {
                    tracing::warn!(%problem, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
    }
}

async fn serve_one(mut stream: UnixStream, core: Arc<Core>) {
    let Ok(peer) = stream.peer_cred() else { return };
    let own = rustix::process::geteuid().as_raw();
    let permitted = peer.uid() == own || peer.uid() == 0;
    let version = env!("CARGO_PKG_VERSION");
    let greeting = answer_greeting(&mut stream, version, permitted);
    match tokio::time::timeout(GREETING_TIMEOUT, greeting).await {
        Ok(Ok(Hello::Welcome(_))) => {}
        Ok(Ok(Hello::NotPermitted)) => {
            tracing::warn!(uid = peer.uid(), "denied: not the user of this daemon");
            return;
        }
        Ok(Ok(Hello::OtherVersion) | Err(_)) | Err(_) => return,
    }
    let actor = Actor { name: user_name(peer.uid()), uid: Some(peer.uid()) };
    let published = core.published.clone();
    let connection = Connection { core, actor, published, paced: Arc::default() };
    BaseChannel::new(Config::default(), channel(stream))
        .max_concurrent_requests(CALLS_MAX)
        .execute(Guarded(connection.serve()))
        .for_each(|call| async {
            tokio::spawn(call);
        })
        .await;
}

/// A handler that panics answers nothing, and its client would wait: this answers for it.
#[derive(Clone)]
struct Guarded<S>(S);

impl<S: Serve> Serve for Guarded<S> {
    type Req = S::Req;
    type Resp = S::Resp;

    async fn serve(self, cx: context::Context, call: S::Req) -> Result<S::Resp, ServerError> {
        let served = AssertUnwindSafe(self.0.serve(cx, call)).catch_unwind().await;
        served.unwrap_or_else(|_| {
            let text = "a fault of the daemon; its log says more".to_owned();
            Err(ServerError::new(io::ErrorKind::Other, text))
        })
    }
}

/// `user:NAME`, or `user:1000` for one without a name.
fn user_name(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then_some(name)
    });
    name.map_or_else(|| format!("user:{uid}"), |name| format!("user:{name}"))
}
