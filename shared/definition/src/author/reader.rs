//! Reads values, and keeps every expression with what it may name.

use std::time::Duration;

use shared::expr::{Expr, ExprError, Template};
use shared::time::parse_duration;

use super::ReadFile;
use crate::problem::Problem;
use crate::report::Report;
use crate::yaml::{Node, Place, Value, shorten};

pub(super) struct Reader<'r, 'a, 'f> {
    pub(super) report: &'r mut Report<'a>,
    pub(super) read_file: ReadFile<'f>,
    pub(super) uses: Vec<Use>,
}

/// An expression, where the value starts that holds it, and what it may name.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) expr: Expr,
    pub(crate) place: Place,
    pub(crate) scope: Scope,
}

/// What an expression may name.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// The number of the task it belongs to; outside tasks there are none to name.
    pub(crate) task: Option<usize>,
    /// Names beside those that are known everywhere.
    pub(crate) more: &'static [&'static str],
    /// It belongs to what undoes the task, which may read the task itself.
    pub(crate) undo: bool,
    /// The name of an item.
    pub(crate) item: Option<String>,
    /// How many of the parameters are known.
    pub(crate) params: usize,
    /// It is asked when the run has ended, `finally` too.
    pub(crate) is_over: bool,
}

impl Scope {
    pub(super) fn of_workflow() -> Self {
        Self {
            task: None,
            more: &["trigger"],
            undo: false,
            item: None,
            params: usize::MAX,
            is_over: false,
        }
    }

    /// For what is computed before there is a run: the default of the parameter `number`.
    pub(super) fn of_param(number: usize) -> Self {
        Self { task: None, more: &[], undo: false, item: None, params: number, is_over: false }
    }

    pub(super) fn of_task(number: usize) -> Self {
        Self { task: Some(number), ..Self::of_workflow() }
    }

    /// For what is asked of a run when all its tasks have ended, before those of `finally` start.
    pub(super) fn of_end() -> Self {
        Self::of_workflow().with(&["trigger", "tasks"])
    }

    /// For what must be true of a run that is over.
    pub(super) fn of_test() -> Self {
        Self { is_over: true, ..Self::of_end() }
    }

    /// For what undoes the task.
    pub(super) fn of_undo(self) -> Self {
        Self { undo: true, ..self.with(&["trigger", "outputs"]) }
    }

    pub(super) fn with_item(mut self, item: Option<&str>) -> Self {
        self.item = item.map(str::to_owned);
        self
    }

    pub(super) fn with(mut self, more: &'static [&'static str]) -> Self {
        self.more = more;
        self
    }
}

impl Reader<'_, '_, '_> {
    pub(super) fn expr(&mut self, node: &Node, scope: &Scope) -> Option<Expr> {
        let text = node.text()?;
        match Expr::parse(text) {
            Ok(expr) => {
                self.keep(&expr, node.place, scope);
                Some(expr)
            }
            Err(error) => {
                self.refuse(text, node, error);
                None
            }
        }
    }

    /// An expression over the needs of a task, which names nothing else.
    pub(super) fn rule(&mut self, node: &Node) -> Option<Expr> {
        let text = node.text()?;
        Expr::parse(text).map_err(|it| self.refuse(text, node, it)).ok()
    }

    pub(super) fn template(&mut self, node: &Node, scope: &Scope) -> Option<Template> {
        let text = node.text()?;
        match Template::parse(text) {
            Ok(template) => {
                template.expressions().for_each(|it| self.keep(it, node.place, scope));
                Some(template)
            }
            Err(error) => {
                self.refuse(text, node, error);
                None
            }
        }
    }

    /// An expression, or a list of them.
    pub(super) fn exprs(&mut self, node: Option<&Node>, scope: &Scope) -> Vec<Expr> {
        let items = node.map_or(&[][..], Node::items);
        items.iter().filter_map(|it| self.expr(it, scope)).collect()
    }

    /// A program and its arguments.
    pub(super) fn argv(&mut self, node: &Node, scope: &Scope) -> Vec<Template> {
        let argv: Vec<Template> =
            node.items().iter().filter_map(|it| self.template(it, scope)).collect();
        let bytes = argv.iter().map(|it| it.source().len()).sum();
        if node.items().is_empty() && matches!(node.value, Value::List(_)) {
            self.report.add(node.place, Problem::empty("exec", "a program and its arguments"));
        }
        self.check_size("the argument list", bytes, node.place);
        if node.items().iter().filter_map(Node::text).any(|it| it.contains('\0')) {
            self.report.add(node.place, Problem::Nul);
        }
        argv
    }

    pub(super) fn check_size(&mut self, what: &'static str, bytes: usize, place: Place) {
        if bytes > crate::problem::SCRIPT_BYTES_MAX {
            self.report.add(place, Problem::TooLong { what, bytes });
        }
    }

    pub(super) fn env(&mut self, node: Option<&Node>, scope: &Scope) -> Vec<(String, Template)> {
        let entries = node.map_or(&[][..], Node::entries);
        let read = entries
            .iter()
            .filter_map(|it| Some((it.key.clone(), self.template(&it.value, scope)?)));
        read.collect()
    }

    fn keep(&mut self, expr: &Expr, place: Place, scope: &Scope) {
        self.uses.push(Use { expr: expr.clone(), place, scope: scope.clone() });
    }

    fn refuse(&mut self, text: &str, node: &Node, error: ExprError) {
        self.report.add(node.place, Problem::BadExpression { text: shorten(text), error });
    }
}

/// The place of what is wrong with a whole file.
pub(super) fn place_of_file() -> Place {
    Place { line: 1, column: 1 }
}

/// A span that has passed the check of shapes.
pub(super) fn duration(node: &Node) -> Option<Duration> {
    parse_duration(node.text()?).ok()
}

/// A number that has passed the check of shapes.
pub(super) fn number(node: &Node) -> Option<u32> {
    node.int().and_then(|it| u32::try_from(it).ok())
}

/// The texts of a list.
pub(super) fn texts(node: Option<&Node>) -> Vec<String> {
    let items = node.map_or(&[][..], Node::items);
    items.iter().filter_map(Node::text).map(str::to_owned).collect()
}

/// What a word stands for.
pub(super) fn read_word<T: Clone>(node: &Node, words: &[(&str, T)]) -> Option<T> {
    let text = node.text()?;
    words.iter().find(|(word, _)| *word == text).map(|(_, it)| it.clone())
}

/// Stands for a text that could not be read.
pub(super) fn no_text() -> Template {
    Template::parse("").expect("a text without braces is a template")
}
