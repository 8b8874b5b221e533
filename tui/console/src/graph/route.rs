//! The columns of the verticals between two layers, by the rules that keep a picture readable.

use std::collections::{BTreeMap, BTreeSet};

use super::GraphError;
use super::nets::{Land, Lead, Net, Stubs, extents, nets};
use super::slots::Slots;

/// Upper bound on comparisons, and on cells in verticals, of one picture.
const PACK_BUDGET: usize = 20_000_000;
/// What looking at one net costs, in comparisons.
const PLAN_COST: usize = 50;
const VERTICAL_BUDGET: usize = 500_000;

/// The lines of a whole picture.
#[derive(Debug, Clone)]
pub(super) struct Routes {
    /// All nets, gutter by gutter.
    pub(super) nets: Vec<Net>,
    /// How many columns of verticals the gutter right of each layer has.
    pub(super) tracks: Vec<usize>,
}

/// Routes every gutter. Edges for which there is no readable way are added to `stubs`.
///
/// - One vertical per net; at a crossing the vertical is drawn, so lines only touch where they belong together.
/// - A net that enters on a row turns before the net that leaves on this row begins; where nets wait for each other in a
///   circle, one steps aside to the free row and turns later.
/// - A net whose target's row another owns stands right of the owner's vertical and ends in an arrowhead.
/// - Errors: `TooLarge` when the drawing would exceed the budgets.
pub(super) fn route(
    slots: &Slots,
    rows: &[usize],
    stubs: &mut Stubs,
) -> Result<Routes, GraphError> {
    loop {
        let known = stubs.len();
        let extents = extents(slots, stubs);
        let mut routes = Routes { nets: Vec::new(), tracks: Vec::new() };
        let mut budget = Budget { compare: PACK_BUDGET, vertical: VERTICAL_BUDGET };
        for layer in 0..slots.layers.len().saturating_sub(1) {
            let mut gutter = Gutter::new(slots, nets(slots, rows, &extents, stubs, layer));
            gutter.fill(stubs, &mut budget)?;
            routes.tracks.push(gutter.columns.len());
            routes.nets.extend(gutter.nets.into_iter().filter(|net| !net.outs.is_empty()));
        }
        // A line cut in one gutter leaves loose ends in those before: once more without them.
        if stubs.len() == known {
            return Ok(routes);
        }
    }
}

struct Budget {
    compare: usize,
    vertical: usize,
}

/// Why a net can't be given its vertical yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Block {
    /// This net, still on the row of the target, must turn or be placed first.
    Row { net: usize, y: usize },
    /// A line that stepped aside runs where the arrowhead would be.
    Held,
}

/// The verticals between two layers, placed from left to right.
struct Gutter<'a> {
    slots: &'a Slots,
    nets: Vec<Net>,
    /// The net on each row that comes from the left and has not turned.
    entering: BTreeMap<usize, usize>,
    /// The net that owns the row of each slot on the right, as far as decided.
    owners: BTreeMap<usize, usize>,
    /// Nets without a vertical that still need one, by preference.
    waiting: Vec<usize>,
    /// From which column on each row of boxes is free for a line or an arrowhead.
    free: BTreeMap<usize, usize>,
    /// From which column on each row between is free of lines that stepped aside.
    led: BTreeMap<usize, usize>,
    /// From which column on each row between is free of arrowheads.
    landed: BTreeMap<usize, usize>,
    /// Rows between on which a line that stepped aside still waits to turn.
    held: BTreeSet<usize>,
    /// The spans already in each column.
    columns: Vec<Vec<(usize, usize)>>,
}

impl<'a> Gutter<'a> {
    fn new(slots: &'a Slots, nets: Vec<Net>) -> Self {
        let mut gutter = Self {
            slots,
            entering: BTreeMap::new(),
            owners: BTreeMap::new(),
            waiting: (0..nets.len()).filter(|&net| !nets[net].is_straight()).collect(),
            free: BTreeMap::new(),
            led: BTreeMap::new(),
            landed: BTreeMap::new(),
            held: BTreeSet::new(),
            columns: Vec::new(),
            nets,
        };
        // Downward nets from the bottom and upward nets from the top: so they cross least.
        gutter.waiting.sort_by_key(|&net| turn_key(&gutter.nets[net]));
        for (index, net) in gutter.nets.iter().enumerate() {
            for line in &net.ins {
                gutter.entering.insert(line.y, index);
                let beside = net.outs.iter().find(|out| out.y == line.y);
                gutter.owners.extend(beside.map(|out| (out.slot, index)));
            }
        }
        gutter
    }

