//! What the day brought.

use serde_json::Value;
use shared::snapshot::{RunView, TaskView};

use super::DAY;
use super::home::Home;
use crate::cli::{Cx, ended, items};
use crate::client::Client;
use crate::error::Error;
use crate::format::{View, value};
use crate::text::{Align, Line, Style, Table};

/// Prints the outcome of the run and the figures that its tasks have given back.
pub(super) fn print(cx: &mut Cx, client: &Client, run: &RunView, home: &Home) -> Result<(), Error> {
    if cx.out.json {
        cx.out.json_line(run)?;
        return cx.out.flush();
    }
    let regions = items(client, run.id, "store_metrics").map_or(Vec::new(), |it| it.tasks);
    let view = cx.view();
    cx.out.line("")?;
    cx.out.lines(lines(run, &regions, &view))?;
    cx.out.note(whereabouts(home))?;
    cx.out.flush()
}

fn whereabouts(home: &Home) -> Line {
    let pages = home.dashboards().join(DAY).join("index.html");
    if home.keep {
        format!("  dashboards   {} (all in {})", pages.display(), home.path().display()).into()
    } else {
        Line::new()
            .styled(Style::Dim, "  the dashboards go with the demo's folder; --keep keeps them")
    }
}

fn lines(run: &RunView, regions: &[TaskView], view: &View) -> Vec<Line> {
    let mut lines = vec![ended(run, view)];
    if let Some(day) = run.tasks.iter().find(|it| it.task == "returns") {
        let text = |name: &str| output(day, name);
        lines.push(Line::new());
        lines.push(format!("  revenue      {} USD on {DAY}", text("total")).into());
        lines
            .push(format!("  orders       {} with {} lines", text("orders"), text("lines")).into());
        let adjusted = day.outputs.get("adjusted_cents").and_then(Value::as_i64).unwrap_or(0);
        let sign = if adjusted < 0 { "-" } else { "" };
        let (whole, cents) = (adjusted.unsigned_abs() / 100, adjusted.unsigned_abs() % 100);
        let adjustments = text("adjustments");
        let text = format!("  adjustments  {adjustments} lines of {sign}{whole}.{cents:02} USD");
        lines.push(text.into());
    }
    if !regions.is_empty() {
        lines.push(Line::new());
        lines.extend(region_table(regions, view).into_iter().map(|it| Line::from("  ").join(it)));
    }
    lines.push(Line::new());
    lines
}

fn region_table(regions: &[TaskView], view: &View) -> Vec<Line> {
    let mut table = Table::new(&[
        ("REGION", Align::Left, 24),
        ("REVENUE", Align::Right, 12),
        ("PROFIT", Align::Right, 12),
        ("ORDERS", Align::Right, 8),
        ("LINES", Align::Right, 8),
    ]);
    for region in regions {
        table.row([
            region.item.as_deref().unwrap_or("-").into(),
            output(region, "revenue").into(),
            output(region, "profit").into(),
            output(region, "orders").into(),
            output(region, "lines").into(),
        ]);
    }
    table.lines(view.width)
}

fn output(task: &TaskView, name: &str) -> String {
    match task.outputs.get(name) {
        None => "-".to_owned(),
        Some(Value::Number(number)) if number.is_f64() => {
            format!("{:.2}", number.as_f64().unwrap_or_default())
        }
        Some(other) => value(other),
    }
}
