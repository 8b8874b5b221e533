//! The names in a trigger rule that is an expression: needs of its task, and what there is to ask of one.

use shared::workflow::{NEED_PARTS, TriggerRule};

use crate::author::Draft;
use crate::problem::Problem;
use crate::report::Report;
use crate::yaml::Place;

pub(super) fn check(draft: &Draft, report: &mut Report<'_>) {
    for (task, places) in draft.workflow.tasks.iter().zip(&draft.places) {
        let (TriggerRule::Expr(expr), Some(place)) = (&task.trigger_rule, places.rule) else {
            continue;
        };
        if report.is_full() {
            return;
        }
        let needs: Vec<&str> = task.needs.iter().map(|it| it.as_str()).collect();
        Checker { needs, place, report }.expression(expr.source(), expr.names());
    }
}

struct Checker<'c, 'a> {
    needs: Vec<&'c str>,
    place: Place,
    report: &'c mut Report<'a>,
}

impl Checker<'_, '_> {
    fn expression(&mut self, source: &str, names: &[String]) {
        if let Some(need) = self.needs.iter().copied().find(|it| is_read_as_difference(source, it))
        {
            let message = format!("`{need}` is read as a subtraction");
            let help = "write `needs['NAME']`, with the name as it is";
            return self.add(need, Problem::Conflict(message, help));
        }
        let quoted = quoted_needs(source);
        for (need, part) in &quoted {
            self.need(need, *part);
        }
        for name in names {
            let parts: Vec<&str> = name.split('.').collect();
            match parts[..] {
                ["needs"] if !quoted.is_empty() => {}
                ["needs"] => {
                    let message = "`needs` is read without the name of a need".to_owned();
                    let help = "write `needs['NAME'].succeeded`, with the name as it is";
                    self.add("needs", Problem::Conflict(message, help));
                }
                ["needs", need, ..] => self.need(need, parts.get(2).copied()),
                [need, ..] => self.need(need, parts.get(1).copied()),
                [] => {}
            }
        }
    }

    fn need(&mut self, need: &str, part: Option<&str>) {
        match part {
            _ if !self.needs.contains(&need) => {
                let known = self.needs.iter().map(|it| (*it).to_owned()).collect();
                self.add(need, Problem::UnknownName { name: need.to_owned(), known });
            }
            None => {
                let message = format!("`{need}` alone is neither true nor false");
                let help = "say what is asked of it, such as `NAME.succeeded`";
                self.add(need, Problem::Conflict(message, help));
            }
            Some(part) if !NEED_PARTS.contains(&part) => {
                let problem = Problem::UnknownPart { part: part.to_owned(), known: &NEED_PARTS };
                self.add(part, problem);
            }
            Some(_) => {}
        }
    }

    fn add(&mut self, part: &str, problem: Problem) {
        let place = self.report.locate(self.place, part);
        self.report.add(place, problem);
    }
}

/// The names in `needs['NAME']`, each with the part that is asked of it.
fn quoted_needs(source: &str) -> Vec<(&str, Option<&str>)> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("needs[") {
        rest = rest[at + "needs[".len()..].trim_start();
        let Some(quote) = rest.chars().next().filter(|it| matches!(it, '\'' | '"')) else {
            continue;
        };
        let Some(end) = rest[1..].find(quote) else { return found };
        let name = &rest[1..=end];
        rest = rest[end + 2..].trim_start();
        let part = rest.strip_prefix(']').and_then(|it| it.trim_start().strip_prefix('.'));
        let part = part.map(|it| {
            let end = it.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
            &it[..end.unwrap_or(it.len())]
        });
        found.push((name, part));
    }
    found
}

/// Whether a name with `-` in it stands outside of quotes.
fn is_read_as_difference(source: &str, need: &str) -> bool {
    let is_of_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
    need.contains('-')
        && source.match_indices(need).any(|(at, found)| {
            let (before, after) = (&source[..at], &source[at + found.len()..]);
            !before.ends_with(|it: char| is_of_name(it) || matches!(it, '\'' | '"'))
                && !after.starts_with(|it: char| is_of_name(it) || matches!(it, '\'' | '"'))
        })
}
