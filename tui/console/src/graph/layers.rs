//! Which layer each node stands in.

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::algo::toposort;
use petgraph::graph::NodeIndex;

use super::{GraphError, Shape};

/// The layer of each node, by node index: 0 is leftmost, every edge goes at least one layer to the right.
///
/// - Longest path from the nodes without needs; such a node is then pulled next to its first child, so that its
///   line is short.
/// - Errors: `Cycle`, a node that needs itself included.
pub(super) fn layers(shape: &Shape) -> Result<Vec<usize>, GraphError> {
    let sorted =
        toposort(shape, None).map_err(|cycle| GraphError::Cycle { node: cycle.node_id() })?;
    let mut layers = vec![0; shape.node_count()];
    for &node in &sorted {
        let needs = shape.neighbors_directed(node, Incoming).map(|need| layers[need.index()] + 1);
        layers[node.index()] = needs.max().unwrap_or(0);
    }
    for &node in &sorted {
        if shape.neighbors_directed(node, Incoming).next().is_none() {
            layers[node.index()] = before_first_child(shape, node, &layers);
        }
    }
    Ok(layers)
}

fn before_first_child(shape: &Shape, node: NodeIndex, layers: &[usize]) -> usize {
    let children = shape.neighbors_directed(node, Outgoing).map(|child| layers[child.index()]);
    children.min().map_or(0, |first| first.saturating_sub(1))
}
