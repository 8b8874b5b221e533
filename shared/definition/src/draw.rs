//! Graphs as text, Graphviz, Mermaid and JSON.

use std::collections::BTreeMap;

use shared::snapshot::{Graph, GraphNode};

/// The widest line of [`text`] in characters, as long as single names fit.
const WIDTH: usize = 80;

/// A list for the terminal: tasks in layers, each behind what it needs, with arrows from that. Lines end in `\n`.
pub fn text(graph: &Graph) -> String {
    let layers = layers(graph);
    let needs = needs(graph);
    let mut lines = String::new();
    for finally in [false, true] {
        let mut nodes: Vec<(usize, &GraphNode)> = graph
            .nodes
            .iter()
            .filter(|it| is_finally(graph, it) == finally)
            .map(|it| (layers.get(it.id.as_str()).copied().unwrap_or(0), it))
            .collect();
        nodes.sort_by_key(|it| it.0);
        if finally && !nodes.is_empty() {
            lines.push_str("finally\n");
        }
        let mut last = None;
        for (layer, node) in nodes {
            let number = if last == Some(layer) { String::new() } else { (layer + 1).to_string() };
            last = Some(layer);
            let state = node.state.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
            let head = format!("{number:>3}  {} ({}{state})", node.id, node.kind);
            let needs = needs.get(node.id.as_str()).map_or(&[][..], Vec::as_slice);
            push_wrapped(&mut lines, head, needs);
        }
    }
    lines
}

fn push_wrapped(lines: &mut String, head: String, needs: &[&str]) {
    let mut line = head;
    for (number, need) in needs.iter().enumerate() {
        let arrow = if number == 0 { " ←" } else { "," };
        if line.chars().count() + arrow.chars().count() + 1 + need.len() > WIDTH {
            lines.push_str(&format!("{line}{}\n", if number == 0 { "" } else { "," }));
            line = format!("       ← {need}");
        } else {
            line = format!("{line}{arrow} {need}");
        }
    }
    lines.push_str(&line);
    lines.push('\n');
}

/// For Graphviz.
pub fn dot(graph: &Graph) -> String {
    let mut lines = vec![
        "digraph workflow {".to_owned(),
        "  rankdir=LR;".to_owned(),
        "  node [shape=box];".to_owned(),
    ];
    let node = |it: &GraphNode| format!("{} [label={}];", quoted(&it.id), quoted(&label(it, "\n")));
    let open = |group: &str, indent: &str| {
        let name = match group {
            "finally" => "cluster_finally".to_owned(),
            _ => quoted(&format!("cluster_{group}")),
        };
        let label = if group == "finally" { group.to_owned() } else { quoted(group) };
        vec![format!("{indent}subgraph {name} {{"), format!("{indent}  label={label};")]
    };
    push_clusters(&mut lines, graph, &node, &open, "}");
    let edge = |from: &str, to: &str| format!("  {} -> {};", quoted(from), quoted(to));
    lines.extend(graph.edges.iter().map(|it| edge(&it.from, &it.to)));
    lines.push("}\n".to_owned());
    lines.join("\n")
}

/// For Mermaid.
pub fn mermaid(graph: &Graph) -> String {
    let numbers: BTreeMap<&str, usize> =
        graph.nodes.iter().enumerate().map(|(number, it)| (it.id.as_str(), number)).collect();
    let node = |it: &GraphNode| format!("n{}[\"{}\"]", numbers[it.id.as_str()], label(it, "<br/>"));
    let mut lines = vec!["flowchart LR".to_owned()];
    let open = |group: &str, indent: &str| match numbers.get(group) {
        Some(number) => vec![format!("{indent}subgraph g{number}[\"{group}\"]")],
        None => vec![format!("{indent}subgraph {group}")],
    };
    push_clusters(&mut lines, graph, &node, &open, "end");
    let number = |it: &str| numbers.get(it).copied();
    let edges = graph.edges.iter().filter_map(|it| Some((number(&it.from)?, number(&it.to)?)));
    lines.extend(edges.map(|(from, to)| format!("  n{from} --> n{to}")));
    lines.join("\n") + "\n"
}

/// For programs: `{"nodes": [{"id", "kind", "group"?, "state"?}], "edges": [{"from", "to"}]}`.
pub fn json(graph: &Graph) -> String {
    serde_json::to_string_pretty(graph).expect("a graph has a JSON form") + "\n"
}

/// The nodes, those of one group together: first the main list, then `finally`.
fn push_clusters(
    lines: &mut Vec<String>,
    graph: &Graph,
    node: &dyn Fn(&GraphNode) -> String,
    open: &dyn Fn(&str, &str) -> Vec<String>,
    close: &str,
) {
    let (finally, main): (Vec<&GraphNode>, Vec<&GraphNode>) =
        graph.nodes.iter().partition(|it| is_finally(graph, it));
    let mut depth = 0;
    for (nodes, least) in [(main, 0), (finally, 1)] {
        if least == 1 && !nodes.is_empty() {
            lines.extend(open("finally", "  "));
            depth = 1;
        }
        let mut around: Vec<&str> = Vec::new();
        for it in nodes {
            let group = it.group.as_deref().filter(|_| it.id.contains('/'));
            while around.last().copied() != group && !around.is_empty() {
                around.pop();
                lines.push(format!("{}{close}", "  ".repeat(depth)));
                depth -= 1;
            }
            lines.push(format!("{}{}", "  ".repeat(depth + 1), node(it)));
            if graph.nodes.iter().any(|other| other.group.as_deref() == Some(&*it.id)) {
                lines.extend(open(&it.id, &"  ".repeat(depth + 1)));
                around.push(&it.id);
                depth += 1;
            }
        }
        while depth > 0 {
            lines.push(format!("{}{close}", "  ".repeat(depth)));
            depth -= 1;
        }
    }
}

