//! `up`: a daemon in the background for this user.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;

use serde_json::json;
use shared::snapshot::StatusView;

use super::Cx;
use crate::client::Client;
use crate::error::{Error, Exit};
use crate::socket::Places;
use crate::spawn;
use crate::text::Line;

pub(super) fn execute(cx: &mut Cx) -> Result<Exit, Error> {
    let places = Places::of_process();
    let socket = places.socket(&cx.global);
    match Client::connect(&socket) {
        Ok(client) => return told(cx, "runs already", &socket, &client.status()?),
        Err(error) if !error.is_absence() => return Err(error),
        Err(_) => {}
    }
    let socket = places.own_socket(&cx.global);
    let state = places.state();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&state)
        .map_err(Error::system(format!("make the folder `{}`", state.display())))?;
    let mut daemon = spawn::start(&[("--socket", &socket)], &state.join("up.stderr"))?;
    let client = daemon.answered(&socket, || Ok(()))?;
    told(cx, "has started", &socket, &client.status()?)
}

fn told(
    cx: &mut Cx,
    what: &str,
    socket: &std::path::Path,
    status: &StatusView,
) -> Result<Exit, Error> {
    if cx.out.json {
        let started = what == "has started";
        cx.out.json(&json!({
            "started": started, "pid": status.pid, "version": status.version,
            "socket": socket, "state_dir": status.state_dir, "workflows_dir": status.workflows_dir,
        }))?;
        return Ok(Exit::Done);
    }
    let lines = [
        format!("the daemon {what}: version {}, process {}", status.version, status.pid),
        format!("  socket     {}", socket.display()),
        format!("  state      {}", status.state_dir),
        format!("  workflows  {}", status.workflows_dir),
    ];
    cx.out.lines(lines.map(Line::from))?;
    Ok(Exit::Done)
}
