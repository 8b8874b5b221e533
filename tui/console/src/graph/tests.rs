//! The picture says exactly what the shape says, and states move nothing.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use petgraph::graph::NodeIndex;
use proptest::prelude::*;

use super::ink::{Arms, Glyph, Side};
use super::read::{Boxes, Budget, Picture, read};
use super::*;

pub(super) fn shape(nodes: &[&str], edges: &[(usize, usize)]) -> Shape {
    let mut shape = Shape::new();
    for label in nodes {
        shape.add_node(Node { label: (*label).to_owned(), room: 0 });
    }
    for &(from, to) in edges {
        shape.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
    }
    shape
}

/// Names joined by arrows: every name before an arrow is needed by every name after it.
pub(super) fn named(arrows: &str) -> Shape {
    let mut names: Vec<&str> = Vec::new();
    let mut edges = Vec::new();
    for line in arrows.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let groups: Vec<Vec<usize>> = line
            .split("->")
            .map(|group| group.split_whitespace().map(|name| place(&mut names, name)).collect())
            .collect();
        for pair in groups.windows(2) {
            edges
                .extend(pair[0].iter().flat_map(|&from| pair[1].iter().map(move |&to| (from, to))));
        }
    }
    shape(&names, &edges)
}

fn place<'a>(names: &mut Vec<&'a str>, name: &'a str) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

pub(super) fn plain(_: NodeIndex) -> Face {
    Face { mark: 'o', count: String::new() }
}

pub(super) fn layout(shape: &Shape) -> Layout {
    Layout::new(shape).expect("the shape can be drawn")
}

fn check(shape: &Shape, glyphs: Glyphs, expected: Expect) {
    let text: String =
        lines(&layout(shape), glyphs, &plain).iter().map(|l| format!("{l}\n")).collect();
    expected.assert_eq(&text);
    assert_reads_back(shape, glyphs);
}

/// The printed text as a grid of cells: what is read from it, a person can read.
struct Text {
    cells: Vec<Vec<char>>,
    places: Vec<Place>,
    glyphs: Glyphs,
}

impl Text {
    fn of(layout: &Layout, glyphs: Glyphs) -> Self {
        let row = |line: &String| {
            let wide =
                |c: char| std::iter::once(c).chain(std::iter::repeat_n('\0', char_cells(c) - 1));
            line.chars().filter(|c| char_cells(*c) > 0).flat_map(wide).collect()
        };
        let nodes = layout.shape().node_indices();
        Self {
            cells: lines(layout, glyphs, &plain).iter().map(row).collect(),
            places: nodes.map(|node| layout.place(node)).collect(),
            glyphs,
        }
    }

    fn at(&self, x: Option<usize>, y: Option<usize>) -> char {
        let cell = |x: usize, y: usize| self.cells.get(y)?.get(x).copied();
        x.zip(y).and_then(|(x, y)| cell(x, y)).unwrap_or(' ')
    }

    fn ascii_arms(&self, x: usize, y: usize) -> Arms {
        Arms {
            left: self.at(x.checked_sub(1), Some(y)) == '-',
            right: "->^v".contains(self.at(Some(x + 1), Some(y))),
            up: "|+^".contains(self.at(Some(x), y.checked_sub(1))),
            down: "|+v".contains(self.at(Some(x), Some(y + 1))),
        }
    }
}

impl Picture for Text {
    fn glyph(&self, x: usize, y: usize) -> Option<Glyph> {
        let arms = |left, right, up, down| Some(Glyph::Line(Arms { left, right, up, down }));
        match (self.glyphs, self.at(Some(x), Some(y))) {
            (Glyphs::Unicode, '▸') | (Glyphs::Ascii, '>') => Some(Glyph::Head(Side::Right)),
            (Glyphs::Unicode, '▴') | (Glyphs::Ascii, '^') => Some(Glyph::Head(Side::Up)),
            (Glyphs::Unicode, '▾') | (Glyphs::Ascii, 'v') => Some(Glyph::Head(Side::Down)),
            (Glyphs::Unicode, '─') | (Glyphs::Ascii, '-') => arms(true, true, false, false),
            (Glyphs::Unicode, '│') | (Glyphs::Ascii, '|') => arms(false, false, true, true),
            (Glyphs::Ascii, '+') => Some(Glyph::Line(self.ascii_arms(x, y))),
            (Glyphs::Unicode, '┐') => arms(true, false, false, true),
            (Glyphs::Unicode, '┘') => arms(true, false, true, false),
            (Glyphs::Unicode, '┤') => arms(true, false, true, true),
            (Glyphs::Unicode, '┌') => arms(false, true, false, true),
            (Glyphs::Unicode, '└') => arms(false, true, true, false),
            (Glyphs::Unicode, '├') => arms(false, true, true, true),
            (Glyphs::Unicode, '┬') => arms(true, true, false, true),
            (Glyphs::Unicode, '┴') => arms(true, true, true, false),
            (Glyphs::Unicode, '┼') => arms(true, true, true, true),
            _ => None,
        }
    }