    /// Places every net; cuts what can't be placed.
    fn fill(&mut self, stubs: &mut Stubs, budget: &mut Budget) -> Result<(), GraphError> {
        while !self.waiting.is_empty() {
            let ready = |(at, &net): (usize, &usize)| Some((at, self.plan(net).ok()?));
            let found = self.waiting.iter().enumerate().find_map(ready);
            let planned = found.as_ref().map_or(3 * self.waiting.len(), |(at, _)| at + 1);
            spend(&mut budget.compare, planned * PLAN_COST)?;
            match found {
                Some((at, lands)) => {
                    let net = self.waiting.remove(at);
                    self.place(net, lands, budget)?;
                }
                None => {
                    if !self.step_aside(budget)? {
                        self.cut(stubs);
                    }
                }
            }
        }
        Ok(())
    }

    /// How a net meets the row of each of its targets, or what keeps it from being placed, by targets.
    fn plan(&self, net: usize) -> Result<Vec<Land>, Vec<(usize, Block)>> {
        let mut lands = Vec::new();
        let mut blocks = Vec::new();
        // Two arrowheads of one net must not want the same cell.
        let mut used = BTreeSet::new();
        for out in &self.nets[net].outs {
            let met = match self.owners.get(&out.slot) {
                Some(&owner) if owner == net => Ok(Land::Along),
                Some(&owner) if self.is_waiting(owner) => Err(Block::Row { net: owner, y: out.y }),
                Some(_) => self.land(net, out.y, &used).ok_or(Block::Held),
                None => match self.entering.get(&out.y) {
                    Some(&net) => Err(Block::Row { net, y: out.y }),
                    None => Ok(Land::Along),
                },
            };
            match met {
                Ok(land) => {
                    used.insert(land.row(out.y));
                    lands.push(land);
                }
                Err(block) => blocks.push((out.slot, block)),
            }
        }
        if blocks.is_empty() { Ok(lands) } else { Err(blocks) }
    }

    fn is_waiting(&self, net: usize) -> bool {
        let net = &self.nets[net];
        net.track.is_none() && !net.is_straight() && !net.outs.is_empty()
    }

    fn blocks(&self, net: usize) -> Vec<(usize, Block)> {
        self.plan(net).err().unwrap_or_default()
    }

    /// From where a net that does not own row `y` points at it: from the side of its first source if nothing runs there.
    fn land(&self, net: usize, y: usize, used: &BTreeSet<usize>) -> Option<Land> {
        let first = self.nets[net].ins.first().map_or(0, |line| line.y);
        let sides = if first < y { [Land::Down, Land::Up] } else { [Land::Up, Land::Down] };
        sides.into_iter().filter(|&land| y > 0 || land == Land::Up).find(|land| {
            let row = land.row(y);
            !self.held.contains(&row) && !used.contains(&row)
        })
    }

    fn place(
        &mut self,
        index: usize,
        lands: Vec<Land>,
        budget: &mut Budget,
    ) -> Result<(), GraphError> {
        let mut from = 0;
        for (out, land) in self.nets[index].outs.iter_mut().zip(lands) {
            self.owners.entry(out.slot).or_insert(index);
            out.land = land;
            let free = self.free.get(&out.y).into_iter();
            from = free.chain(self.led.get(&out.end())).copied().fold(from, usize::max);
        }
        let leads = self.nets[index].ins.iter().filter_map(|line| line.lead);
        from = leads.map(|lead| lead.track + 1).fold(from, usize::max);
        let track = self.pack(self.nets[index].span(), from, budget)?;
        self.nets[index].track = Some(track);
        for line in &self.nets[index].ins {
            let rows = if line.lead.is_some() { &mut self.led } else { &mut self.free };
            raise(rows, line.y, track + 1);
            self.held.remove(&line.y);
            self.entering.remove(&line.y);
        }
        for out in &self.nets[index].outs {
            let rows = if out.land == Land::Along { &mut self.free } else { &mut self.landed };
            raise(rows, out.end(), track + 1);
        }
        Ok(())
    }

    /// Moves one line in the way of others to the free row beside it. Answers whether there was one.
    fn step_aside(&mut self, budget: &mut Budget) -> Result<bool, GraphError> {
        // What frees a net at once is worth most, then what stands in the way of many.
        let mut worth: BTreeMap<(usize, usize), (bool, usize, usize)> = BTreeMap::new();
        for &net in &self.waiting {
            let blocks: BTreeSet<Block> =
                self.blocks(net).into_iter().map(|(_, block)| block).collect();
            for block in &blocks {
                if let Block::Row { net, y } = *block {
                    let owned = self.nets[net].outs.iter().any(|out| out.y == y);
                    let worth = worth.entry((y, net)).or_default();
                    *worth = (!owned, worth.1 + usize::from(blocks.len() == 1), worth.2 + 1);
                }
            }
        }
        let mut choices: Vec<_> = worth.into_iter().collect();
        choices.sort_by_key(|&(_, worth)| std::cmp::Reverse(worth));
        for ((y, net), _) in choices {
            let Some(row) = self.row_beside(net, y) else { continue };
            let used = [&self.led, &self.landed].map(|rows| rows.get(&row).copied().unwrap_or(0));
            let track = self.pack((y.min(row), y.max(row)), used[0].max(used[1]), budget)?;
            let line = self.nets[net].ins.iter_mut().find(|line| line.y == y);
            let line = line.expect("a net enters on the rows it is known for");
            line.lead = Some(Lead { y, track });
            line.y = row;
            self.entering.remove(&y);
            let beside = self.nets[net].outs.iter().find(|out| out.y == y);
            beside.map(|out| self.owners.remove(&out.slot));
            self.held.insert(row);
            raise(&mut self.free, y, track + 1);
            return Ok(true);
        }
        Ok(false)
    }

