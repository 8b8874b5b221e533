//! `runyard.toml`, flags and defaults. Nobody else reads configuration or environment.

mod capacity;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use shared::capacity::Capacity;

/// What the daemon is told on its command line.
#[derive(Clone, Default, Debug, clap::Parser)]
#[command(
    name = "runyardd",
    version,
    about = "The Runyard daemon: scheduler, pools and state store"
)]
pub(crate) struct Flags {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the daemon keeps its state
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Where the workflow files are
    #[arg(long, value_name = "DIR")]
    pub(crate) workflows: Option<PathBuf>,
    /// Where the daemon listens
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
    /// Serve the whole system: state in /var/lib/runyard, workflows in /etc/runyard/workflows
    #[arg(long)]
    pub(crate) system: bool,
    /// Check the configuration and the workflows, and end
    #[arg(long)]
    pub(crate) check: bool,
}

/// Everything that the daemon must know before it starts.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Config {
    pub(crate) state_dir: PathBuf,
    pub(crate) workflows_dir: PathBuf,
    pub(crate) socket: PathBuf,
    pub(crate) log_level: String,
    /// Pools, resources, and how the queue shares them out.
    pub(crate) capacity: Capacity,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("the configuration `{path}` is wrong: {problem}")]
    Wrong { path: PathBuf, problem: String },
    #[error("there is no home folder to keep state in: HOME is not set")]
    NoHome,
}

impl ConfigError {
    /// What the operator can do about it, as one sentence.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Read { .. } => "check the path, and that the daemon's user may read it".to_owned(),
            Self::Wrong { .. } => {
                "this version knows [daemon] with state_dir, workflows_dir, socket and log_level; [pools.NAME] with slots, cpu, memory, max_load, min_memory_free and max_pressure; [resources] with amounts or { slots, rate }; [queue] with max_wait, reserve_after and preempt_after".to_owned()
            }
            Self::NoHome => "set HOME, or give --state-dir, --workflows and --socket".to_owned(),
        }
    }
}

/// The file as people write it.
#[derive(Default, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Authored {
    daemon: AuthoredDaemon,
    pools: BTreeMap<String, capacity::Pool>,
    resources: BTreeMap<String, capacity::Resource>,
    queue: capacity::Queue,
}

#[derive(Default, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AuthoredDaemon {
    state_dir: Option<PathBuf>,
    workflows_dir: Option<PathBuf>,
    socket: Option<PathBuf>,
    log_level: Option<String>,
}

/// The folders of an installation.
struct Places {
    config: PathBuf,
    state: PathBuf,
    workflows: PathBuf,
    socket: PathBuf,
}

impl Config {
    /// Reads the file, if there is one, and puts the flags over it and the defaults under it.
    pub(crate) fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let places = places(flags);
        let path = flags.config.clone().or_else(|| places.as_ref().map(|it| it.config.clone()));
        let authored = match &path {
            Some(path) => read(path, flags.config.is_some())?,
            None => Authored::default(),
        };
        let given = (&flags.state_dir, &flags.workflows, &flags.socket);
        let daemon = authored.daemon;
        let state_dir = pick(given.0, daemon.state_dir, places.as_ref().map(|it| &it.state))?;
        let workflows_dir =
            pick(given.1, daemon.workflows_dir, places.as_ref().map(|it| &it.workflows))?;
        // A state folder of one's own has a socket of its own.
        let own_socket = flags.state_dir.as_ref().map(|it| it.join("runyardd.sock"));
        let socket = own_socket.as_ref().or(places.as_ref().map(|it| &it.socket));
        let socket = pick(given.2, daemon.socket, socket)?;
        let capacity = capacity::read(authored.pools, authored.resources, authored.queue);
        let capacity = capacity.map_err(|problem| ConfigError::Wrong {
            path: path.clone().unwrap_or_default(),
            problem,
        })?;
        Ok(Self {
            state_dir: absolute(state_dir),
            workflows_dir: absolute(workflows_dir),
            socket: absolute(socket),
            log_level: daemon.log_level.unwrap_or_else(|| "info".to_owned()),
            capacity,
        })
    }
}

fn read(path: &Path, is_asked_for: bool) -> Result<Authored, ConfigError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(it) if it.kind() == io::ErrorKind::NotFound && !is_asked_for => {
            return Ok(Authored::default());
        }
        Err(source) => return Err(ConfigError::Read { path: path.to_owned(), source }),
    };
    toml::from_str(&text).map_err(|it| ConfigError::Wrong {
        path: path.to_owned(),
        problem: it.to_string().trim_end().to_owned(),
    })
}

