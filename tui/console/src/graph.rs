//! Draws what needs what: layers from left to right, one row a task, lines that can be followed by eye.
//!
//! [`Layout::new`] places a [`Shape`] once; states are no part of it, so a change of state moves nothing.
//! [`Layout::paint`] gives the runs of text within a viewport, [`lines`] the whole picture.
//!
//! A line joins another only when both lead to the same places. Every layout is read back from its own glyphs before it
//! is handed out: an edge that could not be followed is written as letters, `name»a … a»name`.

mod ink;
mod layers;
mod layout;
mod nets;
mod order;
mod paint;
mod pick;
mod read;
mod route;
mod rows;
mod slots;
#[cfg(test)]
mod tests;
mod walk;

use std::fmt;

use petgraph::graph::{DiGraph, NodeIndex};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use layout::{Layout, Place};
pub use paint::{Face, Glyphs, Part, Run, Viewport, lines};
pub use pick::{FOCUS_NODES, GRAPH_NODES, View, critical_path, focus, ladder};
pub use walk::{Direction, Minimap};

/// The most edges that a layout takes.
pub const MAX_EDGES: usize = 20_000;
/// The most layers that a layout takes.
pub const MAX_DEPTH: usize = 2_000;
/// The most nodes and passing lines that a layout takes.
const MAX_SLOTS: usize = 60_000;

/// What is to be drawn: nodes in the order of the file, edges from a need to what needs it. Edges that are there twice
/// are drawn once.
pub type Shape = DiGraph<Node, ()>;

/// One box, without its state.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Node {
    /// Its name, safe for a terminal, one line.
    pub label: String,
    /// Cells kept free behind the name for a count or a duration that changes with the state, such as `98/128`.
    pub room: usize,
}

impl Node {
    /// The cells of its box: mark, space, name, and the room with a space before it.
    pub fn width(&self) -> usize {
        let room = if self.room == 0 { 0 } else { self.room + 1 };
        2 + cells(&self.label) + room
    }
}

/// One piece of line, to be asked which edges it carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Strand {
    net: u32,
    piece: Piece,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Piece {
    /// From a source, by its place among the sources of the net.
    Enters(u32),
    /// The vertical, by its row of cells.
    Trunk(u32),
    /// To a target, by its place among the targets of the net.
    Leaves(u32),
}

impl Strand {
    fn enters(net: usize, at: usize) -> Self {
        Self { net: net as u32, piece: Piece::Enters(at as u32) }
    }

    fn trunk(net: usize, y: usize) -> Self {
        Self { net: net as u32, piece: Piece::Trunk(y as u32) }
    }

    fn leaves(net: usize, at: usize) -> Self {
        Self { net: net as u32, piece: Piece::Leaves(at as u32) }
    }
}

/// Why a shape is not drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GraphError {
    /// This node needs itself, over others or at once.
    Cycle {
        /// One node of the cycle.
        node: NodeIndex,
    },
    /// More nodes, edges, layers or lines than anybody could follow.
    TooLarge,
}

impl GraphError {
    /// What to do about it, as one sentence.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Cycle { .. } => "remove one of the needs that lead back to the task",
            Self::TooLarge => "look at one task and its neighbours, or at the table of tasks",
        }
    }
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle { .. } => f.write_str("a task needs itself"),
            Self::TooLarge => f.write_str("too large to draw"),
        }
    }
}

impl std::error::Error for GraphError {}

/// The cells that a text takes, counted so that neither single characters nor joined ones overflow them.
fn cells(text: &str) -> usize {
    let apart: usize = text.chars().map(char_cells).sum();
    apart.max(text.width())
}

fn char_cells(character: char) -> usize {
    character.width().unwrap_or(0)
}
