//! The real programs, from outside: the harness of the end-to-end tests.
//!
//! A [`Site`] is a fresh folder with workflows, and a daemon of its own. It is driven as a user drives it: by the program
//! `runyard`, mostly with `--json`. A test waits for a level (a state, an event, a file, the end of a process) with a
//! generous bound ([`wait`]), and never for time to pass. Whatever happens, a site ends every process that knows its
//! folder, and checks that nothing it has seen of the daemon speaks of a panic.

pub mod not_run;
pub mod output;
pub mod processes;
pub mod programs;
pub mod pty;
pub mod site;
pub mod wait;

pub use output::Output;
pub use pty::Console;
pub use site::Site;
