//! Takes an update back.

use super::book::{Before, State};
use super::place::{Place, inode};
use super::step::{self, Step};
use super::work::{CarryOut, Work};
use super::{Refusal, Withdrawal};

/// Puts back what an update has replaced. Result: a line that says what has been put back.
///
/// Where a later update is in place, that one stays, and to withdraw it does not bring this one back.
pub(crate) fn withdraw(asked: &Withdrawal) -> Result<String, Refusal> {
    withdraw_at(&Place::new(&asked.to)?, &asked.update, &mut step::carry_out)
}

pub(super) fn withdraw_at(
    place: &Place,
    update: &str,
    carry_out: CarryOut<'_>,
) -> Result<String, Refusal> {
    let to = place.target().display();
    let nothing = || format!("update {update} has published nothing at {to}: nothing to put back");
    if !place.versions().is_dir() {
        return Ok(nothing());
    }
    let _lock = place.lock()?;
    let mut work = Work::open(place, carry_out)?;
    let published = work.book.published(update);
    let Some((name, earlier)) = published.split_last() else {
        if work.book.lines.iter().any(|it| it.update() == update) {
            return Ok(format!("update {update} at {to} has been withdrawn already"));
        }
        let refusal = Refusal::NotListed { update: update.to_owned(), book: place.book() };
        return if work.book.cut { Err(refusal) } else { Ok(nothing()) };
    };
    if !published.iter().all(|it| can_go_behind(&work, it)) {
        let to = place.target().to_owned();
        return Err(Refusal::NotKept { update: update.to_owned(), to });
    }
    for name in earlier {
        work.drop_from_chain(name)?;
    }
    take_back(&mut work, update, name)
}

/// Takes back the only publication of an update.
fn take_back(work: &mut Work<'_>, update: &str, name: &str) -> Result<String, Refusal> {
    let to = work.place.target().display();
    let index = work.book.index(name).expect("what is published is in the book");
    if let Some(above) = work.book.above(index) {
        let later = work.book.lines[above].update().to_owned();
        work.drop_from_chain(name)?;
        return Ok(format!(
            "update {update} is withdrawn; {to} stays as it is, since update {later} has been \
             published there later, and to withdraw that one does not bring {update} back"
        ));
    }
    let Some(inode) = inode(&work.place.item(name, "before")) else {
        remove(work, index)?;
        return Ok(format!("update {update} is withdrawn: nothing was at {to} before it"));
    };
    let below = work.book.below(name).map(|it| format!("as update {it} has published it"));
    restore(work, name, inode)?;
    let below = below.unwrap_or_else(|| "as it was before".to_owned());
    Ok(format!("update {update} is withdrawn: {to} is again {below}"))
}

/// Whether what was there before is kept, or nothing was.
fn can_go_behind(work: &Work<'_>, name: &str) -> bool {
    match work.book.find(name).map(|it| it.before) {
        Some(Before::Kept) => inode(&work.place.item(name, "before")).is_some(),
        Some(Before::Nothing) => true,
        Some(Before::Gone) | None => false,
    }
}

fn restore(work: &mut Work<'_>, name: &str, inode: u64) -> Result<(), Refusal> {
    work.intend(name, State::Restoring, inode)?;
    let [before, withdrawn] = ["before", "withdrawn"].map(|it| work.place.item(name, it));
    let put = work.put(&before, &withdrawn);
    let settled = work.settle();
    put.and(settled)
}

fn remove(work: &mut Work<'_>, index: usize) -> Result<(), Refusal> {
    let target = work.place.target().to_owned();
    if inode(&target).is_none() {
        work.mark_withdrawn(index);
        return work.save();
    }
    let name = work.book.lines[index].name.clone();
    work.intend(&name, State::Removing, 0)?;
    let to = work.place.item(&name, "withdrawn");
    let moved = work.step(Step::Move { from: target, to });
    let settled = work.settle();
    moved.and(settled)
}
