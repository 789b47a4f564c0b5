//! Puts layout, mail and partials into one text, at load, and remembers where each byte came from.
//!
//! A partial is a piece of MJML, so it must be in place before MJML is compiled. Its
//! `key=value` pairs are put in by name: `{{label}}` in the partial becomes the text or the
//! variable the mail passed. Nothing is left for Handlebars to include, so partials cannot
//! recurse at run time and cannot hide variables of the mail.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    files::TemplateFiles,
    front_matter::Entry,
    problem::{Fault, TemplateProblem, nearest},
    tag::{self, Call, Expr, ExprKind, Tag, TagKind},
};

/// How deep partials and blocks may nest (email-requirements S2).
pub(crate) const MAX_NESTING: usize = 32;
/// How large a mail may be with its partials in place: far beyond any mail, so that partials
/// that double themselves end here.
const MAX_EXPANDED: usize = 1024 * 1024;

/// The words of one locale that partials use, by key, with the file they stand in.
pub(crate) type Words = BTreeMap<String, (String, Entry)>;

/// A text with everything in place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expanded {
    pub(crate) text: String,
    origins: Vec<Origin>,
}

#[derive(Debug, Clone)]
struct Origin {
    start: usize,
    file: String,
    at: usize,
    /// Whether the bytes are those of the file, so that an offset inside counts on.
    verbatim: bool,
}

impl Expanded {
    /// The file and byte offset a byte of the text came from.
    pub(crate) fn locate(&self, offset: usize) -> (&str, usize) {
        let index = self
            .origins
            .partition_point(|origin| origin.start <= offset)
            .saturating_sub(1);
        match self.origins.get(index) {
            None => ("", 0),
            Some(origin) if origin.verbatim => (
                &origin.file,
                origin.at + offset.saturating_sub(origin.start),
            ),
            Some(origin) => (&origin.file, origin.at),
        }
    }

    fn push(&mut self, text: &str, file: &str, at: usize, verbatim: bool) {
        if !text.is_empty() {
            self.origins.push(Origin {
                start: self.text.len(),
                file: file.to_owned(),
                at,
                verbatim,
            });
            self.text.push_str(text);
        }
    }
}

/// Whether text from words, keys and heads is put into markup or into plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Markup,
    Plain,
}

/// A stretch of one file.
#[derive(Debug, Clone)]
pub(crate) struct Stretch<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    /// Byte offset of `text` in the file.
    pub(crate) at: usize,
    /// Whether it is plain text that must be escaped in markup.
    pub(crate) plain: bool,
}

/// What a key of a partial stands for.
#[derive(Debug, Clone)]
enum Arg {
    Path(String),
    Text {
        file: String,
        at: usize,
        text: String,
    },
}

/// What it takes to put a mail together.
pub(crate) struct Expander<'a> {
    pub(crate) files: &'a TemplateFiles,
    pub(crate) words: &'a Words,
    pub(crate) words_file: &'a str,
    /// What a layout may include by name: `body`, `subject`, `preheader`.
    pub(crate) slots: BTreeMap<&'a str, Stretch<'a>>,
    /// Variables a partial's keys must not hide.
    pub(crate) reserved: &'a [&'a str],
    pub(crate) target: Target,
    pub(crate) problems: &'a mut BTreeSet<TemplateProblem>,
}

impl<'a> Expander<'a> {
    /// The text of a stretch with everything in place.
    pub(crate) fn run(&mut self, stretch: &Stretch<'a>) -> Expanded {
        let mut out = Expanded::default();
        self.stretch(stretch, &BTreeMap::new(), &mut Vec::new(), &mut out);
        out
    }

    fn problem(&mut self, file: &str, at: usize, fault: Fault) {
        let text = self.files.get(file).unwrap_or_default();
        self.problems
            .insert(TemplateProblem::at(file, text, at, fault));
    }

