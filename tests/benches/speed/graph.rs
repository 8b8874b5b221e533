//! The graphs that are run on both sides: what needs what, and nothing else.

use std::fmt::Write;

/// A task graph. Tasks are numbers; each needs only smaller ones.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) name: &'static str,
    /// For each task, the tasks it needs.
    pub(crate) needs: Vec<Vec<usize>>,
}

impl Graph {
    /// One task after the other.
    pub(crate) fn chain(tasks: usize) -> Self {
        let needs = (0..tasks).map(|it| it.checked_sub(1).into_iter().collect());
        Self { name: "chain", needs: needs.collect() }
    }

    /// Tasks that need nothing.
    pub(crate) fn fan_out(tasks: usize) -> Self {
        Self { name: "fan-out", needs: vec![Vec::new(); tasks] }
    }

    /// Layers in which each task needs all of the layer before.
    pub(crate) fn layers(layers: usize, width: usize) -> Self {
        let before = |layer: usize| match layer.checked_sub(1) {
            Some(before) => (before * width..layer * width).collect(),
            None => Vec::new(),
        };
        let needs = (0..layers * width).map(|it| before(it / width));
        Self { name: "layers", needs: needs.collect() }
    }

    /// A large file in which each task needs the three before it.
    pub(crate) fn ladder(tasks: usize) -> Self {
        let needs = (0..tasks).map(|it| (it.saturating_sub(3)..it).collect());
        Self { name: "ladder", needs: needs.collect() }
    }

    /// The graph as a workflow file whose tasks all run `program`.
    pub(crate) fn to_workflow(&self, program: &[&str]) -> String {
        let mut text = String::from("tasks:\n");
        for (task, needs) in self.needs.iter().enumerate() {
            let needs: Vec<String> = needs.iter().map(|it| format!("t{it}")).collect();
            let needs = match needs.is_empty() {
                true => String::new(),
                false => format!("needs: [{}], ", needs.join(", ")),
            };
            writeln!(text, "  t{task}: {{ {needs}exec: {program:?} }}")
                .expect("text can always be written to");
        }
        text
    }

    pub(crate) fn len(&self) -> usize {
        self.needs.len()
    }
}
