//! Reads a picture as a person would: from each box along the glyphs to the boxes they lead to.
//!
//! It knows glyphs and boxes and nothing of nets, so what it finds is what the picture says.

use std::collections::{BTreeMap, BTreeSet};

use super::ink::{Arms, Glyph, Side};
use super::layout::Layout;

/// Something that can be looked at cell by cell.
pub(super) trait Picture {
    /// The line in a cell, or none where no line is.
    fn glyph(&self, x: usize, y: usize) -> Option<Glyph>;
    /// The letters that end just before a box.
    fn before(&self, node: usize) -> String;
    /// The letters that begin right after a box.
    fn after(&self, node: usize) -> String;
}

/// Where the boxes are.
#[derive(Debug, Clone)]
pub(super) struct Boxes {
    /// The first column behind each box and its letters, and its row, by node.
    ends: Vec<(usize, usize)>,
    /// The node at the first column of its letters or its box, and its row.
    starts: BTreeMap<(usize, usize), usize>,
}

impl Boxes {
    /// The boxes of a layout.
    pub(super) fn of(layout: &Layout) -> Self {
        let mut boxes = Self { ends: Vec::new(), starts: BTreeMap::new() };
        for (node, (place, letters)) in layout.places.iter().zip(&layout.letters).enumerate() {
            boxes.ends.push((place.x + place.width + letters.after_width(), place.y));
            boxes.starts.insert((place.x - letters.before_width(), place.y), node);
        }
        boxes
    }
}

/// How many cells may be followed.
#[derive(Debug)]
pub(super) struct Budget(pub(super) usize);

/// All edges that the picture shows, as pairs of node indices. None when the budget was not enough.
pub(super) fn read<P: Picture>(
    picture: &P,
    boxes: &Boxes,
    budget: &mut Budget,
) -> Option<BTreeSet<(usize, usize)>> {
    let mut edges = BTreeSet::new();
    for (node, &(x, y)) in boxes.ends.iter().enumerate() {
        for target in reached(picture, boxes, (x, y), budget)? {
            edges.insert((node, target));
        }
    }
    let nodes = 0..boxes.ends.len();
    let letters = nodes.clone().map(|node| (picture.after(node), node));
    let sources: BTreeMap<String, usize> = letters.filter(|(name, _)| !name.is_empty()).collect();
    for node in nodes {
        for name in picture.before(node).split(',') {
            edges.extend(sources.get(name).map(|&source| (source, node)));
        }
    }
    Some(edges)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heading {
    Right,
    Up,
    Down,
}

type Step = (usize, usize, Heading);

/// The boxes that can be reached along lines from a cell, going right.
fn reached<P: Picture>(
    picture: &P,
    boxes: &Boxes,
    (x, y): (usize, usize),
    budget: &mut Budget,
) -> Option<Vec<usize>> {
    let mut reached = Vec::new();
    let mut open: Vec<Step> = vec![(x, y, Heading::Right)];
    while let Some((x, y, heading)) = open.pop() {
        budget.0 = budget.0.checked_sub(1)?;
        match picture.glyph(x, y) {
            None => {}
            Some(Glyph::Line(arms)) => follow(arms, (x, y, heading), &mut open),
            Some(Glyph::Head(Side::Right)) => reached.extend(boxes.starts.get(&(x + 1, y))),
            // A head against a line: from there the line leads on.
            Some(Glyph::Head(Side::Up)) => {
                open.extend(y.checked_sub(1).map(|above| (x, above, Heading::Right)));
            }
            Some(Glyph::Head(Side::Down)) => open.push((x, y + 1, Heading::Right)),
        }
    }
    Some(reached)
}

fn follow(arms: Arms, (x, y, heading): Step, open: &mut Vec<Step>) {
    let right = (x + 1, y, Heading::Right);
    let down = (x, y + 1, Heading::Down);
    let up = y.checked_sub(1).map(|above| (x, above, Heading::Up));
    match heading {
        // At a crossing the vertical is drawn and the horizontal goes on behind it.
        Heading::Right if arms == Arms::VERTICAL => open.push(right),
        Heading::Right if arms.left => {
            open.extend(arms.right.then_some(right));
            open.extend(arms.down.then_some(down));
            open.extend(up.filter(|_| arms.up));
        }
        Heading::Down if arms.up => {
            open.extend(arms.down.then_some(down));
            open.extend(arms.right.then_some(right));
        }
        Heading::Up if arms.down => {
            open.extend(up.filter(|_| arms.up));
            open.extend(arms.right.then_some(right));
        }
        Heading::Right | Heading::Up | Heading::Down => {}
    }
}

impl Picture for Layout {
    fn glyph(&self, x: usize, y: usize) -> Option<Glyph> {
        let row = self.ink.get(y)?;
        let ink = row.get(row.partition_point(|ink| ink.end() <= x))?;
        (ink.x <= x).then_some(ink.glyph)
    }

    fn before(&self, node: usize) -> String {
        self.letters[node].before.clone()
    }

    fn after(&self, node: usize) -> String {
        self.letters[node].after.clone()
    }
}
