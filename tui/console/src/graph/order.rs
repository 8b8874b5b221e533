//! The order of nodes and passing lines within each layer, with few crossings.

use super::slots::Slots;

/// Upper bounds, counted in visited neighbours so that the result depends on no clock.
const SWEEP_BUDGET: usize = 3_000_000;
const MAX_SWEEPS: usize = 24;
const MAX_SWAP_PASSES: usize = 8;

/// Reorders every layer of `slots`: barycentre sweeps to the right and to the left, the best order kept, then swaps of
/// neighbours for as long as they remove crossings.
pub(super) fn order(slots: &mut Slots) {
    let links: usize = slots.right.iter().map(Vec::len).sum();
    let sweeps = (SWEEP_BUDGET / (links + slots.right.len() + 1)).clamp(2, MAX_SWEEPS);
    let mut positions = slots.positions();
    let mut best = (crossings(slots, &positions), slots.layers.clone());
    for sweep in 0..sweeps {
        if best.0 == 0 {
            break;
        }
        sweep_once(slots, &mut positions, sweep % 2 == 0);
        let found = crossings(slots, &positions);
        if found < best.0 {
            best = (found, slots.layers.clone());
        }
    }
    slots.layers = best.1;
    let passes = if best.0 == 0 { 0 } else { sweeps.min(MAX_SWAP_PASSES) };
    let mut positions = slots.positions();
    for _ in 0..passes {
        if !swap_once(slots, &mut positions) {
            break;
        }
    }
}

fn sweep_once(slots: &mut Slots, positions: &mut [usize], rightward: bool) {
    let depth = slots.layers.len();
    for step in 1..depth {
        let layer = if rightward { step } else { depth - 1 - step };
        let fixed = if rightward { &slots.left } else { &slots.right };
        let mut keyed: Vec<(f64, usize)> = slots.layers[layer]
            .iter()
            .map(|&slot| (barycentre(&fixed[slot], positions, positions[slot]), slot))
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at, (_, slot)) in keyed.into_iter().enumerate() {
            slots.layers[layer][at] = slot;
            positions[slot] = at;
        }
    }
}

fn barycentre(neighbours: &[usize], positions: &[usize], own: usize) -> f64 {
    if neighbours.is_empty() {
        return own as f64;
    }
    let sum: usize = neighbours.iter().map(|&slot| positions[slot]).sum();
    sum as f64 / neighbours.len() as f64
}

/// One pass of swaps over all layers. Answers whether anything was swapped.
fn swap_once(slots: &mut Slots, positions: &mut [usize]) -> bool {
    let mut swapped = false;
    for layer in 0..slots.layers.len() {
        for at in 1..slots.layers[layer].len() {
            let (above, below) = (slots.layers[layer][at - 1], slots.layers[layer][at]);
            let sides = [&slots.left, &slots.right];
            let kept: u64 =
                sides.iter().map(|s| pair_crossings(&s[above], &s[below], positions)).sum();
            if kept == 0 {
                continue;
            }
            let turned: u64 =
                sides.iter().map(|s| pair_crossings(&s[below], &s[above], positions)).sum();
            if turned < kept {
                slots.layers[layer].swap(at - 1, at);
                positions[above] = at;
                positions[below] = at - 1;
                swapped = true;
            }
        }
    }
    swapped
}

/// How many links of `above` cross links of `below` when `above` stands first.
fn pair_crossings(above: &[usize], below: &[usize], positions: &[usize]) -> u64 {
    let sorted = |slots: &[usize]| {
        let mut at: Vec<usize> = slots.iter().map(|&slot| positions[slot]).collect();
        at.sort_unstable();
        at
    };
    let (above, below) = (sorted(above), sorted(below));
    let mut passed = 0;
    let mut crossings = 0;
    for position in above {
        while passed < below.len() && below[passed] < position {
            passed += 1;
        }
        crossings += passed as u64;
    }
    crossings
}

/// All crossings between neighbouring layers.
fn crossings(slots: &Slots, positions: &[usize]) -> u64 {
    slots
        .layers
        .windows(2)
        .map(|pair| layer_crossings(slots, positions, &pair[0], pair[1].len()))
        .sum()
}

fn layer_crossings(slots: &Slots, positions: &[usize], left: &[usize], width: usize) -> u64 {
    // A Fenwick tree over the right positions counts the inversions.
    let mut tree = vec![0_u64; width + 1];
    let (mut seen, mut crossings) = (0, 0);
    for &slot in left {
        let ends = slots.right[slot].iter().map(|&end| positions[end]);
        for end in ends.clone() {
            crossings += seen - sum_to(&tree, end);
        }
        for end in ends {
            seen += 1;
            let mut at = end + 1;
            while at < tree.len() {
                tree[at] += 1;
                at += at & at.wrapping_neg();
            }
        }
    }
    crossings
}

/// How many counted positions are at most `position`.
fn sum_to(tree: &[u64], position: usize) -> u64 {
    let mut at = position + 1;
    let mut sum = 0;
    while at > 0 {
        sum += tree[at];
        at &= at - 1;
    }
    sum
}
