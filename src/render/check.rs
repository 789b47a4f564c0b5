//! Checks what a template says with its variables, in every branch, before it ever runs.
//!
//! Handlebars' strict mode misses `{{#if typo}}` and prints nothing for a value that is
//! there but empty. So each path is looked up in the declared variables of the mail kind,
//! and a value that may be missing may be printed only where the template has asked for it
//! (email-requirements S1; every optional value has a written fallback).

mod paths;
mod values;

use super::{
    expand::MAX_NESTING,
    mjml::Place,
    problem::{Fault, nearest},
    schema::{Node, Sort},
    tag::{Call, Expr, ExprKind, Tag, TagKind},
};

/// Helpers that print, and the sort of value each takes.
const PRINTING: [(&str, &[Sort]); 9] = [
    ("money", &[Sort::Money]),
    ("date", &[Sort::Time]),
    ("weekday", &[Sort::Time]),
    ("time", &[Sort::Time]),
    ("number", &[Sort::Number]),
    ("plural", &[Sort::Number]),
    ("list", &[Sort::List]),
    ("url", &[Sort::Url]),
    ("fallback", &[Sort::Text]),
];
/// Helpers that decide, for use in the brackets of `if` and `unless`.
const DECIDING: [&str; 9] = ["and", "or", "not", "eq", "ne", "gt", "gte", "lt", "lte"];
const BLOCKS: [&str; 4] = ["if", "unless", "each", "with"];

/// Checks the tags of a text; `places` says where each stands, `None` for plain text.
pub(crate) fn check(
    tags: &[Tag],
    places: Option<&[Option<Place>]>,
    schema: &Node,
    plural_forms: &[&str],
) -> Vec<(usize, Fault)> {
    let mut walk = Walk {
        schema,
        plural_forms,
        frames: vec![Frame {
            this: Some((String::new(), schema)),
            names: Vec::new(),
            in_each: false,
        }],
        blocks: Vec::new(),
        known: Vec::new(),
        faults: Vec::new(),
    };
    for (index, tag) in tags.iter().enumerate() {
        let place = places.map_or(Some(Place::Text), |places| places[index]);
        walk.tag(tag, place.unwrap_or(Place::Text));
    }
    if places.is_none() {
        walk.unclosed();
    }
    walk.faults
}

type Named<'s> = (String, &'s Node);

struct Frame<'s> {
    /// What `this` is, with its path from the top; `None` where that is unknown.
    this: Option<Named<'s>>,
    /// The names behind `as |…|`; the index has no variable.
    names: Vec<(String, Option<Named<'s>>)>,
    in_each: bool,
}

struct Block {
    name: String,
    at: usize,
    has_frame: bool,
    /// How much was known to be there before the block.
    known_before: usize,
    /// What is known to be there when the condition does not hold.
    known_in_else: Vec<String>,
}

struct Walk<'s, 'p> {
    schema: &'s Node,
    plural_forms: &'p [&'p str],
    frames: Vec<Frame<'s>>,
    blocks: Vec<Block>,
    /// Paths that were asked for and are there.
    known: Vec<String>,
    faults: Vec<(usize, Fault)>,
}

impl Walk<'_, '_> {
    fn fault(&mut self, at: usize, message: impl Into<String>, hint: impl Into<String>) {
        self.faults.push((at, Fault::new(message, hint)));
    }

    fn tag(&mut self, tag: &Tag, place: Place) {
        match &tag.kind {
            TagKind::Comment | TagKind::Partial(_) => {}
            TagKind::Value(call) => self.value(call, place),
            TagKind::Open(call, names) => self.open(call, names, tag.start),
            TagKind::Else(condition) => self.else_branch(condition.as_ref(), tag.start),
            TagKind::Close(name) => self.close(name, tag.start),
        }
    }

    fn open(&mut self, call: &Call, names: &[String], at: usize) {
        let name = call.name.as_str();
        if self.blocks.len() >= MAX_NESTING {
            self.fault(at, "blocks nest deeper than 32", "flatten them");
        }
        let mut block = Block {
            name: name.to_owned(),
            at,
            has_frame: matches!(name, "each" | "with"),
            known_before: self.known.len(),
            known_in_else: Vec::new(),
        };
        if !BLOCKS.contains(&name) {
            let hint = nearest(name, BLOCKS.into_iter());
            self.fault(call.at, format!("there is no block `{name}`"), hint);
        } else if let Some((_, value)) = call.hash.first() {
            self.fault(value.at, format!("`{name}` takes no keys"), "");
        } else if let [condition] = call.params.as_slice() {
            if block.has_frame {
                self.enter(name, condition, names);
            } else {
                let (mut holds, mut fails) = (Vec::new(), Vec::new());
                self.condition(condition, &mut holds, &mut fails);
                if name == "unless" {
                    std::mem::swap(&mut holds, &mut fails);
                }
                self.known.extend(holds);
                block.known_in_else = fails;
            }
        } else {
            self.fault(
                call.at,
                format!("`{name}` takes one value"),
                "use `(and …)` or `(or …)`",
            );
            if block.has_frame {
                self.frames.push(Frame {
                    this: None,
                    names: Vec::new(),
                    in_each: name == "each",
                });
            }
        }
        self.blocks.push(block);
    }

