//! What a viewport shows of a layout, as runs of text that the caller colours.

use petgraph::graph::NodeIndex;

use super::ink::{Arms, Glyph, Ink, Side};
use super::layout::Layout;
use super::{Strand, cells, char_cells};

/// The part of the picture that is on screen, in cells from its upper left corner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Viewport {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// The characters that lines are drawn with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Glyphs {
    /// Box drawing characters and small triangles.
    #[default]
    Unicode,
    /// Only what every terminal has.
    Ascii,
}

/// What a state puts into a box.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Face {
    /// The glyph of the state, one cell.
    pub mark: char,
    /// A count or a duration behind the name, cut to the room of the node; may be empty.
    pub count: String,
}

/// A text in one colour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// Column from the left edge of the viewport.
    pub x: usize,
    /// Row from the upper edge of the viewport.
    pub y: usize,
    /// What stands there, never wider than the viewport.
    pub text: String,
    /// What it is part of.
    pub part: Part,
}

/// What a run is part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The glyph of the node's state.
    Mark(NodeIndex),
    /// The node's name and count, with the space before them.
    Node(NodeIndex),
    /// Letters before or after the node, for edges that are not drawn.
    Letters(NodeIndex),
    /// A piece of line; [`Layout::carries`] and [`Layout::touches`] say of which edges.
    Edge(Strand),
}

impl Layout {
    /// The runs within `view`, row by row from left to right; they do not overlap, and blanks are left out.
    ///
    /// `face` says what the state puts into each box that is visible; it moves nothing. What goes on beyond the left or
    /// right edge ends there in `«` or `»`.
    pub fn paint(
        &self,
        view: Viewport,
        glyphs: Glyphs,
        face: &dyn Fn(NodeIndex) -> Face,
    ) -> Vec<Run> {
        let mut runs = Vec::new();
        let bottom = view.y.saturating_add(view.height).min(self.ink.len());
        for y in view.y..bottom {
            let mut row = Row { view, y, glyphs, runs: Vec::new() };
            self.paint_lines(&mut row);
            self.paint_boxes(&mut row, face);
            row.runs.sort_by_key(|run| run.x);
            runs.append(&mut row.runs);
        }
        runs
    }

    fn paint_lines(&self, row: &mut Row) {
        let ink = &self.ink[row.y];
        let right = row.right();
        let first = ink.partition_point(|ink| ink.end() <= row.view.x);
        for ink in ink[first..].iter().take_while(|ink| ink.x < right) {
            row.line(ink);
        }
    }

    fn paint_boxes(&self, row: &mut Row, face: &dyn Fn(NodeIndex) -> Face) {
        let boxes = &self.boxes[row.y];
        let end = |node: NodeIndex| {
            let place = self.places[node.index()];
            place.x + place.width + self.letters[node.index()].after_width()
        };
        let start = |node: NodeIndex| {
            self.places[node.index()].x - self.letters[node.index()].before_width()
        };
        let right = row.right();
        let first = boxes.partition_point(|&node| end(node) <= row.view.x);
        for &node in boxes[first..].iter().take_while(|&&node| start(node) < right) {
            self.paint_box(row, node, face(node));
        }
    }

    fn paint_box(&self, row: &mut Row, node: NodeIndex, face: Face) {
        let (place, letters) = (self.places[node.index()], &self.letters[node.index()]);
        let sign = sign(row.glyphs);
        if !letters.before.is_empty() {
            let text = format!("{}{sign}", letters.before);
            row.text(place.x - letters.before_width(), &text, Part::Letters(node));
        }
        let mark = if char_cells(face.mark) == 1 { face.mark } else { '?' };
        row.text(place.x, &mark.to_string(), Part::Mark(node));
        let mut text = format!(" {}", self.shape[node].label);
        if self.shape[node].room > 0 && !face.count.is_empty() {
            text = format!("{text} {}", face.count);
        }
        let text = slice(&text, 0, place.width - 1);
        row.text(place.x + 1, &text, Part::Node(node));
        let used = 1 + cells(&text);
        if !letters.after.is_empty() {
            row.text(
                place.x + place.width,
                &format!("{sign}{}", letters.after),
                Part::Letters(node),
            );
        } else if let Some(strand) = self.leaving[node.index()] {
            let x = place.x + used;
            let len = place.width.saturating_sub(used);
            row.line(&Ink { x, len, glyph: Glyph::Line(Arms::HORIZONTAL), strand });
        }
    }
}

