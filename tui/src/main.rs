//! `runyard`: the commands that a person types. Speaks to the daemon where a command needs it, and to nothing else.

mod args;
mod cli;
mod client;
mod console;
mod demo;
mod error;
mod format;
mod local;
mod out;
mod socket;
mod spawn;
mod terminal;
mod text;
mod theme;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::{Arguments, Global};
use crate::error::{Error, Exit};
use crate::out::Out;

fn main() -> ExitCode {
    let line: Vec<OsString> = std::env::args_os().collect();
    if let Some(error) = spawn::become_detached(&line) {
        let mut out = Out::of_process(&Global::of_wrong_line(&[]));
        out.error(&Error::System { doing: "start the program".to_owned(), source: error });
        return ExitCode::from(127);
    }
    let (mut out, result) = match Arguments::try_parse_from(&line) {
        Ok(arguments) => {
            let out = Out::of_process(&arguments.global);
            let mut cx = cli::Cx { out, global: arguments.global };
            let result = cli::execute(&mut cx, arguments.command);
            (cx.out, result)
        }
        Err(error) => {
            let mut out = Out::of_process(&Global::of_wrong_line(&line));
            let result = explain(&mut out, &error);
            (out, result)
        }
    };
    let result = result.and_then(|exit| out.flush().map(|()| exit));
    match result {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            if !matches!(error, Error::BrokenPipe) {
                out.error(&error);
            }
            ExitCode::from(error.exit_code())
        }
    }
}

/// Help and version are answers; everything else that the command line's reader says is an error.
fn explain(out: &mut Out, error: &clap::Error) -> Result<Exit, Error> {
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        out.lines(text.lines().map(Into::into))?;
        return Ok(Exit::Done);
    }
    let text = text.trim().trim_start_matches("error: ");
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let help: Vec<&str> = rest.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
    Err(Error::usage(message, help.join(" · ")))
}