/// Whether a node is part of `finally`, in whatever group of that.
fn is_finally(graph: &Graph, node: &GraphNode) -> bool {
    let Some((root, _)) = node.id.split_once('/') else {
        return node.group.as_deref() == Some("finally");
    };
    let root = graph.nodes.iter().find(|it| it.id == root);
    root.is_some_and(|it| it.group.as_deref() == Some("finally"))
}

fn label(node: &GraphNode, break_with: &str) -> String {
    let lines = [Some(node.id.as_str()), Some(node.kind.as_str()), node.state.as_deref()];
    lines.into_iter().flatten().collect::<Vec<_>>().join(break_with)
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}

fn needs(graph: &Graph) -> BTreeMap<&str, Vec<&str>> {
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in &graph.edges {
        needs.entry(&edge.to).or_default().push(&edge.from);
    }
    needs
}

/// The length of the longest way to each task. Tasks of a cycle, which no loaded workflow has, are left out.
fn layers(graph: &Graph) -> BTreeMap<&str, usize> {
    let mut missing: BTreeMap<&str, usize> =
        graph.nodes.iter().map(|it| (it.id.as_str(), 0)).collect();
    let mut followers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in &graph.edges {
        *missing.entry(&edge.to).or_default() += 1;
        followers.entry(&edge.from).or_default().push(&edge.to);
    }
    let mut ready: Vec<&str> = missing.iter().filter(|it| *it.1 == 0).map(|it| *it.0).collect();
    let mut layers: BTreeMap<&str, usize> = ready.iter().map(|it| (*it, 0)).collect();
    while let Some(task) = ready.pop() {
        let next = layers.get(task).copied().unwrap_or(0) + 1;
        for follower in followers.get(task).map_or(&[][..], Vec::as_slice) {
            let layer = layers.entry(follower).or_insert(0);
            *layer = next.max(*layer);
            let missing = missing.entry(follower).or_default();
            *missing = missing.saturating_sub(1);
            if *missing == 0 {
                ready.push(follower);
            }
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{Source, graph, load};

    fn example() -> Graph {
        let text = "tasks:\n  a: { run: x, timeout: 1s }\n  b-1: { needs: a, exec: [x], timeout: 1s }\n  \
                    c: { needs: [a, b-1], approval: ok? }\nfinally:\n  z: { run: x, timeout: 1s }\n";
        let loaded = load(&Source { file: "x.yaml", folder: "/", text }, &|_| Err(String::new()));
        graph(&loaded.workflow.expect("the example loads"))
    }

    #[test]
    fn a_graph_is_a_list_of_layers_for_the_terminal() {
        expect![[r#"
              1  a (run)
              2  b-1 (exec) ← a
              3  c (approval) ← a, b-1
            finally
              1  z (run)
        "#]]
        .assert_eq(&text(&example()));
    }

    #[test]
    fn long_lists_of_needs_are_wrapped() {
        let mut graph = example();
        for number in 0..30 {
            let from = format!("a_rather_long_name_{number}");
            graph.nodes.push(GraphNode { id: from.clone(), ..graph.nodes[0].clone() });
            graph.edges.push(shared::snapshot::GraphEdge { from, to: "c".to_owned() });
        }
        assert!(text(&graph).lines().all(|it| it.chars().count() <= WIDTH));
    }

    #[test]
    fn graphviz_and_mermaid_get_their_own_form() {
        expect![[r#"
            digraph workflow {
              rankdir=LR;
              node [shape=box];
              "a" [label="a\nrun"];
              "b-1" [label="b-1\nexec"];
              "c" [label="c\napproval"];
              subgraph cluster_finally {
                label=finally;
                "z" [label="z\nrun"];
              }
              "a" -> "b-1";
              "a" -> "c";
              "b-1" -> "c";
            }
        "#]]
        .assert_eq(&dot(&example()));
        expect![[r#"
            flowchart LR
              n0["a<br/>run"]
              n1["b-1<br/>exec"]
              n2["c<br/>approval"]
              subgraph finally
                n3["z<br/>run"]
              end
              n0 --> n1
              n0 --> n2
              n1 --> n2
        "#]]
        .assert_eq(&mermaid(&example()));
    }

    #[test]
    fn programs_get_nodes_and_edges() {
        let value: serde_json::Value = serde_json::from_str(&json(&example())).expect("it is JSON");
        assert_eq!(value["nodes"][3]["group"], "finally");
        assert_eq!(value["edges"][0]["from"], "a");
    }
}
