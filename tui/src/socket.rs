//! Where the daemon's socket and state are. Source: decision 5.

use std::env;
use std::path::PathBuf;

use crate::args::Global;

/// The socket of the system's daemon.
const SYSTEM: &str = "/run/runyard/runyardd.sock";

/// What of the environment decides where things are.
#[derive(Clone, Default, Debug)]
pub(crate) struct Places {
    runyard_socket: Option<PathBuf>,
    runtime_dir: Option<PathBuf>,
    state_home: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl Places {
    /// The environment of this process. A variable that is empty counts as not set.
    pub(crate) fn of_process() -> Self {
        let path = |name| env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        Self {
            runyard_socket: path("RUNYARD_SOCKET"),
            runtime_dir: path("XDG_RUNTIME_DIR"),
            state_home: path("XDG_STATE_HOME"),
            home: path("HOME"),
        }
    }

    /// The user's folder of state.
    pub(crate) fn state(&self) -> PathBuf {
        let home = || self.home.clone().unwrap_or_else(|| PathBuf::from("/")).join(".local/state");
        self.state_home.clone().unwrap_or_else(home).join("runyard")
    }

    /// The socket to connect to: the one that was named, or the user's, or the system's where only that is there.
    pub(crate) fn socket(&self, global: &Global) -> PathBuf {
        self.choose(global, |it| it.exists())
    }

    /// The socket that a daemon of this user gets.
    pub(crate) fn own_socket(&self, global: &Global) -> PathBuf {
        self.choose(global, |_| false)
    }

    fn choose(&self, global: &Global, exists: impl Fn(&PathBuf) -> bool) -> PathBuf {
        if let Some(named) = global.socket.as_ref().or(self.runyard_socket.as_ref()) {
            return named.clone();
        }
        let user = match &self.runtime_dir {
            Some(folder) => folder.join("runyard/runyardd.sock"),
            None => self.state().join("runyardd.sock"),
        };
        let system = PathBuf::from(SYSTEM);
        if !exists(&user) && exists(&system) { system } else { user }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(socket: Option<&str>) -> Global {
        Global { socket: socket.map(PathBuf::from), ..Global::of_wrong_line(&[]) }
    }

    fn places() -> Places {
        Places { home: Some("/home/ada".into()), ..Places::default() }
    }

    #[test]
    fn a_named_socket_is_taken_and_the_flag_wins() {
        let places = Places { runyard_socket: Some("/env.sock".into()), ..places() };
        assert_eq!(
            places.choose(&global(Some("/flag.sock")), |_| true),
            PathBuf::from("/flag.sock")
        );
        assert_eq!(places.choose(&global(None), |_| true), PathBuf::from("/env.sock"));
    }

    #[test]
    fn the_users_socket_goes_before_the_systems() {
        let with_runtime = Places { runtime_dir: Some("/run/user/7".into()), ..places() };
        let user = PathBuf::from("/run/user/7/runyard/runyardd.sock");
        assert_eq!(with_runtime.choose(&global(None), |_| true), user);
        assert_eq!(with_runtime.choose(&global(None), |_| false), user);
        assert_eq!(with_runtime.choose(&global(None), |it| *it != user), PathBuf::from(SYSTEM));
        let state = PathBuf::from("/home/ada/.local/state/runyard/runyardd.sock");
        assert_eq!(places().choose(&global(None), |_| true), state);
    }
}
