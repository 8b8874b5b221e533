//! Makes the history of a failure small: whatever can be left out while the same thing still fails. Source: Zeller,
//! Hildebrandt, "Simplifying and isolating failure-inducing input" (2002).

use crate::course::{Choice, Script};
use crate::play::play_script;
use crate::report::Failed;

/// So many shorter histories are played at most.
const TRIES_MAX: u32 = 400;

/// The smallest history found in which the same does not hold.
pub fn shrink(script: &Script, failed: Failed) -> (Script, Failed) {
    let kind = failed.kind();
    let mut best = (Script { until: Some(failed.at), ..script.clone() }, failed);
    let mut tries = 0;
    let fails = |script: &Script| match play_script(script) {
        Err(it) if it.kind() == kind => Some(*it),
        Err(_) | Ok(_) => None,
    };
    // What is noticed only at rest needs the end.
    if fails(&best.0).is_none() {
        best.0.until = None;
    }
    let mut size = best.1.choices.len().div_ceil(2);
    while size > 0 && tries < TRIES_MAX {
        let before = best.1.choices.len();
        let mut from = 0;
        loop {
            let left: Vec<Choice> = remaining(&best);
            let part = left.iter().rev().skip(from).take(size);
            let mut shorter = best.0.clone();
            shorter.without.extend(part);
            if shorter.without.len() == best.0.without.len() || tries >= TRIES_MAX {
                break;
            }
            tries += 1;
            match fails(&shorter) {
                Some(failed) => {
                    shorter.until = shorter.until.map(|_| failed.at);
                    best = (shorter, failed);
                }
                None => from += size,
            }
        }
        let shrunk = best.1.choices.len() < before;
        size =
            if size == 1 && !shrunk { 0 } else { (size / 2).max(usize::from(size > 1 || shrunk)) };
    }
    best
}

/// A failure and its smallest history, for people.
pub fn story(script: &Script, failed: Failed) -> String {
    let (seed, step, problem) = (failed.seed, failed.step, failed.problem.clone());
    let before = failed.choices.len();
    let small = shrink(script, failed);
    let left = remaining(&small);
    let acts = left.iter().filter(|it| matches!(it, Choice::Act(_))).count();
    let tasks = left.iter().filter(|it| matches!(it, Choice::Task(..))).count();
    let faults = left.len() - acts - tasks;
    format!(
        "seed {seed}, step {step}: {problem}\n{before} choices shrunk to {}: {tasks} tasks, {acts} acts, {faults} faults\n{}",
        left.len(),
        small.1
    )
}

/// What is still in it, in the order of the history.
pub fn remaining(best: &(Script, Failed)) -> Vec<Choice> {
    best.1.choices.iter().filter(|it| best.0.has(**it)).copied().collect()
}
