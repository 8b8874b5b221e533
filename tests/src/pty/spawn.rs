//! Programs and terminals in the words of the pty's library.

use std::fs;
use std::process::Command;

use portable_pty::{CommandBuilder, PtySize};

/// Columns and rows.
pub(super) fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

/// The same command under a shell with job control, which reads lines of commands afterwards.
pub(super) fn shell(command: &Command) -> Command {
    let script = r#"set -m; "$@"; echo "[shell: $?]"; while read -r it; do eval "$it"; echo "[shell: $?]"; done"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

/// Of its surroundings it gets what `command` names and no more.
pub(super) fn builder(command: &Command) -> CommandBuilder {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    builder.env_clear();
    for (name, value) in command.get_envs() {
        value.into_iter().for_each(|it| builder.env(name, it));
    }
    command.get_current_dir().into_iter().for_each(|it| builder.cwd(it));
    builder
}

/// Whether a process stands still until it is told to go on.
pub(super) fn is_stopped(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}
