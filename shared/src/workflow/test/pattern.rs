//! Which task runs something is said of.

use crate::id::TaskPath;

/// Names a task run, all of a task's items, or with `*` whatever fits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Pattern {
    text: String,
    path: TaskPath,
    is_glob: bool,
}

/// How closely a pattern names a task run; more is closer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Closeness {
    /// With `*`, and so many characters beside it.
    Glob(usize),
    /// Its task.
    Task,
    /// Itself.
    Exact,
}

impl Pattern {
    /// Reads `task`, `task:item`, `undo@task`, and any of them with `*` in it.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), path: TaskPath::from(text), is_glob: text.contains('*') }
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The path that it is, or the form of the paths that it means.
    pub fn path(&self) -> &TaskPath {
        &self.path
    }

    /// Whether it holds a `*`.
    pub fn is_glob(&self) -> bool {
        self.is_glob
    }

    /// Whether it may mean task runs, or undos, of a task.
    pub fn may_mean(&self, task: &str) -> bool {
        if self.is_glob {
            fits(self.path.task.as_str(), task)
        } else {
            self.path.task.as_str() == task
        }
    }

    /// How closely it names a task run; `None` if it does not. Only what starts with `undo@` names undos.
    pub fn closeness(&self, path: &TaskPath) -> Option<Closeness> {
        if self.path.undo != path.undo || !self.may_mean(path.task.as_str()) {
            return None;
        }
        let item_fits = match (&self.path.item, &path.item) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(item)) if self.is_glob => fits(own.as_str(), item.as_str()),
            (Some(own), Some(item)) => own == item,
        };
        item_fits.then(|| match self.is_glob {
            true => Closeness::Glob(self.text.chars().filter(|it| *it != '*').count()),
            false if self.path.item.is_none() && path.item.is_some() => Closeness::Task,
            false => Closeness::Exact,
        })
    }

    /// Of what is said by patterns, what is said most closely of a task run; the later of two that are as close.
    pub fn closest<'a, T>(
        all: &'a [T],
        pattern: impl Fn(&'a T) -> &'a Self,
        path: &TaskPath,
    ) -> Option<&'a T> {
        let close = all.iter().filter_map(|it| Some((pattern(it).closeness(path)?, it)));
        close.max_by_key(|(closeness, _)| *closeness).map(|(_, it)| it)
    }
}

/// Whether `text` is `glob` with something, or nothing, for each `*`.
fn fits(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closest(patterns: &[&str], path: &str) -> Option<String> {
        let all: Vec<Pattern> = patterns.iter().map(|it| Pattern::new(it)).collect();
        Pattern::closest(&all, |it| it, &TaskPath::from(path)).map(|it| it.text().to_owned())
    }

    #[test]
    fn the_closest_pattern_wins_wherever_it_stands() {
        let all = ["load:north", "load", "lo*", "*", "l*"];
        let wins = |path| closest(&all, path);
        assert_eq!(wins("load:north").as_deref(), Some("load:north"));
        assert_eq!(wins("load:south").as_deref(), Some("load"));
        assert_eq!(wins("load").as_deref(), Some("load"));
        assert_eq!(wins("look:a").as_deref(), Some("lo*"));
        assert_eq!(wins("late").as_deref(), Some("l*"));
        assert_eq!(wins("other").as_deref(), Some("*"));
    }

    #[test]
    fn a_star_stands_for_anything_within_a_task_or_an_item() {
        assert_eq!(closest(&["*_metrics"], "store_metrics:a").as_deref(), Some("*_metrics"));
        assert_eq!(closest(&["load:n*"], "load:north").as_deref(), Some("load:n*"));
        assert_eq!(closest(&["load:n*"], "load:south"), None);
        assert_eq!(closest(&["load:n*"], "load"), None);
        assert_eq!(closest(&["a*b*c"], "axxbyyc").as_deref(), Some("a*b*c"));
        assert_eq!(closest(&["a*a"], "a"), None);
        assert_eq!(closest(&["group/*"], "group/fetch:x").as_deref(), Some("group/*"));
    }

    #[test]
    fn an_undo_is_meant_only_where_it_is_named() {
        assert_eq!(closest(&["*", "load"], "undo@load:a"), None);
        assert_eq!(closest(&["*", "undo@*"], "undo@load").as_deref(), Some("undo@*"));
        assert_eq!(closest(&["undo@load:a"], "load:a"), None);
    }
}
