//! The real programs, from outside. Each module is a chapter of what they promise.

mod bad_input;
mod cli;
mod console;
mod day;
mod demo;
mod examples;
mod hostile;
mod layering;
mod logs;
mod past;
mod recovery;
mod retail;
mod rollback;
mod sales;
