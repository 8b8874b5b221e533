//! Whether a pool's machine is too busy for more. What is measured is no fact; that a guard closes or opens by it is one.
//! Source: semantics, rule 6; decisions, 29.

use shared::capacity::Guard;
use shared::id::PoolName;

use crate::event::Event;
use crate::input::Measured;
use crate::step::Turn;

/// A guard that has closed opens only when there is so much room again: what swings about its limit would otherwise open
/// and close all the time.
const ROOM: f64 = 0.1;

impl Turn<'_> {
    pub(crate) fn measured(&mut self, name: &PoolName, measured: Measured) {
        let Some(pool) = self.state.pools.get(name) else { return };
        let mut events = Vec::new();
        for guard in Guard::ALL {
            let Some(limit) = pool.size.limit(guard) else { continue };
            let is_closed = pool.closed.contains_key(&guard);
            let value = value(guard, &measured);
            let pool = name.clone();
            match value {
                Some(value) if !is_closed && exceeds(guard, value, limit) => {
                    events.push(Event::GuardClosed { pool, guard, measured: value, limit });
                }
                Some(value) if is_closed && has_room(guard, value, limit) => {
                    events.push(Event::GuardOpened { pool, guard });
                }
                // What cannot be measured any more holds nothing up.
                None if is_closed => events.push(Event::GuardOpened { pool, guard }),
                Some(_) | None => {}
            }
        }
        events.into_iter().for_each(|event| self.emit(event));
    }
}

fn value(guard: Guard, measured: &Measured) -> Option<f64> {
    match guard {
        Guard::MaxLoad => measured.load,
        Guard::MinMemoryFree => measured.memory_free.map(|it| it as f64),
        Guard::MaxPressure => measured.pressure,
    }
}

fn exceeds(guard: Guard, value: f64, limit: f64) -> bool {
    match guard {
        Guard::MaxLoad | Guard::MaxPressure => value > limit,
        Guard::MinMemoryFree => value < limit,
    }
}

fn has_room(guard: Guard, value: f64, limit: f64) -> bool {
    match guard {
        Guard::MaxLoad | Guard::MaxPressure => value <= limit * (1.0 - ROOM),
        Guard::MinMemoryFree => value >= limit * (1.0 + ROOM),
    }
}
