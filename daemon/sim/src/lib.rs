//! Plays the engine in virtual time against a world of values.
