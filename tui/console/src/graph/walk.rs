//! Going from box to box, and keeping the box one stands on in view.

use std::fmt;

use petgraph::graph::NodeIndex;

use super::layout::Layout;
use super::nets::ROW;
use super::paint::{Glyphs, Viewport};

/// Where an arrow key leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// To the layer before.
    Left,
    /// To the layer after.
    Right,
    /// Up within the layer.
    Up,
    /// Down within the layer.
    Down,
}

/// Which layers a viewport shows, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Minimap {
    /// The first visible layer.
    pub first: usize,
    /// The last visible layer.
    pub last: usize,
    /// All layers; 0 when nothing is drawn.
    pub layers: usize,
}

impl Layout {
    /// The box that an arrow key leads to: above or below in the layer, else the one on the nearest row of the next
    /// layer on that side, linked ones first on equal distance.
    pub fn neighbour(&self, node: NodeIndex, direction: Direction) -> Option<NodeIndex> {
        let (layer, at) = self.locate(node)?;
        match direction {
            Direction::Up => self.layers[layer].get(at.checked_sub(1)?).copied(),
            Direction::Down => self.layers[layer].get(at + 1).copied(),
            Direction::Left => self.nearest(node, layer.checked_sub(1)?),
            Direction::Right => self.nearest(node, layer + 1),
        }
    }

    /// The box after this one in walking order: down each layer, layers from left to right.
    pub fn next(&self, node: NodeIndex) -> Option<NodeIndex> {
        self.layers.iter().flatten().copied().skip_while(|&other| other != node).nth(1)
    }

    /// The box before this one in walking order.
    pub fn previous(&self, node: NodeIndex) -> Option<NodeIndex> {
        self.layers.iter().flatten().copied().take_while(|&other| other != node).last()
    }

    /// The viewport moved as little as it takes to show a box whole, by layers and by rows of boxes.
    pub fn scroll_to(&self, node: NodeIndex, view: Viewport) -> Viewport {
        let Some((layer, _)) = self.locate(node) else { return view };
        let place = self.place(node);
        let end = place.x + place.width + self.letters[node.index()].after_width();
        // One column before the layer, so that its arrowheads are seen.
        let corner = |layer: usize| self.starts[layer].saturating_sub(1);
        let x = if corner(layer) < view.x {
            corner(layer)
        } else if end > view.x.saturating_add(view.width) {
            (0..layer)
                .map(corner)
                .find(|x| x.saturating_add(view.width) >= end)
                .unwrap_or(corner(layer))
        } else {
            view.x
        };
        let y = if place.y < view.y {
            place.y
        } else if place.y >= view.y.saturating_add(view.height) {
            (place.y + 1).saturating_sub(view.height).next_multiple_of(ROW)
        } else {
            view.y
        };
        Viewport { x, y, ..view }
    }

    /// Which layers `view` shows.
    pub fn minimap(&self, view: Viewport) -> Minimap {
        let layers = self.starts.len();
        let first = self.starts.partition_point(|&start| start <= view.x).max(1);
        let last = self.starts.partition_point(|&start| start < view.x.saturating_add(view.width));
        Minimap { first: first.min(layers), last: last.max(first).min(layers), layers }
    }

    fn locate(&self, node: NodeIndex) -> Option<(usize, usize)> {
        let y = self.places.get(node.index())?.y;
        let at = |order: &Vec<NodeIndex>| {
            let at = order.partition_point(|&other| self.place(other).y < y);
            (order.get(at) == Some(&node)).then_some(at)
        };
        self.layers.iter().enumerate().find_map(|(layer, order)| Some((layer, at(order)?)))
    }

    fn nearest(&self, node: NodeIndex, layer: usize) -> Option<NodeIndex> {
        let y = self.place(node).y;
        let linked = |other: NodeIndex| {
            self.shape.contains_edge(node, other) || self.shape.contains_edge(other, node)
        };
        let key = |other: &NodeIndex| (self.place(*other).y.abs_diff(y), !linked(*other));
        self.layers.get(layer)?.iter().copied().min_by_key(key)
    }
}

