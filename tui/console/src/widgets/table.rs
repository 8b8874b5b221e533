//! Rows in columns. Columns that matter less go first where there is no room; only visible rows are asked for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::safe::Safe;
use crate::text::{self, Align};
use crate::theme::{Glyph, Role, Theme};

/// Columns left of the first: the marks of selected and marked rows.
const GUTTER: u16 = 3;
/// Columns between two.
const GAP: u16 = 2;
/// The `max` of a column that takes what the others leave.
pub(crate) const REST: u16 = u16::MAX;

/// A column. Its place in the list of columns names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// The fewest cells that make sense.
    pub(crate) min: u16,
    /// The most cells that are of use.
    pub(crate) max: u16,
    pub(crate) align: Align,
    /// 0 always stays; the larger, the sooner it goes.
    pub(crate) rank: u8,
}

/// What stands in a cell.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Cell {
    pub(crate) text: Safe,
    pub(crate) style: Style,
}

/// A column where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Placed {
    /// Its place in the list of columns.
    pub(crate) column: usize,
    pub(crate) x: u16,
    pub(crate) width: u16,
}

/// How a row stands out.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Look {
    pub(crate) selected: bool,
    pub(crate) marked: bool,
}

impl Cell {
    pub(crate) fn new(text: &str, style: Style) -> Self {
        Self { text: Safe::line(text), style }
    }
}

/// The same columns, where one takes no more cells than its title and these texts have use for.
pub(crate) fn fitted<const N: usize>(
    mut columns: [Column; N],
    column: usize,
    texts: impl Iterator<Item = String>,
) -> [Column; N] {
    let it = &mut columns[column];
    let title = text::width(&Safe::line(it.title));
    let widest = texts.map(|it| text::width(&Safe::line(&it))).fold(title, usize::max);
    it.max = u16::try_from(widest).unwrap_or(u16::MAX).min(it.max);
    it.min = it.min.min(it.max);
    columns
}

/// Which columns fit into `width` cells, and where.
pub(crate) fn place(columns: &[Column], width: u16) -> Vec<Placed> {
    let room = width.saturating_sub(GUTTER);
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let needed = |kept: &[usize]| -> u16 {
        let cells: u16 = kept.iter().map(|it| columns[*it].min).sum();
        cells + GAP * (kept.len() as u16).saturating_sub(1)
    };
    while needed(&kept) > room {
        let Some(worst) = kept.iter().copied().max_by_key(|it| (columns[*it].rank, *it)) else {
            break;
        };
        if columns[worst].rank == 0 {
            break;
        }
        kept.retain(|it| *it != worst);
    }
    let widths = widen(columns, &kept, room.saturating_sub(needed(&kept)));
    let mut x = GUTTER;
    let mut placed = Vec::new();
    for (column, width) in kept.into_iter().zip(widths) {
        placed.push(Placed { column, x, width });
        x += width + GAP;
    }
    placed
}

/// Gives the cells that are left to the columns that have use for them, first those that matter most.
fn widen(columns: &[Column], kept: &[usize], mut free: u16) -> Vec<u16> {
    let mut widths: Vec<u16> = kept.iter().map(|it| columns[*it].min).collect();
    let mut by_rank: Vec<usize> = (0..kept.len()).collect();
    by_rank.sort_by_key(|it| (columns[kept[*it]].max == REST, columns[kept[*it]].rank));
    for at in by_rank {
        let more = columns[kept[at]].max.saturating_sub(widths[at]).min(free);
        widths[at] += more;
        free -= more;
    }
    widths
}

/// Draws titles and rows. `rows`: those that are visible; `cell`: what stands in a column of a row, for its width.
pub(crate) fn table<K>(
    buf: &mut Buffer,
    area: Rect,
    theme: Theme,
    columns: &[Column],
    rows: &[K],
    look: impl Fn(&K) -> Look,
    cell: impl Fn(&K, usize, u16) -> Cell,
) {
    if area.height == 0 {
        return;
    }
    let placed = place(columns, area.width);
    for it in &placed {
        let title = Safe::line(columns[it.column].title);
        let style = theme.style(Role::Dim);
        draw(buf, (area, area.y), *it, columns[it.column].align, &title, style);
    }
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    self::rows(buf, below, theme, columns, rows, look, cell);
}

/// The same without the titles.
pub(crate) fn rows<K>(
    buf: &mut Buffer,
    area: Rect,
    theme: Theme,
    columns: &[Column],
    rows: &[K],
    look: impl Fn(&K) -> Look,
    cell: impl Fn(&K, usize, u16) -> Cell,
) {
    let placed = place(columns, area.width);
    for (y, key) in (area.top()..area.bottom()).zip(rows) {
        let look = look(key);
        for it in &placed {
            let cell = cell(key, it.column, it.width);
            draw(buf, (area, y), *it, columns[it.column].align, &cell.text, cell.style);
        }
        gutter(buf, area, y, theme, look);
    }
}

fn gutter(buf: &mut Buffer, area: Rect, y: u16, theme: Theme, look: Look) {
    let row = Rect { y, height: 1, ..area };
    if look.selected {
        text::say(buf, area.x + 1, y, 1, theme.glyph(Glyph::Selected), theme.style(Role::Strong));
        text::highlight(buf, row, theme.style(Role::Selected));
    }
    if look.marked {
        let glyph = theme.glyph(Glyph::Marked);
        text::say(buf, area.x, y, 1, glyph, theme.style(Role::Strong));
    }
}

fn draw(
    buf: &mut Buffer,
    (area, y): (Rect, u16),
    placed: Placed,
    align: Align,
    text: &Safe,
    style: Style,
) {
    let x = area.x.saturating_add(placed.x);
    let room = placed.width.min(area.right().saturating_sub(x));
    match align {
        Align::Left => {
            text::put(buf, x, y, room, text, style);
        }
        Align::Right => text::put_right(buf, x, y, room, text, style),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { title: "A", min: 5, max: 20, align: Align::Left, rank: 0 },
        Column { title: "B", min: 5, max: 5, align: Align::Right, rank: 2 },
        Column { title: "C", min: 5, max: 9, align: Align::Left, rank: 1 },
    ];

    fn widths(width: u16) -> Vec<(usize, u16)> {
        place(&COLUMNS, width).iter().map(|it| (it.column, it.width)).collect()
    }

    #[test]
    fn a_column_takes_no_more_than_its_texts_need() {
        let fit = |text: &str| fitted(COLUMNS, 0, std::iter::once(text.to_owned()))[0];
        assert_eq!((fit("abcdefg").min, fit("abcdefg").max), (5, 7));
        assert_eq!((fit("ab").min, fit("ab").max), (2, 2));
        assert_eq!(fit(&"x".repeat(99)).max, 20);
    }

    #[test]
    fn what_matters_least_goes_first_and_what_matters_most_grows_first() {
        assert_eq!(widths(60), [(0, 20), (1, 5), (2, 9)]);
        assert_eq!(widths(30), [(0, 13), (1, 5), (2, 5)]);
        assert_eq!(widths(20), [(0, 10), (2, 5)]);
        assert_eq!(widths(4), [(0, 5)]);
        assert_eq!(widths(0), [(0, 5)]);
    }
}
