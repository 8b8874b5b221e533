//! The row of each slot: a layer keeps its order and each slot stands as near to its neighbours as that allows.

use super::slots::Slots;

/// A slot that follows nothing may be moved by those that do.
const LOOSE: f64 = 0.01;
/// A passing line that bends costs more than a node off its parents' row.
const PASS: f64 = 4.0;

/// The row of each slot, from 0, by slot. Rows of boxes, not of cells.
///
/// The widest layer is fixed without gaps; from there outwards each slot wants the median row of its linked slots in
/// the layer before.
pub(super) fn rows(slots: &Slots) -> Vec<usize> {
    let mut rows = vec![None; slots.layer_of.len()];
    let widest = (0..slots.layers.len()).rev().max_by_key(|&layer| slots.layers[layer].len());
    let Some(widest) = widest else { return Vec::new() };
    for (at, &slot) in slots.layers[widest].iter().enumerate() {
        rows[slot] = Some(at as i64);
    }
    // The second round knows both sides, so that a slot without links on one side can follow the other.
    for _ in 0..2 {
        for layer in widest + 1..slots.layers.len() {
            place(slots, layer, &slots.left, &slots.right, &mut rows);
        }
        for layer in (0..widest).rev() {
            place(slots, layer, &slots.right, &slots.left, &mut rows);
        }
    }
    let top = rows.iter().flatten().min().copied().unwrap_or(0);
    rows.iter().map(|row| row.map_or(0, |row| (row - top) as usize)).collect()
}

type Links = [Vec<usize>];

fn place(slots: &Slots, layer: usize, first: &Links, second: &Links, rows: &mut [Option<i64>]) {
    let order = &slots.layers[layer];
    let mut wants: Vec<Option<i64>> = order
        .iter()
        .map(|&slot| median(&first[slot], rows).or_else(|| median(&second[slot], rows)))
        .collect();
    let loose: Vec<bool> = wants.iter().map(Option::is_none).collect();
    fill(&mut wants);
    let weight = |at: usize| match (loose[at], slots.is_node(order[at])) {
        (true, _) => LOOSE,
        (false, true) => 1.0,
        (false, false) => PASS,
    };
    let wanted =
        wants.iter().enumerate().map(|(at, want)| (want.unwrap_or(0) - at as i64, weight(at)));
    for (at, free) in nearest_increasing(wanted).into_iter().enumerate() {
        rows[order[at]] = Some(free + at as i64);
    }
}

/// The lower median, so that one line of an even number is straight.
fn median(links: &[usize], rows: &[Option<i64>]) -> Option<i64> {
    let mut linked: Vec<i64> = links.iter().filter_map(|&slot| rows[slot]).collect();
    linked.sort_unstable();
    linked.get(linked.len().saturating_sub(1) / 2).copied()
}

/// Gives slots without a wish the row next to their neighbour in the layer.
fn fill(wants: &mut [Option<i64>]) {
    for at in 1..wants.len() {
        if wants[at].is_none() {
            wants[at] = wants[at - 1].map(|row| row + 1);
        }
    }
    for at in (1..wants.len()).rev() {
        if wants[at - 1].is_none() {
            wants[at - 1] = wants[at].map(|row| row - 1);
        }
    }
}

/// The non-decreasing whole numbers nearest to the wishes by weighted squares (pool adjacent violators).
fn nearest_increasing(wishes: impl Iterator<Item = (i64, f64)>) -> Vec<i64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (wish, weight) in wishes {
        let mut pool = (wish as f64, weight, 1);
        while let Some(&(mean, mass, count)) = pools.last() {
            if mean <= pool.0 {
                break;
            }
            pools.pop();
            let sum = mass + pool.1;
            pool = ((mean * mass + pool.0 * pool.1) / sum, sum, count + pool.2);
        }
        pools.push(pool);
    }
    pools
        .iter()
        .flat_map(|&(mean, _, count)| std::iter::repeat_n(mean.round() as i64, count))
        .collect()
}
