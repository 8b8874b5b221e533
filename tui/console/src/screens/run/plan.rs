//! What needs what in a run, and the charts made of it. Made anew where the tasks or their needs are others, never where
//! only a state is.

use std::collections::BTreeMap;

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::graph::NodeIndex;
use shared::snapshot::{RunView, TaskView};

use super::chart::Chart;
use crate::graph::{self, FOCUS_NODES, GRAPH_NODES, GraphError, Node, Shape, View};
use crate::safe::Safe;
use crate::text;

/// The most columns of a name in a box.
const LABEL_MAX: usize = 28;
/// The most tasks around one that are drawn.
const NEAR_MAX: usize = 120;

/// The tasks of a run by place and by name.
#[derive(Default, Debug)]
pub(super) struct Plan {
    made_of: Vec<(String, Vec<String>, bool)>,
    /// Columns kept free in each box.
    room: usize,
    shape: Shape,
    is_finally: Vec<bool>,
    place_of: BTreeMap<String, usize>,
    whole: Option<Result<Chart, GraphError>>,
    near: Option<Near>,
}

/// A task and what is near it.
#[derive(Debug)]
struct Near {
    of: usize,
    hops: usize,
    left_out: usize,
    chart: Result<Chart, GraphError>,
}

impl Plan {
    /// Whether it is of this run, with this room in each box.
    pub(super) fn is_of(&self, run: &RunView, room: usize) -> bool {
        let same = |(made, task): (&(String, Vec<String>, bool), &TaskView)| {
            made.0 == task.task && made.1 == task.needs && made.2 == task.finally
        };
        self.room == room
            && self.made_of.len() == run.tasks.len()
            && self.made_of.iter().zip(&run.tasks).all(same)
    }

    pub(super) fn has_room(&self, room: usize) -> bool {
        self.room == room
    }

    pub(super) fn new(run: &RunView, room: usize) -> Self {
        let made_of = run.tasks.iter().map(|it| (it.task.clone(), it.needs.clone(), it.finally));
        let names = run.tasks.iter().enumerate().map(|(place, it)| (it.task.clone(), place));
        let place_of: BTreeMap<String, usize> = names.collect();
        let mut shape = Shape::with_capacity(run.tasks.len(), run.tasks.len());
        for task in &run.tasks {
            shape.add_node(Node { label: label(&task.task), room });
        }
        for (place, task) in run.tasks.iter().enumerate() {
            let needs = task.needs.iter().filter_map(|it| place_of.get(it));
            for need in needs.filter(|it| **it != place) {
                shape.add_edge(NodeIndex::new(*need), NodeIndex::new(place), ());
            }
        }
        Self {
            room,
            shape,
            is_finally: run.tasks.iter().map(|it| it.finally).collect(),
            made_of: made_of.collect(),
            place_of,
            whole: None,
            near: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.made_of.len()
    }

    /// The place of a task.
    pub(super) fn place(&self, task: &str) -> Option<usize> {
        self.place_of.get(task).copied()
    }

    pub(super) fn name(&self, place: usize) -> &str {
        self.made_of.get(place).map(|it| it.0.as_str()).unwrap_or_default()
    }

    /// How many tasks belong to `finally`.
    pub(super) fn finally(&self) -> usize {
        self.is_finally.iter().filter(|it| **it).count()
    }

    /// The tasks that need a task, in their order.
    pub(super) fn feeds(&self, place: usize) -> Vec<usize> {
        self.linked(place, Outgoing)
    }

    fn linked(&self, place: usize, direction: petgraph::Direction) -> Vec<usize> {
        let nodes = self.shape.neighbors_directed(NodeIndex::new(place), direction);
        let mut places: Vec<usize> = nodes.map(NodeIndex::index).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Whether all of it can be drawn at once.
    pub(super) fn can_be_whole(&self) -> bool {
        self.len() <= FOCUS_NODES
    }

    /// How it is shown at first in a pane of this size.
    pub(super) fn first_view(&mut self, (width, height): (usize, usize)) -> View {
        if self.len() > GRAPH_NODES {
            return graph::ladder(self.len(), 0, 0, width, height);
        }
        self.make_whole();
        match self.whole() {
            Some(Ok(chart)) => {
                let (layers, widest) = chart.layers();
                graph::ladder(self.len(), layers, widest, width, height)
            }
            _ => View::Table,
        }
    }

    pub(super) fn make_whole(&mut self) {
        if self.whole.is_none() && self.can_be_whole() {
            let all: Vec<usize> = (0..self.len()).collect();
            self.whole = Some(Chart::new(&self.shape, &all, &self.is_finally));
        }
    }

    /// All tasks, once [`Self::make_whole`] was called.
    pub(super) fn whole(&self) -> Option<&Result<Chart, GraphError>> {
        self.whole.as_ref()
    }

    pub(super) fn make_near(&mut self, of: usize, hops: usize) {
        if self.near.as_ref().is_some_and(|it| (it.of, it.hops) == (of, hops)) {
            return;
        }
        let (kept, left_out) = self.around(of, hops);
        let chart = Chart::new(&self.shape, &kept, &self.is_finally);
        self.near = Some(Near { of, hops, left_out, chart });
    }

    /// A task and its neighbours, and how many of those were left out, once [`Self::make_near`] was called.
    pub(super) fn near(&self) -> Option<(&Result<Chart, GraphError>, usize)> {
        self.near.as_ref().map(|it| (&it.chart, it.left_out))
    }

    /// The tasks within so many hops, ascending, at most [`NEAR_MAX`]: nearest first, then in the order of the file.
    fn around(&self, of: usize, hops: usize) -> (Vec<usize>, usize) {
        let mut kept = std::collections::BTreeSet::from([of]);
        let mut left_out = 0;
        let mut edges = [(Incoming, vec![of]), (Outgoing, vec![of])];
        for _ in 0..hops {
            for (direction, edge) in &mut edges {
                let next = edge.iter().flat_map(|it| self.linked(*it, *direction));
                let next: std::collections::BTreeSet<usize> =
                    next.filter(|it| !kept.contains(it)).collect();
                // Each side has its share, so that a task that a thousand need still shows what it needs.
                let room = (NEAR_MAX - kept.len()) / 2;
                left_out += next.len().saturating_sub(room);
                *edge = next.into_iter().take(room).collect();
                kept.extend(edge.iter().copied());
            }
        }
        (kept.into_iter().collect(), left_out)
    }

    /// The path that weighs the most, by place.
    pub(super) fn critical_path(&self, weight: &dyn Fn(usize) -> u64) -> Vec<usize> {
        let path = graph::critical_path(&self.shape, &|node| weight(node.index()));
        path.into_iter().map(NodeIndex::index).collect()
    }
}

fn label(task: &str) -> String {
    let safe = Safe::line(task);
    match text::width(&safe) {
        0 => "?".to_owned(),
        wide if wide > LABEL_MAX => safe.cut(LABEL_MAX).to_string(),
        _ => safe.to_string(),
    }
}
