//! What is drawn outside the boxes, row by row.

use super::Strand;
use super::nets::{In, Land, Net, Out};
use super::slots::Slots;

/// What stands in a cell of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glyph {
    /// A line or a junction: which sides it leads to.
    Line(Arms),
    /// An arrowhead that points at a box or at a line.
    Head(Side),
}

/// A side of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Right,
    Up,
    Down,
}

/// The sides that a line leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Arms {
    pub(super) left: bool,
    pub(super) right: bool,
    pub(super) up: bool,
    pub(super) down: bool,
}

impl Arms {
    pub(super) const HORIZONTAL: Self = Self { left: true, right: true, up: false, down: false };
    pub(super) const VERTICAL: Self = Self { left: false, right: false, up: true, down: true };
}

/// A run of equal cells on one row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    pub(super) x: usize,
    pub(super) len: usize,
    pub(super) glyph: Glyph,
    pub(super) strand: Strand,
}

impl Ink {
    /// The first column behind it.
    pub(super) fn end(&self) -> usize {
        self.x + self.len
    }
}

/// Where lines begin and end, in cells.
#[derive(Debug, Clone)]
pub(super) struct Edges {
    /// The first column of each layer.
    pub(super) starts: Vec<usize>,
    /// The first column behind each layer.
    pub(super) ends: Vec<usize>,
    /// The first column behind each node, its letters included.
    pub(super) node_ends: Vec<usize>,
}

/// The ink of each of `height` rows, from left to right without overlaps.
pub(super) fn ink(slots: &Slots, nets: &[Net], edges: &Edges, height: usize) -> Vec<Vec<Ink>> {
    let mut rows = vec![Row::default(); height];
    for (index, net) in nets.iter().enumerate() {
        draw(slots, net, index, edges, &mut rows);
    }
    rows.into_iter().map(Row::into_ink).collect()
}

#[derive(Debug, Clone, Default)]
struct Row {
    horizontals: Vec<Ink>,
    points: Vec<Ink>,
}

impl Row {
    /// Breaks the horizontals where something stands upon them.
    fn into_ink(mut self) -> Vec<Ink> {
        self.horizontals.sort_unstable_by_key(|ink| ink.x);
        self.points.sort_unstable_by_key(|ink| ink.x);
        let mut ink = Vec::with_capacity(self.horizontals.len() + self.points.len());
        let mut points = self.points.into_iter().peekable();
        for whole in self.horizontals {
            let mut rest = whole;
            while let Some(point) = points.next_if(|point| point.x < whole.end()) {
                if point.x > rest.x {
                    ink.push(Ink { len: point.x - rest.x, ..rest });
                }
                if point.x >= rest.x {
                    rest = Ink { x: point.x + 1, len: rest.end() - point.x - 1, ..rest };
                }
                ink.push(point);
            }
            if rest.len > 0 {
                ink.push(rest);
            }
        }
        ink.extend(points);
        ink
    }

    fn horizontal(&mut self, from: usize, to: usize, strand: Strand) {
        if from < to {
            let glyph = Glyph::Line(Arms::HORIZONTAL);
            self.horizontals.push(Ink { x: from, len: to - from, glyph, strand });
        }
    }

    fn point(&mut self, x: usize, glyph: Glyph, strand: Strand) {
        self.points.push(Ink { x, len: 1, glyph, strand });
    }
}

fn draw(slots: &Slots, net: &Net, index: usize, edges: &Edges, rows: &mut [Row]) {
    let head = edges.starts[net.layer + 1] - 1;
    let track = net.track.map(|track| edges.ends[net.layer] + 1 + 2 * track);
    for (at, line) in net.ins.iter().enumerate() {
        let from = match slots.is_node(line.slot) {
            true => edges.node_ends[line.slot],
            false => edges.starts[net.layer],
        };
        let strand = Strand::enters(index, at);
        let to = track.unwrap_or(head);
        match line.lead {
            None => rows[line.y].horizontal(from, to, strand),
            Some(lead) => {
                let x = edges.ends[net.layer] + 1 + 2 * lead.track;
                let (down, up) = (line.y > lead.y, line.y < lead.y);
                rows[lead.y].horizontal(from, x, strand);
                let leaves = Arms { left: true, right: false, up, down };
                rows[lead.y].point(x, Glyph::Line(leaves), strand);
                let arrives = Arms { left: false, right: true, up: down, down: up };
                rows[line.y].point(x, Glyph::Line(arrives), strand);
                rows[line.y].horizontal(x + 1, to, strand);
            }
        }
    }
    for (at, out) in net.outs.iter().enumerate().filter(|(_, out)| out.land == Land::Along) {
        let strand = Strand::leaves(index, at);
        rows[out.y].horizontal(track.map_or(head, |track| track + 1), head, strand);
        match slots.is_node(out.slot) {
            true => rows[out.y].point(head, Glyph::Head(Side::Right), strand),
            false => rows[out.y].horizontal(head, head + 1, strand),
        }
    }
    if let Some(x) = track {
        draw_vertical(net, index, x, rows);
    }
}

fn draw_vertical(net: &Net, index: usize, x: usize, rows: &mut [Row]) {
    let (top, bottom) = net.span();
    let mut ins = net.ins.iter().peekable();
    let mut outs: Vec<(usize, &Out)> = net.outs.iter().enumerate().collect();
    outs.sort_by_key(|(_, out)| out.end());
    let mut outs = outs.into_iter().peekable();
    for (y, row) in (top..).zip(&mut rows[top..=bottom]) {
        let left = ins.next_if(|line: &&In| line.y == y).is_some();
        let out = outs.next_if(|(_, out)| out.end() == y);
        let (up, down) = (y > top, y < bottom);
        let pointed = out.and_then(|(at, out)| Some((at, side(out.land)?)));
        match pointed {
            Some((at, side)) if !left && ends(side, up, down) => {
                row.point(x, Glyph::Head(side), Strand::leaves(index, at));
            }
            _ => {
                let arms = Arms { left, right: out.is_some(), up, down };
                row.point(x, Glyph::Line(arms), Strand::trunk(index, y));
                if let Some((at, side)) = pointed {
                    row.point(x + 1, Glyph::Head(side), Strand::leaves(index, at));
                }
            }
        }
    }
}

/// Whether the vertical ends where the arrowhead points on.
fn ends(side: Side, up: bool, down: bool) -> bool {
    match side {
        Side::Up => !up,
        Side::Down => !down,
        Side::Right => false,
    }
}

fn side(land: Land) -> Option<Side> {
    match land {
        Land::Along => None,
        Land::Down => Some(Side::Down),
        Land::Up => Some(Side::Up),
    }
}