/// The whole picture, one string a row without blanks at its end.
pub fn lines(layout: &Layout, glyphs: Glyphs, face: &dyn Fn(NodeIndex) -> Face) -> Vec<String> {
    let (width, height) = layout.size();
    let mut lines = vec![(String::new(), 0); height];
    for run in layout.paint(Viewport { x: 0, y: 0, width, height }, glyphs, face) {
        let (line, used) = &mut lines[run.y];
        line.extend(std::iter::repeat_n(' ', run.x.saturating_sub(*used)));
        line.push_str(&run.text);
        *used = run.x + run.text.chars().map(char_cells).sum::<usize>();
    }
    lines.into_iter().map(|(line, _)| line.trim_end().to_owned()).collect()
}

struct Row {
    view: Viewport,
    y: usize,
    glyphs: Glyphs,
    runs: Vec<Run>,
}

impl Row {
    fn right(&self) -> usize {
        self.view.x.saturating_add(self.view.width)
    }

    fn line(&mut self, ink: &Ink) {
        let (from, to) = (ink.x.max(self.view.x), ink.end().min(self.right()));
        if from >= to {
            return;
        }
        let mut text = vec![character(ink.glyph, self.glyphs); to - from];
        let (comes, goes) = match ink.glyph {
            Glyph::Line(arms) => (arms.left, arms.right),
            Glyph::Head(side) => (false, side == Side::Right),
        };
        if comes && from == self.view.x && from > 0 {
            text[0] = beyond(self.glyphs).0;
        }
        if goes && to == self.right() {
            text[to - from - 1] = beyond(self.glyphs).1;
        }
        self.push(from, text.into_iter().collect(), Part::Edge(ink.strand));
    }

    fn text(&mut self, x: usize, text: &str, part: Part) {
        let end = x + cells(text);
        let (from, to) = (x.max(self.view.x), end.min(self.right()));
        if from >= to {
            return;
        }
        let (before, after) = beyond(self.glyphs);
        let (head, tail) = (usize::from(x < from), usize::from(end > to));
        if head + tail > to - from {
            return;
        }
        let middle = slice(text, from - x + head, to - from - head - tail);
        let text = [(head, before.to_string()), (1, middle), (tail, after.to_string())];
        self.push(
            from,
            text.into_iter().filter(|(there, _)| *there > 0).map(|(_, t)| t).collect(),
            part,
        );
    }

    fn push(&mut self, x: usize, text: String, part: Part) {
        self.runs.push(Run { x: x - self.view.x, y: self.y - self.view.y, text, part });
    }
}

/// The cells `skip..skip + take` of a text; half a wide character becomes a space.
fn slice(text: &str, skip: usize, take: usize) -> String {
    let mut slice = String::new();
    let mut at = 0;
    for character in text.chars() {
        let end = at + char_cells(character);
        if at >= skip && end <= skip + take && (end > at || at > skip) {
            slice.push(character);
        } else {
            let visible = end.min(skip + take).saturating_sub(at.max(skip));
            slice.extend(std::iter::repeat_n(' ', visible));
        }
        at = end;
    }
    slice
}

/// The sign between a name and the letters of its stubs.
fn sign(glyphs: Glyphs) -> char {
    match glyphs {
        Glyphs::Unicode => '»',
        Glyphs::Ascii => '~',
    }
}

/// What stands at the left and at the right edge where something goes on.
fn beyond(glyphs: Glyphs) -> (char, char) {
    match glyphs {
        Glyphs::Unicode => ('«', '»'),
        Glyphs::Ascii => ('<', '>'),
    }
}

