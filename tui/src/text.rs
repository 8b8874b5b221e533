//! Lines made of safe text and styles, and tables of them.

use console::safe::Safe;

/// How a piece of a line looks, by what it means. [`crate::theme`] gives the colour.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Style {
    #[default]
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
    Warn,
    Busy,
}

/// A line for people.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Line(Vec<(Style, Safe)>);

impl Line {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// With more text at its end.
    pub(crate) fn and(self, text: impl AsRef<str>) -> Self {
        self.styled(Style::Plain, text)
    }

    /// With more text at its end, in a style.
    pub(crate) fn styled(mut self, style: Style, text: impl AsRef<str>) -> Self {
        self.0.push((style, Safe::line(text.as_ref())));
        self
    }

    /// With another line at its end.
    pub(crate) fn join(mut self, other: Line) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(crate) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.width()).sum()
    }

    /// As much of it as fits into `columns`.
    pub(crate) fn cut(self, columns: usize) -> Self {
        if self.width() <= columns {
            return self;
        }
        let mut left = columns;
        let mut cut = Vec::new();
        for (style, text) in self.0 {
            let fits = text.width() < left;
            let text = if fits { text } else { text.cut(left) };
            left = left.saturating_sub(text.width());
            cut.push((style, text));
            if !fits {
                break;
            }
        }
        Self(cut)
    }

    /// Its pieces, for whoever writes it out.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (Style, &Safe)> {
        self.0.iter().map(|(style, text)| (*style, text))
    }

    fn padded(self, columns: usize, align: Align) -> Self {
        let blanks = " ".repeat(columns.saturating_sub(self.width()));
        match align {
            Align::Left => self.and(blanks),
            Align::Right => Line::from(blanks).join(self),
        }
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::new().and(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new().and(text)
    }
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A column: its head, its side, and the most columns of the terminal that it may take.
pub(crate) type Column = (&'static str, Align, usize);

/// Rows under a head.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Line>>,
}

impl Table {
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row: a cell for each column.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Line; N]) {
        debug_assert_eq!(N, self.columns.len(), "a row has a cell for each column");
        self.rows.push(cells.into());
    }

    /// The head and the rows, each no wider than `width` where that is known. Columns in which nothing stands are left out.
    pub(crate) fn lines(self, width: Option<usize>) -> Vec<Line> {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let widest = self.rows.iter().map(|row| row[at].width()).max().unwrap_or(0);
                let (head, _, most) = self.columns[at];
                if widest == 0 { 0 } else { widest.max(head.len()).min(most) }
            })
            .collect();
        let head = self.columns.iter().map(|(name, ..)| Line::new().styled(Style::Dim, name));
        let mut rows = vec![head.collect()];
        rows.extend(self.rows);
        rows.into_iter()
            .map(|row: Vec<Line>| compose(row, &self.columns, &widths))
            .map(|line| width.map_or(line.clone(), |it| line.cut(it)))
            .collect()
    }
}

fn compose(row: Vec<Line>, columns: &[Column], widths: &[usize]) -> Line {
    let last = widths.iter().rposition(|it| *it > 0).unwrap_or(0);
    let mut line = Line::new();
    for (at, cell) in row.into_iter().enumerate().filter(|(at, _)| widths[*at] > 0) {
        let cell = cell.cut(widths[at]);
        let (_, align, _) = columns[at];
        line = match (at == last, align) {
            (true, Align::Left) => line.join(cell),
            _ => line.join(cell.padded(widths[at], align)),
        };
        if at != last {
            line = line.and("  ");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(lines: Vec<Line>) -> Vec<String> {
        let text = |line: Line| line.pieces().map(|(_, it)| it.to_string()).collect::<String>();
        lines.into_iter().map(text).collect()
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut table = Table::new(&[
            ("NAME", Align::Left, 6),
            ("SIZE", Align::Right, 9),
            ("NONE", Align::Left, 9),
            ("NOTE", Align::Left, 99),
        ]);
        table.row(["a".into(), "1".into(), Line::new(), "first".into()]);
        table.row(["a long name".into(), "12345".into(), Line::new(), "second".into()]);
        assert_eq!(
            plain(table.lines(Some(18))),
            ["NAME     SIZE  NO…", "a           1  fi…", "a lon…  12345  se…"]
        );
    }

    #[test]
    fn a_hostile_cell_stays_in_its_row() {
        let mut table = Table::new(&[("NAME", Align::Left, 20), ("NOTE", Align::Left, 20)]);
        table.row(["a\nb\x1b[2J".into(), "x".into()]);
        assert_eq!(plain(table.lines(None)), ["NAME     NOTE", "a␊b␛[2J  x"]);
    }

    #[test]
    fn a_styled_line_is_cut_as_a_whole() {
        let line = Line::new().styled(Style::Good, "✓").and(" succeeded").and(" at last");
        assert_eq!(plain(vec![line.cut(10)]), ["✓ succeed…"]);
    }
}