    fn before(&self, node: usize) -> String {
        let Place { x, y, .. } = self.places[node];
        let sign = |at: usize| at > 0 && ['»', '~'].contains(&self.at(Some(at - 1), Some(y)));
        if !sign(x) {
            return String::new();
        }
        let cells = (0..x - 1).rev().map(|at| self.at(Some(at), Some(y)));
        let mut letters: Vec<char> =
            cells.take_while(|c| c.is_ascii_lowercase() || *c == ',').collect();
        letters.reverse();
        letters.into_iter().collect()
    }

    fn after(&self, node: usize) -> String {
        let Place { x, y, width } = self.places[node];
        if !['»', '~'].contains(&self.at(Some(x + width), Some(y))) {
            return String::new();
        }
        let cells = (x + width + 1..).map(|at| self.at(Some(at), Some(y)));
        cells.take_while(char::is_ascii_lowercase).collect()
    }
}

fn edges_of(shape: &Shape) -> BTreeSet<(usize, usize)> {
    let ends = shape.edge_indices().filter_map(|edge| shape.edge_endpoints(edge));
    ends.map(|(from, to)| (from.index(), to.index())).collect()
}

fn assert_reads_back(shape: &Shape, glyphs: Glyphs) {
    let layout = layout(shape);
    let text = Text::of(&layout, glyphs);
    let (width, height) = layout.size();
    assert!(text.cells.len() == height && text.cells.iter().all(|row| row.len() <= width));
    let seen = read(&text, &Boxes::of(&layout), &mut Budget(usize::MAX)).expect("no limit");
    let picture = lines(&layout, glyphs, &plain).join("\n");
    assert_eq!(seen, edges_of(shape), "\n{picture}\n");
}

const RETAIL: &str = "
    wait_for_sales -> returns -> net_sales margin stock_turn store_rank -> quality -> publish_ok
    publish_ok -> dash_north dash_south dash_east dash_west -> publish
    returns -> exceptions
    dash_north dash_south dash_east dash_west exceptions -> index";

const PICTURE: &str = "
    t00 -> t01 t04 t02
    t01 -> t03 t02
    t04 -> t03
    t03 -> t05 t07
    t02 -> t06
    t05 -> t08 t10
    t06 -> t08 t07
    t08 -> t09 t10
    t09 -> t16 t11
    t07 -> t09 t12
    t10 -> t11 t14
    t11 -> t13
    t12 -> t18 t13 t16
    t13 -> t14
    t16 -> t22 t19
    t14 -> t15 t17
    t19 -> t17
    t22 -> t20 t17
    t20 -> t23 t21
    t19 -> t18
    t18 -> t21";

