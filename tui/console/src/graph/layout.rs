//! The layout: where every box and every line of a shape stands.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::NodeIndex;

use super::ink::{Edges, Ink, ink};
use super::nets::{Net, ROW, Stubs};
use super::read::{Boxes, Budget, read};
use super::route::{Routes, route};
use super::slots::Slots;
use super::{
    GraphError, MAX_DEPTH, MAX_EDGES, MAX_SLOTS, Piece, Shape, Strand, layers, order, rows,
};

/// Cells that the reader may follow before a picture counts as too large.
const READ_BUDGET: usize = 4_000_000;

/// Where a box stands, in cells from the upper left corner of the picture. Letters before and after it are apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// The column of the state mark.
    pub x: usize,
    /// The row.
    pub y: usize,
    /// Mark, name and room.
    pub width: usize,
}

/// A drawing of a shape without states. The same shape always gives the same layout.
#[derive(Clone, Debug)]
pub struct Layout {
    pub(super) shape: Shape,
    pub(super) places: Vec<Place>,
    /// The letters before and after each box, without the sign that parts them from the name.
    pub(super) letters: Vec<Letters>,
    /// Nodes by layer, from top to bottom.
    pub(super) layers: Vec<Vec<NodeIndex>>,
    /// The first column of each layer.
    pub(super) starts: Vec<usize>,
    pub(super) ink: Vec<Vec<Ink>>,
    /// The boxes of each row of cells, from left to right.
    pub(super) boxes: Vec<Vec<NodeIndex>>,
    /// The line that leaves each node, if one does.
    pub(super) leaving: Vec<Option<Strand>>,
    nets: Vec<Net>,
    slots: Slots,
    edges: BTreeSet<(usize, usize)>,
    stubs: Stubs,
    width: usize,
}

/// The letters of the stubs of one node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Letters {
    /// Sources that feed it, such as `a,c`.
    pub(super) before: String,
    /// Its own, as a source.
    pub(super) after: String,
}

impl Letters {
    /// Cells before the box, with the sign.
    pub(super) fn before_width(&self) -> usize {
        if self.before.is_empty() { 0 } else { self.before.len() + 1 }
    }

    /// Cells after the box, with the sign.
    pub(super) fn after_width(&self) -> usize {
        if self.after.is_empty() { 0 } else { self.after.len() + 1 }
    }
}

impl Layout {
    /// Places and routes a shape, reads the picture back, and writes letters for what could not be read.
    ///
    /// Errors: `Cycle` when a node needs itself, `TooLarge` above [`MAX_EDGES`], [`MAX_DEPTH`] or the budget of cells.
    pub fn new(shape: &Shape) -> Result<Self, GraphError> {
        if shape.edge_count() > MAX_EDGES || shape.node_count() > MAX_SLOTS {
            return Err(GraphError::TooLarge);
        }
        let layers = layers::layers(shape)?;
        if layers.iter().any(|&layer| layer >= MAX_DEPTH) {
            return Err(GraphError::TooLarge);
        }
        let mut slots = Slots::new(shape, &layers)?;
        order::order(&mut slots);
        let rows = rows::rows(&slots);
        let edges = edge_pairs(shape);
        let mut stubs = Stubs::new();
        loop {
            let routes = route(&slots, &rows, &mut stubs)?;
            let layout = Self::draw(shape, &slots, &rows, routes, (&edges, &stubs));
            let wrong = layout.misread()?;
            if wrong.is_empty() {
                return Ok(layout);
            }
            stubs.extend(wrong);
        }
    }

