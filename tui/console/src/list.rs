//! What every list remembers: which row is selected and marked, by key and never by line, how it is sorted and narrowed.

use std::collections::BTreeSet;

use crate::filter::Filter;

/// A movement within a screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    First,
    Last,
    NextFailed,
    PreviousFailed,
}

/// The state of a list whose rows are known by `K`.
#[derive(Clone, Debug)]
pub(crate) struct List<K> {
    selected: Option<K>,
    /// What is to be selected as soon as it is there.
    wanted: Option<K>,
    /// Where the selected row stood, for the row that takes its place if it goes.
    line: usize,
    offset: usize,
    filter: Filter,
    sort: usize,
    marks: BTreeSet<K>,
    anchor: Option<K>,
    rows: Vec<K>,
    made_of: Option<Made>,
    page: usize,
}

/// What `rows` was made of: the revision of the data, the sort order, the filter, and the time where the filter asks for it.
#[derive(Clone, PartialEq, Debug)]
struct Made {
    revision: u64,
    sort: usize,
    filter: Filter,
    ten_seconds: i64,
}

impl<K> Default for List<K> {
    fn default() -> Self {
        Self {
            selected: None,
            wanted: None,
            line: 0,
            offset: 0,
            filter: Filter::default(),
            sort: 0,
            marks: BTreeSet::new(),
            anchor: None,
            rows: Vec::new(),
            made_of: None,
            page: 1,
        }
    }
}

impl<K: Ord + Clone> List<K> {
    /// Brings rows, selection and scrolling up to date.
    ///
    /// - `revision`: of the data; `seconds`: the time, in seconds.
    /// - `page`: how many rows are visible.
    /// - `make`: the rows that the filter keeps, in the order of the sort.
    pub(crate) fn settle(
        &mut self,
        revision: u64,
        seconds: i64,
        page: usize,
        make: impl FnOnce(&Filter, usize) -> Vec<K>,
    ) {
        let ten_seconds = if self.filter.is_timed() { seconds / 10 } else { 0 };
        let made = Made { revision, sort: self.sort, filter: self.filter.clone(), ten_seconds };
        self.page = page.max(1);
        if self.made_of.as_ref() != Some(&made) {
            self.rows = make(&self.filter, self.sort);
            self.keep_shown_marks();
            self.made_of = Some(made);
            self.keep_selection();
        }
        self.scroll();
    }

    /// Forgets the marks of rows that are no more.
    pub(crate) fn keep_marks(&mut self, exists: impl Fn(&K) -> bool) {
        self.marks.retain(exists);
    }

    /// What is not shown is not marked: nobody would know what an act hits.
    fn keep_shown_marks(&mut self) {
        if !self.marks.is_empty() {
            let shown: BTreeSet<&K> = self.rows.iter().collect();
            self.marks.retain(|it| shown.contains(it));
        }
    }

    fn keep_selection(&mut self) {
        if self.wanted.as_ref().is_some_and(|it| self.rows.contains(it)) {
            self.selected = self.wanted.take();
        }
        let at = self.selected.as_ref().and_then(|key| self.rows.iter().position(|it| it == key));
        self.line = at.unwrap_or(self.line).min(self.rows.len().saturating_sub(1));
        self.selected = self.rows.get(self.line).cloned();
    }

    fn scroll(&mut self) {
        let last = self.rows.len().saturating_sub(self.page);
        let lowest = (self.line + 1).saturating_sub(self.page);
        self.offset = self.offset.clamp(lowest, self.line.max(lowest)).min(last);
    }

    /// All rows, in their order.
    pub(crate) fn rows(&self) -> &[K] {
        &self.rows
    }

    /// The rows that `height` lines show.
    pub(crate) fn visible(&self, height: usize) -> &[K] {
        let start = self.offset.min(self.rows.len());
        &self.rows[start..(start + height).min(self.rows.len())]
    }

    pub(crate) fn selected(&self) -> Option<&K> {
        self.selected.as_ref()
    }

    pub(crate) fn is_selected(&self, key: &K) -> bool {
        self.selected.as_ref() == Some(key)
    }

    /// Selects a row, if it is among the rows when they are brought up to date.
    pub(crate) fn select(&mut self, key: K) {
        match self.rows.iter().position(|it| *it == key) {
            Some(line) => self.line = line,
            // The rows may be old: they are made again, and if it is not among them, another is selected.
            None => self.made_of = None,
        }
        self.selected = Some(key);
        self.scroll();
    }

    /// Selects a row as soon as it is there, unless the selection is moved before that.
    pub(crate) fn want(&mut self, key: K) {
        self.wanted = Some(key.clone());
        self.select(key);
    }

    /// Whether the selection is the last row.
    pub(crate) fn is_at_end(&self) -> bool {
        self.line + 1 >= self.rows.len()
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    pub(crate) fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
    }

    pub(crate) fn sort(&self) -> usize {
        self.sort
    }

    pub(crate) fn set_sort(&mut self, sort: usize) {
        self.sort = sort;
    }