#[test]
fn a_chain_is_one_row() {
    check(
        &named("extract -> load -> report"),
        Glyphs::Unicode,
        expect![[r#"
        o extract──▸o load──▸o report
    "#]],
    );
}

#[test]
fn a_diamond_parts_and_joins() {
    check(
        &named("a -> b c -> d"),
        Glyphs::Unicode,
        expect![[r#"
        o a─┬─▸o b─┬─▸o d
            │      │
            └─▸o c─┘
    "#]],
    );
}

#[test]
fn a_wide_fan_shares_one_vertical_on_each_side() {
    check(
        &named("list -> s1 s2 s3 s4 s5 s6 s7 -> merge"),
        Glyphs::Unicode,
        expect![[r#"
               ┌─▸o s1─┐
               │       │
               ├─▸o s2─┤
               │       │
               ├─▸o s3─┤
               │       │
        o list─┼─▸o s4─┼─▸o merge
               │       │
               ├─▸o s5─┤
               │       │
               ├─▸o s6─┤
               │       │
               └─▸o s7─┘
    "#]],
    );
}

#[test]
fn the_retail_day() {
    check(
        &named(RETAIL),
        Glyphs::Unicode,
        expect![[r#"
                                                                                 ┌─▸o dash_north─┐
                                                                                 │               │
                                     ┌─▸o net_sales──┐                           ├─▸o dash_south─┼───▸o publish
                                     │               │                           │               │
                                     ├─▸o margin─────┼─▸o quality──▸o publish_ok─┼─▸o dash_east──┼───▸o index
                                     │               │                           │               │ ▴
        o wait_for_sales──▸o returns─┼─▸o stock_turn─┤                           └─▸o dash_west──┘ │
                                     │               │                                             │
                                     ├─▸o store_rank─┘                                             │
                                     │                                                             │
                                     └─▸o exceptions───────────────────────────────────────────────┘
    "#]],
    );
}

#[test]
fn the_retail_day_in_ascii() {
    check(
        &named(RETAIL),
        Glyphs::Ascii,
        expect![[r#"
                                                                                 +->o dash_north-+
                                                                                 |               |
                                     +->o net_sales--+                           +->o dash_south-+--->o publish
                                     |               |                           |               |
                                     +->o margin-----+->o quality-->o publish_ok-+->o dash_east--+--->o index
                                     |               |                           |               | ^
        o wait_for_sales-->o returns-+->o stock_turn-+                           +->o dash_west--+ |
                                     |               |                                             |
                                     +->o store_rank-+                                             |
                                     |                                                             |
                                     +->o exceptions-----------------------------------------------+
    "#]],
    );
}

#[test]
fn twenty_four_nodes() {
    check(
        &named(PICTURE),
        Glyphs::Unicode,
        expect![[r#"
                                                                                                            ┌───▸o t23
                                                                                                            │
                                                                                                 ┌───▸o t20─┴───▸o t21
                                                                                                 │            ▴
                  ┌────────────▸o t02─┐ ┌──────────────▸o t07───┬─▸o t12─────┬──────────┬────────│───▸o t18───┘
                  │        ▴          └─│─┐        ▴            ▾            ▾          │        │ ▴
            o t00─┼─▸o t01─┴───▸o t03───┤ └─▸o t06─┴───▸o t08─┬───▸o t09───┬───▸o t16─┬─│─▸o t22─┴─│────────┐
                  │          ▴          │            ▴        │            │          │ │          │        │
                  └─▸o t04───┘          └───▸o t05───┤        │            │          └─│─▸o t19───┴────────┴───▸o t17
                                                     │        ▾            ▾            ▾                     ▴
                                                     └────────────▸o t10─┬─────▸o t11─────▸o t13─┬───▸o t14───┴─▸o t15
                                                                         │                       │
                                                                         └───────────────────────┘
        "#]],
    );
}

#[test]
fn an_edge_without_a_readable_way_becomes_letters() {
    check(
        &named("a -> x y\n b -> y x z\n c -> z x\n d -> y"),
        Glyphs::Unicode,
        expect![[r#"
            o a─────┬─▸a,b»o x
                    ▾
            o b»a─┬───▸o y
                  ▾ ▴
            o c»b───│─▸o z
                    │
            o d─────┘
        "#]],
    );
}

#[test]
fn wide_names_keep_their_lines_in_place() {
    check(
        &named("売上 -> 集計 x -> 公開"),
        Glyphs::Unicode,
        expect![[r#"
        o 売上─┬─▸o 集計─┬─▸o 公開
               │         │
               └─▸o x────┘
    "#]],
    );
}

#[test]
fn lines_cross_without_joining() {
    check(
        &named("a -> x y\n b -> y z\n c -> x"),
        Glyphs::Unicode,
        expect![[r#"
            ┌─────▸o y
            │ ▴
        o a─┴─│───▸o x
              │ ▴
        o b───┴─│─▸o z
                │
        o c─────┘
    "#]],
    );
}

#[test]
fn edges_that_are_there_twice_are_drawn_once() {
    let twice = shape(&["a", "b"], &[(0, 1), (0, 1)]);
    assert_eq!(lines(&layout(&twice), Glyphs::Unicode, &plain), ["o a──▸o b"]);
}

#[test]
fn no_nodes_are_an_empty_picture() {
    let empty = layout(&Shape::new());
    assert_eq!(empty.size(), (0, 0));
    assert!(lines(&empty, Glyphs::Unicode, &plain).is_empty());
}

#[test]
fn a_task_that_needs_itself_is_refused() {
    let cycle = |shape: &Shape| matches!(Layout::new(shape), Err(GraphError::Cycle { .. }));
    assert!(cycle(&shape(&["a"], &[(0, 0)])));
    assert!(cycle(&shape(&["a", "b", "c"], &[(0, 1), (1, 2), (2, 1)])));
}

#[test]
fn what_nobody_could_follow_is_refused_and_not_tried() {
    let large = |edges: Vec<(usize, usize)>| Layout::new(&shape(&["t"; 10_000], &edges)).err();
    let chain = (1..10_000).map(|to| (to - 1, to));
    assert_eq!(large(chain.collect()), Some(GraphError::TooLarge));
    let fan = (1..9_999).flat_map(|task| [(0, task), (task, 9_999)]);
    assert_eq!(large(fan.collect()), Some(GraphError::TooLarge));
    let dense = (0..150).flat_map(|from| (200..350).map(move |to| (from, to)));
    assert_eq!(large(dense.collect()), Some(GraphError::TooLarge));
}

#[test]
fn a_state_moves_nothing() {
    let mut shape = named(RETAIL);
    shape.node_weights_mut().for_each(|node| node.room = 6);
    let layout = layout(&shape);
    let lines_with = |mark, count: &str| {
        let face = |_| Face { mark, count: count.to_owned() };
        let view = Viewport { x: 0, y: 0, width: 400, height: 100 };
        let runs = layout.paint(view, Glyphs::Unicode, &face);
        let of_gutter = |run: &Run| matches!(run.part, Part::Mark(_) | Part::Letters(_));
        runs.iter().filter(|run| of_gutter(run)).map(|run| (run.x, run.y)).collect::<Vec<_>>()
    };
    assert_eq!(lines_with('✔', ""), lines_with('✖', "98/128"));
    let waiting = lines(&layout, Glyphs::Unicode, &plain);
    let done =
        lines(&layout, Glyphs::Unicode, &|_| Face { mark: '✔', count: "98/128".to_owned() });
    let widths = |lines: &[String]| lines.iter().map(|l| cells(l)).max();
    assert_eq!(widths(&waiting), Some(layout.size().0 - 7));
    assert_eq!(widths(&done), Some(layout.size().0));
}

#[test]
fn letters_go_on_after_z() {
    let names: Vec<String> = [0, 25, 26, 701, 702].map(layout::letter).into();
    assert_eq!(names, ["a", "z", "aa", "zz", "aaa"]);
}

fn any_dag() -> impl Strategy<Value = Shape> {
    (5_usize..30)
        .prop_flat_map(|nodes| {
            let edges = proptest::collection::vec((0..nodes, 0..nodes), 0..nodes * 2);
            (Just((0..nodes).collect::<Vec<_>>()).prop_shuffle(), edges)
        })
        .prop_map(|(rank, pairs)| {
            let labels: Vec<String> = (0..rank.len()).map(|n| format!("t{}", n * n)).collect();
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let ahead = pairs.into_iter().filter(|(from, to)| from != to);
            let edges: Vec<_> =
                ahead.map(|(a, b)| if rank[a] < rank[b] { (a, b) } else { (b, a) }).collect();
            shape(&labels, &edges)
        })
}

/// Layers of tasks with needs mostly in the layer before, as pipelines have them.
fn any_pipeline() -> impl Strategy<Value = Shape> {
    let task = proptest::collection::vec((0_usize..100, 0_usize..10), 1..4);
    let layer = proptest::collection::vec(task, 1..7);
    proptest::collection::vec(layer, 2..7).prop_map(|layers| {
        let mut shape = Shape::new();
        let mut earlier: Vec<Vec<NodeIndex>> = Vec::new();
        for layer in layers {
            let mut nodes = Vec::new();
            for needs in layer {
                let label = format!("task_{}", shape.node_count());
                let node = shape.add_node(Node { label, room: needs.len() });
                for (pick, back) in needs {
                    let from = earlier.len().checked_sub(if back == 0 { 2 } else { 1 });
                    let from = from.and_then(|at| earlier.get(at));
                    if let Some(from) = from {
                        shape.update_edge(from[pick % from.len()], node, ());
                    }
                }
                nodes.push(node);
            }
            earlier.push(nodes);
        }
        shape
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_picture_reads_back_exactly(shape in any_dag()) {
        assert_reads_back(&shape, Glyphs::Unicode);
    }

    #[test]
    fn every_picture_reads_back_exactly_in_ascii(shape in any_dag()) {
        assert_reads_back(&shape, Glyphs::Ascii);
    }

    #[test]
    fn every_pipeline_reads_back_exactly(shape in any_pipeline()) {
        assert_reads_back(&shape, Glyphs::Unicode);
        assert_reads_back(&shape, Glyphs::Ascii);
    }
}