    /// Width and height in cells.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.ink.len())
    }

    /// Where a node stands. A node that is not of this shape stands in the corner without a width.
    pub fn place(&self, node: NodeIndex) -> Place {
        self.places.get(node.index()).copied().unwrap_or_default()
    }

    /// The nodes of each layer, layers from left to right, nodes from top to bottom.
    pub fn layers(&self) -> &[Vec<NodeIndex>] {
        &self.layers
    }

    /// The shape that is drawn.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The edges written as letters and not drawn.
    pub fn stubs(&self) -> impl Iterator<Item = (NodeIndex, NodeIndex)> {
        self.stubs.iter().map(|&(from, to)| (NodeIndex::new(from), NodeIndex::new(to)))
    }

    /// Whether the edge between two nodes runs over a piece of line.
    pub fn carries(&self, strand: Strand, from: NodeIndex, to: NodeIndex) -> bool {
        let edge = (from.index(), to.index());
        let drawn = self.edges.contains(&edge) && !self.stubs.contains(&edge);
        drawn && self.net(strand).is_some_and(|net| self.passes(net, strand.piece, edge))
    }

    /// Whether an edge from or to a node runs over a piece of line.
    pub fn touches(&self, strand: Strand, node: NodeIndex) -> bool {
        let Some(net) = self.net(strand) else { return false };
        let feeds = self.shape.neighbors(node).map(|to| (node, to));
        let needs =
            self.shape.neighbors_directed(node, petgraph::Incoming).map(|from| (from, node));
        feeds.chain(needs).any(|(from, to)| {
            let edge = (from.index(), to.index());
            !self.stubs.contains(&edge) && self.passes(net, strand.piece, edge)
        })
    }

    fn net(&self, strand: Strand) -> Option<&Net> {
        self.nets.get(strand.net as usize)
    }

    fn passes(&self, net: &Net, piece: Piece, (from, to): (usize, usize)) -> bool {
        let ins = || net.ins.iter().enumerate().filter(|(_, line)| line.source == from);
        let slots = &self.slots;
        let outs = || {
            net.outs.iter().enumerate().filter(|(_, out)| match slots.is_node(out.slot) {
                true => out.slot == to,
                false => slots.source_of[out.slot] == from && slots.layer_of[to] > net.layer + 1,
            })
        };
        match piece {
            Piece::Enters(at) => ins().any(|(i, _)| i == at as usize) && outs().next().is_some(),
            Piece::Leaves(at) => outs().any(|(i, _)| i == at as usize) && ins().next().is_some(),
            Piece::Trunk(y) => ins().any(|(_, line)| {
                let between =
                    |end: usize| (line.y.min(end)..=line.y.max(end)).contains(&(y as usize));
                outs().any(|(_, out)| between(out.end()))
            }),
        }
    }

    fn draw(
        shape: &Shape,
        slots: &Slots,
        rows: &[usize],
        routes: Routes,
        (edges, stubs): (&BTreeSet<(usize, usize)>, &Stubs),
    ) -> Self {
        let letters = letters(slots, rows, stubs);
        let (lines, places) = columns(shape, slots, rows, &routes, &letters);
        let height = places.iter().map(|place| place.y + 1).max().unwrap_or(0);
        let height = routes.nets.iter().map(|net| net.span().1 + 1).max().unwrap_or(0).max(height);
        let mut boxes = vec![Vec::new(); height];
        let mut layers = vec![Vec::new(); slots.layers.len()];
        for (layer, order) in slots.layers.iter().enumerate() {
            for &slot in order.iter().filter(|&&slot| slots.is_node(slot)) {
                layers[layer].push(NodeIndex::new(slot));
                boxes[places[slot].y].push(NodeIndex::new(slot));
            }
        }
        let mut leaving = vec![None; shape.node_count()];
        for (index, net) in routes.nets.iter().enumerate() {
            for (at, line) in
                net.ins.iter().enumerate().filter(|(_, line)| slots.is_node(line.slot))
            {
                leaving[line.slot] = Some(Strand::enters(index, at));
            }
        }
        Self {
            ink: ink(slots, &routes.nets, &lines, height),
            shape: shape.clone(),
            width: lines.ends.last().copied().unwrap_or(0),
            starts: lines.starts,
            nets: routes.nets,
            slots: slots.clone(),
            edges: edges.clone(),
            stubs: stubs.clone(),
            places,
            letters,
            layers,
            boxes,
            leaving,
        }
    }

    /// Edges that a reader of the picture would miss, and all edges of nodes from which he would see one too many.
    fn misread(&self) -> Result<Stubs, GraphError> {
        let seen =
            read(self, &Boxes::of(self), &mut Budget(READ_BUDGET)).ok_or(GraphError::TooLarge)?;
        let lied: BTreeSet<usize> = seen.difference(&self.edges).map(|&(from, _)| from).collect();
        let lost = self.edges.difference(&seen).copied();
        let of_liars = self.edges.iter().filter(|(from, _)| lied.contains(from)).copied();
        Ok(lost.chain(of_liars).filter(|edge| !self.stubs.contains(edge)).collect())
    }
}

