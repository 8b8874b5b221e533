//! Values in, cells out. None of them knows the app.

pub(crate) mod bar;
pub(crate) mod panel;
pub(crate) mod rule;
pub(crate) mod spark;
pub(crate) mod table;
