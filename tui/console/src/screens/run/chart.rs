//! A graph of tasks as it stands on the screen: the tasks, and behind a break those of `finally`. It knows tasks by their
//! place in the run, and no states.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::NodeIndex;

use crate::graph::{
    Direction, Face, Glyphs, GraphError, Layout, Minimap, Node, Part, Shape, Strand, Viewport,
};

/// Columns between the tasks and those of `finally`; the break stands within.
const BREAK: usize = 5;

/// One or two layouts side by side.
#[derive(Debug)]
pub(super) struct Chart {
    parts: Vec<Half>,
    size: (usize, usize),
}

#[derive(Debug)]
struct Half {
    layout: Layout,
    /// The place of the task of each node.
    places: Vec<usize>,
    /// Its first column.
    x: usize,
}

/// A text of the picture, from the corner of the viewport.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Ink {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) text: String,
    pub(super) of: Of,
}

/// What a text is part of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Of {
    /// The glyph of the state of the task at this place.
    Mark(usize),
    /// Its name and count.
    Name(usize),
    /// Letters of edges that are not drawn.
    Letters(usize),
    /// A piece of line of one of the layouts.
    Edge(usize, Strand),
    /// What parts `finally` from the rest.
    Break,
}

impl Chart {
    /// Lays out some tasks of a run. `shape`: all of it, a node for each task, in their order; `kept`: the places of those
    /// that are drawn, ascending; `is_finally`: by place.
    pub(super) fn new(
        shape: &Shape,
        kept: &[usize],
        is_finally: &[bool],
    ) -> Result<Self, GraphError> {
        let group = |finally| kept.iter().copied().filter(move |it| is_finally[*it] == finally);
        let mut parts: Vec<Half> = Vec::new();
        let mut size = (0, 0);
        for finally in [false, true] {
            let places: Vec<usize> = group(finally).collect();
            if places.is_empty() {
                continue;
            }
            let layout = Layout::new(&induced(shape, &places))?;
            let (width, height) = layout.size();
            let x = if parts.is_empty() { 0 } else { size.0 + BREAK };
            size = (x + width, size.1.max(height));
            parts.push(Half { layout, places, x });
        }
        Ok(Self { parts, size })
    }

    /// Columns and rows of the whole picture.
    pub(super) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// How many layers there are, and how many tasks the largest has.
    pub(super) fn layers(&self) -> (usize, usize) {
        let layers = self.parts.iter().flat_map(|it| it.layout.layers());
        layers.fold((0, 0), |(count, widest), it| (count + 1, widest.max(it.len())))
    }

    /// The tasks in walking order: down each layer, layers from left to right.
    pub(super) fn order(&self) -> impl DoubleEndedIterator<Item = usize> {
        let order = |half: &Half| -> Vec<usize> {
            half.layout.layers().iter().flatten().map(|it| half.places[it.index()]).collect()
        };
        self.parts.iter().flat_map(order).collect::<Vec<_>>().into_iter()
    }

    /// The task that an arrow key leads to.
    pub(super) fn neighbour(&self, place: usize, direction: Direction) -> Option<usize> {
        let (at, node) = self.find(place)?;
        let half = &self.parts[at];
        if let Some(next) = half.layout.neighbour(node, direction) {
            return Some(half.places[next.index()]);
        }
        let (other, layer) = match direction {
            Direction::Right => (self.parts.get(at + 1)?, 0),
            Direction::Left => {
                let before = self.parts.get(at.checked_sub(1)?)?;
                (before, before.layout.layers().len().checked_sub(1)?)
            }
            Direction::Up | Direction::Down => return None,
        };
        let node = other.layout.layers().get(layer)?.first()?;
        Some(other.places[node.index()])
    }

    /// The viewport moved as little as it takes to show a task whole, by layers and rows.
    pub(super) fn scroll_to(&self, place: usize, view: Viewport) -> Viewport {
        let (width, height) = self.size;
        let view = Viewport {
            x: if width <= view.width { 0 } else { view.x },
            y: if height <= view.height { 0 } else { view.y },
            ..view
        };
        let Some((at, node)) = self.find(place) else { return view };
        let half = &self.parts[at];
        let Some((sub, dx)) = half.within(view) else {
            let moved = half.layout.scroll_to(node, Viewport { x: 0, ..view });
            return Viewport { x: half.x + moved.x, ..moved };
        };
        let moved = half.layout.scroll_to(node, sub);
        let place = half.layout.place(node);
        // Beside the first half there may be less room than a box takes.
        let fits = dx == 0 || place.x + place.width <= sub.width;
        if moved.x == sub.x && fits {
            return Viewport { y: moved.y, ..view };
        }
        let moved = match dx {
            0 => moved,
            _ => half.layout.scroll_to(node, Viewport { x: 0, width: view.width, ..moved }),
        };
        Viewport { x: half.x + moved.x, width: view.width, ..moved }
    }