fn pick(
    flag: &Option<PathBuf>,
    file: Option<PathBuf>,
    default: Option<&PathBuf>,
) -> Result<PathBuf, ConfigError> {
    flag.clone().or(file).or_else(|| default.cloned()).ok_or(ConfigError::NoHome)
}

/// Where things are, where nobody says. A plain user has them at home, a system service in the system's folders.
fn places(flags: &Flags) -> Option<Places> {
    if let Some(state) = env::var_os("STATE_DIRECTORY").map(PathBuf::from) {
        return Some(system_places(state));
    }
    if flags.system {
        return Some(system_places("/var/lib/runyard".into()));
    }
    let folder = |variable: &str, below_home: &str| {
        let given = env::var_os(variable).filter(|it| !it.is_empty()).map(PathBuf::from);
        given.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(below_home)))
    };
    let state = folder("XDG_STATE_HOME", ".local/state")?.join("runyard");
    let config = folder("XDG_CONFIG_HOME", ".config")?.join("runyard");
    let runtime = env::var_os("XDG_RUNTIME_DIR").filter(|it| !it.is_empty()).map(PathBuf::from);
    let socket = match runtime {
        Some(runtime) => runtime.join("runyard/runyardd.sock"),
        None => state.join("runyardd.sock"),
    };
    let workflows = config.join("workflows");
    Some(Places { config: config.join("runyard.toml"), state, workflows, socket })
}

fn system_places(state: PathBuf) -> Places {
    Places {
        config: "/etc/runyard/runyard.toml".into(),
        state,
        workflows: "/etc/runyard/workflows".into(),
        socket: "/run/runyard/runyardd.sock".into(),
    }
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// The environment of every task of the local pools, before what the workflow adds. Not the daemon's own.
pub(crate) fn pool_environment() -> Vec<(String, String)> {
    let own = |name: &str| env::var(name).ok().map(|value| (name.to_owned(), value));
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let mut environment = vec![("PATH".to_owned(), path.to_owned())];
    environment.extend(own("HOME"));
    environment.extend(own("USER"));
    environment.push(("LANG".to_owned(), "C.UTF-8".to_owned()));
    environment.extend(own("TZ"));
    environment
}

/// Whether systemd keeps what the daemon prints.
pub(crate) fn is_under_systemd() -> bool {
    env::var_os("JOURNAL_STREAM").is_some()
}

/// A program of ours: beside this one, else on the `PATH`.
pub(crate) fn find_program(name: &str) -> PathBuf {
    let beside = env::current_exe().ok().and_then(|it| Some(it.parent()?.join(name)));
    beside.filter(|it| it.is_file()).unwrap_or_else(|| PathBuf::from(name))
}

#[cfg(test)]
mod tests {
    use shared::capacity::{PoolSize, ResourceSize};

    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("runyard.toml");
        fs::write(&path, text).expect("the folder is writable");
        let state_dir = Some(folder.path().join("state"));
        let workflows = Some(folder.path().join("workflows"));
        let flags = Flags { config: Some(path), state_dir, workflows, ..Flags::default() };
        Config::load(&flags).map_err(|it| it.to_string())
    }

    #[test]
    fn pools_and_resources_are_read_and_the_local_pool_is_always_there() {
        let config = load("[pools.heavy]\nslots = 2\n[resources]\nwarehouse_db = 3\n");
        let config = config.expect("it is right");
        let capacity = config.capacity;
        assert_eq!(capacity.pools.len(), 2);
        assert_eq!(capacity.pools[0], ("heavy".into(), PoolSize::slots(2)));
        let database = ResourceSize { amount: 3, rate: None };
        assert_eq!(capacity.resources, [("warehouse_db".into(), database)]);
        assert!(config.socket.ends_with("state/runyardd.sock"));
    }

    #[test]
    fn what_is_not_known_is_an_error_with_its_place() {
        let problem = load("[pools.a]\nslots = 2\nslotz = 3\n").expect_err("it is wrong");
        assert!(problem.contains("slotz") && problem.contains("line 3"), "{problem}");
        let problem = load("[pools.a]\nslots = 0\n").expect_err("it is wrong");
        assert!(problem.contains("0 slots"), "{problem}");
        let problem = load("[pools.a]\nkind = \"slurm\"\nslots = 1\n").expect_err("it is wrong");
        assert!(problem.contains("not supported yet"), "{problem}");
    }
}