    /// The free row next to `y`, on the side of the net's targets if both are free.
    fn row_beside(&self, net: usize, y: usize) -> Option<usize> {
        let below = self.nets[net].outs.iter().filter(|out| out.y > y).count();
        let rows = [Some(y + 1), y.checked_sub(1)];
        let upward = below * 2 < self.nets[net].outs.len();
        let order = if upward { [rows[1], rows[0]] } else { rows };
        order.into_iter().flatten().find(|row| !self.held.contains(row))
    }

    /// Turns the blocked lines of the net with the fewest such edges into stubs.
    fn cut(&mut self, stubs: &mut Stubs) {
        let edges = |gutter: &Self, net: usize| -> Vec<(usize, usize)> {
            let blocks = gutter.blocks(net).into_iter();
            blocks
                .flat_map(|(slot, _)| edges_through(gutter.slots, &gutter.nets[net], slot, stubs))
                .collect()
        };
        let cheapest = self.waiting.iter().copied().min_by_key(|&net| edges(self, net).len());
        let Some(net) = cheapest else { return };
        let lost = edges(self, net);
        let blocked: BTreeSet<usize> = self.blocks(net).into_iter().map(|(slot, _)| slot).collect();
        stubs.extend(lost);
        self.nets[net].outs.retain(|out| !blocked.contains(&out.slot));
        let gone = self.nets[net].outs.is_empty();
        if gone || self.nets[net].is_straight() {
            self.waiting.retain(|&other| other != net);
        }
        if gone {
            self.entering.retain(|_, other| *other != net);
            let rows = self.nets[net].ins.iter().filter(|line| line.lead.is_some());
            rows.for_each(|line| {
                self.held.remove(&line.y);
            });
        }
    }

    /// The leftmost column from `from` on in which a span fits.
    fn pack(
        &mut self,
        span: (usize, usize),
        from: usize,
        budget: &mut Budget,
    ) -> Result<usize, GraphError> {
        spend(&mut budget.vertical, span.1 - span.0 + 1)?;
        let mut track = from;
        while let Some(taken) = self.columns.get(track) {
            spend(&mut budget.compare, taken.len() + 1)?;
            if !taken.iter().any(|other| near(*other, span)) {
                break;
            }
            track += 1;
        }
        if self.columns.len() <= track {
            self.columns.resize(track + 1, Vec::new());
        }
        self.columns[track].push(span);
        Ok(track)
    }
}

fn raise(rows: &mut BTreeMap<usize, usize>, row: usize, column: usize) {
    let free = rows.entry(row).or_default();
    *free = column.max(*free);
}

/// Every edge, not cut so far, whose line leaves `net` into `slot`.
fn edges_through(slots: &Slots, net: &Net, slot: usize, stubs: &Stubs) -> Vec<(usize, usize)> {
    if slots.is_node(slot) {
        return net.ins.iter().map(|line| (line.source, slot)).collect();
    }
    let source = slots.source_of[slot];
    let mut edges = Vec::new();
    let mut pass = Some(slot);
    while let Some(at) = pass {
        let ends = slots.right[at].iter().filter(|&&end| slots.is_node(end));
        edges.extend(ends.map(|&end| (source, end)).filter(|edge| !stubs.contains(edge)));
        pass = slots.right[at].iter().copied().find(|&end| !slots.is_node(end));
    }
    edges
}

fn turn_key(net: &Net) -> i64 {
    let (Some(first), Some(end)) = (net.ins.first(), net.outs.last()) else { return 0 };
    match end.y > first.y {
        true => -(first.y as i64),
        false => first.y as i64,
    }
}

fn spend(budget: &mut usize, amount: usize) -> Result<(), GraphError> {
    *budget = budget.checked_sub(amount).ok_or(GraphError::TooLarge)?;
    Ok(())
}

/// Whether two spans in one column would touch or leave no free row between them.
fn near(one: (usize, usize), other: (usize, usize)) -> bool {
    one.0 < other.1 + 2 && other.0 < one.1 + 2
}