/// The character of a cell of a line.
pub(super) fn character(glyph: Glyph, glyphs: Glyphs) -> char {
    let (unicode, ascii) = match glyph {
        Glyph::Head(Side::Right) => ('▸', '>'),
        Glyph::Head(Side::Up) => ('▴', '^'),
        Glyph::Head(Side::Down) => ('▾', 'v'),
        Glyph::Line(Arms { left, right, up, down }) => match (left, right, up, down) {
            (_, _, false, false) => ('─', '-'),
            (false, false, _, _) => ('│', '|'),
            (true, false, false, true) => ('┐', '+'),
            (true, false, true, false) => ('┘', '+'),
            (true, false, true, true) => ('┤', '+'),
            (false, true, false, true) => ('┌', '+'),
            (false, true, true, false) => ('└', '+'),
            (false, true, true, true) => ('├', '+'),
            (true, true, false, true) => ('┬', '+'),
            (true, true, true, false) => ('┴', '+'),
            (true, true, true, true) => ('┼', '+'),
        },
    };
    match glyphs {
        Glyphs::Unicode => unicode,
        Glyphs::Ascii => ascii,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{layout, named, plain};
    use super::*;

    fn rows(layout: &Layout, view: Viewport) -> Vec<String> {
        let mut rows = vec![String::new(); view.height];
        for run in layout.paint(view, Glyphs::Unicode, &plain) {
            let row = &mut rows[run.y];
            let used = cells(row);
            row.extend(std::iter::repeat_n(' ', run.x - used));
            row.push_str(&run.text);
        }
        rows
    }

    #[test]
    fn what_goes_on_beyond_the_edge_is_marked() {
        let layout = layout(&named("extract -> load -> report"));
        let view = |x, width| Viewport { x, y: 0, width, height: 1 };
        assert_eq!(rows(&layout, view(0, 28)), ["o extract──▸o load──▸o repo»"]);
        assert_eq!(rows(&layout, view(4, 13)), ["«ract──▸o lo»"]);
        assert_eq!(rows(&layout, view(10, 2)), ["«»"]);
        assert_eq!(rows(&layout, view(29, 20)), [""]);
    }

    #[test]
    fn half_a_wide_character_is_a_blank() {
        assert_eq!(slice("売上 x", 1, 4), " 上 ");
        assert_eq!(slice("売上 x", 0, 3), "売 ");
        assert_eq!(slice("売上 x", 9, 3), "");
    }

    #[test]
    fn every_viewport_shows_its_part_of_the_whole() {
        let layout = layout(&named("a -> b c -> d e -> f\n a -> f\n x -> e"));
        let (width, height) = layout.size();
        let whole: Vec<Vec<char>> =
            lines(&layout, Glyphs::Unicode, &plain).iter().map(|l| l.chars().collect()).collect();
        for (x, y) in (0..width + 3).flat_map(|x| (0..height + 1).map(move |y| (x, y))) {
            let view = Viewport { x, y, width: 9, height: 3 };
            for run in layout.paint(view, Glyphs::Unicode, &plain) {
                assert!(run.x + cells(&run.text) <= 9 && run.y < 3);
                for (at, shown) in (run.x..).zip(run.text.chars()) {
                    let beyond = (at == 0 && shown == '«') || (at == 8 && shown == '»');
                    assert!(beyond || whole[y + run.y][x + at] == shown, "at {x},{y}");
                }
            }
        }
    }

    #[test]
    fn a_count_never_leaves_its_room() {
        let mut shape = named("a -> b");
        shape.node_weights_mut().for_each(|node| node.room = 4);
        let layout = layout(&shape);
        let with = |count: &'static str| {
            lines(&layout, Glyphs::Unicode, &move |_| Face { mark: '▶', count: count.to_owned() })
        };
        assert_eq!(with("×8"), ["▶ a ×8────▸▶ b ×8"]);
        assert_eq!(with("10/999999"), ["▶ a 10/9──▸▶ b 10/9"]);
    }
}
