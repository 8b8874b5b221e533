//! The places of each layer: nodes, and lines that pass on their way to a later layer.

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::graph::NodeIndex;

use super::{GraphError, MAX_SLOTS, Shape};

/// Nodes and passing lines, linked only between neighbouring layers.
///
/// Slots `0..nodes` are the nodes themselves; after them come the passes. All edges of one source share its passes, so
/// a source has at most one slot in a layer.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    /// How many slots are nodes.
    pub(super) nodes: usize,
    /// The layer of each slot.
    pub(super) layer_of: Vec<usize>,
    /// The node whose edges leave each slot; a node's own index for a node.
    pub(super) source_of: Vec<usize>,
    /// Linked slots one layer to the left.
    pub(super) left: Vec<Vec<usize>>,
    /// Linked slots one layer to the right.
    pub(super) right: Vec<Vec<usize>>,
    /// The slots of each layer, from top to bottom.
    pub(super) layers: Vec<Vec<usize>>,
}

impl Slots {
    /// The slots of a shape whose nodes stand in `layers`, in the order of a walk from the first nodes of the file.
    ///
    /// Errors: `TooLarge` when long edges need more passes than a picture can hold.
    pub(super) fn new(shape: &Shape, layers: &[usize]) -> Result<Self, GraphError> {
        let nodes = shape.node_count();
        let mut slots = Self {
            nodes,
            layer_of: layers.to_vec(),
            source_of: (0..nodes).collect(),
            left: vec![Vec::new(); nodes],
            right: vec![Vec::new(); nodes],
            layers: vec![Vec::new(); layers.iter().max().map_or(0, |last| last + 1)],
        };
        for source in walk(shape) {
            slots.layers[layers[source]].push(source);
            slots.add_edges_of(shape, source)?;
        }
        Ok(slots)
    }

    /// Whether a slot is a node and not a passing line.
    pub(super) fn is_node(&self, slot: usize) -> bool {
        slot < self.nodes
    }

    /// The place of each slot within its layer, by slot.
    pub(super) fn positions(&self) -> Vec<usize> {
        let mut positions = vec![0; self.layer_of.len()];
        for layer in &self.layers {
            for (at, &slot) in layer.iter().enumerate() {
                positions[slot] = at;
            }
        }
        positions
    }

    fn add_edges_of(&mut self, shape: &Shape, source: usize) -> Result<(), GraphError> {
        let mut targets: Vec<(usize, usize)> = shape
            .neighbors_directed(NodeIndex::new(source), Outgoing)
            .map(|target| (self.layer_of[target.index()], target.index()))
            .collect();
        targets.sort_unstable();
        targets.dedup();
        let mut slot = source;
        for (layer, target) in targets {
            while self.layer_of[slot] + 1 < layer {
                slot = self.pass_after(slot, source)?;
            }
            self.link(slot, target);
        }
        Ok(())
    }

    fn pass_after(&mut self, slot: usize, source: usize) -> Result<usize, GraphError> {
        let pass = self.layer_of.len();
        if pass >= MAX_SLOTS {
            return Err(GraphError::TooLarge);
        }
        let layer = self.layer_of[slot] + 1;
        self.layer_of.push(layer);
        self.source_of.push(source);
        self.left.push(Vec::new());
        self.right.push(Vec::new());
        self.layers[layer].push(pass);
        self.link(slot, pass);
        Ok(pass)
    }

    fn link(&mut self, from: usize, to: usize) {
        self.right[from].push(to);
        self.left[to].push(from);
    }
}

/// Every node once, children right after their parents, the rest in the order of the file.
fn walk(shape: &Shape) -> Vec<usize> {
    let mut seen = vec![false; shape.node_count()];
    let mut walked = Vec::with_capacity(shape.node_count());
    let starts = shape.node_indices();
    for start in starts.filter(|&node| shape.neighbors_directed(node, Incoming).next().is_none()) {
        let mut stack = vec![start];
        while let Some(node) = stack.pop() {
            if std::mem::replace(&mut seen[node.index()], true) {
                continue;
            }
            walked.push(node.index());
            let mut children: Vec<NodeIndex> = shape.neighbors_directed(node, Outgoing).collect();
            children.sort_unstable();
            stack.extend(children.into_iter().rev());
        }
    }
    walked
}
