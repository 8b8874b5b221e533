//! Where the panes of Pulse stand. What has no room has no height.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::is_in_running;
use crate::app::App;
use crate::text;
use crate::theme::{Glyph, Role};

/// From so many columns and rows on there are two columns of panes.
const WIDE: (u16, u16) = (120, 24);
/// From so many rows on pools, counts and the daemon are shown.
const MEDIUM: u16 = 18;
/// The fewest rows that show something of what runs: rule, titles, three runs.
const RUNNING_MIN: u16 = 5;

/// The panes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Panes {
    pub(super) needs: Rect,
    pub(super) running: Rect,
    pub(super) pools: Rect,
    pub(super) last: Rect,
    pub(super) daemon: Rect,
    /// The line between the columns.
    pub(super) wall: Rect,
}

/// The panes of a body of this size.
pub(super) fn of(app: &App, area: Rect) -> Panes {
    let needs = 1 + rows(app.states.pulse.needs.len()).max(1);
    let pools = 1 + rows(app.store.pools.len()).max(1);
    if app.place().zoomed {
        return match is_in_running(app) {
            true => Panes { running: area, ..Panes::default() },
            false => Panes { needs: area, ..Panes::default() },
        };
    }
    if area.width >= WIDE.0 && area.height >= WIDE.1 {
        return wide(area, needs, pools);
    }
    let mut cut = Cutter(area);
    if area.height < MEDIUM {
        let needs = needs.min(area.height.saturating_sub(RUNNING_MIN));
        return Panes { needs: cut.off(needs), running: cut.0, ..Panes::default() };
    }
    let glance = 3 + pools.min(5);
    let free = area.height.saturating_sub(glance + RUNNING_MIN);
    Panes {
        needs: cut.off(needs.min(free)),
        last: cut.off(2),
        daemon: cut.off(1),
        pools: cut.off(pools.min(5)),
        running: cut.0,
        ..Panes::default()
    }
}

fn wide(area: Rect, needs: u16, pools: u16) -> Panes {
    let right = area.width * 3 / 8;
    let left = Rect { width: area.width - right - 1, ..area };
    let wall = Rect { x: left.right(), width: 1, ..area };
    let right = Rect { x: wall.right(), width: right, ..area };
    let (mut left, mut right) = (Cutter(left), Cutter(right));
    Panes {
        needs: left.off((needs + 1).min(area.height / 2)),
        running: left.0,
        pools: right.off((pools + 1).min(area.height / 2)),
        last: right.off(7),
        daemon: right.0,
        wall,
    }
}

/// Cuts rows off the top of what is left.
struct Cutter(Rect);

impl Cutter {
    fn off(&mut self, rows: u16) -> Rect {
        let rows = rows.min(self.0.height);
        let top = Rect { height: rows, ..self.0 };
        self.0 = Rect { y: top.bottom(), height: self.0.height - rows, ..self.0 };
        top
    }
}

fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX - 2)
}

/// Draws the line between the columns.
pub(super) fn wall(app: &App, panes: &Panes, buf: &mut Buffer) {
    let theme = app.theme();
    let wall = panes.wall;
    for y in wall.top()..wall.bottom() {
        text::say(buf, wall.x, y, wall.width, theme.glyph(Glyph::Wall), theme.style(Role::Dim));
    }
}
