//! Which panes there are and where they stand. Depends on the size of the screen and on what is chosen, never on a state.

use ratatui::layout::Rect;

/// From so many columns and rows on all panes stand side by side.
const WIDE: (u16, u16) = (130, 30);
/// Below so many columns or rows one pane is shown at a time.
const SMALL: (u16, u16) = (70, 16);

/// A pane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pane {
    /// Graph or focus.
    Drawn,
    /// Tasks, items or timeline.
    Listed,
    Details,
    Log,
}

/// The panes that are shown, each with its title row.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Panes {
    pub(super) shown: Vec<(Pane, Rect)>,
    pub(super) focused: Pane,
    /// Its place among all panes, and how many there are.
    pub(super) nth: (usize, usize),
    /// The column of the wall between left and right.
    pub(super) wall: Option<Rect>,
}

/// What decides about the panes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    /// Below the notes.
    pub(super) area: Rect,
    /// The place of the pane that has the keys.
    pub(super) pane: usize,
    pub(super) zoomed: bool,
    /// Whether the first pane is a list where there is no room for a list beside the graph.
    pub(super) lists: bool,
    /// The rows of the whole graph, where that is what is drawn.
    pub(super) rows: Option<usize>,
}

/// Whether there is room for graph and list at once.
pub(super) fn is_wide(area: Rect) -> bool {
    area.width >= WIDE.0 && area.height >= WIDE.1
}

/// All panes in the order of `tab`.
pub(super) fn order(area: Rect, lists: bool) -> &'static [Pane] {
    match (is_wide(area), lists) {
        (true, _) => &[Pane::Drawn, Pane::Listed, Pane::Details, Pane::Log],
        (false, true) => &[Pane::Listed, Pane::Details, Pane::Log],
        (false, false) => &[Pane::Drawn, Pane::Details, Pane::Log],
    }
}

pub(super) fn panes(want: Want) -> Panes {
    let area = want.area;
    let order = order(area, want.lists);
    let at = want.pane.min(order.len() - 1);
    let focused = order[at];
    let small = area.width < SMALL.0 || area.height < SMALL.1;
    let mut wall = None;
    let shown = if want.zoomed || small {
        vec![(focused, area)]
    } else if is_wide(area) {
        let (shown, column) = beside(want);
        wall = Some(column);
        shown
    } else {
        stacked(want, order[0])
    };
    Panes { shown, focused, nth: (at, order.len()), wall }
}

fn stacked(want: Want, first: Pane) -> Vec<(Pane, Rect)> {
    let Rect { height, .. } = want.area;
    let half = height / 2;
    let main = match (first, want.rows) {
        // Title, a row of air, the picture, the minimap.
        (Pane::Drawn, Some(rows)) => u16::try_from(rows + 3).unwrap_or(half).clamp(6, half),
        _ => half,
    };
    let details = ((height - main) * 3 / 5).clamp(5, 14);
    let [main, rest] = cut(want.area, main);
    let [details, log] = cut(rest, details);
    vec![(first, main), (Pane::Details, details), (Pane::Log, log)]
}

fn beside(want: Want) -> (Vec<(Pane, Rect)>, Rect) {
    let Rect { width, height, .. } = want.area;
    let third = height / 3;
    let top = want.rows.map_or(third, |it| u16::try_from(it + 3).unwrap_or(third).clamp(7, third));
    let [top, below] = cut(want.area, top);
    let left = Rect { width: width * 3 / 5, ..below };
    let x = left.right() + 1;
    let right = Rect { x, width: below.right() - x, ..below };
    let [details, log] = cut(right, (below.height / 2).min(18));
    let shown =
        vec![(Pane::Drawn, top), (Pane::Listed, left), (Pane::Details, details), (Pane::Log, log)];
    (shown, Rect { x: left.right(), width: 1, ..below })
}

/// The first rows, and the others.
fn cut(area: Rect, rows: u16) -> [Rect; 2] {
    let rows = rows.min(area.height);
    [Rect { height: rows, ..area }, Rect { y: area.y + rows, height: area.height - rows, ..area }]
}
