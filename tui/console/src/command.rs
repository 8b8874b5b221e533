//! The one table of what can be done. Keys, hints, help, palette and the written reference come from it; nothing else
//! knows what a key means, but for what is being typed into a text or chosen in a dialog.

mod act;
pub(crate) mod aim;
pub(crate) mod go;
mod look;
pub(crate) mod table;

pub(crate) use look::copies_of;

use crate::app::App;
use crate::effect::Effect;
use crate::key::Key;
use crate::screens::Kind;

/// How dangerous a command is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    /// It only looks.
    Look,
    /// It acts at once, and can be undone at once.
    Undoable,
    /// It asks in a dialog that shows the daemon's plan.
    Asks,
    /// The same, and something must be typed.
    Typed,
}

/// Where a command is offered at the bottom of the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hint {
    None,
    /// In the row of what works on the selection.
    Verb(&'static str),
    /// In the row of what works on the screen.
    General(&'static str),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Command {
    /// Its name; also what is typed in the palette.
    pub(crate) id: &'static str,
    /// Other words for it, those of the command line.
    pub(crate) words: &'static [&'static str],
    /// What it does, in a few words.
    pub(crate) title: &'static str,
    /// What it does, in a sentence.
    pub(crate) doc: &'static str,
    pub(crate) keys: &'static [Key],
    pub(crate) level: Level,
    /// Where it works.
    pub(crate) scope: &'static [Kind],
    pub(crate) hint: Hint,
    /// Whether it makes sense now, or why not: a lower-case fragment.
    pub(crate) enabled: fn(&App) -> Result<(), String>,
    /// Carries it out; the text is what was typed behind its name, empty where a key was pressed.
    pub(crate) run: fn(&mut App, &str) -> Vec<Effect>,
}

impl Command {
    /// Whether it can be run now, or why not. What acts needs a daemon that answers.
    pub(crate) fn is_allowed(&self, app: &App) -> Result<(), String> {
        if !self.scope.contains(&app.kind()) {
            return Err("not on this screen".to_owned());
        }
        if self.level > Level::Look {
            app.can_act()?;
        }
        (self.enabled)(app)
    }

    /// Its keys as they are written.
    pub(crate) fn keys_text(&self) -> String {
        self.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// For commands that always make sense.
pub(crate) fn always(_: &App) -> Result<(), String> {
    Ok(())
}

/// What a key does on a screen.
pub(crate) fn by_key(kind: Kind, key: Key) -> Option<&'static Command> {
    table::all().find(|it| it.scope.contains(&kind) && it.keys.contains(&key))
}

/// The command of a name, or of a word that means the same.
pub(crate) fn by_word(word: &str) -> Option<&'static Command> {
    table::all().find(|it| it.id == word || it.words.contains(&word))
}

/// All commands for a manual: keys, name, what it does, and on which screens; one line each.
pub fn reference() -> String {
    let line = |it: &Command| {
        let screens: Vec<&str> = it.scope.iter().map(|it| it.name()).collect();
        let screens = match it.scope.len() {
            len if len == Kind::ALL.len() => "everywhere".to_owned(),
            _ => screens.join(", "),
        };
        format!("{}\t{}\t{}\t{}\n", it.keys_text(), it.id, it.doc, screens)
    };
    table::all().map(line).collect()
}
