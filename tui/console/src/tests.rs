//! What holds for the console as a whole.

mod acting;
mod any_input;
mod frames;
mod table;
