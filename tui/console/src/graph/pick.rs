//! Which part of a shape to show, and how.

use std::collections::BTreeSet;

use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::algo::toposort;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::Shape;

/// The most nodes that are shown as one graph.
pub const GRAPH_NODES: usize = 60;
/// The most nodes of a shape whose first view is a focus; above it is the table.
pub const FOCUS_NODES: usize = 400;
/// Cells that a layer takes with its gutter, about.
const LAYER_WIDTH: usize = 18;
/// Screens side by side that can still be walked through.
const SCREENS: usize = 3;

/// How a shape is shown at first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// All of it, scrolled by layers.
    Graph,
    /// One node and its neighbours.
    Focus,
    /// Not as a graph.
    Table,
}

/// The first view of a shape with so many `nodes` and `layers`, `widest` nodes in one layer, in a pane of `width` times
/// `height` cells.
pub fn ladder(nodes: usize, layers: usize, widest: usize, width: usize, height: usize) -> View {
    let fits = widest <= height && layers.saturating_mul(LAYER_WIDTH) <= SCREENS * width;
    match nodes {
        0..=GRAPH_NODES if fits => View::Graph,
        0..=FOCUS_NODES => View::Focus,
        _ => View::Table,
    }
}

/// The nodes within so many `hops` before and after `node`, and all edges between them.
///
/// Also answers which node of `shape` each node of the new shape is, by its index; both keep the order of the file.
pub fn focus(shape: &Shape, node: NodeIndex, hops: usize) -> (Shape, Vec<NodeIndex>) {
    let mut kept = BTreeSet::new();
    if shape.node_weight(node).is_some() {
        kept.extend(within(shape, node, hops, Incoming));
        kept.extend(within(shape, node, hops, Outgoing));
    }
    let kept: Vec<NodeIndex> = kept.into_iter().collect();
    let mut part = Shape::new();
    for &old in &kept {
        part.add_node(shape[old].clone());
    }
    for (from, &old) in kept.iter().enumerate() {
        let ends: BTreeSet<NodeIndex> = shape.edges(old).map(|edge| edge.target()).collect();
        for to in ends.iter().filter_map(|end| kept.binary_search(end).ok()) {
            part.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
        }
    }
    (part, kept)
}

/// The nodes of the path whose weights sum up to the most, from its first to its last. Empty for a shape without nodes or
/// with a cycle. Of equal paths, the one that comes first in the file.
pub fn critical_path(shape: &Shape, weight: &dyn Fn(NodeIndex) -> u64) -> Vec<NodeIndex> {
    let Ok(sorted) = toposort(shape, None) else { return Vec::new() };
    let mut longest: Vec<(u64, Option<NodeIndex>)> = vec![(0, None); shape.node_count()];
    for node in sorted {
        let before = heaviest(shape.neighbors_directed(node, Incoming), &longest);
        let sum = before.map_or(0, |before| longest[before.index()].0);
        longest[node.index()] = (sum.saturating_add(weight(node)), before);
    }
    let mut path = Vec::new();
    let mut at = heaviest(shape.node_indices(), &longest);
    while let Some(node) = at {
        path.push(node);
        at = longest[node.index()].1;
    }
    path.reverse();
    path
}

fn heaviest(
    nodes: impl Iterator<Item = NodeIndex>,
    longest: &[(u64, Option<NodeIndex>)],
) -> Option<NodeIndex> {
    nodes.min_by_key(|node| (std::cmp::Reverse(longest[node.index()].0), node.index()))
}

fn within(
    shape: &Shape,
    node: NodeIndex,
    hops: usize,
    direction: Direction,
) -> BTreeSet<NodeIndex> {
    let mut seen = BTreeSet::from([node]);
    let mut edge = vec![node];
    for _ in 0..hops {
        let next = edge.iter().flat_map(|&node| shape.neighbors_directed(node, direction));
        edge = next.filter(|&node| seen.insert(node)).collect();
        if edge.is_empty() {
            break;
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::tests::named;
    use super::*;

    fn labels(shape: &Shape) -> String {
        shape.node_weights().map(|node| node.label.as_str()).collect()
    }

    #[test]
    fn a_focus_keeps_what_is_near_and_the_order_of_the_file() {
        let shape = named("a -> b -> c -> d -> e\n b -> x\n y -> d");
        let c = NodeIndex::new(2);
        let (near, kept) = focus(&shape, c, 1);
        assert_eq!((labels(&near), near.edge_count()), ("bcd".to_owned(), 2));
        assert_eq!(kept, [1, 2, 3].map(NodeIndex::new));
        assert_eq!(labels(&focus(&shape, c, 2).0), "abcde");
        assert_eq!(labels(&focus(&shape, c, 0).0), "c");
        assert_eq!(focus(&shape, NodeIndex::new(99), 3).0.node_count(), 0);
    }

    #[test]
    fn the_critical_path_weighs_the_most() {
        let shape = named("a -> b c -> d\n x -> d");
        let weight = |node: NodeIndex| [1, 5, 2, 1, 4][node.index()];
        assert_eq!(critical_path(&shape, &weight), [0, 1, 3].map(NodeIndex::new));
        assert_eq!(critical_path(&shape, &|_| 1), [0, 1, 3].map(NodeIndex::new));
        assert_eq!(critical_path(&shape, &|_| u64::MAX).last(), Some(&NodeIndex::new(0)));
        assert!(critical_path(&Shape::new(), &|_| 1).is_empty());
        assert!(critical_path(&named("a -> b -> a"), &|_| 1).is_empty());
    }

    #[test]
    fn large_shapes_are_not_shown_as_graphs() {
        assert_eq!(ladder(17, 8, 5, 80, 24), View::Graph);
        assert_eq!(ladder(60, 4, 40, 80, 24), View::Focus);
        assert_eq!(ladder(60, 60, 1, 80, 24), View::Focus);
        assert_eq!(ladder(400, 20, 30, 160, 48), View::Focus);
        assert_eq!(ladder(401, 20, 30, 160, 48), View::Table);
        assert_eq!(ladder(0, 0, 0, 0, 0), View::Graph);
    }
}
