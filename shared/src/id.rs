//! Names and numbers of things. No bare integers or strings for these anywhere else.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A name of one kind of thing. Names of different kinds do not mix.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<K> {
    text: Arc<str>,
    kind: PhantomData<K>,
}

/// What a [`Name`] can be the name of.
pub mod kind {
    /// Names a workflow: `[a-z0-9][a-z0-9-]{0,62}`.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
    pub enum Workflow {}
    /// Names a task: `[a-z0-9][a-z0-9_-]{0,62}`.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
    pub enum Task {}
    /// Names a pool.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
    pub enum Pool {}
    /// Names a resource.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
    pub enum Resource {}
    /// Names a parameter: `[a-z_][a-z0-9_]*`.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
    pub enum Param {}
    /// Keys one item of a mapped task: a scalar's text, or what the map's `key` gives.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
    pub enum Item {}
    /// Names a version of a workflow: the SHA-256 of its expanded definition, in hexadecimal.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
    pub enum Version {}
}

/// The name of a workflow.
pub type WorkflowName = Name<kind::Workflow>;
/// The name of a task.
pub type TaskName = Name<kind::Task>;
/// The name of a pool.
pub type PoolName = Name<kind::Pool>;
/// The name of a resource.
pub type ResourceName = Name<kind::Resource>;
/// The name of a parameter.
pub type ParamName = Name<kind::Param>;
/// The key of an item of a mapped task.
pub type ItemKey = Name<kind::Item>;
/// The version of a workflow.
pub type Version = Name<kind::Version>;

impl<K> Name<K> {
    /// Takes `text` as it is. Whoever reads names from people checks them first.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), kind: PhantomData }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<K> fmt::Display for Name<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl<K> fmt::Debug for Name<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<K> From<&str> for Name<K> {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<K> Serialize for Name<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, K> Deserialize<'de> for Name<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The id of a run. As text: 13 characters of lower-case base32, of which people may type any unique prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// The id of an attempt, unique for ever: the fencing token of whatever the attempt does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

/// The place of an event in the journal, from 1.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl RunId {
    /// The id for the `counter`-th thing of a store's incarnation.
    ///
    /// A bijection for each incarnation, so ids never repeat within one, and neighbours look nothing alike, so three
    /// characters mostly suffice to name one.
    pub fn mixed(incarnation: u64, counter: u64) -> Self {
        Self(mix(incarnation, counter))
    }
}

impl AttemptId {
    /// As [`RunId::mixed`].
    pub fn mixed(incarnation: u64, counter: u64) -> Self {
        Self(mix(incarnation, counter))
    }
}

/// A bijection of `counter` (the finaliser of splitmix64, shifted by the incarnation).
fn mix(incarnation: u64, counter: u64) -> u64 {
    let mut z = counter.wrapping_add(incarnation).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

fn to_base32(number: u64) -> String {
    (0..13).rev().map(|place| char::from(ALPHABET[(number >> (place * 5)) as usize & 31])).collect()
}

fn from_base32(text: &str) -> Option<u64> {
    if text.len() != 13 {
        return None;
    }
    let digits = text.bytes().map(|byte| ALPHABET.iter().position(|it| *it == byte));
    let number =
        digits.into_iter().try_fold(0_u128, |sum, digit| Some(sum << 5 | digit? as u128))?;
    u64::try_from(number).ok()
}

/// The text is not an id.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not an id: ids are 13 characters of a-z and 2-7")]
pub struct NotAnId(pub String);

impl FromStr for RunId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        from_base32(text).map(Self).ok_or_else(|| NotAnId(text.to_owned()))
    }
}

impl FromStr for AttemptId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        from_base32(text).map(Self).ok_or_else(|| NotAnId(text.to_owned()))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&to_base32(self.0))
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&to_base32(self.0))
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Ids are text where people read them and numbers where programs do.
fn serialize_id<S: Serializer>(number: u64, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_str(&to_base32(number))
    } else {
        serializer.serialize_u64(number)
    }
}