    fn stretch(
        &mut self,
        stretch: &Stretch<'_>,
        args: &BTreeMap<String, Arg>,
        stack: &mut Vec<String>,
        out: &mut Expanded,
    ) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        let (tags, faults) = tag::read(stretch.text);
        for (at, fault) in faults {
            self.problem(stretch.file, stretch.at + at, fault);
        }
        let mut from = 0;
        for tag in &tags {
            self.literal(stretch, from, tag.start, out);
            from = tag.end;
            self.tag(stretch, tag, args, stack, out, &mut used);
        }
        self.literal(stretch, from, stretch.text.len(), out);
        used
    }

    fn literal(&self, stretch: &Stretch<'_>, from: usize, to: usize, out: &mut Expanded) {
        let text = &stretch.text[from..to];
        if stretch.plain && self.target == Target::Markup && text.contains(['&', '<', '>', '"']) {
            let escaped = text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;");
            out.push(&escaped, stretch.file, stretch.at + from, false);
        } else {
            out.push(text, stretch.file, stretch.at + from, true);
        }
    }

    fn tag(
        &mut self,
        stretch: &Stretch<'_>,
        tag: &Tag,
        args: &BTreeMap<String, Arg>,
        stack: &mut Vec<String>,
        out: &mut Expanded,
        used: &mut BTreeSet<String>,
    ) {
        match &tag.kind {
            TagKind::Comment => {}
            TagKind::Partial(call) => self.partial(stretch, call, args, stack, out, used),
            TagKind::Value(call) if call.name == "word" => {
                if let Some(Arg::Text { file, at, text }) = self.word(stretch, call) {
                    self.insert_text(&file, at, &text, args, stack, out, used);
                }
            }
            TagKind::Value(call) if call.params.is_empty() && call.hash.is_empty() => {
                match args.get(&call.name).cloned() {
                    Some(Arg::Text { file, at, text }) => {
                        used.insert(call.name.clone());
                        // The text was written by the caller: its own keys are not in reach.
                        self.insert_text(&file, at, &text, &BTreeMap::new(), stack, out, used);
                    }
                    _ => self.rewritten(stretch, tag, args, out, used),
                }
            }
            _ => self.rewritten(stretch, tag, args, out, used),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one step of a recursive walk")]
    fn insert_text(
        &mut self,
        file: &str,
        at: usize,
        text: &str,
        args: &BTreeMap<String, Arg>,
        stack: &mut Vec<String>,
        out: &mut Expanded,
        used: &mut BTreeSet<String>,
    ) {
        if stack.len() >= MAX_NESTING || out.text.len() > MAX_EXPANDED {
            let fault = Fault::new("words include each other", "write the text out");
            self.problem(file, at, fault);
            return;
        }
        stack.push(format!("word at {at}"));
        let stretch = Stretch {
            file,
            text,
            at,
            plain: true,
        };
        used.extend(self.stretch(&stretch, args, stack, out));
        stack.pop();
    }

    /// The word a `word "key"` call names.
    fn word(&mut self, stretch: &Stretch<'_>, call: &Call) -> Option<Arg> {
        let [
            Expr {
                kind: ExprKind::Text(key),
                at,
                ..
            },
        ] = call.params.as_slice()
        else {
            let fault = Fault::new(
                "`word` takes one key in quotes",
                "write `{{word \"total\"}}`",
            );
            self.problem(stretch.file, stretch.at + call.at, fault);
            return None;
        };
        if let Some((file, entry)) = self.words.get(key) {
            return Some(Arg::Text {
                file: file.clone(),
                at: entry.at,
                text: entry.value.clone(),
            });
        }
        let near = nearest(key, self.words.keys().map(String::as_str));
        let hint = if near.is_empty() {
            format!("add a line `{key}: …` to {}", self.words_file)
        } else {
            near
        };
        let fault = Fault::new(format!("{} has no word `{key}`", self.words_file), hint);
        self.problem(stretch.file, stretch.at + at, fault);
        None
    }

    fn partial(
        &mut self,
        stretch: &Stretch<'_>,
        call: &Call,
        args: &BTreeMap<String, Arg>,
        stack: &mut Vec<String>,
        out: &mut Expanded,
        used: &mut BTreeSet<String>,
    ) {
        let place = stretch.at + call.at;
        let name = call.name.as_str();
        if let Some(slot) = self.slots.get(name).cloned() {
            if stack.is_empty() {
                stack.push(name.to_owned());
                self.stretch(&slot, &BTreeMap::new(), stack, out);
                stack.pop();
            } else {
                let fault = Fault::new(
                    format!("`{name}` stands in the layout only"),
                    "give the partial another name",
                );
                self.problem(stretch.file, place, fault);
            }
            return;
        }
        let file = format!("partials/{name}.hbs");
        let files = self.files;
        let Some(text) = files.get(&file) else {
            let known = files.iter().filter_map(|(name, _)| {
                name.strip_prefix("partials/")
                    .and_then(|name| name.strip_suffix(".hbs"))
            });
            let fault = Fault::new(
                format!("there is no partial `{name}`"),
                nearest(name, known),
            );
            self.problem(stretch.file, place, fault);
            return;
        };
        if stack.contains(&file) {
            let round = format!("the partial `{name}` includes itself");
            self.problem(
                stretch.file,
                place,
                Fault::new(round, "take one of them out"),
            );
            return;
        }
        if stack.len() >= MAX_NESTING || out.text.len() > MAX_EXPANDED {
            let fault = Fault::new(
                "partials nest deeper than 32 or grow too large",
                "flatten them",
            );
            self.problem(stretch.file, place, fault);
            return;
        }
        if let Some(param) = call.params.first() {
            let fault = Fault::new("a partial takes `key=value` pairs only", "name the value");
            self.problem(stretch.file, stretch.at + param.at, fault);
        }
        let inner = self.arguments(stretch, call, args, used);
        stack.push(file.clone());
        let taken = self.stretch(
            &Stretch {
                file: &file,
                text,
                at: 0,
                plain: false,
            },
            &inner,
            stack,
            out,
        );
        stack.pop();
        for (key, value) in &call.hash {
            if !taken.contains(key) {
                let fault = Fault::new(format!("the partial `{name}` has no key `{key}`"), "");
                self.problem(stretch.file, stretch.at + value.at, fault);
            }
        }
    }

    fn arguments(
        &mut self,
        stretch: &Stretch<'_>,
        call: &Call,
        args: &BTreeMap<String, Arg>,
        used: &mut BTreeSet<String>,
    ) -> BTreeMap<String, Arg> {
        let mut inner = BTreeMap::new();
        for (key, value) in &call.hash {
            let place = stretch.at + value.at;
            if self.reserved.contains(&key.as_str()) {
                let fault = Fault::new(
                    format!("the key `{key}` would hide the variable `{key}` inside the partial"),
                    "give the key another name",
                );
                self.problem(stretch.file, place, fault);
                continue;
            }
            let arg = match &value.kind {
                ExprKind::Path(path) => {
                    let head = path.split('.').next().unwrap_or(path);
                    match args.get(head) {
                        Some(Arg::Path(outer)) => {
                            used.insert(head.to_owned());
                            Some(Arg::Path(format!("{outer}{}", &path[head.len()..])))
                        }
                        Some(text) => {
                            used.insert(head.to_owned());
                            Some(text.clone())
                        }
                        None => Some(Arg::Path(path.clone())),
                    }
                }
                ExprKind::Text(text) => Some(Arg::Text {
                    file: stretch.file.to_owned(),
                    at: place + 1,
                    text: text.clone(),
                }),
                ExprKind::Call(call) if call.name == "word" => self.word(stretch, call),
                ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::Call(_) => {
                    let fault = Fault::new(
                        "a partial's value is a variable, a text in quotes or `(word \"…\")`",
                        "",
                    );
                    self.problem(stretch.file, place, fault);
                    None
                }
            };
            if let Some(arg) = arg {
                inner.insert(key.clone(), arg);
            }
        }
        inner
    }

    /// The tag as written, with the partial's keys replaced by what they stand for.
    fn rewritten(
        &mut self,
        stretch: &Stretch<'_>,
        tag: &Tag,
        args: &BTreeMap<String, Arg>,
        out: &mut Expanded,
        used: &mut BTreeSet<String>,
    ) {
        let mut paths = Vec::new();
        match &tag.kind {
            TagKind::Value(call) | TagKind::Open(call, _) | TagKind::Else(Some(call)) => {
                if matches!(tag.kind, TagKind::Value(_))
                    && call.params.is_empty()
                    && call.hash.is_empty()
                {
                    paths.push((call.at, call.at + call.name.len(), call.name.clone()));
                }
                collect_paths(call, &mut paths);
            }
            _ => {}
        }
        paths.sort_unstable();
        let mut from = tag.start;
        for (start, end, path) in paths {
            let head = path.split('.').next().unwrap_or(&path);
            let Some(arg) = args.get(head) else { continue };
            used.insert(head.to_owned());
            out.push(
                &stretch.text[from..start],
                stretch.file,
                stretch.at + from,
                true,
            );
            match arg {
                Arg::Path(outer) => {
                    let path = format!("{outer}{}", &path[head.len()..]);
                    out.push(&path, stretch.file, stretch.at + start, false);
                }
                Arg::Text { text, .. } if text.contains(['{', '"']) => {
                    let fault = Fault::new(
                        format!("the text of `{head}` cannot be a helper's value here"),
                        "pass a variable or a plain text",
                    );
                    self.problem(stretch.file, stretch.at + start, fault);
                }
                Arg::Text { text, .. } => {
                    out.push(
                        &format!("\"{text}\""),
                        stretch.file,
                        stretch.at + start,
                        false,
                    );
                }
            }
            from = end;
        }
        out.push(
            &stretch.text[from..tag.end],
            stretch.file,
            stretch.at + from,
            true,
        );
    }
}

fn collect_paths(call: &Call, paths: &mut Vec<(usize, usize, String)>) {
    for expr in call.params.iter().chain(call.hash.iter().map(|(_, v)| v)) {
        match &expr.kind {
            ExprKind::Path(path) => paths.push((expr.at, expr.end, path.clone())),
            ExprKind::Call(inner) => collect_paths(inner, paths),
            ExprKind::Text(_) | ExprKind::Number(_) | ExprKind::Bool(_) => {}
        }
    }
}

#[cfg(test)]
#[path = "expand/tests.rs"]
mod tests;
