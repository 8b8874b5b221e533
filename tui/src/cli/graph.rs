//! `graph`: what needs what.

use std::path::Path;

use serde_json::json;
use shared::request::RefusalCode;
use shared::snapshot::Graph;

use super::{Cx, is_file};
use crate::args::GraphFormat;
use crate::error::{Error, Exit};
use crate::local;

pub(super) fn execute(cx: &mut Cx, of: &str, format: GraphFormat) -> Result<Exit, Error> {
    let graph = if is_file(of) { local::graph(Path::new(of))? } else { ask(cx, of)? };
    if cx.out.json || format == GraphFormat::Json {
        cx.out.json(&json!({ "nodes": graph.nodes, "edges": graph.edges }))?;
        return Ok(Exit::Done);
    }
    let text = local::draw(&graph, format);
    cx.out.lines(text.lines().map(Into::into))?;
    Ok(Exit::Done)
}

/// A workflow where there is one of the name, else a run.
fn ask(cx: &Cx, of: &str) -> Result<Graph, Error> {
    let client = cx.client()?;
    match client.graph(of) {
        Err(Error::Refused(refusal))
            if matches!(refusal.code, RefusalCode::NotFound | RefusalCode::Invalid) => {}
        other => return other,
    }
    match client.find(of) {
        Ok(run) => client.run_graph(run),
        Err(Error::Refused(refusal)) if refusal.code == RefusalCode::NotFound => {
            Err(Error::not_found(
                format!("there is neither a workflow nor a run `{of}`"),
                "`runyard workflows` and `runyard runs` list them; a file has a `/` or ends in .yaml",
            ))
        }
        Err(other) => Err(other),
    }
}
