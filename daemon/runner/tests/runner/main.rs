//! The real runner, spoken to as the daemon does.

mod attempts;
mod checks;
mod connections;
mod frames;
mod harness;
mod publish;
mod recovery;
