//! The reader's events → one tree: anchors, aliases and merge keys resolved, duplicate keys refused.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag, options};

use super::{ALIASES_MAX, DEPTH_MAX, Entry, NODES_MAX, Node, Place, Value, scalar};
use crate::problem::Problem;
use crate::report::Report;

/// Reads the one document of `text`. `None` where it cannot be read at all; what is wrong is in `report`.
pub(crate) fn compose(text: &str, report: &mut Report<'_>) -> Option<Node> {
    let mut composer = Composer::new(report);
    match composer.document(text) {
        Ok(root) => root,
        Err((place, problem)) => {
            report.add(place, problem);
            None
        }
    }
}

type Stop = (Place, Problem);

/// A list or mapping that is not closed yet.
struct Open {
    place: Place,
    anchor: usize,
    nodes_before: usize,
    children: Children,
}

enum Children {
    Items(Vec<Node>),
    Entries { done: Vec<Entry>, keys: BTreeSet<String>, merged: Vec<Node>, next: NextKey },
}

/// What a mapping waits for.
enum NextKey {
    Key,
    Value(Place, String),
    Merge,
    /// The value of a key that has been refused.
    Nothing,
}

struct Composer<'r, 'a> {
    report: &'r mut Report<'a>,
    open: Vec<Open>,
    /// Each anchor's node and how many values it holds.
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
    aliases: usize,
    root: Option<Node>,
}

impl<'r, 'a> Composer<'r, 'a> {
    fn new(report: &'r mut Report<'a>) -> Self {
        Self {
            report,
            open: Vec::new(),
            anchors: BTreeMap::new(),
            nodes: 0,
            aliases: 0,
            root: None,
        }
    }

