//! The real programs, from outside.
