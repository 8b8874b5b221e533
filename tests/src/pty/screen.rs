//! What a terminal shows.

use std::fmt;

use vt100::Color;

/// A picture, as a terminal shows it. Rows and columns count from 0.
#[derive(Clone)]
pub struct Screen {
    inner: vt100::Screen,
}

/// How a cell looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    pub foreground: Color,
    pub background: Color,
    pub bold: bool,
    pub dim: bool,
    pub underlined: bool,
    pub reversed: bool,
}

impl Screen {
    pub(super) fn of(screen: &vt100::Screen) -> Self {
        Self { inner: screen.clone() }
    }

    /// The rows as text, without the blanks at their ends.
    pub fn rows(&self) -> Vec<String> {
        let (rows, _) = self.inner.size();
        (0..rows).map(|it| self.row(it)).collect()
    }

    /// A row as text, without the blanks at its end.
    pub fn row(&self, row: u16) -> String {
        let cells = self.cells(row);
        cells.map(|(_, text)| text).collect::<String>().trim_end().to_owned()
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        self.rows().join("\n")
    }

    /// Whether a row holds this.
    pub fn has(&self, text: &str) -> bool {
        self.row_with(text).is_some()
    }

    /// The first row that holds this, as text.
    pub fn row_with(&self, text: &str) -> Option<String> {
        self.rows().into_iter().find(|it| it.contains(text))
    }

    /// Row and column where this begins.
    pub fn find(&self, text: &str) -> Option<(u16, u16)> {
        let (rows, _) = self.inner.size();
        (0..rows).find_map(|row| {
            let place = self.row(row).find(text)?;
            let mut bytes = 0;
            let column = self.cells(row).find_map(|(column, it)| {
                let is_it = bytes == place;
                bytes += it.len();
                is_it.then_some(column)
            });
            Some((row, column?))
        })
    }

    /// How the first glyph of this looks.
    pub fn look(&self, text: &str) -> Option<Look> {
        let (row, column) = self.find(text)?;
        self.look_at(row, column)
    }

    /// How a cell looks.
    pub fn look_at(&self, row: u16, column: u16) -> Option<Look> {
        let cell = self.inner.cell(row, column)?;
        Some(Look {
            foreground: cell.fgcolor(),
            background: cell.bgcolor(),
            bold: cell.bold(),
            dim: cell.dim(),
            underlined: cell.underline(),
            reversed: cell.inverse(),
        })
    }

    /// The looks of all cells, row by row.
    pub fn looks(&self) -> impl Iterator<Item = Look> {
        let (rows, columns) = self.inner.size();
        let places = (0..rows).flat_map(move |row| (0..columns).map(move |it| (row, it)));
        places.filter_map(|(row, column)| self.look_at(row, column))
    }

    /// Whether it is the screen of programs like editors, which leaves no trace.
    pub fn is_alternate(&self) -> bool {
        self.inner.alternate_screen()
    }

    /// Whether the cursor is shown and pastes come without brackets, as shells have it.
    pub fn is_restored(&self) -> bool {
        !self.is_alternate() && !self.inner.hide_cursor() && !self.inner.bracketed_paste()
    }

    /// Column and text of each glyph of a row; an empty cell is a blank.
    fn cells(&self, row: u16) -> impl Iterator<Item = (u16, &str)> {
        let (_, columns) = self.inner.size();
        (0..columns).filter_map(move |column| {
            let cell = self.inner.cell(row, column)?;
            let text = if cell.has_contents() { cell.contents() } else { " " };
            (!cell.is_wide_continuation()).then_some((column, text))
        })
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = self.inner.size();
        writeln!(f, "{columns}×{rows}, alternate: {}", self.is_alternate())?;
        self.rows().iter().try_for_each(|it| writeln!(f, "│{it}"))
    }
}