    /// Which layers a viewport shows.
    pub(super) fn minimap(&self, view: Viewport) -> Minimap {
        let mut whole = Minimap { first: 0, last: 0, layers: 0 };
        // Before a layer one column is shown for the arrowheads; it is not of the layer before.
        let view = Viewport {
            x: view.x + usize::from(view.x > 0),
            width: view.width - usize::from(view.x > 0).min(view.width),
            ..view
        };
        for half in &self.parts {
            let before = whole.layers;
            let count = half.layout.layers().len();
            whole.layers += count;
            let Some((sub, _)) = half.within(view) else { continue };
            if sub.x >= half.layout.size().0 {
                continue;
            }
            let map = half.layout.minimap(sub);
            if whole.first == 0 {
                whole.first = before + map.first;
            }
            whole.last = before + map.last;
        }
        Minimap { first: whole.first.max(1), last: whole.last.max(1), ..whole }
    }

    /// What a viewport shows; `face` says what the state of a task puts into its box.
    pub(super) fn paint(
        &self,
        view: Viewport,
        glyphs: Glyphs,
        face: &dyn Fn(usize) -> Face,
    ) -> Vec<Ink> {
        let mut all = Vec::new();
        for (at, half) in self.parts.iter().enumerate() {
            if at > 0 {
                all.extend(self.break_before(half, view, glyphs));
            }
            let Some((sub, dx)) = half.within(view) else { continue };
            let face = |node: NodeIndex| face(half.places[node.index()]);
            for run in half.layout.paint(sub, glyphs, &face) {
                let place = |node: NodeIndex| half.places[node.index()];
                let of = match run.part {
                    Part::Mark(node) => Of::Mark(place(node)),
                    Part::Node(node) => Of::Name(place(node)),
                    Part::Letters(node) => Of::Letters(place(node)),
                    Part::Edge(strand) => Of::Edge(at, strand),
                };
                all.push(Ink { x: run.x + dx, y: run.y, text: run.text, of });
            }
        }
        all
    }

    fn break_before(&self, half: &Half, view: Viewport, glyphs: Glyphs) -> Vec<Ink> {
        let column = half.x - BREAK / 2 - 1;
        let Some(x) = column.checked_sub(view.x).filter(|it| *it < view.width) else {
            return Vec::new();
        };
        let text = match glyphs {
            Glyphs::Unicode => "┊",
            Glyphs::Ascii => ":",
        };
        let rows = self.size.1.saturating_sub(view.y).min(view.height);
        (0..rows).map(|y| Ink { x, y, text: text.to_owned(), of: Of::Break }).collect()
    }

    /// Whether an edge from or to a task runs over a piece of line.
    pub(super) fn touches(&self, (at, strand): (usize, Strand), place: usize) -> bool {
        let half = self.parts.get(at);
        half.and_then(|it| Some(it.layout.touches(strand, it.node(place)?))).unwrap_or(false)
    }

    /// Whether the edge between two tasks runs over a piece of line.
    pub(super) fn carries(&self, (at, strand): (usize, Strand), from: usize, to: usize) -> bool {
        let carries =
            |half: &Half| Some(half.layout.carries(strand, half.node(from)?, half.node(to)?));
        self.parts.get(at).and_then(carries).unwrap_or(false)
    }

    /// Where the box of a task begins, from the corner of the picture, and how wide it is.
    #[cfg(test)]
    pub(super) fn place(&self, place: usize) -> Option<(usize, usize, usize)> {
        let (at, node) = self.find(place)?;
        let it = self.parts[at].layout.place(node);
        Some((self.parts[at].x + it.x, it.y, it.width))
    }

    fn find(&self, place: usize) -> Option<(usize, NodeIndex)> {
        self.parts.iter().enumerate().find_map(|(at, half)| Some((at, half.node(place)?)))
    }
}

impl Half {
    fn node(&self, place: usize) -> Option<NodeIndex> {
        self.places.binary_search(&place).ok().map(NodeIndex::new)
    }

    /// The part of a viewport in which this half stands, and the columns before it.
    fn within(&self, view: Viewport) -> Option<(Viewport, usize)> {
        let dx = self.x.saturating_sub(view.x);
        let width = view.width.checked_sub(dx).filter(|it| *it > 0)?;
        Some((Viewport { x: view.x.saturating_sub(self.x), width, ..view }, dx))
    }
}

/// Some nodes of a shape, and the edges between them.
fn induced(shape: &Shape, places: &[usize]) -> Shape {
    let mut part = Shape::new();
    let mut node_of = BTreeMap::new();
    for place in places {
        let node = shape.node_weight(NodeIndex::new(*place)).cloned().unwrap_or_default();
        node_of.insert(*place, part.add_node(Node { ..node }));
    }
    for (place, node) in &node_of {
        let ends: BTreeSet<usize> =
            shape.neighbors(NodeIndex::new(*place)).map(NodeIndex::index).collect();
        for end in ends.iter().filter_map(|it| node_of.get(it)) {
            part.add_edge(*node, *end, ());
        }
    }
    part
}
