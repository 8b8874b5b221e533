//! What a list is narrowed to: words, `key:value`, `!x`, `age<1d`. All must hold.

use std::time::Duration;

use shared::time::parse_duration;

/// A filter as it was typed, and what it means.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Filter {
    text: String,
    terms: Vec<Term>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Term {
    not: bool,
    what: What,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum What {
    /// Some part of the row, in lower case.
    Word(String),
    /// The field of this name has this in it, in lower case.
    Field(String, String),
    Younger(Duration),
    Older(Duration),
    /// An age that is none, as it was typed.
    NoAge(String),
}

/// What of a row can be asked for.
pub(crate) struct Row<'a> {
    /// What words are looked for in.
    pub(crate) words: &'a [&'a str],
    /// The fields that have a name.
    pub(crate) fields: &'a [(&'a str, &'a str)],
    pub(crate) age: Option<Duration>,
}

impl Filter {
    pub(crate) fn new(text: &str) -> Self {
        let text = text.trim().to_owned();
        let terms = text.split_whitespace().filter_map(term).collect();
        Self { text, terms }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether what it keeps changes as time passes.
    pub(crate) fn is_timed(&self) -> bool {
        self.terms.iter().any(|it| matches!(it.what, What::Younger(_) | What::Older(_)))
    }

    pub(crate) fn keeps(&self, row: &Row) -> bool {
        let means = |it: &&Term| match &it.what {
            What::Field(name, _) => row.fields.iter().any(|it| it.0.starts_with(name.as_str())),
            What::NoAge(_) => false,
            _ => true,
        };
        self.terms.iter().filter(means).all(|it| it.what.is_true_of(row) != it.not)
    }

    /// As a title says it: `filter: state:failed`; or which of its terms mean nothing, and what would. Those are left out.
    ///
    /// - `keys`: the fields that rows have here.
    pub(crate) fn told(&self, keys: &[&str]) -> String {
        let wrong = self.terms.iter().find_map(|it| match &it.what {
            What::Field(name, _) if !keys.iter().any(|key| key.starts_with(name.as_str())) => {
                Some(format!("{name}: is no key; keys are {}", keys.join(", ")))
            }
            What::NoAge(text) => Some(format!("{text} is no age; write age<2h")),
            _ => None,
        });
        format!("filter: {}", wrong.as_deref().unwrap_or(&self.text))
    }
}

impl What {
    fn is_true_of(&self, row: &Row) -> bool {
        match self {
            Self::Word(word) => row.words.iter().any(|it| has(it, word)),
            Self::Field(name, value) => {
                row.fields.iter().any(|(key, it)| key.starts_with(name.as_str()) && has(it, value))
            }
            Self::NoAge(_) => true,
            Self::Younger(span) => row.age.is_some_and(|it| it < *span),
            Self::Older(span) => row.age.is_some_and(|it| it > *span),
        }
    }
}

fn has(text: &str, lower: &str) -> bool {
    text.to_lowercase().contains(lower)
}

fn term(text: &str) -> Option<Term> {
    let (not, text) = match text.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let lower = text.to_lowercase();
    let age = |sign| lower.strip_prefix("age")?.strip_prefix(sign).map(parse_duration)?.ok();
    let what = if let Some(span) = age('<') {
        What::Younger(span)
    } else if let Some(span) = age('>') {
        What::Older(span)
    } else if age_sign(&lower) {
        What::NoAge(text.to_owned())
    } else {
        match lower.split_once(':') {
            Some((name, value)) if !name.is_empty() => {
                What::Field(name.to_owned(), value.to_owned())
            }
            _ => What::Word(lower),
        }
    };
    let empty = matches!(&what, What::Word(it) if it.is_empty());
    (!empty).then_some(Term { not, what })
}

fn age_sign(lower: &str) -> bool {
    lower.strip_prefix("age").is_some_and(|it| it.starts_with(['<', '>']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(filter: &str) -> bool {
        Filter::new(filter).keeps(&Row {
            words: &["retail-daily#412", "exit(1)"],
            fields: &[("state", "failed"), ("by", "user:alice")],
            age: Some(Duration::from_secs(3_600)),
        })
    }

    #[test]
    fn every_term_must_hold() {
        for yes in [
            "",
            "RETAIL",
            "state:fail",
            "!state:running",
            "age<1d exit",
            "age>30m",
            "!",
            "by:alice",
        ] {
            assert!(keeps(yes), "{yes}");
        }
        for no in ["zz", "!retail", "state:running", "age<30m", "age>1d", "retail zz"] {
            assert!(!keeps(no), "{no}");
        }
    }

    #[test]
    fn a_term_that_means_nothing_hides_nothing_and_is_told() {
        for nothing in ["what:x", "!what:x", "age<zz", "age>", "!age<"] {
            assert!(keeps(nothing), "{nothing}");
        }
        assert!(!keeps("what:x retail zz"));
        let told = |text| Filter::new(text).told(&["state", "by"]);
        assert_eq!(told("x what:y"), "filter: what: is no key; keys are state, by");
        assert_eq!(told("age<zz"), "filter: age<zz is no age; write age<2h");
        assert_eq!(told("st:failed age<2h"), "filter: st:failed age<2h");
        assert!(!Filter::new("age<x").is_timed());
        assert!(Filter::new("age<2h").is_timed());
    }
}
