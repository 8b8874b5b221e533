//! The console as a pure function: [`App::handle`] takes one [`Input`] and gives the [`Effect`]s that follow, [`view`]
//! draws the state into cells. It reads no clock, no file and no socket, and never writes to a terminal.
//!
//! - `app` says who gets an input; `store` is what the daemon has told; `command` is the one table of what can be done.
//! - `screens` has one module a screen: what it remembers, what is selected, how it looks.
//! - `widgets`, `text`, `theme` and `format` turn values into cells. Only `theme` names a colour.
//!
//! Start reading at [`App`], then `command::table`, then `screens::runs`, the model of a screen.
#![deny(missing_docs)]

mod app;
mod cli;
mod command;
mod dialog;
mod edit;
pub mod effect;
mod filter;
#[cfg(test)]
mod fixtures;
mod format;
mod frame;
pub mod graph;
mod help;
pub mod input;
pub mod key;
mod list;
mod needs;
mod palette;
pub mod safe;
mod screens;
mod store;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod toast;
mod verb;

mod why;
mod widgets;

pub use app::{App, Settings};
pub use command::reference;
pub use effect::Effect;
pub use frame::view;
pub use input::Input;
pub use key::Key;
pub use theme::ColorDepth;
