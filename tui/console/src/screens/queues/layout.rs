//! How the rows of the screen are shared among the panes.

use super::{PANES, Pane};
use crate::app::App;

/// The fewest rows of a pane: rule, titles, one line.
const ROWS_MIN: u16 = 3;

/// The rows of each pane, rule and titles included; a pane that is not shown has none.
pub(super) fn heights(app: &App, rows: usize) -> [u16; PANES] {
    let state = &app.states.queues;
    let rows = u16::try_from(rows).unwrap_or(u16::MAX);
    let focus = Pane::of(app) as usize;
    if app.place().zoomed || rows < ROWS_MIN * PANES as u16 {
        let mut heights = [0; PANES];
        heights[focus] = rows;
        return heights;
    }
    let lines = [state.list.rows().len(), state.waiting.rows().len(), state.holders.rows().len()];
    let wanted = lines.map(|it| u16::try_from(it + 2).unwrap_or(u16::MAX).max(ROWS_MIN));
    share(rows, wanted, focus)
}

/// Each gets what it needs at least, then the one with the keys what it wants, then the others in their order; what is left
/// stays below the last.
fn share(rows: u16, wanted: [u16; PANES], focus: usize) -> [u16; PANES] {
    let mut heights = [ROWS_MIN; PANES];
    let mut free = rows - ROWS_MIN * PANES as u16;
    let others = (0..PANES).filter(|it| *it != focus);
    for pane in std::iter::once(focus).chain(others) {
        let more = (wanted[pane] - ROWS_MIN).min(free);
        heights[pane] += more;
        free -= more;
    }
    // A blank row parts the panes where there are rows to spare.
    for height in heights.iter_mut().take(PANES - 1) {
        let blank = free.min(1);
        *height += blank;
        free -= blank;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pane_with_the_keys_grows_first_and_none_vanishes() {
        assert_eq!(share(20, [5, 5, 4], 0), [6, 6, 4]);
        assert_eq!(share(20, [5, 43, 4], 0), [5, 12, 3]);
        assert_eq!(share(20, [5, 43, 43], 1), [3, 14, 3]);
        assert_eq!(share(11, [9, 43, 9], 2), [3, 3, 5]);
        assert_eq!(share(9, [u16::MAX; 3], 2), [3, 3, 3]);
    }
}
