//! The tasks of a workflow and what they need.

use shared::snapshot::{Graph, GraphNode};
use shared::workflow::{Groups, Task, Workflow};

/// The graph of a workflow: nodes in file order, edges by what needs them.
pub fn graph(workflow: &Workflow) -> Graph {
    let edges = Groups::of(&workflow.tasks).edges(&workflow.tasks);
    Graph { nodes: workflow.tasks.iter().map(node).collect(), edges }
}

fn node(task: &Task) -> GraphNode {
    GraphNode {
        id: task.name.to_string(),
        kind: task.kind.word().to_owned(),
        group: task.shown_group(),
        state: None,
    }
}