fn edge_pairs(shape: &Shape) -> BTreeSet<(usize, usize)> {
    let ends = shape.edge_indices().filter_map(|edge| shape.edge_endpoints(edge));
    ends.map(|(from, to)| (from.index(), to.index())).collect()
}

/// One letter per source that has stubs, in the order of the layers from the left.
fn letters(slots: &Slots, rows: &[usize], stubs: &Stubs) -> Vec<Letters> {
    let mut letters = vec![Letters::default(); slots.nodes];
    let sources: BTreeSet<(usize, usize, usize)> =
        stubs.iter().map(|&(from, _)| (slots.layer_of[from], rows[from], from)).collect();
    let names: BTreeMap<usize, String> =
        sources.into_iter().enumerate().map(|(at, (.., from))| (from, letter(at))).collect();
    for (from, name) in &names {
        letters[*from].after.clone_from(name);
    }
    let mut feeding: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (from, to) in stubs {
        feeding.entry(*to).or_default().push(&names[from]);
    }
    for (to, mut names) in feeding {
        names.sort_unstable_by_key(|name| (name.len(), *name));
        letters[to].before = names.join(",");
    }
    letters
}

/// `a` to `z`, then `aa` and so on.
pub(super) fn letter(at: usize) -> String {
    let last = char::from(b'a' + (at % 26) as u8);
    match at / 26 {
        0 => last.to_string(),
        more => letter(more - 1) + &last.to_string(),
    }
}

/// The columns of the layers and the places of the boxes.
fn columns(
    shape: &Shape,
    slots: &Slots,
    rows: &[usize],
    routes: &Routes,
    letters: &[Letters],
) -> (Edges, Vec<Place>) {
    let mut places = vec![Place::default(); slots.nodes];
    let mut edges = Edges { starts: Vec::new(), ends: Vec::new(), node_ends: vec![0; slots.nodes] };
    let mut start = 0;
    for (layer, order) in slots.layers.iter().enumerate() {
        let mut end = start;
        for &slot in order.iter().filter(|&&slot| slots.is_node(slot)) {
            let x = start + letters[slot].before_width();
            let width = shape[NodeIndex::new(slot)].width();
            places[slot] = Place { x, y: rows[slot] * ROW, width };
            edges.node_ends[slot] = x + width + letters[slot].after_width();
            end = end.max(edges.node_ends[slot]);
        }
        edges.starts.push(start);
        edges.ends.push(end);
        let tracks = routes.tracks.get(layer).copied().unwrap_or(0);
        start = end + (2 * tracks + 2).max(3);
    }
    (edges, places)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::tests::{layout, named, plain};
    use super::super::{Glyphs, Part, Viewport};
    use super::*;

    fn strands(layout: &Layout) -> Vec<(usize, usize, Strand)> {
        let (width, height) = layout.size();
        let view = Viewport { x: 0, y: 0, width, height };
        let runs = layout.paint(view, Glyphs::Unicode, &plain).into_iter();
        let strand = |part| if let Part::Edge(strand) = part { Some(strand) } else { None };
        runs.filter_map(|run| Some((run.x, run.y, strand(run.part)?))).collect()
    }

    #[test]
    fn a_piece_of_line_knows_its_edges() {
        let layout = layout(&named("a -> x y z"));
        let [a, x, y, z] = [0, 1, 2, 3].map(NodeIndex::new);
        for (_, row, strand) in strands(&layout) {
            assert!(layout.touches(strand, a));
            assert!(!layout.carries(strand, x, a) && !layout.carries(strand, x, y));
            let below = row > layout.place(a).y;
            assert!(!below || !layout.touches(strand, x), "the way to x leads up");
            assert!(!below || layout.carries(strand, a, z), "the way to z leads down");
        }
    }

    #[test]
    fn a_long_edge_is_carried_through_every_gutter() {
        let layout = layout(&named("a -> b -> c -> d\n a -> d"));
        let [a, d] = [0, 3].map(NodeIndex::new);
        let carried: BTreeSet<usize> = strands(&layout)
            .into_iter()
            .filter(|(_, _, strand)| layout.carries(*strand, a, d))
            .map(|(x, ..)| layout.starts.partition_point(|&start| start <= x))
            .collect();
        assert_eq!(carried, BTreeSet::from([1, 2, 3]));
    }
}
