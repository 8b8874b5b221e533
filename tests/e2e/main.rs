//! The real programs, from outside. Each module is a chapter of what they promise.

mod bad_input;
mod cli;
mod day;
mod demo;
mod examples;
mod layering;
mod recovery;
mod retail;
mod sales;