    fn document(&mut self, text: &str) -> Result<Option<Node>, Stop> {
        let mut options =
            options! { block_nesting_limit: 2 * DEPTH_MAX, flow_nesting_limit: 2 * DEPTH_MAX };
        options.set_emit_comments(false);
        let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str_with_options(text, options);
        let mut documents = 0;
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|it| unreadable(&it))?;
            let at = place(&span.start);
            match event {
                Event::DocumentStart(..) => documents += 1,
                Event::StreamEnd => break,
                _ if documents > 1 => return Err((at, Problem::ManyDocuments)),
                Event::Alias(anchor) => self.alias(anchor, at)?,
                Event::Scalar(text, style, anchor, tag) => {
                    self.refuse_tag(tag.as_deref(), at);
                    self.count(1, at)?;
                    let value = match style {
                        ScalarStyle::Plain => scalar::plain(&text),
                        _ => Value::Text(text.into_owned()),
                    };
                    let node = Node { place: at, value };
                    if anchor != 0 {
                        self.anchors.insert(anchor, (node.clone(), 1));
                    }
                    self.put(node);
                }
                Event::SequenceStart(_, anchor, tag) => {
                    self.start(Children::Items(Vec::new()), anchor, tag.as_deref(), at)?;
                }
                Event::MappingStart(_, anchor, tag) => {
                    let children = Children::Entries {
                        done: Vec::new(),
                        keys: BTreeSet::new(),
                        merged: Vec::new(),
                        next: NextKey::Key,
                    };
                    self.start(children, anchor, tag.as_deref(), at)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(),
                _ => {}
            }
        }
        Ok(self.root.take())
    }

    fn start(
        &mut self,
        children: Children,
        anchor: usize,
        tag: Option<&Tag>,
        at: Place,
    ) -> Result<(), Stop> {
        self.refuse_tag(tag, at);
        self.count(1, at)?;
        if self.open.len() >= DEPTH_MAX {
            return Err((at, Problem::TooDeep));
        }
        self.open.push(Open { place: at, anchor, nodes_before: self.nodes - 1, children });
        Ok(())
    }

    fn end(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let value = match open.children {
            Children::Items(items) => Value::List(items),
            Children::Entries { mut done, keys, merged, .. } => {
                self.merge(&mut done, keys, merged);
                Value::Map(done)
            }
        };
        let node = Node { place: open.place, value };
        if open.anchor != 0 {
            self.anchors.insert(open.anchor, (node.clone(), self.nodes - open.nodes_before));
        }
        self.put(node);
    }

    /// Puts in what merge keys bring; the mapping's own keys win, and of merged mappings the first.
    fn merge(&mut self, done: &mut Vec<Entry>, mut keys: BTreeSet<String>, merged: Vec<Node>) {
        for node in &merged {
            for source in node.items() {
                if !matches!(source.value, Value::Map(_)) {
                    self.report.add(
                        source.place,
                        Problem::WrongType {
                            key: "<<".to_owned(),
                            found: source.describe(),
                            expected: "a mapping".to_owned(),
                            example: "`<<: *NAME` of a mapping that has the anchor `&NAME`"
                                .to_owned(),
                        },
                    );
                }
                let new = source.entries().iter().filter(|it| keys.insert(it.key.clone()));
                done.extend(new.cloned());
            }
        }
    }

    fn alias(&mut self, anchor: usize, at: Place) -> Result<(), Stop> {
        self.aliases += 1;
        if self.aliases > ALIASES_MAX {
            return Err((at, Problem::TooManyAliases));
        }
        let Some((node, nodes)) = self.anchors.get(&anchor) else {
            return Err((at, Problem::Syntax("an alias stands inside what it names".to_owned())));
        };
        let (node, nodes) = (node.clone(), *nodes);
        if self.open.len() + depth(&node) > DEPTH_MAX {
            return Err((at, Problem::TooDeep));
        }
        self.count(nodes, at)?;
        self.put(node);
        Ok(())
    }

    fn count(&mut self, nodes: usize, at: Place) -> Result<(), Stop> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX { Err((at, Problem::TooManyValues)) } else { Ok(()) }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, at: Place) {
        if let Some(tag) = tag {
            self.report.add(at, Problem::Tag(tag.original()));
        }
    }

    /// Gives a complete value to whatever waits for one.
    fn put(&mut self, node: Node) {
        match self.open.last_mut().map(|it| &mut it.children) {
            None => self.root = Some(node),
            Some(Children::Items(items)) => items.push(node),
            Some(Children::Entries { done, keys, merged, next }) => {
                *next = match mem::replace(next, NextKey::Key) {
                    NextKey::Key => key(node, keys, self.report),
                    NextKey::Value(place, key) => {
                        done.push(Entry { place, key, value: node });
                        NextKey::Key
                    }
                    NextKey::Merge => {
                        merged.push(node);
                        NextKey::Key
                    }
                    NextKey::Nothing => NextKey::Key,
                };
            }
        }
    }
}

fn key(node: Node, keys: &mut BTreeSet<String>, report: &mut Report<'_>) -> NextKey {
    let text = match (&node.value, node.text()) {
        (_, Some("<<")) => return NextKey::Merge,
        (_, Some(text)) => text.to_owned(),
        _ => {
            report.add(node.place, Problem::KeyNotText(node.describe()));
            return NextKey::Nothing;
        }
    };
    if keys.insert(text.clone()) {
        NextKey::Value(node.place, text)
    } else {
        report.add(node.place, Problem::DuplicateKey(text));
        NextKey::Nothing
    }
}

/// How many lists and mappings lie in each other.
fn depth(node: &Node) -> usize {
    let children = match &node.value {
        Value::List(items) => items.iter().map(depth).max(),
        Value::Map(entries) => entries.iter().map(|it| depth(&it.value)).max(),
        _ => return 0,
    };
    1 + children.unwrap_or(0)
}

fn place(mark: &Marker) -> Place {
    let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    Place { line: number(mark.line()).max(1), column: number(mark.col()).saturating_add(1) }
}

fn unreadable(error: &ScanError) -> Stop {
    let problem = match error.kind() {
        granit_parser::ErrorKind::RecursionLimitExceeded => Problem::TooDeep,
        kind => Problem::Syntax(kind.to_string()),
    };
    (place(error.marker()), problem)
}
