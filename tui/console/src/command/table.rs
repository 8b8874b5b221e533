//! All commands, in the order in which they are listed.

use super::{Command, act, go, look};
use crate::screens;

/// Every command of the console.
pub(crate) fn all() -> impl Iterator<Item = &'static Command> {
    [act::COMMANDS, look::COMMANDS, go::COMMANDS].into_iter().chain(screens::commands()).flatten()
}
