//! Which parameters the expressions of a task read.

use shared::expr::{Expr, Template};
use shared::id::ParamName;
use shared::workflow::{CheckWhat, Kind, MapOver, Task, Tolerate};

/// Whether an expression of a task names a parameter, or all of them.
pub(crate) fn reads(task: &Task, param: &ParamName) -> bool {
    let name = format!("params.{param}");
    let names = |expr: &Expr| {
        expr.names().iter().any(|it| {
            it == "params"
                || *it == name
                || it.strip_prefix(&name).is_some_and(|it| it.starts_with('.'))
        })
    };
    exprs(task).into_iter().any(names)
}

fn exprs(task: &Task) -> Vec<&Expr> {
    let mut exprs: Vec<&Expr> = task.when.iter().chain(&task.expect).collect();
    let mut templates: Vec<&Template> = task.env.iter().map(|(_, it)| it).collect();
    templates.extend(&task.working_dir);
    if let Some(map) = &task.map {
        exprs.extend(&map.key);
        if let MapOver::Expr(over) = &map.over {
            exprs.push(over);
        }
        if let Tolerate::Expr(tolerate) = &map.tolerate {
            exprs.push(tolerate);
        }
    }
    match &task.kind {
        Kind::Run { .. } | Kind::Group => {}
        Kind::Exec { argv } => templates.extend(argv),
        Kind::Wait { file } => templates.push(&file.path),
        Kind::Approval { message, .. } => templates.push(message),
        Kind::Publish { publish } => templates.extend([&publish.from, &publish.to]),
        Kind::Check { items } => {
            for item in items {
                exprs.extend(&item.expect);
                match &item.what {
                    CheckWhat::Expr(expr) => exprs.push(expr),
                    CheckWhat::Exec(argv) => templates.extend(argv),
                }
            }
        }
    }
    exprs.extend(templates.into_iter().flat_map(Template::expressions));
    exprs
}