impl Minimap {
    /// A bar of `width` cells, ends included, whose filled part are the visible layers. Empty below three cells.
    pub fn bar(&self, width: usize, glyphs: Glyphs) -> String {
        let Some(inner) = width.checked_sub(2).filter(|inner| *inner > 0 && self.layers > 0) else {
            return String::new();
        };
        let from = (self.first - 1) * inner / self.layers;
        let to = (self.last * inner / self.layers).clamp(from + 1, inner.max(from + 1));
        let (open, full, empty, close) = match glyphs {
            Glyphs::Unicode => ('▕', '█', '░', '▏'),
            Glyphs::Ascii => ('[', '#', '.', ']'),
        };
        let cells = (0..inner).map(|at| if (from..to).contains(&at) { full } else { empty });
        std::iter::once(open).chain(cells).chain(std::iter::once(close)).collect()
    }
}

impl fmt::Display for Minimap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, layers } = self;
        match first == last {
            true => write!(f, "layer {first} of {layers}"),
            false => write!(f, "layers {first}-{last} of {layers}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{layout, named};
    use super::*;

    fn labels(layout: &Layout, nodes: impl IntoIterator<Item = NodeIndex>) -> String {
        nodes.into_iter().map(|node| layout.shape()[node].label.as_str()).collect()
    }

    #[test]
    fn arrows_lead_to_the_nearest_row() {
        let layout = layout(&named("a -> b c d -> e"));
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(NodeIndex::new);
        assert_eq!(layout.neighbour(a, Direction::Right), Some(c));
        assert_eq!(layout.neighbour(c, Direction::Up), Some(b));
        assert_eq!(layout.neighbour(c, Direction::Down), Some(d));
        assert_eq!(layout.neighbour(d, Direction::Right), Some(e));
        assert_eq!(layout.neighbour(d, Direction::Left), Some(a));
        assert_eq!(layout.neighbour(b, Direction::Up), None);
        assert_eq!(layout.neighbour(e, Direction::Right), None);
        assert_eq!(layout.neighbour(NodeIndex::new(9), Direction::Right), None);
    }

    #[test]
    fn walking_meets_every_box_once() {
        let layout = layout(&named("a -> b c -> d\n x -> d"));
        let forth = std::iter::successors(Some(NodeIndex::new(0)), |&node| layout.next(node));
        assert_eq!(labels(&layout, forth), "abcxd");
        let back = std::iter::successors(Some(NodeIndex::new(3)), |&node| layout.previous(node));
        assert_eq!(labels(&layout, back), "dxcba");
    }

    #[test]
    fn scrolling_shows_the_box_whole_and_stops_at_layers() {
        let layout = layout(&named("first -> second -> third -> fourth\n a\n b\n c"));
        let view = Viewport { x: 0, y: 0, width: 22, height: 4 };
        let shown = |view: Viewport, node| {
            let place = layout.place(node);
            let (right, bottom) = (view.x + view.width, view.y + view.height);
            place.x >= view.x
                && place.x + place.width <= right
                && (view.y..bottom).contains(&place.y)
        };
        let mut view = view;
        for node in layout.layers().iter().flatten().chain(layout.layers().iter().rev().flatten()) {
            view = layout.scroll_to(*node, view);
            assert!(shown(view, *node));
            assert!(view.x == 0 || layout.starts.contains(&(view.x + 1)));
            assert_eq!((view.y % ROW, layout.scroll_to(*node, view)), (0, view));
        }
    }

    #[test]
    fn the_minimap_names_the_visible_layers() {
        let layout = layout(&named("a -> b -> c -> d"));
        let map = layout.minimap(Viewport { x: 0, y: 0, width: 10, height: 5 });
        assert_eq!(map.to_string(), "layers 1-2 of 4");
        assert_eq!(map.bar(10, Glyphs::Unicode), "▕████░░░░▏");
        assert_eq!(map.bar(6, Glyphs::Ascii), "[##..]");
        let end = layout.minimap(Viewport { x: 18, y: 0, width: 10, height: 5 });
        assert_eq!(end.to_string(), "layer 4 of 4");
        assert_eq!(end.bar(3, Glyphs::Ascii), "[#]");
        assert_eq!(end.bar(2, Glyphs::Ascii), "");
    }
}
