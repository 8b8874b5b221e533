//! `runyard-runner`: see the crate `runner` for what it is.

mod args;
mod attempt;
mod check;
mod clock;
mod connection;
mod ending;
mod files;
mod folders;
mod journal;
mod log;
mod poller;
mod proc;
mod publish;
mod recover;
mod serve;
mod spawn;
mod start;
mod sys;
mod table;

use crate::args::{Action, USAGE};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let result = match args::parse(&args) {
        Ok(Action::Version) => print(concat!("runyard-runner ", env!("CARGO_PKG_VERSION"))),
        Ok(Action::Help) => print(USAGE),
        Ok(Action::Check { out, commands }) => check::check(&out, &commands),
        Ok(Action::Publish(asked)) => told(publish::publish(&asked)),
        Ok(Action::Withdraw(asked)) => told(publish::withdraw(&asked)),
        Ok(Action::Run { dir, pool, socket, linger_ms }) => {
            start::run(&dir, pool, socket, linger_ms)
        }
        Err(error) => {
            say(format_args!("{error}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("{error}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes a line to standard error, which may be closed.
pub(crate) fn say(message: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "runyard-runner: {message}");
}

/// Prints what has been done; standard output may be closed.
fn told(done: Result<String, publish::Refusal>) -> io::Result<()> {
    let _ = print(&done.map_err(io::Error::other)?);
    Ok(())
}

fn print(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
