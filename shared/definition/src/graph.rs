//! The tasks of a workflow and what they need.

use shared::snapshot::{Graph, GraphEdge, GraphNode};
use shared::workflow::{Section, Task, Workflow};

/// The graph of a workflow: nodes in file order, edges by what needs them.
pub fn graph(workflow: &Workflow) -> Graph {
    let edges = workflow.tasks.iter().flat_map(|task| {
        let edge = |need: &shared::id::TaskName| GraphEdge {
            from: need.to_string(),
            to: task.name.to_string(),
        };
        task.needs.iter().map(edge)
    });
    Graph { nodes: workflow.tasks.iter().map(node).collect(), edges: edges.collect() }
}

fn node(task: &Task) -> GraphNode {
    GraphNode {
        id: task.name.to_string(),
        kind: task.kind.word().to_owned(),
        group: (task.section == Section::Finally).then(|| "finally".to_owned()),
        state: None,
    }
}
