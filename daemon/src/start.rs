//! How the daemon starts, and how it ends.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use engine::input::Shelf;
use engine::{Input, State};
use shared::capacity::{Capacity, Guard, PoolSize, format_cpu, format_size};
use shared::id::{PoolName, Seq};
use shared::watch::DaemonView;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::{self, Config, ConfigError, Flags};
use crate::driver::{self, Driver, Ending, Inbox};
use crate::executors::local::{self, Identity, LocalPools};
use crate::rpc::{self, Core, ListenError};
use crate::shells::Shells;
use crate::store::{LockError, StoreError};
use crate::triggers::file::FileWatcher;
use crate::{library, log, measure};

/// Why the daemon does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot open the state folder")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("cannot use the state folder")]
    State(#[source] io::Error),
    #[error("cannot start")]
    Runtime(#[source] io::Error),
    #[error("{0} of the workflows cannot be used")]
    Workflows(usize),
    #[error("the disk does not keep what is written to it")]
    DiskFails,
    #[error("the daemon has met a fault of its own")]
    Fault,
}

impl StartError {
    /// Says it on standard error, with what to do.
    pub(crate) fn tell(&self) {
        let mut text = format!("error: {}\n", driver::with_sources(self));
        let help = match self {
            Self::Config(it) => it.help(),
            Self::Store(it) => it.help(),
            Self::Listen(it) => it.help().to_owned(),
            Self::State(_) => {
                "check that the daemon's user owns it, and that its disk has room".to_owned()
            }
            Self::Runtime(_) => "check the limits on processes and open files".to_owned(),
            Self::Workflows(_) => "mend the files above".to_owned(),
            Self::Fault => "its log says where; it can be started again".to_owned(),
            Self::DiskFails => {
                "look at the disk's own log before starting the daemon again".to_owned()
            }
        };
        text.push_str(&format!("help: {help}\n"));
        io::stderr().write_all(text.as_bytes()).ok();
    }

    /// 2: configuration or files · 75: another daemon, or try later · 74: the disk · 1: anything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Workflows(_) => ExitCode::from(2),
            Self::Store(StoreError::Lock(LockError::Held { .. })) => ExitCode::from(75),
            Self::DiskFails => ExitCode::from(74),
            Self::Store(_) | Self::Listen(_) | Self::State(_) | Self::Runtime(_) | Self::Fault => {
                ExitCode::from(1)
            }
        }
    }
}

/// Runs the daemon until a signal ends it.
pub(crate) fn run(flags: &Flags) -> Result<(), StartError> {
    let config = Config::load(flags)?;
    if flags.check {
        return check(&config);
    }
    for (pool, _) in &config.capacity.pools {
        rpc::check_length(&local::socket_path(&local::pool_dir(&config.state_dir, pool)))?;
    }
    let started = Instant::now();
    // Before the log, which has its files there: whoever may not use the folder leaves nothing in it.
    let opening = driver::open(&config.state_dir)?;
    let _log = log::start(&config.state_dir, &config.log_level, config::is_under_systemd());
    let incarnation = opening.store.format.store.number();
    let epoch = next_epoch(&config.state_dir).map_err(StartError::State)?;
    let listener_runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    let _entered = listener_runtime.enter();
    let listener = rpc::listen(&config.socket)?;

    let (inbox, received) = Inbox::new();
    inbox.input(Input::Resumed { incarnation });
    let capacity = with_pools_in_use(&config.capacity, &opening.state);
    let pools: Vec<PoolName> = capacity.pools.iter().map(|(name, _)| name.clone()).collect();
    measure::start(&capacity, &inbox);
    inbox.input(Input::Configured(Box::new(capacity)));
    inbox.input(Input::LibraryRead(library::read(&config.workflows_dir)));
    let world = Shells {
        pools: LocalPools::start(
            &config.state_dir,
            pools.into_iter(),
            Identity { store: incarnation, epoch },
            config::pool_environment(),
            &inbox,
        ),
        files: FileWatcher::start(inbox.clone()),
    };
    let (publish, published) = watch::channel(Seq(0));
    let dir = config.state_dir.clone();
    let driver = std::thread::Builder::new()
        .name("driver".to_owned())
        .spawn(move || Driver::new(opening, dir, received, world, publish).run())
        .map_err(StartError::Runtime)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        pid = std::process::id(),
        socket = %config.socket.display(),
        state = %config.state_dir.display(),
        started_ms = started.elapsed().as_millis() as u64,
        "ready"
    );

    let core = Arc::new(Core {
        inbox: inbox.clone(),
        published: published.clone(),
        state_dir: config.state_dir.clone(),
        workflows_dir: config.workflows_dir.clone(),
        started,
        view: DaemonView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            since: jiff::Timestamp::now().into(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            ..DaemonView::default()
        },
    });
    listener_runtime.block_on(async {
        tokio::select! {
            () = listener.serve(core) => {}
            () = reload_on_hup(&config, &inbox) => {}
            () = ended(published) => {}
            () = asked_to_end() => {}
        }
    });
    // Nobody is let in from here on; what was accepted is put on disk.
    drop(listener);
    inbox.stop();
    let ending = driver.join().unwrap_or(Ending::Fault);
    tracing::info!("stopped; tasks that run go on with their runner");
    match ending {
        Ending::Stopped => Ok(()),
        Ending::DiskFails => Err(StartError::DiskFails),
        Ending::Fault => Err(StartError::Fault),
    }
}