    fn enter(&mut self, name: &str, subject: &Expr, names: &[String]) {
        let is_each = name == "each";
        let found = if let ExprKind::Path(path) = &subject.kind {
            self.resolve(path, subject.at)
        } else {
            self.fault(subject.at, format!("`{name}` takes a variable"), "");
            None
        };
        let mut this = None;
        if let Some((path, node)) = found {
            match (is_each, node.item.as_deref()) {
                (true, Some(item)) => {
                    self.require_parents(&path, subject.at);
                    this = Some((format!("{path}[]"), item));
                }
                (false, None) if node.sort == Sort::Group => {
                    self.known.push(path.clone());
                    this = Some((path, node));
                }
                (true, None) => self.fault(subject.at, format!("`{path}` is no list"), ""),
                (false, _) => self.fault(subject.at, format!("`{path}` has no parts"), ""),
            }
        }
        let names = names
            .iter()
            .enumerate()
            .map(|(index, name)| (name.clone(), if index == 0 { this.clone() } else { None }))
            .collect();
        self.frames.push(Frame {
            this,
            names,
            in_each: is_each,
        });
    }

    fn else_branch(&mut self, condition: Option<&Call>, at: usize) {
        let Some(block) = self.blocks.last_mut() else {
            return;
        };
        let before = block.known_before;
        let fails = std::mem::take(&mut block.known_in_else);
        let has_frame = block.has_frame;
        self.known.truncate(before);
        self.known.extend(fails.iter().cloned());
        if has_frame {
            // In the `else` of `each` and `with`, `this` is what it was outside.
            let names = Vec::new();
            let outer = self.frames.len().saturating_sub(2);
            let this = self.frames.get(outer).and_then(|frame| frame.this.clone());
            let in_each = self.frames.get(outer).is_some_and(|frame| frame.in_each);
            if let Some(frame) = self.frames.last_mut() {
                *frame = Frame {
                    this,
                    names,
                    in_each,
                };
            }
        }
        let Some(call) = condition else { return };
        let [expr] = call.params.as_slice() else {
            self.fault(at, "`else if` takes one value", "use `(and …)` or `(or …)`");
            return;
        };
        let (mut holds, mut more_fails) = (Vec::new(), Vec::new());
        self.condition(expr, &mut holds, &mut more_fails);
        self.known.extend(holds);
        if let Some(block) = self.blocks.last_mut() {
            block.known_in_else = fails;
            block.known_in_else.extend(more_fails);
        }
    }

    fn close(&mut self, name: &str, at: usize) {
        match self.blocks.pop() {
            Some(block) => {
                if block.name != name {
                    // Markup checks say this with more context; plain text has only this check.
                    self.fault(
                        at,
                        format!("`{{{{/{name}}}}}` closes `{{{{#{}}}}}`", block.name),
                        format!("write `{{{{/{}}}}}`", block.name),
                    );
                }
                self.known.truncate(block.known_before);
                if block.has_frame && self.frames.len() > 1 {
                    self.frames.pop();
                }
            }
            None => self.fault(at, format!("`{{{{/{name}}}}}` closes nothing"), ""),
        }
    }

    fn unclosed(&mut self) {
        let open: Vec<(usize, String)> = self
            .blocks
            .iter()
            .map(|block| (block.at, block.name.clone()))
            .collect();
        for (at, name) in open {
            self.fault(at, format!("`{{{{#{name}}}}}` is never closed"), "");
        }
    }

    /// Checks a condition and collects what is known to be there when it holds, and when not.
    fn condition(&mut self, expr: &Expr, holds: &mut Vec<String>, fails: &mut Vec<String>) {
        match &expr.kind {
            ExprKind::Path(path) if path.starts_with('@') && !path.starts_with("@root") => {
                self.loop_variable(path, expr.at);
            }
            ExprKind::Path(path) => {
                if let Some((path, _)) = self.resolve(path, expr.at) {
                    holds.push(path);
                }
            }
            ExprKind::Call(call) => self.deciding(call, holds, fails),
            ExprKind::Text(_) | ExprKind::Number(_) | ExprKind::Bool(_) => {}
        }
    }

    fn deciding(&mut self, call: &Call, holds: &mut Vec<String>, fails: &mut Vec<String>) {
        let name = call.name.as_str();
        if !DECIDING.contains(&name) {
            let hint = nearest(name, DECIDING.into_iter());
            self.fault(call.at, format!("`{name}` decides nothing"), hint);
            return;
        }
        let wanted = match name {
            "not" => 1..=1,
            "and" | "or" => 2..=8,
            _ => 2..=2,
        };
        if !wanted.contains(&call.params.len()) || !call.hash.is_empty() {
            self.fault(
                call.at,
                format!("`{name}` has too few or too many values"),
                "",
            );
        }
        let mut all_hold = Vec::new();
        let mut all_fail = Vec::new();
        for param in &call.params {
            self.condition(param, &mut all_hold, &mut all_fail);
        }
        match name {
            "and" | "eq" => holds.extend(all_hold),
            "or" => fails.extend(all_fail),
            "not" => {
                holds.extend(all_fail);
                fails.extend(all_hold);
            }
            _ => {}
        }
    }

    fn loop_variable(&mut self, name: &str, at: usize) {
        if !matches!(name, "@index" | "@first" | "@last") {
            self.fault(at, format!("there is no variable `{name}`"), "");
        } else if !self.frames.last().is_some_and(|frame| frame.in_each) {
            self.fault(
                at,
                format!("`{name}` has a value inside `{{{{#each}}}}` only"),
                "",
            );
        }
    }
}

#[cfg(test)]
#[path = "check/tests.rs"]
mod tests;