fn deserialize_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    if deserializer.is_human_readable() {
        let text = String::deserialize(deserializer)?;
        from_base32(&text).ok_or_else(|| serde::de::Error::custom(NotAnId(text)))
    } else {
        u64::deserialize(deserializer)
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_id(self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_id(deserializer).map(Self)
    }
}

impl Serialize for AttemptId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_id(self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for AttemptId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_id(deserializer).map(Self)
    }
}

/// A task run within its run: a task, or one item of a mapped task.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TaskPath {
    /// The task.
    pub task: TaskName,
    /// The item, where the task is mapped; `None` is the mapped task as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemKey>,
    /// Whether the undo of the task run is meant, and not the task run itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undo: bool,
}

/// Stands before the path of an undo. No task's name holds its last character.
const UNDO: &str = "undo@";

impl TaskPath {
    /// The path of a task itself.
    pub fn task(task: TaskName) -> Self {
        Self { task, item: None, undo: false }
    }

    /// The path of one item.
    pub fn item(task: TaskName, item: ItemKey) -> Self {
        Self { task, item: Some(item), undo: false }
    }

    /// The path of the undo of the same task run.
    pub fn undo(self) -> Self {
        Self { undo: true, ..self }
    }

    /// The path of the task run that this is the undo of; of one that is no undo, itself.
    pub fn forward(self) -> Self {
        Self { undo: false, ..self }
    }
}

impl From<TaskName> for TaskPath {
    fn from(task: TaskName) -> Self {
        Self::task(task)
    }
}

/// Written `task:item`, and `undo@task:item` for its undo; `task[item]` is read too.
impl fmt::Display for TaskPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let undo = if self.undo { UNDO } else { "" };
        match &self.item {
            None if !self.undo => f.pad(self.task.as_str()),
            None => f.pad(&format!("{undo}{}", self.task)),
            Some(item) => f.pad(&format!("{undo}{}:{item}", self.task)),
        }
    }
}

impl From<&str> for TaskPath {
    fn from(text: &str) -> Self {
        if let Some(forward) = text.strip_prefix(UNDO) {
            return Self::from(forward).undo();
        }
        if let Some((task, rest)) = text.split_once('[')
            && let Some(item) = rest.strip_suffix(']')
        {
            return Self::item(task.into(), item.into());
        }
        match text.split_once(':') {
            Some((task, item)) => Self::item(task.into(), item.into()),
            None => Self::task(text.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_read_back_as_they_were_written() {
        for counter in 0..10_000 {
            let id = RunId::mixed(7, counter);
            assert_eq!(id.to_string().len(), 13);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!("zzzzzzzzzzzzz".parse::<RunId>().is_err(), "more than 64 bits");
        assert!("abc".parse::<RunId>().is_err());
        assert!("ABCDEFGHIJKLM".parse::<RunId>().is_err());
    }

    #[test]
    fn ids_of_one_incarnation_never_repeat_and_differ_early() {
        let ids: BTreeSet<String> = (0..2_000).map(|it| RunId::mixed(3, it).to_string()).collect();
        assert_eq!(ids.len(), 2_000);
        let prefixes: BTreeSet<&str> = ids.iter().map(|it| &it[..4]).collect();
        assert!(prefixes.len() > 1_800, "four characters tell most apart: {}", prefixes.len());
    }

    #[test]
    fn an_item_is_written_in_two_ways() {
        assert_eq!(TaskPath::from("load:north"), TaskPath::from("load[north]"));
        assert_eq!(TaskPath::from("load:a:b").item, Some("a:b".into()));
        assert_eq!(TaskPath::from("load").to_string(), "load");
        assert_eq!(TaskPath::from("load[x]").to_string(), "load:x");
    }

    #[test]
    fn an_undo_is_named_after_what_it_undoes() {
        let undo = TaskPath::item("load".into(), "a".into()).undo();
        assert_eq!(undo.to_string(), "undo@load:a");
        assert_eq!(TaskPath::from("undo@load:a"), undo);
        assert_eq!(TaskPath::from("undo@load").forward(), TaskPath::from("load"));
        assert_eq!(TaskPath::from("load:undo@x").item, Some("undo@x".into()));
    }
}