/// The pools of the configuration, and without slots those that it has no more while attempts of theirs have not ended:
/// somebody must hear of their ends.
fn with_pools_in_use(configured: &Capacity, state: &State) -> Capacity {
    let mut pools: BTreeMap<PoolName, PoolSize> = configured.pools.iter().cloned().collect();
    for run in state.runs.values() {
        let in_use = run.all_spots().filter(|spot| {
            let progress = run.progress(*spot);
            progress.and_then(|it| it.open_attempt()).is_some_and(|it| it.pool.is_some())
        });
        for spot in in_use {
            pools.entry(state.pool_of(spot).clone()).or_default();
        }
    }
    Capacity { pools: pools.into_iter().collect(), ..configured.clone() }
}

/// Checks the files, and says what the configuration comes to.
fn check(config: &Config) -> Result<(), StartError> {
    let shelves = library::read(&config.workflows_dir);
    let mut text = format!(
        "state     {}\nworkflows {}\nsocket    {}\n",
        config.state_dir.display(),
        config.workflows_dir.display(),
        config.socket.display()
    );
    for (pool, size) in &config.capacity.pools {
        let cpu = size.cpu.map(|it| format!(", {} processors", format_cpu(it)));
        let memory = size.memory.map(|it| format!(", {} of memory", format_size(it)));
        let guards = Guard::ALL.into_iter().filter_map(|guard| {
            Some(format!(", {} {}", guard.word(), guard.text(size.limit(guard)?)))
        });
        let more: String = cpu.into_iter().chain(memory).chain(guards).collect();
        text.push_str(&format!("pool      {pool}: {} slots{more}\n", size.slots));
    }
    for (resource, size) in &config.capacity.resources {
        let rate = size.rate.map_or(String::new(), |it| format!(", {}", it.text()));
        text.push_str(&format!("resource  {resource}: {}{rate}\n", size.amount));
    }
    let mut broken = 0;
    for shelf in &shelves {
        match shelf {
            Shelf::Good(it) => text.push_str(&format!("workflow  {}: ok\n", it.name)),
            Shelf::Broken { name, problems } => {
                broken += 1;
                text.push_str(&format!("workflow  {name}: broken\n"));
                problems.iter().for_each(|it| text.push_str(&format!("  {it}\n")));
            }
        }
    }
    io::stdout().write_all(text.as_bytes()).ok();
    if broken > 0 { Err(StartError::Workflows(broken)) } else { Ok(()) }
}

/// A number that rises with each start: a runner that has served a later one refuses an earlier.
fn next_epoch(state_dir: &Path) -> io::Result<u64> {
    let path = state_dir.join("epoch");
    let last = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(|_| {
            let text = format!(
                "`{}` holds no number: write a larger one than ever before",
                path.display()
            );
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?,
        Err(it) if it.kind() == io::ErrorKind::NotFound => 0,
        Err(it) => return Err(it),
    };
    let next: u64 = last + 1;
    let fresh = state_dir.join("epoch.new");
    let mut file = fs::File::create(&fresh)?;
    file.write_all(format!("{next}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, &path)?;
    fs::File::open(state_dir)?.sync_all()?;
    Ok(next)
}

async fn reload_on_hup(config: &Config, inbox: &Inbox) {
    let Ok(mut hup) = signal(SignalKind::hangup()) else { return std::future::pending().await };
    while hup.recv().await.is_some() {
        tracing::info!("reading the workflows again");
        let folder = config.workflows_dir.clone();
        let read = tokio::task::spawn_blocking(move || library::read(&folder)).await;
        if let Ok(shelves) = read {
            inbox.input(Input::LibraryRead(shelves));
        }
    }
}

/// Comes when the driver is gone.
async fn ended(mut published: watch::Receiver<Seq>) {
    while published.changed().await.is_ok() {}
}

async fn asked_to_end() {
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
