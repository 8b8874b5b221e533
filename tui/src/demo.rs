//! `demo`: the retail example on a private daemon in a fresh folder, from the day's file to the dashboards.

mod day;
mod files;
mod home;
mod leftover;
mod play;
mod show;
mod signals;
mod summary;

use std::time::{Duration, Instant};

use crate::args::Demo;
use crate::cli::Cx;
use crate::console;
use crate::error::{Error, Exit};
use crate::text::{Line, Style};

use home::{Home, PrivateDaemon};
use signals::Signals;

/// The business day that is played.
const DAY: &str = "2017-12-22";
/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Plays the example, and leaves nothing behind unless it is told to.
pub(crate) fn execute(cx: &mut Cx, demo: &Demo) -> Result<Exit, Error> {
    let until = Instant::now() + LIMIT;
    let signals = Signals::watch()?;
    let home = Home::make(demo.keep)?;
    let result = if demo.headless || cx.global.json || !console::is_possible() {
        headless(cx, &home, &signals, until)
    } else {
        show::in_console(cx, &home, &signals)
    };
    let removed = home.close();
    let exit = result?;
    removed?;
    Ok(exit)
}

fn headless(cx: &mut Cx, home: &Home, signals: &Signals, until: Instant) -> Result<Exit, Error> {
    say(cx, "a private daemon starts")?;
    let (daemon, client) = PrivateDaemon::start(home, signals)?;
    let played = play::play(cx, &client, home, signals, until);
    let view = match played {
        Ok(view) => view,
        Err(error) => {
            play::give_up(&client);
            daemon.stop();
            return Err(error);
        }
    };
    let told = summary::print(cx, &client, &view, home);
    daemon.stop();
    told?;
    Ok(crate::cli::exit_of(&view))
}

/// A line about the demo itself, among those about the run.
fn say(cx: &mut Cx, text: &str) -> Result<(), Error> {
    let view = cx.view();
    let now = view.clock(view.now);
    cx.out.note(
        Line::new().styled(Style::Dim, now).and("  ").styled(Style::Dim, format!("demo: {text}")),
    )
}
