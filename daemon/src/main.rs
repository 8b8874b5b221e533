//! `runyardd`: flags, the shells, the driver. No logic.

mod changes;
mod clock;
mod config;
mod driver;
mod executors;
mod files;
mod history;
mod library;
mod log;
mod measure;
mod memory;
mod report;
mod rpc;
mod shells;
mod start;
mod store;
mod triggers;

use std::process::ExitCode;

use clap::Parser;

const _: () = assert!(!engine::faults::ARE_SELECTABLE, "deliberate faults are for `sim` alone");

fn main() -> ExitCode {
    memory::keep_small();
    match start::run(&config::Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            problem.tell();
            problem.exit_code()
        }
    }
}