    /// Moves the selection. `is_failed`: where the steps to failed ones stop.
    pub(crate) fn step(&mut self, step: Step, is_failed: impl Fn(&K) -> bool) {
        self.wanted = None;
        let last = self.rows.len().saturating_sub(1);
        let line = self.line.min(last);
        self.line = match step {
            Step::Up => line.saturating_sub(1),
            Step::Down => line + 1,
            Step::PageUp => line.saturating_sub(self.page),
            Step::PageDown => line + self.page,
            Step::HalfUp => line.saturating_sub(self.page.div_ceil(2)),
            Step::HalfDown => line + self.page.div_ceil(2),
            Step::First => 0,
            Step::Last => last,
            Step::NextFailed => {
                let below = self.rows.iter().skip(line + 1).position(is_failed);
                below.map_or(line, |it| line + 1 + it)
            }
            Step::PreviousFailed => {
                self.rows[..line.min(self.rows.len())].iter().rposition(is_failed).unwrap_or(line)
            }
            Step::Left | Step::Right => line,
        }
        .min(last);
        self.selected = self.rows.get(self.line).cloned();
        self.scroll();
    }

    pub(crate) fn is_marked(&self, key: &K) -> bool {
        self.marks.contains(key)
    }

    pub(crate) fn marks(&self) -> &BTreeSet<K> {
        &self.marks
    }

    /// Marks the selection or takes its mark away, and goes on to the next row.
    pub(crate) fn toggle_mark(&mut self) {
        let Some(key) = self.selected.clone() else { return };
        if !self.marks.remove(&key) {
            self.marks.insert(key.clone());
        }
        self.anchor = Some(key);
        self.step(Step::Down, |_| false);
    }

    /// Marks everything between the last mark and the selection.
    pub(crate) fn mark_range(&mut self) {
        let anchor = self.anchor.as_ref().or(self.selected.as_ref());
        let from = anchor.and_then(|key| self.rows.iter().position(|it| it == key));
        let from = from.unwrap_or(self.line);
        let (low, high) = (from.min(self.line), from.max(self.line));
        self.marks.extend(self.rows.iter().skip(low).take(high - low + 1).cloned());
        self.anchor = self.selected.clone();
    }

    /// Marks all rows that the filter keeps; takes the marks away where all have one.
    pub(crate) fn mark_all(&mut self) {
        if self.rows.iter().all(|it| self.marks.contains(it)) {
            self.marks.clear();
        } else {
            self.marks.extend(self.rows.iter().cloned());
        }
    }

    /// Takes all marks away; whether there were any.
    pub(crate) fn clear_marks(&mut self) -> bool {
        self.anchor = None;
        let any = !self.marks.is_empty();
        self.marks.clear();
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[u32], revision: u64, list: &mut List<u32>) {
        list.settle(revision, 0, 3, |_, _| rows.to_vec());
    }

    #[test]
    fn a_row_that_arrives_does_not_move_the_selection_onto_another() {
        let mut it = List::default();
        list(&[1, 2, 3], 1, &mut it);
        it.step(Step::Down, |_| false);
        list(&[9, 8, 1, 2, 3], 2, &mut it);
        assert_eq!(it.selected(), Some(&2));
        assert!(it.visible(3).contains(&2));
    }

    #[test]
    fn where_the_selected_row_goes_its_neighbour_is_selected() {
        let mut it = List::default();
        list(&[1, 2, 3], 1, &mut it);
        it.step(Step::Last, |_| false);
        list(&[1, 2], 2, &mut it);
        assert_eq!(it.selected(), Some(&2));
        list(&[], 3, &mut it);
        assert_eq!(it.selected(), None);
        it.step(Step::Down, |_| false);
        it.toggle_mark();
        it.mark_range();
        assert!(it.visible(5).is_empty());
    }

    #[test]
    fn a_row_that_is_not_there_cannot_be_selected() {
        let mut it = List::default();
        list(&[1, 2, 3], 1, &mut it);
        it.select(3);
        it.select(7);
        list(&[1, 2, 3], 1, &mut it);
        assert_eq!(it.selected(), Some(&3));
    }

    #[test]
    fn a_wanted_row_is_selected_when_it_comes_unless_the_selection_was_moved() {
        let mut it = List::default();
        it.want(3);
        list(&[], 1, &mut it);
        list(&[1, 2, 3], 2, &mut it);
        assert_eq!(it.selected(), Some(&3));
        it.want(4);
        it.step(Step::First, |_| false);
        list(&[1, 2, 3, 4], 3, &mut it);
        assert_eq!(it.selected(), Some(&1));
    }

    #[test]
    fn marks_are_of_keys() {
        let mut it = List::default();
        list(&[1, 2, 3, 4], 1, &mut it);
        it.toggle_mark();
        it.step(Step::Down, |_| false);
        it.mark_range();
        assert_eq!(it.marks().iter().copied().collect::<Vec<_>>(), [1, 2, 3]);
        it.keep_marks(|it| *it != 2);
        assert_eq!(it.marks().len(), 2);
        it.mark_all();
        assert_eq!(it.marks().len(), 4);
        assert!(it.clear_marks() && !it.clear_marks());
    }

    #[test]
    fn failed_ones_are_found_in_both_directions() {
        let mut it = List::default();
        list(&[1, 2, 3, 4, 5], 1, &mut it);
        let even = |it: &u32| it.is_multiple_of(2);
        it.step(Step::NextFailed, even);
        it.step(Step::NextFailed, even);
        assert_eq!(it.selected(), Some(&4));
        it.step(Step::NextFailed, even);
        assert_eq!(it.selected(), Some(&4));
        it.step(Step::PreviousFailed, even);
        assert_eq!(it.selected(), Some(&2));
    }
}
