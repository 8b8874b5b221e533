//! `runyard` without a command: the console on this terminal.
//!
//! What it shows and does is the crate `console`, which is a pure function. Here is what is around it: `run` is the loop,
//! `link` speaks to the daemon, `pace` says when to draw.

mod files;
mod keys;
mod link;
mod pace;
mod run;
mod stage;

use std::fs;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use console::{App, Settings};
use jiff::tz::TimeZone;
use shared::id::RunId;
use shared::time::Timestamp;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::args::Global;
use crate::cli::Cx;
use crate::client::{Dialed, dial};
use crate::error::{Error, Exit};
use crate::socket::Places;
use crate::terminal::{self, Caps, ColorDepth, Signals, Terminal};
use crate::text::Line;

use link::Link;
use run::{Shell, Sources};

/// How long the screen waits for a daemon that takes its time.
const PATIENCE: Duration = Duration::from_millis(30);

/// What the console is opened on.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(crate) socket: PathBuf,
    /// The daemon's machine or profile.
    pub(crate) host: String,
    /// The run to show first.
    pub(crate) run: Option<RunId>,
    /// What to say first.
    pub(crate) hint: Option<String>,
    /// What becomes of the daemon when the console is left.
    pub(crate) leaving: &'static str,
}

/// Opens the console on the daemon that the flags name.
pub(crate) fn execute(cx: &mut Cx) -> Result<Exit, Error> {
    if cx.global.json || !is_possible() {
        return Err(Error::usage(
            "no command given",
            "start with `runyard demo` or `runyard up`; `runyard --help` lists all",
        ));
    }
    let socket = Places::of_process().socket(&cx.global);
    let leaving = "The daemon and all runs go on.";
    let opening = Opening { socket, host: host(), run: None, hint: None, leaving };
    let result = open(&cx.global, opening);
    if let Err(Error::NoDaemon(_) | Error::LeftOver(_)) = &result {
        cx.out.lines(first_minutes())?;
    }
    result
}

/// Whether there is a terminal to open it on.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Opens the console, and returns when it was left and the terminal is as before. Errors: a daemon that is not there or does
/// not speak to this program; once the console is open such things are shown in it.
pub(crate) fn open(global: &Global, opening: Opening) -> Result<Exit, Error> {
    let start = Instant::now();
    let caps = Caps::of(&|name| std::env::var(name).ok(), global.color, global.ascii)?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::system("start the console"))?;
    let result = runtime.block_on(show(global, opening, caps, start));
    // A file that is being saved on a disk that hangs must not keep the program.
    runtime.shutdown_background();
    result
}

async fn show(
    global: &Global,
    opening: Opening,
    caps: Caps,
    start: Instant,
) -> Result<Exit, Error> {
    let signals = Signals::listen().map_err(Error::system("watch for signals"))?;
    let first = first(&opening).await?;
    let mut app = App::new(settings(global, &caps, &opening));
    let mut effects = Vec::new();
    if let Some(run) = opening.run {
        effects.extend(app.open_run(run));
    }
    let terminal = Terminal::enter(&caps)?;
    let events = terminal::read_events().map_err(Error::system("read the keys"))?;
    let (link, inbox) = Link::start(opening.socket, first);
    let mut shell = Shell::new(app, &terminal, link, caps, global.slow, start);
    shell.carry_out_all(effects);
    if let Some(hint) = &opening.hint {
        shell.hint(hint);
    }
    run::run(shell, Sources { events, signals, inbox }).await
}

/// The first connection; none where the daemon is there and does not answer.
async fn first(opening: &Opening) -> Result<Option<Dialed>, Error> {
    match timeout(PATIENCE, dial(&opening.socket)).await {
        Ok(Ok(dialed)) => Ok(Some(dialed)),
        Ok(Err(Error::Busy(_))) | Err(_) => Ok(None),
        Ok(Err(error)) => Err(error),
    }
}

fn settings(global: &Global, caps: &Caps, opening: &Opening) -> Settings {
    let color = match caps.color {
        ColorDepth::None => console::ColorDepth::None,
        ColorDepth::Ansi16 => console::ColorDepth::Ansi16,
        ColorDepth::Full => console::ColorDepth::Full,
    };
    let (unicode, read_only) = (caps.unicode, global.read_only);
    let Opening { host, leaving, .. } = opening.clone();
    Settings { host, unicode, color, read_only, leaving, utc_offset }
}

fn utc_offset(at: Timestamp) -> i32 {
    TimeZone::system().to_offset(at.to_jiff()).seconds()
}

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().split('.').next().unwrap_or_default().to_owned()
}

fn first_minutes() -> [Line; 2] {
    [
        "runyard up    starts a daemon for you; then `runyard` opens the console".into(),
        "runyard demo  shows everything on a private daemon, and leaves nothing behind".into(),
    ]
}
