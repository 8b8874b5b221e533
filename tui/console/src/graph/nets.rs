//! The lines between two neighbouring layers, and which of them owns the row of each target.

use std::collections::{BTreeMap, BTreeSet};

use super::slots::Slots;

/// Rows of cells per row of boxes: the free row carries arrowheads.
pub(super) const ROW: usize = 2;

/// Edges that are written as letters and not drawn, as pairs of node indices.
pub(super) type Stubs = BTreeSet<(usize, usize)>;

/// A line that enters a gutter from the left.
#[derive(Debug, Clone)]
pub(super) struct In {
    /// Row of cells on which it meets the vertical.
    pub(super) y: usize,
    /// How it got there from the row of its slot, if that is another row.
    pub(super) lead: Option<Lead>,
    /// The slot on the left.
    pub(super) slot: usize,
    /// The node whose edges the line carries.
    pub(super) source: usize,
}

/// A short vertical by which a line leaves the row of its slot for the free row beside it, because the row is wanted by
/// another before the line can turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lead {
    /// Row of cells of the slot.
    pub(super) y: usize,
    /// Its column of verticals.
    pub(super) track: usize,
}

/// A line that leaves a gutter to the right.
#[derive(Debug, Clone)]
pub(super) struct Out {
    /// Row of cells of the slot on the right.
    pub(super) y: usize,
    /// The slot on the right.
    pub(super) slot: usize,
    /// How the line meets that row.
    pub(super) land: Land,
}

/// How a net meets the row of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Land {
    /// It owns the row and runs up to the target.
    Along,
    /// An arrowhead from above against the line of the row's owner.
    Down,
    /// An arrowhead from below.
    Up,
}

impl Land {
    /// The row of cells on which a line ends that meets row `y` this way.
    pub(super) fn row(self, y: usize) -> usize {
        match self {
            Self::Along => y,
            Self::Down => y - 1,
            Self::Up => y + 1,
        }
    }
}

/// One connected line: every source of `ins` reaches every target of `outs`.
#[derive(Debug, Clone)]
pub(super) struct Net {
    /// The layer on the left of the gutter.
    pub(super) layer: usize,
    /// From top to bottom; more than one when several sources have the same targets.
    pub(super) ins: Vec<In>,
    /// From top to bottom, never empty.
    pub(super) outs: Vec<Out>,
    /// The column of the vertical, or none for a straight line.
    pub(super) track: Option<usize>,
}

impl Net {
    /// Whether it goes straight from one slot to the one beside it.
    pub(super) fn is_straight(&self) -> bool {
        self.ins.len() == 1 && self.outs.len() == 1 && self.ins[0].y == self.outs[0].y
    }

    /// First and last row of the vertical, arrowheads included.
    pub(super) fn span(&self) -> (usize, usize) {
        let ends = self.ins.iter().map(|line| line.y).chain(self.outs.iter().map(Out::end));
        ends.fold((usize::MAX, 0), |(top, bottom), y| (top.min(y), bottom.max(y)))
    }
}

impl Out {
    /// The row on which the net's own drawing ends.
    pub(super) fn end(&self) -> usize {
        self.land.row(self.y)
    }
}

/// The last layer that the drawn edges of each node reach, by node; its own layer when there are none.
pub(super) fn extents(slots: &Slots, stubs: &Stubs) -> Vec<usize> {
    let mut extents = slots.layer_of[..slots.nodes].to_vec();
    for target in 0..slots.nodes {
        for &slot in &slots.left[target] {
            let source = slots.source_of[slot];
            if !stubs.contains(&(source, target)) {
                extents[source] = extents[source].max(slots.layer_of[target]);
            }
        }
    }
    extents
}

/// The nets of the gutter right of `layer`, in the order of their first source from the top.
///
/// Sources with exactly the same targets share one net: it joins only lines that lead to the same places, so nothing
/// can be misread.
pub(super) fn nets(
    slots: &Slots,
    rows: &[usize],
    extents: &[usize],
    stubs: &Stubs,
    layer: usize,
) -> Vec<Net> {
    let mut nets: Vec<Net> = Vec::new();
    let mut by_targets: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    for &slot in &slots.layers[layer] {
        let source = slots.source_of[slot];
        let drawn = |&target: &usize| match slots.is_node(target) {
            true => !stubs.contains(&(source, target)),
            false => extents[source] > slots.layer_of[target],
        };
        let mut targets: Vec<usize> = slots.right[slot].iter().copied().filter(drawn).collect();
        if targets.is_empty() {
            continue;
        }
        targets.sort_unstable_by_key(|&target| rows[target]);
        let line = In { y: rows[slot] * ROW, lead: None, slot, source };
        if let Some(&net) = by_targets.get(&targets) {
            nets[net].ins.push(line);
            continue;
        }
        let out = |&slot: &usize| Out { y: rows[slot] * ROW, slot, land: Land::Along };
        let outs = targets.iter().map(out).collect();
        by_targets.insert(targets, nets.len());
        nets.push(Net { layer, ins: vec![line], outs, track: None });
    }
    nets
}
