//! Checks what a template says with its variables, in every branch, before it ever runs.
//!
//! Handlebars' strict mode misses `{{#if typo}}` and prints nothing for a value that is
//! there but empty. So each path is looked up in the declared variables of the mail kind,
//! and a value that may be missing may be printed only where the template has asked for it
//! (email-requirements S1; every optional value has a written fallback).

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

impl<'s> Walk<'s, '_> {
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

    fn value(&mut self, call: &Call, place: Place) {
        if call.params.is_empty() && call.hash.is_empty() {
            self.bare(call, place);
            return;
        }
        if place == Place::Color {
            self.fault(call.at, "a colour attribute takes a colour alone", "");
            return;
        }
        let name = call.name.as_str();
        let Some((_, sorts)) = PRINTING.iter().find(|(known, _)| *known == name) else {
            let hint = if DECIDING.contains(&name) {
                format!("`{name}` belongs in brackets: `{{{{#if ({name} …)}}}}`")
            } else if name == "log" || name == "lookup" || name == "raw" {
                "write the variable itself".to_owned()
            } else {
                nearest(name, PRINTING.iter().map(|(known, _)| *known))
            };
            self.fault(call.at, format!("there is no helper `{name}`"), hint);
            return;
        };
        if name == "url" && place == Place::Attribute {
            self.fault(call.at, "an address belongs in `href` or in text", "");
        }
        self.printing(call, sorts);
    }

    fn bare(&mut self, call: &Call, place: Place) {
        if place != Place::Color && PRINTING.iter().any(|(known, _)| *known == call.name) {
            self.fault(
                call.at,
                format!("the helper `{}` has no value", call.name),
                format!("write `{{{{{} …}}}}`", call.name),
            );
            return;
        }
        if matches!(call.name.as_str(), "@index" | "@first" | "@last") {
            self.loop_variable(&call.name, call.at);
            return;
        }
        let Some((path, node)) = self.resolve(&call.name, call.at) else {
            return;
        };
        self.require(&path, call.at);
        let helper = match node.sort {
            Sort::Color if place == Place::Color => return,
            _ if place == Place::Color => {
                self.fault(call.at, format!("`{path}` is no colour"), "");
                return;
            }
            Sort::Text | Sort::Number => return,
            Sort::Url => "url",
            Sort::Money => "money",
            Sort::Time => "date",
            Sort::List => "list",
            Sort::Flag | Sort::Group | Sort::Color => {
                self.fault(
                    call.at,
                    format!("`{path}` cannot be printed"),
                    "ask for it with `{{#if …}}` or name a value in it",
                );
                return;
            }
        };
        self.fault(
            call.at,
            format!("`{path}` needs the helper `{helper}`"),
            format!("write `{{{{{helper} {}}}}}`", call.name),
        );
    }

    fn printing(&mut self, call: &Call, sorts: &[Sort]) {
        let name = call.name.as_str();
        let Some(first) = call.params.first() else {
            self.fault(call.at, format!("the helper `{name}` has no value"), "");
            return;
        };
        let found = if let ExprKind::Path(path) = &first.kind {
            self.resolve(path, first.at)
        } else {
            self.fault(first.at, format!("`{name}` takes a variable here"), "");
            None
        };
        if let Some((path, node)) = found {
            if name != "fallback" {
                self.require(&path, first.at);
            }
            if !sorts.contains(&node.sort) {
                self.fault(
                    first.at,
                    format!("`{name}` cannot write `{path}`"),
                    expected(node.sort),
                );
            } else if name == "list" {
                self.list(call, node);
            }
        }
        let (params, keys): (usize, &[&str]) = match name {
            "plural" => (1, &["zero", "one", "two", "few", "many", "other"]),
            "list" | "fallback" => (2, &[]),
            _ => (1, &[]),
        };
        if let Some(extra) = call.params.get(params) {
            self.fault(extra.at, format!("`{name}` takes no further value"), "");
        }
        for (key, value) in &call.hash {
            if !keys.contains(&key.as_str()) {
                self.fault(value.at, format!("`{name}` has no key `{key}`"), "");
            } else if !matches!(value.kind, ExprKind::Text(_)) {
                self.fault(value.at, format!("`{key}` is a text in quotes"), "");
            }
        }
        if name == "plural" {
            for form in self.plural_forms {
                if !call.hash.iter().any(|(key, _)| key == form) {
                    self.faults.push((
                        call.at,
                        Fault::new(
                            format!("`plural` lacks the form `{form}` of this language"),
                            format!("add `{form}=\"# …\"`"),
                        ),
                    ));
                }
            }
        }
        if name == "fallback"
            && !matches!(
                call.params.get(1).map(|p| &p.kind),
                Some(ExprKind::Text(text)) if !text.trim().is_empty()
            )
        {
            self.fault(
                call.at,
                "`fallback` needs a text in quotes behind the variable",
                "",
            );
        }
    }

    fn list(&mut self, call: &Call, node: &'s Node) {
        let item = node.item.as_deref();
        match (call.params.get(1), item) {
            (None, Some(item)) if item.sort == Sort::Text => {}
            (None, _) => self.fault(
                call.at,
                "`list` needs to know which value of each item",
                "write `{{list order.items \"title\"}}`",
            ),
            (Some(field), Some(item)) => {
                let ExprKind::Text(key) = &field.kind else {
                    self.fault(field.at, "the value of each item is a name in quotes", "");
                    return;
                };
                let is_text = item
                    .children
                    .get(key.as_str())
                    .is_some_and(|child| child.sort == Sort::Text && !child.is_optional);
                if !is_text {
                    let hint = nearest(key, item.children.keys().copied());
                    self.fault(field.at, format!("the items have no text `{key}`"), hint);
                }
            }
            (Some(_), None) => {}
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

    /// The variable a path names from here; says what is wrong if there is none.
    fn resolve(&mut self, path: &str, at: usize) -> Option<Named<'s>> {
        let mut frame = self.frames.len() - 1;
        let mut rest = path;
        while let Some(outer) = rest.strip_prefix("../") {
            if frame == 0 {
                self.fault(
                    at,
                    format!("`{path}` leads out of the mail"),
                    "take `../` away",
                );
                return None;
            }
            frame -= 1;
            rest = outer;
        }
        let (start, names): (Option<Named<'s>>, &str) =
            if let Some(rest) = rest.strip_prefix("@root.") {
                (Some((String::new(), self.schema)), rest)
            } else if let Some(rest) = rest.strip_prefix("this.") {
                (self.frames[frame].this.clone(), rest)
            } else if rest == "this" || rest == "." {
                (self.frames[frame].this.clone(), "")
            } else {
                let head = rest.split('.').next().unwrap_or(rest);
                let named = self.frames[..=frame]
                    .iter()
                    .rev()
                    .flat_map(|frame| &frame.names)
                    .find(|(name, _)| name == head);
                match named {
                    Some((_, found)) => (
                        found.clone(),
                        rest[head.len()..].strip_prefix('.').unwrap_or_default(),
                    ),
                    None => (self.frames[frame].this.clone(), rest),
                }
            };
        let (mut full, mut node) = start?;
        for name in names.split('.').filter(|name| !name.is_empty()) {
            let Some(child) = node.children.get(name) else {
                self.unknown(path, &full, name, node, at);
                return None;
            };
            if !full.is_empty() {
                full.push('.');
            }
            full.push_str(name);
            node = child;
        }
        Some((full, node))
    }

    fn unknown(&mut self, path: &str, full: &str, name: &str, node: &Node, at: usize) {
        let is_top = self
            .schema
            .children
            .contains_key(path.split('.').next().unwrap_or(path));
        let hint = if is_top && !full.is_empty() && self.frames.len() > 1 {
            format!("inside `{{{{#each}}}}` write `@root.{path}`")
        } else {
            let dot = if full.is_empty() { "" } else { "." };
            let known: Vec<String> = node
                .children
                .keys()
                .map(|child| format!("{full}{dot}{child}"))
                .collect();
            let near = nearest(
                &format!("{full}{dot}{name}"),
                known.iter().map(String::as_str),
            );
            if near.is_empty() && full.is_empty() {
                let roots = self.schema.children.keys().copied().collect::<Vec<_>>();
                format!("this mail knows {}", roots.join(", "))
            } else {
                near
            }
        };
        self.fault(at, format!("there is no variable `{path}`"), hint);
    }

    /// Says so where a value that may be missing is printed without being asked for.
    fn require(&mut self, path: &str, at: usize) {
        self.require_prefixes(path, at, true);
    }

    fn require_parents(&mut self, path: &str, at: usize) {
        self.require_prefixes(path, at, false);
    }

    fn require_prefixes(&mut self, path: &str, at: usize, with_last: bool) {
        let mut node = self.schema;
        let mut full = String::new();
        let names: Vec<&str> = path.split('.').filter(|name| !name.is_empty()).collect();
        for (index, name) in names.iter().enumerate() {
            let plain = name.strip_suffix("[]").unwrap_or(name);
            let Some(child) = node.children.get(plain) else {
                return;
            };
            node = child;
            if !full.is_empty() {
                full.push('.');
            }
            full.push_str(plain);
            let is_last = index + 1 == names.len();
            let is_known = || {
                self.known
                    .iter()
                    .any(|known| known == &full || known.starts_with(&format!("{full}.")))
            };
            if node.is_optional && (with_last || !is_last) && !is_known() {
                self.fault(
                    at,
                    format!("`{full}` may be missing"),
                    format!("write it inside `{{{{#if {full}}}}}…{{{{else}}}}…{{{{/if}}}}`"),
                );
                return;
            }
            if name.ends_with("[]") {
                full.push_str("[]");
                match node.item.as_deref() {
                    Some(item) => node = item,
                    None => return,
                }
            }
        }
    }
}

fn expected(sort: Sort) -> String {
    match sort {
        Sort::Text => "it is text: write it alone".to_owned(),
        Sort::Url => "it is an address: use `url`".to_owned(),
        Sort::Money => "it is an amount: use `money`".to_owned(),
        Sort::Time => "it is a date: use `date`, `weekday` or `time`".to_owned(),
        Sort::Number => "it is a number: use `number` or `plural`".to_owned(),
        Sort::Flag => "it is yes or no: use `{{#if …}}`".to_owned(),
        Sort::Color => "it is a colour".to_owned(),
        Sort::Group => "name a value in it".to_owned(),
        Sort::List => "it is a list: use `{{#each …}}` or `list`".to_owned(),
    }
}

#[cfg(test)]
#[path = "check/tests.rs"]
mod tests;
